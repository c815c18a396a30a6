//! The op × outcome table: which operations ended in which ways, with a witness for each cell.
//!
//! Properties of states cannot see a refused operation, so the explorer counts them. A cell that is empty although it
//! can be met, or is met although it cannot be, fails the run.

mod rules;

use crate::explore::{SmallOutcome, Visitor};
use crate::judge::Outcome;
use crate::menu::{Action, Small};
use crate::op::{Hook, Op, Refusal, StepError};
use rules::RULES;

pub use rules::TOO_LARGE;

/// The rows: the verbs, and transactions of several operations.
pub const ROWS: usize = Op::VERBS.len() + 1;
const TRANSACTION: usize = ROWS - 1;

/// The columns that are not errors of steps.
const OTHERS: [&str; 18] = [
    "ok",
    "closes",
    "lags",
    "Cycle",
    "Conflict",
    "ReadOnly",
    "InactiveChild",
    "InactiveNode",
    "ContextClash",
    "ContextFixed",
    "stays in its context",
    "refused flush",
    "refused prepare",
    "refused rename",
    "refused inactivate",
    "refused context",
    "refused check",
    "refused activate",
];
const OK: usize = 0;
const CLOSES: usize = 1;
const LAGS: usize = 2;
const CYCLE: usize = 3;
const STAYS: usize = 10;
const REFUSED: usize = 11;

/// The columns: ways to end.
pub const COLUMNS: usize = OTHERS.len() + StepError::NAMES.len();

/// Returns the name of a row.
pub fn row_name(row: usize) -> &'static str {
    Op::VERBS.get(row).copied().unwrap_or("transaction")
}

/// Returns the name of a column.
pub fn column_name(column: usize) -> &'static str {
    OTHERS.get(column).copied().unwrap_or_else(|| StepError::NAMES[column - OTHERS.len()])
}

/// Returns whether an operation that ends in this way takes effect.
pub fn is_done(column: usize) -> bool {
    column < CYCLE || column == STAYS
}

/// How often a cell was met, and where first.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// How often.
    pub count: u64,
    /// The first state (by index of the exploration) and the action there.
    pub witness: Option<(u32, Action)>,
}

/// The counts of one facet.
#[derive(Clone, Debug)]
pub struct Table {
    cells: Vec<Cell>,
    state: u32,
}

impl Default for Table {
    fn default() -> Self {
        Table { cells: vec![Cell::default(); ROWS * COLUMNS], state: 0 }
    }
}

impl Table {
    /// Returns one cell.
    pub fn cell(&self, row: usize, column: usize) -> &Cell {
        &self.cells[row * COLUMNS + column]
    }

    /// Adds the counts of another table of the same facet. The earlier witness stays.
    pub fn merge(&mut self, other: Table) {
        for (mine, theirs) in self.cells.iter_mut().zip(other.cells) {
            mine.count += theirs.count;
            let earlier = match (&mine.witness, &theirs.witness) {
                (Some((a, _)), Some((b, _))) => b < a,
                (None, theirs) => theirs.is_some(),
                _ => false,
            };
            if earlier {
                mine.witness = theirs.witness;
            }
        }
    }

    fn count(&mut self, column: usize, action: &Action) {
        let row = row_of(&action.ops);
        let cell = &mut self.cells[row * COLUMNS + column];
        cell.count += 1;
        if cell.witness.is_none() {
            cell.witness = Some((self.state, action.clone()));
        }
    }
}

impl Visitor for Table {
    fn state(&mut self, index: u32, _state: &Small) {
        self.state = index;
    }

    fn transition(&mut self, action: &Action, outcome: &SmallOutcome) {
        each_column(action.refusal, outcome, |column| self.count(column, action));
    }
}

/// Returns the row of a transaction.
pub fn row_of(ops: &[Op]) -> usize {
    if let [op] = ops { op.index() } else { TRANSACTION }
}

