//! `blockgraph replay --on qemu`: a scenario on a real QEMU beside the model.

use super::step_writer::{StepWriter, counted, verdict};
use crate::ending::{Ending, Stop};
use crate::qemu_runs::{PATIENCE, program};
use blockgraph_qemu::compare::answer::TurnAnswer;
use blockgraph_qemu::compare::verdict::Verdict;
use blockgraph_qemu::scenario::concrete::{QemuPlay, ScenarioStepResult, ScenarioTurnReport};
use blockgraph_qemu::scenario::play::StepResult;
use blockgraph_qemu::scenario::scenario_names::restore_names;
use blockgraph_qemu::session::DaemonSetup;
use blockgraph_story::stage::Stage;
use blockgraph_story::text::{Item, Names};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Counts of what happened.
#[derive(Default)]
struct Counts {
    faults: usize,
    turns: usize,
    deviations: usize,
    skipped: usize,
    /// The step at which the play on QEMU ended before the end of the story.
    ended: Option<usize>,
}

/// Plays the scenario.
pub(super) fn play<W: Write>(show: &mut StepWriter<'_, W>, stage: &mut Stage) -> Ending {
    let scenario = show.scenario;
    let real = |error: io::Error| Stop::Input(format!("the real QEMU: {error}"));
    let setup = DaemonSetup::make(&program()?, PATIENCE).map_err(real)?;
    let mut play = QemuPlay::start(&setup, scenario).map_err(real)?;
    let version = setup.version.clone();
    let (mut number, mut counts) = (0, Counts::default());
    for (index, item) in scenario.items.iter().enumerate() {
        let Item::Step(step) = item else { continue };
        number += 1;
        let at = (index, number);
        let mut report = show.places.play_step(at, stage, step, &scenario.names)?;
        let result = play.play_next().map_err(real)?;
        counts.count(&result, number);
        if let StepResult::Played(taken) = &result
            && let Verdict::Differs(what) = &taken.turn.comparison.verdict
        {
            report.faults.push(format!("model and QEMU differ: {}", restore_names(what, &scenario.names)));
        }
        counts.faults += report.faults.len();
        if show.json {
            let qemu = as_json(&result, &scenario.names);
            show.json_line(at, step, &report, Some(qemu))?;
            continue;
        }
        if show.is_verbose() && !matches!(result, StepResult::AfterStop) {
            show.text(number, step, &report)?;
            lines(&result, number, &scenario.names).iter().try_for_each(|line| writeln!(show.out, "    {line}"))?;
        }
        show.faults(at, &report.faults)?;
    }
    if !show.json {
        rest(show, &counts, &play.held(), number)?;
    }
    if show.is_verbose() {
        let (turns, deviations) = (counted(counts.turns, "turn"), counted(counts.deviations, "known deviation"));
        let (steps, verdict) = (counted(number, "step"), verdict(counts.faults));
        writeln!(show.out, "{steps}, {verdict}; QEMU {version}: {turns}, {deviations}, {} left out", counts.skipped)?;
    }
    Ok(counts.faults == 0)
}

impl Counts {
    fn count(&mut self, result: &ScenarioStepResult, number: usize) {
        match result {
            StepResult::Played(taken) => {
                self.turns += 1;
                self.deviations += usize::from(matches!(taken.turn.comparison.verdict, Verdict::Deviation(_)));
                if taken.stops {
                    self.ended = Some(number);
                }
            }
            StepResult::Skipped(_) => self.skipped += 1,
            StepResult::Stopped(_) => self.ended = Some(number - 1),
            _ => {}
        }
    }
}

/// Prints the steps that QEMU did not execute, even with `--quiet`, because they must not be taken for compared.
fn rest<W: Write>(show: &mut StepWriter<'_, W>, counts: &Counts, held: &[usize], steps: usize) -> io::Result<()> {
    if let Some(ended) = counts.ended.filter(|ended| *ended < steps) {
        let from = counted(steps - ended, "step");
        writeln!(
            show.out,
            "NOT SHOWN {}: the last {from} of {steps} were judged by the model alone",
            show.places.file
        )?;
    } else if !held.is_empty() {
        let held = numbers(held);
        let none = "no QMP command does just this, and no later one did it";
        writeln!(show.out, "NOT SHOWN {}: {held}: {none}", show.places.file)?;
    }
    Ok(())
}

