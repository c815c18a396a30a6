//! `blockgraph replay --on qemu --print-qmp`: the QMP commands that show a scenario.

use super::step_writer::StepPlaces;
use crate::ending::Ending;
use blockgraph_check::stages::{Side, stage};
use blockgraph_qemu::scenario::play::{Play, StepResult};
use blockgraph_qemu::scenario::scenario_names::{ScenarioNames, restore_names};
use blockgraph_qemu::scenario::script::Script;
use blockgraph_story::text::printer::print_body;
use blockgraph_story::text::scenario::{MOST_EDGES, MOST_NODES};
use blockgraph_story::text::{Item, Scenario};
use std::io::{self, Write};

/// Prints the commands. A step that QMP cannot express becomes a comment, and a line on standard error.
pub(super) fn run(scenario: &Scenario, places: &StepPlaces<'_>) -> Ending {
    let mut stage = stage(Some(Side::Model));
    let script = Script::<MOST_NODES, MOST_EDGES>::new(ScenarioNames::of(scenario));
    let mut play = Play::new(script, scenario.steps().collect());
    play.executor.comment(&ScenarioNames::of(scenario).legend().join("\n"));
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
        play.executor.comment(&format!("step {number}: {}", body.replace('\n', "\n  ")));
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
        play.executor.comment(&format!("  {said}"));
        if !said.starts_with("with ") {
            writeln!(err, "blockgraph: {place}: {said}")?;
        }
    }
    if !play.held().is_empty() {
        let held: Vec<String> = play.held().iter().map(|step| (step + 1).to_string()).collect();
        let held = held.join(", ");
        let line = format!("not said: step {held}, since no QMP command does just this, and no later one did it");
        writeln!(err, "blockgraph: {}: {line}", places.file)?;
        play.executor.comment(&line);
        whole = false;
    }
    let mut out = io::stdout().lock();
    play.executor.lines().iter().try_for_each(|line| writeln!(out, "{line}"))?;
    out.flush()?;
    Ok(whole)
}
