//! Errors of steps, violations, refusals. Data only.

use super::{ChildName, EdgeId, NodeId, OpKind, Role, Slot, UserId};

/// Why a step fails at once (V2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names are those of specs/operations.md, the fields are the parties")]
pub enum StepError {
    NodeNotFound { node: NodeId },
    UserNotFound { user: UserId },
    ChildNotFound { parent: NodeId, name: ChildName },
    DuplicateNode { node: NodeId },
    DuplicateUser { user: UserId },
    DuplicateChild { parent: NodeId, name: ChildName },
    ForceShareWritable { node: NodeId },
    OptionUnsupported { node: NodeId },
    NoHolder { node: NodeId },
    NoChildren { parent: NodeId },
    BadRole { parent: NodeId, role: Role },
    RoleUnsupported { parent: NodeId, role: Role },
    SlotTaken { parent: NodeId, slot: Slot },
    FilterNeedsChild { filter: NodeId },
    Frozen { edge: EdgeId },
    NotFrozen { edge: EdgeId },
    NeverFreeze { edge: EdgeId },
    BackingUnsupported { node: NodeId },
    FileUnsupported { node: NodeId },
    NoFileChild { node: NodeId },
    SameNode { node: NodeId },
    NotInChain { top: NodeId, base: Option<NodeId> },
    NotAFilter { node: NodeId },
    NoFilteredChild { filter: NodeId },
    NodeCorrupted { node: NodeId },
    HasUser { node: NodeId, user: UserId },
    Blocked { node: NodeId, kind: OpKind, by: EdgeId },
    NotBlocked { user: UserId },
    NotMonitorOwned { node: NodeId },
    InUse { node: NodeId },
    ShouldNotChange { edge: EdgeId },
    BackingMissing { node: NodeId },
    ImplicitChild { edge: EdgeId },
    CannotReplace { parent: NodeId, node: NodeId },
    NotDrained { node: NodeId },
    NotDrainedAll {},
    ActiveParent { edge: EdgeId },
    UserActive { user: UserId },
    NoResize { user: UserId },
    ChildrenFixed { parent: NodeId },
    HasParent { node: NodeId, edge: EdgeId },
    LastChild { parent: NodeId },
    ProbeDenied { node: NodeId, denies: EdgeId },
}

impl StepError {
    /// The names of the variants, in their order.
    pub const NAMES: [&'static str; 43] = [
        "NodeNotFound",
        "UserNotFound",
        "ChildNotFound",
        "DuplicateNode",
        "DuplicateUser",
        "DuplicateChild",
        "ForceShareWritable",
        "OptionUnsupported",
        "NoHolder",
        "NoChildren",
        "BadRole",
        "RoleUnsupported",
        "SlotTaken",
        "FilterNeedsChild",
        "Frozen",
        "NotFrozen",
        "NeverFreeze",
        "BackingUnsupported",
        "FileUnsupported",
        "NoFileChild",
        "SameNode",
        "NotInChain",
        "NotAFilter",
        "NoFilteredChild",
        "NodeCorrupted",
        "HasUser",
        "Blocked",
        "NotBlocked",
        "NotMonitorOwned",
        "InUse",
        "ShouldNotChange",
        "BackingMissing",
        "ImplicitChild",
        "CannotReplace",
        "NotDrained",
        "NotDrainedAll",
        "ActiveParent",
        "UserActive",
        "NoResize",
        "ChildrenFixed",
        "HasParent",
        "LastChild",
        "ProbeDenied",
    ];

