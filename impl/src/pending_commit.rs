//! Asking the drivers what the plan says, by the hooks or by the caller, and making it permanent or not (V5 to V7).

use crate::driver::{Driver, Refusal};
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::Core;
use crate::plan::{Committed, PlanStep};
use crate::rollback_guard::Guard;
use alloc::vec::Vec;
use core::ops::Deref;

/// A refusal that undid everything, and what is to be aborted.
#[derive(Debug)]
pub struct Refused {
    /// The error, of kind `Refused`.
    pub error: Error,
    /// The steps that were done, newest first, each to be aborted by the caller (V6).
    pub aborts: Vec<PlanStep>,
}

/// A transaction that passed the pure judgement. The drivers are still to be asked.
///
/// [`run`](Self::run) does that through their hooks. A caller with a world of its own, say an asynchronous one,
/// executes the steps himself: [`next_step`](Self::next_step), then [`done`](Self::done) or
/// [`refuse`](Self::refuse), and [`accept`](Self::accept) at the end. Dropping it undoes everything; steps that were
/// done by then are kept in [`Graph::pending_aborts`].
#[derive(Debug)]
pub struct PendingCommit<'g, D: Driver> {
    guard: Guard<'g, D>,
}

impl<D: Driver> Deref for PendingCommit<'_, D> {
    type Target = Graph<D>;

    fn deref(&self) -> &Graph<D> {
        self.guard.graph
    }
}

impl<'g, D: Driver> PendingCommit<'g, D> {
    pub(crate) const fn new(guard: Guard<'g, D>) -> Self {
        Self { guard }
    }

    /// The whole plan: flushes, then prepares in the order of the steps, then renames, then inactivations, parents
    /// before children, then contexts, then checks, parents before children, then activations, children before parents
    /// (V5).
    #[must_use]
    pub fn plan(&self) -> &[PlanStep] {
        &self.core.pending.plan
    }

    /// The step to be executed next; `None` if all have been.
    #[must_use]
    pub fn next_step(&self) -> Option<PlanStep> {
        self.plan().get(self.core.pending.progress).copied()
    }

    /// The next step succeeded. Nothing happens if there is none.
    pub fn done(&mut self) {
        if self.next_step().is_some() {
            self.guard.graph.core.pending.progress += 1;
        }
    }

    /// The next step was refused. If that is tolerated the node goes stale, or its component stays in its context and
    /// is not asked any more (C3), and the plan goes on (V7). Nothing happens
    /// if there is no next step.
    ///
    /// # Errors
    /// The refusal as an error, and the steps to be aborted; everything has been undone.
    pub fn refuse(self, refusal: &Refusal) -> Result<Self, Refused> {
        let graph = &mut *self.guard.graph;
        let Some(error) = graph.core.refuse(refusal) else { return Ok(self) };
        // Undoing keeps the unaborted steps; they are this caller's, not for later.
        let earlier = graph.core.pending.aborts.len();
        graph.undo_all();
        let aborts = graph.core.pending.aborts.split_off(earlier);
        Err(Refused { error, aborts })
    }

    /// Makes everything permanent. The caller then aborts what [`Committed::aborts`] lists, tells those to be quiet that [`Committed::quiesced`] lists, commits
    /// what [`Committed::commits`] lists, tells those that [`Committed::post_commits`] lists, tells those to go on that
    /// [`Committed::resumed`] lists, and closes the closed drivers. O(what changed), and a sort of the reopened
    /// nodes.
    ///
    /// # Errors
    /// Itself, if not all steps have been executed.
    pub fn accept(self) -> Result<Committed<D>, Self> {
        if self.next_step().is_some() {
            return Err(self);
        }
        let graph = &mut *self.guard.graph;
        graph.core.order_settlement();
        graph.core.order_notices();
        while graph.core.settle_next().is_some() {}
        Ok(graph.finish())
    }

    /// Executes the steps that are left through the drivers' hooks, and makes everything permanent.
    ///
    /// A hook that panics while being asked leaves the graph as it was before the transaction. So does one that
    /// panics in `quiesce`, in `set` or in a hook whose name begins with `commit`; drivers that have been told by then
    /// count as granted what they were told,
    /// so their nodes are stale and are asked again next time. Where the last of them has been told is the point of no
    /// return: a panic in `post_commit`, `resume` or `close` leaves the transaction in effect and the closed nodes out of the
    /// graph, all of them, but what was to be returned is lost, and the drivers whose turn had not come are not told,
    /// or dropped without `close`. Who was told to be quiet and not to go on is in [`Graph::pending_resumes`].
    ///
    /// # Errors
    /// `Refused`; everything has been aborted and undone.
    pub fn run(self) -> Result<Committed<D>, Error> {
        self.guard.graph.ask_all()?;
        let mut committed = self.guard.graph.finish();
        self.guard.graph.tell(&mut committed);
        Ok(committed)
    }

    /// As [`run`](Self::run), for a caller that does not want to know: what is not returned is not copied either.
    pub(crate) fn run_silently(self) -> Result<(), Error> {
        self.guard.graph.ask_all()?;
        let mut committed = self.guard.graph.finish();
        self.guard.graph.tell(&mut committed);
        Ok(())
    }
}

impl<D: Driver> Graph<D> {
    /// Executes the steps that are left, and then makes them permanent: all drivers have been told.
    fn ask_all(&mut self) -> Result<(), Error> {
        while let Some(step) = self.core.pending.plan.get(self.core.pending.progress).copied() {
            match self.ask(step) {
                Ok(()) => self.core.pending.progress += 1,
                Err(refusal) => {
                    if let Some(error) = self.core.refuse(&refusal) {
                        self.abort_all();
                        return Err(error);
                    }
                }
            }
        }
        self.core.order_settlement();
        self.core.order_notices();
        self.abort_stays();
        self.quiesce_all();
        while let Some(step) = self.core.next_to_settle() {
            self.commit_step(step);
            self.core.settle_next();
        }
        Ok(())
    }
}

impl Core {
    /// The next step is refused. `None` if that is tolerated (V7): a check of a pair that only loosens, or
    /// a change of the context of an orphan (C3).
    fn refuse(&mut self, refusal: &Refusal) -> Option<Error> {
        let step = self.pending.plan.get(self.pending.progress).copied()?;
        let key = step.node();
        if let PlanStep::Context { wish: true, .. } = step {
            self.stay();
            return None;
        }
        if let PlanStep::Check { grant, .. } = step
            && grant.pair.is_loosening_of(self.nodes[key].granted.pair)
        {
            self.pending.refused.push(self.pending.progress);
            self.pending.progress += 1;
            return None;
        }
        let (node, message) = (self.node_ref(key), refusal.message().clone());
        Some(ErrorKind::Refused { node, hook: step.hook(), message, cause: refusal.cause().cloned() }.into())
    }
}
