//! Maps a fault of seed 0 to a defect.

use super::reopening::{Reopening, WRITES};
use crate::judge::Outcome;
use crate::machines::Defect;
use crate::machines::algorithm::{ChangedPart, Exception, Fault, Met, Verdict};
use crate::op::{NodeId, Op};
use crate::state::Parent;

pub(super) fn verdict(met: &Met<'_>, reopening: Reopening) -> Verdict {
    use Defect::*;
    use Fault::*;
    if let Op::DropIntermediate { top, .. } = *met.op
        && !matches!(met.fault, Seen(_))
        && !has_one_overlay_only(met, top)
    {
        return Verdict::Exception(Exception::OneOverlay);
    }
    let cyclic = match met.fault {
        Died => true,
        WronglyAccepted(kinds) => kinds.cycle,
        _ => false,
    };
    let defect = match (met.op, met.fault) {
        (_, Seen(WRITES)) if matches!(met.right, Outcome::Done { .. }) => H30,
        (_, Seen(WRITES)) => H16,
        (_, Seen(_)) => H11,
        (Op::SetReadOnly { .. } | Op::Reopen { .. }, _) => return reopened(met, reopening),
        (Op::ReplaceNode { from, to }, _) if cyclic || takes_its_own(met, *from, *to) => H09,
        (Op::Attach { .. } | Op::Append { .. } | Op::SetBacking { .. }, _) if cyclic => H10,
        (_, WronglyAccepted(kinds)) if kinds.conflict => H04,
        (Op::ReplaceNode { .. }, WronglyRefused) => H02,
        (Op::Append { .. }, WronglyRefused) => H03,
        (Op::DropFilter { .. }, WronglyRefused) => H08,
        (Op::SetBacking { .. }, NotUndone(ChangedPart::Edges)) => H07,
        (Op::DropIntermediate { .. }, NotUndone(ChangedPart::Edges)) => H15,
        (Op::SetUser { .. } | Op::AttachUser { .. } | Op::SetOption { .. } | Op::Attach { .. }, WronglyRefused) => H01,
        (Op::SetBacking { .. } | Op::DropIntermediate { .. }, WronglyRefused) => N01,
        (Op::ReplaceNode { .. } | Op::DropFilter { .. } | Op::Append { .. }, Otherwise(_) | Unsound(..)) => {
            let widened = target(met).is_some_and(|to| !met.granted_rightly(to));
            if widened { N02 } else { H02b }
        }
        (
            Op::DetachUser { .. } | Op::Detach { .. } | Op::Release { .. },
            Otherwise(ChangedPart::Nodes) | Unsound(..),
        )
        | (Op::SetBacking { .. } | Op::DropIntermediate { .. }, Otherwise(ChangedPart::Nodes) | Unsound(..))
        | (Op::Append { .. }, NotUndone(ChangedPart::Nodes)) => N01,
        _ => return Verdict::Unexplained,
    };
    Verdict::Defect(defect)
}

/// Returns whether `to` reaches an edge to `from` that must not move, of which only some were left.
fn takes_its_own(met: &Met<'_>, from: NodeId, to: NodeId) -> bool {
    let below = met.before.reach(to);
    let above = |i: usize| met.before.edges()[i].parent;
    met.before.parents(from).any(|i| matches!(above(i), Parent::Node(parent) if below[usize::from(parent.0)]))
}

/// Returns the node to which replace-node moves the parents.
fn target(met: &Met<'_>) -> Option<NodeId> {
    match *met.op {
        Op::ReplaceNode { to, .. } => Some(to),
        Op::Append { new, .. } => Some(new),
        Op::DropFilter { filter } => met.before.chain_edge(filter).map(|edge| met.before.edges()[edge].child),
        _ => None,
    }
}

/// Returns whether the node has one parent whose chain follows the edge. Only then the operation is the same in both.
fn has_one_overlay_only(met: &Met<'_>, top: NodeId) -> bool {
    let mut parents = met.before.parents(top);
    let (Some(edge), None) = (parents.next(), parents.next()) else { return false };
    match met.before.edges()[edge].parent {
        Parent::Node(parent) => met.before.chain_edge(parent) == Some(edge),
        Parent::User(_) => false,
    }
}

/// H16: permissions are not checked. H17: they are checked on the graph before the change.
fn reopened(met: &Met<'_>, reopening: Reopening) -> Verdict {
    use Fault::*;
    match (reopening, met.fault) {
        (Reopening::Blind, Unsound(..) | WronglyAccepted(_) | Otherwise(_)) => Verdict::Defect(Defect::H16),
        (Reopening::Early, Unsound(..) | WronglyAccepted(_) | WronglyRefused | Died) => Verdict::Defect(Defect::H17),
        (Reopening::Early, Otherwise(ChangedPart::Nodes)) => Verdict::Defect(Defect::N01),
        _ => Verdict::Unexplained,
    }
}
