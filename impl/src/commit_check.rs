//! The pure judgement of the final graph, the closing of doomed nodes, and the plan (V3 to V5).

use crate::driver::Driver;
use crate::error::Error;
use crate::graph::Graph;
use crate::graph::arena::{Core, Node, NodeKey};
use crate::plan::PlanStep;
use crate::refresh::{refresh, refresh_fresh};
use alloc::vec::Vec;

impl<D: Driver> Graph<D> {
    /// V3, then L2, then V5. On an error the caller undoes.
    pub(crate) fn check_commit(&mut self) -> Result<(), Error> {
        let Self { core, drivers, .. } = self;
        core.order_fresh()?;
        refresh_fresh(core, drivers)?;
        if !core.pending.shifted.is_empty() {
            core.check_shifted()?;
        }
        refresh(core, drivers)?;
        let contexts = core.contexts_concerned();
        if contexts {
            core.settle_contexts()?;
        }
        if !core.pending.renamed.is_empty() {
            core.check_rest_of_renamed()?;
            self.check_renamed()?;
        }
        let Self { core, drivers, .. } = self;
        if !core.pending.doomed.is_empty() {
            core.close_doomed();
            // This only loosens (P10), so it cannot refuse, unless a driver's rule is not monotone.
            refresh(core, drivers)?;
        }
        if contexts {
            core.orphans_to_main();
        }
        core.make_plan();
        Ok(())
    }

    /// V3.4: to be renamed an image has to be written, so the same must hold of the graph with all of those writable.
    /// Those that a reopen would take along with them go with them. O(what that changes), which is taken back.
    fn check_renamed(&mut self) -> Result<(), Error> {
        let Self { core, drivers, .. } = self;
        let sealed = |node: &Node| node.read_only && node.is_asked();
        let mut renamed = core.pending.renamed.clone();
        renamed.retain(|key| core.nodes.get(*key).is_some_and(|node| sealed(node)));
        if renamed.is_empty() {
            return Ok(());
        }
        let mark = core.pending.journal.len();
        let queues: Vec<_> = renamed.iter().map(|key| core.reopened_with(*key, false)).collect();
        for (key, read_only) in queues.into_iter().flatten() {
            let read_only = read_only || core.nodes[key].force_share();
            core.put_read_only(key, read_only);
        }
        renamed.into_iter().for_each(|key| core.put_read_only(key, false));
        refresh(core, drivers)?;
        self.undo_to(mark);
        Ok(())
    }
}

impl Core {
    /// Removes the children of doomed nodes, in the order in which they reached zero; who reaches zero thereby goes
    /// to the end of the queue (L2).
    fn close_doomed(&mut self) {
        let mut index = 0;
        while let Some(key) = self.pending.doomed.get(index).copied() {
            self.detach_children(key);
            index += 1;
        }
    }

    /// V5: flush, then prepare for the reopened nodes in order of the steps; rename for the renamed ones; inactivate;
    /// context for those that move; then check for the nodes whose grant differs, the reopened and the stale ones,
    /// parents before children; then activate. Closed nodes are not asked (L2.2), nor those without a driver (L3.1).
    fn make_plan(&mut self) {
        if !self.pending.reopened.is_empty() || !self.pending.renamed.is_empty() {
            self.plan_before_checks();
        }
        let shifts = !self.pending.shifted.is_empty();
        if shifts {
            self.plan_shifts(true);
        }
        if self.pending.contexts.ask() {
            self.plan_contexts();
        }
        self.plan_checks();
        self.pending.checked = self.pending.plan.len();
        if shifts {
            self.plan_shifts(false);
        }
    }

    /// V5.2.
    fn plan_checks(&mut self) {
        let Self { nodes, pending, stale, .. } = self;
        pending.before_checks = pending.plan.len();
        // Reopened nodes have been touched. Stale ones may have been, and are asked once all the same.
        for key in stale.iter() {
            if let Some(node) = nodes.get_mut(*key).filter(|node| !node.touched) {
                node.touched = true;
                pending.touched.push(*key);
            }
        }
        for key in pending.touched.iter().copied() {
            let Some(node) = nodes.get(key).filter(|node| node.is_asked()) else { continue };
            if node.reopened || node.is_stale() {
                pending.plan.push(PlanStep::Check { node: key, grant: node.grant() });
            }
        }
        let label = |step: &PlanStep| nodes.get(step.node()).map_or(0, |node| node.label);
        if let Some(steps) = pending.plan.get_mut(pending.before_checks..).filter(|steps| steps.len() > 1) {
            steps.sort_unstable_by_key(label);
        }
    }

    /// V5.1, but for activity and contexts.
    fn plan_before_checks(&mut self) {
        let Self { nodes, pending, .. } = self;
        let asked = |key: NodeKey| nodes.get(key).filter(|node| node.is_asked());
        for key in pending.reopened.iter().copied().filter(|key| asked(*key).is_some()) {
            pending.plan.push(PlanStep::Flush { node: key });
        }
        for key in pending.reopened.iter().copied() {
            if let Some(node) = asked(key) {
                pending.plan.push(PlanStep::Prepare { node: key, read_only: node.read_only });
            }
        }
        for key in pending.renamed.iter().copied().filter(|key| asked(*key).is_some()) {
            pending.plan.push(PlanStep::Rename { node: key });
        }
    }
}
