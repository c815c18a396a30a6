//! `blockgraph replay --on qemu --print-qmp`: the QMP commands that show a scenario.

use super::step_writer::StepPlaces;
use crate::ending::Ending;
use blockgraph_check::stages::{Side, stage};
use blockgraph_qemu::scenario::concrete::ScriptPlay;
use blockgraph_qemu::scenario::play::StepResult;
use blockgraph_qemu::scenario::scenario_names::restore_names;
use blockgraph_story::text::printer::print_body;
use blockgraph_story::text::{Item, Scenario};
use std::io::{self, Write};

/// Prints the commands. A step that QMP cannot express becomes a comment, and a line on standard error.
pub(super) fn run(scenario: &Scenario, places: &StepPlaces<'_>) -> Ending {
    let mut stage = stage(Some(Side::Model));
    let mut play = ScriptPlay::start(scenario);
    let (mut number, mut whole) = (0, true);
    let (mut err, names) = (io::stderr().lock(), &scenario.names);
    for (index, item) in scenario.items.iter().enumerate() {
        let Item::Step(step) = item else { continue };
        number += 1;
        let report = places.play_step((index, number), &mut stage, step, &scenario.names)?;
        let place = places.place(index, number);
        for fault in &report.faults {
            writeln!(err, "FAILED {place}: {fault}")?;
            whole = false;
        }
        let body = print_body(&step.body, &scenario.names);
        play.comment(&format!("step {number}: {}", body.replace('\n', "\n  ")));
        let said = match play.play_next()? {
            StepResult::Skipped(why) => format!(
                "no QMP command does just this: {}; without it the graphs are the same",
                restore_names(&why.describe(), names)
            ),
            StepResult::Stopped(why) => {
                whole = false;
                format!(
                    "no QMP command does just this: {}; the script ends here",
                    restore_names(&why.describe(), names)
                )
            }
            StepResult::AfterStop => break,
            StepResult::Held(_) => "with a later command".to_owned(),
            StepResult::Played(_) | StepResult::PartOfTurn(_) => continue,
        };
        play.comment(&format!("  {said}"));
        if !said.starts_with("with ") {
            writeln!(err, "blockgraph: {place}: {said}")?;
        }
    }
    if !play.held().is_empty() {
        let held: Vec<String> = play.held().iter().map(|step| (step + 1).to_string()).collect();
        let held = held.join(", ");
        let line = format!("not said: step {held}, since no QMP command does just this, and no later one did it");
        writeln!(err, "blockgraph: {}: {line}", places.file)?;
        play.comment(&line);
        whole = false;
    }
    let mut out = io::stdout().lock();
    play.lines().iter().try_for_each(|line| writeln!(out, "{line}"))?;
    out.flush()?;
    Ok(whole)
}
