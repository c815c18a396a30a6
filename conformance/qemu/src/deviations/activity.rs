//! Deviations about active and inactive nodes.

use crate::compare::case::Case;
use crate::compare::shown_graph::{self, ShownGraph, ShownNode, is, with_activity};
use crate::deviations::rule::{Explained, Rule};
use crate::state::jobs::job_act;
use crate::state::queries::{has_job, is_inactive, named_nodes, reach_of};
use crate::wire::errors::ErrorClass;
use crate::wire::names;
use blockgraph_model::step::Work;
use blockgraph_model::{
    Act, Kind, NodeId, Op, Outcome, Pair, Parent, Perms, State, StepError, UserId, Violation, execute,
};
use std::collections::BTreeMap;

/// QEMU gave no answer.
pub(super) fn lost<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Inactivate { node }] = case.ops else { return None };
    (case.has_died() && case.before.node(*node).is_some() && two_ways(case.before, *node))
        .then_some(Rule::DoubleEdge)?
        .ends()
}

/// Returns whether two edges lead to one node from nodes that would become inactive with this one.
fn two_ways<const N: usize, const E: usize>(state: &State<N, E>, node: NodeId) -> bool {
    let below = state.reach(node);
    let from = |parent| matches!(parent, Parent::Node(parent) if below[usize::from(parent.0)]);
    state.names().any(|id| state.parents(id).filter(|i| from(state.edges()[*i].parent)).count() > 1)
}

/// QEMU has inactivated, and more than the model would.
pub(super) fn done<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Inactivate { node }] = case.ops else { return None };
    if users_lost_permissions(case) {
        return Rule::UserRobbed.ends();
    }
    // The node has the wanted activity already, and QEMU does not look below it.
    if is_inactive(case.before, *node) && case.shows(case.before) {
        return Rule::HalfActive.then(*case.before);
    }
    if let Outcome::Violates { graph, .. } = case.outcome {
        let needed = |v: &Violation| matches!(v, Violation::InactiveNode { .. });
        let as_seen = case.shows(graph) || case.shown.is_some_and(|shown| jobs_keep(shown, graph));
        return (case.outcome.violations().iter().all(needed) && as_seen).then_some(Rule::Unjudged)?.ends();
    }
    job_inactivated(case, *node).then_some(Rule::JobInactivated)?.ends()
}

/// Returns whether a node that a job uses became inactive with everything below it, and the rest is as in the model.
/// The job's users keep what they need and share, and so do the edges below them.
fn job_inactivated<const N: usize, const E: usize>(case: &Case<'_, N, E>, node: NodeId) -> bool {
    let of_job = |user: UserId| case.before.edges().iter().any(|e| e.parent == Parent::User(user) && e.user_flags.stay);
    let is_so = match case.outcome {
        Outcome::Failed { error: StepError::UserActive { user }, .. } => of_job(*user),
        Outcome::Done { .. } => true,
        _ => false,
    };
    let (Some(shown), true) = (case.shown, is_so) else { return false };
    let Some(state) = with_activity(shown, case.before) else { return false };
    let below = state.reach(node);
    let changed = |id: NodeId| is_inactive(&state, id) != is_inactive(case.before, id);
    state.names().all(|id| !changed(id) || below[usize::from(id.0)] && is_inactive(&state, id))
        && jobs_keep(shown, &state)
}

/// Returns whether the graph is this one, except that users of jobs on inactive nodes keep what they need and share.
/// There is at least one such user.
fn jobs_keep<const N: usize, const E: usize>(shown: &ShownGraph, state: &State<N, E>) -> bool {
    let known = reach_of(state, state.names().filter(|id| is_inactive(state, *id) && has_job(state, *id)));
    known.contains(&true)
        && shown.differs_only_in_permissions(&shown_graph::expected(state), |id| known[usize::from(id)])
}

/// QEMU has refused after doing a part, or refuses at another time.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let qemu_error = case.qemu_error?;
    match *case.ops {
        [Op::Activate { .. }, Op::AttachUser { .. }] if case.done().is_none() => {
            if let Outcome::Done { next, .. } = execute(case.before, &case.ops[..1], &[])
                && case.shows(&next)
            {
                return Rule::ActivateStays.then(next);
            }
            half(case).or_else(|| half_pairs(case))
        }
        [Op::Activate { .. }, ..] => half(case).or_else(|| half_pairs(case)),
        [Op::Inactivate { .. }] if users_lost_permissions(case) => Rule::UserRobbed.ends(),
        [Op::Inactivate { .. }] => half(case),
        [Op::AttachUser { node, .. }] => {
            let sealed = is_inactive(case.before, node) && case.before.node(node)?.flags.read_only;
            (sealed && qemu_error.class == ErrorClass::ReadOnly && case.shows(case.before))
                .then_some(Rule::ExportSealed)?
                .then(*case.before)
        }
        [op] if job_act(&op) == Some(Act::Start) => {
            let about = named_nodes(case.ops).into_iter().any(|id| is_inactive(case.before, id));
            (about && qemu_error.class == ErrorClass::Inactive && case.shows(case.before))
                .then_some(Rule::JobInactive)?
                .then(*case.before)
        }
        _ => None,
    }
}

