//! Deviations about reopens.

use crate::compare::case::Case;
use crate::compare::difference::agrees;
use crate::compare::refusals;
use crate::deviations::rule::{Explained, Rule};
use crate::deviations::snapshots;
use crate::state::queries::{is_inactive, named_nodes};
use crate::state::{jobs, reopen_queue};
use crate::wire::errors::ErrorClass;
use blockgraph_model::{ChildName, Entry, Kind, NodeId, Op, Outcome, Parent, Queue, State, StepError, execute};

/// QEMU hangs because an operation waits for a node that is left drained, or it dies over a node that has no parent any
/// more.
pub(super) fn lost<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    if case.has_died() {
        return taken_away(case).or_else(|| named_filter(case));
    }
    let state = case.before;
    // A commit has its main user on the uppermost image.
    let device = match *case.ops {
        [Op::Commit { top, .. }] => jobs::uppermost(state, top),
        _ => None,
    };
    let drained = |id: NodeId| {
        let below = state.reach(id);
        state.node(id).is_some() && state.names().any(|id| below[usize::from(id.0)] && case.memory.is_drained(id))
    };
    (case.hangs() && named_nodes(case.ops).into_iter().chain(device).any(drained)).then_some(Rule::LeftDrained)?.ends()
}

/// QEMU has died, and one of the nodes that it reopens loses its last parent.
fn taken_away<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let ([Op::Reopen { queue }], true) = (case.ops, case.has_died()) else { return None };
    let (places, after) = (reopen_queue::queue(case.before, &case.memory.options, queue.entries()), case.accepted()?);
    let gone = places.iter().any(|place| after.references(place.node()) == 0);
    gone.then_some(Rule::TakenAway)?.ends()
}

/// QEMU has done what the model refuses.
pub(super) fn done<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    handed_down(case).or_else(|| named_filter(case)).or_else(|| overridden(case))
}

/// QEMU has refused because of what it hands down, or because a named filter is not implicit.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    handed_down(case).or_else(|| named_filter(case))
}

/// The graph is the one that the model would have or refuse, except for the flags, which are those that QEMU hands
/// down; or QEMU refuses for what that graph would break. Users of nodes that become inactive keep what they need.
fn handed_down<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Reopen { queue }] = case.ops else { return None };
    let graph = case.accepted()?;
    let handed = reopen_queue::after(&reopen_queue::queue(case.before, &case.memory.options, queue.entries()), &graph);
    if handed == graph {
        return None;
    }
    let inactive: Vec<NodeId> =
        handed.names().filter(|id| is_inactive(&handed, *id) && !is_inactive(&graph, *id)).collect();
    match case.qemu_error {
        None if case.shows(&handed) => Rule::HandedDown.then(handed),
        None => snapshots::keeps_users(case, &handed, inactive).then_some(Rule::HandedDown)?.ends(),
        Some(qemu_error) => {
            let writes =
                |id: &NodeId| qemu_error.class == ErrorClass::ReadOnly && snapshots::wants_to_write(&handed, *id);
            let is_so =
                case.shows(case.before) && (refusals::of_graph(&handed, qemu_error) || inactive.iter().any(writes));
            is_so.then_some(Rule::HandedDown)?.then(*case.before)
        }
    }
}

/// If every filter is explicit, model and QEMU agree, or differ as another rule says; otherwise they do not, because an
/// entry names a child of a filter.
fn named_filter<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Reopen { queue }] = case.ops else { return None };
    let implicit = |id: NodeId| case.before.node(id).is_some_and(|node| node.flags.implicit);
    let over_filter = |entry: &Entry| {
        let qemu_error = |name| match name {
            ChildName::FILE => entry.file.is_some(),
            ChildName::BACKING => entry.backing.is_some(),
            _ => false,
        };
        case.before.children(entry.node).any(|edge| implicit(edge.child) && qemu_error(edge.name))
    };
    if !queue.entries().iter().any(over_filter) {
        return None;
    }
    let mut explicit: State<N, E> = *case.before;
    explicit.nodes.iter_mut().for_each(|node| node.flags.implicit = false);
    let outcome = execute(&explicit, case.ops, &[]);
    let other = Case { before: &explicit, outcome: &outcome, ..*case };
    let is_so = || handed_down(&other).is_some() || taken_away(&other).is_some() || commit_ends(&other);
    (agrees(case, &explicit, case.ops) || is_so()).then_some(Rule::NamedFilter)?.ends()
}

/// Returns whether QEMU has died over a commit's filter that has no parent any more. The job has no user on the filter,
/// and holds its edges.
fn commit_ends<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let Some(after) = case.accepted().filter(|_| case.has_died()) else { return false };
    let filter = |id: &NodeId| after.nodes[usize::from(id.0)].kind == Some(Kind::CommitTop);
    let used = |id: NodeId| after.parents(id).any(|i| matches!(after.edges()[i].parent, Parent::Node(_)));
    after.names().filter(filter).any(|id| !used(id))
}

/// A node is listed twice, and a name in its first entry is missing: model and QEMU agree about the last entries alone.
fn overridden<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Reopen { queue }] = case.ops else { return None };
    let Outcome::Failed { error: StepError::NodeNotFound { .. }, .. } = case.outcome else { return None };
    let entries = queue.entries();
    let last = |(i, entry): &(usize, &Entry)| entries[i + 1..].iter().all(|other| other.node != entry.node);
    let lasting: Vec<Entry> = entries.iter().enumerate().filter(last).map(|(_, entry)| *entry).collect();
    let single_defect = [Op::Reopen { queue: Queue::new(&lasting)? }];
    let happens =
        lasting.len() < entries.len() && matches!(execute(case.before, &single_defect, &[]), Outcome::Done { .. });
    (happens && agrees(case, case.before, &single_defect)).then_some(Rule::Overridden)?.ends()
}
