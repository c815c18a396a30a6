//! One turn, as the comparison sees it.

use crate::compare::answer::{DIED, HANGS, TurnAnswer};
use crate::compare::shown_graph::{ShownGraph, is};
use crate::state::memory::Memory;
use crate::wire::errors::{ErrorClass, QemuError};
use blockgraph_model::step::Work;
use blockgraph_model::{Op, Outcome, State, judge};

/// What the rules of deviations look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a, const N: usize, const E: usize> {
    /// The state before.
    pub before: &'a State<N, E>,
    /// What QEMU keeps besides.
    pub memory: &'a Memory,
    /// What was done.
    pub ops: &'a [Op],
    /// What the model says.
    pub outcome: &'a Outcome<N, E>,
    /// What QEMU answered.
    pub told: &'a TurnAnswer,
    /// Its refusal, read.
    pub said: Option<&'a QemuError>,
    /// The graph that it has now.
    pub shown: Option<&'a ShownGraph>,
}

impl<const N: usize, const E: usize> Case<'_, N, E> {
    /// The state after it, if the model has done it.
    pub fn done(&self) -> Option<&State<N, E>> {
        if let Outcome::Done { next, .. } = self.outcome { Some(next) } else { None }
    }

    /// The graph if it were accepted, whatever it breaks: the one after it if the model has done it. None if it could not be judged.
    pub fn accepted(&self) -> Option<State<N, E>> {
        match self.outcome {
            Outcome::Done { next, .. } => Some(*next),
            Outcome::Violates { graph, .. } if judge::derive(graph).is_some() => {
                let mut work = Work::new(self.before);
                self.ops.iter().try_for_each(|op| work.step(*op)).ok()?;
                // Nobody has closed what has no reference any more.
                work.close();
                Some(work.graph)
            }
            _ => None,
        }
    }

    /// Is QEMU's graph what this state should show?
    pub fn shows(&self, state: &State<N, E>) -> bool {
        self.shown.is_some_and(|shown| is(shown, state))
    }

    /// The kind of QEMU's refusal.
    pub fn class(&self) -> Option<ErrorClass> {
        self.said.map(|said| said.class)
    }

    /// Has QEMU died?
    pub fn has_died(&self) -> bool {
        matches!(self.told, TurnAnswer::Lost(what) if what.starts_with(DIED))
    }

    /// Does QEMU hang?
    pub fn hangs(&self) -> bool {
        matches!(self.told, TurnAnswer::Lost(what) if what == HANGS)
    }
}
