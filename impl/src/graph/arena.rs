//! The arena: nodes, edges and users, their names, and the state of the transaction that is open.

use super::names::NameIndex;
use super::pending::Pending;
use crate::counters::Counters;
use crate::permission::{Grant, Pair};
use crate::role::{Role, Shape, Slot};
use alloc::sync::Arc;
use core::ops::{Deref, DerefMut};
use slotmap::{Key, SlotMap, new_key_type};

new_key_type! {
    /// A node. Stays valid, and means the same node, until the node is closed by a committed transaction; a key that
    /// was valid before a rollback is valid after it.
    pub struct NodeKey;
    /// An edge, from a node or from a root user. Stays the same when the edge is retargeted.
    pub struct EdgeKey;
    /// A root user.
    pub struct UserKey;
}

/// The upper end of an edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Parent {
    /// An edge of a node to its child.
    Node(NodeKey),
    /// The one edge of a root user.
    User(UserKey),
}

/// Plain data with a name. Copying one over another copies the shared name only if it is another one, which makes
/// `clone_from` between graphs of one family nearly a copy of bytes.
#[derive(Debug)]
pub(crate) struct Named<T> {
    pub(crate) name: Arc<str>,
    pub(crate) data: T,
}

impl<T: Copy> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), data: self.data }
    }

    fn clone_from(&mut self, source: &Self) {
        if !Arc::ptr_eq(&self.name, &source.name) {
            self.name = source.name.clone();
        }
        self.data = source.data;
    }
}

impl<T> Deref for Named<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T> DerefMut for Named<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.data
    }
}

/// The data of a node, all of it plain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// First edge of the list of parents; the rest hangs on the edges.
    pub(crate) parents: EdgeKey,
    /// First edge of the list of children.
    pub(crate) children: EdgeKey,
    pub(crate) file: EdgeKey,
    pub(crate) backing: EdgeKey,
    /// Neighbours in the list of all nodes, which is in order of insertion.
    pub(crate) prev: NodeKey,
    pub(crate) next: NodeKey,
    /// Topological label: strictly smaller than every child's, at judgement and between transactions.
    pub(crate) label: i64,
    /// The last walk that came by here; compared with [`Pending::epoch`].
    pub(crate) mark: u64,
    pub(crate) parent_count: u32,
    pub(crate) holders: u32,
    pub(crate) counters: Counters,
    /// What the driver was last granted (V5.2).
    pub(crate) granted: Grant,
    pub(crate) shape: Shape,
    pub(crate) read_only: bool,
    pub(crate) force_share: bool,
    pub(crate) no_io: bool,
    pub(crate) never_freeze: bool,
    /// Has zero references (L2).
    pub(crate) doomed: bool,
    /// Is in the list of changed nodes, or in the worklist.
    pub(crate) queued: bool,
    /// Is in the list of judged nodes.
    pub(crate) touched: bool,
    /// Is in the list of reopened nodes.
    pub(crate) reopened: bool,
}

impl Node {
    /// What the driver would be granted now.
    pub(crate) const fn grant(&self) -> Grant {
        Grant { pair: self.counters.pair(), writable: !self.read_only }
    }

    /// V7.1.
    pub(crate) fn is_stale(&self) -> bool {
        self.granted != self.grant()
    }

    pub(crate) const fn slot(&self, slot: Slot) -> EdgeKey {
        match slot {
            Slot::File => self.file,
            Slot::Backing => self.backing,
        }
    }

    pub(crate) const fn slot_mut(&mut self, slot: Slot) -> &mut EdgeKey {
        match slot {
            Slot::File => &mut self.file,
            Slot::Backing => &mut self.backing,
        }
    }

    /// The edge a chain walk follows: FILTERED of a filter, else COW (S4); null if there is none.
    pub(crate) fn chain_edge(&self) -> EdgeKey {
        self.slot(self.shape.filter.unwrap_or(Slot::Backing))
    }
}

