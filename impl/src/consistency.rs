//! The self-test. It tests every invariant of a graph at rest from scratch, without trusting counters, labels or
//! worklists.

use crate::driver::Driver;
use crate::graph::Graph;
use crate::graph::arena::{EdgeKey, NodeKey, UserKey};
use crate::ops::shape_of;
use crate::permission::Pair;
use crate::refresh::child_pair;
use crate::role::Slot;
use alloc::vec::Vec;
use hashbrown::HashSet;
use slotmap::SecondaryMap;

mod invariants;
#[cfg(test)]
mod tests;

/// An invariant that does not hold. A graph of this crate has none at rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Inconsistency {
    /// A transaction is open, or was leaked, or left marks behind.
    Leftover,
    /// The list of all nodes or users is broken, or the index of the children of a node with many.
    Registry,
    /// The node's name does not lead to it, or a name leads nowhere (S0, L2.1).
    NodeName(NodeKey),
    /// The user's name does not lead to the user.
    UserName(UserKey),
    /// The user does not have exactly one edge, or its edge belongs to another user.
    UserEdge(UserKey),
    /// The node has neither a driver nor the record of an ejected one, or it has both, or its driver's shape has
    /// changed.
    DriverShape(NodeKey),
    /// The node is implicit and is not a filter (S0).
    Implicit(NodeKey),
    /// The node has a stored backing name and its driver does not support one (S6), or a text belongs to a node or user
    /// that is gone.
    StoredName(NodeKey),
    /// The node inherits from itself, or the number of its heirs is wrong (S8).
    Inherits(NodeKey),
    /// The user blocks operations without a reason, or has a reason and blocks nothing (L4).
    Blocks(UserKey),
    /// The node's list of parents is broken (S1).
    ParentsList(NodeKey),
    /// The node's list of children is broken (S1).
    ChildrenList(NodeKey),
    /// The edge is in no list.
    LostEdge(EdgeKey),
    /// The node's slot does not lead to the child with the role of this slot (S3).
    Slot(NodeKey, Slot),
    /// The edge's role is malformed or does not fit (S3.1, S3.2).
    Role(EdgeKey),
    /// Another child of the same parent has this name (S0).
    ChildName(EdgeKey),
    /// The edge is frozen and must not be (S7).
    Frozen(EdgeKey),
    /// The node is force-share and writable (P8).
    ForceShare(NodeKey),
    /// The counters are not the sum over the parents (P2).
    Counters(NodeKey),
    /// The edge's label order is wrong, or not settled.
    Label(EdgeKey),
    /// The edge is on a cycle (V3.1).
    Cycle(EdgeKey),
    /// The edge's pair is not what the rule says (P4).
    Freshness(EdgeKey),
    /// Two parents of the node conflict (V3.2).
    Conflict(NodeKey),
    /// The node is read-only and would be written (V3.3).
    ReadOnly(NodeKey),
    /// The edge leads from an active node to an inactive one (V3.5).
    InactiveChild(EdgeKey),
    /// The node is inactive and a parent needs more than reading (V3.6).
    InactiveNode(NodeKey),
    /// The node is doomed or has no reference (L2.1).
    Unreferenced(NodeKey),
    /// The edge connects two contexts, or the context of a fixed user differs from that of its node (C1).
    Context(EdgeKey),
    /// The node's quiesce count does not match its sections and children (Q1).
    Quiesced(NodeKey),
    /// The node is stale and not listed, or it is listed and not stale (V7.1).
    Stale(NodeKey),
}

impl Inconsistency {
    const fn is_about_lists(&self) -> bool {
        matches!(
            self,
            Self::Registry | Self::ParentsList(_) | Self::ChildrenList(_) | Self::LostEdge(_) | Self::UserEdge(_)
        )
    }
}

/// All pairs and quiesce counts, computed from scratch.
#[derive(Clone, Debug)]
pub struct Recomputed {
    nodes: SecondaryMap<NodeKey, Pair>,
    quiesced: SecondaryMap<NodeKey, u64>,
    edges: SecondaryMap<EdgeKey, Pair>,
}

