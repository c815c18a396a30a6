//! The end of a plan: steps are made permanent in their order, or aborted in reverse order (V6). Then the remaining
//! hooks are called.

use crate::context::Stay;
use crate::driver::{Driver, Refusal};
use crate::error::Hook;
use crate::graph::arena::{Core, NodeKey};
use crate::graph::{Graph, NodeView};
use crate::plan::{Closed, Committed, Plan, PlanStep};
use alloc::vec::Vec;
use core::cmp::Reverse;

impl Core {
    /// Decides the order in which executed steps are made permanent (V6): the checks in reverse order, the activations,
    /// the inactivations and the contexts, the renames in reverse order, then the prepares, each after those of the
    /// nodes below, which have greater labels. Refused checks are left out. The context steps of components that stay
    /// are aborted before anything else, newest first (C3).
    pub(crate) fn order_settlement(&mut self) {
        let Self { nodes, pending, .. } = self;
        let (plan, refused, stays) = (&pending.plan, &pending.refused, &pending.contexts.stays);
        let (checks, checked) = (pending.before_checks, pending.checked);
        let accepted = |index: &usize| refused.is_empty() || refused.binary_search(index).is_err();
        pending.settled = 0;
        pending.settle.clear();
        if !stays.is_empty() {
            pending.settle.extend(stays.iter().rev().flat_map(|stay| (stay.start..stay.refused).rev()));
            pending.stay_aborts = pending.settle.len();
        }
        pending.settle.extend((checks..checked).rev().filter(accepted));
        if checked < plan.len() {
            pending.settle.extend(checked..plan.len());
        }
        if checks == 0 {
            return;
        }
        let step = |index: &usize| plan.get(*index).copied();
        let of = |hook| move |index: &usize| step(index).is_some_and(|step| step.hook() == hook);
        let moves = |index: &usize| !Stay::among(stays, *index);
        pending.settle.extend((0..checks).filter(of(Hook::Inactivate)));
        pending.settle.extend((0..checks).filter(of(Hook::Context)).filter(moves));
        pending.settle.extend((0..checks).rev().filter(of(Hook::Rename)));
        let first = pending.settle.len();
        pending.settle.extend((0..checks).rev().filter(of(Hook::Prepare)));
        let label = |index: &usize| step(index).and_then(|step| nodes.get(step.node())).map(|node| node.label);
        // The sort is stable. Nodes with equal labels are unrelated, and the newest comes first.
        pending.settle.get_mut(first..).unwrap_or_default().sort_by_key(|index| Reverse(label(index)));
    }

    /// Returns the step to make permanent next.
    pub(crate) fn next_to_settle(&self) -> Option<PlanStep> {
        let pending = &self.pending;
        pending.settle.get(pending.settled).and_then(|index| pending.plan.get(*index)).copied()
    }

    /// Records that the step is permanent: its driver has been told.
    pub(crate) fn settle_next(&mut self) -> Option<PlanStep> {
        let step = self.next_to_settle()?;
        self.pending.settled += 1;
        if let PlanStep::Check { node: key, grant } = step {
            self.nodes[key].granted = grant;
            self.pending.told_grant.push(key);
        }
        Some(step)
    }

    /// Takes the newest performed step that must be aborted. Refused steps and flushes are skipped.
    fn next_to_abort(&mut self) -> Option<PlanStep> {
        loop {
            let index = self.pending.progress.checked_sub(1)?;
            self.pending.progress = index;
            let step = self.pending.plan.get(index).copied()?;
            let refused = self.pending.refused.binary_search(&index).is_ok();
            if !refused && !matches!(step, PlanStep::Flush { .. }) {
                return Some(step);
            }
        }
    }

    /// Updates the list of stale nodes (V7.1), in the order in which they became stale. Listed nodes that are still
    /// stale keep their place. Stale nodes among `others` are appended. No other node can have become stale. O(list +
    /// others).
    pub(crate) fn relist_stale(&mut self, others: &[NodeKey]) {
        if self.stale.is_empty() && others.is_empty() {
            return;
        }
        let Self { nodes, stale, pending, .. } = self;
        let epoch = pending.next_epoch();
        // Marks make the test for membership O(1).
        let mut joins = |key: &NodeKey| {
            let node = nodes.get_mut(*key).filter(|node| !node.doomed && node.is_stale());
            node.is_some_and(|node| core::mem::replace(&mut node.mark, epoch) != epoch)
        };
        stale.retain(&mut joins);
        stale.extend(others.iter().copied().filter(joins));
    }

    /// Returns the prepares in the order of their commits, unless there is at most one.
    fn prepared(&self) -> Vec<PlanStep> {
        if self.pending.before_checks == 0 {
            return Vec::new();
        }
        let steps = self.pending.settle.iter().filter_map(|index| self.pending.plan.get(*index));
        let mut prepares = steps.copied().filter(|step| matches!(step, PlanStep::Prepare { .. }));
        match (prepares.next(), prepares.next()) {
            (Some(first), Some(second)) => [first, second].into_iter().chain(prepares).collect(),
            _ => Vec::new(),
        }
    }
}

impl<D: Driver> Graph<D> {
    /// Returns a driver and a view of its node, for a hook. `None` if the node is gone or has lost its driver.
    fn hook(&mut self, key: NodeKey) -> Option<(NodeView<'_>, &mut D)> {
        NodeView::new(&self.core, key, None).zip(self.drivers.get_mut(key))
    }

