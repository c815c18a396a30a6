//! What a run has not met, and why: cells of op × outcome and of op × driver × done or not.

use crate::fuzz::statistics::{DRIVERS, GONE, NO_NODE, Statistics};
use blockgraph_model::table::{self, COLUMNS, ROWS};
use blockgraph_model::{Kind, Op, Opt, Slot};

/// An operation or transaction, the driver of its first operand, and whether it was done.
pub type Cell = (usize, usize, bool);

/// The cells that a run has not met.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UnmetCells {
    /// The cells of op × outcome that were not met although they can be.
    pub outcomes: Vec<(usize, usize)>,
    /// How many cells of op × outcome were met.
    pub outcomes_met: usize,
    /// How many cells of op × outcome cannot be met, with a reason.
    pub unreachable: usize,
    /// The cells of op × driver × done or not that were not met and have no reason why.
    pub drivers: Vec<Cell>,
    /// How many cells of op × driver × done or not were met.
    pub drivers_met: usize,
    /// How many cells of op × driver × done or not cannot be met, with a reason.
    pub impossible: usize,
    /// Descriptions of cells that were met although there is a reason why they cannot be.
    pub wrong: Vec<String>,
}

impl UnmetCells {
    /// Returns whether every cell that was not met has a reason.
    pub fn is_complete(&self) -> bool {
        self.outcomes.is_empty() && self.drivers.is_empty()
    }
}

/// Finds the unmet cells of a run.
pub fn of(made: &Statistics) -> UnmetCells {
    let mut holes = UnmetCells::default();
    for (row, column) in (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column))) {
        let count = made.outcome(row, column);
        // A cell that only the bounds of the scopes exclude can be met here.
        match table::unreachable(row, column).filter(|reason| *reason != table::TOO_LARGE) {
            Some(_) if count == 0 => holes.unreachable += 1,
            Some(reason) => {
                let (op, end) = (table::row_name(row), table::column_name(column));
                holes.wrong.push(format!("{op} × {end}: met {count} times, but should not be: {reason}"));
            }
            None if count == 0 => holes.outcomes.push((row, column)),
            None => holes.outcomes_met += 1,
        }
    }
    let cells = (0..ROWS).flat_map(|row| (0..DRIVERS).flat_map(move |d| [(row, d, true), (row, d, false)]));
    for cell in cells {
        match (made.done(cell), never(cell)) {
            (0, Some(_)) => holes.impossible += 1,
            (0, None) => holes.drivers.push(cell),
            (_, None) => holes.drivers_met += 1,
            (count, Some(reason)) => {
                holes.wrong.push(format!("{}: met {count} times, but should not be: {reason}", name(cell)));
            }
        }
    }
    holes
}

/// Describes a cell of op × driver × done or not.
pub fn name((row, driver, done): Cell) -> String {
    let done = if done { "done" } else { "not done" };
    format!("{} × {} × {done}", table::row_name(row), super::driver_name(driver))
}

/// Returns why a cell of op × driver × done or not cannot be met, or `None`.
pub fn never((row, driver, done): Cell) -> Option<&'static str> {
    // Only the first operation of a transaction is classified, which says little about how the transaction ends.
    let verb = Op::VERBS.get(row)?;
    if MAKES.contains(verb) && driver >= GONE {
        return Some("makes a node with a driver");
    }
    if !done {
        return never_refused(verb, driver);
    }
    match driver {
        NO_NODE if verb.starts_with("drain-all") => None,
        _ if verb.starts_with("drain-all") => Some("names no node"),
        // The end of such a job does not look at these nodes (J6).
        NO_NODE if ["mirror", "backup"].contains(verb) => None,
        NO_NODE => Some("there is no such node or user"),
        GONE => NEEDS_DRIVER.contains(verb).then_some("needs a driver (L3)"),
        kind => never_done(verb, Kind::EVERY[kind]),
    }
}

const MAKES: [&str; 4] = ["add", "insert", "open-child", "open"];

/// The operations that cannot be done if the first operand has lost its driver.
const NEEDS_DRIVER: [&str; 15] = [
    "attach",
    "set-backing",
    "set-file",
    "append",
    "drop-filter",
    "set-option",
    "set-read-only",
    "eject",
    "drop-intermediate",
    "reopen",
    "check-replace",
    "inactivate",
    "activate",
    "add-child",
    "remove-child",
];

fn never_refused(verb: &str, driver: usize) -> Option<&'static str> {
    match verb {
        "drain-all-begin" => Some("has no precondition, and no driver is asked"),
        "drain-all-end" => (driver != NO_NODE).then_some("names no node"),
        "hold" | "drain-begin" => (driver != NO_NODE).then_some("refused only if there is no such node"),
        "block" | "detach-user" => (driver != NO_NODE).then_some("refused only if there is no such user"),
        "eject" => (driver < GONE).then_some("refused only if there is no driver"),
        _ => None,
    }
}

fn never_done(verb: &str, kind: Kind) -> Option<&'static str> {
    let chained = kind.supports_cow() || kind.filter_slot().is_some();
    let backed = kind.supports_cow() || kind.filter_slot() == Some(Slot::Backing);
    match verb {
        "attach" | "detach" | "replace-child" | "set-file" if !kind.takes_children() => Some("never has a child"),
        "set-file" if kind.filter_slot() == Some(Slot::Backing) => Some("has no child in the slot file"),
        "set-backing" if !backed => Some("has no child in the slot backing"),
        "append" | "insert" | "drop-intermediate" if !chained => Some("no chain leads through it (S4)"),
        "drop-filter" if kind.filter_slot().is_none() => Some("is no filter"),
        "set-option" if kind.default_opt() == Opt::None => Some("has no options"),
        "add-child" | "remove-child" if kind != Kind::Quorum => Some("only a quorum's children come and go (O39, O40)"),
        _ => None,
    }
}
