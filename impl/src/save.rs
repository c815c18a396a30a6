//! Everything observable of a graph as plain data.

use crate::context::ContextId;
use crate::driver::Driver;
use crate::graph::arena::{EdgeKey, NodeKey};
use crate::graph::{EdgeView, Graph};
use crate::op_kind::OpKinds;
use crate::permission::{Grant, Pair};
use crate::role::{Role, Shape};
use alloc::sync::Arc;
use alloc::vec::Vec;
use slotmap::SecondaryMap;

/// The version of the form that this crate writes, and the only one it reads.
pub const SAVE_VERSION: u32 = 3;

/// A graph as plain data: made by [`Graph::save`], or by hand, and made a graph again by [`Graph::restore`].
///
/// All fields are public. Nodes, users and edges are named by their index in `nodes`, `users` and `edges`. The orders
/// mean something:
///
/// * `nodes` is in the order of [`Graph::nodes`], `users` in that of [`Graph::users`];
/// * among the `edges` of one parent node, the order is that of its list of children;
/// * `parent_lists` has every edge once, as an index; among those with the same child the order is that of the
///   child's list of parents. How edges of different nodes are mixed means nothing in either.
///
/// Pairs of edges from nodes are not in it, except below nodes without a driver (L3.1); the others follow from the
/// rest (P4). Nor is the order in which nodes went
/// stale: a restored graph lists them in the order of `nodes`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedGraph<D> {
    /// [`SAVE_VERSION`].
    pub version: u32,
    /// Open drain-alls (Q1).
    pub drain_alls: u32,
    /// The nodes.
    pub nodes: Vec<SavedNode<D>>,
    /// The root users.
    pub users: Vec<SavedUser>,
    /// The edges, of nodes and of users.
    pub edges: Vec<SavedEdge>,
    /// Indices of all edges, in the order of the lists of parents.
    pub parent_lists: Vec<u32>,
}

impl<D> Default for SavedGraph<D> {
    fn default() -> Self {
        Self {
            version: SAVE_VERSION,
            drain_alls: 0,
            nodes: Vec::new(),
            users: Vec::new(),
            edges: Vec::new(),
            parent_lists: Vec::new(),
        }
    }
}

/// A node of a [`SavedGraph`] (S0).
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedNode<D> {
    /// The unique name.
    pub name: Arc<str>,
    /// The flag *read-only*.
    pub read_only: bool,
    /// The flag *force-share*.
    pub force_share: bool,
    /// The flag *no-io*.
    pub no_io: bool,
    /// The flag *never-freeze*.
    pub never_freeze: bool,
    /// The flag *implicit*; only of a filter.
    pub implicit: bool,
    /// The flag *inactive* (A1).
    pub inactive: bool,
    /// Whether the monitor holds the node (L1).
    pub monitor: bool,
    /// The number of callers that hold it (L1).
    pub holders: u32,
    /// The context (C1).
    pub context: ContextId,
    /// The number of its own open sections (Q1).
    pub sections: u32,
    /// From whom the node inherits (S8).
    pub inherits: Option<u32>,
    /// Whether it inherits the read-only flag, too; only if it inherits.
    pub inherits_read_only: bool,
    /// The backing name stored in the image (S6); only with a driver that supports backing.
    pub stored_backing: Option<Arc<str>>,
    /// What the driver was last granted (V5.2).
    pub granted: Grant,
    /// The driver, or what stands for it, or what is left of it.
    pub driver: SavedDriver<D>,
}

/// The driver of a node of a [`SavedGraph`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SavedDriver<D> {
    /// The driver, or what stands for it.
    Present(D),
    /// The node has lost it (L3).
    Ejected {
        /// Its name ([`Policy::name`](crate::Policy::name)).
        name: Arc<str>,
        /// What it said about its shape, which the node keeps (L3.2).
        shape: Shape,
    },
}

impl<D> SavedDriver<D> {
    /// The driver, or what stands for it, if the node has one.
    pub const fn present(&self) -> Option<&D> {
        match self {
            Self::Present(driver) => Some(driver),
            Self::Ejected { .. } => None,
        }
    }
}

/// A root user of a [`SavedGraph`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedUser {
    /// The unique name.
    pub name: Arc<str>,
    /// What it last asked for, which is not what it has while its node is inactive (A3).
    pub pair: Pair,
    /// The flag *stay-at-node*.
    pub stays: bool,
    /// The flag *fixed* (C1).
    pub fixed: bool,
    /// The flag *may-inactivate* (A1).
    pub may_inactivate: bool,
    /// The kinds of operation that it blocks (L4).
    pub blocks: OpKinds,
    /// Why; there exactly if it blocks any.
    pub block_reason: Option<Arc<str>>,
}