impl Recomputed {
    /// Returns the cumulative pair of a node (P2).
    #[must_use]
    pub fn node(&self, node: NodeKey) -> Option<Pair> {
        self.nodes.get(node).copied()
    }

    /// Returns how often a node is quiesced (Q1).
    #[must_use]
    pub fn quiesce_count(&self, node: NodeKey) -> Option<u64> {
        self.quiesced.get(node).copied()
    }

    /// Returns the pair of an edge (P4).
    #[must_use]
    pub fn edge(&self, edge: EdgeKey) -> Option<Pair> {
        self.edges.get(edge).copied()
    }
}

impl<D: Driver> Graph<D> {
    /// Computes all pairs and quiesce counts from scratch. It makes one pass over the lists from the top and one from
    /// the bottom, without counters and labels. O(nodes + edges).
    ///
    /// # Errors
    /// Returns an edge on a cycle if there is one. At rest there is none.
    pub fn recompute(&self) -> Result<Recomputed, EdgeKey> {
        let core = &self.core;
        let (order, rest) = core.topological_order();
        if let Some(edge) = core.edge_on_cycle(&rest) {
            return Err(edge);
        }
        let mut result = Recomputed {
            nodes: SecondaryMap::with_capacity(core.nodes.capacity()),
            quiesced: core.recompute_quiesced(&order, core.drain_alls),
            edges: SecondaryMap::with_capacity(core.edges.capacity()),
        };
        for key in order {
            let mut sum = Pair::NOTHING;
            for edge in core.parents(key) {
                // A user's pair is what it wants if the node is active. A parent node's pair has been computed before.
                let own = &core.edges[edge];
                let rests = core.nodes[key].inactive && own.parent_node().is_none();
                let own = if rests { Pair::NOTHING } else { own.pair };
                let pair = result.edges.get(edge).copied().unwrap_or(own);
                result.edges.insert(edge, pair);
                sum = Pair { need: sum.need | pair.need, share: sum.share & pair.share };
            }
            result.nodes.insert(key, sum);
            let Some(driver) = self.drivers.get(key) else { continue };
            for edge in core.children(key) {
                result.edges.insert(edge, child_pair(core, driver, key, sum, edge));
            }
        }
        Ok(result)
    }

    /// Tests every invariant from scratch and returns those that do not hold. O(nodes + edges).
    #[must_use]
    pub fn inconsistencies(&self) -> Vec<Inconsistency> {
        let mut found = Vec::new();
        let core = &self.core;
        core.check_leftovers(&mut found);
        if !self.ejected.is_empty() {
            found.push(Inconsistency::Leftover);
        }
        core.check_registry(&mut found);
        let stale: HashSet<NodeKey> = core.stale.iter().copied().collect();
        for (key, node) in &core.nodes {
            let shape = self.drivers.get(key).map(shape_of);
            if shape != Some(node.shape()).filter(|_| !node.ejected) || node.shape() != node.shape().consistent() {
                found.push(Inconsistency::DriverShape(key));
            }
            core.check_parents(key, node, &mut found);
            core.check_children(key, node, &mut found);
            core.check_node(key, node, &stale, &mut found);
        }
        let ejected = core.nodes.values().filter(|node| node.ejected).count();
        if self.drivers.len().checked_add(ejected) != Some(core.nodes.len()) {
            found.push(Inconsistency::Registry);
        }
        core.check_users(&mut found);
        core.check_contexts(&mut found);
        core.check_texts(&mut found);
        core.check_inheritance(&mut found);
        // If the lists are broken, a walk along them could lead anywhere.
        if !found.iter().any(Inconsistency::is_about_lists) {
            match self.recompute() {
                Ok(all) => {
                    core.check_pairs(&all, &mut found);
                    core.check_quiet(&mut found);
                }
                Err(edge) => found.push(Inconsistency::Cycle(edge)),
            }
        }
        found
    }
}
