//! The writes to the graph. Each leaves a record in the journal, from which [`crate::journal`] undoes it. Each queues
//! the nodes whose verdict, or whose children's pairs, it may have changed.

use super::arena::{Core, Edge, EdgeKey, Named, Node, NodeKey, Parent, User, UserKey};
use super::rare_texts::put;
use crate::journal::Undo;
use crate::op_kind::OpKinds;
use crate::ops::UserSpec;
use crate::permission::Pair;
use alloc::sync::Arc;
use slotmap::Key;

impl Core {
    fn log(&mut self, undo: Undo) {
        self.pending.journal.push(undo);
    }

    /// Queues a node for the check. It is harmless if nothing about the node has changed.
    pub(crate) fn note(&mut self, key: NodeKey) {
        let node = &mut self.nodes[key];
        if !node.queued {
            node.queued = true;
            self.pending.dirty.push(key);
        }
    }

    /// Changes a parent's contribution to the counters of a node. `parents_changed` says whether the list became empty
    /// or stopped being empty.
    fn count(&mut self, key: NodeKey, old: Pair, new: Pair, parents_changed: bool) {
        let counters = &mut self.nodes[key].counters;
        let before = counters.pair();
        counters.change(old, new);
        if parents_changed || counters.pair() != before || !counters.conflicts().is_empty() {
            self.note(key);
        }
    }

    /// Adds a node at the end of the list of all nodes.
    pub(crate) fn add_node(&mut self, name: Arc<str>, data: Node) -> NodeKey {
        let key = self.insert_node(name, data);
        self.log(Undo::Added(key));
        key
    }

    /// The same as [`Core::add_node`], without a record, for `restore`.
    pub(crate) fn insert_node(&mut self, name: Arc<str>, mut data: Node) -> NodeKey {
        let prev = self.last_node;
        (data.prev, data.next) = (prev, NodeKey::null());
        let key = self.nodes.insert(Named { name, data });
        match self.nodes.get_mut(prev) {
            Some(node) => node.next = key,
            None => self.first_node = key,
        }
        self.last_node = key;
        let nodes = &self.nodes;
        let name_of = |key| nodes.get(key).map(|node: &Named<Node>| &*node.name);
        self.node_names.insert(&nodes[key].name, key, name_of);
        key
    }

    /// Adds a user at the end of the list of all users, with an edge to `node`.
    pub(crate) fn add_user(&mut self, spec: UserSpec, node: NodeKey) -> UserKey {
        let none = UserKey::null();
        let pair = if self.nodes[node].inactive { Pair::NOTHING } else { spec.pair.known() };
        let data = User {
            edge: EdgeKey::null(),
            prev: self.last_user,
            next: none,
            wanted: spec.pair.known(),
            blocks: OpKinds::empty(),
            context: spec.context.or(spec.fixed.then(|| self.nodes[node].context)),
            fixed: spec.fixed,
            stays: spec.stays,
            may_inactivate: spec.may_inactivate,
            gone: false,
        };
        let key = self.users.insert(Named { name: spec.name, data });
        self.relink_user(key);
        self.log(Undo::UserAdded(key));
        let root = self.words.root.clone();
        let edge = Edge::new(Parent::User(key), node, pair, crate::Role::empty(), None);
        self.users[key].edge = self.add_edge(root, edge);
        key
    }

    /// Removes a user and its edge.
    pub(crate) fn remove_user(&mut self, key: UserKey) {
        let edge = self.users[key].edge;
        self.remove_edge(edge);
        self.unlink_user(key);
        self.log(Undo::UserRemoved(key));
    }

    /// Links a user into the list between the neighbours it names, and into the index.
    pub(crate) fn relink_user(&mut self, key: UserKey) {
        let (prev, next) = (self.users[key].prev, self.users[key].next);
        match self.users.get_mut(prev) {
            Some(user) => user.next = key,
            None => self.first_user = key,
        }
        match self.users.get_mut(next) {
            Some(user) => user.prev = key,
            None => self.last_user = key,
        }
        self.users[key].gone = false;
        let users = &self.users;
        let name_of = |key| users.get(key).map(|user: &Named<User>| &*user.name);
        self.user_names.insert(&users[key].name, key, name_of);
    }

