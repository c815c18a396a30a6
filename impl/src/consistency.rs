//! The self-test: every invariant of a graph at rest, from scratch, without trusting counters, labels or worklists.

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

/// Something that does not hold of a graph though it must. A graph of this crate has none at rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Inconsistency {
    /// A transaction is open or was leaked, or left something behind.
    Leftover,
    /// The list of all nodes or users is broken, or the index of the children of a node with many.
    Registry,
    /// The node's name does not lead to it, or a name leads nowhere (S0, L2.1).
    NodeName(NodeKey),
    /// The user's name does not lead to it.
    UserName(UserKey),
    /// The user has not exactly one edge, or another's.
    UserEdge(UserKey),
    /// The node has no driver and has lost none, or has one and has lost it, or one whose shape changed.
    DriverShape(NodeKey),
    /// The node is implicit and no filter (S0).
    Implicit(NodeKey),
    /// The node has a stored backing name and supports none (S6), or a text is of a node or user that is gone.
    StoredName(NodeKey),
    /// The node inherits from itself, or the number of its heirs is wrong (S8).
    Inherits(NodeKey),
    /// The user blocks something without a reason, or has one for nothing (L4).
    Blocks(UserKey),
    /// The node's list of parents is broken (S1).
    ParentsList(NodeKey),
    /// The node's list of children is broken (S1).
    ChildrenList(NodeKey),
    /// An edge is in no list.
    LostEdge(EdgeKey),
    /// The node's slot does not lead to the child whose role it is for (S3).
    Slot(NodeKey, Slot),
    /// The edge's role is malformed or does not fit (S3.1, S3.2).
    Role(EdgeKey),
    /// Another child of the same parent has the name (S0).
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
    /// The node is inactive and would be more than read (V3.6).
    InactiveNode(NodeKey),
    /// The node is doomed or has no reference (L2.1).
    Unreferenced(NodeKey),
    /// The edge joins two contexts, or a fixed user lives elsewhere than at its node (C1).
    Context(EdgeKey),
    /// The node is not quiesced as often as its sections and children say (Q1).
    Quiesced(NodeKey),
    /// The node is stale and not listed, or listed and not stale (V7.1).
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

/// All pairs and quiesce counts as they must be, computed from scratch.
#[derive(Clone, Debug)]
pub struct Recomputed {
    nodes: SecondaryMap<NodeKey, Pair>,
    quiesced: SecondaryMap<NodeKey, u64>,
    edges: SecondaryMap<EdgeKey, Pair>,
}

impl Recomputed {
    /// The cumulative pair of a node (P2).
    #[must_use]
    pub fn node(&self, node: NodeKey) -> Option<Pair> {
        self.nodes.get(node).copied()
    }

    /// How often a node is quiesced (Q1).
    #[must_use]
    pub fn quiesce_count(&self, node: NodeKey) -> Option<u64> {
        self.quiesced.get(node).copied()
    }

    /// The pair of an edge (P4).
    #[must_use]
    pub fn edge(&self, edge: EdgeKey) -> Option<Pair> {
        self.edges.get(edge).copied()
    }
}

impl<D: Driver> Graph<D> {
    /// All pairs and quiesce counts from scratch: one pass over the lists from the top, and one from the bottom,
    /// without counters and labels. O(nodes + edges).
    ///
    /// # Errors
    /// An edge on a cycle, if there is one, which there never is at rest.
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
                // A user's pair is what it wants, if the node is active; a parent's has been computed before.
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

    /// Tests every invariant from scratch and lists what does not hold. O(nodes + edges).
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
        // Broken lists could lead anywhere.
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
