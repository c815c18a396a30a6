//! Ready-made drivers: every kind of S3.4 as a plain struct whose hooks accept everything, but for one question of
//! [`File`]; and [`Preset`], any of them.

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
