//! A real QEMU: its storage daemon, spoken to over QMP.

mod client;
mod daemon;
pub mod seen_graph;

pub use client::{Client, Event, Lost, Reply};
pub use daemon::{Daemon, find};
