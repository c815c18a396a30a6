//! What the benchmarks in `benches/` share: builders of graphs, and how long to measure.

mod build;
mod drivers;
mod timing;

pub use build::{
    Built, IMAGE, PresetGraph, READER, WRITER, chain, chain_of, crowd, five_nodes, forest, images, ladder, quorum,
};
pub use drivers::Listener;
pub use timing::{attach_detach, first_of_two, quick, slow};
