//! Driver kinds, their slots and options (S3.3, S3.4). Data only.

use super::ChildName;
use crate::perm::Perms;

/// One of a node's two shortcuts to its children (S3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Slot {
    /// The image below.
    File,
    /// The backing image.
    Backing,
}

impl Slot {
    /// Returns the name that an operation gives the edge in this slot.
    pub const fn name(self) -> ChildName {
        match self {
            Slot::File => ChildName::FILE,
            Slot::Backing => ChildName::BACKING,
        }
    }
}

/// A driver kind; the table is S3.4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the table S3.4 documents them all")]
pub enum Kind {
    Protocol,
    Filter,
    BackingFilter,
    Format,
    ExclusiveWriter,
    NoPermission,
    WriteToSelected,
    Blkdebug,
    Quorum,
    Raw,
    CopyOnRead,
    CopyBeforeWrite,
    SnapshotAccess,
    Preallocate,
    CommitTop,
    MirrorTop,
    Blkverify,
    Replication,
    Vvfat,
    File,
}

impl Kind {
    /// Every kind, in the order of S3.4.
    pub const EVERY: [Kind; 20] = [
        Kind::Protocol,
        Kind::Filter,
        Kind::BackingFilter,
        Kind::Format,
        Kind::ExclusiveWriter,
        Kind::NoPermission,
        Kind::WriteToSelected,
        Kind::Blkdebug,
        Kind::Quorum,
        Kind::Raw,
        Kind::CopyOnRead,
        Kind::CopyBeforeWrite,
        Kind::SnapshotAccess,
        Kind::Preallocate,
        Kind::CommitTop,
        Kind::MirrorTop,
        Kind::Blkverify,
        Kind::Replication,
        Kind::Vvfat,
        Kind::File,
    ];

    /// Returns the slot of a filter's filtered child; `None` if the kind is not a filter.
    pub const fn filter_slot(self) -> Option<Slot> {
        match self {
            Kind::Filter | Kind::Blkdebug | Kind::CopyOnRead | Kind::CopyBeforeWrite => Some(Slot::File),
            Kind::Preallocate | Kind::Blkverify | Kind::Replication => Some(Slot::File),
            Kind::BackingFilter | Kind::ExclusiveWriter | Kind::CommitTop | Kind::MirrorTop => Some(Slot::Backing),
            _ => None,
        }
    }

    /// Returns whether it may have a COW child.
    pub const fn supports_cow(self) -> bool {
        matches!(self, Kind::Format | Kind::NoPermission)
    }

    /// Returns whether it may have children.
    pub const fn takes_children(self) -> bool {
        !matches!(self, Kind::Protocol | Kind::File)
    }

    /// S3.2: returns whether a child may be FILTERED.
    pub const fn takes_filtered(self) -> bool {
        self.filter_slot().is_some() || matches!(self, Kind::Raw)
    }

    /// Returns the options that such a node has by default.
    pub const fn default_opt(self) -> Opt {
        match self {
            Kind::WriteToSelected => Opt::Select(None),
            Kind::Blkdebug => Opt::Debug { take: crate::perm::NONE, unshare: crate::perm::NONE },
            Kind::Quorum => Opt::Rewrite(false),
            Kind::MirrorTop => Opt::Phase(Phase::Mirror),
            Kind::File => Opt::Unaligned(false),
            _ => Opt::None,
        }
    }
}

/// The options of a driver, by kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Opt {
    /// For the kinds without options.
    None,
    /// Blkdebug (P6.4).
    Debug {
        /// Needed besides the default.
        take: Perms,
        /// Not shared, whatever the default shares.
        unshare: Perms,
    },
    /// Quorum (P6.5): whether it rewrites corrupted blocks.
    Rewrite(bool),
    /// Write-to-selected (P6.3).
    Select(Option<ChildName>),
    /// Mirror-top (P6.11).
    Phase(Phase),
    /// File (P9): whether its size is not a multiple of its request alignment.
    Unaligned(bool),
}

/// What a mirror-top filter is for at present (P6.11).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Phase {
    /// A mirror.
    Mirror,
    /// The commit of an active layer.
    Commit,
    /// The job is over, and the filter is about to go.
    Stopped,
}

impl Phase {
    /// All three.
    pub const EVERY: [Phase; 3] = [Phase::Mirror, Phase::Commit, Phase::Stopped];
}

impl Opt {
    /// Returns all options that a node of this kind can have; for a selection none, the child `file` and another child.
    pub fn every(kind: Kind) -> Vec<Opt> {
        match kind.default_opt() {
            Opt::None => vec![Opt::None],
            Opt::Rewrite(_) => [false, true].map(Opt::Rewrite).to_vec(),
            Opt::Phase(_) => Phase::EVERY.map(Opt::Phase).to_vec(),
            Opt::Unaligned(_) => [false, true].map(Opt::Unaligned).to_vec(),
            Opt::Select(_) => [None, Some(ChildName::FILE), Some(ChildName(2))].map(Opt::Select).to_vec(),
            Opt::Debug { .. } => {
                let two = Perms::every().flat_map(|take| Perms::every().map(move |unshare| (take, unshare)));
                two.map(|(take, unshare)| Opt::Debug { take, unshare }).collect()
            }
        }
    }

    /// Returns whether these are options of a node of this kind.
    pub fn suits(self, kind: Kind) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&kind.default_opt())
    }
}
