//! The state of an open transaction, and the space that the next one reuses.

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

/// A savepoint, as the graph keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) serial: usize,
    pub(crate) journal: usize,
    pub(crate) steps: usize,
}

/// The state of the open transaction. It is in the graph and not in the `Transaction`, so that a leaked transaction can
/// be undone later and its space is reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    /// A transaction is open, or was leaked.
    pub(crate) open: bool,
    /// Every write to the graph since the transaction began, oldest first.
    pub(crate) journal: Vec<Undo>,
    /// Previous values of the journal's `Option` records, which are too large for a record.
    pub(crate) options: Vec<(NodeKey, DriverOption)>,
    /// Edges that were attached or retargeted, oldest first, without those of users.
    pub(crate) fresh: Vec<EdgeKey>,
    /// An upper bound of the labels of the parents of `fresh` edges, for [`Core::mark_reachable`](super::arena::Core).
    pub(crate) fresh_bound: i64,
    /// A composed step is running. A node that loses a reference is doomed only at its end (L2).
    pub(crate) deferring: bool,
    /// The nodes that lost a reference in the composed step, once per loss.
    pub(crate) losing: Vec<NodeKey>,
    /// The doomed nodes, in the order in which they reached zero references (L2).
    pub(crate) doomed: Vec<NodeKey>,
    /// The reopened nodes, in the order of the steps and queues (V5.1).
    pub(crate) reopened: Vec<NodeKey>,
    /// The renamed nodes, in the order in which they were first renamed (V5.1).
    pub(crate) renamed: Vec<NodeKey>,
    /// Nodes whose activity was changed, with the old value.
    pub(crate) shifted: Vec<(NodeKey, bool)>,
    /// Previous values of the journal's `Stored` and `Blocks` records.
    pub(crate) texts: Vec<Option<Arc<str>>>,
    /// Nodes whose inputs of P4, or whose verdict, may have changed.
    pub(crate) dirty: Vec<NodeKey>,
    /// Nodes that the check visited.
    pub(crate) touched: Vec<NodeKey>,
    /// The number of steps that took effect.
    pub(crate) steps: usize,
    pub(crate) marks: Vec<Mark>,
    /// The steps for the drivers.
    pub(crate) plan: Vec<PlanStep>,
    /// The number of steps of the plan before the checks.
    pub(crate) before_checks: usize,
    /// The number of steps of the plan up to the last check.
    pub(crate) checked: usize,
    /// The number of steps of the plan that succeeded and wait for set or abort.
    pub(crate) progress: usize,
    /// The indices of refused steps of the plan whose refusal is tolerated, ascending.
    pub(crate) refused: Vec<usize>,
    /// The indices of the steps of the plan to make permanent, in their order (V6). Empty until all steps have
    /// succeeded.
    pub(crate) settle: Vec<usize>,
    /// The number of steps of `settle` that have been made permanent.
    pub(crate) settled: usize,
    /// Nodes whose driver has been told its new grant while others have not yet.
    pub(crate) told_grant: Vec<NodeKey>,
    /// Steps that were performed and neither set nor aborted.
    pub(crate) aborts: Vec<PlanStep>,
    /// A section was begun or ended, or an edge to a quiesced node was added or removed. It may have been rolled back
    /// since.
    pub(crate) drains: bool,
    pub(crate) contexts: Contexts,
    /// The number of steps at the front of `settle` that are aborted instead of made permanent (C3).
    pub(crate) stay_aborts: usize,
    /// The notifications about quiescing (Q4). `None` if there are none.
    pub(crate) notices: Option<Box<Notices>>,
    /// The number of nodes and users that have been told to quiesce.
    pub(crate) quieted: usize,
    /// Nodes that were told to quiesce and not yet to resume.
    pub(crate) resumes: Vec<NodeKey>,
    /// The number of walks so far. Each walk marks the nodes it visits with its number.
    pub(crate) epoch: u64,
    pub(crate) stack: Vec<NodeKey>,
    pub(crate) moving: Vec<EdgeKey>,
    pub(crate) worklist: Worklist,
    pub(crate) down: Search,
    pub(crate) up: Search,
}

impl Pending {
    /// Returns a number that no walk has used.
    pub(crate) const fn next_epoch(&mut self) -> u64 {
        self.epoch = self.epoch.wrapping_add(1);
        self.epoch
    }
}

impl Pending {
    /// Copies the source. An open transaction in the source is open in the copy. Space that is only reused is not
    /// copied.
    pub(crate) fn copy_from(&mut self, source: &Self) {
        self.epoch = source.epoch;
        self.aborts.clone_from(&source.aborts);
        self.resumes.clone_from(&source.resumes);
        if source.open || self.open {
            // This is only needed after a leak.
            self.clone_from(source);
        }
    }
}
