//! Every way to go wrong, with all parties.

use super::refs::{EdgeRef, NodeRef};
use crate::context::ContextId;
use crate::driver::Cause;
use crate::graph::arena::{EdgeKey, NodeKey, UserKey};
use crate::op_kind::OpKind;
use crate::permission::Permissions;
use crate::role::{Role, Slot};
use alloc::sync::Arc;

/// Which hook refused.
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
    /// [`Driver::check`](crate::Driver::check).
    Check,
    /// [`Driver::activate`](crate::Driver::activate).
    Activate,
}

/// What went wrong. The first variants are errors of steps, each for a precondition in `specs/operations.md`; then
/// the violations of the judgement (V3), and a driver's refusal (V7).
///
/// Displayed in QEMU's sentences. A conflict has two: `{}` is the one since 6.1, which names both parties; `{:#}` the
/// older and shorter one, which names only the parent that is in the way. So has a write on a read-only node.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such node, or it is doomed (L2).
    NodeNotFound {
        /// The key given; the null key of a [job](crate::jobs)'s filter, which is looked for by its name.
        node: NodeKey,
        /// The name, if the node is doomed, or is looked for by it.
        name: Option<Arc<str>>,
    },
    /// No such root user.
    UserNotFound {
        /// The key given; the null key of a [job](crate::jobs)'s user, which is looked for by its name.
        user: UserKey,
        /// The name, if the user was detached earlier in the same transaction, or is looked for by it.
        name: Option<Arc<str>>,
    },
    /// No such edge, or not one that the operation works on, or its parent is doomed.
    EdgeNotFound {
        /// The key given.
        edge: EdgeKey,
    },
    /// The node has no child of that name.
    ChildNotFound {
        /// The node.
        parent: NodeRef,
        /// The name looked for.
        name: Arc<str>,
    },
    /// The name is in use by another node, a doomed one too.
    DuplicateNode {
        /// The name.
        name: Arc<str>,
    },
    /// The name is in use by another root user.
    DuplicateUser {
        /// The name.
        name: Arc<str>,
    },
    /// The parent has another child of that name.
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
    /// A root user is in the way (O21, O26).
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
        /// What was to be done.
        kind: OpKind,
        /// The parent edge that blocks it.
        by: EdgeRef,
        /// The reason that a user gave; `None` if the edge is a COW edge, which is the reason.
        reason: Option<Arc<str>>,
    },
    /// The user does not block the kind of operation, so it cannot unblock it.
    NotBlocked {
        /// The user.
        user: UserKey,
        /// Its name.
        name: Arc<str>,
        /// The first of the kinds that it does not block.
        kind: OpKind,
    },
    /// The monitor does not hold the node, so it cannot delete it (O21).
    NotMonitorOwned {
        /// The node.
        node: NodeRef,
    },
    /// The node has other references than the monitor's (O21).
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
    /// A reopen that does not keep the options has to say the backing child (R3.1).
    BackingMissing {
        /// The node.
        node: NodeRef,
    },
    /// A reopen cannot take away a child that the user does not see (R3.2).
    ImplicitChild {
        /// The edge to it.
        edge: EdgeRef,
    },
    /// The node may show other data than the parent (O30).
    CannotReplace {
        /// The node whose copy is to replace `node`.
        parent: NodeRef,
        /// The node to be replaced.
        node: NodeRef,
    },
    /// The driver has no such option.
    OptionUnsupported {
        /// The node.
        node: NodeRef,
    },
    /// Nobody holds the node, so nobody can release it.
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
    /// The parent's slot is filled already (S3.3).
    SlotTaken {
        /// The parent.
        node: NodeRef,
        /// The slot.
        slot: Slot,
        /// The edge that fills it.
        edge: EdgeRef,
    },
    /// A filter that has its filtered child keeps it (S2).
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
    /// A node cannot replace itself, nor a target itself.
    SameNode {
        /// The node.
        node: NodeRef,
    },
    /// The base is not in the chain of the top, or the chain has no end (S4).
    NotInChain {
        /// The top.
        top: NodeRef,
        /// The base; `None` where the end was meant.
        base: Option<NodeRef>,
    },
    /// The node is no filter.
    NotAFilter {
        /// The node.
        node: NodeRef,
    },
    /// The filter has no filtered child.
    NoFilteredChild {
        /// The filter.
        node: NodeRef,
    },
    /// No section is open on the node, so none can be ended (Q2).
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
    /// A user wants more than to read, and its node may not be inactivated (O36).
    UserActive {
        /// The node, which is the one named or below it.
        node: NodeRef,
        /// The user's edge.
        user: EdgeRef,
    },
    /// The format of a node cannot be probed, because a parent of it does not let others read (L5.11).
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
        /// Its name.
        name: Arc<str>,
    },
    /// Nodes of this driver do not take and lose children while they are in use (O39, O40).
    ChildrenFixed {
        /// The node.
        node: NodeRef,
        /// Whether a child was to be added, or removed.
        adding: bool,
    },
    /// The node has a parent, so it cannot become a child in this way (O39).
    HasParent {
        /// The node.
        node: NodeRef,
        /// The first of its parent edges.
        edge: EdgeRef,
    },
    /// The child is the last one (O40).
    LastChild {
        /// The parent.
        node: NodeRef,
    },
    /// The savepoint belongs to another transaction or was rolled back over.
    SavepointGone,
    /// The final graph has a cycle (V3.1).
    Cycle {
        /// An edge on it: its parent can be reached from its child.
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
        /// What is needed and not shared.
        missing: Permissions,
    },
    /// A node that is not writable is to be written (V3.3).
    ReadOnly {
        /// The node.
        node: NodeRef,
    },
    /// An edge leads from an active node to an inactive one (V3.5).
    InactiveChild {
        /// The edge.
        edge: EdgeRef,
    },
    /// A node that is inactive would have to be more than read (V3.6).
    InactiveNode {
        /// The node.
        node: NodeRef,
    },
    /// Two fixed users that are connected live in different contexts (C2.1, V3.7); in the order of their names.
    ContextClash {
        /// The edge of one.
        user: EdgeRef,
        /// Where it lives.
        context: ContextId,
        /// The edge of the other.
        other: EdgeRef,
        /// Where that lives.
        other_context: ContextId,
    },
    /// A node was asked to move, and a fixed user that it is connected with lives elsewhere (C2.1, V3.7).
    ContextFixed {
        /// The node.
        node: NodeRef,
        /// Where it was to go.
        to: ContextId,
        /// The user's edge.
        user: EdgeRef,
        /// Where the user lives.
        context: ContextId,
    },
    /// A driver refuses (V7).
    Refused {
        /// The node.
        node: NodeRef,
        /// Which hook.
        hook: Hook,
        /// The driver's words.
        message: Arc<str>,
        /// The driver's own error, if it gave one ([`Refusal::because`](crate::Refusal::because)).
        cause: Option<Cause>,
    },
}

impl ErrorKind {
    /// Whether this is a violation of the final graph (V3), and no error of a step nor a driver's refusal.
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
