//! The self-test: every invariant of a graph at rest, from scratch, without trusting counters, labels or worklists.

use crate::counters::Counters;
use crate::driver::Driver;
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, Named, Node, NodeKey, Parent, UserKey};
use crate::ops::shape_of;
use crate::permission::{Pair, Permissions};
use crate::refresh::child_pair;
use crate::role::{Role, Slot};
use alloc::vec::Vec;
use slotmap::{Key, SecondaryMap};

/// Something that does not hold of a graph though it must. A graph of this crate has none at rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Inconsistency {
    /// A transaction is open or was leaked, or left something behind.
    Leftover,
    /// The list of all nodes or users is broken.
    Registry,
    /// The node's name does not lead to it, or a name leads nowhere (S0, L2.1).
    NodeName(NodeKey),
    /// The user's name does not lead to it.
    UserName(UserKey),
    /// The user has not exactly one edge, or another's.
    UserEdge(UserKey),
    /// The node has no driver, or one whose shape changed.
    DriverShape(NodeKey),
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
    /// The node is doomed or has no reference (L2.1).
    Unreferenced(NodeKey),
    /// The node is stale and not listed, or listed and not stale (V7.1).
    Stale(NodeKey),
}

/// All pairs as they must be, computed from scratch.
#[derive(Clone, Debug)]
pub struct Recomputed {
    nodes: SecondaryMap<NodeKey, Pair>,
    edges: SecondaryMap<EdgeKey, Pair>,
}

impl Recomputed {
    /// The cumulative pair of a node (P2).
    #[must_use]
    pub fn node(&self, node: NodeKey) -> Option<Pair> {
        self.nodes.get(node).copied()
    }

    /// The pair of an edge (P4).
    #[must_use]
    pub fn edge(&self, edge: EdgeKey) -> Option<Pair> {
        self.edges.get(edge).copied()
    }
}

