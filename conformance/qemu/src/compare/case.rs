//! One turn, as the comparison sees it.

use crate::compare::answer::{DIED, HANGS, TurnAnswer};
use crate::compare::shown_graph::{ShownGraph, is};
use crate::state::memory::Memory;
use crate::wire::errors::{ErrorClass, QemuError};
use blockgraph_model::step::Work;
use blockgraph_model::{Op, Outcome, State, derived};

/// One turn, with everything that the rules of deviation look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a, const N: usize, const E: usize> {
    /// The state before the turn.
    pub before: &'a State<N, E>,
    /// What QEMU keeps and the model does not.
    pub memory: &'a Memory,
    /// The operations.
    pub ops: &'a [Op],
    /// The model's outcome.
    pub outcome: &'a Outcome<N, E>,
    /// QEMU's answer.
    pub answer: &'a TurnAnswer,
    /// QEMU's error, parsed.
    pub qemu_error: Option<&'a QemuError>,
    /// QEMU's graph after the turn.
    pub shown: Option<&'a ShownGraph>,
}

impl<const N: usize, const E: usize> Case<'_, N, E> {
    /// Returns the state after the turn, if the model accepts it.
    pub fn done(&self) -> Option<&State<N, E>> {
        if let Outcome::Done { next, .. } = self.outcome { Some(next) } else { None }
    }

    /// Returns the graph that the turn would lead to, even if the model refuses that graph. Returns `None` if the turn
    /// does not get as far as the judgement.
    pub fn accepted(&self) -> Option<State<N, E>> {
        match self.outcome {
            Outcome::Done { next, .. } => Some(*next),
            Outcome::Violates { graph, .. } if derived::derive(graph).is_some() => {
                let mut work = Work::new(self.before);
                self.ops.iter().try_for_each(|op| work.step(*op)).ok()?;
                // Nodes that have lost their last reference are still to be closed.
                work.close();
                Some(work.graph)
            }
            _ => None,
        }
    }

    /// Returns whether QEMU's graph is the one that this state should show.
    pub fn shows(&self, state: &State<N, E>) -> bool {
        self.shown.is_some_and(|shown| is(shown, state))
    }

    /// Returns the class of QEMU's error.
    pub fn class(&self) -> Option<ErrorClass> {
        self.qemu_error.map(|qemu_error| qemu_error.class)
    }

    /// Returns whether QEMU died.
    pub fn has_died(&self) -> bool {
        matches!(self.answer, TurnAnswer::Lost(what) if what.starts_with(DIED))
    }

    /// Returns whether QEMU hangs.
    pub fn hangs(&self) -> bool {
        matches!(self.answer, TurnAnswer::Lost(what) if what == HANGS)
    }
}
