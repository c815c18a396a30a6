//! The usual case of C2, without a walk over existing components: an operation adds a node to a graph or moves edges
//! within one context.
//!
//! Before the operation every component was in one context, and so were its fixed users (C1). Suppose that wherever new
//! nodes and new edges connect something, all old ends and all new users have the same context. Then C2.2 can only
//! answer with that context: old nodes stay where they are, and new nodes go there. New nodes that are connected to no
//! such end stay in the main context, where they began.
//!
//! Afterwards C3 needs the components that C2 looked at. Here the ends of the new edges represent them. This requires
//! that these ends are still connected to everything they were connected to, so the closing of doomed nodes must not
//! split a component.

use super::ContextId;
use super::operation_changes::OperationChanges;
use crate::graph::arena::{Core, NodeKey, Parent};
use alloc::vec::Vec;
use hashbrown::HashMap;

/// The contexts of new nodes, in the order in which they were found.
#[derive(Default)]
struct Going {
    to: HashMap<NodeKey, ContextId>,
    order: Vec<NodeKey>,
    differ: bool,
}

impl Going {
    /// Records that a node is connected to an end in this context. Old nodes are skipped, because their context is
    /// known.
    fn join(&mut self, changes: &OperationChanges, key: NodeKey, context: ContextId) {
        if changes.is_new(key) {
            match self.to.insert(key, context) {
                None => self.order.push(key),
                Some(other) => self.differ |= other != context,
            }
        }
    }

    /// Finds the new nodes that new edges connect to ends with a context. Returns `None` if these contexts differ.
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
    /// Settles contexts in the usual case. Otherwise it changes nothing and returns `false`. O(changes of the
    /// operation, and the edges of new nodes).
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

    /// Returns whether closing the doomed nodes splits nothing: each has at most one child, and the child remains,
    /// because it has a holder or its first parents remain. O(doomed nodes).
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
