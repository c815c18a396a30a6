//! Deviations about snapshots.

use crate::commands::of_operations;
use crate::compare::case::Case;
use crate::compare::shown_graph::{self, with_activity};
use crate::deviations::rule::{Explained, Rule};
use crate::state::queries::{has_job, is_inactive, reach_of, with_overlays};
use crate::state::reopen_queue;
use crate::wire::errors::ErrorClass;
use crate::wire::names;
use blockgraph_model::perm::{R, U, W};
use blockgraph_model::step::Work;
use blockgraph_model::{
    Edge, NodeId, Op, Outcome, Parent, Perms, State, StepError, UserId, Violation, derived, execute, judge,
};

/// QEMU has died.
pub(super) fn lost<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let twice =
        |(i, op): (usize, &Op)| overlay(op).is_some() && case.ops[..i].iter().any(|o| overlay(o) == overlay(op));
    if !case.has_died() || case.done().is_some() || !undo_fails(case) {
        return None;
    }
    if case.ops.iter().enumerate().any(twice) { Rule::OverlayTwice.ends() } else { Rule::AbortMoves.ends() }
}

/// Returns the overlay of a snapshot.
pub(super) fn overlay(op: &Op) -> Option<NodeId> {
    if let Op::Snapshot { overlay, .. } = *op { Some(overlay) } else { None }
}

/// Returns whether QEMU's rollback of some of the snapshots can be refused, which QEMU does not expect. It moves all
/// parents of each overlay to the node below, the last overlay first.
fn undo_fails<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    (1..=case.ops.len()).filter(|count| with_overlays(case.before, &case.ops[..*count]).is_some()).any(|count| {
        let mut work = Work::new(case.before);
        case.ops[..count].iter().rev().any(|op| {
            let Op::Snapshot { node, overlay } = *op else { return false };
            work.step(Op::ReplaceNode { from: overlay, to: node }).is_err()
                || !judge::violations(&work.graph).is_empty()
        })
    })
}

/// QEMU has done it.
pub(super) fn done<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Snapshot { .. }, ..] = case.ops else { return None };
    if let Some(next) = case.done() {
        let sealed = sealed(case, next)?;
        return if case.shows(&sealed) {
            Rule::Sealed.then(sealed)
        } else {
            keeps_user(case, &sealed).then_some(Rule::KeptUser)?.ends()
        };
    }
    let followed = followed(case);
    if let Some(Outcome::Done { next, .. }) = &followed
        && let Some(state) = sealed(case, next)
    {
        if case.shows(&state) {
            return Rule::OverlayFollows.then(state);
        }
        if keeps_user(case, &state) {
            return Rule::OverlayFollows.ends();
        }
    }
    if followed.iter().chain([case.outcome]).any(|outcome| is_over_inactive(case, outcome)) {
        return Rule::OverInactive.ends();
    }
    match case.outcome {
        Outcome::Failed { error: StepError::HasUser { node, .. }, .. } => unread(case, *node),
        _ => None,
    }
}

/// Returns whether a snapshot ignores this violation. Active nodes may come to stand above inactive ones, and may need
/// anything of them except to write.
pub(super) fn is_overlooked<const N: usize, const E: usize>(graph: &State<N, E>, violation: &Violation) -> bool {
    let writes = |id: NodeId| derived::derive(graph).is_none_or(|all| all.nodes[usize::from(id.0)].need.meets(W | U));
    match *violation {
        Violation::InactiveChild { .. } => true,
        Violation::InactiveNode { node } => !writes(node),
        _ => false,
    }
}

/// Returns whether the graph is the one of a refused outcome whose violations a snapshot ignores.
fn is_over_inactive<const N: usize, const E: usize>(case: &Case<'_, N, E>, outcome: &Outcome<N, E>) -> bool {
    let Outcome::Violates { graph, .. } = outcome else { return false };
    outcome.violations().iter().all(|violation| is_overlooked(graph, violation))
        && sealed(case, graph).is_some_and(|sealed| case.shows(&sealed) || keeps_user(case, &sealed))
}

