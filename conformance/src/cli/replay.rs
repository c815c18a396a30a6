//! `blockgraph replay`: a scenario step by step.

use super::defects::defect;
use super::{Ending, On, Stop, read_text, shown, stage};
use crate::draw::draw;
use crate::museum::beside::Beside;
use crate::subject::Answer;
use crate::text::json::{self, BodyObject, Object};
use crate::text::play::{Report, Stage};
use crate::text::print::{line, print_body};
use crate::text::record::Recorded;
use crate::text::seen::answer_line;
use crate::text::table::Note;
use crate::text::{Item, Scenario, Step, parse};
use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scenario, as text or as JSON; `-` for standard input.
    file: String,
    /// What to play it on.
    #[arg(long, value_enum, default_value = "both")]
    on: Where,
    /// Let the machines with this defect take each step as well, in all its variants; a step in which it shows fails.
    #[arg(long, value_name = "DEFECT")]
    with: Option<String>,
    /// Write one line of JSON for each step.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Write only what does not hold.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Where {
    /// The formal model.
    Model,
    /// The crate; the model only says which refusals are genuine.
    Impl,
    /// Both, and they must not differ.
    Both,
}

/// Plays the file.
pub(super) fn run(arguments: &Arguments) -> Ending {
    let file = shown(&arguments.file);
    let (scenario, lines) = read(&arguments.file)?;
    let on = match arguments.on {
        Where::Model => Some(On::Model),
        Where::Impl => Some(On::Impl),
        Where::Both => None,
    };
    let mut stage = stage(on);
    if let Some(id) = &arguments.with {
        stage = stage.with(beside(id)?);
    }
    let mut show = Show { out: io::stdout().lock(), scenario: &scenario, file: &file, arguments };
    let held = show.play(&mut stage, &lines)?;
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

struct Show<'a, W: Write> {
    out: W,
    scenario: &'a Scenario,
    file: &'a str,
    arguments: &'a Arguments,
}

impl<W: Write> Show<'_, W> {
    fn play(&mut self, stage: &mut Stage, lines: &[usize]) -> Ending {
        let (mut number, mut faults) = (0, 0);
        for (index, item) in self.scenario.items.iter().enumerate() {
            let Item::Step(step) = item else { continue };
            number += 1;
            let line = lines.get(index).copied();
            let place = line.map_or_else(|| format!("{}: step {number}", self.file), |l| format!("{}:{l}", self.file));
            let report = stage.play(step, &self.scenario.names).map_err(|message| {
                Stop::Input(format!("{place}{} {message}", if line.is_some() { ":1:" } else { ":" }))
            })?;
            faults += report.faults.len();
            if self.arguments.json {
                self.json(number, line, step, &report)?;
            } else {
                self.text(number, &place, step, &report)?;
            }
            if report.parted {
                break;
            }
        }
        if !self.arguments.json && !self.arguments.quiet {
            let verdict = if faults == 0 { "all as expected".to_owned() } else { format!("{faults} not as expected") };
            let steps = if number == 1 { "step" } else { "steps" };
            writeln!(self.out, "{number} {steps}, {verdict}")?;
        }
        Ok(faults == 0)
    }

    fn text(&mut self, number: usize, place: &str, step: &Step, report: &Report) -> io::Result<()> {
        let names = &self.scenario.names;
        if !self.arguments.quiet {
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
        }
        for fault in &report.faults {
            writeln!(self.out, "FAILED {place}: {fault}")?;
        }
        Ok(())
    }

    fn json(&mut self, step_number: usize, line: Option<usize>, step: &Step, report: &Report) -> io::Result<()> {
        let names = &self.scenario.names;
        let told = Told {
            step: step_number,
            line,
            op: json::body(&step.body, names),
            outcome: json::outcome(&report.answer, names),
            observation: json::observation(&report.graph, names),
            faults: &report.faults,
        };
        writeln!(self.out, "{}", serde_json::to_string(&told)?)
    }
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
    faults: &'a [String],
}
