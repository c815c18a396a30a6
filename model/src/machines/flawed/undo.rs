//! Ways back that do not lead to where one came from: N41, N42.

use super::{Case, Told};
use crate::judge::{Outcome, execute};
use crate::op::Hook;

/// N41: an edge that is put back is put at the head of its lists.
pub(super) fn at_the_head(case: &Case<'_>, on: bool) -> Told {
    let (Outcome::Violates { graph, .. }, true) = (case.outcome, on) else {
        return case.honest.clone();
    };
    let mut state = *case.before;
    let moved = |edge: &&crate::state::Edge| {
        graph.edge_index(edge.id()).is_none_or(|i| graph.edges()[i].child != edge.child)
    };
    let mut back: Vec<_> = case.before.edges().iter().filter(moved).collect();
    // The last that went comes back first.
    back.sort_by_key(|edge| std::cmp::Reverse(edge.rank));
    for edge in back {
        if let Some(index) = state.edge_index(edge.id()) {
            let edge = state.remove(index);
            state.insert(edge);
        }
    }
    Told::at(false, state)
}

/// N42: the names are written one after another, and when one is refused those that are written stay.
pub(super) fn names_stay(case: &Case<'_>, on: bool) -> Told {
    let mut told = case.honest.clone();
    let Some(by) = case.refusal.filter(|by| by.hook == Hook::Rename && on) else {
        return told;
    };
    if let Outcome::Done { next, plan, .. } = execute(case.before, &[case.op], &[]) {
        for node in plan.rename.iter().take_while(|node| **node != by.node) {
            told.state.nodes[node.0 as usize].stored = next.nodes[node.0 as usize].stored;
        }
    }
    told
}
