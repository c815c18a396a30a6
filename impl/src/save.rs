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

/// The version of the format that this crate writes. It reads no other version.
pub const SAVE_VERSION: u32 = 3;

/// A graph as plain data. [`Graph::save`] makes it, or a program does. [`Graph::restore`] makes a graph from it.
///
/// All fields are public. Nodes, users and edges are named by their index in `nodes`, `users` and `edges`. Their orders
/// have a meaning:
///
/// * `nodes` is in the order of [`Graph::nodes`], and `users` in that of [`Graph::users`].
/// * Among the `edges` of one parent node, the order is that of its list of children.
/// * `parent_lists` has every edge once, as an index. Among edges with the same child, the order is that of the child's
///   list of parents. The order between edges of different nodes has no meaning.
///
/// The pairs of edges from nodes are left out, except below nodes without a driver (L3.1), because the rest determines
/// them (P4). The order in which nodes became stale is left out, too: a restored graph lists them in the order of
/// `nodes`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedGraph<D> {
    /// [`SAVE_VERSION`].
    pub version: u32,
    /// The number of open drain-alls (Q1).
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
    /// The flag *implicit*. Only filters have it.
    pub implicit: bool,
    /// The flag *inactive* (A1).
    pub inactive: bool,
    /// Whether the monitor holds the node (L1).
    pub monitor: bool,
    /// The number of callers that hold the node (L1).
    pub holders: u32,
    /// The context (C1).
    pub context: ContextId,
    /// The number of the node's own open sections (Q1).
    pub sections: u32,
    /// The node from which this one inherits (S8).
    pub inherits: Option<u32>,
    /// Whether the node inherits the read-only flag, too. `false` if the node does not inherit.
    pub inherits_read_only: bool,
    /// The backing name stored in the image (S6). Only drivers that support backing have one.
    pub stored_backing: Option<Arc<str>>,
    /// The driver's last grant (V5.2).
    pub granted: Grant,
    /// The driver, or its description, or the record of an ejected driver.
    pub driver: SavedDriver<D>,
}

/// The driver of a node of a [`SavedGraph`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SavedDriver<D> {
    /// The driver, or its description.
    Present(D),
    /// The node has lost its driver (L3).
    Ejected {
        /// The driver's name ([`Policy::name`](crate::Policy::name)).
        name: Arc<str>,
        /// The driver's shape, which the node keeps (L3.2).
        shape: Shape,
    },
}

impl<D> SavedDriver<D> {
    /// Returns the driver, or its description, if the node has one.
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
    /// The pair that the user last asked for. While its node is inactive, the effective pair differs (A3).
    pub pair: Pair,
    /// The flag *stay-at-node*.
    pub stays: bool,
    /// The flag *fixed* (C1).
    pub fixed: bool,
    /// The flag *may-inactivate* (A1).
    pub may_inactivate: bool,
    /// The kinds of operation that the user blocks (L4).
    pub blocks: OpKinds,
    /// The reason. It is present exactly if the user blocks any.
    pub block_reason: Option<Arc<str>>,
}

/// The parent of an edge of a [`SavedGraph`], by index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ParentIndex {
    /// An edge of a node.
    Node(u32),
    /// The only edge of a user.
    User(u32),
}

/// An edge of a [`SavedGraph`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedEdge {
    /// The parent end.
    pub parent: ParentIndex,
    /// The child node.
    pub child: u32,
    /// The name. For a user's edge it is `root` and ignored.
    pub name: Arc<str>,
    /// The role. Empty for a user's edge.
    pub role: Role,
    /// Whether the edge is frozen. A user's edge never is.
    pub frozen: bool,
    /// The pair that the edge keeps. It is present exactly if the parent is a node without a driver (L3.1).
    pub kept: Option<Pair>,
}

impl<D: Driver> Graph<D> {
    /// Saves everything observable as plain data, drivers included. O(nodes + edges).
    ///
    /// Save only a graph at rest. While a transaction is open, the data would contain doomed nodes and changed grants.
    #[must_use]
    pub fn save(&self) -> SavedGraph<D>
    where
        D: Clone,
    {
        self.save_with(|_, driver| driver.clone())
    }

    /// The same as [`save`](Self::save), with a description in place of each driver.
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

/// Returns an index as it is stored. A graph that does not fit a `u32` does not fit a slot map either.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
