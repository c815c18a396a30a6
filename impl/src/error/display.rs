//! The texts of errors, which are QEMU's where QEMU has one.

use super::{EdgeRef, Error, ErrorKind};
use crate::graph::arena::Parent;
use core::fmt;

/// The description of an edge's parent (QEMU: `bdrv_child_user_desc`).
struct User<'a>(&'a EdgeRef);

impl fmt::Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.parent {
            Parent::Node(_) => write!(f, "node '{}'", self.0.parent_name),
            Parent::User(_) => write!(f, "block device '{}'", self.0.parent_name),
        }
    }
}

/// The description of an edge.
struct Link<'a>(&'a EdgeRef);

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' link from '{}' to '{}'", self.0.name, self.0.parent_name, self.0.child_name)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { .. } | Self::ProbeDenied { .. } => self.fmt_refusal(f),
            violation if violation.is_violation() => self.fmt_refusal(f),
            Self::NodeNotFound { .. }
            | Self::UserNotFound { .. }
            | Self::EdgeNotFound { .. }
            | Self::ChildNotFound { .. }
            | Self::DuplicateNode { .. }
            | Self::DuplicateUser { .. }
            | Self::DuplicateChild { .. }
            | Self::SavepointGone => self.fmt_missing_or_duplicate(f),
            Self::NodeCorrupted { .. }
            | Self::HasUser { .. }
            | Self::Blocked { .. }
            | Self::NotBlocked { .. }
            | Self::NotMonitorOwned { .. }
            | Self::InUse { .. }
            | Self::ActiveParent { .. }
            | Self::UserActive { .. }
            | Self::NoResize { .. }
            | Self::ChildrenFixed { .. }
            | Self::HasParent { .. }
            | Self::LastChild { .. }
            | Self::CannotReplace { .. } => self.fmt_in_use(f),
            _ => self.fmt_unsuitable(f),
        }
    }
}

