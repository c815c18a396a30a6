//! Home of the benchmarks in `benches/`; this library only carries what they share.