/// Both refuse, but some of the nodes below have changed in QEMU.
fn half<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let (Op::Activate { node } | Op::Inactivate { node }) = *case.ops.first()? else { return None };
    let to_inactive = matches!(case.ops, [Op::Inactivate { .. }]);
    let state = with_activity(case.shown?, case.before)?;
    let below = case.before.node(node).map(|_| case.before.reach(node))?;
    let changed = |id: &NodeId| is_inactive(&state, *id) != is_inactive(case.before, *id);
    let covered = |id: NodeId| below[usize::from(id.0)] && is_inactive(&state, id) == to_inactive;
    if !state.names().any(|id| changed(&id)) || !state.names().filter(changed).all(covered) {
        return None;
    }
    match case.done() {
        None if case.shows(&state) => Rule::HalfActive.then(state),
        None if to_inactive && jobs_keep(case.shown?, &state) => Rule::HalfActive.ends(),
        Some(next) if to_inactive && case.shows(&state) => {
            below_preallocate(&state, next).then_some(Rule::Preallocated)?.then(state)
        }
        _ => None,
    }
}

/// Returns whether some node is active only because it is below a preallocate node, which still needs to write to it
/// while it becomes inactive. QEMU stops there, and does not reach any other child.
fn below_preallocate<const N: usize, const E: usize>(state: &State<N, E>, next: &State<N, E>) -> bool {
    let ahead = state.names().filter(|id| state.node(*id).and_then(|n| n.kind) == Some(Kind::Preallocate));
    let kept = reach_of(state, ahead.filter(|id| is_inactive(state, *id)));
    let mut active = state.names().filter(|id| is_inactive(state, *id) != is_inactive(next, *id));
    active.any(|id| kept[usize::from(id.0)])
}

/// Both refuse, but in QEMU edges below keep what they would need and share if everything were active.
fn half_pairs<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let Op::Activate { node } = *case.ops.first()? else { return None };
    let (shown, below) = (case.shown?, case.before.node(node).map(|_| case.before.reach(node))?);
    let now = with_activity(shown, case.before)?;
    let mut active = now;
    for id in now.names().filter(|id| below[usize::from(id.0)]) {
        active.nodes[usize::from(id.0)].flags.inactive = false;
    }
    let (most, least) = (shown_graph::expected(&active), shown_graph::expected(&now));
    let between = |id: &u8, edges: &ShownNode| {
        let of = |shown: &ShownGraph, name: &String| shown.nodes.get(id).and_then(|node| node.edges.get(name).copied());
        edges.edges.iter().all(|(name, (_, need, share))| match (of(&most, name), of(&least, name)) {
            (Some((_, need_most, share_least)), Some((_, need_least, share_most))) => {
                need & !(need_most | need_least) == 0 && (share_least & share_most) & !share == 0
            }
            _ => false,
        })
    };
    let is_so = shown.nodes.iter().all(|(id, node)| !below[usize::from(*id)] || between(id, node))
        && shown.differs_only_in_permissions(&least, |id| below[usize::from(id)]);
    (is_so && case.done().is_none()).then_some(Rule::HalfPairs)?.ends()
}

/// Returns whether the graph is the one before, except for the activity of nodes, and for users that have no
/// permissions any more.
fn users_lost_permissions<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let Some(shown) = case.shown else { return false };
    let Some(state) = with_activity(shown, case.before) else { return false };
    // The users that QEMU has reached are those whose pairs are gone. Among users with the same pair it does not matter
    // which.
    let bits = |set: Perms| set.0 & names::QEMU_BITS.0;
    let each = |(id, node): (&u8, &ShownNode)| Some((*id, node.each.clone()?));
    let mut left: BTreeMap<u8, Vec<(u8, u8)>> = shown.nodes.iter().filter_map(each).collect();
    let mut take = |id: NodeId, pair: Pair| {
        let left = left.get_mut(&id.0)?;
        let place = left.iter().position(|pair_left| *pair_left == (bits(pair.need), bits(pair.share)))?;
        Some(left.swap_remove(place))
    };
    let users = state.edges().iter().filter_map(|edge| match edge.parent {
        Parent::User(user) if take(edge.child, edge.wanted).is_none() => Some(Op::SetUser { user, pair: Pair::FREE }),
        _ => None,
    });
    let users: Vec<Op> = users.collect();
    let mut work = Work::new(&state);
    !users.is_empty() && users.into_iter().all(|op| work.step(op).is_ok()) && is(shown, &work.graph)
}
