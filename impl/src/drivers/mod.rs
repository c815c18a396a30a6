//! Ready-made drivers: a plain struct for every kind of S3.4, and [`Preset`], an enum of all of them. Their hooks
//! accept everything, except the permission check of [`File`].

mod basic;
mod filters;
mod images;
mod jobs;
mod preset;

pub use basic::{
    BackingFilter, Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol, Quorum, WriteToSelected,
};
pub use filters::{Blkverify, CopyOnRead, Preallocate, Replication};
pub use images::{File, Raw, SnapshotAccess, Vvfat};
pub use jobs::{CommitTop, CopyBeforeWrite, MirrorTop};
pub use preset::Preset;
