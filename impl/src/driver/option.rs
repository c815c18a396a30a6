//! Options of drivers.

use crate::permission::Permissions;
use alloc::sync::Arc;

/// A change of mind of a driver (O17). A driver accepts the options of its own kind and refuses the others.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DriverOption {
    /// Blkdebug: permissions to take and to withhold on the child besides what the rule says (P6.4).
    Debug {
        /// Needed besides.
        take: Permissions,
        /// Not shared any more.
        unshare: Permissions,
    },
    /// Quorum: whether a child that was outvoted is rewritten (P6.5).
    Rewrite(bool),
    /// Write-to-selected: the name of the child that is written (P6.3).
    Select(Option<Arc<str>>),
    /// Mirror-top: what the job is about (P6.11).
    Phase(MirrorPhase),
    /// File: whether its size is not a multiple of its request alignment (P9).
    Unaligned(bool),
    /// An option of a driver of one's own.
    Other {
        /// Its name.
        key: Arc<str>,
        /// Its value.
        value: Arc<str>,
    },
}

/// What the job of a [`MirrorTop`](crate::drivers::MirrorTop) is about (P6.11).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MirrorPhase {
    /// It copies to a target of its own.
    #[default]
    Mirror,
    /// It copies into its own backing chain: an active commit.
    Commit,
    /// It is over.
    Stopped,
}

/// The driver has no such option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnsupportedOption;
