//! `blockgraph replay`: a scenario step by step.

use super::defects::defect;
use super::{Ending, On, Stop, read_text, replay_qemu, replay_script, shown, stage};
use crate::draw::draw;
use crate::museum::beside::Beside;
use crate::subject::Answer;
use crate::text::json::{self, BodyObject, Object};
use crate::text::play::{Report, Stage};
use crate::text::print::{line, print_body};
use crate::text::record::Recorded;
use crate::text::seen::answer_line;
use crate::text::table::Note;
use crate::text::{Item, Names, Scenario, Step, parse};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scenario, as text or as JSON; `-` for standard input.
    file: String,
    /// What to play it on.
    #[arg(long, value_enum, default_value = "both")]
    on: Where,
    /// With `--on qemu`: print the QMP commands that show the scenario, instead of playing it. No QEMU is needed or started.
    #[arg(long, conflicts_with_all = ["json", "quiet", "with"])]
    print_qmp: bool,
    /// Let the machines with this defect take each step as well, in all its variants; a step in which it shows fails.
    #[arg(long, value_name = "DEFECT")]
    with: Option<String>,
    /// Write one line of JSON for each step.
    #[arg(long, conflicts_with = "quiet")]
    pub(super) json: bool,
    /// Write only what does not hold.
    #[arg(long)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Where {
    /// The formal model.
    Model,
    /// The crate; the model only says which refusals are genuine.
    Impl,
    /// Both, and they must not differ.
    Both,
    /// A real qemu-storage-daemon beside the model: what QEMU answers to each step, and whether that is what the model says.
    /// Ends with 0 if it is or differs by a known rule, with 1 if not, with 2 if no qemu-storage-daemon is installed.
    Qemu,
}

/// Plays the file.
pub(super) fn run(arguments: &Arguments) -> Ending {
    let file = shown(&arguments.file);
    let (scenario, lines) = read(&arguments.file)?;
    let qemu = matches!(arguments.on, Where::Qemu);
    match (qemu, arguments.print_qmp, &arguments.with) {
        (true, _, Some(_)) => {
            return Err(Stop::Input(
                "--with lets machines of the museum play beside model and crate, not beside QEMU".into(),
            ));
        }
        (false, true, _) => return Err(Stop::Input("--print-qmp goes with --on qemu".into())),
        (true, true, _) => return replay_script::run(&scenario, &Places { file: &file, lines: &lines }),
        _ => {}
    }
    let on = match arguments.on {
        Where::Model | Where::Qemu => Some(On::Model),
        Where::Impl => Some(On::Impl),
        Where::Both => None,
    };
    let mut stage = stage(on);
    if let Some(id) = &arguments.with {
        stage = stage.with(beside(id)?);
    }
    let places = Places { file: &file, lines: &lines };
    let mut show = Show { out: io::stdout().lock(), scenario: &scenario, places, arguments };
    let held = if qemu { replay_qemu::play(&mut show, &mut stage)? } else { show.play(&mut stage)? };
    show.out.flush()?;
    Ok(held)
}

/// The machines with a defect.
fn beside(id: &str) -> Result<Beside, Stop> {
    let defect = defect(id)?;
    Beside::with(defect).ok_or_else(|| Stop::Input(format!("no machine of the museum has {}", defect.id())))
}

/// A scenario in either spelling; a JSON one has no lines.
fn read(path: &str) -> Result<(Scenario, Vec<usize>), Stop> {
    let text = read_text(path)?;
    let read =
        if text.trim_start().starts_with('{') { json::parse(&text).map(|s| (s, Vec::new())) } else { parse(&text) };
    read.map_err(|problem| {
        let colon = if problem.place.line > 0 { ":" } else { ": " };
        Stop::Input(format!("{}{colon}{problem}", shown(path)))
    })
}

/// Where the steps stand in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    pub file: &'a str,
    /// The lines of the items; none of a JSON file.
    pub lines: &'a [usize],
}

