//! What an operation has made and moved, and what of it has a say in where components go (C2.2).

use super::ContextId;
use crate::graph::arena::{Core, EdgeKey, NodeKey, Parent, UserKey};
use crate::journal::Undo;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// What the operation has made and moved, as the journal knows it.
#[derive(Default)]
pub(super) struct OperationChanges {
    /// Looked up by key only.
    new_nodes: HashSet<NodeKey>,
    new_users: HashSet<UserKey>,
    /// Where retargeted edges led before.
    first_target: HashMap<EdgeKey, NodeKey>,
    /// The new edges.
    pub(super) edges: Vec<EdgeKey>,
}

impl OperationChanges {
    /// O(what was done).
    pub(super) fn of(core: &Core) -> Self {
        let mut changes = Self::default();
        let mut seen = HashSet::new();
        // Backwards, so that where an edge led first is met last.
        for undo in core.pending.journal.iter().rev() {
            let edge = match *undo {
                Undo::Added(key) => {
                    changes.new_nodes.insert(key);
                    continue;
                }
                Undo::UserAdded(key) => {
                    changes.new_users.insert(key);
                    continue;
                }
                Undo::Linked(edge) => edge,
                Undo::Retargeted { edge, child, .. } => {
                    changes.first_target.insert(edge, child);
                    edge
                }
                _ => continue,
            };
            let is_linked = core.edges.get(edge).is_some_and(|edge| edge.linked);
            if is_linked && seen.insert(edge) {
                changes.edges.push(edge);
            }
        }
        changes
    }

    /// Whether the operation made the node.
    pub(super) fn is_new(&self, key: NodeKey) -> bool {
        self.new_nodes.contains(&key)
    }

    /// C2.2: the context that a node had, if it was there.
    pub(super) fn of_node(&self, core: &Core, key: NodeKey) -> Option<ContextId> {
        if self.new_nodes.contains(&key) { None } else { core.nodes.get(key).map(|node| node.context) }
    }

    /// C2.2: the context of the parent end of a new edge, if it has one.
    pub(super) fn of_parent(&self, core: &Core, edge: EdgeKey) -> Option<ContextId> {
        match core.edges[edge].parent {
            Parent::Node(node) => self.of_node(core, node),
            Parent::User(user) if self.new_users.contains(&user) => core.users[user].context,
            Parent::User(_) => self.first_target.get(&edge).and_then(|node| self.of_node(core, *node)),
        }
    }
}
