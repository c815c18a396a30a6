//! All kinds of errors, with the nodes and edges involved.

use super::refs::{EdgeRef, NodeRef};
use crate::context::ContextId;
use crate::driver::Cause;
use crate::graph::arena::{EdgeKey, NodeKey, UserKey};
use crate::op_kind::OpKind;
use crate::permission::Permissions;
use crate::role::{Role, Slot};
use alloc::sync::Arc;

/// The hook that refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hook {
    /// [`Driver::flush`](crate::Driver::flush).
    Flush,
    /// [`Driver::prepare`](crate::Driver::prepare).
    Prepare,
    /// [`Driver::rename`](crate::Driver::rename).
    Rename,
    /// [`Driver::inactivate`](crate::Driver::inactivate).
    Inactivate,
    /// [`Driver::change_context`](crate::Driver::change_context).
    Context,
    /// [`Driver::check_permissions`](crate::Driver::check_permissions).
    Check,
    /// [`Driver::activate`](crate::Driver::activate).
    Activate,
}

/// The kind of an error. The first variants are errors of steps, one for each precondition in `specs/operations.md`.
/// The violations that the commit finds (V3) follow, and then a driver's refusal (V7).
///
/// Errors are displayed in QEMU's words. A conflict has two texts: `{}` is the one since QEMU 6.1, which names both
/// parties; `{:#}` is the older and shorter one, which names only the parent that does not share. A write to a
/// read-only node has two texts as well.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The node does not exist or is doomed (L2).
    NodeNotFound {
        /// The given key; the null key for the filter of a [job](crate::jobs), which is looked up by name.
        node: NodeKey,
        /// The name, if the node is doomed or is looked up by name.
        name: Option<Arc<str>>,
    },
    /// The root user does not exist.
    UserNotFound {
        /// The given key; the null key for a user of a [job](crate::jobs), which is looked up by name.
        user: UserKey,
        /// The name, if the user was detached earlier in the same transaction or is looked up by name.
        name: Option<Arc<str>>,
    },
    /// The edge does not exist, is not one that the operation works on, or has a doomed parent.
    EdgeNotFound {
        /// The given key.
        edge: EdgeKey,
    },
    /// The node has no child of that name.
    ChildNotFound {
        /// The node.
        parent: NodeRef,
        /// The name that was looked up.
        name: Arc<str>,
    },
    /// Another node has the name; doomed nodes count.
    DuplicateNode {
        /// The name.
        name: Arc<str>,
    },
    /// Another root user has the name.
    DuplicateUser {
        /// The name.
        name: Arc<str>,
    },
    /// The parent already has a child of that name.
    DuplicateChild {
        /// The node.
        parent: NodeRef,
        /// The name.
        name: Arc<str>,
    },
    /// Force-share requires read-only (P8).
    ForceShareWritable {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The node has lost its driver (L3).
    NodeCorrupted {
        /// The node.
        node: NodeRef,
    },
    /// A root user prevents the operation (O21, O26).
    HasUser {
        /// The node.
        node: NodeRef,
        /// The user's edge.
        user: EdgeRef,
    },
    /// The kind of operation is blocked on the node (L4).
    Blocked {
        /// The node.
        node: NodeRef,
        /// The kind of operation.
        kind: OpKind,
        /// The parent edge that blocks it.
        by: EdgeRef,
        /// The reason that the blocking user gave; `None` if the blocker is a COW edge, which is itself the reason.
        reason: Option<Arc<str>>,
    },
    /// The user does not block the kind of operation, so it cannot unblock it.
    NotBlocked {
        /// The user.
        user: UserKey,
        /// The name of the user.
        name: Arc<str>,
        /// The first of the kinds that it does not block.
        kind: OpKind,
    },
    /// The monitor does not hold the node, so it cannot delete it (O21).
    NotMonitorOwned {
        /// The node.
        node: NodeRef,
    },
    /// The node has references besides the monitor's (O21).
    InUse {
        /// The node.
        node: NodeRef,
    },
    /// An edge to the top would not be moved to the base (O24, S5).
    ShouldNotChange {
        /// The edge.
        edge: EdgeRef,
        /// The base.
        to: NodeRef,
    },
    /// A reopen that does not keep the options must name the backing child (R3.1).
    BackingMissing {
        /// The node.
        node: NodeRef,
    },
    /// A reopen cannot remove a child that the user does not see (R3.2).
    ImplicitChild {
        /// The edge to it.
        edge: EdgeRef,
    },
    /// The node might show other data than the parent (O30).
    CannotReplace {
        /// The node of which `node`'s replacement is a copy.
        parent: NodeRef,
        /// The node to be replaced.
        node: NodeRef,
    },
    /// The driver does not have the option.
    OptionUnsupported {
        /// The node.
        node: NodeRef,
    },
    /// The node has no holder, so it cannot be released.
    NoHolder {
        /// The node.
        node: NodeRef,
    },
    /// The driver takes no children.
    NoChildren {
        /// The node.
        node: NodeRef,
    },
    /// The role is malformed (S3.1).
    BadRole {
        /// The parent.
        node: NodeRef,
        /// The role.
        role: Role,
    },
    /// The role does not fit the parent's driver (S3.2).
    RoleUnsupported {
        /// The parent.
        node: NodeRef,
        /// The role.
        role: Role,
    },
    /// The parent's slot is already filled (S3.3).
    SlotTaken {
        /// The parent.
        node: NodeRef,
        /// The slot.
        slot: Slot,
        /// The edge that fills it.
        edge: EdgeRef,
    },
    /// A filter cannot lose its filtered child (S2).
    FilterNeedsChild {
        /// The filter.
        node: NodeRef,
    },
    /// The edge is frozen (S7).
    Frozen {
        /// The edge.
        edge: EdgeRef,
    },
    /// The edge is not frozen, so it cannot be thawed.
    NotFrozen {
        /// The edge.
        edge: EdgeRef,
    },
    /// The edge leads to a node that must never be frozen.
    NeverFreeze {
        /// The edge.
        edge: EdgeRef,
    },
    /// The driver supports no backing file.
    BackingUnsupported {
        /// The node.
        node: NodeRef,
        /// The name of the driver.
        driver: Arc<str>,
    },
    /// The driver is a filter whose child is not `file`.
    FileUnsupported {
        /// The node.
        node: NodeRef,
        /// The name of the driver.
        driver: Arc<str>,
    },
    /// The node has no file child to be replaced.
    NoFileChild {
        /// The node.
        node: NodeRef,
    },
    /// A node cannot replace itself, and a job's source cannot be its own target.
    SameNode {
        /// The node.
        node: NodeRef,
    },
    /// The base is not in the chain of the top, or the chain has no end (S4).
    NotInChain {
        /// The top.
        top: NodeRef,
        /// The base; `None` if the end of the chain was meant.
        base: Option<NodeRef>,
    },
    /// The node is not a filter.
    NotAFilter {
        /// The node.
        node: NodeRef,
    },
    /// The filter has no filtered child.
    NoFilteredChild {
        /// The filter.
        node: NodeRef,
    },
    /// The node has no open section, so none can be ended (Q2).
    NotDrained {
        /// The node.
        node: NodeRef,
    },
    /// No drain-all is open, so none can be ended (Q2).
    NotDrainedAll,
    /// The node has an active parent, so it cannot be inactivated (O36).
    ActiveParent {
        /// The node.
        node: NodeRef,
        /// The edge from that parent.
        parent: EdgeRef,
    },
    /// A user needs more than to read, and its node may not be inactivated (O36).
    UserActive {
        /// The node: the given one, or one below it.
        node: NodeRef,
        /// The user's edge.
        user: EdgeRef,
    },
    /// The format of a node cannot be probed, because a parent of the node does not let others read (L5.11).
    ProbeDenied {
        /// The node.
        node: NodeRef,
        /// The edge that does not share it.
        denies: EdgeRef,
    },
    /// The user may not resize, so it cannot truncate (O38).
    NoResize {
        /// The user.
        user: UserKey,
        /// The name of the user.
        name: Arc<str>,
    },
    /// Nodes of this driver cannot gain or lose children while they are in use (O39, O40).
    ChildrenFixed {
        /// The node.
        node: NodeRef,
        /// Whether a child was to be added; otherwise it was to be removed.
        adding: bool,
    },
    /// The node has a parent, so this operation cannot make it a child (O39).
    HasParent {
        /// The node.
        node: NodeRef,
        /// The first of its parent edges.
        edge: EdgeRef,
    },
    /// The child is the parent's last one (O40).
    LastChild {
        /// The parent.
        node: NodeRef,
    },
    /// The savepoint belongs to another transaction, or a rollback to an earlier savepoint removed it.
    SavepointGone,
    /// The final graph has a cycle (V3.1).
    Cycle {
        /// An edge of the cycle: its parent can be reached from its child.
        edge: EdgeRef,
    },
    /// Two parent edges of one node conflict (V3.2).
    Conflict {
        /// The node.
        node: NodeRef,
        /// The edge that needs something.
        needs: EdgeRef,
        /// The edge that does not share it.
        denies: EdgeRef,
        /// The permissions that are needed and not shared.
        missing: Permissions,
    },
    /// A node that is not writable would be written to (V3.3).
    ReadOnly {
        /// The node.
        node: NodeRef,
    },
    /// An edge leads from an active node to an inactive one (V3.5).
    InactiveChild {
        /// The edge.
        edge: EdgeRef,
    },
    /// An inactive node would need more than read permission (V3.6).
    InactiveNode {
        /// The node.
        node: NodeRef,
    },
    /// Two connected fixed users live in different contexts (C2.1, V3.7). They are listed in the order of their names.
    ContextClash {
        /// The edge of the first user.
        user: EdgeRef,
        /// The context of the first user.
        context: ContextId,
        /// The edge of the second user.
        other: EdgeRef,
        /// The context of the second user.
        other_context: ContextId,
    },
    /// A node was to be moved to a context, and a connected fixed user lives in another one (C2.1, V3.7).
    ContextFixed {
        /// The node.
        node: NodeRef,
        /// The context that the node was to move to.
        to: ContextId,
        /// The user's edge.
        user: EdgeRef,
        /// The context of the user.
        context: ContextId,
    },
    /// A driver refuses (V7).
    Refused {
        /// The node.
        node: NodeRef,
        /// The hook.
        hook: Hook,
        /// The driver's message.
        message: Arc<str>,
        /// The driver's own error, if it provided one ([`Refusal::because`](crate::Refusal::because)).
        cause: Option<Cause>,
    },
}

impl ErrorKind {
    /// Returns whether this is a violation in the final graph (V3), as opposed to an error of a step or a driver's
    /// refusal.
    #[must_use]
    pub const fn is_violation(&self) -> bool {
        matches!(
            self,
            Self::Cycle { .. }
                | Self::Conflict { .. }
                | Self::ReadOnly { .. }
                | Self::InactiveChild { .. }
                | Self::InactiveNode { .. }
                | Self::ContextClash { .. }
                | Self::ContextFixed { .. }
        )
    }
}
