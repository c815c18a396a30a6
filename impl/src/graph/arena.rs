//! The arena: nodes, edges and users, their names, and the state of the transaction that is open.

pub(crate) use super::elements::{Edge, Named, Node, User};
pub(crate) use super::keys::{EdgeKey, NodeKey, Parent, UserKey};
use super::names::{ChildNames, NameIndex};
use super::pending::Pending;
use super::rare_texts::RareTexts;
use crate::drain::DrainCounts;
use crate::permission::Pair;
use crate::role::Slot;
use alloc::sync::Arc;
use slotmap::{Key, SecondaryMap, SlotMap};

/// The edge names that operations choose. They are kept here so that using them does not allocate.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) file: Arc<str>,
    pub(crate) backing: Arc<str>,
    pub(crate) root: Arc<str>,
}

impl Words {
    pub(crate) const fn of(&self, slot: Slot) -> &Arc<str> {
        match slot {
            Slot::File => &self.file,
            Slot::Backing => &self.backing,
        }
    }
}

/// Everything except the drivers, so that a hook can borrow its driver and a view at the same time.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) nodes: SlotMap<NodeKey, Named<Node>>,
    pub(crate) edges: SlotMap<EdgeKey, Named<Edge>>,
    pub(crate) users: SlotMap<UserKey, Named<User>>,
    pub(crate) node_names: NameIndex<NodeKey>,
    pub(crate) user_names: NameIndex<UserKey>,
    /// Ends of the list of all nodes, in order of insertion.
    pub(crate) first_node: NodeKey,
    pub(crate) last_node: NodeKey,
    /// Ends of the list of all users, in order of attachment.
    pub(crate) first_user: UserKey,
    pub(crate) last_user: UserKey,
    /// A lower bound of all labels in use. The next node gets a label below it.
    pub(crate) front: i64,
    /// The nodes whose driver is stale since the last commit (V5.4).
    pub(crate) stale: alloc::vec::Vec<NodeKey>,
    /// The counts of nodes that sections quiesce, drain-alls aside (Q1).
    pub(crate) drain_counts: SecondaryMap<NodeKey, DrainCounts>,
    /// The number of open drain-alls.
    pub(crate) drain_alls: u32,
    pub(crate) words: Words,
    pub(crate) texts: RareTexts,
    pub(crate) child_names: ChildNames,
    pub(crate) pending: Pending,
}

impl Core {
    pub(crate) fn with_capacity(nodes: usize, edges: usize) -> Self {
        Self {
            nodes: SlotMap::with_capacity_and_key(nodes),
            edges: SlotMap::with_capacity_and_key(edges),
            users: SlotMap::with_key(),
            node_names: NameIndex::with_capacity(nodes),
            user_names: NameIndex::with_capacity(0),
            first_node: NodeKey::null(),
            last_node: NodeKey::null(),
            first_user: UserKey::null(),
            last_user: UserKey::null(),
            front: 0,
            stale: alloc::vec::Vec::new(),
            drain_counts: SecondaryMap::new(),
            drain_alls: 0,
            words: Words { file: "file".into(), backing: "backing".into(), root: "root".into() },
            texts: RareTexts::default(),
            child_names: ChildNames::new(),
            pending: Pending::default(),
        }
    }

    /// Returns the node of this name, even if it is doomed.
    pub(crate) fn node_named(&self, name: &str) -> Option<NodeKey> {
        self.node_names.find(name, |key| self.nodes.get(key).map(|node| &*node.name))
    }

    /// Returns the user of this name.
    pub(crate) fn user_named(&self, name: &str) -> Option<UserKey> {
        self.user_names.find(name, |key| self.users.get(key).map(|user| &*user.name))
    }

    /// Returns what a user wants (A3). That is its pair, unless its node is inactive.
    pub(crate) fn wanted(&self, key: UserKey) -> Pair {
        let user = &self.users[key];
        let edge = &self.edges[user.edge];
        if self.nodes[edge.child].inactive { user.wanted } else { edge.pair }
    }

    /// The child edges in list order. Empty if the node does not exist.
    pub(crate) fn children(&self, node: NodeKey) -> EdgeIter<'_> {
        let next = self.nodes.get(node).map_or_else(EdgeKey::null, |node| node.children);
        EdgeIter { core: self, next, list: List::Children }
    }

    /// The parent edges in list order. Empty if the node does not exist.
    pub(crate) fn parents(&self, node: NodeKey) -> EdgeIter<'_> {
        let next = self.nodes.get(node).map_or_else(EdgeKey::null, |node| node.parents);
        EdgeIter { core: self, next, list: List::Parents }
    }

    /// All nodes in order of insertion.
    pub(crate) fn node_keys(&self) -> impl Iterator<Item = NodeKey> + '_ {
        let first = Some(self.first_node).filter(|key| !key.is_null());
        core::iter::successors(first, |key| self.nodes.get(*key).map(|node| node.next).filter(|key| !key.is_null()))
    }

    /// All users in order of attachment.
    pub(crate) fn user_keys(&self) -> impl Iterator<Item = UserKey> + '_ {
        let first = Some(self.first_user).filter(|key| !key.is_null());
        core::iter::successors(first, |key| self.users.get(*key).map(|user| user.next).filter(|key| !key.is_null()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum List {
    Parents,
    Children,
}

/// The edges of one list, in list order.
#[derive(Clone, Debug)]
pub struct EdgeIter<'a> {
    core: &'a Core,
    next: EdgeKey,
    list: List,
}

impl Iterator for EdgeIter<'_> {
    type Item = EdgeKey;

    fn next(&mut self) -> Option<EdgeKey> {
        let key = self.next;
        let edge = self.core.edges.get(key)?;
        self.next = match self.list {
            List::Parents => edge.next_parent,
            List::Children => edge.next_child,
        };
        Some(key)
    }
}

impl core::iter::FusedIterator for EdgeIter<'_> {}

#[cfg(test)]
mod tests {
    use super::{Edge, Named, Node};

    /// The sizes that the front page promises.
    #[test]
    fn nodes_and_edges_are_small() {
        assert!(size_of::<Named<Node>>() <= 168, "{}", size_of::<Named<Node>>());
        assert!(size_of::<Named<Edge>>() < 100 - 8, "{}", size_of::<Named<Edge>>());
        assert!(size_of::<crate::journal::Undo>() <= 40, "{}", size_of::<crate::journal::Undo>());
    }
}
