//! The kinds of operation that can be blocked on a node (L4).

use std::fmt;

/// A kind of operation that can be blocked on a node (L4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpKind(pub u8);

impl OpKind {
    /// The names, in the order of L4.
    pub const NAMES: [&'static str; 16] = [
        "backup-source",
        "backup-target",
        "change",
        "commit-source",
        "commit-target",
        "dataplane",
        "drive-del",
        "eject",
        "external-snapshot",
        "internal-snapshot",
        "internal-snapshot-delete",
        "mirror-source",
        "mirror-target",
        "resize",
        "stream",
        "replace",
    ];
    /// The kind that delete tests.
    pub const DRIVE_DEL: OpKind = OpKind(6);
    /// The kind that snapshot tests.
    pub const EXTERNAL_SNAPSHOT: OpKind = OpKind(8);
    /// The kind that a backup tests on its source.
    pub const BACKUP_SOURCE: OpKind = OpKind(0);
    /// The kind that a backup tests on its target.
    pub const BACKUP_TARGET: OpKind = OpKind(1);
    /// The kind that a commit tests.
    pub const COMMIT_TARGET: OpKind = OpKind(4);
    /// The kind that no job blocks.
    pub const DATAPLANE: OpKind = OpKind(5);
    /// The kind that a mirror tests on its source.
    pub const MIRROR_SOURCE: OpKind = OpKind(11);
    /// The kind that a mirror tests on its target.
    pub const MIRROR_TARGET: OpKind = OpKind(12);
    /// The kind that a stream tests.
    pub const STREAM: OpKind = OpKind(14);
    /// The kind that check-replace tests.
    pub const REPLACE: OpKind = OpKind(15);
}

impl fmt::Debug for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OpKind::NAMES.get(self.0 as usize).copied().unwrap_or("?"))
    }
}

/// A set of [`OpKind`]s.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OpKinds(pub u16);

impl OpKinds {
    /// The empty set.
    pub const NONE: OpKinds = OpKinds(0);
    /// L4.1: the kinds that a COW edge blocks on its child: all except commit-target, stream, backup-source,
    /// backup-target.
    pub const COW: OpKinds = OpKinds(!(1 << 4 | 1 << 14 | 1 << 0 | 1 << 1));

    /// Returns the set of one kind.
    pub const fn of(kind: OpKind) -> OpKinds {
        OpKinds(1 << kind.0)
    }

    /// Returns whether the kind is in the set.
    pub const fn has(self, kind: OpKind) -> bool {
        self.0 >> kind.0 & 1 == 1
    }

    /// Returns the members in order.
    pub fn iter(self) -> impl Iterator<Item = OpKind> {
        (0..16).map(OpKind).filter(move |kind| self.has(*kind))
    }
}

impl fmt::Debug for OpKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
