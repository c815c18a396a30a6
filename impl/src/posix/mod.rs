//! Image files that are locked as QEMU locks them, so that QEMU and this crate respect each other's use of them. This
//! module needs the feature `posix-locks` and 64-bit Linux. It is the only part of the crate that needs `std` and makes
//! system calls.
//!
//! [`PosixFile`] is the driver of a file node. It locks single bytes of the file with open file description locks.
//! [`LockSet`](crate::qemu::locks::LockSet) defines the bytes; K1 to K9 of `specs/locks.md` in the repository
//! define when they are locked. When the graph checks permissions, the driver locks the new bytes beside the old ones
//! and tests
//! their opposites. When the permissions are set, it unlocks the bytes that are no longer needed. When they are
//! aborted, it unlocks the new ones. So a permission in use is locked at every moment.
//!
#![doc = include_str!("example.md")]
//!
//! # Limits
//!
//! The locks are advisory: they stop only programs that take them. Like QEMU's, they belong to the file, not to the
//! path, so hard links and bind mounts do not bypass them. Over NFS they reach other hosts as far as the server and the
//! mount support locks. A driver that was [ejected](crate::Graph::eject_driver) keeps its locks until it is dropped.
//! There is no option to disable the locks, as QEMU's `locking=off` does: a caller that wants no locks uses
//! [`drivers::File`](crate::drivers::File), and a caller that wants weaker locks uses a
//! [force-share](crate::NodeSpec::force_share) node (K8).

mod error;
mod file;
mod locks;

pub use error::FileError;
pub use file::PosixFile;
