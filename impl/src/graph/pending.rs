//! What is open between the beginning and the end of a transaction, and the space that is reused from one to the
//! next.

use super::arena::{EdgeKey, NodeKey};
use crate::context::Contexts;
use crate::drain::Notices;
use crate::driver::DriverOption;
use crate::journal::Undo;
use crate::order::Search;
use crate::plan::PlanStep;
use crate::refresh::Worklist;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A point of the transaction to return to, as the graph keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) serial: usize,
    pub(crate) journal: usize,
    pub(crate) steps: usize,
}

/// State of the open transaction. It lives in the graph and not in the `Transaction`, so that a leaked one can be
/// undone later, and so that its space is used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    /// A transaction is open, or was leaked.
    pub(crate) open: bool,
    /// Every write to the graph since then, oldest first.
    pub(crate) journal: Vec<Undo>,
    /// Previous values for the journal's `Option` records, which would be too large in it.
    pub(crate) options: Vec<(NodeKey, DriverOption)>,
    /// Edges attached or retargeted since then, oldest first; not those of users.
    pub(crate) fresh: Vec<EdgeKey>,
    /// No edge in `fresh` has a parent with a greater label; for [`Core::mark_reachable`](super::arena::Core).
    pub(crate) fresh_bound: i64,
    /// In the middle of a step that is made of others: who loses a reference is only doomed at its end (L2).
    pub(crate) deferring: bool,
    /// Who lost a reference meanwhile, as often as they did.
    pub(crate) losing: Vec<NodeKey>,
    /// In the order in which they reached zero references (L2).
    pub(crate) doomed: Vec<NodeKey>,
    /// In the order of the steps and queues (V5.1).
    pub(crate) reopened: Vec<NodeKey>,
    /// In the order in which they were first renamed (V5.1).
    pub(crate) renamed: Vec<NodeKey>,
    /// Nodes whose activity was changed, and what it was before.
    pub(crate) shifted: Vec<(NodeKey, bool)>,
    /// Previous values for the journal's `Stored` and `Blocks` records.
    pub(crate) texts: Vec<Option<Arc<str>>>,
    /// Nodes whose inputs of P4 or verdict may have changed.
    pub(crate) dirty: Vec<NodeKey>,
    /// Nodes that the judgement came by.
    pub(crate) touched: Vec<NodeKey>,
    /// Steps of the transaction that took effect.
    pub(crate) steps: usize,
    pub(crate) marks: Vec<Mark>,
    /// What the drivers are to be asked.
    pub(crate) plan: Vec<PlanStep>,
    /// How many steps of the plan come before the checks.
    pub(crate) before_checks: usize,
    /// How many steps of the plan come before what is after the checks.
    pub(crate) checked: usize,
    /// How many steps of the plan have been answered and wait for set or abort.
    pub(crate) progress: usize,
    /// Indices of steps of the plan that were refused, and the refusal tolerated; ascending.
    pub(crate) refused: Vec<usize>,
    /// Indices of the steps of the plan that are to be made permanent, in the order for it (V6); empty until all of
    /// them have succeeded.
    pub(crate) settle: Vec<usize>,
    /// How many of these have been.
    pub(crate) settled: usize,
    /// Nodes whose driver has been told of its new grant, while others have not yet.
    pub(crate) told: Vec<NodeKey>,
    /// Steps that were performed, and neither set nor aborted.
    pub(crate) aborts: Vec<PlanStep>,
    /// A section was begun or ended, or an edge came or went that leads to a quiesced node; perhaps taken back since.
    pub(crate) drains: bool,
    pub(crate) contexts: Contexts,
    /// How many of the steps in `settle`, the first ones, are not made permanent but aborted (C3).
    pub(crate) stay_aborts: usize,
    /// Who is to be told that it is quiesced or not (Q4); nothing if nobody is.
    pub(crate) notices: Option<Box<Notices>>,
    /// How many of them have been told to be quiet.
    pub(crate) quieted: usize,
    /// Nodes that were told to be quiet, and not yet to go on.
    pub(crate) resumes: Vec<NodeKey>,
    /// Number of walks so far; each marks the nodes it met with its own number.
    pub(crate) epoch: u64,
    pub(crate) stack: Vec<NodeKey>,
    pub(crate) moving: Vec<EdgeKey>,
    pub(crate) worklist: Worklist,
    pub(crate) down: Search,
    pub(crate) up: Search,
}

impl Pending {
    /// A number that no walk has used.
    pub(crate) const fn next_epoch(&mut self) -> u64 {
        self.epoch = self.epoch.wrapping_add(1);
        self.epoch
    }
}

impl Pending {
    /// Becomes a copy. What is open in the source is open in the copy; space that is only reused is not copied.
    pub(crate) fn copy_from(&mut self, source: &Self) {
        self.epoch = source.epoch;
        self.aborts.clone_from(&source.aborts);
        self.resumes.clone_from(&source.resumes);
        if source.open || self.open {
            // Only after a leak.
            self.clone_from(source);
        }
    }
}
