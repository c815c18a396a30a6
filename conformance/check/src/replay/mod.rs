//! Executes every transition of a scope on the crate, in two ways.
//!
//! *Star*: each state is restored once from its saved form. Refused operations run one after another on that graph,
//! accepted ones on a copy. *Walk*: one long-lived graph follows transitions until it is stuck, so that hidden state
//! (counters, labels, free slots, stale keys) ages.
//!
//! After every operation the comparison covers the answer, the plan, the order of hook calls, everything observable
//! and, after accepted operations, the crate's check of its own consistency.

pub mod differs;
pub mod star;
pub mod walk;

use crate::impl_subject::ImplSubject;
use blockgraph_model::{Op, Refusal};
use blockgraph_story::panics::catch_panic;
use blockgraph_story::subject::Subject;
use blockgraph_story::turn::Turn;

/// A difference between model and crate, or a panic of the crate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The index of the explored state in which it happened.
    pub state: u32,
    /// The operations from the empty graph that show it. The last one differs.
    pub story: Vec<Turn>,
    /// What differs.
    pub what: String,
}

/// What was compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// The (state, operation) pairs that took effect.
    pub accepted: u64,
    /// The (state, operation) pairs that were refused.
    pub refused: u64,
    /// The (state, operation, refusal) triples in which a driver refused.
    pub injected: u64,
    /// The accepted operations that were repeated on the way to a new one.
    pub again: u64,
    /// The graphs that were restored.
    pub restored: u64,
}

impl Tally {
    /// Returns how many executions were compared.
    pub fn total(&self) -> u64 {
        self.accepted + self.refused + self.injected + self.again
    }

    /// Adds the tally of another thread.
    pub fn add(&mut self, other: Tally) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.injected += other.injected;
        self.again += other.again;
        self.restored += other.restored;
    }
}

/// Applies the operations and compares. A panic of the crate is reported as a difference and does not end the run.
pub(crate) fn guarded(
    subject: &mut ImplSubject,
    ops: &[Op],
    refusals: &[Refusal],
    compare: impl FnOnce(&ImplSubject, &blockgraph_story::subject::Answer) -> Option<String>,
) -> Option<String> {
    let compared = catch_panic(|| {
        let answer = subject.apply(ops, refusals);
        compare(subject, &answer)
    });
    compared.unwrap_or_else(|panic| Some(format!("the crate panicked: {panic}")))
}
