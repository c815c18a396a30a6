//! Refusals that leave everything as it was: true ones in another order, or QMP's own.

use crate::compare::case::Case;
use crate::compare::difference::is_model_error;
use crate::compare::refusals;
use crate::deviations::rule::{Explained, Rule};
use crate::deviations::snapshots;
use crate::state::queries::with_overlays;
use crate::wire::errors::{ErrorClass, QemuError};
use blockgraph_model::perm::R;
use blockgraph_model::step::Work;
use blockgraph_model::{Below, Op, Outcome, Parent, State, StepError, derived, execute};

/// QEMU has refused, and nothing has changed.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let qemu_error = case.qemu_error.filter(|_| case.shows(case.before))?;
    let done = case.done().is_some();
    if let Some(bare) = without_readers(case) {
        let outcome = execute(&bare, case.ops, &[]);
        let other = Case { before: &bare, outcome: &outcome, ..*case };
        // The overlay's users are still there when QEMU judges the graph.
        let comparison = (1..=case.ops.len()).filter_map(|count| with_overlays(case.before, &case.ops[..count]));
        if is_model_error(&other, &outcome, qemu_error)
            || is_true(&other, qemu_error)
            || comparison.into_iter().any(|graph| refusals::of_graph(&graph, qemu_error))
        {
            return Rule::OverlayRead.then(*case.before);
        }
    }
    let by_state = match qemu_error.class {
        _ if !refusals::of_state(case, qemu_error) => None,
        ErrorClass::OptionStuck => Some(Rule::OptionStuck),
        ErrorClass::NotRoot => Some(Rule::RootOnly),
        ErrorClass::SameNode => Some(Rule::Unfiltered),
        ErrorClass::HasUser if done => Some(Rule::OverlayRead),
        _ => (!done).then_some(Rule::Order),
    };
    let between =
        || (refusals::of_a_part(case, qemu_error) || refusals::of_middle(case, qemu_error)).then_some(Rule::Between);
    let rule = by_state.or_else(between).or_else(|| keeps_share(case, qemu_error).then_some(Rule::KeptShare));
    rule?.then(*case.before)
}

/// Returns whether the refusal is true if an edge that comes to stand above a force-share node keeps the share that it
/// had elsewhere.
fn keeps_share<const N: usize, const E: usize>(case: &Case<'_, N, E>, qemu_error: &QemuError) -> bool {
    let mut strict = *case.before;
    for id in case.ops.iter().filter_map(snapshots::overlay).filter(|id| case.before.node(*id).is_some()) {
        strict.nodes[usize::from(id.0)].flags.force_share = false;
    }
    if strict == *case.before {
        return false;
    }
    let outcome = execute(&strict, case.ops, &[]);
    let other = Case { before: &strict, outcome: &outcome, ..*case };
    is_model_error(&other, &outcome, qemu_error) || is_true(&other, qemu_error)
}

/// Returns whether the refusal is true of the state, or of what a part of the turn leads to.
fn is_true<const N: usize, const E: usize>(case: &Case<'_, N, E>, qemu_error: &QemuError) -> bool {
    refusals::of_state(case, qemu_error)
        || refusals::of_a_part(case, qemu_error)
        || refusals::of_middle(case, qemu_error)
}

/// Returns the state without the users of an overlay for which the model refuses, if none of them reads it. QEMU does
/// not see these users.
fn without_readers<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<State<N, E>> {
    let Outcome::Failed { error: StepError::HasUser { node, .. }, .. } = *case.outcome else { return None };
    let overlay = case.ops.iter().any(|op| matches!(*op, Op::Snapshot { overlay, .. } if overlay == node));
    let derived = derived::derive(case.before)?;
    if !overlay || derived.nodes[usize::from(node.0)].need.meets(R) {
        return None;
    }
    let mut work = Work::new(case.before);
    for edge in case.before.edges().iter().filter(|edge| edge.child == node) {
        if let Parent::User(user) = edge.parent {
            work.step(Op::DetachUser { user }).ok()?;
        }
    }
    Some(work.graph)
}

/// QEMU opens one child after the other, and looks a name up when it reaches it.
pub(super) fn opened_inline<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Open { file: Some(Below { node, opened: Some(_) }), backing: Some(backing), .. }] = case.ops else {
        return None;
    };
    let absent =
        matches!(case.outcome, Outcome::Failed { error: StepError::NodeNotFound { node }, .. } if node == backing);
    (node == backing && absent && case.before.node(*node).is_none()).then_some(Rule::InlineFirst)?.ends()
}