    /// Unlinks a user from the list and the index. It keeps its neighbours.
    pub(crate) fn unlink_user(&mut self, key: UserKey) {
        let (prev, next) = (self.users[key].prev, self.users[key].next);
        match self.users.get_mut(prev) {
            Some(user) => user.next = next,
            None => self.first_user = next,
        }
        match self.users.get_mut(next) {
            Some(user) => user.prev = prev,
            None => self.last_user = prev,
        }
        self.users[key].gone = true;
        self.user_names.remove(&self.users[key].name, key);
    }

    /// Adds an edge at the heads of its two lists and in its slot.
    pub(crate) fn add_edge(&mut self, name: Arc<str>, mut edge: Edge) -> EdgeKey {
        let parent = edge.parent_node();
        edge.fresh = parent.is_some();
        let key = self.edges.insert(Named { name, data: edge });
        self.link(key, EdgeKey::null(), EdgeKey::null());
        if let Some(parent) = parent {
            self.pending.fresh.push(key);
            self.bound_fresh(parent);
        }
        self.log(Undo::Linked(key));
        self.count(edge.child, Pair::NOTHING, edge.pair, self.nodes[edge.child].parent_count == 1);
        self.note_joined(edge.parent, None, edge.child);
        if self.is_drained(edge.child) {
            self.edge_quiesced(edge.parent, true);
        }
        key
    }

    /// Unlinks an edge. The commit frees it. The caller checks whether it is frozen.
    pub(crate) fn remove_edge(&mut self, key: EdgeKey) {
        let Edge { parent, child, pair, .. } = self.edges[key].data;
        self.unlink(key);
        self.log(Undo::Unlinked(key));
        self.count(child, pair, Pair::NOTHING, self.nodes[child].parent_count == 0);
        self.note_lost_parent(child);
        if self.is_drained(child) {
            self.edge_quiesced(parent, false);
        }
        self.note_loss(child);
    }

    /// Links an edge into both lists, after these neighbours, and into the slot. It does not count the pair.
    pub(crate) fn link(&mut self, key: EdgeKey, prev_parent: EdgeKey, prev_child: EdgeKey) {
        self.insert_parent(key, prev_parent);
        let edge = &mut self.edges[key];
        edge.linked = true;
        let (slot, parent) = (edge.slot, edge.parent_node());
        if let Some(parent) = parent {
            self.insert_child(parent, key, prev_child);
            if let Some(slot) = slot {
                *self.nodes[parent].slot_mut(slot) = key;
            }
        }
    }

    /// Unlinks an edge from both lists and the slot. It does not count the pair.
    pub(crate) fn unlink(&mut self, key: EdgeKey) {
        self.remove_parent(key);
        let edge = &mut self.edges[key];
        edge.linked = false;
        let (slot, parent) = (edge.slot, edge.parent_node());
        if let Some(parent) = parent {
            self.remove_child(parent, key);
            if let Some(slot) = slot {
                *self.nodes[parent].slot_mut(slot) = EdgeKey::null();
            }
        }
    }

    /// Gives the edge another child and moves it to the heads of both lists (S1).
    pub(crate) fn retarget(&mut self, key: EdgeKey, to: NodeKey) {
        let none = EdgeKey::null();
        let Edge { parent, child, pair, prev_parent, prev_child, fresh, .. } = self.edges[key].data;
        self.remove_parent(key);
        self.edges[key].child = to;
        self.insert_parent(key, none);
        if let Some(parent) = self.edges[key].parent_node() {
            self.remove_child(parent, key);
            self.insert_child(parent, key, none);
            if !fresh {
                self.edges[key].fresh = true;
                self.pending.fresh.push(key);
                self.log(Undo::Fresh(key));
            }
            self.bound_fresh(parent);
        }
        self.log(Undo::Retargeted { edge: key, child, prev_parent, prev_child });
        self.count(child, pair, Pair::NOTHING, self.nodes[child].parent_count == 0);
        self.count(to, Pair::NOTHING, pair, self.nodes[to].parent_count == 1);
        self.note_joined(parent, Some(child), to);
        self.note_lost_parent(child);
        let quiet = self.is_drained(to);
        if self.is_drained(child) != quiet {
            self.edge_quiesced(parent, quiet);
        }
        let inactive = self.nodes[to].inactive;
        if let (Parent::User(user), true) = (self.edges[key].parent, self.nodes[child].inactive != inactive) {
            self.rest_user(key, user, inactive);
        }
        self.note_loss(child);
    }

