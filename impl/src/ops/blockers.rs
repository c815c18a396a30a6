//! Blockers (L4), and the operations about them: snapshot, block, unblock, check op, check replace (O26 to O30).

use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, NodeKey, Parent, UserKey};
use crate::op_kind::{Blocker, OpKind, OpKinds};
use crate::role::{Role, Slot};
use alloc::sync::Arc;

impl Core {
    /// Returns the first parent edge, in list order, that blocks this kind of operation on the node (L4). O(parents).
    fn blocking_edge(&self, key: NodeKey, kind: OpKind) -> Option<EdgeKey> {
        self.parents(key).find(|edge| {
            let edge = &self.edges[*edge];
            let kinds = match edge.parent {
                Parent::User(user) => self.users[user].blocks,
                Parent::Node(_) if edge.role.contains(Role::COW) => OpKinds::BY_COW,
                Parent::Node(_) => OpKinds::empty(),
            };
            kinds.has(kind)
        })
    }

    fn blocker(&self, key: NodeKey, kind: OpKind) -> Option<Blocker> {
        let edge = self.blocking_edge(key, kind)?;
        let reason = match self.edges[edge].parent {
            Parent::User(user) => Some(self.texts.reasons.get(&user).cloned().unwrap_or_default()),
            Parent::Node(_) => None,
        };
        Some(Blocker { by: self.edge_ref(edge), reason })
    }

    /// Fails with `Blocked` if the kind is blocked on the node.
    pub(crate) fn not_blocked(&self, key: NodeKey, kind: OpKind) -> Result<(), Error> {
        match self.blocker(key, kind) {
            None => Ok(()),
            Some(Blocker { by, reason }) => {
                Err(ErrorKind::Blocked { node: self.node_ref(key), kind, by, reason }.into())
            }
        }
    }

    /// Blocks operations (O27).
    pub(crate) fn block(&mut self, key: UserKey, kinds: OpKinds, reason: Arc<str>) -> Result<(), Error> {
        let blocks = self.live_user(key)?.blocks;
        let kinds = kinds.known();
        if !kinds.is_empty() {
            self.set_blocks(key, blocks | kinds, Some(reason));
        }
        Ok(())
    }

    /// Unblocks operations (O28).
    pub(crate) fn unblock(&mut self, key: UserKey, kinds: OpKinds) -> Result<(), Error> {
        let user = self.live_user(key)?;
        let (kinds, blocks) = (kinds.known(), user.blocks);
        if let Some(kind) = kinds.difference(blocks).kinds().next() {
            return Err(ErrorKind::NotBlocked { user: key, name: user.name.clone(), kind }.into());
        }
        let left = blocks - kinds;
        if left != blocks {
            let reason = self.texts.reasons.get(&key).filter(|_| !left.is_empty()).cloned();
            self.set_blocks(key, left, reason);
        }
        Ok(())
    }

    /// Checks that an operation is not blocked (O29).
    pub(crate) fn ensure_not_blocked(&self, key: NodeKey, kind: OpKind) -> Result<(), Error> {
        self.live(key)?;
        self.not_blocked(key, kind)
    }

    /// Checks that a node may be replaced (O30).
    pub(crate) fn check_replace(&self, parent: NodeKey, key: NodeKey) -> Result<(), Error> {
        self.live(parent)?;
        self.live(key)?;
        self.not_blocked(key, OpKind::Replace)?;
        if !self.shows_through(parent, key) {
            return Err(ErrorKind::CannotReplace { parent: self.node_ref(parent), node: self.node_ref(key) }.into());
        }
        Ok(())
    }

    /// Walks as O30.4 says and returns whether the walk meets `wanted`. O(nodes visited and their children).
    fn shows_through(&self, from: NodeKey, wanted: NodeKey) -> bool {
        let has_driver = |key: NodeKey| self.nodes.get(key).filter(|node| !node.ejected);
        let only_parent = self.nodes.get(wanted).is_some_and(|node| node.parent_count == 1);
        let mut next = Some(from);
        // A walk over more nodes than the graph has would visit one twice.
        for _ in 0..self.nodes.len() {
            let Some((key, node)) = next.and_then(|key| has_driver(key).map(|node| (key, node))) else { return false };
            let mut children = self.children(key).map(|edge| self.edges[edge].child);
            if key == wanted
                || (node.shape().children_replaceable && only_parent && children.any(|child| child == wanted))
            {
                return true;
            }
            let edge = node.shape().filter.and_then(|slot| self.edges.get(node.slot(slot)));
            next = edge.map(|edge| edge.child);
        }
        false
    }
}

impl<D: Driver> Graph<D> {
    /// Returns the blocker of this kind of operation on a node. If there are several, it is the first in the order of
    /// the node's parents (L4; QEMU: `bdrv_op_is_blocked`). `None` if nothing blocks it, and if the node does not
    /// exist. O(parents).
    #[must_use]
    pub fn is_blocked(&self, node: NodeKey, kind: OpKind) -> Option<Blocker> {
        self.core.blocker(node, kind)
    }

    /// Returns whether `node` certainly shows the same data as `parent`, so that a copy of `parent` may replace it
    /// (O30; QEMU: `bdrv_recurse_can_replace`). This holds if it is `parent` itself, if it is below `parent` over
    /// filters, or if it is a child of one of these whose [children are
    /// replaceable](crate::Policy::children_replaceable). Blockers do not count. A node without its driver shows
    /// nothing. O(nodes visited and their children).
    #[must_use]
    pub fn can_replace(&self, parent: NodeKey, node: NodeKey) -> bool {
        self.core.nodes.contains_key(parent) && self.core.shows_through(parent, node)
    }

    /// Takes a snapshot (O26).
    pub(crate) fn step_snapshot(&mut self, key: NodeKey, overlay: NodeKey) -> Result<(), Error> {
        let core = &self.core;
        core.live(key)?;
        let shape = core.live(overlay)?.shape();
        core.not_blocked(key, OpKind::ExternalSnapshot)?;
        if let Some(user) = core.root_user(overlay) {
            return Err(ErrorKind::HasUser { node: core.node_ref(overlay), user }.into());
        }
        if key == overlay {
            return Err(core.same_node(key));
        }
        core.has_driver(overlay)?;
        if !shape.supports_backing {
            return Err(self.backing_unsupported(overlay));
        }
        self.append_in(overlay, key, Slot::Backing, Role::COW)
    }
}
