//! The crate `blockgraph` beside its formal model: every transition of a scope, and random stories on large graphs, are
//! executed on both, and everything that can be observed is compared.
#![forbid(unsafe_code)]

mod call_checks;
pub mod compare;
pub mod error_kinds;
pub mod full_check;
pub mod fuzz;
pub mod generate;
pub mod impl_subject;
mod job_operations;
mod operations;
pub mod replay;
pub mod restore;
pub mod stages;
pub mod test_driver;
pub mod translate;
pub mod verify;

/// Tests the Rust code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
