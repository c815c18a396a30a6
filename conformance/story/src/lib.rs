//! Scenarios of block graphs: a language for them, playing them on the model and on other subjects, and counterexample
//! files.
//!
//! # Terms
//!
//! * A *turn* ([`turn::Turn`]) is one transaction of operations, with the drivers that refuse during it. A single
//!   operation is a transaction of one.
//! * A *story* is a list of turns that starts with the empty graph. It has no expectations. Stories come from
//!   generators and from traces of the model. [`shrink`](mod@shrink) and [`simplify`](mod@simplify) make them smaller.
//! * A *scenario* ([`text::Scenario`]) is the content of a file: a story with names for nodes and users, and with
//!   expected answers and graphs. Each of its *steps* ([`text::Step`]) is a turn with its expectations. A file can also
//!   contain comments, which are skipped when it is read. `specs/scenarios.md` defines the text form and the JSON form
//!   (T1–T26).
//! * A *subject* ([`subject::Subject`]) executes operations. It returns an answer for each turn, and shows its graph as
//!   an [`subject::Observation`]. The model is a subject ([`model_subject`]). `blockgraph-check` makes the crate
//!   `blockgraph` another one.
//! * A *stage* ([`stage::Stage`]) holds the subjects that play a scenario. It reports for each step which expectations
//!   failed, and whether the subjects diverged.
//!
//! # Modules
//!
//! | module | contents |
//! |---|---|
//! | [`text`] | scenarios as text and as JSON: reading, printing, and the tables of verbs and fields |
//! | [`turn`](mod@turn) | turns, and conversion of the model's actions to turns |
//! | [`subject`] | the trait of subjects, answers and observations |
//! | [`model_subject`] | the model as a subject |
//! | [`stage`] | plays the steps of a scenario, checks expectations, compares subjects |
//! | [`drawing`] | draws an observed graph as text (T23) |
//! | [`shrink`](mod@shrink) | removes the turns of a story that are not needed to show a difference |
//! | [`simplify`](mod@simplify) | replaces the turns of a short story by simpler ones |
//! | [`counterexample`] | writes a story as a scenario file that expects the model's answers |
//! | [`panics`] | turns a panic of a subject into a reported text |
//!
//! # Example
//!
//! ```
//! use blockgraph_story::model_subject::ModelSubject;
//! use blockgraph_story::stage::Stage;
//! use blockgraph_story::text::parse;
//! use blockgraph_story::text::scenario::{MOST_EDGES, MOST_NODES};
//!
//! let (scenario, _) = parse("add node=disk kind=protocol => ok\nrelease node=disk => ok closed=disk\n")?;
//! let mut stage = Stage::single(Box::new(ModelSubject::<MOST_NODES, MOST_EDGES>::default()));
//! for step in scenario.steps() {
//!     let report = stage.play(step, &scenario.names)?;
//!     assert!(report.faults.is_empty());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
