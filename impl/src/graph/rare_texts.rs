//! Texts that few nodes and users have. They are beside the arena, so other nodes and users pay nothing for them.

use super::arena::{NodeKey, UserKey};
use alloc::sync::Arc;
use hashbrown::HashMap;

/// Only looked up by key, so the order does not matter.
#[derive(Debug, Default)]
pub(crate) struct RareTexts {
    /// Stored backing names (S6).
    pub(crate) backing: HashMap<NodeKey, Arc<str>>,
    /// The names of ejected drivers (L3.2).
    pub(crate) lost: HashMap<NodeKey, Arc<str>>,
    /// The reasons why users block operations (L4.1).
    pub(crate) reasons: HashMap<UserKey, Arc<str>>,
}

impl RareTexts {
    /// Removes the texts of a closed node.
    pub(crate) fn forget_node(&mut self, key: NodeKey) {
        if !self.backing.is_empty() {
            self.backing.remove(&key);
        }
        if !self.lost.is_empty() {
            self.lost.remove(&key);
        }
    }

    /// Removes the texts of a removed user.
    pub(crate) fn forget_user(&mut self, key: UserKey) {
        if !self.reasons.is_empty() {
            self.reasons.remove(&key);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.backing.clear();
        self.lost.clear();
        self.reasons.clear();
    }

    /// Copies the source into the space of this table.
    pub(crate) fn copy_from(&mut self, source: &Self) {
        self.backing.clone_from(&source.backing);
        self.lost.clone_from(&source.lost);
        self.reasons.clone_from(&source.reasons);
    }
}

/// Puts or removes a text. Returns the old one.
pub(crate) fn put<K: core::hash::Hash + Eq>(
    texts: &mut HashMap<K, Arc<str>>,
    key: K,
    text: Option<Arc<str>>,
) -> Option<Arc<str>> {
    match text {
        Some(text) => texts.insert(key, text),
        None => texts.remove(&key),
    }
}