    /// Adapts a user to the activity of its new node (A3): from now on its pair is empty, or what it wants.
    fn rest_user(&mut self, edge: EdgeKey, user: UserKey, inactive: bool) {
        if inactive {
            self.set_wanted(user, self.edges[edge].pair);
            self.set_pair(edge, Pair::NOTHING);
        } else {
            self.set_pair(edge, self.users[user].wanted);
        }
    }

    /// Sets what a user of an inactive node wants.
    pub(crate) fn set_wanted(&mut self, key: UserKey, wanted: Pair) {
        let old = core::mem::replace(&mut self.users[key].wanted, wanted);
        self.log(Undo::Wanted(key, old));
    }

    /// Changes a node's activity, which must differ, and the pairs of its users (A3).
    pub(crate) fn set_inactive(&mut self, key: NodeKey, inactive: bool) {
        let node = &mut self.nodes[key];
        node.inactive = inactive;
        if !core::mem::replace(&mut node.shifted, true) {
            self.pending.shifted.push((key, !inactive));
            self.log(Undo::Shifted(key));
        }
        self.log(Undo::Inactive(key, !inactive));
        self.note(key);
        let mut next = self.nodes[key].parents;
        while let Some(edge) = self.edges.get(next) {
            let (key, parent) = (next, edge.parent);
            next = edge.next_parent;
            if let Parent::User(user) = parent {
                self.rest_user(key, user, inactive);
            }
        }
    }

    fn bound_fresh(&mut self, parent: NodeKey) {
        let label = self.nodes[parent].label;
        let pending = &mut self.pending;
        pending.fresh_bound = if pending.fresh.len() == 1 { label } else { pending.fresh_bound.max(label) };
    }

    /// Changes the pair of an edge.
    pub(crate) fn set_pair(&mut self, key: EdgeKey, new: Pair) {
        let edge = &mut self.edges[key];
        let old = core::mem::replace(&mut edge.pair, new);
        let child = edge.child;
        self.log(Undo::Pair(key, old));
        self.count(child, old, new, false);
    }

    /// Freezes or thaws an edge.
    pub(crate) fn set_frozen(&mut self, key: EdgeKey, frozen: bool) {
        let old = core::mem::replace(&mut self.edges[key].frozen, frozen);
        self.log(Undo::Frozen(key, old));
    }

    /// Changes the stored backing name of a node (S6) and marks it as renamed.
    pub(crate) fn store_name(&mut self, key: NodeKey, name: Option<Arc<str>>) {
        let old = put(&mut self.texts.backing, key, name);
        self.pending.texts.push(old);
        self.log(Undo::Stored(key));
        if !core::mem::replace(&mut self.nodes[key].renamed, true) {
            self.pending.renamed.push(key);
            self.log(Undo::Renamed(key));
        }
    }

    /// Changes the operations that a user blocks, and the reason.
    pub(crate) fn set_blocks(&mut self, key: UserKey, blocks: OpKinds, reason: Option<Arc<str>>) {
        let old = core::mem::replace(&mut self.users[key].blocks, blocks);
        let reason = put(&mut self.texts.reasons, key, reason);
        self.pending.texts.push(reason);
        self.log(Undo::Blocks(key, old));
    }

    /// Marks a node as ejected and keeps its driver's name (L3).
    pub(crate) fn mark_ejected(&mut self, key: NodeKey, kind: Arc<str>) {
        self.nodes[key].ejected = true;
        self.texts.lost.insert(key, kind);
        self.log(Undo::Ejected(key));
    }

