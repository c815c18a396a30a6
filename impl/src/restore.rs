//! Restores a graph from saved data. Everything is validated, and all pairs are computed again.

use crate::drain::DrainCounts;
use crate::driver::Driver;
use crate::graph::Graph;
use crate::graph::arena::{Node, NodeKey};
use crate::ops::{NodeSpec, shape_of};
use crate::order::{GAP, LIMIT};
use crate::permission::Pair;
use crate::refresh::child_pair;
use crate::role::Shape;
use crate::save::{SAVE_VERSION, SavedDriver, SavedGraph, SavedNode};
use alloc::vec::Vec;
use core::fmt;
use slotmap::Key;

mod lists;

/// The reason why saved data does not describe a graph. Numbers are indices into the vectors of [`SavedGraph`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RestoreError {
    /// The version is not [`SAVE_VERSION`].
    Version(u32),
    /// Two nodes have the same name. This is the second one.
    DuplicateNode(usize),
    /// Two users have the same name. This is the second one.
    DuplicateUser(usize),
    /// Two children of a node have the same name. This is the first of the two edges.
    DuplicateChild(usize),
    /// A node is force-share and not read-only.
    ForceShareWritable(usize),
    /// A node's grant has undefined bits.
    UnknownGrant(usize),
    /// A user's pair has undefined bits.
    UnknownPair(usize),
    /// A user blocks undefined kinds, or blocks without a reason, or has a reason and blocks nothing (L4).
    BadlyBlocked(usize),
    /// A node is implicit and is not a filter (S0).
    ImplicitNoFilter(usize),
    /// A node that has lost its driver has a shape that no driver has (L3.2).
    BadShape(usize),
    /// A node has a stored backing name and its driver does not support one (S6).
    StoredName(usize),
    /// A node inherits from a node that does not exist, or from itself, directly or through others (S8.1); or it
    /// inherits the flag and not from a node.
    Inherits(usize),
    /// An edge keeps a pair although its parent has a driver, or has none to keep although its parent has no driver
    /// (L3.1); or the pair has undefined bits.
    KeptPair(usize),
    /// An edge names a node or user that does not exist.
    NoSuchEnd(usize),
    /// An edge is below a driver that has no children.
    NoChildren(usize),
    /// An edge's role is malformed (S3.1), or a user's edge has one.
    BadRole(usize),
    /// An edge's role does not fit the driver (S3.2).
    RoleUnsupported(usize),
    /// Another edge fills the slot of an edge (S3.3).
    SlotTaken(usize),
    /// An edge is frozen and must not be: it is a user's, or it leads to a never-freeze node (S7).
    BadlyFrozen(usize),
    /// A user has no edge, or more than one.
    UserEdges(usize),
    /// An edge connects two contexts (C1).
    Contexts(usize),
    /// `parent_lists` does not have every edge exactly once.
    ParentLists,
    /// A node has no reference (L2.1).
    Unreferenced(usize),
    /// The graph has a cycle (V3.1).
    Cycle,
    /// Two parents of a node conflict (V3.2).
    Conflict(usize),
    /// A read-only node would be written (V3.3).
    ReadOnly(usize),
    /// An edge leads from an active node to an inactive one (V3.5).
    InactiveChild(usize),
    /// An inactive node has a parent that needs more than reading (V3.6).
    InactiveNode(usize),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot is not valid: {self:?}")
    }
}

impl core::error::Error for RestoreError {}

impl<D: Driver> Graph<D> {
    /// Makes a graph from saved data. O(nodes + edges).
    ///
    /// # Errors
    /// A [`RestoreError`] if the data does not describe a graph at rest.
    pub fn restore(snapshot: &SavedGraph<D>) -> Result<Self, RestoreError>
    where
        D: Clone,
    {
        Self::restore_with(snapshot, |_, driver| driver.clone())
    }

    /// The same as [`restore`](Self::restore), with drivers made from their descriptions. A node that has lost its
    /// driver gets none.
    ///
    /// # Errors
    /// Those of [`restore`](Self::restore).
    pub fn restore_with<T>(
        snapshot: &SavedGraph<T>,
        make: impl FnMut(&SavedNode<T>, &T) -> D,
    ) -> Result<Self, RestoreError> {
        let mut graph = Self::with_capacity(snapshot.nodes.len(), snapshot.edges.len());
        graph.restore_from(snapshot, make)?;
        Ok(graph)
    }

    /// Restores into the space of this graph, after a [`clear`](Self::clear). All old keys are invalid, also after an
    /// error, which leaves the graph empty.
    ///
    /// # Errors
    /// Those of [`restore`](Self::restore).
    pub fn restore_from<T>(
        &mut self,
        snapshot: &SavedGraph<T>,
        make: impl FnMut(&SavedNode<T>, &T) -> D,
    ) -> Result<(), RestoreError> {
        self.clear();
        let result = self.build(snapshot, make);
        if result.is_err() {
            self.clear();
        }
        result
    }

    /// Removes everything without closing drivers, and keeps the space. Keys become invalid. The [pending
    /// aborts](Self::pending_aborts) are forgotten, so take them before if you need them.
    pub fn clear(&mut self) {
        self.undo_all();
        self.core.clear();
        self.drivers.clear();
    }

