//! Data that outlive their owner (N43, N44), and data that do not come from their owner (N53).

use super::case::{Case, NAMES, Observed};
use crate::judge::Outcome;
use crate::menu::Small;
use crate::op::{EdgeId, NodeId, Op, OpKinds, Role};
use crate::state::{Edge, Parent};

/// N43: when a node is closed, only the nodes below it forget it.
pub(super) fn pointers_stay(case: &Case<'_>, on: bool) -> Observed {
    let Outcome::Done { closed, .. } = case.outcome else {
        return case.correct.clone();
    };
    let mut told = case.correct.clone();
    for (x, heir) in told.state.nodes.iter_mut().enumerate().filter(|(_, heir)| heir.kind.is_some()) {
        let was = case.before.nodes[x].inherits;
        let forgotten = |i: &crate::state::Inherits| {
            let below = case.before.children(i.from).any(|e| usize::from(e.child.0) == x);
            !on || below || !closed.contains(&i.from)
        };
        heir.inherits = heir.inherits.or(was.filter(|i| !forgotten(i)));
    }
    told
}

/// N44: blockers are in a list of each node, which is updated as edges come and go. A user that goes leaves its
/// blockers there.
pub(super) fn blockers_stay(case: &Case<'_>, on: bool) -> Observed {
    let mut told = case.correct.clone();
    let list = |state: &Small| -> Vec<(EdgeId, NodeId, OpKinds)> {
        state.edges().iter().map(|e| (e.id(), e.child, super::case::blocks(e))).collect()
    };
    let (was, is) = (list(case.before), list(&told.state));
    let mut blockers = was.clone();
    for new in is.iter().filter(|new| !was.contains(new)) {
        blockers.push(*new);
    }
    let unblocks = matches!(case.op, Op::Unblock { .. });
    blockers.retain(|old| is.contains(old) || on && !unblocks && matches!(old.0, EdgeId::User(_)));
    told.kept.blocked = [OpKinds::NONE; NAMES];
    for (_, node, kinds) in blockers {
        told.kept.blocked[node.0 as usize].0 |= kinds.0;
    }
    told
}

/// N53: a node that gets a backing image stores that image's name.
pub(super) fn name_renewed(case: &Case<'_>, on: bool) -> Observed {
    let mut told = case.correct.clone();
    let known = |edge: &Edge| case.before.edges().iter().any(|e| (e.id(), e.child) == (edge.id(), edge.child));
    for edge in case.correct.state.edges().iter().filter(|e| on && e.role.has(Role::COW) && !known(e)) {
        if let Parent::Node(parent) = edge.parent {
            told.state.nodes[parent.0 as usize].stored = Some(edge.child);
        }
    }
    told
}
