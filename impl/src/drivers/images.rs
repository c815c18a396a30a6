//! Drivers of images and related kinds: raw, file, vvfat, snapshot-access.

use crate::driver::{ChildContext, Driver, DriverOption, Policy, Refusal, UnsupportedOption};
use crate::graph::NodeView;
use crate::permission::{Grant, Pair, Permissions};
use crate::rules::{WRITE_RESIZE, default_child_pair};

/// Raw: an image without a format (P6.6; QEMU: `raw_child_perm`). It is not a filter. Without an offset its child has
/// the filter's role; with an offset the role is `DATA | PRIMARY`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Raw;

impl Policy for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn takes_filtered(&self) -> bool {
        true
    }

    /// The default rule assumes that a format allocates. A raw image does not: it writes and grows only as its parents
    /// do.
    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        let pair = default_child_pair(context);
        Pair { need: pair.need - (WRITE_RESIZE - context.parent.need), ..pair }
    }
}

impl Driver for Raw {}

/// A file of the host. It takes no children.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct File {
    /// Whether the size of the file is not a multiple of its request alignment, so that writing the end of the file
    /// resizes it (P9).
    pub unaligned: bool,
}

impl Policy for File {
    fn name(&self) -> &'static str {
        "file"
    }

    fn takes_children(&self) -> bool {
        false
    }

    /// The graph never calls this, because no child can be attached.
    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for File {
    /// Refuses writing without resizing if the file is unaligned (P9).
    fn check_permissions(&mut self, _: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        let need = new.pair.need;
        if self.unaligned && need.intersects(Permissions::WRITING) && !need.contains(Permissions::RESIZE) {
            return Err(Refusal::new(
                "Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment",
            ));
        }
        Ok(())
    }

    /// Accepts [`DriverOption::Unaligned`].
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        let DriverOption::Unaligned(unaligned) = option else { return Err(UnsupportedOption) };
        Ok(DriverOption::Unaligned(core::mem::replace(&mut self.unaligned, unaligned)))
    }

    fn default_option(&self) -> Option<DriverOption> {
        Some(DriverOption::Unaligned(false))
    }
}

/// Vvfat: shows a directory as a disk and sends writes to its child (P6.14; QEMU: `vvfat_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Vvfat;

impl Policy for Vvfat {
    fn name(&self) -> &'static str {
        "vvfat"
    }

    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        const NEED: Permissions = Permissions::READ.union(Permissions::WRITE);
        const SHARE: Permissions = Permissions::WRITE_UNCHANGED.union(Permissions::GRAPH_MOD);
        Pair { need: NEED, share: SHARE }
    }
}

impl Driver for Vvfat {}

/// Snapshot-access: shows the snapshot that a copy-before-write filter below it keeps (P6.9; QEMU:
/// `snapshot_access_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SnapshotAccess;

impl Policy for SnapshotAccess {
    fn name(&self) -> &'static str {
        "snapshot-access"
    }

    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for SnapshotAccess {}