/// Returns the model's outcome if the overlays of inactive nodes are made inactive first, or `None` if there are none.
fn followed<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Outcome<N, E>> {
    let (mut work, mut ops) = (Work::new(case.before), Vec::new());
    for op in case.ops {
        // What is below the overlay becomes inactive as well, and may be overlaid next.
        if let Op::Snapshot { node, overlay } = *op
            && is_inactive(&work.graph, node)
        {
            let first = Op::Inactivate { node: overlay };
            work.step(first).ok()?;
            ops.push(first);
        }
        work.step(*op).ok()?;
        ops.push(*op);
    }
    (ops.len() > case.ops.len()).then(|| execute(case.before, &ops, &[]))
}

/// An overlay that has a user which does not read it: the graph is as if it had none.
fn unread<const N: usize, const E: usize>(case: &Case<'_, N, E>, overlay: NodeId) -> Option<Explained<N, E>> {
    let derived = derived::derive(case.before)?;
    let is_overlay = case.ops.iter().any(|op| matches!(*op, Op::Snapshot { overlay: other, .. } if other == overlay));
    let read = derived.nodes[usize::from(overlay.0)].need.meets(R);
    let graph = with_overlays(case.before, case.ops)?;
    (is_overlay && !read && case.shown?.same_shape(&shown_graph::expected(&graph))).then_some(Rule::OverlayRead)?.ends()
}

/// Returns the state after the snapshots, with those of their nodes read-only that QEMU shows as read-only. QEMU
/// reopens each of them together with the nodes that inherit from it, if that is possible.
pub(super) fn sealed<const N: usize, const E: usize>(
    case: &Case<'_, N, E>,
    after: &State<N, E>,
) -> Option<State<N, E>> {
    let (shown, mut state) = (case.shown?, *after);
    for op in case.ops {
        let Op::Snapshot { node, .. } = *op else { return None };
        if !state.node(node).and_then(|node| node.kind).is_some_and(of_operations::reopens) {
            continue;
        }
        let places = reopen_queue::sealed(&state, &case.memory.options, node);
        let sealed = reopen_queue::after(&places, &state);
        let is_so = |id: NodeId| {
            let flags = shown.nodes.get(&id.0).and_then(|node| node.flags.as_ref());
            let ours = sealed.nodes[usize::from(id.0)].flags;
            flags.is_some_and(|flags| (flags.1, flags.2) == (ours.read_only, !ours.inactive))
        };
        if places.iter().all(|place| is_so(place.node())) {
            state = sealed;
        }
    }
    Some(state)
}

/// Returns whether the graph is this one, except that users moved to an inactive overlay, or users of a node that the
/// following reopen makes inactive (D39), have what they want, and the edges below follow.
fn keeps_user<const N: usize, const E: usize>(case: &Case<'_, N, E>, graph: &State<N, E>) -> bool {
    let made_inactive = graph.names().filter(|id| is_inactive(graph, *id) && !is_inactive(case.before, *id));
    keeps_users(case, graph, case.ops.iter().filter_map(overlay).chain(made_inactive))
}

/// Returns whether the graph is this one, except that users of some of these nodes, which are inactive, have what they
/// want, and the edges below follow.
pub(super) fn keeps_users<const N: usize, const E: usize>(
    case: &Case<'_, N, E>,
    graph: &State<N, E>,
    nodes: impl IntoIterator<Item = NodeId>,
) -> bool {
    let keeps = |id: &NodeId| {
        let wanted = graph.parents(*id).map(|i| &graph.edges()[i]).filter(|e| matches!(e.parent, Parent::User(_)));
        let (need, share) =
            wanted.fold((Perms(0), names::QEMU_BITS), |all, e| (all.0 | e.wanted.need, all.1 & e.wanted.share));
        let bits = (need.0 & names::QEMU_BITS.0, share.0 & names::QEMU_BITS.0);
        let shown = case.shown.and_then(|shown| shown.nodes.get(&id.0)).and_then(|node| node.users);
        is_inactive(graph, *id) && shown == Some(bits)
    };
    let kept: Vec<NodeId> = nodes.into_iter().filter(keeps).collect();
    let reached = reach_of(graph, kept.iter().copied());
    !kept.is_empty()
        && case.shown.is_some_and(|shown| {
            shown.differs_only_in_permissions(&shown_graph::expected(graph), |id| reached[usize::from(id)])
        })
}

