//! Tests the formal model against the real QEMU: its storage daemon over QMP, the comparison turn by turn, scenarios as
//! QMP commands, and the audit of a running QEMU.
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

/// The version of QEMU on which the rules of [`deviations`] and the findings were established. For other versions they
/// may be wrong.
pub const REFERENCE_VERSION: &str = "10.0.2";
