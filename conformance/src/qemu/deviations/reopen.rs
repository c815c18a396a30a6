//! Reopens.

use super::{Explained, Rule};
use crate::qemu::judge::{Case, agrees};
use crate::qemu::truth;
use blockgraph_model::{ChildName, Entry, NodeId, Op, Outcome, Queue, State, StepError, execute};

/// QEMU hangs: something waits for a node that is left drained.
pub(super) fn lost<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let state = case.before;
    let drained = |id: NodeId| {
        let below = state.reach(id);
        state.node(id).is_some() && state.names().any(|id| below[usize::from(id.0)] && case.memory.is_drained(id))
    };
    (case.hangs() && truth::named(case.ops).into_iter().any(drained)).then_some(Rule::LeftDrained)?.ends()
}

/// QEMU has done what we refuse.
pub(super) fn done<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    named_filter(case).or_else(|| overridden(case))
}

/// QEMU has refused as it does where no filter is implicit.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    named_filter(case)
}

/// With every filter explicit model and QEMU agree, and without that they would not: an entry says something about one.
fn named_filter<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Reopen { queue }] = case.ops else { return None };
    let implicit = |id: NodeId| case.before.node(id).is_some_and(|node| node.flags.implicit);
    let over_filter = |entry: &Entry| {
        let said = |name| match name {
            ChildName::FILE => entry.file.is_some(),
            ChildName::BACKING => entry.backing.is_some(),
            _ => false,
        };
        case.before.children(entry.node).any(|edge| implicit(edge.child) && said(edge.name))
    };
    if !queue.entries().iter().any(over_filter) {
        return None;
    }
    let mut explicit: State<N, E> = *case.before;
    explicit.nodes.iter_mut().for_each(|node| node.flags.implicit = false);
    agrees(case, &explicit, case.ops).then_some(Rule::NamedFilter)?.ends()
}

/// A node is listed twice, and a name in its first entry is not there: model and QEMU agree about the last entries alone.
fn overridden<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Reopen { queue }] = case.ops else { return None };
    let Outcome::Failed { error: StepError::NodeNotFound { .. }, .. } = case.outcome else { return None };
    let entries = queue.entries();
    let last = |(i, entry): &(usize, &Entry)| entries[i + 1..].iter().all(|other| other.node != entry.node);
    let lasting: Vec<Entry> = entries.iter().enumerate().filter(last).map(|(_, entry)| *entry).collect();
    let alone = [Op::Reopen { queue: Queue::new(&lasting)? }];
    let happens = lasting.len() < entries.len() && matches!(execute(case.before, &alone, &[]), Outcome::Done { .. });
    (happens && agrees(case, case.before, &alone)).then_some(Rule::Overridden)?.ends()
}
