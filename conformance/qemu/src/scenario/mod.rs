//! Scenarios on a real QEMU, or as a script of QMP commands.

pub mod concrete;
mod grouping;
pub mod play;
mod quorum_children;
pub mod scenario_names;
pub mod script;
pub mod unreachable;
