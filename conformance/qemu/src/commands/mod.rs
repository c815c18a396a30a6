//! Translates operations of the model to QMP commands. The table is in `specs/qemu.md`.

pub mod command;
mod of_jobs;
pub mod of_operations;