    /// Makes a node read-only or writable, and queues it.
    pub(crate) fn put_read_only(&mut self, key: NodeKey, read_only: bool) {
        let old = core::mem::replace(&mut self.nodes[key].read_only, read_only);
        self.log(Undo::ReadOnly(key, old));
        self.note(key);
    }

    /// Marks a node as reopened, and makes it read-only or writable (O18).
    pub(crate) fn reopen(&mut self, key: NodeKey, read_only: bool) {
        self.put_read_only(key, read_only);
        if !core::mem::replace(&mut self.nodes[key].reopened, true) {
            self.pending.reopened.push(key);
            self.log(Undo::Reopened(key));
        }
    }

    pub(crate) fn set_label(&mut self, key: NodeKey, label: i64) {
        let old = core::mem::replace(&mut self.nodes[key].label, label);
        self.pending.fresh_bound = self.pending.fresh_bound.max(label);
        self.log(Undo::Label(key, old));
    }

    /// Adds a caller's holder. At `u32::MAX` the count stays the same.
    pub(crate) fn add_holder(&mut self, key: NodeKey) {
        let node = &mut self.nodes[key];
        if let Some(holders) = node.holders.checked_add(1) {
            node.holders = holders;
            self.log(Undo::Held(key));
        }
    }

    /// Drops one holder, a caller's first (L1). Returns `false` if there is none.
    pub(crate) fn drop_holder(&mut self, key: NodeKey) -> bool {
        let node = &mut self.nodes[key];
        if let Some(holders) = node.holders.checked_sub(1) {
            node.holders = holders;
            self.log(Undo::Holder(key));
            self.note_loss(key);
            return true;
        }
        self.drop_monitor(key)
    }

    /// Drops the monitor's holder. Returns `false` if there is none.
    pub(crate) fn drop_monitor(&mut self, key: NodeKey) -> bool {
        let held = core::mem::replace(&mut self.nodes[key].monitor, false);
        if held {
            self.log(Undo::Monitor(key));
            self.note_loss(key);
        }
        held
    }

    /// Returns whether the node has parent edges, holders or open sections (L1).
    pub(crate) fn is_referenced(&self, key: NodeKey) -> bool {
        let node = &self.nodes[key];
        node.parent_count > 0 || node.holders > 0 || node.monitor || self.drain_counts_of(key).sections > 0
    }

    /// Dooms a node that has reached zero references (L2). In a composed step this happens at the end of the step.
    pub(crate) fn doom_if_unreferenced(&mut self, key: NodeKey) {
        if self.pending.deferring {
            return;
        }
        if !self.is_referenced(key) && !self.nodes[key].doomed {
            self.nodes[key].doomed = true;
            self.pending.doomed.push(key);
            self.log(Undo::Doomed(key));
        }
    }

    /// Notes, inside a composed step, that the node has lost a reference.
    fn note_loss(&mut self, key: NodeKey) {
        if self.pending.deferring {
            self.pending.losing.push(key);
        }
    }

    /// Ends a composed step: dooms the nodes that lost their last reference in it and did not get another.
    pub(crate) fn doom_deferred(&mut self) {
        self.pending.deferring = false;
        let mut losing = core::mem::take(&mut self.pending.losing);
        let mark = self.pending.next_epoch();
        // It starts at the end, so that of several losses of one node the last one counts.
        losing.reverse();
        losing.retain(|key| {
            let node = self.nodes.get_mut(*key);
            node.is_some_and(|node| core::mem::replace(&mut node.mark, mark) != mark)
        });
        losing.iter().rev().for_each(|key| self.doom_if_unreferenced(*key));
        losing.clear();
        self.pending.losing = losing;
    }

    /// Removes an edge. Its child is doomed if this was its last reference.
    pub(crate) fn detach_edge(&mut self, key: EdgeKey) {
        let child = self.edges[key].child;
        self.remove_edge(key);
        self.doom_if_unreferenced(child);
    }

    /// Removes all child edges in list order, as detaches do. Frozen edges dissolve (L2, S7).
    pub(crate) fn detach_children(&mut self, key: NodeKey) {
        while let Some(edge) = self.nodes.get(key).map(|node| node.children).filter(|edge| !edge.is_null()) {
            self.detach_edge(edge);
        }
    }
}