impl<D: Driver> Graph<D> {
    /// All pairs from scratch: one pass over the lists from the top, without counters and labels. O(nodes + edges).
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
            edges: SecondaryMap::with_capacity(core.edges.capacity()),
        };
        for key in order {
            let mut sum = Pair::NOTHING;
            for edge in core.parents(key) {
                // A user's pair is what it wants; a parent's has been computed before.
                let pair = result.edges.get(edge).copied().unwrap_or(core.edges[edge].pair);
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

    /// Tests every invariant from scratch and lists what does not hold. O(nodes + edges), and for the names of
    /// children O(children²) of each node.
    #[must_use]
    pub fn check(&self) -> Vec<Inconsistency> {
        let mut found = Vec::new();
        let core = &self.core;
        core.check_leftovers(&mut found);
        core.check_registry(&mut found);
        for (key, node) in &core.nodes {
            if self.drivers.get(key).map(shape_of) != Some(node.shape) {
                found.push(Inconsistency::DriverShape(key));
            }
            core.check_parents(key, node, &mut found);
            core.check_children(key, node, &mut found);
            core.check_node(key, node, &mut found);
        }
        if self.drivers.len() != core.nodes.len() {
            found.push(Inconsistency::Registry);
        }
        core.check_users(&mut found);
        // Broken lists could lead anywhere.
        if found.is_empty() {
            match self.recompute() {
                Ok(all) => core.check_pairs(&all, &mut found),
                Err(edge) => found.push(Inconsistency::Cycle(edge)),
            }
        }
        found
    }
}

impl Core {
    fn check_leftovers(&self, found: &mut Vec<Inconsistency>) {
        let p = &self.pending;
        let lists = [p.fresh.len(), p.marks.len(), p.refused.len(), p.options.len(), p.journal.len(), p.plan.len()];
        let nodes = [&p.doomed, &p.reopened, &p.dirty, &p.touched, &p.told];
        let empty = lists.iter().all(|len| *len == 0) && nodes.iter().all(|list| list.is_empty());
        if p.open || !empty || p.steps > 0 || p.progress > 0 {
            found.push(Inconsistency::Leftover);
        }
    }

    fn check_registry(&self, found: &mut Vec<Inconsistency>) {
        let nodes = self.node_keys().take(self.nodes.len() + 1).count();
        let users = self.user_keys().take(self.users.len() + 1).count();
        let counts = nodes == self.nodes.len() && users == self.users.len();
        let names = self.node_names.len() == nodes && self.user_names.len() == users;
        let last = self.node_keys().take(nodes).last().unwrap_or_default() == self.last_node;
        let last_user = self.user_keys().take(users).last().unwrap_or_default() == self.last_user;
        if !counts || !names || !last || !last_user {
            found.push(Inconsistency::Registry);
        }
    }

    fn check_parents(&self, key: NodeKey, node: &Named<Node>, found: &mut Vec<Inconsistency>) {
        let (mut prev, mut count, mut sum) = (EdgeKey::null(), 0_u32, Counters::default());
        for edge_key in self.parents(key).take(self.edges.len() + 1) {
            let edge = &self.edges[edge_key];
            if !edge.linked || edge.child != key || edge.prev_parent != prev {
                return found.push(Inconsistency::ParentsList(key));
            }
            sum.change(Pair::NOTHING, edge.pair);
            count = count.saturating_add(1);
            prev = edge_key;
        }
        if count != node.parent_count {
            found.push(Inconsistency::ParentsList(key));
        }
        if sum != node.counters {
            found.push(Inconsistency::Counters(key));
        }
        if !sum.conflicts().is_empty() {
            found.push(Inconsistency::Conflict(key));
        }
        if node.read_only && sum.pair().need.intersects(Permissions::WRITING) {
            found.push(Inconsistency::ReadOnly(key));
        }
    }

    fn check_children(&self, key: NodeKey, node: &Named<Node>, found: &mut Vec<Inconsistency>) {
        let mut prev = EdgeKey::null();
        let (mut file, mut backing) = (EdgeKey::null(), EdgeKey::null());
        for edge_key in self.children(key).take(self.edges.len() + 1) {
            let edge = &self.edges[edge_key];
            if !edge.linked || edge.parent != Parent::Node(key) || edge.prev_child != prev {
                return found.push(Inconsistency::ChildrenList(key));
            }
            match edge.role.slot(node.shape) {
                Some(Slot::File) => file = edge_key,
                Some(Slot::Backing) => backing = edge_key,
                None => {}
            }
            if !edge.role.is_well_formed() || !edge.role.fits(node.shape) || !node.shape.takes_children {
                found.push(Inconsistency::Role(edge_key));
            }
            if self.child_named(key, &edge.name) != Some(edge_key) {
                found.push(Inconsistency::ChildName(edge_key));
            }
            let Some(child) = self.nodes.get(edge.child) else { return found.push(Inconsistency::ChildrenList(key)) };
            if edge.frozen && child.never_freeze {
                found.push(Inconsistency::Frozen(edge_key));
            }
            if edge.fresh || node.label >= child.label {
                found.push(Inconsistency::Label(edge_key));
            }
            if edge.slot != edge.role.slot(node.shape) {
                found.push(Inconsistency::Role(edge_key));
            }
            prev = edge_key;
        }
        // A second edge for one slot would be found here, too: the slot leads to one of them only.
        for (slot, last) in [(Slot::File, file), (Slot::Backing, backing)] {
            let edges = self.children(key).filter(|edge| self.edges[*edge].slot == Some(slot)).count();
            if node.slot(slot) != last || edges > 1 {
                found.push(Inconsistency::Slot(key, slot));
            }
        }
    }

    fn check_node(&self, key: NodeKey, node: &Named<Node>, found: &mut Vec<Inconsistency>) {
        if self.node_named(&node.name) != Some(key) {
            found.push(Inconsistency::NodeName(key));
        }
        if node.queued || node.touched || node.reopened {
            found.push(Inconsistency::Leftover);
        }
        if node.doomed || (node.holders == 0 && node.parent_count == 0) {
            found.push(Inconsistency::Unreferenced(key));
        }
        if node.force_share && !node.read_only {
            found.push(Inconsistency::ForceShare(key));
        }
        if node.is_stale() != self.stale.contains(&key) {
            found.push(Inconsistency::Stale(key));
        }
    }

    fn check_users(&self, found: &mut Vec<Inconsistency>) {
        for (key, user) in &self.users {
            if user.gone || self.user_named(&user.name) != Some(key) {
                found.push(Inconsistency::UserName(key));
            }
            match self.edges.get(user.edge) {
                Some(edge) if edge.parent == Parent::User(key) => {}
                _ => found.push(Inconsistency::UserEdge(key)),
            }
        }
        let mut roots = 0_usize;
        for (key, edge) in &self.edges {
            if !edge.linked {
                found.push(Inconsistency::LostEdge(key));
            }
            if edge.parent_node().is_none() {
                roots = roots.saturating_add(1);
                if edge.frozen || edge.fresh || edge.role != Role::empty() {
                    found.push(Inconsistency::Frozen(key));
                }
            }
        }
        let in_lists: usize = self
            .node_keys()
            .take(self.nodes.len())
            .map(|node| self.children(node).take(self.edges.len() + 1).count())
            .sum();
        let parents: usize = self.nodes.values().map(|node| node.parent_count as usize).sum();
        if roots != self.users.len()
            || in_lists.saturating_add(roots) != self.edges.len()
            || self.edges.len() != parents
        {
            found.push(Inconsistency::Registry);
        }
        for key in self.stale.iter().filter(|key| !self.nodes.contains_key(**key)) {
            found.push(Inconsistency::Stale(*key));
        }
    }

    fn check_pairs(&self, all: &Recomputed, found: &mut Vec<Inconsistency>) {
        for (key, edge) in &self.edges {
            if all.edge(key) != Some(edge.pair) {
                found.push(Inconsistency::Freshness(key));
            }
        }
        for (key, node) in &self.nodes {
            if all.node(key) != Some(node.counters.pair()) {
                found.push(Inconsistency::Counters(key));
            }
        }
    }
}
