//! The usual case of C2, without a walk over what was there: a node is put into a graph, or edges are moved within it.
//!
//! Before the operation every component was in one context, its fixed users included (C1). So if, wherever new nodes and
//! new edges connect something, all old ends and all that new users said are one context, then whoever C2.2 asks says that
//! one: old nodes stay where they are, and new nodes go there. What is new and connected with nobody who says anything
//! stays in main, where it began.
//!
//! Afterwards C3 asks which components C2 looked at. Here that is told by the ends of the new edges alone, so this is
//! for operations after which these are still connected with all they were connected with: closing the doomed nodes must
//! not take anything apart.

use super::ContextId;
use super::operation_changes::OperationChanges;
use crate::graph::arena::{Core, NodeKey, Parent};
use alloc::vec::Vec;
use hashbrown::HashMap;

/// Where new nodes go, in the order in which that was found.
#[derive(Default)]
struct Going {
    to: HashMap<NodeKey, ContextId>,
    order: Vec<NodeKey>,
    differ: bool,
}

impl Going {
    /// A node is connected with somebody who is in that context; of old nodes that is known.
    fn join(&mut self, changes: &OperationChanges, key: NodeKey, context: ContextId) {
        if changes.is_new(key) {
            match self.to.insert(key, context) {
                None => self.order.push(key),
                Some(other) => self.differ |= other != context,
            }
        }
    }

    /// The new nodes that are connected by new edges with those who have a say. Nothing if these do not agree.
    fn find(core: &Core, changes: &OperationChanges) -> Option<Self> {
        let mut going = Self::default();
        for edge in changes.edges.iter().copied() {
            let (parent, child) = (core.edges[edge].parent_node(), core.edges[edge].child);
            let said = [changes.of_parent(core, edge), changes.of_node(core, child)];
            for context in said.into_iter().flatten() {
                going.differ |= said.into_iter().flatten().any(|other| other != context);
                for key in parent.into_iter().chain([child]) {
                    going.join(changes, key, context);
                }
            }
        }
        let mut index = 0;
        while let Some(key) = going.order.get(index).copied().filter(|_| !going.differ) {
            index += 1;
            let context = going.to.get(&key).copied().unwrap_or_default();
            for edge in core.children(key) {
                going.join(changes, core.edges[edge].child, context);
            }
            for edge in core.parents(key) {
                if let Parent::Node(parent) = core.edges[edge].parent {
                    going.join(changes, parent, context);
                }
            }
        }
        Some(going).filter(|going| !going.differ)
    }
}

impl Core {
    /// `false`, and nothing is done, if this is not that case. O(what was done, and the edges of what is new).
    pub(super) fn settle_new(&mut self, changes: &OperationChanges) -> bool {
        if !self.pending.contexts.requests.is_empty() || !self.doomed_are_leaves() {
            return false;
        }
        let Some(going) = Going::find(self, changes) else { return false };
        for edge in changes.edges.iter().copied() {
            let ends = self.edges[edge].parent_node().into_iter().chain([self.edges[edge].child]);
            self.pending.contexts.looked_at.extend(ends);
        }
        for key in going.order {
            let context = going.to.get(&key).copied().unwrap_or_default();
            let node = &self.nodes[key];
            if node.context != context && !node.doomed {
                self.set_context(key, context);
                self.pending.contexts.moved.push(key);
            }
        }
        true
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
