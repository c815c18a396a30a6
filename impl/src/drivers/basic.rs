//! The basic kinds of S3.4, one struct each.

use crate::driver::{ChildContext, Driver, DriverOption, Policy, UnsupportedOption};
use crate::permission::{Pair, Permissions};
use crate::role::Slot;
use crate::rules::{default_child_pair, filtered_pair};
use alloc::sync::Arc;

/// Needs W and lets no other parent write (P6.1).
const EXCLUSIVE: Pair = Pair { need: Permissions::WRITE, share: Permissions::ALL.difference(Permissions::WRITE) };

/// A protocol: the bottom of a chain, such as a file, a device or a connection. It takes no children.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Protocol;

impl Policy for Protocol {
    fn name(&self) -> &'static str {
        "protocol"
    }

    fn takes_children(&self) -> bool {
        false
    }

    /// The graph never calls this, because no child can be attached.
    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for Protocol {}

/// A filter whose filtered child is `file`, with the default rule: for example throttle (P5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Filter;

impl Policy for Filter {
    fn name(&self) -> &'static str {
        "filter"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::File)
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        default_child_pair(context)
    }
}

impl Driver for Filter {}

/// A filter whose filtered child is `backing`, with the default rule (P5; QEMU: the test driver pass-through).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackingFilter;

impl Policy for BackingFilter {
    fn name(&self) -> &'static str {
        "backing-filter"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::Backing)
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        default_child_pair(context)
    }
}

impl Driver for BackingFilter {}

/// An image format with backing files, such as qcow2 (P5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Format;

impl Policy for Format {
    fn name(&self) -> &'static str {
        "format"
    }

    fn supports_backing(&self) -> bool {
        true
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        default_child_pair(context)
    }
}

impl Driver for Format {}

/// A filter on `backing` that is the only writer of its child (P6.1; the test driver of that name in
/// `test-bdrv-graph-mod.c`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ExclusiveWriter;

impl Policy for ExclusiveWriter {
    fn name(&self) -> &'static str {
        "exclusive-writer"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::Backing)
    }

    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        EXCLUSIVE
    }
}

impl Driver for ExclusiveWriter {}

/// A driver that needs nothing of its children and shares everything (P6.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NoPermission;

impl Policy for NoPermission {
    fn name(&self) -> &'static str {
        "no-permission"
    }

    fn supports_backing(&self) -> bool {
        true
    }

    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for NoPermission {}

/// A driver that is the only writer of the selected child. It needs nothing of its other children and shares everything
/// on them (P6.3).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WriteToSelected {
    /// The name of the selected child.
    pub selected: Option<Arc<str>>,
}

impl Policy for WriteToSelected {
    fn name(&self) -> &'static str {
        "write-to-selected"
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        if self.selected.as_deref() == Some(context.name) { EXCLUSIVE } else { Pair::NOTHING }
    }
}

impl Driver for WriteToSelected {
    /// Accepts [`DriverOption::Select`].
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        let DriverOption::Select(selected) = option else { return Err(UnsupportedOption) };
        Ok(DriverOption::Select(core::mem::replace(&mut self.selected, selected)))
    }

    fn default_option(&self) -> Option<DriverOption> {
        Some(DriverOption::Select(None))
    }
}

/// A filter on `file` that needs, or does not share, any given permissions in addition to the default rule (P6.4; QEMU:
/// `blkdebug` with `take-child-perms` and `unshare-child-perms`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Blkdebug {
    /// Permissions to need on the child in addition.
    pub take: Permissions,
    /// Permissions not to share.
    pub unshare: Permissions,
}

impl Policy for Blkdebug {
    fn name(&self) -> &'static str {
        "blkdebug"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::File)
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        let pair = default_child_pair(context);
        Pair { need: pair.need | self.take, share: pair.share - self.unshare }
    }
}

impl Driver for Blkdebug {
    /// Accepts [`DriverOption::Debug`].
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        let DriverOption::Debug { take, unshare } = option else { return Err(UnsupportedOption) };
        let old = core::mem::replace(self, Self { take, unshare });
        Ok(DriverOption::Debug { take: old.take, unshare: old.unshare })
    }

    fn default_option(&self) -> Option<DriverOption> {
        Some(DriverOption::Debug { take: Permissions::NONE, unshare: Permissions::NONE })
    }
}

/// Quorum: several children that hold the same data (P6.5; QEMU: `quorum_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quorum {
    /// Whether the driver rewrites a child that was outvoted, even if its parents only read.
    pub rewrite: bool,
}

impl Policy for Quorum {
    fn name(&self) -> &'static str {
        "quorum"
    }

    fn children_replaceable(&self) -> bool {
        true
    }

    fn live_children(&self) -> bool {
        true
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        const SHARED: Permissions = Permissions::READ.union(Permissions::WRITE_UNCHANGED);
        let mut need = filtered_pair(context).need;
        if self.rewrite {
            need |= Permissions::WRITE;
        }
        Pair { need, share: (context.parent.share & SHARED) | Permissions::GRAPH_MOD }
    }
}

impl Driver for Quorum {
    /// Accepts [`DriverOption::Rewrite`].
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        let DriverOption::Rewrite(rewrite) = option else { return Err(UnsupportedOption) };
        Ok(DriverOption::Rewrite(core::mem::replace(&mut self.rewrite, rewrite)))
    }

    fn default_option(&self) -> Option<DriverOption> {
        Some(DriverOption::Rewrite(false))
    }
}
