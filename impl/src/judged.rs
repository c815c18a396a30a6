//! Asking the drivers what the plan says, by the hooks or by the caller, and making it permanent or not (V5 to V7).

use crate::driver::{Driver, Refusal};
use crate::error::{Error, ErrorKind, Hook};
use crate::graph::arena::{Core, NodeKey};
use crate::graph::{Graph, NodeView};
use crate::plan::{Closed, Committed, Plan, PlanStep};
use crate::transaction::Guard;
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
pub struct Judged<'g, D: Driver> {
    guard: Guard<'g, D>,
}

impl<D: Driver> Deref for Judged<'_, D> {
    type Target = Graph<D>;

    fn deref(&self) -> &Graph<D> {
        self.guard.graph
    }
}

impl<'g, D: Driver> Judged<'g, D> {
    pub(crate) const fn new(guard: Guard<'g, D>) -> Self {
        Self { guard }
    }

    /// The whole plan: prepares in the order of the steps, then checks, parents before children (V5).
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

    /// The next step was refused. If that is tolerated the node goes stale and the plan goes on (V7). Nothing happens
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

    /// Makes everything permanent. The caller then commits what [`Committed::commits`] lists, and closes the closed
    /// drivers. O(what changed).
    ///
    /// # Errors
    /// Itself, if not all steps have been executed.
    pub fn accept(self) -> Result<Committed<D>, Self> {
        if self.next_step().is_some() {
            return Err(self);
        }
        let graph = &mut *self.guard.graph;
        while graph.core.settle_next().is_some() {}
        Ok(graph.finish())
    }

    /// Executes the steps that are left through the drivers' hooks, and makes everything permanent.
    ///
    /// A hook that panics while being asked leaves the graph as it was before the transaction. So does one that
    /// panics in `set` or `commit_prepare`; drivers that have been told by then count as granted what they were told,
    /// so their nodes are stale and are asked again next time. Where the last of them has been told is the point of no
    /// return: a panic in `close` leaves the transaction in effect and the closed nodes out of the graph, all of them,
    /// but what was to be returned is lost, and the drivers whose turn had not come are dropped without `close`.
    ///
    /// # Errors
    /// `Refused`; everything has been aborted and undone.
    pub fn run(self) -> Result<Committed<D>, Error> {
        let graph = &mut *self.guard.graph;
        while let Some(step) = graph.core.pending.plan.get(graph.core.pending.progress).copied() {
            match graph.ask(step) {
                Ok(()) => graph.core.pending.progress += 1,
                Err(refusal) => {
                    if let Some(error) = graph.core.refuse(&refusal) {
                        graph.abort_all();
                        return Err(error);
                    }
                }
            }
        }
        while let Some(step) = graph.core.next_to_settle() {
            graph.commit_step(step);
            graph.core.settle_next();
        }
        let mut committed = graph.finish();
        for closed in &mut committed.closed {
            closed.driver.close(&closed.name);
        }
        Ok(committed)
    }
}

impl Core {
    /// The next step is refused. `None` if that is tolerated (V7): a check of a pair that only loosens.
    fn refuse(&mut self, refusal: &Refusal) -> Option<Error> {
        let step = self.pending.plan.get(self.pending.progress).copied()?;
        let key = step.node();
        let hook = match step {
            PlanStep::Prepare { .. } => Hook::Prepare,
            PlanStep::Check { .. } => Hook::Check,
        };
        if let PlanStep::Check { grant, .. } = step
            && grant.pair.is_loosening_of(self.nodes[key].granted.pair)
        {
            self.pending.refused.push(self.pending.progress);
            self.pending.progress += 1;
            return None;
        }
        Some(ErrorKind::Refused { node: self.node_ref(key), hook, message: refusal.message().clone() }.into())
    }

