//! Deviations about jobs.

use crate::commands::of_operations;
use crate::compare::case::Case;
use crate::compare::difference::{agrees, is_model_error};
use crate::compare::{refusals, shown_graph};
use crate::deviations::rule::{Explained, Rule};
use crate::deviations::snapshots;
use crate::state::jobs::{self, job_act};
use crate::state::queries::{is_inactive, reach_of, without_filters};
use crate::wire::errors::ErrorClass;
use crate::wire::names;
use blockgraph_model::judge::violations;
use blockgraph_model::op::UserFlags;
use blockgraph_model::perm::{ALL, R, Z};
use blockgraph_model::step::Work;
use blockgraph_model::{
    Act, ChildName, Edge, EdgeId, Kind, NodeId, Op, OpKinds, Outcome, Pair, Parent, Perms, State, StepError, UserId,
    Violation, execute,
};

/// QEMU has done it.
pub(super) fn done<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    if leaves_idle(case) {
        return Rule::IdleStays.ends();
    }
    if unblocked(case) {
        return Rule::CommitSets.ends();
    }
    match *case.ops {
        [Op::Mirror { act: Act::Start, job, source: top, target: base, filter }]
            if is_below(case.before, top, base) =>
        {
            let ops = &[Op::CommitActive { act: Act::Start, job, top, base, filter }];
            let outcome = &execute(case.before, ops, &[]);
            let as_commit = commit_sets(&Case { ops, outcome, ..*case }, job, base).is_some();
            if as_commit { Rule::MirrorBelow.ends() } else { kept_share(case) }
        }
        [Op::Commit { act: Act::Start, job, base, .. } | Op::CommitActive { act: Act::Start, job, base, .. }] => {
            commit_sets(case, job, base).or_else(|| kept_share(case))
        }
        [
            Op::Mirror { act: Act::Finish, source: from, target: to, .. }
            | Op::CommitActive { act: Act::Finish, top: from, base: to, .. },
        ] => copy_inherits(case, from, to),
        [op] if job_act(&op).is_some() => kept_share(case),
        [Op::Snapshot { .. }, ..] => kept_share(case),
        _ => None,
    }
}

/// QEMU died while a job ran, or when a job was to end.
pub(super) fn lost<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [op] = case.ops else { return None };
    if job_act(op) == Some(Act::Start) {
        let state = case.before;
        let backed_up = |id: NodeId| {
            let by = |i: usize| match state.edges()[i].parent {
                Parent::Node(parent) => state.node(parent).and_then(|node| node.kind) == Some(Kind::CopyBeforeWrite),
                Parent::User(_) => false,
            };
            state.parents(id).any(|i| state.edges()[i].name == ChildName::FILE && by(i))
        };
        let grows = jobs::writes(state, op).grown.into_iter().any(backed_up);
        return (grows && case.has_died()).then_some(Rule::BackedUpGrows)?.ends();
    }
    let ends = matches!(job_act(op), Some(Act::Finish | Act::Cancel)) && case.has_died();
    let rule = match *op {
        Op::Backup { source, .. } if case.before.node(source).is_some() && case.before.references(source) == 1 => {
            Rule::BackupHolds
        }
        _ if job_act(op) == Some(Act::Finish) && case.done().is_none() => Rule::EndRefused,
        _ => return None,
    };
    ends.then_some(rule)?.ends()
}

/// Returns whether the second node is in the chain of the first, apart from filters.
fn is_below<const N: usize, const E: usize>(state: &State<N, E>, top: NodeId, node: NodeId) -> bool {
    without_filters(state, node).is_some_and(|bare| state.chain(top).skip(1).any(|id| id == bare))
}

/// Returns whether the graph is the one that the model would have, or refuse, if images had sizes. All images are
/// equally long, so no base grows.
fn commit_sets<const N: usize, const E: usize>(
    case: &Case<'_, N, E>,
    job: UserId,
    base: NodeId,
) -> Option<Explained<N, E>> {
    let graph = without_growth(case, job, base)?;
    (violations(&graph).is_empty() && case.shows(&graph)).then_some(Rule::CommitSets)?.then(graph)
}

/// Returns the graph that the model would have or refuse, without the permissions for a base that has to grow.
fn without_growth<const N: usize, const E: usize>(
    case: &Case<'_, N, E>,
    job: UserId,
    base: NodeId,
) -> Option<State<N, E>> {
    let graph = case.accepted()?;
    let mut work = Work::new(&graph);
    for edge in graph.edges() {
        let Parent::User(user) = edge.parent else { continue };
        let Pair { need, share } = edge.wanted;
        // The need for resize on the base, and on the filters right above it, which grow with it.
        let pair = match edge.child {
            _ if user.main() != job || user.further_number() == 0 => continue,
            child if child == base => Pair::new(Perms(need.0 & !Z.0), share),
            _ => Pair::new(need, Perms(share.0 & !Z.0)),
        };
        work.step(Op::SetUser { user, pair }).ok()?;
    }
    Some(work.graph)
}

