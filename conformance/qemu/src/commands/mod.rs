//! From the model's operations to QMP's commands; the table is in `specs/qemu.md`.

pub mod command;
mod of_jobs;
pub mod of_operations;