/// QEMU has refused without undoing everything, or because of what its users want of an inactive overlay.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Snapshot { .. }, ..] = case.ops else { return None };
    if case.shows(case.before) {
        if case.class() == Some(ErrorClass::ReadOnly) && writes_on_inactive(case) {
            return Rule::KeptUser.then(*case.before);
        }
        // Its overlay cannot be made inactive, which QEMU tries before anything else.
        let tried = |op: &Op| match *op {
            Op::Snapshot { node, overlay } => is_inactive(case.before, node) && !is_inactive(case.before, overlay),
            _ => false,
        };
        let is_so = case.class() == Some(ErrorClass::Inactive) && case.done().is_none() && case.ops.iter().any(tried);
        return is_so.then_some(Rule::OverlayFollows)?.then(*case.before);
    }
    let (shown, refused) = (case.shown?, case.done().is_none());
    if let Some(state) = with_activity(shown, case.before)
        && refused
        && case.shows(&state)
    {
        // What is below an overlay of an inactive node becomes inactive with it, and so does what is below an overlay
        // of that.
        let first =
            case.ops.iter().any(|op| matches!(*op, Op::Snapshot { node, .. } if is_inactive(case.before, node)));
        let below = |id: NodeId| {
            let of = |overlay| state.node(overlay).is_some() && state.reach(overlay)[usize::from(id.0)];
            let takes = |node, overlay| first && is_inactive(&state, node) && of(overlay);
            case.ops.iter().any(|op| matches!(*op, Op::Snapshot { node, overlay } if takes(node, overlay)))
        };
        let changed = |id: &NodeId| is_inactive(&state, *id) != is_inactive(case.before, *id);
        let is_so = state.names().filter(changed).all(|id| below(id) && is_inactive(&state, id));
        return is_so.then_some(Rule::AbortInactive)?.then(state);
    }
    aborted_moves(case).then_some(Rule::AbortMoves)?.ends()
}

/// Returns whether a user that needs to write comes to stand on an inactive node, in a graph to which one of the
/// snapshots leads.
fn writes_on_inactive<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    (1..=case.ops.len()).any(|count| {
        let [.., Op::Snapshot { overlay, .. }] = case.ops[..count] else { return false };
        let Some(graph) = with_overlays(case.before, &case.ops[..count]) else { return false };
        is_inactive(case.before, overlay) && wants_to_write(&graph, overlay)
    })
}

/// Returns whether a user of the node needs to write.
pub(super) fn wants_to_write<const N: usize, const E: usize>(graph: &State<N, E>, node: NodeId) -> bool {
    let writes = |edge: &Edge| matches!(edge.parent, Parent::User(_)) && edge.wanted.need.meets(W | U);
    graph.parents(node).any(|i| writes(&graph.edges()[i]))
}

/// Returns whether the graph is not the one before, but the one in which the parents of the overlays have moved to the
/// nodes below. QEMU has more users of a job than the model, and some of them move and some do not.
fn aborted_moves<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let Some(shown) = case.shown else { return false };
    if shown.same_shape(&shown_graph::expected(case.before)) {
        return false;
    }
    (1..=case.ops.len()).any(|count| {
        let mut work = Work::new(case.before);
        let mut about_jobs = Vec::new();
        let back = case.ops[..count].iter().rev().all(|op| match *op {
            Op::Snapshot { node, overlay } => {
                if has_job(&work.graph, overlay) {
                    about_jobs.extend([node.0, overlay.0]);
                    leave(&mut work, overlay);
                }
                work.step(Op::ReplaceNode { from: overlay, to: node }).is_ok()
            }
            _ => true,
        });
        let mut expected = shown_graph::expected(&work.graph);
        for (id, node) in expected.nodes.iter_mut().filter(|(id, _)| about_jobs.contains(id)) {
            node.users = shown.nodes.get(id).and_then(|node| node.users);
        }
        back && shown.same_shape(&expected)
    })
}

/// Detaches the users of jobs from a node.
fn leave<const N: usize, const E: usize>(work: &mut Work<'_, N, E>, node: NodeId) {
    let of_job = |edge: &Edge| match edge.parent {
        Parent::User(user) if edge.user_flags.stay && edge.child == node => Some(user),
        _ => None,
    };
    let users: Vec<UserId> = work.graph.edges().iter().filter_map(of_job).collect();
    // A user that is not detached shows as a difference.
    users.into_iter().for_each(|user| _ = work.step(Op::DetachUser { user }));
}
