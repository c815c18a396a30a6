//! The usual case of C2, without a walk over what was there: a node is put into a graph, or edges are moved within it.
//!
//! Before the operation every component was in one context, its fixed users included (C1). So if all old ends of new
//! edges were in the same one, and no new user said another, then whoever C2.2 asks says that one; old nodes stay where
//! they are, and new nodes go there as far as they are connected with somebody who says so. The rest of what is new is
//! connected with nothing that was there, nobody has said anything about it, and it stays in main, where it began.
//!
//! Afterwards C3 asks which components C2 looked at. Here that is told by the ends of the new edges alone, so this is
//! for operations after which these are still connected with all they were connected with: closing the doomed nodes must
//! not take anything apart.

use super::ContextId;
use super::survey::Survey;
use crate::graph::arena::{Core, NodeKey, Parent};
use alloc::vec::Vec;

impl Core {
    /// `false`, and nothing is done, if this is not that case. O(what was done, and the edges of what is new).
    pub(super) fn settle_new(&mut self, survey: &Survey) -> bool {
        if !self.pending.contexts.requests.is_empty() || !self.doomed_are_leaves() {
            return false;
        }
        let Some(only) = survey.only_context(self) else { return false };
        let mark = self.pending.next_epoch();
        let mut reached = Vec::new();
        for edge in survey.edges.iter().copied() {
            let (parent, child) = (self.edges[edge].parent_node(), self.edges[edge].child);
            for key in [parent, Some(child)].into_iter().flatten() {
                self.pending.contexts.looked_at.push(key);
            }
            let says = survey.of_parent(self, edge).or(survey.of_node(self, child));
            if says.is_some() {
                for key in [parent, Some(child)].into_iter().flatten() {
                    self.reach(survey, key, mark, &mut reached);
                }
            }
        }
        if let Some(context) = only {
            self.take_along(survey, context, mark, reached);
        }
        true
    }

    /// Those new nodes go to the context, and the new ones that they are connected with.
    fn take_along(&mut self, survey: &Survey, context: ContextId, mark: u64, mut reached: Vec<NodeKey>) {
        let mut index = 0;
        while let Some(key) = reached.get(index).copied() {
            index += 1;
            let node = &self.nodes[key];
            if node.context != context && !node.doomed {
                self.set_context(key, context);
                self.pending.contexts.moved.push(key);
            }
            let mut next = self.nodes[key].children;
            while let Some(edge) = self.edges.get(next) {
                next = edge.next_child;
                let child = edge.child;
                self.reach(survey, child, mark, &mut reached);
            }
            let mut next = self.nodes[key].parents;
            while let Some(edge) = self.edges.get(next) {
                next = edge.next_parent;
                if let Parent::Node(parent) = edge.parent {
                    self.reach(survey, parent, mark, &mut reached);
                }
            }
        }
    }

    fn reach(&mut self, survey: &Survey, key: NodeKey, mark: u64, reached: &mut Vec<NodeKey>) {
        if survey.is_new(key) && core::mem::replace(&mut self.nodes[key].mark, mark) != mark {
            reached.push(key);
        }
    }

    /// Whether closing the doomed nodes takes nothing apart: each has one child at most, and that remains, because
    /// somebody holds it or one of the first of its parents does. O(doomed nodes).
    fn doomed_are_leaves(&self) -> bool {
        let remains = |child: NodeKey| {
            let node = &self.nodes[child];
            let other = |parent: Parent| match parent {
                Parent::Node(parent) => !self.nodes[parent].doomed,
                Parent::User(_) => true,
            };
            let held = node.monitor || node.holders > 0;
            !node.doomed && (held || self.parents(child).take(2).any(|edge| other(self.edges[edge].parent)))
        };
        self.pending.doomed.iter().all(|key| {
            let mut children = self.children(*key).map(|edge| self.edges[edge].child);
            let (first, second) = (children.next(), children.next());
            !self.nodes.contains_key(*key) || (second.is_none() && first.is_none_or(remains))
        })
    }
}