impl Places<'_> {
    /// The place of an item, which is the step of that number.
    pub fn place(&self, index: usize, number: usize) -> String {
        match self.lines.get(index) {
            Some(line) => format!("{}:{line}", self.file),
            None => format!("{}: step {number}", self.file),
        }
    }

    /// Plays the step on the model, and on who is beside it.
    pub fn judge(
        &self,
        (index, number): (usize, usize),
        stage: &mut Stage,
        step: &Step,
        names: &Names,
    ) -> Result<Report, Stop> {
        stage.play(step, names).map_err(|message| {
            let colon = if self.lines.get(index).is_some() { ":1:" } else { ":" };
            Stop::Input(format!("{}{colon} {message}", self.place(index, number)))
        })
    }
}

/// Writes what happens.
pub(super) struct Show<'a, W: Write> {
    pub out: W,
    pub scenario: &'a Scenario,
    pub places: Places<'a>,
    pub arguments: &'a Arguments,
}

impl<W: Write> Show<'_, W> {
    fn play(&mut self, stage: &mut Stage) -> Ending {
        let scenario = self.scenario;
        let (mut number, mut faults) = (0, 0);
        for (index, item) in scenario.items.iter().enumerate() {
            let Item::Step(step) = item else { continue };
            number += 1;
            let at = (index, number);
            let report = self.places.judge(at, stage, step, &scenario.names)?;
            faults += report.faults.len();
            if self.arguments.json {
                self.json(at, step, &report, None)?;
            } else {
                self.text(number, step, &report)?;
                self.faults(at, &report.faults)?;
            }
            if report.parted {
                break;
            }
        }
        if self.speaks() {
            writeln!(self.out, "{}, {}", counted(number, "step"), verdict(faults))?;
        }
        Ok(faults == 0)
    }

    /// Is all told, to people?
    pub fn speaks(&self) -> bool {
        !self.arguments.json && !self.arguments.quiet
    }

    /// What was done, what came of it, and the graph.
    pub fn text(&mut self, number: usize, step: &Step, report: &Report) -> io::Result<()> {
        let names = &self.scenario.names;
        if !self.speaks() {
            return Ok(());
        }
        for &refusal in &step.refusals {
            writeln!(self.out, "    {}", line(&Note::from(refusal).to_record(), names))?;
        }
        writeln!(self.out, "{number:>3} {}", print_body(&step.body, names).replace('\n', "\n    "))?;
        writeln!(self.out, "    => {}", answer_line(&report.answer, names))?;
        if matches!(report.answer, Answer::Done(_)) {
            for line in draw(&report.graph, names).lines() {
                writeln!(self.out, "    {line}")?;
            }
        }
        Ok(())
    }

    /// What did not come out as it should.
    pub fn faults(&mut self, (index, number): (usize, usize), faults: &[String]) -> io::Result<()> {
        let place = self.places.place(index, number);
        faults.iter().try_for_each(|fault| writeln!(self.out, "FAILED {place}: {fault}"))
    }

    /// All of it as a line of JSON.
    pub fn json(
        &mut self,
        (index, number): (usize, usize),
        step: &Step,
        report: &Report,
        qemu: Option<Value>,
    ) -> io::Result<()> {
        let names = &self.scenario.names;
        let told = Told {
            step: number,
            line: self.places.lines.get(index).copied(),
            op: json::body(&step.body, names),
            outcome: json::outcome(&report.answer, names),
            observation: json::observation(&report.graph, names),
            qemu,
            faults: &report.faults,
        };
        writeln!(self.out, "{}", serde_json::to_string(&told)?)
    }
}

/// So many of them.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// In how many points it was not as expected.
pub(super) fn verdict(faults: usize) -> String {
    if faults == 0 { "all as expected".to_owned() } else { format!("{faults} not as expected") }
}

/// A line of `--json`.
#[derive(Serialize)]
struct Told<'a> {
    step: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    op: BodyObject<'a>,
    outcome: Vec<Object<'a>>,
    observation: Vec<Object<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qemu: Option<Value>,
    faults: &'a [String],
}