impl ErrorKind {
    /// Writes the text of an error about something missing or duplicate.
    fn fmt_missing_or_duplicate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeNotFound { name: Some(name), .. } => {
                write!(f, "Cannot find device='' nor node-name='{name}'")
            }
            Self::NodeNotFound { node, .. } => write!(f, "Cannot find node {node:?}"),
            Self::UserNotFound { name: Some(name), .. } => write!(f, "Device '{name}' not found"),
            Self::UserNotFound { user, .. } => write!(f, "Device {user:?} not found"),
            Self::EdgeNotFound { edge } => write!(f, "Cannot find child {edge:?}"),
            Self::ChildNotFound { parent, name } => {
                write!(f, "Node '{}' does not have child '{name}'", parent.name)
            }
            Self::DuplicateNode { name } => write!(f, "Duplicate nodes with node-name='{name}'"),
            Self::DuplicateUser { name } => write!(f, "Device with id '{name}' already exists"),
            Self::DuplicateChild { parent, name } => {
                write!(f, "Node '{}' already has a child named '{name}'", parent.name)
            }
            _ => f.write_str("Savepoint is gone"),
        }
    }

    /// Writes the text of an error about a node, edge or user that is in use.
    fn fmt_in_use(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeCorrupted { node } => write!(f, "Node corrupted: '{}'", node.name),
            Self::HasUser { node, .. } => write!(f, "Node {} is in use", node.name),
            Self::Blocked { node, reason: Some(reason), .. } => write!(f, "Node '{}' is busy: {reason}", node.name),
            Self::Blocked { node, by, .. } => {
                write!(f, "Node '{}' is busy: node is used as backing hd of '{}'", node.name, by.parent_name)
            }
            Self::NotBlocked { name, kind, .. } => write!(f, "Block device '{name}' does not block {kind}"),
            Self::NotMonitorOwned { node } => write!(f, "Node {} is not owned by the monitor", node.name),
            Self::InUse { node } => write!(f, "Block device {} is in use", node.name),
            Self::ActiveParent { .. } => f.write_str("Node has active parent node"),
            Self::UserActive { node, user } => {
                write!(
                    f,
                    "Cannot inactivate node '{}', which {} wants to do more with than read",
                    node.name,
                    User(user)
                )
            }
            Self::NoResize { name, .. } => {
                write!(f, "Cannot truncate: block device '{name}' has no 'resize' permission")
            }
            Self::ChildrenFixed { node, adding: true } => {
                write!(f, "The node {} does not support adding a child", node.name)
            }
            Self::ChildrenFixed { node, .. } => write!(f, "The node {} does not support removing a child", node.name),
            Self::HasParent { node, .. } => write!(f, "The node {} already has a parent", node.name),
            Self::LastChild { .. } => f.write_str("The number of children cannot be lower than the vote threshold 1"),
            Self::CannotReplace { parent, node } => write!(
                f,
                "Cannot replace '{}' by a node mirrored from '{}', because it cannot be guaranteed that doing so would not lead to an abrupt change of visible data",
                node.name, parent.name
            ),
            _ => f.write_str("Operation refused"),
        }
    }

    /// Writes the text of an error about something that does not suit the operation.
    fn fmt_unsuitable(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForceShareWritable { .. } => f.write_str("force-share=on can only be used with read-only images"),
            Self::OptionUnsupported { node } => {
                write!(f, "Block driver of node '{}' does not support the option", node.name)
            }
            Self::NoHolder { node } => write!(f, "Node '{}' is not owned by the monitor", node.name),
            Self::NoChildren { node } => write!(f, "The node '{}' does not support adding a child", node.name),
            Self::BadRole { node, role } => {
                write!(f, "Node '{}' cannot have a child in the malformed role {role:?}", node.name)
            }
            Self::RoleUnsupported { node, role } => {
                write!(f, "Node '{}' cannot have a child in the role {role:?}", node.name)
            }
            Self::SlotTaken { node, edge, .. } => {
                write!(f, "Node '{}' already has '{}' as its '{}' child", node.name, edge.child_name, edge.name)
            }
            Self::FilterNeedsChild { node } => {
                write!(f, "Cannot remove the filtered child of filter node '{}'", node.name)
            }
            Self::Frozen { edge } => write!(f, "Cannot change frozen {}", Link(edge)),
            Self::NotFrozen { edge } => write!(f, "Cannot unfreeze {}, which is not frozen", Link(edge)),
            Self::NeverFreeze { edge } => write!(f, "Cannot freeze {}", Link(edge)),
            Self::ShouldNotChange { edge, .. } => {
                write!(f, "Should not change '{}' link to '{}'", edge.name, edge.child_name)
            }
            Self::BackingMissing { node } => write!(f, "backing is missing for '{}'", node.name),
            Self::ImplicitChild { edge } => {
                write!(f, "Cannot replace implicit {} child of {}", edge.name, edge.parent_name)
            }
            Self::BackingUnsupported { node, driver } => {
                write!(f, "Driver '{driver}' of node '{}' does not support backing files", node.name)
            }
            Self::FileUnsupported { node, driver } => {
                write!(f, "Driver '{driver}' of node '{}' does not support a file child", node.name)
            }
            Self::NoFileChild { node } => {
                write!(f, "Cannot set file child to format node without file child: '{}'", node.name)
            }
            Self::SameNode { node } => write!(f, "Cannot replace node '{}' with itself", node.name),
            Self::NotInChain { top, base: Some(base) } => {
                write!(f, "Node '{}' is not in the backing chain of '{}'", base.name, top.name)
            }
            Self::NotInChain { top, base: None } => write!(f, "The backing chain of '{}' has no end", top.name),
            Self::NotAFilter { node } => write!(f, "Node '{}' is not a filter", node.name),
            Self::NotDrained { node } => write!(f, "Node '{}' has no drained section to be ended", node.name),
            Self::NotDrainedAll => f.write_str("There is no drained section of all nodes to be ended"),
            Self::NoFilteredChild { node } => write!(f, "Filter node '{}' has no filtered child", node.name),
            _ => f.write_str("Operation refused"),
        }
    }

    /// Writes the text of a refusal by the check at commit or by a driver.
    fn fmt_refusal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle { edge } => write!(
                f,
                "Making '{}' a '{}' child of '{}' would create a cycle",
                edge.child_name, edge.name, edge.parent_name
            ),
            Self::Conflict { node, denies, missing, .. } if f.alternate() => write!(
                f,
                "Conflicts with use by {} as '{}', which does not allow '{missing}' on {}",
                User(denies),
                denies.name,
                node.name
            ),
            Self::Conflict { node, needs, denies, missing } => write!(
                f,
                "Permission conflict on node '{0}': permissions '{missing}' are both required by {1} (uses node '{0}' as '{2}' child) and unshared by {3} (uses node '{0}' as '{4}' child).",
                node.name,
                User(needs),
                needs.name,
                User(denies),
                denies.name
            ),
            Self::ProbeDenied { node, denies } if f.alternate() => write!(
                f,
                "Conflicts with use by {} as '{}', which does not allow 'consistent read' on {}",
                User(denies),
                denies.name,
                node.name
            ),
            Self::ProbeDenied { node, denies } => write!(
                f,
                "Permission conflict on node '{0}': permissions 'consistent read' are both required by an unnamed block device (uses node '{0}' as 'root' child) and unshared by {1} (uses node '{0}' as '{2}' child).",
                node.name,
                User(denies),
                denies.name
            ),
            Self::ReadOnly { .. } if f.alternate() => f.write_str("Block node is read-only"),
            Self::ReadOnly { node } => {
                write!(f, "Read-only block node '{}' cannot support read-write users", node.name)
            }
            Self::InactiveChild { edge } => write!(
                f,
                "Inactive '{}' can't be a {} child of active '{}'",
                edge.child_name, edge.name, edge.parent_name
            ),
            Self::InactiveNode { node } => write!(f, "Inactive block node '{}' can only be read", node.name),
            Self::ContextClash { .. } | Self::ContextFixed { .. } if f.alternate() => {
                f.write_str("Cannot change iothread of active block backend")
            }
            Self::ContextClash { user, context, other, other_context } => write!(
                f,
                "Cannot change iothread of active block backend '{}' from {context} to {other_context}, where '{}' is",
                user.parent_name, other.parent_name
            ),
            Self::ContextFixed { node, to, user, context } => write!(
                f,
                "Cannot change iothread of active block backend '{}' from {context} to {to} together with node '{}'",
                user.parent_name, node.name
            ),
            Self::Refused { message, .. } => f.write_str(message),
            _ => f.write_str("Operation refused"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("step", &self.step()).field("kind", self.kind()).finish()
    }
}
