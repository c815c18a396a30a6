//! Where QEMU does otherwise, and we on purpose not: rules over state, operation and answer, never over the words of a
//! sentence. `specs/qemu-deviations.md` explains each.
//!
//! A rule says what QEMU should answer *and show* in its case; where that can be said as a graph of ours the two are compared bit
//! by bit, and the episode can go on from there.

mod activity;
mod jobs;
mod refusals;
mod reopen;
mod rule;
mod snapshots;
mod threads;

pub use rule::{Explained, Rule};

use crate::compare::case::Case;

/// Tries one rule or several alike.
type Try<const N: usize, const E: usize> = fn(&Case<'_, N, E>) -> Option<Explained<N, E>>;

/// The rule by which this case differs, if there is one. What dies or hangs first, then what is done, then what is refused; and
/// of each the rules that say most of the graph before those that say least.
pub fn explain<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let lost: &[Try<N, E>] = &[activity::lost, reopen::lost, snapshots::lost, threads::lost, jobs::lost];
    let done: &[Try<N, E>] =
        &[jobs::done, snapshots::done, threads::done, reopen::done, activity::done, refusals::opened_inline];
    let refused: &[Try<N, E>] =
        &[activity::refused, snapshots::refused, reopen::refused, threads::refused, jobs::refused, refusals::refused];
    let tries = match case.told {
        crate::compare::answer::TurnAnswer::Lost(_) => lost,
        crate::compare::answer::TurnAnswer::Done => done,
        crate::compare::answer::TurnAnswer::Refused(..) => refused,
    };
    tries.iter().find_map(|explain| explain(case))
}
