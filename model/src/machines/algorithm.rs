//! What the two seeds have in common: how an algorithm is run, and how its result is described.

use super::Defect;
use super::heap::{Heap, Sight};
use crate::judge::{Kinds, Outcome};
use crate::menu::Small;
use crate::op::{EdgeId, Hook, NodeId, Op};
use crate::state::Node;

/// How the algorithm ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// It reported success.
    Done,
    /// It reported an error.
    Refused,
    /// An assertion failed, or the stack overflowed.
    Died,
}

/// Why an algorithm's function stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// The caller gets an error.
    Refused,
    /// An assertion failed, or the stack overflowed.
    Died,
}

/// What an algorithm's functions return.
pub(super) type Done = Result<(), Stop>;

impl From<Done> for Ended {
    fn from(done: Done) -> Ended {
        match done {
            Ok(()) => Ended::Done,
            Err(Stop::Refused) => Ended::Refused,
            Err(Stop::Died) => Ended::Died,
        }
    }
}

/// Where a failure was injected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Point {
    /// Before an action of the transaction.
    Action,
    /// A driver's hook refused.
    Hook(NodeId, Hook),
    /// A driver's check refused when it was called a second time in the same operation.
    Again(NodeId),
}

/// Returns whether both seeds contain the operation.
pub(super) fn in_both_seeds(op: &Op) -> bool {
    matches!(
        op,
        Op::Release { .. }
            | Op::AttachUser { .. }
            | Op::DetachUser { .. }
            | Op::SetUser { .. }
            | Op::Attach { .. }
            | Op::Detach { .. }
            | Op::SetBacking { .. }
            | Op::ReplaceNode { .. }
            | Op::Append { .. }
            | Op::DropFilter { .. }
            | Op::DropIntermediate { .. }
            | Op::SetOption { .. }
    )
}

/// An algorithm on trial.
pub(super) trait Algorithm: Sync {
    /// Returns whether this algorithm has the operation. Everything else that a story needs is taken from the machine
    /// `atomic`.
    fn knows(&self, op: &Op) -> bool;

    /// Runs the operation. With `fail`, the point with that number fails, counted from 0, if the run reaches it.
    fn run(&self, state: &Small, heap: &mut Heap, op: &Op, fail: Option<u16>) -> (Ended, Option<Point>);

    /// Returns the assertion about the caller that the operation would break.
    fn asserts(&self, _op: &Op) -> Option<Exception> {
        None
    }

    /// Returns whether there are points that can be made to fail.
    fn fails(&self) -> bool;

    /// Maps a fault to a verdict.
    fn verdict(&self, met: &Met<'_>) -> Verdict;
}

/// The part of the state that a refused operation has left changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ChangedPart {
    /// Only the order of lists.
    Lists,
    /// Pairs of edges.
    Pairs,
    /// Properties of nodes: their contexts, what their drivers granted.
    Nodes,
    /// Edges.
    Edges,
}

/// How a step differs from the right one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// Other code could see a wrong state in the middle.
    Seen(Sight),
    /// The process ended.
    Died,
    /// The operation was refused, although nothing is wrong with it.
    WronglyRefused,
    /// The operation was refused, but not undone.
    NotUndone(ChangedPart),
    /// The operation was accepted although the final graph violates these rules.
    WronglyAccepted(Kinds),
    /// The operation was accepted, but the result is not a sound state; with the edge whose pair is wrong, if that is
    /// the reason.
    Unsound(Sight, Option<EdgeId>),
    /// The operation was accepted, but leads to another state.
    Otherwise(ChangedPart),
}

/// A fault, and where it was met.
#[derive(Debug)]
pub(super) struct Met<'a> {
    pub before: &'a Small,
    pub op: &'a Op,
    pub fault: Fault,
    /// The point that was made to fail.
    pub point: Option<Point>,
    /// The nodes as it left them.
    pub after: [Node; 6],
    /// The right outcome.
    pub right: &'a Outcome<6, 10>,
}

impl Met<'_> {
    /// Returns whether a node was granted what it should have been, if the operation should have been accepted.
    pub fn granted_rightly(&self, node: NodeId) -> bool {
        match self.right {
            Outcome::Done { next, .. } => {
                next.nodes[usize::from(node.0)].granted == self.after[usize::from(node.0)].granted
            }
            _ => true,
        }
    }
}

/// The meaning of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// A defect of the catalogue.
    Defect(Defect),
    /// The machine is right to differ.
    Exception(Exception),
    /// The cause is not known, which fails the run.
    Unexplained,
}

/// Where a machine is right to differ from `atomic`, because another rule held or the caller was responsible.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Exception {
    /// The caller was responsible for names, slots, roles and kinds; the algorithm was not asked (V2).
    Contract,
    /// Every user had to share write-unchanged; an assertion excluded others.
    SharesUnchanged,
    /// Drop-intermediate changed one overlay, and left the node's other parents in place (S6).
    OneOverlay,
    /// A driver was asked although nothing changes for it, and could refuse (V5.2).
    AskedInVain,
    /// A driver was asked again in the same operation, and could give another answer (V5.2).
    AskedTwice,
}

impl Exception {
    /// All exceptions.
    pub const ALL: [Exception; 5] = [
        Exception::Contract,
        Exception::SharesUnchanged,
        Exception::OneOverlay,
        Exception::AskedInVain,
        Exception::AskedTwice,
    ];

    /// Returns why the machine may differ.
    pub const fn reason(self) -> &'static str {
        match self {
            Exception::Contract => "names, slots, roles and kinds were the caller's to look at",
            Exception::SharesUnchanged => "every parent had to share write-unchanged",
            Exception::OneOverlay => "drop-intermediate changed one overlay only",
            Exception::AskedInVain => "drivers were asked although nothing changed for them",
            Exception::AskedTwice => "drivers were asked more than once in an operation",
        }
    }
}
