//! Compares what QEMU did in a turn with what the model says.

pub mod answer;
pub mod case;
pub mod difference;
pub mod refusals;
pub mod shown_graph;
pub mod verdict;
