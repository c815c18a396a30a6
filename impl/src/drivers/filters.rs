//! Filters on `file` that users insert: copy-on-read, preallocate, blkverify, replication.

use crate::driver::{ChildContext, Driver, Policy};
use crate::permission::{Pair, Permissions};
use crate::role::{Role, Slot};
use crate::rules::{WRITE_RESIZE, default_child_pair};

/// Copy-on-read: stores the data it has read, so that it need not be read from below again (P6.7; QEMU:
/// `cor_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CopyOnRead;

impl Policy for CopyOnRead {
    fn name(&self) -> &'static str {
        "copy-on-read"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::File)
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        const PASSED: Permissions = WRITE_RESIZE.union(Permissions::READ);
        const SHARED: Permissions = Permissions::WRITE_UNCHANGED.union(Permissions::GRAPH_MOD);
        let mut need = context.parent.need & PASSED;
        if !context.inactive {
            need |= Permissions::WRITE_UNCHANGED;
        }
        Pair { need, share: (context.parent.share & PASSED) | SHARED }
    }
}

impl Driver for CopyOnRead {}

/// Preallocate: enlarges the file ahead of need (P6.10; QEMU: `preallocate_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Preallocate;

impl Policy for Preallocate {
    fn name(&self) -> &'static str {
        "preallocate"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::File)
    }

    /// While the filter is in use it tracks the end of the file, so no other parent may change it.
    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        let pair = default_child_pair(context);
        let works = context.parent.need.contains(WRITE_RESIZE);
        Pair { share: if works { pair.share - WRITE_RESIZE } else { pair.share }, ..pair }
    }
}

impl Driver for Preallocate {}

/// Blkverify: compares an image with a raw image, which is the filtered child (P6.12).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Blkverify;

impl Policy for Blkverify {
    fn name(&self) -> &'static str {
        "blkverify"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::File)
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        default_child_pair(context)
    }
}

impl Driver for Blkverify {}

/// Replication: one side of a replicated disk (P6.13; QEMU: `replication_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Replication;

impl Policy for Replication {
    fn name(&self) -> &'static str {
        "replication"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::File)
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        let mut need = Permissions::NONE;
        need.set(Permissions::READ, context.role.contains(Role::PRIMARY));
        need.set(Permissions::WRITE, context.writable);
        Pair { need, share: Permissions::ALL - Permissions::RESIZE }
    }
}

impl Driver for Replication {}
