//! A story that shows a difference, as a scenario file that `replay` plays.

use crate::model_subject;
use crate::text::results::answer_records;
use crate::text::scenario::{MOST_EDGES, MOST_NODES};
use crate::text::{Item, Names, Scenario, print};
use crate::turn::Turn;
use blockgraph_model::{Op, Outcome, State, execute};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Returns the story as a scenario in which every answer is the model's.
pub fn scenario(story: &[Turn]) -> Scenario {
    let ops: Vec<&[Op]> = story.iter().map(|turn| turn.ops.as_slice()).collect();
    let mut scenario = Scenario::of_ops(ops.iter().copied());
    let mut state = State::<MOST_NODES, MOST_EDGES>::default();
    let steps = scenario.items.iter_mut().filter_map(|item| match item {
        Item::Step(step) => Some(step),
        Item::Name(_) => None,
    });
    for (step, turn) in steps.zip(story) {
        step.refusals.clone_from(&turn.refusals);
        let outcome = execute(&state, &turn.ops, &turn.refusals);
        step.expect = answer_records(&model_subject::answer(&outcome)).into_iter().next();
        if let Outcome::Done { next, .. } = outcome {
            state = next;
        }
    }
    scenario
}

/// Returns the text of the file: a comment with the difference, then the story.
pub fn text(story: &[Turn], what: &str) -> String {
    let mut text = String::new();
    for line in what.lines() {
        text.push_str("# ");
        text.push_str(line);
        text.push('\n');
    }
    text + &print(&scenario(story))
}

/// Writes the story to a new file `NAME.scenario`, or `NAME-2.scenario` and so on. It overwrites no file.
///
/// # Errors
/// If the folder cannot be made or written to.
pub fn write(folder: &Path, name: &str, story: &[Turn], what: &str) -> io::Result<PathBuf> {
    write_with_note(folder, name, story, |_| what.to_owned())
}

/// The same as [`write()`], with a comment that depends on the path of the file.
///
/// # Errors
/// If the folder cannot be made or written to.
pub fn write_with_note(
    folder: &Path,
    name: &str,
    story: &[Turn],
    what: impl Fn(&Path) -> String,
) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    for number in 1.. {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{name}{suffix}.scenario"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text(story, &what(&path)).as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Returns a turn in one line, for reports.
pub fn line(turn: &Turn) -> String {
    let names = Names::numbered();
    let body = |op: &Op| one_line(&crate::text::printer::print_body(&crate::text::Body::Single(*op), &names));
    let ops: Vec<String> = turn.ops.iter().map(body).collect();
    let refusals = turn.refusals.iter().map(|r| format!(" while {} refuses {:?}", names.node(r.node), r.hook));
    format!("{}{}", ops.join("; "), refusals.collect::<String>())
}

/// Returns the turns of a story, one line each.
pub fn lines(story: &[Turn]) -> Vec<String> {
    story.iter().map(line).collect()
}

/// Joins the lines of a block with `;`.
fn one_line(block: &str) -> String {
    let mut line = String::new();
    for piece in block.lines().map(str::trim) {
        let between = if line.is_empty() || line.ends_with('{') || piece == "}" { " " } else { "; " };
        line.push_str(if line.is_empty() { "" } else { between });
        line.push_str(piece);
    }
    line
}