    pub(crate) fn ask(&mut self, step: PlanStep) -> Result<(), Refusal> {
        let Some((view, driver)) = self.hook(step.node()) else { return Ok(()) };
        match step {
            PlanStep::Flush { .. } => driver.flush(&view),
            PlanStep::Prepare { read_only, .. } => driver.prepare(&view, read_only),
            PlanStep::Rename { .. } => driver.rename(&view),
            PlanStep::Inactivate { .. } => driver.inactivate(&view),
            PlanStep::Context { to, .. } => driver.change_context(&view, to),
            PlanStep::Check { grant, .. } => driver.check_permissions(&view, grant),
            PlanStep::Activate { .. } => driver.activate(&view),
        }
    }

    pub(crate) fn commit_step(&mut self, step: PlanStep) {
        let Some((view, driver)) = self.hook(step.node()) else { return };
        match step {
            PlanStep::Flush { .. } => {}
            PlanStep::Prepare { read_only, .. } => driver.commit_prepare(&view, read_only),
            PlanStep::Rename { .. } => driver.commit_rename(&view),
            PlanStep::Inactivate { .. } => driver.commit_inactivate(&view),
            PlanStep::Context { to, .. } => driver.commit_context(&view, to),
            PlanStep::Check { grant, .. } => driver.set_permissions(&view, grant),
            PlanStep::Activate { .. } => driver.commit_activate(&view),
        }
    }

    pub(crate) fn abort_step(&mut self, step: PlanStep) {
        let Some((view, driver)) = self.hook(step.node()) else { return };
        match step {
            PlanStep::Flush { .. } => {}
            PlanStep::Prepare { read_only, .. } => driver.abort_prepare(&view, read_only),
            PlanStep::Rename { .. } => driver.abort_rename(&view),
            PlanStep::Inactivate { .. } => driver.abort_inactivate(&view),
            PlanStep::Context { to, .. } => driver.abort_context(&view, to),
            PlanStep::Check { grant, .. } => driver.abort_permissions(&view, grant),
            PlanStep::Activate { .. } => driver.abort_activate(&view),
        }
    }

    pub(crate) fn post_commit(&mut self, key: NodeKey) {
        if let Some((view, driver)) = self.hook(key) {
            driver.post_commit(&view);
        }
    }

    /// Aborts the performed steps, newest first (V6). A step counts as aborted before its hook is called, so a hook
    /// that panics is not called again.
    pub(crate) fn abort_all(&mut self) {
        while let Some(step) = self.core.next_to_abort() {
            self.abort_step(step);
        }
    }

    /// Aborts the steps of components that stay in their context (C3), like [`Graph::abort_all`].
    pub(crate) fn abort_stays(&mut self) {
        while self.core.pending.settled < self.core.pending.stay_aborts {
            let Some(step) = self.core.settle_next() else { return };
            self.abort_step(step);
        }
    }

    /// Tells nodes to quiesce, after all drivers have agreed (Q4). A node counts as told before its hook is called. If
    /// the hook panics, its state is unknown, and a call of `resume` does no harm.
    pub(crate) fn quiesce_all(&mut self) {
        let next = |core: &Core| core.pending.notices.as_ref()?.quiesced.get(core.pending.quieted).copied();
        while let Some(key) = next(&self.core) {
            self.core.pending.quieted += 1;
            if let Some((view, driver)) = self.hook(key) {
                driver.quiesce(&view);
            }
        }
    }

    /// Tells waiting nodes to resume, except the `first` ones of the list. A node that is quiesced again meanwhile is
    /// told when that ends.
    pub(crate) fn run_resumes(&mut self, first: usize) {
        while self.core.pending.resumes.len() > first {
            let Some(key) = self.core.pending.resumes.pop().filter(|key| !self.core.is_quiesced(*key)) else {
                continue;
            };
            if let Some((view, driver)) = self.hook(key) {
                driver.resume(&view);
            }
        }
    }

    /// Calls the remaining hooks after [`Graph::finish`]: `post_commit`, `resume` and `close`.
    pub(crate) fn tell(&mut self, committed: &mut Committed<D>) {
        // From here on these nodes must be told to resume, whatever the other hooks do.
        let owed = self.core.pending.resumes.len();
        self.core.pending.resumes.extend_from_slice(committed.resumed());
        committed.post_commits().for_each(|key| self.post_commit(key));
        if committed.notices.is_some() {
            self.run_resumes(owed);
        }
        for closed in &mut committed.closed {
            if let Some(driver) = &mut closed.driver {
                driver.close(&closed.name);
            }
        }
    }

    /// Passes the point of no return: frees unlinked elements and clears the journal. O(changes).
    pub(crate) fn finish(&mut self) -> Committed<D> {
        let core = &mut self.core;
        let plan = &core.pending.plan;
        let refused = core.pending.refused.iter().filter_map(|index| plan.get(*index));
        let refused = refused.filter(|step| matches!(step, PlanStep::Check { .. }));
        let refused: Vec<NodeKey> = refused.map(PlanStep::node).collect();
        core.relist_stale(&refused);
        core.free_unlinked();
        let mut closed = Vec::with_capacity(core.pending.doomed.len());
        for index in 0..core.pending.doomed.len() {
            let Some(key) = core.pending.doomed.get(index).copied() else { break };
            if let Some(name) = core.free_node(key) {
                closed.push(Closed { key, name, driver: self.drivers.remove(key) });
            }
        }
        let prepared = core.prepared();
        let plan = Plan::take(&mut core.pending.plan);
        let notices = core.pending.notices.take();
        core.reset_pending();
        let ejected = core::mem::take(&mut self.ejected);
        Committed { closed, ejected, plan, refused, stale: core.stale.clone(), prepared, notices }
    }
}
