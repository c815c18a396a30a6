//! Compares what QEMU did with what the model says, turn by turn. This needs no daemon: a recorded answer suffices.

use crate::compare::answer::{TurnAnswer, TurnResult};
use crate::compare::case::Case;
use crate::compare::difference::difference;
use crate::deviations::{self, Rule};
use crate::state::memory::Memory;
use crate::wire::errors::{self, ErrorClass};
use blockgraph_model::judge::violations;
use blockgraph_model::{Op, Outcome, State, execute};

/// The result of a comparison.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing differs.
    Same,
    /// QEMU differs as this rule says.
    Deviation(Rule),
    /// QEMU differs in this way, and no rule explains it.
    Differs(String),
}

/// A compared turn.
#[derive(Clone, Debug)]
pub struct ComparedTurn<const N: usize, const E: usize> {
    /// The result of the comparison.
    pub verdict: Verdict,
    /// The state with which the episode goes on; `None` if the episode ends here.
    pub next: Option<State<N, E>>,
    /// The class of QEMU's error.
    pub class: Option<ErrorClass>,
}

/// Compares a turn.
pub fn compare_turn<const N: usize, const E: usize>(
    before: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
    result: &TurnResult,
) -> ComparedTurn<N, E> {
    compare_with_outcome(before, memory, ops, &execute(before, ops, &[]), result)
}

/// Compares a turn with a given outcome in the model's place.
pub fn compare_with_outcome<const N: usize, const E: usize>(
    before: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
    outcome: &Outcome<N, E>,
    result: &TurnResult,
) -> ComparedTurn<N, E> {
    let qemu_error = match &result.answer {
        TurnAnswer::Refused(class, text) => Some(errors::classify(class, text)),
        _ => None,
    };
    let (answer, shown) = (&result.answer, result.shown.as_ref());
    let case = Case { before, memory, ops, outcome, answer, qemu_error: qemu_error.as_ref(), shown };
    let after = case.done().unwrap_or(before);
    let (verdict, next) = match difference(&case, after) {
        None => (Verdict::Same, Some(*after)),
        // An outcome that breaks our own rules, as a defect's may, is not a deviation on purpose.
        Some(what) => match deviations::explain(&case).filter(|_| violations(after).is_empty()) {
            // An episode cannot go on from a graph that breaks our rules.
            Some(known) => (Verdict::Deviation(known.rule), known.next.filter(|state| violations(state).is_empty())),
            // Nor can it go on from a graph that the two reached with different answers.
            None => {
                let agreed = case.done().is_some() == (*answer == TurnAnswer::Done) && case.shows(after);
                (Verdict::Differs(what), agreed.then_some(*after))
            }
        },
    };
    ComparedTurn { verdict, next, class: case.class() }
}
