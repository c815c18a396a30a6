//! What differs between the model's outcome of a turn and QEMU's.

use crate::compare::answer::TurnAnswer;
use crate::compare::case::Case;
use crate::compare::refusals::{self, same_error};
use crate::compare::shown_graph;
use crate::wire::errors::QemuError;
use blockgraph_model::{Op, Outcome, State, execute};

/// Returns whether model and QEMU would agree if this had been the state before, and these had been the operations.
pub fn agrees<const N: usize, const E: usize>(case: &Case<'_, N, E>, before: &State<N, E>, ops: &[Op]) -> bool {
    let outcome = execute(before, ops, &[]);
    let other = Case { before, ops, outcome: &outcome, ..*case };
    difference(&other, other.done().unwrap_or(before)).is_none()
}

/// Returns how model and QEMU differ, or `None`. `after` is the model's state after the turn.
pub fn difference<const N: usize, const E: usize>(case: &Case<'_, N, E>, after: &State<N, E>) -> Option<String> {
    let model = || summary(case.outcome);
    match (case.answer, case.outcome) {
        (TurnAnswer::Lost(what), _) => return Some(format!("model: {}; QEMU: {what}", model())),
        (TurnAnswer::Done, Outcome::Done { .. }) => {}
        (TurnAnswer::Done, Outcome::Violates { graph, .. }) => {
            let lines = case.shown.map_or_else(Vec::new, |shown| shown.differences_from(&shown_graph::expected(graph)));
            return Some(format!("model: {}; QEMU has done it{}", model(), but(&lines)));
        }
        (TurnAnswer::Done, _) => return Some(format!("model: {}; QEMU has done it", model())),
        (TurnAnswer::Refused(_, text), Outcome::Done { .. }) => return Some(format!("model: done; QEMU: {text}")),
        (TurnAnswer::Refused(_, text), outcome) => {
            let known = case.qemu_error.is_some_and(|qemu_error| is_model_error(case, outcome, qemu_error));
            if !known {
                let lines =
                    case.shown.map_or_else(Vec::new, |shown| shown.differences_from(&shown_graph::expected(after)));
                return Some(format!("model: {}; QEMU: {text}{}", model(), but(&lines)));
            }
        }
    }
    let shown = case.shown?;
    let expected = shown_graph::expected(after);
    let lines = shown.differences_from(&expected);
    (!lines.is_empty()).then(|| format!("model: {}; the graphs differ: {}", model(), lines.join("; ")))
}

/// Formats further differences.
fn but(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!(", and otherwise: {}", lines.join("; ")) }
}

/// Returns the model's outcome in one line.
pub fn summary<const N: usize, const E: usize>(outcome: &Outcome<N, E>) -> String {
    match outcome {
        Outcome::Done { .. } => "done".to_owned(),
        Outcome::Failed { error, .. } => format!("{error:?}"),
        Outcome::Violates { .. } => format!("{:?}", outcome.violations()),
        Outcome::Refused { by } => format!("{by:?}"),
    }
}

/// Returns whether QEMU's error is one of those that the model reports, with the same parties.
pub fn is_model_error<const N: usize, const E: usize>(
    case: &Case<'_, N, E>,
    outcome: &Outcome<N, E>,
    qemu_error: &QemuError,
) -> bool {
    match outcome {
        Outcome::Failed { error, .. } => same_error(error, qemu_error),
        Outcome::Violates { graph, .. } => refusals::names_violation(&outcome.violations(), graph, qemu_error),
        _ => case.answer == &TurnAnswer::Done,
    }
}
