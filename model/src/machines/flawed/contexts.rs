//! Contexts: H34, H35, N49, N54.

use super::case::{Case, NAMES, Observed};
use crate::contexts::components;
use crate::judge::Outcome;
use crate::menu::Small;
use crate::op::{Context, EdgeId, NodeId, Op};
use crate::state::Parent;

/// H34: the edge is made, and then one of its sides follows the other; up to 4.0 neither side follows.
pub(super) fn attached(case: &Case<'_>, on: bool) -> Observed {
    let Op::Attach { parent, child, .. } = case.op else {
        return case.correct.clone();
    };
    let Some(mut next) = without_contexts(case) else {
        return Observed::refused(case.before);
    };
    if on || aligned(case.before, &mut next, parent, child) {
        Observed::at(true, next)
    } else {
        Observed::refused(case.before)
    }
}

/// Returns the result of the operation without contexts: every node stays where it was, and new nodes are in the main
/// context.
fn without_contexts(case: &Case<'_>) -> Option<Small> {
    let mut flat = *case.before;
    flat.nodes.iter_mut().for_each(|node| node.context = Context::MAIN);
    for edge in 0..flat.edges().len() {
        flat.edge_mut(edge).user_flags.fixed = false;
    }
    let Outcome::Done { mut next, .. } = case.executed(&flat) else {
        return None;
    };
    for (node, was) in next.nodes.iter_mut().zip(&case.before.nodes) {
        node.context = was.context;
    }
    for edge in case.before.edges() {
        if let Some(index) = next.edge_index(edge.id()) {
            next.edge_mut(index).user_flags = edge.user_flags;
        }
    }
    Some(next)
}

/// N54: a new node is in the main context, and the node on which it is put follows it there.
pub(super) fn inserted(case: &Case<'_>, on: bool) -> Observed {
    let Op::Insert { new, top, .. } = case.op else {
        return case.correct.clone();
    };
    let Some(mut next) = without_contexts(case) else {
        return Observed::refused(case.before);
    };
    let component = components(case.before);
    let below = component.map(|number| number == component[top.0 as usize]);
    if on && !has_fixed(case.before, &below) {
        place(&mut next, &below, Context::MAIN);
    } else {
        next.nodes[new.0 as usize].context = case.before.nodes[top.0 as usize].context;
    }
    Observed::at(true, next)
}

/// Moves the child's side to the parent or, if it must not move, the parent's side to the child (30dd65f307). Returns
/// whether one of them could move.
fn aligned(before: &Small, next: &mut Small, parent: NodeId, child: NodeId) -> bool {
    let home = |node: NodeId| before.nodes[node.0 as usize].context;
    if home(parent) == home(child) {
        return true;
    }
    let component = components(before);
    let side = |of: NodeId| component.map(|number| number == component[of.0 as usize]);
    let placements = [(side(child), home(parent)), (side(parent), home(child))];
    let Some((nodes, to)) = placements.into_iter().find(|(nodes, _)| !has_fixed(before, nodes)) else {
        return false;
    };
    place(next, &nodes, to);
    true
}

/// H35: a node that moves takes along what is below it, and no other node is asked.
pub(super) fn moved(case: &Case<'_>, on: bool) -> Observed {
    let Op::MoveContext { node, to } = case.op else {
        return case.correct.clone();
    };
    if case.before.node(node).is_none() {
        return Observed::refused(case.before);
    }
    let component = components(case.before);
    let whole = component.map(|number| number == component[node.0 as usize]);
    let nodes = if on { case.before.reach(node) } else { whole };
    if case.before.nodes[node.0 as usize].context != to && has_fixed(case.before, &nodes) {
        return Observed::refused(case.before);
    }
    let mut next = *case.before;
    place(&mut next, &nodes, to);
    Observed::at(true, next)
}

/// N49: a node that has lost a parent moves to the main context unless a user is fixed; movable users are taken along.
pub(super) fn dragged(case: &Case<'_>, on: bool) -> Observed {
    let lost = match case.op {
        Op::Detach { parent, name } => case.before.edge_index(EdgeId::Child(parent, name)),
        _ => None,
    };
    let (Some(edge), true) = (lost, case.correct.accepted) else {
        return case.correct.clone();
    };
    let mut next = case.correct.state;
    let child = case.before.edges()[edge].child;
    let component = components(&next);
    let nodes = component.map(|number| number == component[child.0 as usize]);
    let used = next.edges().iter().any(|e| matches!(e.parent, Parent::User(_)) && nodes[e.child.0 as usize]);
    let stays = if on { has_fixed(&next, &nodes) } else { used };
    if !stays {
        place(&mut next, &nodes, Context::MAIN);
    }
    Observed::at(true, next)
}

fn has_fixed(state: &Small, nodes: &[bool; NAMES]) -> bool {
    state.edges().iter().any(|e| e.user_flags.fixed && nodes[e.child.0 as usize])
}

fn place(state: &mut Small, nodes: &[bool; NAMES], to: Context) {
    let there = state.nodes.iter_mut().zip(nodes).filter(|(node, here)| **here && node.kind.is_some());
    there.for_each(|(node, _)| node.context = to);
}
