//! The formal model of blockgraph: QEMU's block-graph permission system as a small state machine.
//!
//! Read [`rules`] first, then [`step`] and [`judge`]; `specs/` has the sentences that they implement. The other modules
//! explore: [`explore`] exactly, [`checker`] through stateright, within the bounds that [`scopes`] names.
#![forbid(unsafe_code)]

pub mod canon;
pub mod checker;
pub mod contexts;
pub mod derived;
pub mod explore;
pub mod invariants;
pub mod judge;
pub mod machine;
pub mod machines;
pub mod menu;
pub mod op;
pub mod orders;
pub mod pack;
pub mod perm;
pub mod plan;
pub mod rules;
pub mod scopes;
pub mod state;
pub mod step;
pub mod store;
pub mod svg;
pub mod table;

pub use judge::{Outcome, execute};
pub use op::{
    Act, Below, ChildName, Context, EdgeId, Entry, Hook, Kind, Layer, NodeId, Op, OpKind, OpKinds, Opening, Opt, Phase,
    Queue, Refusal, Role, Slot, Spec, StepError, UserFlags, UserId, Violation,
};
pub use perm::{Pair, Perms};
pub use plan::{DrainNotices, Plan};
pub use state::{Edge, Grant, Inherits, Node, Parent, State};
