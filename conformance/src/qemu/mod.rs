//! A real QEMU: its storage daemon, spoken to over QMP, as a third witness beside model and crate.

pub mod answer;
mod choose;
mod client;
mod daemon;
pub mod deviations;
pub mod falsify;
mod job;
pub mod judge;
pub mod map;
pub mod mutant;
pub mod node;
pub mod run;
pub mod see;
pub mod seen_graph;
pub mod sensitivity;
pub mod trace;
pub mod truth;
pub mod witness;
pub mod words;

pub use client::{Client, Event, Lost, Reply};
pub use daemon::{Daemon, find};