    /// Returns the place of the variant in [`StepError::NAMES`].
    pub const fn index(&self) -> usize {
        match self {
            StepError::NodeNotFound { .. } => 0,
            StepError::UserNotFound { .. } => 1,
            StepError::ChildNotFound { .. } => 2,
            StepError::DuplicateNode { .. } => 3,
            StepError::DuplicateUser { .. } => 4,
            StepError::DuplicateChild { .. } => 5,
            StepError::ForceShareWritable { .. } => 6,
            StepError::OptionUnsupported { .. } => 7,
            StepError::NoHolder { .. } => 8,
            StepError::NoChildren { .. } => 9,
            StepError::BadRole { .. } => 10,
            StepError::RoleUnsupported { .. } => 11,
            StepError::SlotTaken { .. } => 12,
            StepError::FilterNeedsChild { .. } => 13,
            StepError::Frozen { .. } => 14,
            StepError::NotFrozen { .. } => 15,
            StepError::NeverFreeze { .. } => 16,
            StepError::BackingUnsupported { .. } => 17,
            StepError::FileUnsupported { .. } => 18,
            StepError::NoFileChild { .. } => 19,
            StepError::SameNode { .. } => 20,
            StepError::NotInChain { .. } => 21,
            StepError::NotAFilter { .. } => 22,
            StepError::NoFilteredChild { .. } => 23,
            StepError::NodeCorrupted { .. } => 24,
            StepError::HasUser { .. } => 25,
            StepError::Blocked { .. } => 26,
            StepError::NotBlocked { .. } => 27,
            StepError::NotMonitorOwned { .. } => 28,
            StepError::InUse { .. } => 29,
            StepError::ShouldNotChange { .. } => 30,
            StepError::BackingMissing { .. } => 31,
            StepError::ImplicitChild { .. } => 32,
            StepError::CannotReplace { .. } => 33,
            StepError::NotDrained { .. } => 34,
            StepError::NotDrainedAll { .. } => 35,
            StepError::ActiveParent { .. } => 36,
            StepError::UserActive { .. } => 37,
            StepError::NoResize { .. } => 38,
            StepError::ChildrenFixed { .. } => 39,
            StepError::HasParent { .. } => 40,
            StepError::LastChild { .. } => 41,
            StepError::ProbeDenied { .. } => 42,
        }
    }

    /// Returns the name of the variant, as `specs/operations.md` has it.
    pub const fn name(&self) -> &'static str {
        StepError::NAMES[self.index()]
    }
}

/// One violation of the final graph (V3, V4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Violation {
    /// V3.1: this edge's parent can be reached from its child.
    Cycle {
        /// The edge.
        edge: EdgeId,
    },
    /// V3.2: on `node`, edge `needs` needs a permission that edge `denies` does not share.
    Conflict {
        /// The shared child.
        node: NodeId,
        /// The edge that needs.
        needs: EdgeId,
        /// The edge that does not share.
        denies: EdgeId,
    },
    /// V3.3: a parent needs to write to a node that is not writable.
    ReadOnly {
        /// The node.
        node: NodeId,
    },
    /// V3.5: an active node is the parent of an inactive one.
    InactiveChild {
        /// The edge.
        edge: EdgeId,
    },
    /// V3.6: a parent needs more than R of an inactive node, or the node is to be renamed.
    InactiveNode {
        /// The node.
        node: NodeId,
    },
    /// V3.7: two users of one component are fixed to different contexts.
    ContextClash {
        /// One user.
        user: UserId,
        /// The other user, whose name comes later.
        other: UserId,
    },
    /// V3.7: a node is asked to leave the context to which a user of its component is fixed.
    ContextFixed {
        /// The node.
        node: NodeId,
        /// The user.
        user: UserId,
    },
}

/// The hooks that may refuse (V5), in the order in which they are called.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hook {
    /// Called for a reopened node, before everything else.
    Flush,
    /// Called for a reopened node.
    Prepare,
    /// Called for a node whose stored backing name is to change (S6).
    Rename,
    /// Called for a node that becomes inactive (A5).
    Inactivate,
    /// Called for a node that changes its context (C4).
    Context,
    /// Called for a node whose pair or writable state changes.
    Check,
    /// Called for a node that becomes active (A5).
    Activate,
}

/// An injected refusal: this driver refuses in this hook (V9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Refusal {
    /// The node whose driver refuses.
    pub node: NodeId,
    /// The hook in which it does.
    pub hook: Hook,
}
