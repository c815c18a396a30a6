//! Holds the crate `blockgraph` against its formal model: every transition of a scope, differential tests, scenarios.
#![forbid(unsafe_code)]

pub mod audit;
pub mod cli;
pub mod compare;
pub mod counterexample;
pub mod deep;
pub mod draw;
pub mod errors;
pub mod fuzz;
pub mod generate;
pub mod guard;
mod homes;
pub mod hooks;
pub mod impl_subject;
mod job_steps;
pub mod model_subject;
pub mod museum;
pub mod qemu;
pub mod replay;
pub mod restore;
mod steps;
pub mod story;
pub mod subject;
pub mod text;
pub mod translate;
pub mod verify;

/// The README's Rust is tested.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