/// Returns whether the graph is the one after the turn with the same needs, except that edges which moved from or to a
/// force-share node, or stand above one, and the edges below these, share more or less.
fn kept_share<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let graph = case.accepted()?;
    let graph = snapshots::sealed(case, &graph).unwrap_or(graph);
    shares_as_before(case, &graph).then_some(Rule::KeptShare)?.ends()
}

fn shares_as_before<const N: usize, const E: usize>(case: &Case<'_, N, E>, graph: &State<N, E>) -> bool {
    let (Some(shown), was) = (case.shown, shown_graph::expected(case.before)) else { return false };
    let shared = |state: &State<N, E>, id: u8| state.node(NodeId(id)).is_some_and(|node| node.flags.force_share);
    let moved = |id: u8, name: &String, to: u8| {
        let from = was.nodes.get(&id).and_then(|node| node.edges.get(name)).map(|edge| edge.0);
        from != Some(to) && (shared(graph, to) || from.is_some_and(|from| shared(case.before, from)))
    };
    let mut same = shown_graph::expected(graph);
    // The edges that moved, and the nodes below them.
    let mut below_moved = Vec::new();
    for (id, node) in &same.nodes {
        let edges = node.edges.iter().filter(|(name, edge)| moved(*id, name, edge.0));
        below_moved.extend(edges.map(|(_, edge)| NodeId(edge.0)));
    }
    let reached = reach_of(graph, below_moved);
    for (id, node) in &mut same.nodes {
        let theirs = shown.nodes.get(id);
        for (name, (to, need, share)) in &mut node.edges {
            let other = theirs.and_then(|node| node.edges.get(name)).filter(|other| (other.0, other.1) == (*to, *need));
            if let Some(other) = other.filter(|_| moved(*id, name, *to) || reached[usize::from(*id)]) {
                *share = other.2;
            }
        }
    }
    // The violations that exist only because of a share that QEMU has kept.
    let by_share = |violation: &Violation| match violation {
        Violation::Conflict { denies: EdgeId::Child(parent, name), .. } => {
            let edge = graph.children(*parent).find(|edge| edge.name == *name);
            let kind = graph.node(*parent).and_then(|node| node.kind);
            edge.zip(kind).is_some_and(|(edge, kind)| {
                moved(parent.0, &names::child(kind, *name), edge.child.0) || reached[usize::from(parent.0)]
            })
        }
        // A snapshot does not check the new parents of an inactive overlay either (D10).
        _ => matches!(case.ops, [Op::Snapshot { .. }, ..]) && snapshots::is_overlooked(graph, violation),
    };
    reached.contains(&true) && shown.agrees_with(&same) && case.outcome.violations().iter().all(by_share)
}

/// Returns whether model and QEMU agree if nothing is blocked on a commit's filter, where QEMU has no user of the job.
fn unblocked<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let Outcome::Failed { error: StepError::Blocked { node, .. }, .. } = case.outcome else { return false };
    if case.before.node(*node).is_none_or(|found| found.kind != Some(Kind::CommitTop)) {
        return false;
    }
    let open = |edge: &Edge| Edge { blocks: if edge.child == *node { OpKinds::NONE } else { edge.blocks }, ..*edge };
    let edges = case.before.edges().iter().map(open);
    agrees(case, &State::rebuild(case.before.nodes, case.before.drain_alls, edges), case.ops)
}

/// Returns whether the graph is the one after the turn, except for users that come from the inactive filter of a job,
/// which goes with the job, to an active node and still have no permissions. The same holds for users whose filter was
/// to become inactive, which was refused (D20).
fn leaves_idle<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let of_job = case.ops.iter().any(|op| job_act(op).is_some());
    let Some(next) = of_job.then(|| case.accepted()).flatten() else { return false };
    let (mut sure, mut perhaps) = (Vec::new(), Vec::new());
    for edge in case.before.edges() {
        let Parent::User(user) = edge.parent else { continue };
        let now = next.edge_index(EdgeId::User(user)).map(|i| next.edges()[i].child);
        if now.is_none_or(|now| is_inactive(&next, now)) {
            continue;
        }
        if is_inactive(case.before, edge.child) {
            sure.push(user);
        } else if case.memory.may_be_robbed(user) {
            perhaps.push(user);
        }
    }
    (0..1usize << perhaps.len()).any(|some| {
        let chosen = perhaps.iter().enumerate().filter(|(i, _)| some >> i & 1 == 1).map(|(_, user)| *user);
        let idle: Vec<UserId> = sure.iter().copied().chain(chosen).collect();
        let mut work = Work::new(&next);
        let taken = idle.iter().all(|user| work.step(Op::SetUser { user: *user, pair: Pair::FREE }).is_ok());
        taken && !idle.is_empty() && case.shows(&work.graph)
    })
}