    /// Steps back over refused steps to the newest one that succeeded; they are settled as they are.
    fn next_to_settle(&mut self) -> Option<PlanStep> {
        loop {
            let index = self.pending.progress.checked_sub(1)?;
            if self.pending.refused.binary_search(&index).is_err() {
                return self.pending.plan.get(index).copied();
            }
            self.pending.progress = index;
        }
    }

    /// The newest step that is not settled: its driver has been told.
    fn settle_next(&mut self) -> Option<PlanStep> {
        let step = self.next_to_settle()?;
        self.pending.progress -= 1;
        if let PlanStep::Check { node: key, grant } = step {
            self.nodes[key].granted = grant;
            self.pending.told.push(key);
        }
        Some(step)
    }

    /// Who lags now (V7.1), in the order in which they began to: who is listed and still lags keeps its place, who
    /// lags among these others is appended. Nobody else can have begun to. O(list + others).
    pub(crate) fn relist_stale(&mut self, others: &[NodeKey]) {
        let Self { nodes, stale, pending, .. } = self;
        let epoch = pending.next_epoch();
        // Marked, so that being in the list costs no search.
        let mut joins = |key: &NodeKey| {
            let node = nodes.get_mut(*key).filter(|node| !node.doomed && node.is_stale());
            node.is_some_and(|node| core::mem::replace(&mut node.mark, epoch) != epoch)
        };
        stale.retain(&mut joins);
        stale.extend(others.iter().copied().filter(joins));
    }
}

impl<D: Driver> Graph<D> {
    fn ask(&mut self, step: PlanStep) -> Result<(), Refusal> {
        let key = step.node();
        let (Some(view), Some(driver)) = (NodeView::new(&self.core, key, None), self.drivers.get_mut(key)) else {
            return Ok(());
        };
        match step {
            PlanStep::Prepare { read_only, .. } => driver.prepare(&view, read_only),
            PlanStep::Check { grant, .. } => driver.check(&view, grant),
        }
    }

    fn commit_step(&mut self, step: PlanStep) {
        let key = step.node();
        let (Some(view), Some(driver)) = (NodeView::new(&self.core, key, None), self.drivers.get_mut(key)) else {
            return;
        };
        match step {
            PlanStep::Prepare { read_only, .. } => driver.commit_prepare(&view, read_only),
            PlanStep::Check { grant, .. } => driver.set(&view, grant),
        }
    }

    pub(crate) fn abort_step(&mut self, step: PlanStep) {
        let key = step.node();
        let (Some(view), Some(driver)) = (NodeView::new(&self.core, key, None), self.drivers.get_mut(key)) else {
            return;
        };
        match step {
            PlanStep::Prepare { read_only, .. } => driver.abort_prepare(&view, read_only),
            PlanStep::Check { grant, .. } => driver.abort(&view, grant),
        }
    }

    /// Aborts what was done, newest first (V6). A step counts as aborted before its hook is called, so that one that
    /// panics is not called again.
    fn abort_all(&mut self) {
        while let Some(step) = self.core.next_to_settle() {
            self.core.pending.progress -= 1;
            self.abort_step(step);
        }
    }

    /// The point of no return is behind us: frees what was only unlinked, and forgets how to undo. O(what changed).
    fn finish(&mut self) -> Committed<D> {
        let core = &mut self.core;
        let plan = &core.pending.plan;
        let refused = core.pending.refused.iter().filter_map(|index| plan.get(*index));
        let refused: Vec<NodeKey> = refused.map(PlanStep::node).collect();
        core.relist_stale(&refused);
        core.free_unlinked();
        let mut closed = Vec::with_capacity(core.pending.doomed.len());
        for index in 0..core.pending.doomed.len() {
            let Some(key) = core.pending.doomed.get(index).copied() else { break };
            if let (Some(name), Some(driver)) = (core.free_node(key), self.drivers.remove(key)) {
                closed.push(Closed { key, name, driver });
            }
        }
        let plan = Plan::take(&mut core.pending.plan);
        core.reset_pending();
        Committed { closed, plan, refused, stale: core.stale.clone() }
    }
}
