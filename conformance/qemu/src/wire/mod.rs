//! QEMU's wire forms: names, drivers, options, replies and error texts.

pub mod block_graph;
pub mod drivers;
pub mod errors;
pub mod names;
pub mod node_options;
