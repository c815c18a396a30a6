//! Writes the steps of a replay, for people or as JSON lines.

use crate::ending::{Ending, Stop};
use blockgraph_story::drawing::draw;
use blockgraph_story::stage::{Report, Stage};
use blockgraph_story::subject::Answer;
use blockgraph_story::text::grammar::Directive;
use blockgraph_story::text::json::{self, BodyObject, Object};
use blockgraph_story::text::printer::{line, print_body};
use blockgraph_story::text::results::answer_line;
use blockgraph_story::text::schema::Recorded;
use blockgraph_story::text::{Item, Names, Scenario, Step};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// Where the steps stand in the file.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
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
pub struct Show<'a, W: Write> {
    pub out: W,
    pub scenario: &'a Scenario,
    pub places: Places<'a>,
    /// Whether each step is written as one line of JSON.
    pub json: bool,
    /// Whether only failed expectations are written.
    pub quiet: bool,
}

impl<W: Write> Show<'_, W> {
    pub fn play(&mut self, stage: &mut Stage) -> Ending {
        let scenario = self.scenario;
        let (mut number, mut faults) = (0, 0);
        for (index, item) in scenario.items.iter().enumerate() {
            let Item::Step(step) = item else { continue };
            number += 1;
            let at = (index, number);
            let report = self.places.judge(at, stage, step, &scenario.names)?;
            faults += report.faults.len();
            if self.json {
                self.json_line(at, step, &report, None)?;
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
        !self.json && !self.quiet
    }

    /// What was done, what came of it, and the graph.
    pub fn text(&mut self, number: usize, step: &Step, report: &Report) -> io::Result<()> {
        let names = &self.scenario.names;
        if !self.speaks() {
            return Ok(());
        }
        for &refusal in &step.refusals {
            writeln!(self.out, "    {}", line(&Directive::from(refusal).to_record(), names))?;
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
    pub fn json_line(
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
pub fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// In how many points it was not as expected.
pub fn verdict(faults: usize) -> String {
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
