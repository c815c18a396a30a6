//! The op × outcome table: which operations ended in which ways, with a witness for each cell.
//!
//! Properties of states cannot see a refused operation, so the explorer counts them. A cell that is empty although it
//! can be met, or is met although it cannot be, fails the run.

use crate::explore::{SmallOutcome, Visitor};
use crate::judge::Outcome;
use crate::menu::{Action, Small};
use crate::op::{Hook, Op, Refusal, StepError};

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

/// The reason if a cell is empty in the scopes and can be met in larger graphs.
pub const TOO_LARGE: &str = "needs four nodes: see a4-jobs.scenario and o42-stream.scenario";

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

/// The operations that at most take references away, or do not concern permissions.
const LOOSENING: [&str; 19] = [
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
    "drain-begin",
    "drain-end",
    "drain-all-begin",
    "drain-all-end",
    "truncate",
    "remove-child",
    "move-context",
];

/// The operations that make or move no edge.
const STILL: [&str; 16] = [
    "add",
    "freeze",
    "thaw",
    "hold",
    "eject",
    "block",
    "unblock",
    "check-op",
    "check-replace",
    "drain-begin",
    "drain-all-begin",
    "drain-all-end",
    "move-context",
    "inactivate",
    "activate",
    "truncate",
];

/// The operations that can join nodes in different contexts.
const JOINING: [&str; 16] = [
    "attach-user",
    "attach",
    "set-backing",
    "set-file",
    "replace-node",
    "replace-child",
    "replace-user-child",
    "append",
    "reopen",
    "snapshot",
    "add-child",
    "open",
    "mirror",
    "backup",
    "move-context",
    "transaction",
];

const JOBS: [&str; 5] = ["stream", "commit", "commit-active", "mirror", "backup"];

/// Returns why a cell must be empty, or `None` if it can be met.
pub fn unreachable(row: usize, column: usize) -> Option<&'static str> {
    let (verb, end) = (row_name(row), column_name(column));
    if (verb, end) == ("stream", "DuplicateChild") {
        return Some(TOO_LARGE);
    }
    if column >= OTHERS.len() {
        return (!preconditions(row).contains(&end)).then_some("no precondition of that heading of operations.md");
    }
    match end {
        "Cycle" | "Conflict" | "ReadOnly" => never_violates(verb, end),
        "InactiveChild" | "InactiveNode" => never_about_activity(verb, end),
        "ContextClash" | "ContextFixed" | "stays in its context" => never_about_contexts(verb, end),
        "ok" | "closes" => never_done(verb, end),
        "lags" => None,
        _ => never_refused(verb, end),
    }
}

fn never_done(verb: &str, end: &str) -> Option<&'static str> {
    let growing = ["attach-user", "set-user", "attach", "set-option", "set-read-only", "open-child", "add-child"];
    match end {
        "ok" if verb == "delete" => Some("a delete closes the node"),
        "closes" if STILL.contains(&verb) || growing.contains(&verb) => Some("takes no reference away"),
        "closes" if ["append", "insert", "snapshot"].contains(&verb) => {
            Some("top gains the edge from the new node before it loses others")
        }
        _ => None,
    }
}

fn never_violates(verb: &str, end: &str) -> Option<&'static str> {
    if LOOSENING.contains(&verb) || verb == "inactivate" {
        return Some("a loosening is never refused (V7, V8)");
    }
    match end {
        _ if verb == "add" => Some("a new node has no edges"),
        "Cycle" if verb.ends_with("user") || verb == "replace-user-child" => Some("nothing is above a user"),
        "Cycle" if ["replace-node", "insert", "drop-filter", "drop-intermediate"].contains(&verb) => {
            Some("parents that the target reaches are skipped, or refused (S5, O24)")
        }
        "Cycle" if JOBS.contains(&verb) => Some("made of insert, replace-node and the like; a base is below the node"),
        "Cycle" if ["set-option", "set-read-only", "open-child", "open", "activate"].contains(&verb) => {
            Some("adds no edge, or those of a node that is new")
        }
        "Conflict" if verb == "open-child" => Some("the new node has one parent edge"),
        _ => None,
    }
}

fn never_about_activity(verb: &str, end: &str) -> Option<&'static str> {
    if STILL.contains(&verb) && verb != "inactivate" || LOOSENING.contains(&verb) {
        return Some("makes no edge and nothing inactive, and needs no more");
    }
    match end {
        _ if ["attach-user", "set-user", "replace-user-child"].contains(&verb) => {
            Some("a user of an inactive node has nothing (A3)")
        }
        _ if verb == "drop-filter" => Some("a parent that is allowed above the filter is allowed above its child"),
        _ if verb == "set-read-only" => Some("inactive nodes need no more when they are writable (P7)"),
        "InactiveChild" if ["inactivate", "set-option"].contains(&verb) => {
            Some("a node with an active parent is not covered (A1)")
        }
        "InactiveNode" if ["commit", "commit-active", "mirror"].contains(&verb) => Some(TOO_LARGE),
        "InactiveChild" if verb == "drop-intermediate" => {
            Some("a parent that is allowed above the top is allowed above the base")
        }
        _ => None,
    }
}

fn never_about_contexts(verb: &str, end: &str) -> Option<&'static str> {
    match end {
        "ContextFixed" => (!["move-context", "transaction"].contains(&verb)).then_some("requests no move (O35)"),
        "ContextClash" if verb == "move-context" => Some("the users of one component agree already"),
        "ContextClash" => (!JOINING.contains(&verb)).then_some("brings no two components of users together"),
        _ if STILL.contains(&verb) || verb == "set-user" => Some("no node loses a parent edge"),
        _ if ["attach-user", "attach", "set-option", "set-read-only", "open-child", "add-child"].contains(&verb) => {
            Some("no node loses a parent edge")
        }
        _ if ["append", "insert", "snapshot", "drop-intermediate"].contains(&verb) => {
            Some("a node that loses a parent edge is in a component with a new edge, so C2 looks at it")
        }
        _ => None,
    }
}

fn never_refused(verb: &str, end: &str) -> Option<&'static str> {
    let reopens = ["set-read-only", "reopen", "transaction"].contains(&verb);
    let only = |verbs: &[&str], reason| (!verbs.contains(&verb)).then_some(reason);
    match end {
        "refused flush" | "refused prepare" if !reopens => Some("reopens nothing (V5.1)"),
        "refused rename" => {
            only(&["append", "drop-intermediate", "stream", "commit", "transaction"], "renames nothing (S6)")
        }
        "refused inactivate" => only(&["inactivate", "transaction"], "makes nothing inactive"),
        "refused activate" => only(&["activate", "transaction"], "makes nothing active"),
        "refused check" if LOOSENING.contains(&verb) || verb == "inactivate" => {
            Some("asks only for a loosening, and a refused one is tolerated (V7)")
        }
        "refused check" if verb == "add" => Some("a new node has no edges"),
        "refused context" if verb != "move-context" => {
            let makes = ["insert", "open-child", "stream", "commit", "commit-active"];
            (!JOINING.contains(&verb) && !makes.contains(&verb)).then_some("joins nothing that is elsewhere")
        }
        _ => None,
    }
}
