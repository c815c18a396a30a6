//! Options of drivers.

use crate::permission::Permissions;
use alloc::sync::Arc;

/// A change of a driver's option at run time (O17). A driver accepts the options of its own kind and refuses the
/// others.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DriverOption {
    /// Blkdebug: permissions that the driver takes on its child, or does not share, beyond its rule (P6.4).
    Debug {
        /// Permissions to need in addition.
        take: Permissions,
        /// Permissions not to share.
        unshare: Permissions,
    },
    /// Quorum: whether the driver rewrites a child that was outvoted (P6.5).
    Rewrite(bool),
    /// Write-to-selected: the name of the child that the driver writes to (P6.3).
    Select(Option<Arc<str>>),
    /// Mirror-top: the phase of the job (P6.11).
    Phase(MirrorPhase),
    /// File: whether the size of the file is not a multiple of its request alignment (P9).
    Unaligned(bool),
    /// An option of a custom driver.
    Other {
        /// The name of the option.
        key: Arc<str>,
        /// The value of the option.
        value: Arc<str>,
    },
}

/// The phase of the job that a [`MirrorTop`](crate::drivers::MirrorTop) belongs to (P6.11).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MirrorPhase {
    /// The job copies to a separate target.
    #[default]
    Mirror,
    /// The job copies into its own backing chain: an active commit.
    Commit,
    /// The job has ended.
    Stopped,
}

/// The error of a driver that does not have the given option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnsupportedOption;
