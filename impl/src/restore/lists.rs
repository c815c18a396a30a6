//! Restores users, edges and lists.

use super::RestoreError;
use crate::drain::DrainCounts;
use crate::graph::arena::{Core, Edge, EdgeKey, Named, NodeKey, Parent, User, UserKey};
use crate::permission::{Pair, Permissions};
use crate::role::Role;
use crate::save::{ParentIndex, SavedEdge, SavedGraph};
use alloc::vec::Vec;
use slotmap::Key;

/// With at most this many edges, the names of children are compared directly.
const FEW: usize = 32;

impl Core {
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.edges.clear();
        self.users.clear();
        self.node_names.clear();
        self.user_names.clear();
        (self.first_node, self.last_node) = (NodeKey::null(), NodeKey::null());
        (self.first_user, self.last_user) = (UserKey::null(), UserKey::null());
        self.front = 0;
        self.texts.clear();
        self.child_names.clear();
        self.stale.clear();
        self.drain_counts.clear();
        self.drain_alls = 0;
        self.pending.aborts.clear();
        self.pending.resumes.clear();
    }

    /// Restores the pointers of S8. Each is followed once and marked with its walk.
    pub(super) fn build_inheritance<T>(
        &mut self,
        snapshot: &SavedGraph<T>,
        nodes: &[NodeKey],
    ) -> Result<(), RestoreError> {
        for (index, (key, node)) in nodes.iter().zip(&snapshot.nodes).enumerate() {
            let Some(parent) = node.inherits else {
                if node.inherits_read_only {
                    return Err(RestoreError::Inherits(index));
                }
                continue;
            };
            let parent = usize::try_from(parent).ok().and_then(|parent| nodes.get(parent).copied());
            let parent = parent.ok_or(RestoreError::Inherits(index))?;
            self.put_inherits(*key, parent, node.inherits_read_only);
        }
        let before = self.pending.epoch;
        for (index, key) in nodes.iter().copied().enumerate() {
            let walk = self.pending.next_epoch();
            let mut next = Some(key);
            while let Some(node) = next.and_then(|key| self.nodes.get_mut(key)).filter(|node| node.mark <= before) {
                (node.mark, next) = (walk, Some(node.inherits));
            }
            if next.and_then(|key| self.nodes.get(key)).is_some_and(|node| node.mark == walk) {
                return Err(RestoreError::Inherits(index));
            }
        }
        Ok(())
    }

    pub(super) fn build_users<T>(&mut self, snapshot: &SavedGraph<T>) -> Result<Vec<UserKey>, RestoreError> {
        let mut keys = Vec::with_capacity(snapshot.users.len());
        for (index, user) in snapshot.users.iter().enumerate() {
            if self.user_named(&user.name).is_some() {
                return Err(RestoreError::DuplicateUser(index));
            }
            if user.pair.known() != user.pair {
                return Err(RestoreError::UnknownPair(index));
            }
            if user.blocks.known() != user.blocks || user.blocks.is_empty() != user.block_reason.is_none() {
                return Err(RestoreError::BadlyBlocked(index));
            }
            let (edge, prev, next) = (EdgeKey::null(), self.last_user, UserKey::null());
            let (wanted, blocks, stays, may_inactivate) = (user.pair, user.blocks, user.stays, user.may_inactivate);
            let (fixed, context) = (user.fixed, None);
            let data = User { edge, prev, next, wanted, blocks, context, fixed, stays, may_inactivate, gone: false };
            let key = self.users.insert(Named { name: user.name.clone(), data });
            self.relink_user(key);
            if let Some(reason) = &user.block_reason {
                self.texts.reasons.insert(key, reason.clone());
            }
            keys.push(key);
        }
        Ok(keys)
    }

    /// Restores the edges and the lists of children, from the last edge on, each at the head. The keys go to
    /// [`Pending::moving`](crate::graph::pending::Pending) in reverse order of insertion.
    pub(super) fn build_edges<T>(
        &mut self,
        snapshot: &SavedGraph<T>,
        nodes: &[NodeKey],
        users: &[UserKey],
    ) -> Result<(), RestoreError> {
        if snapshot.edges.len() > FEW {
            unique_children(&snapshot.edges)?;
        }
        self.pending.moving.clear();
        for (index, edge) in snapshot.edges.iter().enumerate().rev() {
            let at = |keys: &[NodeKey], index: u32| usize::try_from(index).ok().and_then(|i| keys.get(i).copied());
            let child = at(nodes, edge.child).ok_or(RestoreError::NoSuchEnd(index))?;
            let key = match edge.parent {
                ParentIndex::Node(parent) => {
                    let parent = at(nodes, parent).ok_or(RestoreError::NoSuchEnd(index))?;
                    if snapshot.edges.len() <= FEW && self.child_named(parent, &edge.name).is_some() {
                        return Err(RestoreError::DuplicateChild(index));
                    }
                    self.build_child(index, edge, parent, child)?
                }
                ParentIndex::User(user) => {
                    let place = usize::try_from(user).ok().filter(|user| *user < users.len());
                    let place = place.ok_or(RestoreError::NoSuchEnd(index))?;
                    let user = users.get(place).ok_or(RestoreError::NoSuchEnd(index))?;
                    self.build_root(index, edge, *user, child)?
                }
            };
            self.pending.moving.push(key);
        }
        let alone = users.iter().position(|user| self.users[*user].edge.is_null());
        alone.map_or(Ok(()), |user| Err(RestoreError::UserEdges(user)))
    }

    fn build_child(
        &mut self,
        index: usize,
        edge: &SavedEdge,
        parent: NodeKey,
        child: NodeKey,
    ) -> Result<EdgeKey, RestoreError> {
        let shape = self.nodes[parent].shape();
        let slot = edge.role.slot(shape);
        if !shape.takes_children {
            return Err(RestoreError::NoChildren(index));
        }
        if !edge.role.is_well_formed() {
            return Err(RestoreError::BadRole(index));
        }
        if !edge.role.fits(shape) {
            return Err(RestoreError::RoleUnsupported(index));
        }
        if self.nodes[child].inactive && !self.nodes[parent].inactive {
            return Err(RestoreError::InactiveChild(index));
        }
        if edge.frozen && self.nodes[child].never_freeze() {
            return Err(RestoreError::BadlyFrozen(index));
        }
        if self.nodes[parent].context != self.nodes[child].context {
            return Err(RestoreError::Contexts(index));
        }
        let kept = edge.kept.unwrap_or(Pair::NOTHING);
        if edge.kept.is_some() != self.nodes[parent].ejected || kept.known() != kept {
            return Err(RestoreError::KeptPair(index));
        }
        let mut data = Edge::new(Parent::Node(parent), child, kept, edge.role, slot);
        data.frozen = edge.frozen;
        let key = self.edges.insert(Named { name: edge.name.clone(), data });
        self.insert_child(parent, key, EdgeKey::null());
        self.nodes[child].label += 1;
        if let Some(slot) = slot {
            let place = self.nodes[parent].slot_mut(slot);
            if !place.is_null() {
                return Err(RestoreError::SlotTaken(index));
            }
            *place = key;
        }
        Ok(key)
    }

    fn build_root(
        &mut self,
        index: usize,
        edge: &SavedEdge,
        user: UserKey,
        child: NodeKey,
    ) -> Result<EdgeKey, RestoreError> {
        if edge.role != Role::empty() {
            return Err(RestoreError::BadRole(index));
        }
        if edge.frozen {
            return Err(RestoreError::BadlyFrozen(index));
        }
        if edge.kept.is_some() {
            return Err(RestoreError::KeptPair(index));
        }
        if !self.users[user].edge.is_null() {
            return Err(RestoreError::UserEdges(index));
        }
        let name = self.words.root.clone();
        let pair = if self.nodes[child].inactive { Pair::NOTHING } else { self.users[user].wanted };
        let key = self.edges.insert(Named { name, data: Edge::new(Parent::User(user), child, pair, edge.role, None) });
        self.users[user].edge = key;
        self.users[user].context = Some(self.nodes[child].context).filter(|_| self.users[user].fixed);
        self.nodes[child].counters.change(Pair::NOTHING, pair);
        Ok(key)
    }

    /// Restores the lists of parents, from the last edge on, each at the head.
    pub(super) fn build_parent_lists<T>(&mut self, snapshot: &SavedGraph<T>) -> Result<(), RestoreError> {
        let count = snapshot.edges.len();
        if snapshot.parent_lists.len() != count {
            return Err(RestoreError::ParentLists);
        }
        for index in snapshot.parent_lists.iter().rev() {
            let place = usize::try_from(*index).ok().and_then(|index| count.checked_sub(index)?.checked_sub(1));
            let key = place.and_then(|place| self.pending.moving.get(place).copied()).unwrap_or_default();
            match self.edges.get_mut(key) {
                Some(edge) if !edge.linked => edge.linked = true,
                _ => return Err(RestoreError::ParentLists),
            }
            self.insert_parent(key, EdgeKey::null());
        }
        Ok(())
    }

    /// Counts quiesced children (Q1). `order` has all nodes, parents before children.
    pub(super) fn build_quiet(&mut self, order: &[NodeKey]) {
        if self.drain_counts.is_empty() {
            return;
        }
        for key in order.iter().rev().copied() {
            let children = self.children(key).filter(|edge| self.is_drained(self.edges[*edge].child)).count();
            let children = u32::try_from(children).unwrap_or(u32::MAX);
            self.put_drain_counts(key, DrainCounts { children, ..self.drain_counts_of(key) });
        }
    }

    /// Checks every node, and lists the stale ones.
    pub(super) fn check_all(&mut self, nodes: &[NodeKey]) -> Result<(), RestoreError> {
        for (index, key) in nodes.iter().copied().enumerate() {
            let node = &self.nodes[key];
            if !self.is_referenced(key) {
                return Err(RestoreError::Unreferenced(index));
            }
            if !node.counters.conflicts().is_empty() {
                return Err(RestoreError::Conflict(index));
            }
            if node.read_only && node.counters.pair().need.intersects(Permissions::WRITING) {
                return Err(RestoreError::ReadOnly(index));
            }
            if node.inactive && !Permissions::READ.contains(node.counters.pair().need) {
                return Err(RestoreError::InactiveNode(index));
            }
            if node.is_stale() {
                self.stale.push(key);
            }
        }
        Ok(())
    }
}

/// Checks that no two children of one node have the same name. It sorts, because hostile data may have many.
fn unique_children(edges: &[SavedEdge]) -> Result<(), RestoreError> {
    let named = |(index, edge): (usize, &SavedEdge)| match edge.parent {
        ParentIndex::Node(_) => Some((edge.parent, index)),
        ParentIndex::User(_) => None,
    };
    let name = |index: usize| edges.get(index).map(|edge| &*edge.name);
    let mut names: Vec<(ParentIndex, usize)> = edges.iter().enumerate().filter_map(named).collect();
    names.sort_unstable_by_key(|(parent, index)| (*parent, name(*index)));
    let mut neighbours = names.iter().zip(names.iter().skip(1));
    let same = neighbours.find(|(a, b)| a.0 == b.0 && name(a.1) == name(b.1));
    same.map_or(Ok(()), |(a, b)| Err(RestoreError::DuplicateChild(a.1.min(b.1))))
}
