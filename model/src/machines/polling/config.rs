//! The variants of the machine.

use crate::invariants::Broken;

/// When an operation reads what it acts upon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// As in seed 1: some of it before a poll.
    AsInSeed,
    /// After the last poll; until then the operation holds references.
    Repaired,
}

/// The state in which the exploration starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The empty graph.
    Empty,
    /// n0 ← n1 ← n2: n2 is being streamed, and n1 has a filter above it, as while it is committed into n0.
    Streaming,
}

/// The machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Polling {
    /// When operations read.
    pub order: Order,
    /// The start.
    pub start: Start,
}

impl Polling {
    /// Returns the machine with the defects mended.
    pub const fn repaired(self) -> Polling {
        Polling { order: Order::Repaired, ..self }
    }
}

/// A difference whose cause is not known.
pub(super) const UNEXPLAINED: Broken = "unexplained";
