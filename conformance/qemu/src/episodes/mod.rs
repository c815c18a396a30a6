//! Random episodes on a real QEMU, recorded ones, and what they were made of.

pub mod counts;
mod generator;
pub mod recorded;
pub mod run;
pub mod trace;
