//! Ready-made drivers: every kind of S3.4 as a plain struct whose hooks accept everything, but for one question of
//! [`File`]; and [`Preset`], any of them.

mod filters;
mod images;
mod jobs;
mod kinds;
mod preset;

pub use filters::{Blkverify, CopyOnRead, Preallocate, Replication};
pub use images::{File, Raw, SnapshotAccess, Vvfat};
pub use jobs::{CommitTop, CopyBeforeWrite, MirrorTop};
pub use kinds::{
    BackingFilter, Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol, Quorum, WriteToSelected,
};
pub use preset::Preset;
