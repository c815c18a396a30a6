//! The invariants, one by one.

use super::{Inconsistency, Recomputed};
use crate::counters::Counters;
use crate::drain::DrainCounts;
use crate::graph::arena::{Core, EdgeKey, Named, Node, NodeKey, Parent};
use crate::permission::{Pair, Permissions};
use crate::role::{Role, Slot};
use alloc::vec::Vec;
use hashbrown::HashSet;
use slotmap::{Key, SecondaryMap};

impl Core {
    pub(super) fn check_leftovers(&self, found: &mut Vec<Inconsistency>) {
        let p = &self.pending;
        let lists = [p.fresh.len(), p.marks.len(), p.refused.len(), p.options.len(), p.journal.len(), p.plan.len()];
        let lists = lists.into_iter().chain([p.shifted.len()]);
        let nodes = [&p.doomed, &p.reopened, &p.renamed, &p.dirty, &p.touched, &p.told_grant];
        let texts = p.texts.is_empty() && p.settle.is_empty() && p.settled == 0 && !p.drains && p.contexts.is_clear();
        let empty = { lists }.all(|len| len == 0) && nodes.iter().all(|list| list.is_empty());
        if p.open
            || !empty
            || !texts
            || p.notices.is_some()
            || p.quieted > 0
            || p.stay_aborts > 0
            || p.steps > 0
            || p.progress > 0
        {
            found.push(Inconsistency::Leftover);
        }
    }

    pub(super) fn check_registry(&self, found: &mut Vec<Inconsistency>) {
        let nodes = self.node_keys().take(self.nodes.len() + 1).count();
        let users = self.user_keys().take(self.users.len() + 1).count();
        let counts = nodes == self.nodes.len() && users == self.users.len();
        let names = self.node_names.len() == nodes && self.user_names.len() == users;
        let last = self.node_keys().take(nodes).last().unwrap_or_default() == self.last_node;
        if !self.child_name_indices_are_right() {
            found.push(Inconsistency::Registry);
        }
        let last_user = self.user_keys().take(users).last().unwrap_or_default() == self.last_user;
        if !counts || !names || !last || !last_user {
            found.push(Inconsistency::Registry);
        }
    }

    pub(super) fn check_parents(&self, key: NodeKey, node: &Named<Node>, found: &mut Vec<Inconsistency>) {
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
        if node.inactive && !Permissions::READ.contains(sum.pair().need) {
            found.push(Inconsistency::InactiveNode(key));
        }
    }

    pub(super) fn check_children(&self, key: NodeKey, node: &Named<Node>, found: &mut Vec<Inconsistency>) {
        let mut prev = EdgeKey::null();
        let (mut file, mut backing, mut count) = (EdgeKey::null(), EdgeKey::null(), 0_u32);
        for edge_key in self.children(key).take(self.edges.len() + 1) {
            let edge = &self.edges[edge_key];
            if !edge.linked || edge.parent != Parent::Node(key) || edge.prev_child != prev {
                return found.push(Inconsistency::ChildrenList(key));
            }
            match edge.role.slot(node.shape()) {
                Some(Slot::File) => file = edge_key,
                Some(Slot::Backing) => backing = edge_key,
                None => {}
            }
            if !edge.role.is_well_formed() || !edge.role.fits(node.shape()) || !node.shape().takes_children {
                found.push(Inconsistency::Role(edge_key));
            }
            count = count.saturating_add(1);
            if self.child_named(key, &edge.name) != Some(edge_key) {
                found.push(Inconsistency::ChildName(edge_key));
            }
            let Some(child) = self.nodes.get(edge.child) else { return found.push(Inconsistency::ChildrenList(key)) };
            if child.inactive && !node.inactive {
                found.push(Inconsistency::InactiveChild(edge_key));
            }
            if edge.frozen && child.never_freeze() {
                found.push(Inconsistency::Frozen(edge_key));
            }
            if edge.fresh || node.label >= child.label {
                found.push(Inconsistency::Label(edge_key));
            }
            if edge.slot != edge.role.slot(node.shape()) {
                found.push(Inconsistency::Role(edge_key));
            }
            prev = edge_key;
        }
        if count != node.child_count {
            found.push(Inconsistency::ChildrenList(key));
        }
        // This also finds a second edge for one slot, because the slot leads to only one of them.
        for (slot, last) in [(Slot::File, file), (Slot::Backing, backing)] {
            let edges = self.children(key).filter(|edge| self.edges[*edge].slot == Some(slot)).count();
            if node.slot(slot) != last || edges > 1 {
                found.push(Inconsistency::Slot(key, slot));
            }
        }
    }

    /// Checks one node. `stale` is the list of stale nodes.
    pub(super) fn check_node(
        &self,
        key: NodeKey,
        node: &Named<Node>,
        stale: &HashSet<NodeKey>,
        found: &mut Vec<Inconsistency>,
    ) {
        if self.node_named(&node.name) != Some(key) {
            found.push(Inconsistency::NodeName(key));
        }
        if node.queued || node.touched || node.reopened || node.renamed || node.shifted {
            found.push(Inconsistency::Leftover);
        }
        if node.doomed || !self.is_referenced(key) {
            found.push(Inconsistency::Unreferenced(key));
        }
        if node.implicit() && node.shape().filter.is_none() {
            found.push(Inconsistency::Implicit(key));
        }
        if node.force_share() && !node.read_only {
            found.push(Inconsistency::ForceShare(key));
        }
        if node.is_stale() != stale.contains(&key) {
            found.push(Inconsistency::Stale(key));
        }
    }

