//! Image files that are locked as QEMU locks them, so that it and we respect each other's use of them. Feature
//! `posix-locks`, on 64-bit Linux; the only part of this crate that needs `std` and does system calls.
//!
//! [`PosixFile`] is the driver of a file node. It locks single bytes of the file by open file description locks: which
//! ones is [`LockSet`](crate::qemu::locks::LockSet), and when is K1 to K9 of `specs/locks.md`. In `check` the bytes to
//! come are locked besides those that are, and tested; in `set` those that are not needed any more are given up; in
//! `abort` those that were new. So at no moment a permission that is used is not locked.
//!
#![doc = include_str!("example.md")]
//!
//! # What it is not
//!
//! The locks are advice: only who takes them is refused. Like QEMU's they are the file's, not the path's; hard links
//! and bind mounts are no way around. Over NFS they reach other hosts as far as the server and the mount let locks
//! do. A driver that was [ejected](crate::Graph::eject_driver) keeps its locks until it is dropped. There is no switch
//! to do without locks, as QEMU's `locking=off` is: whoever wants none takes
//! [`drivers::File`](crate::drivers::File), and whoever wants weaker ones a [force-share](crate::NodeSpec::force_share)
//! node (K8).

mod error;
mod file;
mod locks;

pub use error::FileError;
pub use file::PosixFile;
