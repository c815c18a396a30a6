//! attach
fn main() {}
