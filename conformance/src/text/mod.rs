//! Scenarios: operations as text that a person can write and read back, and the same as JSON for machines
//! (`specs/scenarios.md`).
//!
//! Both are spellings of [`record::Record`]s, and which fields an operation, an error or a line about the graph has stands
//! once, in [`table`].

pub mod job_part;
pub mod json;
mod lex;
pub mod names;
pub mod parse;
pub mod part;
pub mod play;
pub mod print;
pub mod record;
pub mod scenario;
pub mod seen;
pub mod table;
pub mod value;

pub use names::Names;
pub use parse::{parse, parse_with};
pub use print::print;
pub use record::Problem;
pub use scenario::{Body, Item, Scenario, Step};
