//! Rollbacks that do not restore the state before: N41, N42.

use super::case::{Case, Observed};
use crate::judge::{Outcome, execute};
use crate::menu::Small;
use crate::op::{Hook, Op};
use crate::state::Edge;

/// N41: the edges that a refused operation has moved go back one by one, each to its old place or to the heads of its
/// lists.
pub(super) fn at_the_head(case: &Case<'_>, on: bool) -> Observed {
    let (Outcome::Violates { graph, .. }, Op::ReplaceUserChild { .. } | Op::ReplaceNode { .. }) =
        (case.outcome, case.op)
    else {
        return case.correct.clone();
    };
    let mut state = *graph;
    let stays = |edge: &&Edge| graph.edge_index(edge.id()).is_some_and(|i| graph.edges()[i].child == edge.child);
    let mut moved: Vec<&Edge> = case.before.edges().iter().filter(|edge| !stays(edge)).collect();
    // The edge that moved last comes back first. To give each edge its old place, the first place must be filled first.
    moved.sort_by_key(|edge| edge.rank);
    if on {
        moved.reverse();
    }
    for edge in moved {
        if let Some(index) = state.edge_index(edge.id()) {
            state.remove(index);
            state.insert(*edge);
            if !on {
                lower(&mut state, edge);
            }
        }
    }
    Observed::at(false, state)
}

/// Moves an edge from the head of its child's parents list to its old place.
fn lower(state: &mut Small, edge: &Edge) {
    for index in 0..state.edges().len() {
        let other = state.edge_mut(index);
        if other.id() == edge.id() {
            other.rank = edge.rank;
        } else if other.child == edge.child && other.rank <= edge.rank {
            other.rank -= 1;
        }
    }
}

/// N42: the names are written one after another, and when one is refused those already written stay.
pub(super) fn names_stay(case: &Case<'_>, on: bool) -> Observed {
    let mut told = case.correct.clone();
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
