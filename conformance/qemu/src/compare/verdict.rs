//! Compares what QEMU did with what the model says, turn by turn. Needs no daemon: a recorded answer does as well.

use crate::compare::answer::{TurnAnswer, TurnResult};
use crate::compare::case::Case;
use crate::compare::difference::difference;
use crate::deviations::{self, Rule};
use crate::state::memory::Memory;
use crate::wire::errors::{self, ErrorClass};
use blockgraph_model::judge::violations;
use blockgraph_model::{Op, Outcome, State, execute};

/// What a comparison says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing differs.
    Same,
    /// It differs as a rule says.
    Deviation(Rule),
    /// It differs: how.
    Differs(String),
}

/// A compared turn.
#[derive(Clone, Debug)]
pub struct ComparedTurn<const N: usize, const E: usize> {
    /// What differs.
    pub verdict: Verdict,
    /// The state with which the episode goes on; none: it ends here.
    pub next: Option<State<N, E>>,
    /// The kind of QEMU's refusal.
    pub class: Option<ErrorClass>,
}

/// Compares.
pub fn judge<const N: usize, const E: usize>(
    before: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
    heard: &TurnResult,
) -> ComparedTurn<N, E> {
    judge_as(before, memory, ops, &execute(before, ops, &[]), heard)
}

/// Compares with an outcome that somebody else says.
pub fn judge_as<const N: usize, const E: usize>(
    before: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
    outcome: &Outcome<N, E>,
    heard: &TurnResult,
) -> ComparedTurn<N, E> {
    let said = match &heard.told {
        TurnAnswer::Refused(class, text) => Some(errors::classify(class, text)),
        _ => None,
    };
    let (told, shown) = (&heard.told, heard.shown.as_ref());
    let case = Case { before, memory, ops, outcome, told, said: said.as_ref(), shown };
    let after = case.done().unwrap_or(before);
    let (verdict, next) = match difference(&case, after) {
        None => (Verdict::Same, Some(*after)),
        // An outcome that breaks our rules, as a defect's may, is nothing that QEMU could do otherwise on purpose.
        Some(what) => match deviations::explain(&case).filter(|_| violations(after).is_empty()) {
            // A graph that breaks our rules is no place to go on from.
            Some(known) => (Verdict::Deviation(known.rule), known.next.filter(|state| violations(state).is_empty())),
            // Nor is one to which the two have come by different answers.
            None => {
                let agreed = case.done().is_some() == (*told == TurnAnswer::Done) && case.shows(after);
                (Verdict::Differs(what), agreed.then_some(*after))
            }
        },
    };
    ComparedTurn { verdict, next, class: case.class() }
}