    pub(super) fn check_users(&self, found: &mut Vec<Inconsistency>) {
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

    /// Checks C1. Both ends of every edge must be in one context; then every component is.
    pub(super) fn check_contexts(&self, found: &mut Vec<Inconsistency>) {
        for (key, edge) in &self.edges {
            let Some(child) = self.nodes.get(edge.child) else { continue };
            let fits = match edge.parent {
                Parent::Node(node) => self.nodes.get(node).is_none_or(|node| node.context == child.context),
                Parent::User(user) => {
                    self.users.get(user).is_none_or(|user| !user.fixed || user.context == Some(child.context))
                }
            };
            if !fits {
                found.push(Inconsistency::Context(key));
            }
        }
    }

    /// Checks that each text beside the arena belongs to a node or user that may have it.
    pub(super) fn check_texts(&self, found: &mut Vec<Inconsistency>) {
        for key in self.texts.backing.keys() {
            if !self.nodes.get(*key).is_some_and(|node| node.shape().supports_backing) {
                found.push(Inconsistency::StoredName(*key));
            }
        }
        for key in self.texts.lost.keys() {
            if !self.nodes.get(*key).is_some_and(|node| node.ejected) {
                found.push(Inconsistency::StoredName(*key));
            }
        }
        for key in self.texts.reasons.keys().filter(|key| !self.users.contains_key(**key)) {
            found.push(Inconsistency::Blocks(*key));
        }
        for (key, user) in &self.users {
            let known = user.blocks.known() == user.blocks;
            if !known || user.blocks.is_empty() == self.texts.reasons.contains_key(&key) {
                found.push(Inconsistency::Blocks(key));
            }
        }
    }

    /// Checks the numbers of heirs, and that no node inherits from itself. The walk counts nodes that inherit from no
    /// node, then their heirs, and so on. In the end it must have counted all nodes.
    pub(super) fn check_inheritance(&self, found: &mut Vec<Inconsistency>) {
        let mut heirs: SecondaryMap<NodeKey, Vec<NodeKey>> = SecondaryMap::new();
        let mut order = Vec::new();
        for key in self.nodes.keys() {
            match self.inherits(key) {
                Some(parent) => match heirs.get_mut(parent) {
                    Some(heirs) => heirs.push(key),
                    None => _ = heirs.insert(parent, alloc::vec![key]),
                },
                None => order.push(key),
            }
        }
        for (key, node) in &self.nodes {
            if heirs.get(key).map_or(0, Vec::len) != node.heirs as usize {
                found.push(Inconsistency::Inherits(key));
            }
        }
        let mut index = 0;
        while let Some(key) = order.get(index) {
            order.extend(heirs.remove(*key).unwrap_or_default());
            index += 1;
        }
        found.extend(heirs.keys().map(Inconsistency::Inherits));
    }

    /// Computes Q1 from scratch. `order` has all nodes, parents before children.
    pub(super) fn recompute_quiesced(&self, order: &[NodeKey], drain_alls: u32) -> SecondaryMap<NodeKey, u64> {
        let mut counts: SecondaryMap<NodeKey, u64> = SecondaryMap::with_capacity(self.nodes.capacity());
        for key in order.iter().rev().copied() {
            let mut count = u64::from(self.drain_counts_of(key).sections) + u64::from(drain_alls);
            for edge in self.children(key) {
                count += u64::from(counts.get(self.edges[edge].child).is_some_and(|count| *count > 0));
            }
            counts.insert(key, count);
        }
        counts
    }

    /// Checks the table of drain counts. It must have an entry exactly for each node that is quiesced by sections,
    /// drain-alls aside.
    pub(super) fn check_quiet(&self, found: &mut Vec<Inconsistency>) {
        for (key, quiet) in &self.drain_counts {
            if *quiet == DrainCounts::default() || !self.nodes.contains_key(key) {
                found.push(Inconsistency::Quiesced(key));
            }
        }
        for (key, count) in &self.recompute_quiesced(&self.topological_order().0, 0) {
            let DrainCounts { sections, children } = self.drain_counts_of(key);
            if *count != u64::from(sections) + u64::from(children) {
                found.push(Inconsistency::Quiesced(key));
            }
        }
    }

    pub(super) fn check_pairs(&self, all: &Recomputed, found: &mut Vec<Inconsistency>) {
        for (key, edge) in &self.edges {
            if all.edge(key) != Some(edge.pair) {
                found.push(Inconsistency::Freshness(key));
            }
        }
        for (key, node) in &self.nodes {
            if all.node(key) != Some(node.counters.pair()) {
                found.push(Inconsistency::Counters(key));
            }
            if all.quiesce_count(key) != Some(self.quiesce_count(key)) {
                found.push(Inconsistency::Quiesced(key));
            }
        }
    }
}