/// The data of an edge, all of it plain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) parent: Parent,
    pub(crate) child: NodeKey,
    /// Neighbours in the child's list of parents.
    pub(crate) prev_parent: EdgeKey,
    pub(crate) next_parent: EdgeKey,
    /// Neighbours in the parent's list of children; null for a user's edge.
    pub(crate) prev_child: EdgeKey,
    pub(crate) next_child: EdgeKey,
    pub(crate) pair: Pair,
    pub(crate) role: Role,
    /// The slot of the parent that this edge fills.
    pub(crate) slot: Option<Slot>,
    pub(crate) frozen: bool,
    /// In its two lists. An edge that is not is waiting for the commit, or for the rollback to put it back.
    pub(crate) linked: bool,
    /// Not yet inserted in the topological order.
    pub(crate) fresh: bool,
}

impl Edge {
    /// An edge that is in no list yet.
    pub(crate) fn new(parent: Parent, child: NodeKey, pair: Pair, role: Role, slot: Option<Slot>) -> Self {
        let none = EdgeKey::null();
        Self {
            parent,
            child,
            prev_parent: none,
            next_parent: none,
            prev_child: none,
            next_child: none,
            pair,
            role,
            slot,
            frozen: false,
            linked: false,
            fresh: false,
        }
    }

    /// The parent, if it is a node.
    pub(crate) const fn parent_node(&self) -> Option<NodeKey> {
        match self.parent {
            Parent::Node(node) => Some(node),
            Parent::User(_) => None,
        }
    }
}

/// The data of a root user, all of it plain. What it wants is the pair of its edge (P4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) edge: EdgeKey,
    pub(crate) prev: UserKey,
    pub(crate) next: UserKey,
    pub(crate) stays: bool,
    /// Detached; waiting for the commit, or for the rollback to put it back.
    pub(crate) gone: bool,
}

/// The edge names that the operations give by themselves, kept so that giving them allocates nothing.
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

/// Everything but the drivers, so that a hook can have its driver and a view at the same time.
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
    /// No label is smaller, as far as it matters: where the next node goes.
    pub(crate) front: i64,
    /// The nodes whose driver lags behind, as of the last commit (V5.4).
    pub(crate) stale: alloc::vec::Vec<NodeKey>,
    pub(crate) words: Words,
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
            words: Words { file: "file".into(), backing: "backing".into(), root: "root".into() },
            pending: Pending::default(),
        }
    }

    /// The node called so, a doomed one too.
    pub(crate) fn node_named(&self, name: &str) -> Option<NodeKey> {
        self.node_names.find(name, |key| self.nodes.get(key).map(|node| &*node.name))
    }

    /// The user called so.
    pub(crate) fn user_named(&self, name: &str) -> Option<UserKey> {
        self.user_names.find(name, |key| self.users.get(key).map(|user| &*user.name))
    }

    /// The child edge of that name. O(children).
    pub(crate) fn child_named(&self, parent: NodeKey, name: &str) -> Option<EdgeKey> {
        self.children(parent).find(|edge| self.edges.get(*edge).is_some_and(|edge| *edge.name == *name))
    }

    /// The child edges in list order; nothing if there is no such node.
    pub(crate) fn children(&self, node: NodeKey) -> EdgeIter<'_> {
        let next = self.nodes.get(node).map_or_else(EdgeKey::null, |node| node.children);
        EdgeIter { core: self, next, list: List::Children }
    }

    /// The parent edges in list order; nothing if there is no such node.
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

/// Edges of one list, in list order.
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

    /// What the front page promises.
    #[test]
    fn nodes_and_edges_are_small() {
        assert!(size_of::<Named<Node>>() < 200 - 8, "{}", size_of::<Named<Node>>());
        assert!(size_of::<Named<Edge>>() < 100 - 8, "{}", size_of::<Named<Edge>>());
        assert!(size_of::<crate::journal::Undo>() <= 40, "{}", size_of::<crate::journal::Undo>());
    }
}
