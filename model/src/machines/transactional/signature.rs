//! Maps a fault of seed 1 to a defect.

use crate::judge::Outcome;
use crate::machines::Defect;
use crate::machines::algorithm::{ChangedPart, Exception, Fault, Met, Point, Verdict};
use crate::op::{Hook, Op};

pub(super) fn verdict(met: &Met<'_>) -> Verdict {
    use Defect::*;
    use Fault::*;
    let cyclic = match met.fault {
        WronglyAccepted(kinds) => kinds.cycle,
        _ => false,
    };
    let defect = match (met.op, met.fault) {
        (_, Seen(_)) => H11,
        (_, WronglyAccepted(_)) if cyclic => H10,
        (Op::Append { new, top, .. }, WronglyAccepted(_)) if new == top => H10,
        (Op::DropIntermediate { .. }, NotUndone(_)) if is_rename(met) => H15,
        (_, NotUndone(ChangedPart::Lists)) => N41,
        (_, _) if matches!(met.point, Some(Point::Again(_))) => return Verdict::Exception(Exception::AskedTwice),
        (op, Otherwise(ChangedPart::Nodes)) if only_contexts(met) => elsewhere(op),
        (_, _) if is_check(met) => return refused(met),
        (Op::DropFilter { .. }, Otherwise(ChangedPart::Edges)) => H08b,
        (Op::SetBacking { .. }, Otherwise(ChangedPart::Nodes) | Unsound(..) | WronglyRefused) => N11,
        (Op::ReplaceNode { .. } | Op::DropIntermediate { .. }, Died) => N12,
        (Op::Reopen { .. }, WronglyRefused) => H62,
        _ => return Verdict::Unexplained,
    };
    Verdict::Defect(defect)
}

fn is_rename(met: &Met<'_>) -> bool {
    matches!(met.point, Some(Point::Hook(_, Hook::Rename)))
}

fn is_check(met: &Met<'_>) -> bool {
    matches!(met.point, Some(Point::Hook(_, Hook::Check)))
}

/// A driver refused: a loosening, which must not fail (V7), or nothing changed for it.
fn refused(met: &Met<'_>) -> Verdict {
    let (Some(Point::Hook(node, _)), Outcome::Done { plan, .. }) = (met.point, met.right) else {
        return Verdict::Unexplained;
    };
    let changes = plan.check.iter().any(|(asked, _)| *asked == node);
    match (met.op, met.fault) {
        (_, _) if !changes => Verdict::Exception(Exception::AskedInVain),
        (_, Fault::WronglyRefused) => Verdict::Defect(Defect::N13),
        (Op::SetUser { .. }, Fault::Unsound(..) | Fault::Otherwise(_)) => Verdict::Defect(Defect::N14),
        (_, Fault::Unsound(..) | Fault::Otherwise(ChangedPart::Nodes)) => Verdict::Defect(Defect::N50),
        _ => Verdict::Unexplained,
    }
}

/// A node lives in another context than it should.
fn elsewhere(op: &Op) -> Defect {
    match op {
        Op::DetachUser { .. } | Op::Detach { .. } | Op::Release { .. } => Defect::N49,
        Op::ReplaceNode { .. } => Defect::N16,
        _ => Defect::N15,
    }
}

/// Returns whether the nodes differ only in their contexts.
fn only_contexts(met: &Met<'_>) -> bool {
    let Outcome::Done { next, .. } = met.right else { return false };
    next.nodes.iter().zip(&met.after).all(|(right, after)| {
        let mut moved = *after;
        moved.context = right.context;
        moved == *right
    })
}
