//! The nodes, users and edges that an operation added or moved, as far as they decide contexts (C2.2).

use super::ContextId;
use crate::graph::arena::{Core, EdgeKey, NodeKey, Parent, UserKey};
use crate::journal::Undo;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// The additions and moves of an operation, as the journal records them.
#[derive(Default)]
pub(super) struct OperationChanges {
    /// Only looked up by key, so its order does not matter.
    new_nodes: HashSet<NodeKey>,
    new_users: HashSet<UserKey>,
    /// The targets of retargeted edges before the operation.
    first_target: HashMap<EdgeKey, NodeKey>,
    /// The new edges.
    pub(super) edges: Vec<EdgeKey>,
}

impl OperationChanges {
    /// Reads the changes from the journal. O(records).
    pub(super) fn of(core: &Core) -> Self {
        let mut changes = Self::default();
        let mut seen = HashSet::new();
        // It goes backwards, so the oldest target of an edge is written last.
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

    /// Returns whether the operation added the node.
    pub(super) fn is_new(&self, key: NodeKey) -> bool {
        self.new_nodes.contains(&key)
    }

    /// Returns the context that a node had if it existed before the operation (C2.2).
    pub(super) fn of_node(&self, core: &Core, key: NodeKey) -> Option<ContextId> {
        if self.new_nodes.contains(&key) { None } else { core.nodes.get(key).map(|node| node.context) }
    }

    /// Returns the context of the parent end of a new edge, if it has one (C2.2).
    pub(super) fn of_parent(&self, core: &Core, edge: EdgeKey) -> Option<ContextId> {
        match core.edges[edge].parent {
            Parent::Node(node) => self.of_node(core, node),
            Parent::User(user) if self.new_users.contains(&user) => core.users[user].context,
            Parent::User(_) => self.first_target.get(&edge).and_then(|node| self.of_node(core, *node)),
        }
    }
}
