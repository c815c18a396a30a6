//! Deviations about nodes in iothreads.

use crate::compare::case::Case;
use crate::deviations::rule::{Explained, Rule};
use crate::state::jobs::job_act;
use crate::state::queries::{connected, named_nodes};
use crate::wire::errors::ErrorClass;
use blockgraph_model::{Below, Context, Edge, Kind, NodeId, Op, Outcome, Violation};

/// QEMU gave no answer.
pub(super) fn lost<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let in_thread = |id: NodeId| case.memory.contexts.may_be_in_thread(case.before, id);
    match *case.ops {
        [Op::Open { layer, file: Some(Below { node, opened: None }), .. }] if in_thread(node) => {
            // A throttle node has not joined its group when its file asks it to move; an image is read while its file
            // moves.
            let dies = case.has_died() && layer.kind == Kind::Filter;
            let hangs = case.hangs() && layer.kind == Kind::Format;
            (dies || hangs).then_some(Rule::ThreadOpen)?.ends()
        }
        [op] if job_act(&op).is_some() => {
            named_nodes(case.ops).into_iter().any(in_thread).then_some(Rule::ThreadJob)?.ends()
        }
        _ => None,
    }
}

/// QEMU has done what the contexts forbid: its graph is the one that the model does not accept.
pub(super) fn done<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let (Outcome::Violates { .. }, Some(graph)) = (case.outcome, case.accepted()) else { return None };
    let about_contexts = |v: &Violation| matches!(v, Violation::ContextClash { .. } | Violation::ContextFixed { .. });
    (case.outcome.violations().iter().all(about_contexts) && case.shows(&graph)).then_some(Rule::ThreadFirst)?.ends()
}

/// QEMU has refused what could be settled, or reports another context.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let is_so = case.class() == Some(ErrorClass::Context) && case.shows(case.before) && may_differ(case);
    is_so.then_some(Rule::ThreadFirst)?.then(*case.before)
}

/// Returns whether the turn joins nodes in different contexts, or moves some, while a user that cannot move stands
/// above a node connected with them. QEMU asks from edge to edge and ends at the first one that does not follow; C2
/// looks at all of them together.
fn may_differ<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let (state, ops) = (case.before, case.ops);
    let named: Vec<NodeId> = named_nodes(ops).into_iter().filter(|id| state.node(*id).is_some()).collect();
    let is_elsewhere = |id: NodeId, to: Context| {
        state.node(id).is_some_and(|node| node.context != to || case.memory.contexts.may_be_elsewhere(state, id))
    };
    let moves = match *ops {
        [Op::MoveContext { node, to }] => is_elsewhere(node, to),
        // An export may want an iothread of its own.
        [.., Op::AttachUser { node, context: Some(to), .. }] => is_elsewhere(node, to),
        // A new node, or a job's filter, is in the main context when it gets its children.
        _ => named.iter().any(|id| case.memory.contexts.may_be_in_thread(state, *id)),
    };
    let joined: Vec<NodeId> = named.iter().flat_map(|id| connected(state, *id)).collect();
    // The users of a commit cannot move.
    let of_commit = |id: NodeId| state.node(id).is_some_and(|node| node.kind == Some(Kind::CommitTop));
    let stays = |edge: &Edge| edge.user_flags.fixed || edge.user_flags.stay && of_commit(edge.child);
    moves && state.edges().iter().any(|edge| stays(edge) && joined.contains(&edge.child))
}
