//! The elements of the arena: nodes, edges, users.

use super::arena::{EdgeKey, NodeKey, Parent, UserKey};
use super::traits::Traits;
use crate::context::ContextId;
use crate::counters::Counters;
use crate::op_kind::OpKinds;
use crate::permission::{Grant, Pair};
use crate::role::{Role, Shape, Slot};
use alloc::sync::Arc;
use core::ops::{Deref, DerefMut};
use slotmap::Key;

/// Plain data with a name. `clone_from` copies the shared name only if it is a different one, so copying between clones
/// of one graph is nearly a copy of bytes.
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
    /// The first edge of the list of parents. The edges link the rest.
    pub(crate) parents: EdgeKey,
    /// The first edge of the list of children.
    pub(crate) children: EdgeKey,
    pub(crate) file: EdgeKey,
    pub(crate) backing: EdgeKey,
    /// The neighbours in the list of all nodes, which is in order of insertion.
    pub(crate) prev: NodeKey,
    pub(crate) next: NodeKey,
    /// The topological label. It is strictly smaller than every child's, at the check and between transactions.
    pub(crate) label: i64,
    /// The last walk that visited the node, compared with the epoch of the pending transaction.
    pub(crate) mark: u64,
    /// The node from which this one inherits (S8). It is null, or the key of a closed node, if there is none.
    pub(crate) inherits: NodeKey,
    pub(crate) parent_count: u32,
    pub(crate) child_count: u32,
    /// The number of callers that hold the node (L1).
    pub(crate) holders: u32,
    /// The number of nodes that inherit from this one.
    pub(crate) heirs: u32,
    /// The context. Inside a transaction it is the old one, until the commit settles it (C2).
    pub(crate) context: ContextId,
    pub(crate) counters: Counters,
    /// The driver's last grant (V5.2).
    pub(crate) granted: Grant,
    pub(crate) traits: Traits,
    pub(crate) read_only: bool,
    /// The node is inactive: another process owns the image (A1).
    pub(crate) inactive: bool,
    /// The monitor holds the node (L1).
    pub(crate) monitor: bool,
    /// The read-only flag is inherited. It has no meaning if the node does not inherit.
    pub(crate) inherits_read_only: bool,
    /// The node has lost its driver (L3).
    pub(crate) ejected: bool,
    /// The node has zero references (L2).
    pub(crate) doomed: bool,
    /// The node is in the list of changed nodes or in the worklist.
    pub(crate) queued: bool,
    /// The node is in the list of checked nodes.
    pub(crate) touched: bool,
    /// The node is in the list of reopened nodes.
    pub(crate) reopened: bool,
    /// The node is in the list of renamed nodes.
    pub(crate) renamed: bool,
    /// The node is in the list of nodes whose activity changed.
    pub(crate) shifted: bool,
}

impl Node {
    /// Returns what the driver would be granted now.
    pub(crate) const fn grant(&self) -> Grant {
        Grant { pair: self.counters.pair(), writable: self.is_writable() }
    }

    /// Returns whether the node is writable (P7).
    pub(crate) const fn is_writable(&self) -> bool {
        !self.read_only && !self.inactive
    }

    /// Returns whether the node is stale (V7.1).
    pub(crate) fn is_stale(&self) -> bool {
        self.granted != self.grant() && !self.ejected
    }

    /// Returns whether a plan has steps for the node's driver: the driver is present and the node remains (V5).
    pub(crate) const fn is_asked(&self) -> bool {
        !self.doomed && !self.ejected
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

    /// Returns the edge that a chain walk follows: FILTERED of a filter, else COW (S4). It is null if there is none.
    pub(crate) fn chain_edge(&self) -> EdgeKey {
        self.slot(self.shape().filter.unwrap_or(Slot::Backing))
    }
}

impl Node {
    /// Returns the shape of the driver (S3).
    pub(crate) const fn shape(&self) -> Shape {
        let traits = self.traits;
        Shape {
            filter: traits.filter(),
            supports_backing: traits.contains(Traits::SUPPORTS_BACKING),
            takes_children: traits.contains(Traits::TAKES_CHILDREN),
            children_replaceable: traits.contains(Traits::CHILDREN_REPLACEABLE),
            takes_filtered: traits.contains(Traits::TAKES_FILTERED),
            live_children: traits.contains(Traits::LIVE_CHILDREN),
        }
    }

    pub(crate) const fn force_share(&self) -> bool {
        self.traits.contains(Traits::FORCE_SHARE)
    }

    pub(crate) const fn no_io(&self) -> bool {
        self.traits.contains(Traits::NO_IO)
    }

    pub(crate) const fn never_freeze(&self) -> bool {
        self.traits.contains(Traits::NEVER_FREEZE)
    }

    pub(crate) const fn implicit(&self) -> bool {
        self.traits.contains(Traits::IMPLICIT)
    }
}

/// The data of an edge, all of it plain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) parent: Parent,
    pub(crate) child: NodeKey,
    /// The neighbours in the child's list of parents.
    pub(crate) prev_parent: EdgeKey,
    pub(crate) next_parent: EdgeKey,
    /// The neighbours in the parent's list of children. They are null for a user's edge.
    pub(crate) prev_child: EdgeKey,
    pub(crate) next_child: EdgeKey,
    pub(crate) pair: Pair,
    pub(crate) role: Role,
    /// The slot of the parent that this edge fills.
    pub(crate) slot: Option<Slot>,
    pub(crate) frozen: bool,
    /// The edge is in its two lists. An unlinked edge waits for the commit, or for a rollback that links it again.
    pub(crate) linked: bool,
    /// The edge is not yet in the topological order.
    pub(crate) fresh: bool,
}

impl Edge {
    /// Makes an edge that is in no list yet.
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

    /// Returns the parent if it is a node.
    pub(crate) const fn parent_node(&self) -> Option<NodeKey> {
        match self.parent {
            Parent::Node(node) => Some(node),
            Parent::User(_) => None,
        }
    }
}

/// The data of a root user, all of it plain. What it wants is the pair of its edge (P4), unless its node is inactive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) edge: EdgeKey,
    pub(crate) prev: UserKey,
    pub(crate) next: UserKey,
    /// What the user wants while its node is inactive (A3). It has no meaning otherwise.
    pub(crate) wanted: Pair,
    /// The kinds of operation that the user blocks (L4).
    pub(crate) blocks: OpKinds,
    /// The context of a fixed user. For a movable user it is the context that it gave when it was attached. That has no
    /// meaning after the operation that attached it (C1).
    pub(crate) context: Option<ContextId>,
    /// The user's context never changes (C1).
    pub(crate) fixed: bool,
    pub(crate) stays: bool,
    /// The user's node may be inactivated whatever the user wants (O36).
    pub(crate) may_inactivate: bool,
    /// The user is detached and waits for the commit, or for a rollback that attaches it again.
    pub(crate) gone: bool,
}
