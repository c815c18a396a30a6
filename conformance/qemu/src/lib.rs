//! A real QEMU: its storage daemon, spoken to over QMP, as a third witness beside model and crate.

pub mod answer;
pub mod audit;
mod children;
mod choose;
mod client;
pub mod counts;
mod daemon;
pub mod deviations;
pub mod drawn;
pub mod drivers;
pub mod falsify;
mod handed;
mod home;
mod job;
pub mod judge;
pub mod map;
pub mod mutant;
pub mod named;
pub mod node;
pub mod play;
mod process;
pub mod recorded;
pub mod run;
pub mod schema;
pub mod script;
pub mod see;
pub mod seen_graph;
pub mod sensitivity;
mod spell;
pub mod trace;
pub mod truth;
pub mod unreached;
pub mod witness;
pub mod words;

pub use client::{Client, Event, Lost, Reply};
pub use daemon::{Daemon, find};

/// The version at which the rules of [`deviations`] and the findings were looked at. Of another one they may be wrong.
pub const LOOKED_AT: &str = "10.0.2";
