//! Runs the plan, through the hooks or by the caller, and makes it permanent or aborts it (V5 to V7).

use crate::driver::{Driver, Refusal};
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::Core;
use crate::plan::{Committed, PlanStep};
use crate::rollback_guard::Guard;
use alloc::vec::Vec;
use core::ops::Deref;

/// A refusal that rolled everything back, and the steps to abort.
#[derive(Debug)]
pub struct Refused {
    /// The error, of kind `Refused`.
    pub error: Error,
    /// The steps that were performed, newest first. The caller aborts each of them (V6).
    pub aborts: Vec<PlanStep>,
}

/// A transaction whose final graph has passed all checks. The drivers have not been asked yet.
///
/// [`run`](Self::run) asks them through their hooks. A caller with another way to reach drivers, for example an
/// asynchronous one, executes the steps itself: [`next_step`](Self::next_step), then [`done`](Self::done) or
/// [`refuse`](Self::refuse), and [`accept`](Self::accept) at the end. Dropping the value rolls everything back. Steps
/// that were already performed are then kept in [`Graph::pending_aborts`].
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

    /// Returns the whole plan: flushes; prepares in the order of the steps; renames; inactivations, parents before
    /// children; contexts; checks, parents before children; activations, children before parents (V5).
    #[must_use]
    pub fn plan(&self) -> &[PlanStep] {
        &self.core.pending.plan
    }

    /// Returns the next step to execute. `None` if all have been executed.
    #[must_use]
    pub fn next_step(&self) -> Option<PlanStep> {
        self.plan().get(self.core.pending.progress).copied()
    }

    /// Records that the next step succeeded. Does nothing if there is none.
    pub fn done(&mut self) {
        if self.next_step().is_some() {
            self.guard.graph.core.pending.progress += 1;
        }
    }

    /// Records that the next step was refused. If the refusal is tolerated, the node becomes stale, or its component
    /// stays in its context and is not asked further (C3), and the plan goes on (V7). Does nothing if there is no next
    /// step.
    ///
    /// # Errors
    /// The refusal as an error, with the steps to abort. Everything has been rolled back.
    pub fn refuse(self, refusal: &Refusal) -> Result<Self, Refused> {
        let graph = &mut *self.guard.graph;
        let Some(error) = graph.core.refuse(refusal) else { return Ok(self) };
        // A rollback keeps unaborted steps. These belong to this caller, not to a later one.
        let earlier = graph.core.pending.aborts.len();
        graph.undo_all();
        let aborts = graph.core.pending.aborts.split_off(earlier);
        Err(Refused { error, aborts })
    }

    /// Makes everything permanent. The caller then does the following, in this order: it aborts the steps of
    /// [`Committed::aborts`], tells the nodes of [`Committed::quiesced`] to quiesce, commits the steps of
    /// [`Committed::commits`], calls the nodes of [`Committed::post_commits`], tells the nodes of
    /// [`Committed::resumed`] to resume, and closes the closed drivers. O(changes), and a sort of the reopened nodes.
    ///
    /// # Errors
    /// Returns itself if not all steps have been executed.
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

    /// Executes the remaining steps through the drivers' hooks, and makes everything permanent.
    ///
    /// A hook that panics while a step is executed leaves the graph as it was before the transaction. So does a panic
    /// in `quiesce`, in `set_permissions` or in a hook whose name begins with `commit`. Drivers that have been told a
    /// new grant by then count as granted that, so their nodes are stale and are asked again next time. The point of no
    /// return is after the last of these hooks. A panic in `post_commit`, `resume` or `close` leaves the transaction in
    /// effect and all closed nodes out of the graph. The return value is lost, and the remaining drivers are not
    /// called, or are dropped without `close`. Nodes that were told to quiesce and not to resume are in
    /// [`Graph::pending_resumes`].
    ///
    /// # Errors
    /// `Refused`. Everything has been aborted and rolled back.
    pub fn run(self) -> Result<Committed<D>, Error> {
        self.guard.graph.ask_all()?;
        let mut committed = self.guard.graph.finish();
        self.guard.graph.tell(&mut committed);
        Ok(committed)
    }

    /// The same as [`run`](Self::run), without a return value. Data that only the value needs is not copied.
    pub(crate) fn run_silently(self) -> Result<(), Error> {
        self.guard.graph.ask_all()?;
        let mut committed = self.guard.graph.finish();
        self.guard.graph.tell(&mut committed);
        Ok(())
    }
}

impl<D: Driver> Graph<D> {
    /// Executes the remaining steps and makes them permanent. Afterwards all drivers have been told.
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
    /// Handles a refusal of the next step. Returns `None` if it is tolerated (V7): a check of a pair that only loosens,
    /// or a context step of an orphan (C3).
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
