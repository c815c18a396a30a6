//! Tables from names to keys. A table holds only keys. The names are in the elements.

use super::keys::{EdgeKey, NodeKey};
use alloc::boxed::Box;
use core::hash::BuildHasher;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

/// The indices of child names of nodes with many children. They are only looked up by key, so their order does not
/// matter.
pub(crate) type ChildNames = HashMap<NodeKey, Box<NameIndex<EdgeKey>>>;

/// An index of the names of a map's elements.
#[derive(Clone, Debug)]
pub(crate) struct NameIndex<K> {
    table: HashTable<K>,
    hasher: DefaultHashBuilder,
}

impl<K: Copy + PartialEq> NameIndex<K> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { table: HashTable::with_capacity(capacity), hasher: DefaultHashBuilder::default() }
    }

    /// Returns the key of the element with this name. `name_of` returns the name of a key. O(1) expected.
    pub(crate) fn find<'a>(&self, name: &str, name_of: impl Fn(K) -> Option<&'a str>) -> Option<K> {
        self.table.find(self.hasher.hash_one(name), |key| name_of(*key) == Some(name)).copied()
    }

    /// Adds a key with a name. Neither may be in the table. O(1) expected.
    pub(crate) fn insert<'a>(&mut self, name: &str, key: K, name_of: impl Fn(K) -> Option<&'a str>) {
        let hasher = &self.hasher;
        let rehash = |key: &K| hasher.hash_one(name_of(*key).unwrap_or_default());
        self.table.insert_unique(hasher.hash_one(name), key, rehash);
    }

    /// Removes a key of this name. O(1) expected.
    pub(crate) fn remove(&mut self, name: &str, key: K) {
        if let Ok(entry) = self.table.find_entry(self.hasher.hash_one(name), |other| *other == key) {
            entry.remove();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn clear(&mut self) {
        self.table.clear();
    }

    /// Copies the source into the space of this table.
    pub(crate) fn copy_from(&mut self, source: &Self) {
        self.table.clone_from(&source.table);
        self.hasher.clone_from(&source.hasher);
    }
}
