//! The state that is compared with QEMU: queries on the model's graph, and what QEMU keeps and the model does not.

pub mod context_memory;
pub mod explicit_options;
pub mod jobs;
pub mod memory;
pub mod queries;
pub mod reopen_queue;
