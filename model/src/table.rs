//! Which operations ended in which ways: the op × outcome table, with a witness for each cell.
//!
//! State properties cannot see a refused operation, so the explorer counts them. A cell that is empty although it should
//! not be, or is met although it should not be, fails the run.

use crate::explore::{SmallOutcome, Visitor};
use crate::judge::Outcome;
use crate::menu::{Action, Small};
use crate::op::{Hook, Op, Refusal, StepError};

/// The rows: the verbs, and transactions of several operations.
pub const ROWS: usize = Op::VERBS.len() + 1;
const TRANSACTION: usize = ROWS - 1;

/// The columns that are no step errors.
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

/// The name of a row.
pub fn row_name(row: usize) -> &'static str {
    Op::VERBS.get(row).copied().unwrap_or("transaction")
}

/// The name of a column.
pub fn column_name(column: usize) -> &'static str {
    OTHERS.get(column).copied().unwrap_or_else(|| StepError::NAMES[column - OTHERS.len()])
}

/// How often a cell was met, and where first.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// How often.
    pub count: u64,
    /// The first state (by index of the exploration) and what was done there.
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
    /// One cell.
    pub fn cell(&self, row: usize, column: usize) -> &Cell {
        &self.cells[row * COLUMNS + column]
    }

    /// Adds the counts of another table of the same facet; the earlier witness stays.
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
        let row = if let [op] = action.ops.as_slice() { op.index() } else { TRANSACTION };
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
        match outcome {
            Outcome::Done { closed, .. } => {
                let column = match (action.refusal, closed.is_empty()) {
                    (Some(Refusal { hook: Hook::Context, .. }), _) => STAYS,
                    (Some(_), _) => LAGS,
                    (None, false) => CLOSES,
                    (None, true) => OK,
                };
                self.count(column, action);
            }
            Outcome::Failed { error, .. } => self.count(OTHERS.len() + error.index(), action),
            Outcome::Violates { kinds: k, .. } => {
                // In the order of the columns.
                let kinds = [
                    k.cycle,
                    k.conflict,
                    k.read_only,
                    k.inactive_child,
                    k.inactive_node,
                    k.context_clash,
                    k.context_fixed,
                ];
                for column in (0..kinds.len()).filter(|i| kinds[*i]) {
                    self.count(CYCLE + column, action);
                }
            }
            Outcome::Refused { by } => self.count(REFUSED + by.hook as usize, action),
        }
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
    &["NodeNotFound", "ChildNotFound", "NodeCorrupted", "ChildrenFixed", "LastChild", "Frozen"],
];

/// The step errors that a row may show. A transaction can fail by any step of any operation in it, so a scope must show
/// them all.
fn preconditions(row: usize) -> &'static [&'static str] {
    PRECONDITIONS.get(row).copied().unwrap_or(&StepError::NAMES)
}

/// The operations that take references away at most.
const LOOSENING: [&str; 12] = [
    "release",
    "detach-user",
    "detach",
    "freeze",
    "thaw",
    "hold",
    "delete",
    "eject",
    "block",
    "unblock",
    "check-op",
    "check-replace",
];

/// Why a cell must be empty; `None`: it must not be.
pub fn unreachable(row: usize, column: usize) -> Option<&'static str> {
    let (verb, end) = (row_name(row), column_name(column));
    if column >= OTHERS.len() {
        return (!preconditions(row).contains(&end)).then_some("no precondition of that heading of operations.md");
    }
    let loosening = LOOSENING.contains(&verb);
    let still = ["add", "freeze", "thaw", "hold", "eject", "block", "unblock", "check-op", "check-replace"];
    let growing = ["attach-user", "set-user", "attach", "set-option", "set-read-only", "open-child"];
    let reopens = ["set-read-only", "reopen", "transaction"].contains(&verb);
    match end {
        "ok" if verb == "delete" => Some("who deletes closes"),
        "closes" if still.contains(&verb) || growing.contains(&verb) => Some("takes no reference away"),
        "closes" if ["append", "insert", "snapshot"].contains(&verb) => {
            Some("top gains the edge from the new node before it loses others")
        }
        "Cycle" | "Conflict" | "ReadOnly" | "refused check" if loosening => {
            Some("a loosening is never refused (V7, V8)")
        }
        "Cycle" | "Conflict" | "ReadOnly" | "refused check" if verb == "add" => Some("a new node has no edges"),
        "Cycle" if verb.ends_with("user") || verb == "replace-user-child" => Some("nothing is above a user"),
        "Cycle" if ["replace-node", "insert", "drop-filter", "drop-intermediate"].contains(&verb) => {
            Some("parents that the target reaches are skipped, or refused (S5, O24)")
        }
        "Cycle" if ["set-option", "set-read-only", "open-child"].contains(&verb) => {
            Some("adds no edge, or one to a node that is new")
        }
        "Conflict" if verb == "open-child" => Some("the new node has one parent edge"),
        "ReadOnly" if verb == "drop-filter" => {
            Some("every filter hands W and U down, or needs W itself, so the child is writable")
        }
        "refused flush" | "refused prepare" if !reopens => Some("reopens nothing (V5.1)"),
        "refused rename" if !["append", "drop-intermediate", "transaction"].contains(&verb) => {
            Some("renames nothing (S6)")
        }
        _ => None,
    }
}
