//! Where QEMU deviates and blockgraph does not on purpose. The rules look at state, operation and answer, never at the
//! words of an error. `specs/qemu-deviations.md` explains each of them.
//!
//! A rule says what QEMU should answer *and show* in its case. Where that can be expressed as a state of the model, the
//! two graphs are compared bit by bit, and the episode can go on from there.

mod activity;
mod jobs;
mod refusals;
mod reopen;
mod rule;
mod snapshots;
mod threads;

pub use rule::{Explained, Rule};

use crate::compare::case::Case;

/// Tries one rule, or several related ones.
type Try<const N: usize, const E: usize> = fn(&Case<'_, N, E>) -> Option<Explained<N, E>>;

/// Returns the rule by which this case deviates, if there is one. The order is by answer (died or hung, done, refused),
/// and within each by how much of the graph a rule determines.
pub fn explain<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let lost: &[Try<N, E>] = &[activity::lost, reopen::lost, snapshots::lost, threads::lost, jobs::lost];
    let done: &[Try<N, E>] =
        &[jobs::done, snapshots::done, threads::done, reopen::done, activity::done, refusals::opened_inline];
    let refused: &[Try<N, E>] =
        &[activity::refused, snapshots::refused, reopen::refused, threads::refused, jobs::refused, refusals::refused];
    let tries = match case.answer {
        crate::compare::answer::TurnAnswer::Lost(_) => lost,
        crate::compare::answer::TurnAnswer::Done => done,
        crate::compare::answer::TurnAnswer::Refused(..) => refused,
    };
    tries.iter().find_map(|explain| explain(case))
}
