//! Scenarios: operations as text that people write and read, and the same as JSON for machines (`specs/scenarios.md`).
//!
//! Both are forms of [`value::Record`]s. The fields of operations, errors and lines about the graph are defined once,
//! in [`grammar`].

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
