//! Operations that can be blocked on a node, and the blockers (L4).

use crate::error::EdgeRef;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

/// Declares the kinds once: the enumeration, the set, and their names.
macro_rules! kinds {
    ($($(#[$($doc:tt)*])* $kind:ident $flag:ident $word:literal $bit:literal;)*) => {
        /// A kind of operation that can be blocked on a node (L4; QEMU: `BlockOpType`).
        ///
        /// Its displayed and parsed form is QEMU's name, such as `backup-source`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
        pub enum OpKind {
            $($(#[$($doc)*])* $kind,)*
        }

        impl OpKind {
            /// All sixteen kinds, in their order.
            pub const ALL: [Self; 16] = [$(Self::$kind,)*];

            /// Returns QEMU's name of the kind.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }

            /// Returns the set with only this kind.
            const fn flag(self) -> OpKinds {
                match self {
                    $(Self::$kind => OpKinds::$flag,)*
                }
            }
        }

        bitflags::bitflags! {
            /// A set of kinds of operation (L4).
            ///
            /// ```
            /// use blockgraph::{OpKind, OpKinds};
            /// let kinds: OpKinds = [OpKind::Resize, OpKind::Stream].into_iter().collect();
            /// assert_eq!(kinds, OpKinds::RESIZE | OpKinds::STREAM);
            /// assert!(kinds.has(OpKind::Stream) && !kinds.has(OpKind::Eject));
            /// ```
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
            #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
            #[cfg_attr(feature = "serde", serde(transparent))]
            pub struct OpKinds: u16 {
                $($(#[$($doc)*])* const $flag = 1 << $bit;)*
            }
        }
    };
}

kinds! {
    /// A backup copies from the node.
    BackupSource BACKUP_SOURCE "backup-source" 0;
    /// A backup copies to the node.
    BackupTarget BACKUP_TARGET "backup-target" 1;
    /// The medium changes.
    Change CHANGE "change" 2;
    /// A commit copies from the node.
    CommitSource COMMIT_SOURCE "commit-source" 3;
    /// A commit copies to the node.
    CommitTarget COMMIT_TARGET "commit-target" 4;
    /// A separate thread serves the node.
    Dataplane DATAPLANE "dataplane" 5;
    /// The node is deleted.
    DriveDel DRIVE_DEL "drive-del" 6;
    /// The medium is ejected.
    Eject EJECT "eject" 7;
    /// An overlay is put on top.
    ExternalSnapshot EXTERNAL_SNAPSHOT "external-snapshot" 8;
    /// A snapshot is made inside the image.
    InternalSnapshot INTERNAL_SNAPSHOT "internal-snapshot" 9;
    /// A snapshot inside the image is deleted.
    InternalSnapshotDelete INTERNAL_SNAPSHOT_DELETE "internal-snapshot-delete" 10;
    /// A mirror copies from the node.
    MirrorSource MIRROR_SOURCE "mirror-source" 11;
    /// A mirror copies to the node.
    MirrorTarget MIRROR_TARGET "mirror-target" 12;
    /// The size changes.
    Resize RESIZE "resize" 13;
    /// Data is streamed into the node.
    Stream STREAM "stream" 14;
    /// The node is replaced by a copy.
    Replace REPLACE "replace" 15;
}

impl OpKinds {
    /// The kinds that a COW edge blocks on its child: all except the uses that a backing file allows (L4.1).
    pub(crate) const BY_COW: Self = Self::all()
        .difference(Self::COMMIT_TARGET)
        .difference(Self::STREAM)
        .difference(Self::BACKUP_SOURCE)
        .difference(Self::BACKUP_TARGET);

    /// Returns whether the kind is in the set.
    #[must_use]
    pub const fn has(self, kind: OpKind) -> bool {
        self.contains(kind.flag())
    }

    /// The kinds in the set, in the order of [`OpKind::ALL`].
    pub fn kinds(self) -> impl Iterator<Item = OpKind> {
        OpKind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    /// Returns the set without undefined bits.
    pub(crate) const fn known(self) -> Self {
        Self::from_bits_truncate(self.bits())
    }
}

impl From<OpKind> for OpKinds {
    fn from(kind: OpKind) -> Self {
        kind.flag()
    }
}

impl FromIterator<OpKind> for OpKinds {
    fn from_iter<I: IntoIterator<Item = OpKind>>(kinds: I) -> Self {
        kinds.into_iter().map(OpKind::flag).fold(Self::empty(), Self::union)
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is not the name of a kind of operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownOpKind;

impl fmt::Display for UnknownOpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unknown kind of operation")
    }
}

impl core::error::Error for UnknownOpKind {}

impl FromStr for OpKind {
    type Err = UnknownOpKind;

    fn from_str(word: &str) -> Result<Self, UnknownOpKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownOpKind)
    }
}

/// The edge that blocks an operation on a node, and the reason (L4.1). It is displayed as the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocker {
    /// The parent edge that blocks the operation.
    pub by: EdgeRef,
    /// The reason that a user gave. `None` for a COW edge, which is itself the reason.
    pub reason: Option<Arc<str>>,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => f.write_str(reason),
            None => write!(f, "node is used as backing hd of '{}'", self.by.parent_name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OpKind, OpKinds, UnknownOpKind};

    #[test]
    fn kinds_have_words_and_bits_of_their_own() {
        let all: OpKinds = OpKind::ALL.into_iter().collect();
        assert_eq!(all, OpKinds::all());
        assert!(OpKind::ALL.iter().copied().eq(all.kinds()));
        for kind in OpKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(OpKinds::from(kind).bits().count_ones(), 1);
        }
        assert_eq!("eject ".parse::<OpKind>(), Err(UnknownOpKind));
        assert_eq!(OpKinds::BY_COW.bits().count_ones(), 12);
    }
}
