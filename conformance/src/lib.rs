//! Holds the crate `blockgraph` against its formal model: every transition of a scope, differential tests, scenarios.
#![forbid(unsafe_code)]

pub mod model_subject;
pub mod subject;