/// When a copy ends, QEMU makes the target read-only if the node that it replaces was, and writable if that was.
fn copy_inherits<const N: usize, const E: usize>(
    case: &Case<'_, N, E>,
    from: NodeId,
    to: NodeId,
) -> Option<Explained<N, E>> {
    let on = case.before.node(from)?.flags.read_only;
    let kind = case.before.node(to)?.kind?;
    let Outcome::Done { next, .. } = execute(case.done()?, &[Op::SetReadOnly { node: to, on }], &[]) else {
        return None;
    };
    if of_operations::reopens(kind) && case.shows(&next) {
        return Rule::CopyInherits.then(next);
    }
    (shares_as_before(case, &next) || shares_as_before(case, case.done()?)).then_some(Rule::KeptShare)?.ends()
}

/// QEMU has refused to start a job, or to end it.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    stream_stays(case)
        .or_else(|| commit_sealed(case))
        .or_else(|| commit_on_device(case))
        .or_else(|| gives_up(case))
        .or_else(|| {
            let [Op::Mirror { act: Act::Start, source, target, .. }] = *case.ops else { return None };
            let is_so = case.class() == Some(ErrorClass::MirrorBelow) && is_below(case.before, source, target);
            (is_so && case.shows(case.before)).then_some(Rule::MirrorBelow)?.then(*case.before)
        })
}

/// An active commit whose end is refused is over, as if it had been cancelled.
fn gives_up<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::CommitActive { act: Act::Finish, job, filter, top, base }] = *case.ops else { return None };
    let cancel = [Op::CommitActive { act: Act::Cancel, job, filter, top, base }];
    let Outcome::Done { next, .. } = execute(case.before, &cancel, &[]) else { return None };
    (case.done().is_none() && case.shows(&next)).then_some(Rule::EndGivesUp)?.then(next)
}

/// An operation on the uppermost image above a commit meets the job's main user there, and its blockers.
fn commit_on_device<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let qemu_error = case.qemu_error.filter(|qemu_error| {
        matches!(qemu_error.class, ErrorClass::Busy | ErrorClass::InUse | ErrorClass::HasParent)
    })?;
    let state = case.before;
    let devices = jobs::devices(state);
    let is_so = qemu_error.nodes.iter().any(|id| devices.contains(id)) && case.shows(state);
    is_so.then_some(Rule::CommitSets)?.then(*state)
}

/// A refusal because of what QEMU's commit shares, or because a user writes through the commit's filter, which is
/// read-only.
fn commit_sealed<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let qemu_error = case.qemu_error.filter(|_| case.shows(case.before))?;
    let seal = |state: &State<N, E>| {
        let mut sealed = *state;
        let filters = sealed.nodes.iter_mut().filter(|node| node.kind == Some(Kind::CommitTop));
        filters.for_each(|node| node.flags.read_only = true);
        sealed
    };
    let starts = matches!(case.ops, [Op::Commit { act: Act::Start, .. }]);
    if let [Op::Commit { act: Act::Start, job, base, .. } | Op::CommitActive { act: Act::Start, job, base, .. }] =
        *case.ops
        && without_growth(case, job, base).is_some_and(|graph| refusals::of_graph(&graph, qemu_error))
    {
        return Rule::CommitSets.then(*case.before);
    }
    let is_so = match case.done() {
        Some(next) if starts => refusals::of_graph(&seal(next), qemu_error),
        _ if seal(case.before) != *case.before => {
            let outcome = execute(&seal(case.before), case.ops, &[]);
            is_model_error(case, &outcome, qemu_error)
                || refusals::of_a_part(&Case { before: &seal(case.before), ..*case }, qemu_error)
        }
        _ => false,
    };
    is_so.then_some(Rule::CommitSets)?.then(*case.before)
}

/// A refused stream has left its user on the node.
fn stream_stays<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Stream { act: Act::Start, job, node, .. }] = *case.ops else { return None };
    let pair = Pair::new(R, Perms(ALL.0 & !Z.0));
    let left = Op::AttachUser { user: job, node, pair, user_flags: UserFlags::NONE, context: None };
    let Outcome::Done { next, .. } = execute(case.before, &[left], &[]) else { return None };
    (case.done().is_none() && case.shows(&next)).then_some(Rule::StreamStays)?.ends()
}
