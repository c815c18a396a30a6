//! Permissions: H14, N45, N46.

use super::case::{Case, Observed};
use crate::judge::{Outcome, execute};
use crate::op::{EdgeId, Hook, Op};
use crate::step::Work;

/// H14: each parent moves and is judged by itself. The first refusal ends the operation, and the parents that have
/// moved stay there.
pub(super) fn one_by_one(case: &Case<'_>, on: bool) -> Observed {
    let (Op::ReplaceNode { from, to }, false) = (case.op, matches!(case.outcome, Outcome::Failed { .. })) else {
        return case.correct.clone();
    };
    let Ok(edges) = Work::new(case.before).movable(from, to) else {
        return Observed::refused(case.before);
    };
    let single = |edge: &EdgeId| match *edge {
        EdgeId::Child(parent, name) => Op::ReplaceChild { parent, name, to },
        EdgeId::User(user) => Op::ReplaceUserChild { user, to },
    };
    let moves: Vec<Op> = edges.iter().map(single).collect();
    if !on {
        return Observed::of(case.before, &execute(case.before, &moves, &[]));
    }
    let mut state = *case.before;
    for step in moves {
        match execute(&state, &[step], &[]) {
            Outcome::Done { next, .. } => state = next,
            _ => return Observed::at(false, state),
        }
    }
    Observed::at(true, state)
}

/// N45: the driver keeps its old grant, and nothing records that.
pub(super) fn not_stale(case: &Case<'_>, on: bool) -> Observed {
    let mut told = case.correct.clone();
    if let (Some(by), Outcome::Done { plan, .. }) = (case.refusal.filter(|by| by.hook == Hook::Check), case.outcome)
        && let Some((_, grant)) = plan.check.iter().find(|(node, _)| *node == by.node)
        && on
    {
        told.state.nodes[by.node.0 as usize].granted = *grant;
    }
    told
}

/// N50: if a driver refuses to give up what it has, the refresh ends, and the nodes below keep more than they need.
pub(super) fn not_asked_below(case: &Case<'_>, on: bool) -> Observed {
    let mut told = case.correct.clone();
    if let (Some(by), Outcome::Done { plan, .. }) =
        (case.refusal.filter(|by| by.hook == Hook::Check && on), case.outcome)
    {
        let below = told.state.reach(by.node);
        for (node, _) in plan.check.iter().filter(|(node, _)| below[node.0 as usize] && *node != by.node) {
            told.state.nodes[node.0 as usize].granted = case.before.nodes[node.0 as usize].granted;
        }
    }
    told
}

/// N46: the driver's rule alone, even if the child is force-share.
pub(super) fn not_widened(case: &Case<'_>, on: bool) -> Observed {
    if !on || matches!(case.op, Op::Add { .. }) {
        return case.correct.clone();
    }
    let mut plain = *case.before;
    plain.nodes.iter_mut().for_each(|node| node.flags.force_share = false);
    let mut told = Observed::of(&plain, &case.executed(&plain));
    for (node, was) in told.state.nodes.iter_mut().zip(&case.before.nodes).filter(|(node, _)| node.kind.is_some()) {
        node.flags.force_share = was.flags.force_share;
    }
    told
}