/// Calls a function with each column in which an operation ended while these drivers refused. There are several if it
/// has several kinds of violation.
pub fn each_column<const N: usize, const E: usize>(
    refusal: Option<Refusal>,
    outcome: &Outcome<N, E>,
    mut each: impl FnMut(usize),
) {
    match outcome {
        Outcome::Done { closed, .. } => each(match (refusal, closed.is_empty()) {
            (Some(Refusal { hook: Hook::Context, .. }), _) => STAYS,
            (Some(_), _) => LAGS,
            (None, false) => CLOSES,
            (None, true) => OK,
        }),
        Outcome::Failed { error, .. } => each(OTHERS.len() + error.index()),
        Outcome::Violates { kinds: k, .. } => {
            // In the order of the columns.
            let kinds =
                [k.cycle, k.conflict, k.read_only, k.inactive_child, k.inactive_node, k.context_clash, k.context_fixed];
            (0..kinds.len()).filter(|i| kinds[*i]).for_each(|kind| each(CYCLE + kind));
        }
        Outcome::Refused { by } => each(REFUSED + by.hook as usize),
    }
}

/// The step errors that each heading of `specs/operations.md` lists, in the order of [`Op::VERBS`].
const PRECONDITIONS: [&[&str]; Op::VERBS.len()] = [
    // add
    &["DuplicateNode", "ForceShareWritable", "OptionUnsupported", "NotAFilter"],
    // release
    &["NodeNotFound", "NoHolder"],
    // attach-user
    &["DuplicateUser", "NodeNotFound"],
    // detach-user
    &["UserNotFound"],
    // set-user
    &["UserNotFound"],
    // attach
    &["NodeNotFound", "NodeCorrupted", "NoChildren", "DuplicateChild", "BadRole", "RoleUnsupported", "SlotTaken"],
    // detach
    &["NodeNotFound", "ChildNotFound", "FilterNeedsChild", "Frozen"],
    // set-backing
    &["NodeNotFound", "NodeCorrupted", "BackingUnsupported", "DuplicateChild", "FilterNeedsChild", "Frozen"],
    // set-file
    &["NodeNotFound", "NodeCorrupted", "FileUnsupported", "NoFileChild", "DuplicateChild", "Frozen"],
    // replace-node
    &["NodeNotFound", "SameNode", "Frozen"],
    // replace-child
    &["NodeNotFound", "ChildNotFound", "SameNode", "Frozen"],
    // replace-user-child
    &["UserNotFound", "NodeNotFound", "SameNode"],
    // append
    &["NodeNotFound", "SameNode", "NodeCorrupted", "BackingUnsupported", "DuplicateChild", "SlotTaken", "Frozen"],
    // insert
    &[
        "DuplicateNode",
        "ForceShareWritable",
        "OptionUnsupported",
        "NotAFilter",
        "NodeNotFound",
        "SameNode",
        "BackingUnsupported",
        "Frozen",
    ],
    // drop-filter
    &["NodeNotFound", "NodeCorrupted", "NotAFilter", "NoFilteredChild", "Frozen"],
    // freeze
    &["NodeNotFound", "NotInChain", "Frozen", "NeverFreeze"],
    // thaw
    &["NodeNotFound", "NotInChain", "NotFrozen"],
    // set-option
    &["NodeNotFound", "NodeCorrupted", "OptionUnsupported"],
    // set-read-only
    &["NodeNotFound", "NodeCorrupted", "ForceShareWritable"],
    // hold
    &["NodeNotFound"],
    // delete
    &["NodeNotFound", "HasUser", "Blocked", "NotMonitorOwned", "InUse"],
    // eject
    &["NodeNotFound", "NodeCorrupted"],
    // open-child
    &[
        "NodeNotFound",
        "NodeCorrupted",
        "DuplicateNode",
        "ForceShareWritable",
        "OptionUnsupported",
        "NotAFilter",
        "NoChildren",
        "DuplicateChild",
        "BadRole",
        "RoleUnsupported",
        "SlotTaken",
    ],
    // drop-intermediate
    &["NodeNotFound", "SameNode", "NodeCorrupted", "NotInChain", "ShouldNotChange", "Frozen"],
    // reopen
    &[
        "NodeNotFound",
        "NodeCorrupted",
        "ForceShareWritable",
        "OptionUnsupported",
        "BackingMissing",
        "ImplicitChild",
        "BackingUnsupported",
        "FileUnsupported",
        "NoFileChild",
        "FilterNeedsChild",
        "DuplicateChild",
        "Frozen",
    ],
    // snapshot
    &[
        "NodeNotFound",
        "Blocked",
        "HasUser",
        "SameNode",
        "NodeCorrupted",
        "BackingUnsupported",
        "DuplicateChild",
        "SlotTaken",
        "Frozen",
    ],
    // block
    &["UserNotFound"],
    // unblock
    &["UserNotFound", "NotBlocked"],
    // check-op
    &["NodeNotFound", "Blocked"],
    // check-replace
    &["NodeNotFound", "Blocked", "CannotReplace"],
    // drain-begin
    &["NodeNotFound"],
    // drain-end
    &["NodeNotFound", "NotDrained"],
    // drain-all-begin
    &[],
    // drain-all-end
    &["NotDrainedAll"],
    // move-context
    &["NodeNotFound"],
    // inactivate
    &["NodeNotFound", "NodeCorrupted", "ActiveParent", "UserActive"],
    // activate
    &["NodeNotFound", "NodeCorrupted"],
    // truncate
    &["UserNotFound", "NoResize"],
    // add-child
    &["NodeNotFound", "NodeCorrupted", "ChildrenFixed", "HasParent", "DuplicateChild"],
    // remove-child
    &["NodeNotFound", "ChildNotFound", "NodeCorrupted", "ChildrenFixed", "LastChild"],
    // open
    &[
        "NodeNotFound",
        "DuplicateNode",
        "ForceShareWritable",
        "NotAFilter",
        "ProbeDenied",
        "NoChildren",
        "BackingUnsupported",
    ],
    // stream
    &[
        "NodeNotFound",
        "DuplicateChild",
        "NotInChain",
        "Blocked",
        "DuplicateNode",
        "Frozen",
        "NeverFreeze",
        "DuplicateUser",
        "NotFrozen",
        "NodeCorrupted",
        "BackingUnsupported",
        "FilterNeedsChild",
        "UserNotFound",
        "NotAFilter",
        "NoFilteredChild",
    ],
    // commit
    &[
        "NodeNotFound",
        "SameNode",
        "NotInChain",
        "Blocked",
        "DuplicateNode",
        "Frozen",
        "NeverFreeze",
        "DuplicateUser",
        "NotFrozen",
        "NodeCorrupted",
        "UserNotFound",
        "ShouldNotChange",
        "NoHolder",
        "NotAFilter",
        "NoFilteredChild",
    ],
    // commit-active
    &[
        "NodeNotFound",
        "SameNode",
        "NotInChain",
        "Blocked",
        "DuplicateNode",
        "Frozen",
        "NeverFreeze",
        "DuplicateUser",
        "NotFrozen",
        "NodeCorrupted",
        "UserNotFound",
        "OptionUnsupported",
        "NotAFilter",
        "NoFilteredChild",
    ],
    // mirror
    &[
        "NodeNotFound",
        "SameNode",
        "Blocked",
        "DuplicateNode",
        "Frozen",
        "DuplicateUser",
        "UserNotFound",
        "NodeCorrupted",
        "OptionUnsupported",
        "NotAFilter",
        "NoFilteredChild",
    ],
    // backup
    &[
        "NodeNotFound",
        "SameNode",
        "Blocked",
        "DuplicateNode",
        "Frozen",
        "DuplicateUser",
        "UserNotFound",
        "NodeCorrupted",
        "NotAFilter",
        "NoFilteredChild",
    ],
];

/// Returns the errors of steps that a row may show. A transaction can fail by any step of any operation in it, so a
/// scope must show them all.
fn preconditions(row: usize) -> &'static [&'static str] {
    PRECONDITIONS.get(row).copied().unwrap_or(&StepError::NAMES)
}

/// Returns why a cell must be empty, or `None` if it can be met.
pub fn unreachable(row: usize, column: usize) -> Option<&'static str> {
    let (verb, end) = (row_name(row), column_name(column));
    let rule = RULES.iter().find(|rule| rule.ends.contains(&end) && rule.verbs.include(verb));
    let reason = rule.map(|rule| rule.reason);
    let no_precondition = column >= OTHERS.len() && !preconditions(row).contains(&end);
    reason.or(no_precondition.then_some("no precondition of that heading of operations.md"))
}
