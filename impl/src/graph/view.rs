//! Read-only views of nodes, edges and users.

use super::arena::{Core, Edge, EdgeIter, EdgeKey, Named, Node, NodeKey, Parent, User, UserKey};
use crate::context::ContextId;
use crate::op_kind::OpKinds;
use crate::permission::{Grant, Pair};
use crate::role::{Role, Slot};
use alloc::sync::Arc;
use slotmap::Key;

/// A node, to be read. All methods are O(1), or say what they cost.
#[derive(Clone, Copy, Debug)]
pub struct NodeView<'a> {
    core: &'a Core,
    key: NodeKey,
    node: &'a Named<Node>,
    driver_name: Option<&'a str>,
}

impl<'a> NodeView<'a> {
    pub(crate) fn new(core: &'a Core, key: NodeKey, driver_name: Option<&'a str>) -> Option<Self> {
        core.nodes.get(key).map(|node| Self { core, key, node, driver_name })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> NodeKey {
        self.key
    }

    /// The unique name.
    #[must_use]
    pub const fn name(&self) -> &'a Arc<str> {
        &self.node.name
    }

    /// The name of the driver ([`Policy::name`](crate::Policy::name)). `None` in a hook, where the driver itself knows
    /// its name. A node that has lost its driver keeps the name (L3.2).
    #[must_use]
    pub fn driver_name(&self) -> Option<&'a str> {
        let lost = || self.core.texts.lost.get(&self.key).map(|name| &**name);
        self.driver_name.or_else(lost)
    }

    /// Whether the node has its driver. `false` if it was ejected (L3).
    #[must_use]
    pub fn has_driver(&self) -> bool {
        !self.node.ejected
    }

    /// Whether the node is read-only.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.node.read_only
    }

    /// Whether the node is writable: neither read-only nor inactive (P7).
    #[must_use]
    pub fn writable(&self) -> bool {
        self.node.is_writable()
    }

    /// Whether the node is inactive: another process owns the image (A1; QEMU: `BDRV_O_INACTIVE`).
    #[must_use]
    pub fn inactive(&self) -> bool {
        self.node.inactive
    }

    /// Whether node parents must share everything (P8).
    #[must_use]
    pub fn force_share(&self) -> bool {
        self.node.force_share()
    }

    /// Whether the node was opened without I/O.
    #[must_use]
    pub fn no_io(&self) -> bool {
        self.node.no_io()
    }

    /// Whether edges to the node must never be frozen.
    #[must_use]
    pub fn never_freeze(&self) -> bool {
        self.node.never_freeze()
    }

    /// Whether the node is a filter that an operation inserted and that the user does not see (S0).
    #[must_use]
    pub fn implicit(&self) -> bool {
        self.node.implicit()
    }

    /// The number of callers that hold the node (L1). The monitor is not one of them.
    #[must_use]
    pub fn holders(&self) -> u32 {
        self.node.holders
    }

    /// Whether the monitor holds the node (L1).
    #[must_use]
    pub fn is_monitor_owned(&self) -> bool {
        self.node.monitor
    }

    /// The node from which this one inherits (S8). A doomed node is left out, because its closing frees its heirs.
    #[must_use]
    pub fn inherits_from(&self) -> Option<NodeKey> {
        let parent = self.core.nodes.get(self.node.inherits);
        parent.filter(|parent| !parent.doomed).map(|_| self.node.inherits)
    }

    /// Whether the read-only flag is inherited, too (S8). `false` if the node does not inherit.
    #[must_use]
    pub fn inherits_read_only(&self) -> bool {
        self.node.inherits_read_only && self.inherits_from().is_some()
    }

    /// The backing name stored in the image (S6). In a hook it is the new one.
    #[must_use]
    pub fn stored_backing(&self) -> Option<&'a Arc<str>> {
        self.core.texts.backing.get(&self.key)
    }

    /// The context of the node (C1). Inside a transaction it is the old one, because the commit settles contexts. In a
    /// hook it is the new one.
    #[must_use]
    pub fn context(&self) -> ContextId {
        self.node.context
    }

    /// The number of the node's own open sections (Q1).
    #[must_use]
    pub fn sections(&self) -> u32 {
        self.core.drain_counts_of(self.key).sections
    }

    /// How often the node is quiesced: its own open sections, the open drain-alls, and its edges to quiesced children
    /// (Q1). O(1).
    #[must_use]
    pub fn quiesce_count(&self) -> u64 {
        self.core.quiesce_count(self.key)
    }

    /// Whether the node is quiesced: whether its quiesce count is above zero (Q1). O(1).
    #[must_use]
    pub fn is_quiesced(&self) -> bool {
        self.core.is_quiesced(self.key)
    }

    /// The number of parent edges.
    #[must_use]
    pub fn parent_count(&self) -> u32 {
        self.node.parent_count
    }

    /// The cumulative pair of all parent edges (P2). Inside a transaction the pairs of edges from nodes are the old
    /// ones, until the commit refreshes them.
    #[must_use]
    pub fn pair(&self) -> Pair {
        self.node.counters.pair()
    }

    /// The driver's last grant (V5.2).
    #[must_use]
    pub fn granted(&self) -> Grant {
        self.node.granted
    }

    /// Whether the driver is stale: its last grant is not the present pair and writable state (V7.1).
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.node.is_stale()
    }

    /// Whether the node has reached zero references in the open transaction. The commit closes it (L2).
    #[must_use]
    pub fn is_doomed(&self) -> bool {
        self.node.doomed
    }

    /// The parent edges in list order (S1).
    #[must_use]
    pub fn parents(&self) -> EdgeIter<'a> {
        self.core.parents(self.key)
    }

    /// The child edges in list order (S1).
    #[must_use]
    pub fn children(&self) -> EdgeIter<'a> {
        self.core.children(self.key)
    }

    /// The edge in the slot *file* (S3).
    #[must_use]
    pub fn file(&self) -> Option<EdgeKey> {
        Some(self.node.file).filter(|key| !key.is_null())
    }

    /// The edge in the slot *backing* (S3).
    #[must_use]
    pub fn backing(&self) -> Option<EdgeKey> {
        Some(self.node.backing).filter(|key| !key.is_null())
    }

    /// `Some` if the driver is a filter: the slot of its filtered child.
    #[must_use]
    pub fn filter_slot(&self) -> Option<Slot> {
        self.node.shape().filter
    }

    /// The edge of this name to a child. O(1) expected.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<EdgeKey> {
        self.core.child_named(self.key, name)
    }

    /// An edge of the same graph.
    #[must_use]
    pub fn edge(&self, key: EdgeKey) -> Option<EdgeView<'a>> {
        EdgeView::new(self.core, key)
    }

    /// Another node of the same graph. Its driver's name is not available here.
    #[must_use]
    pub fn node(&self, key: NodeKey) -> Option<Self> {
        Self::new(self.core, key, None)
    }
}