    fn build<T>(
        &mut self,
        snapshot: &SavedGraph<T>,
        make: impl FnMut(&SavedNode<T>, &T) -> D,
    ) -> Result<(), RestoreError> {
        if snapshot.version != SAVE_VERSION {
            return Err(RestoreError::Version(snapshot.version));
        }
        let nodes = self.build_nodes(snapshot, make)?;
        self.core.drain_alls = snapshot.drain_alls;
        self.core.build_inheritance(snapshot, &nodes)?;
        let users = self.core.build_users(snapshot)?;
        self.core.build_edges(snapshot, &nodes, &users)?;
        self.core.build_parent_lists(snapshot)?;
        self.build_pairs(&nodes)?;
        self.core.check_all(&nodes)
    }

    fn build_nodes<T>(
        &mut self,
        snapshot: &SavedGraph<T>,
        mut make: impl FnMut(&SavedNode<T>, &T) -> D,
    ) -> Result<Vec<NodeKey>, RestoreError> {
        let mut keys = Vec::with_capacity(snapshot.nodes.len());
        for (index, node) in snapshot.nodes.iter().enumerate() {
            if self.core.node_named(&node.name).is_some() {
                return Err(RestoreError::DuplicateNode(index));
            }
            if node.force_share && !node.read_only {
                return Err(RestoreError::ForceShareWritable(index));
            }
            if node.granted.pair.known() != node.granted.pair {
                return Err(RestoreError::UnknownGrant(index));
            }
            let (driver, shape) = match &node.driver {
                SavedDriver::Present(driver) => {
                    let driver = make(node, driver);
                    let shape = shape_of(&driver);
                    (Ok(driver), shape)
                }
                SavedDriver::Ejected { name, shape } => (Err(name), *shape),
            };
            let data = restored_node(node, shape).map_err(|error| error(index))?;
            let key = self.core.insert_node(node.name.clone(), data);
            match driver {
                Ok(driver) => _ = self.drivers.insert(key, driver),
                Err(name) => {
                    self.core.nodes[key].ejected = true;
                    self.core.texts.lost.insert(key, name.clone());
                }
            }
            if let Some(name) = &node.stored_backing {
                self.core.texts.backing.insert(key, name.clone());
            }
            self.core.put_drain_counts(key, DrainCounts { sections: node.sections, children: 0 });
            keys.push(key);
        }
        Ok(keys)
    }

    /// Computes labels and pairs in one pass from the top. Until a node gets its label, the label counts the edges from
    /// nodes that have none yet.
    fn build_pairs(&mut self, nodes: &[NodeKey]) -> Result<(), RestoreError> {
        let gap = (LIMIT / i64::try_from(nodes.len()).unwrap_or(LIMIT).max(1)).clamp(1, GAP);
        let core = &mut self.core;
        let mut order = core::mem::take(&mut core.pending.stack);
        order.extend(nodes.iter().copied().filter(|key| core.nodes[*key].label == 0));
        let mut index = 0;
        let mut label = 0_i64;
        while let Some(key) = order.get(index).copied() {
            core.nodes[key].label = label;
            label = label.saturating_add(gap);
            index += 1;
            let driver = self.drivers.get(key);
            let above = core.nodes[key].counters.pair();
            let mut next = core.nodes[key].children;
            while !next.is_null() {
                // Below a node without a driver the edge keeps its pair (L3.1).
                let kept = core.edges[next].pair;
                let pair = driver.map_or(kept, |driver| child_pair(core, driver, key, above, next));
                let edge = &mut core.edges[next];
                (edge.pair, next) = (pair, edge.next_child);
                let child_key = edge.child;
                let child = &mut core.nodes[child_key];
                child.counters.change(Pair::NOTHING, pair);
                child.label -= 1;
                if child.label == 0 {
                    order.push(child_key);
                }
            }
        }
        core.build_quiet(&order);
        order.clear();
        core.pending.stack = order;
        if index == nodes.len() { Ok(()) } else { Err(RestoreError::Cycle) }
    }
}

/// Makes a node from its saved form if it fits the shape, without label, pointers and texts.
fn restored_node<T>(node: &SavedNode<T>, shape: Shape) -> Result<Node, fn(usize) -> RestoreError> {
    if shape != shape.consistent() {
        return Err(RestoreError::BadShape);
    }
    if node.implicit && shape.filter.is_none() {
        return Err(RestoreError::ImplicitNoFilter);
    }
    if node.stored_backing.is_some() && !shape.supports_backing {
        return Err(RestoreError::StoredName);
    }
    let spec = NodeSpec {
        name: node.name.clone(),
        read_only: node.read_only,
        force_share: node.force_share,
        no_io: node.no_io,
        never_freeze: node.never_freeze,
        implicit: node.implicit,
        inactive: node.inactive,
    };
    let mut data = Node::new(&spec, shape, 0);
    (data.monitor, data.holders, data.granted) = (node.monitor, node.holders, node.granted);
    data.context = node.context;
    Ok(data)
}
