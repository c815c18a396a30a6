//! Components without users move to the main context if their drivers agree (C3), and the plan for contexts.

use super::state::Wish;
use super::{ContextId, Stay};
use crate::graph::arena::{Core, NodeKey, Parent};
use crate::journal::Undo;
use crate::plan::PlanStep;
use alloc::vec::Vec;

impl Core {
    /// Runs C3, after doomed nodes were closed. O(changes + the components walked).
    pub(crate) fn orphans_to_main(&mut self) {
        let lost = self.lost_parents();
        let base = self.pending.next_epoch();
        for index in 0..self.pending.contexts.looked_at.len() {
            if let Some(node) = self.pending.contexts.looked_at.get(index).and_then(|key| self.nodes.get_mut(*key)) {
                node.mark = base;
            }
        }
        for key in lost {
            let node = &self.nodes[key];
            if node.doomed || node.context == ContextId::MAIN || node.mark >= base {
                continue;
            }
            let (from, start) = (node.context, self.pending.contexts.orphans.len());
            if !self.collect_orphans(key, base) {
                self.pending.contexts.orphans.truncate(start);
                continue;
            }
            let end = self.pending.contexts.orphans.len();
            for index in start..end {
                if let Some(key) = self.pending.contexts.orphans.get(index).copied() {
                    self.set_context(key, ContextId::MAIN);
                }
            }
            self.pending.contexts.wishes.push(Wish { from, nodes: start..end, steps: 0..0 });
        }
    }

    /// Returns the nodes that lost a parent edge, in that order. O(changes).
    fn lost_parents(&self) -> Vec<NodeKey> {
        let lost = self.pending.journal.iter().filter_map(|undo| match *undo {
            Undo::Unlinked(edge) => self.edges.get(edge).map(|edge| edge.child),
            Undo::Retargeted { child, .. } => Some(child),
            _ => None,
        });
        lost.collect()
    }

    /// Collects the component of a node. Returns `false` if C3 does not apply: the component has a user, or C2 looked
    /// at it. A walk that meets a mark from `base` on has met a component that an earlier walk gave up, so it gives up,
    /// too.
    fn collect_orphans(&mut self, from: NodeKey, base: u64) -> bool {
        let mark = self.pending.next_epoch();
        let mut found = core::mem::take(&mut self.pending.contexts.orphans);
        let mut index = found.len();
        self.nodes[from].mark = mark;
        found.push(from);
        let mut orphaned = true;
        while let Some(key) = found.get(index).copied().filter(|_| orphaned) {
            index += 1;
            let mut next = self.nodes[key].children;
            while let Some(edge) = self.edges.get(next) {
                next = edge.next_child;
                let child = edge.child;
                orphaned &= self.meet(child, base, mark, &mut found);
            }
            let mut next = self.nodes[key].parents;
            while let Some(edge) = self.edges.get(next).filter(|_| orphaned) {
                next = edge.next_parent;
                match edge.parent {
                    Parent::Node(parent) => orphaned &= self.meet(parent, base, mark, &mut found),
                    Parent::User(_) => orphaned = false,
                }
            }
        }
        self.pending.contexts.orphans = found;
        orphaned
    }

    /// Adds a node to the walk. Returns `false` if another walk or C2 has visited it.
    fn meet(&mut self, key: NodeKey, base: u64, mark: u64, found: &mut Vec<NodeKey>) -> bool {
        let old = core::mem::replace(&mut self.nodes[key].mark, mark);
        if old < base {
            found.push(key);
        }
        old < base || old == mark
    }

    /// Plans the context steps (V5.1): those of C2, then those of C3, component by component.
    pub(crate) fn plan_contexts(&mut self) {
        let Self { nodes, pending, .. } = self;
        let (contexts, plan) = (&mut pending.contexts, &mut pending.plan);
        let mut push = |keys: &[NodeKey], wish: bool| {
            for key in keys.iter().copied() {
                if let Some(node) = nodes.get(key).filter(|node| node.is_asked()) {
                    plan.push(PlanStep::Context { node: key, to: node.context, wish });
                }
            }
            plan.len()
        };
        let mut start = push(&contexts.moved, false);
        for wish in &mut contexts.wishes {
            let end = push(contexts.orphans.get(wish.nodes.clone()).unwrap_or_default(), true);
            wish.steps = start..end;
            start = end;
        }
    }

    /// Handles a refusal of the next step, which belongs to C3: the component stays where it is, and the rest of it is
    /// not asked.
    pub(crate) fn stay(&mut self) {
        let refused = self.pending.progress;
        let wishes = &self.pending.contexts.wishes;
        // The wishes are in the order of the plan.
        let wish = wishes.get(wishes.partition_point(|wish| wish.steps.end <= refused)).cloned();
        let Some(Wish { from, nodes, steps: core::ops::Range { start, end } }) = wish else { return };
        for index in nodes {
            if let Some(key) = self.pending.contexts.orphans.get(index).copied() {
                self.set_context(key, from);
            }
        }
        self.pending.refused.extend(refused..end);
        self.pending.progress = end;
        self.pending.contexts.stays.push(Stay { start, refused, end });
    }
}
