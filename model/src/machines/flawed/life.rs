//! What outlives its owner: N43, N44.

use super::{Case, Told};
use crate::judge::Outcome;
use crate::op::{EdgeId, Op};

/// N43: a node that is closed is forgotten by those below it, and by nobody else.
pub(super) fn pointers_stay(case: &Case<'_>, on: bool) -> Told {
    let Outcome::Done { closed, .. } = case.outcome else {
        return case.honest.clone();
    };
    let mut told = case.honest.clone();
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

/// N44: what a user blocked is on a list of the node, and stays there when the user goes.
pub(super) fn blockers_stay(case: &Case<'_>, on: bool) -> Told {
    let mut told = case.honest.clone();
    if let Op::DetachUser { user } | Op::ReplaceUserChild { user, .. } = case.op
        && let Some(edge) = case.before.edge_index(EdgeId::User(user))
        && told.accepted
        && on
    {
        let edge = &case.before.edges()[edge];
        told.kept.blocked[edge.child.0 as usize].0 |= edge.blocks.0;
    }
    told
}
