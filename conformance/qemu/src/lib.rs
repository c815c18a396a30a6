//! The real QEMU beside the formal model: its storage daemon over QMP, the comparison turn by turn, scenarios as QMP, and the audit of
//! a running QEMU.
#![forbid(unsafe_code)]

pub mod audit;
pub mod commands;
pub mod compare;
pub mod daemon;
pub mod deviations;
pub mod episodes;
pub mod scenario;
pub mod sensitivity;
pub mod session;
pub mod state;
pub mod wire;

pub use daemon::{Client, ConnectionLost, Daemon, Event, Reply, find_daemon};

/// The version at which the rules of [`deviations`] and the findings were looked at. Of another one they may be wrong.
pub const REFERENCE_VERSION: &str = "10.0.2";