/// The upper end of an edge of a [`SavedGraph`], by index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ParentIndex {
    /// An edge of a node.
    Node(u32),
    /// The one edge of a user.
    User(u32),
}

/// An edge of a [`SavedGraph`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedEdge {
    /// The upper end.
    pub parent: ParentIndex,
    /// The node at the lower end.
    pub child: u32,
    /// The name; of a user's edge it is `root` and not looked at.
    pub name: Arc<str>,
    /// The role; empty for a user's edge.
    pub role: Role,
    /// Whether the edge is frozen; never for a user's edge.
    pub frozen: bool,
    /// The pair that the edge keeps, exactly if its parent is a node without a driver (L3.1).
    pub kept: Option<Pair>,
}

impl<D: Driver> Graph<D> {
    /// Everything observable as plain data, drivers included. O(nodes + edges).
    ///
    /// Only of a graph at rest: while a transaction is open, doomed nodes and changed grants would be in it.
    #[must_use]
    pub fn save(&self) -> SavedGraph<D>
    where
        D: Clone,
    {
        self.save_with(|_, driver| driver.clone())
    }

    /// As [`save`](Self::save), with something else in place of the drivers that are there.
    pub fn save_with<T>(&self, mut describe: impl FnMut(NodeKey, &D) -> T) -> SavedGraph<T> {
        let mut snapshot = SavedGraph { drain_alls: self.core.drain_alls, ..SavedGraph::default() };
        let mut numbers = SecondaryMap::with_capacity(self.core.nodes.len());
        self.nodes().enumerate().for_each(|(number, key)| _ = numbers.insert(key, index(number)));
        for view in self.nodes().filter_map(|key| self.get(key)) {
            let (key, node) = (view.key(), &self.core.nodes[view.key()]);
            let lost =
                || SavedDriver::Ejected { name: view.driver_name().unwrap_or_default().into(), shape: node.shape() };
            let driver = self.drivers.get(key).map(|driver| SavedDriver::Present(describe(key, driver)));
            snapshot.nodes.push(SavedNode {
                name: node.name.clone(),
                read_only: node.read_only,
                force_share: node.force_share(),
                no_io: node.no_io(),
                never_freeze: node.never_freeze(),
                implicit: node.implicit(),
                inactive: node.inactive,
                monitor: node.monitor,
                holders: node.holders,
                context: node.context,
                sections: view.sections(),
                inherits: view.inherits_from().and_then(|parent| numbers.get(parent).copied()),
                inherits_read_only: view.inherits_read_only(),
                stored_backing: view.stored_backing().cloned(),
                granted: node.granted,
                driver: driver.unwrap_or_else(lost),
            });
        }
        self.save_edges(&mut snapshot, &numbers);
        snapshot
    }

    fn save_edges<T>(&self, snapshot: &mut SavedGraph<T>, numbers: &SecondaryMap<NodeKey, u32>) {
        let mut edge_numbers: SecondaryMap<EdgeKey, u32> = SecondaryMap::with_capacity(self.core.edges.len());
        let number = |key| numbers.get(key).copied().unwrap_or(u32::MAX);
        let mut push = |edges: &mut Vec<SavedEdge>, parent, edge: EdgeView<'_>| {
            edge_numbers.insert(edge.key(), index(edges.len()));
            let (child, name) = (number(edge.child()), edge.name().clone());
            let kept = edge.parent_node().filter(|node| self.core.nodes[*node].ejected).map(|_| edge.pair());
            edges.push(SavedEdge { parent, child, name, role: edge.role(), frozen: edge.is_frozen(), kept });
        };
        for user in self.users().filter_map(|user| self.user_view(user)) {
            let parent = ParentIndex::User(index(snapshot.users.len()));
            let (name, pair, stays) = (user.name().clone(), user.wanted(), user.stays());
            let (fixed, may_inactivate) = (user.is_fixed(), user.may_inactivate());
            let (blocks, block_reason) = (user.blocks(), user.block_reason().cloned());
            snapshot.users.push(SavedUser { name, pair, stays, fixed, may_inactivate, blocks, block_reason });
            if let Some(edge) = self.edge(user.edge()) {
                push(&mut snapshot.edges, parent, edge);
            }
        }
        for node in self.nodes() {
            for edge in self.core.children(node).filter_map(|edge| self.edge(edge)) {
                push(&mut snapshot.edges, ParentIndex::Node(number(node)), edge);
            }
        }
        for edge in self.nodes().flat_map(|node| self.core.parents(node)) {
            snapshot.parent_lists.extend(edge_numbers.get(edge).copied());
        }
    }
}

/// An index as it is stored; a graph that does not fit a `u32` does not fit a slot map either.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
