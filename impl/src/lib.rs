//! Placeholder docs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod check;
mod counters;
mod driver;
pub mod drivers;
mod error;
mod graph;
mod journal;
mod judge;
mod judged;
mod ops;
mod order;
mod permission;
mod plan;
mod refresh;
mod restore;
mod role;
mod rules;
mod snapshot;
mod steps;
mod transaction;

pub use check::{Inconsistency, Recomputed};
pub use driver::{ChildContext, Driver, DriverOption, Policy, Refusal, UnsupportedOption};
pub use drivers::Preset;
pub use error::{EdgeRef, Error, ErrorKind, Hook, NodeRef, StepError};
pub use graph::{EdgeIter, EdgeKey, EdgeView, Graph, NodeKey, NodeView, Parent, UserKey, UserView};
pub use judged::{Judged, Refused};
pub use ops::NodeSpec;
pub use permission::{Grant, Pair, Permissions};
pub use plan::{Closed, Committed, Plan, PlanStep};
pub use restore::RestoreError;
pub use role::{Role, Slot};
pub use rules::default_child_pair;
pub use snapshot::{EdgeSnapshot, NodeSnapshot, ParentIndex, SNAPSHOT_VERSION, Snapshot, UserSnapshot};
pub use transaction::{Savepoint, Transaction};
