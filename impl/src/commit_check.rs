//! The check of the final graph, the closing of doomed nodes, and the plan (V3 to V5).

use crate::driver::Driver;
use crate::error::Error;
use crate::graph::Graph;
use crate::graph::arena::{Core, Node, NodeKey};
use crate::plan::PlanStep;
use crate::refresh::{refresh, refresh_fresh};
use alloc::vec::Vec;

impl<D: Driver> Graph<D> {
    /// Runs V3, then L2, then V5. On an error the caller rolls back.
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
            // This step only loosens (P10), so it cannot fail unless a driver's rule is not monotone.
            refresh(core, drivers)?;
        }
        if contexts {
            core.orphans_to_main();
        }
        core.make_plan();
        Ok(())
    }

    /// Checks V3.4. Renaming an image writes to it, so the constraints must also hold of the graph in which all renamed
    /// nodes are writable. Nodes that a reopen would change together with them are changed, too. The changes are undone
    /// afterwards. O(these changes).
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
    /// Removes the children of doomed nodes, in the order in which the nodes reached zero references. A child that
    /// thereby reaches zero goes to the end of the queue (L2).
    fn close_doomed(&mut self) {
        let mut index = 0;
        while let Some(key) = self.pending.doomed.get(index).copied() {
            self.detach_children(key);
            index += 1;
        }
    }

    /// Builds the plan (V5): flush, then prepare for the reopened nodes in the order of the steps; rename for the
    /// renamed ones; inactivate; context for nodes that move; then check for nodes whose grant differs, reopened nodes
    /// and stale nodes, parents before children; then activate. The plan leaves out closed nodes (L2.2) and nodes
    /// without a driver (L3.1).
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

    /// Plans the checks (V5.2).
    fn plan_checks(&mut self) {
        let Self { nodes, pending, stale, .. } = self;
        pending.before_checks = pending.plan.len();
        // Reopened nodes are already in `touched`. Stale nodes may be in it, and must be asked only once.
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

    /// Plans the steps before the checks (V5.1), except those for activity and contexts.
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
