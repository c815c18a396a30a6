//! Every transition of a scope on the crate.
//!
//! *Star*: for each state one graph restored from a snapshot; refused operations run one after another on that same
//! graph, accepted ones on a copy. *Walk*: one long-lived graph follows transitions until it is stuck, so that what is hidden
//! (counters, labels, free slots, stale keys) ages. After every operation the answer, the plan, the pairing of hooks,
//! the whole observation and, after accepted ones, the crate's own `check()` are compared.

pub mod differs;
pub mod star;
pub mod walk;

use crate::impl_subject::ImplSubject;
use blockgraph_model::{Op, Refusal};
use blockgraph_story::panics::guard;
use blockgraph_story::subject::Subject;
use blockgraph_story::turn::Turn;

/// A difference between model and crate, or a panic of the crate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The state (by index of the exploration) where it happened.
    pub state: u32,
    /// The operations from the empty graph that show it; the last one differs.
    pub story: Vec<Turn>,
    /// What differs.
    pub what: String,
}

/// What was compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// (state, operation) pairs that took effect.
    pub accepted: u64,
    /// (state, operation) pairs that were refused.
    pub refused: u64,
    /// (state, operation, refusal) triples: a driver refused.
    pub injected: u64,
    /// Accepted operations taken again on the way to something new.
    pub again: u64,
    /// Graphs made from snapshots.
    pub restored: u64,
}

impl Tally {
    /// Everything that was executed and compared.
    pub fn total(&self) -> u64 {
        self.accepted + self.refused + self.injected + self.again
    }

    /// Sum.
    pub fn add(&mut self, other: Tally) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.injected += other.injected;
        self.again += other.again;
        self.restored += other.restored;
    }
}

/// [`Subject::apply`] and a comparison, where a panic of the crate is a difference and not the end of the run.
pub(crate) fn guarded(
    subject: &mut ImplSubject,
    ops: &[Op],
    refusals: &[Refusal],
    compare: impl FnOnce(&ImplSubject, &blockgraph_story::subject::Answer) -> Option<String>,
) -> Option<String> {
    let compared = guard(|| {
        let answer = subject.apply(ops, refusals);
        compare(subject, &answer)
    });
    compared.unwrap_or_else(|panic| Some(format!("the crate panicked: {panic}")))
}