/// Formats step numbers: `step 3`, `steps 3, 4`.
fn numbers(steps: &[usize]) -> String {
    let all: Vec<String> = steps.iter().map(|step| (step + 1).to_string()).collect();
    format!("step{} {}", if all.len() == 1 { "" } else { "s" }, all.join(", "))
}

/// Returns the lines about a step for people.
fn lines(result: &ScenarioStepResult, number: usize, names: &Names) -> Vec<String> {
    let none = "QEMU: no QMP command does just this";
    match result {
        StepResult::Played(taken) => qemu_lines(taken, number, names),
        StepResult::PartOfTurn(last) => vec![format!("QEMU: together with step {}", last + 1)],
        StepResult::Held(why) => vec![format!("{none} yet: {}", restore_names(&why.describe(), names))],
        StepResult::Skipped(why) => {
            vec![format!("{none}: {}; without it the graphs are the same", restore_names(&why.describe(), names))]
        }
        StepResult::Stopped(why) => {
            vec![
                format!("{none}: {}", restore_names(&why.describe(), names)),
                "QEMU: the play on it ends here".to_owned(),
            ]
        }
        StepResult::AfterStop => Vec::new(),
    }
}

/// Returns QEMU's answer, and how it compares with the model's.
fn qemu_lines(taken: &ScenarioTurnReport, number: usize, names: &Names) -> Vec<String> {
    let others: Vec<usize> = taken.steps.iter().copied().filter(|step| step + 1 != number).collect();
    let with = if others.is_empty() { String::new() } else { format!(" (with {})", numbers(&others)) };
    let asked = format!("QEMU: {}{with}", taken.commands.join(", "));
    let answer = match &taken.turn.result.answer {
        TurnAnswer::Done => format!("{asked} => ok"),
        TurnAnswer::Refused(class, text) => format!("{asked} => error {class}: {}", restore_names(text, names)),
        TurnAnswer::Lost(what) => format!("{asked} => no answer: it {}", restore_names(what, names)),
    };
    let mut lines = vec![answer];
    lines.push(match &taken.turn.comparison.verdict {
        Verdict::Same => "      as the model says".to_owned(),
        Verdict::Deviation(rule) => format!("      known deviation {}: {}", rule.name(), rule.what()),
        Verdict::Differs(_) => "      DIFFERS".to_owned(),
    });
    if taken.diverged && !taken.stops {
        lines
            .push("      its graph is not the model's: it goes on from its own, and so does the comparison".to_owned());
    }
    if taken.stops {
        lines.push("      the play on it ends here".to_owned());
    }
    lines
}

/// Returns what happened to a step as JSON.
fn as_json(result: &ScenarioStepResult, names: &Names) -> Value {
    match result {
        StepResult::Played(taken) => {
            let answer = match &taken.turn.result.answer {
                TurnAnswer::Done => json!("ok"),
                TurnAnswer::Refused(class, text) => json!({"error": class, "text": restore_names(text, names)}),
                TurnAnswer::Lost(what) => json!({"lost": restore_names(what, names)}),
            };
            let (verdict, rule) = match &taken.turn.comparison.verdict {
                Verdict::Same => ("same", None),
                Verdict::Deviation(rule) => ("deviation", Some(rule.name())),
                Verdict::Differs(_) => ("differs", None),
            };
            let steps: Vec<usize> = taken.steps.iter().map(|step| step + 1).collect();
            json!({"fate": "taken", "steps": steps, "commands": taken.commands, "answer": answer, "verdict": verdict,
                "rule": rule, "moved": taken.diverged, "ends": taken.stops})
        }
        StepResult::PartOfTurn(last) => json!({"fate": "with", "step": last + 1}),
        StepResult::Held(why) => json!({"fate": "held", "why": restore_names(&why.describe(), names)}),
        StepResult::Skipped(why) => json!({"fate": "skipped", "why": restore_names(&why.describe(), names)}),
        StepResult::Stopped(why) => json!({"fate": "ended", "why": restore_names(&why.describe(), names)}),
        StepResult::AfterStop => json!({"fate": "over"}),
    }
}
