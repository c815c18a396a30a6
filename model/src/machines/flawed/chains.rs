//! Chains: H33a to H33d, with their own walk, and N47.

use super::case::{Case, Observed};
use crate::machines::Defect;
use crate::menu::Small;
use crate::op::{NodeId, Op, Role};
use crate::state::Node;

/// O15 and O16, edge by edge: an edge is frozen as soon as it is reached, and everything is taken back at the first
/// edge that cannot be frozen.
pub(super) fn frozen(case: &Case<'_>, flaw: Option<Defect>) -> Observed {
    let (top, base, freeze) = match case.op {
        Op::Freeze { top, base } => (top, base, true),
        Op::Thaw { top, base } => (top, base, false),
        _ => return case.correct.clone(),
    };
    let mut state = *case.before;
    let there = |node: NodeId| state.node(node).is_some();
    let ends = there(top) && base.is_none_or(there);
    let Some(edges) = walk(&state, top, base, flaw).filter(|_| ends) else {
        return Observed::refused(case.before);
    };
    if !freeze {
        // Thawing cannot fail half-way.
        if edges.iter().any(|&edge| !state.edges()[edge].frozen) {
            return Observed::refused(case.before);
        }
        edges.iter().for_each(|&edge| state.edge_mut(edge).frozen = false);
        return Observed::at(true, state);
    }
    for (done, &edge) in edges.iter().enumerate() {
        let (child, was) = (state.edges()[edge].child, state.edges()[edge].frozen);
        let never = state.nodes[child.0 as usize].flags.never_freeze && flaw != Some(Defect::H33d);
        if was || never {
            // 17a7c39248: the edge at which it failed belongs to another chain.
            let back = if flaw == Some(Defect::H33c) { done + 1 } else { done };
            for &edge in &edges[..back] {
                state.edge_mut(edge).frozen = false;
            }
            return Observed::at(false, state);
        }
        state.edge_mut(edge).frozen = true;
    }
    Observed::at(true, state)
}

/// Returns the edges of the chain, or `None` if `base` is not in it.
fn walk(state: &Small, top: NodeId, base: Option<NodeId>, flaw: Option<Defect>) -> Option<Vec<usize>> {
    let mut met = [false; super::case::NAMES];
    let mut edges = Vec::new();
    let mut at = top;
    while Some(at) != base {
        if std::mem::replace(&mut met[at.0 as usize], true) {
            return None;
        }
        let Some(edge) = state.chain_edge(at) else {
            let reached = base.is_none() || flaw == Some(Defect::H33a);
            return reached.then_some(edges);
        };
        // 7b99a26600: only edges that lead to a backing image.
        if flaw != Some(Defect::H33b) || state.edges()[edge].role.has(Role::COW) {
            edges.push(edge);
        }
        at = state.edges()[edge].child;
    }
    Some(edges)
}

/// N47: for a reopen, an implicit filter is a child like any other, so naming the child below it counts as a change.
pub(super) fn implicit_seen(case: &Case<'_>, on: bool) -> Observed {
    if !matches!(case.op, Op::Reopen { .. }) || !case.correct.accepted || !on {
        return case.correct.clone();
    }
    let mut seen = *case.before;
    seen.nodes.iter_mut().for_each(|node| node.flags.implicit = false);
    let mut told = Observed::of(&seen, &case.executed(&seen));
    let flags = case.before.nodes.iter().map(|node| node.flags.implicit);
    for (node, implicit) in told.state.nodes.iter_mut().zip(flags) {
        if *node != Node::NONE {
            node.flags.implicit = implicit;
        }
    }
    told
}