/// An edge, to be read. All methods are O(1).
#[derive(Clone, Copy, Debug)]
pub struct EdgeView<'a> {
    key: EdgeKey,
    edge: &'a Named<Edge>,
}

impl<'a> EdgeView<'a> {
    pub(crate) fn new(core: &'a Core, key: EdgeKey) -> Option<Self> {
        core.edges.get(key).filter(|edge| edge.linked).map(|edge| Self { key, edge })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> EdgeKey {
        self.key
    }

    /// The parent end.
    #[must_use]
    pub fn parent(&self) -> Parent {
        self.edge.parent
    }

    pub(crate) fn parent_node(&self) -> Option<NodeKey> {
        self.edge.parent_node()
    }

    /// The child end.
    #[must_use]
    pub fn child(&self) -> NodeKey {
        self.edge.child
    }

    /// The name, unique among the children of a parent node; `root` for a user's edge.
    #[must_use]
    pub const fn name(&self) -> &'a Arc<str> {
        &self.edge.name
    }

    /// The role; empty for a user's edge.
    #[must_use]
    pub fn role(&self) -> Role {
        self.edge.role
    }

    /// Need and share (P2, P4). See [`NodeView::pair`] for what this means inside a transaction.
    #[must_use]
    pub fn pair(&self) -> Pair {
        self.edge.pair
    }

    /// Whether the edge is frozen (S7).
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.edge.frozen
    }
}

/// A root user, to be read. All methods are O(1).
#[derive(Clone, Copy, Debug)]
pub struct UserView<'a> {
    core: &'a Core,
    key: UserKey,
    user: &'a Named<User>,
}

impl<'a> UserView<'a> {
    pub(crate) fn new(core: &'a Core, key: UserKey) -> Option<Self> {
        core.users.get(key).filter(|user| !user.gone).map(|user| Self { core, key, user })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> UserKey {
        self.key
    }

    /// The unique name.
    #[must_use]
    pub const fn name(&self) -> &'a Arc<str> {
        &self.user.name
    }

    /// The user's one edge.
    #[must_use]
    pub fn edge(&self) -> EdgeKey {
        self.user.edge
    }

    /// The effective pair, which is that of its edge: empty while its node is inactive, else what the user
    /// [wants](Self::wanted) (A3).
    #[must_use]
    pub fn pair(&self) -> Pair {
        self.core.edges[self.user.edge].pair
    }

    /// The pair that the user last asked for (P4, A3).
    #[must_use]
    pub fn wanted(&self) -> Pair {
        self.core.wanted(self.key)
    }

    /// Whether the user stays where it is when its node is replaced (S5).
    #[must_use]
    pub fn stays(&self) -> bool {
        self.user.stays
    }

    /// Whether the user's node may be inactivated although the user wants more than reading (O36).
    #[must_use]
    pub fn may_inactivate(&self) -> bool {
        self.user.may_inactivate
    }

    /// The kinds of operation that the user blocks on its node (L4).
    #[must_use]
    pub fn blocks(&self) -> OpKinds {
        self.user.blocks
    }

    /// The reason of the last block. `None` if the user blocks nothing.
    #[must_use]
    pub fn block_reason(&self) -> Option<&'a Arc<str>> {
        self.core.texts.reasons.get(&self.key)
    }

    /// The context of the user, which is that of its node (C1), as for [`NodeView::context`].
    #[must_use]
    pub fn context(&self) -> ContextId {
        self.core.nodes[self.node()].context
    }

    /// Whether the context of the user never changes (C1).
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.user.fixed
    }

    /// Whether the user is quiesced, which it is exactly if its node is (Q1).
    #[must_use]
    pub fn is_quiesced(&self) -> bool {
        self.core.is_quiesced(self.node())
    }

    /// The node the user is attached to.
    #[must_use]
    pub fn node(&self) -> NodeKey {
        self.core.edges[self.user.edge].child
    }
}
