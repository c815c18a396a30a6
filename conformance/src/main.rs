//! blockgraph
fn main() {}
