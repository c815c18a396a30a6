//! Scenarios on a real QEMU, or as a script of QMP commands.

mod children;
mod grouping;
pub mod own_names;
pub mod play;
pub mod script;
pub mod unreachable;
