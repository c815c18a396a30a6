//! Ready-made drivers: every kind of S3.4 as a plain struct whose hooks accept everything, and [`Preset`], any of
//! them.

mod kinds;
mod preset;

pub use kinds::{
    BackingFilter, Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol, Quorum, WriteToSelected,
};
pub use preset::Preset;
