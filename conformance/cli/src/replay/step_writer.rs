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

/// The places of the steps in the file.
#[derive(Clone, Copy, Debug)]
pub struct StepPlaces<'a> {
    pub file: &'a str,
    /// The line of each item; empty for a JSON file.
    pub lines: &'a [usize],
}

impl StepPlaces<'_> {
    /// Returns the place of the item at `index`, which is step `number`.
    pub fn place(&self, index: usize, number: usize) -> String {
        match self.lines.get(index) {
            Some(line) => format!("{}:{line}", self.file),
            None => format!("{}: step {number}", self.file),
        }
    }

    /// Plays the step on the stage.
    ///
    /// # Errors
    /// If the step exceeds the model's bounds.
    pub fn play_step(
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

/// Writes the steps of a replay.
pub struct StepWriter<'a, W: Write> {
    pub out: W,
    pub scenario: &'a Scenario,
    pub places: StepPlaces<'a>,
    /// Whether each step is written as one line of JSON.
    pub json: bool,
    /// Whether only failed expectations are written.
    pub quiet: bool,
}

impl<W: Write> StepWriter<'_, W> {
    pub fn play(&mut self, stage: &mut Stage) -> Ending {
        let scenario = self.scenario;
        let (mut number, mut faults) = (0, 0);
        for (index, item) in scenario.items.iter().enumerate() {
            let Item::Step(step) = item else { continue };
            number += 1;
            let at = (index, number);
            let report = self.places.play_step(at, stage, step, &scenario.names)?;
            faults += report.faults.len();
            if self.json {
                self.json_line(at, step, &report, None)?;
            } else {
                self.text(number, step, &report)?;
                self.faults(at, &report.faults)?;
            }
            if report.diverged {
                break;
            }
        }
        if self.is_verbose() {
            writeln!(self.out, "{}, {}", counted(number, "step"), verdict(faults))?;
        }
        Ok(faults == 0)
    }

    /// Returns whether steps are written for people.
    pub fn is_verbose(&self) -> bool {
        !self.json && !self.quiet
    }

    /// Writes the step, its answer and the graph.
    pub fn text(&mut self, number: usize, step: &Step, report: &Report) -> io::Result<()> {
        let names = &self.scenario.names;
        if !self.is_verbose() {
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

    /// Writes the expectations that did not hold.
    pub fn faults(&mut self, (index, number): (usize, usize), faults: &[String]) -> io::Result<()> {
        let place = self.places.place(index, number);
        faults.iter().try_for_each(|fault| writeln!(self.out, "FAILED {place}: {fault}"))
    }

    /// Writes the step as a JSON line.
    pub fn json_line(
        &mut self,
        (index, number): (usize, usize),
        step: &Step,
        report: &Report,
        qemu: Option<Value>,
    ) -> io::Result<()> {
        let names = &self.scenario.names;
        let line = StepLine {
            step: number,
            line: self.places.lines.get(index).copied(),
            op: json::body(&step.body, names),
            outcome: json::outcome(&report.answer, names),
            observation: json::observation(&report.graph, names),
            qemu,
            faults: &report.faults,
        };
        writeln!(self.out, "{}", serde_json::to_string(&line)?)
    }
}

/// Formats a count: `1 step`, `2 steps`.
pub fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Formats the number of expectations that did not hold.
pub fn verdict(faults: usize) -> String {
    if faults == 0 { "all as expected".to_owned() } else { format!("{faults} not as expected") }
}

/// A line of `--json`.
#[derive(Serialize)]
struct StepLine<'a> {
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
