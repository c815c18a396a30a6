//! RareTexts that few nodes and users have, kept beside the arena so that the others pay nothing for them.

use super::arena::{NodeKey, UserKey};
use alloc::sync::Arc;
use hashbrown::HashMap;

/// Looked up by key only; the order of a table is nobody's business.
#[derive(Debug, Default)]
pub(crate) struct RareTexts {
    /// Stored backing names (S6).
    pub(crate) backing: HashMap<NodeKey, Arc<str>>,
    /// The names of the drivers that nodes have lost (L3.2).
    pub(crate) lost: HashMap<NodeKey, Arc<str>>,
    /// Why users block operations (L4.1).
    pub(crate) reasons: HashMap<UserKey, Arc<str>>,
}

impl RareTexts {
    /// What belongs to a node that goes.
    pub(crate) fn forget_node(&mut self, key: NodeKey) {
        if !self.backing.is_empty() {
            self.backing.remove(&key);
        }
        if !self.lost.is_empty() {
            self.lost.remove(&key);
        }
    }

    /// What belongs to a user that goes.
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

    /// Becomes a copy, in the space it has.
    pub(crate) fn copy_from(&mut self, source: &Self) {
        self.backing.clone_from(&source.backing);
        self.lost.clone_from(&source.lost);
        self.reasons.clone_from(&source.reasons);
    }
}

/// Puts a text, or takes it away; returns what was there.
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
