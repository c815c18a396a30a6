//! Scenarios: operations as text that a person can write and read back, and the same as JSON for machines
//! (`specs/scenarios.md`).
//!
//! Both are spellings of [`value::Record`]s, and which fields an operation, an error or a line about the graph has stands
//! once, in [`grammar`].

pub mod columns;
pub mod entries;
pub mod grammar;
pub mod job_columns;
pub mod json;
mod lexer;
pub mod names;
pub mod parser;
pub mod printer;
mod recorded;
pub mod results;
pub mod scenario;
pub mod schema;
pub mod spelling;
pub mod value;

pub use names::Names;
pub use parser::{parse, parse_with};
pub use printer::print;
pub use scenario::{Body, Item, Scenario, Step};
pub use schema::Problem;
