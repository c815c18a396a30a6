//! Frees at the commit what steps only unlinked.

use super::arena::{Core, NodeKey};
use crate::journal::Undo;
use alloc::sync::Arc;

impl Core {
    /// Frees the edges and users that the transaction unlinked.
    pub(crate) fn free_unlinked(&mut self) {
        for undo in &self.pending.journal {
            match undo {
                Undo::Unlinked(key) => _ = self.edges.remove(*key),
                Undo::UserRemoved(key) => {
                    self.users.remove(*key);
                    self.texts.forget_user(*key);
                }
                _ => {}
            }
        }
    }

    /// Frees a node without edges; its name is free again (L2.1).
    pub(crate) fn free_node(&mut self, key: NodeKey) -> Option<Arc<str>> {
        let node = self.nodes.remove(key)?;
        self.node_names.remove(&node.name, key);
        self.texts.forget_node(key);
        self.drain_counts.remove(key);
        if let Some(parent) = self.nodes.get_mut(node.inherits) {
            parent.heirs -= 1;
        }
        match self.nodes.get_mut(node.prev) {
            Some(prev) => prev.next = node.next,
            None => self.first_node = node.next,
        }
        match self.nodes.get_mut(node.next) {
            Some(next) => next.prev = node.prev,
            None => self.last_node = node.prev,
        }
        if self.nodes.is_empty() {
            self.front = 0;
        }
        Some(node.name)
    }
}
