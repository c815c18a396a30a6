//! Scenarios of block graphs: a text form that people write, the same as JSON, a stage that plays them on the model and on
//! other subjects, and counterexample files.
//!
//! A *story* is a list of [turns](turn::Turn): transactions from the empty graph on. A *scenario* is a story with names,
//! expected outcomes and comments ([`text`]). A *subject* executes operations and shows its graph ([`subject`]).
#![forbid(unsafe_code)]

pub mod counterexample;
pub mod drawing;
pub mod model_subject;
pub mod panics;
pub mod shrink;
pub mod simplify;
pub mod stage;
pub mod subject;
pub mod text;
pub mod turn;
