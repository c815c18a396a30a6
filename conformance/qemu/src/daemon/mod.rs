//! A storage daemon and its QMP monitor.

mod client;
pub mod graph_query;
mod process;
pub mod schema;
mod storage_daemon;

pub use client::{Client, ConnectionLost, Event, Reply};
pub use storage_daemon::{Daemon, IMAGE_TOOL, find_daemon};
