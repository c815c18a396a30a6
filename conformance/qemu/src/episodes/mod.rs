//! Random episodes on a real QEMU, recorded episodes, and their counts.

pub mod counts;
mod generator;
pub mod recorded;
pub mod run;
pub mod trace;
