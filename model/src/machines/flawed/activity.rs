//! Activity: H24, H63, N48.

use super::case::{Case, Observed, let_pass};
use crate::derived::derive;
use crate::judge::{Outcome, execute};
use crate::op::{EdgeId, Op, StepError, Violation};
use crate::state::{Parent, State};
use crate::step::Work;

/// H24: QEMU up to 6.1 checked the node's parents and users, but not what they need of it when it is inactive.
pub(super) fn over_writers(case: &Case<'_>, on: bool) -> Observed {
    let overlooked = |violation: &Violation| matches!(violation, Violation::InactiveNode { .. });
    let passes = matches!(case.op, Op::Inactivate { .. }) && case.outcome.violations().iter().all(overlooked);
    passed(case, on && passes)
}

/// H63: the edge that an append makes is checked, but the edges that it moves are not.
pub(super) fn over_inactive(case: &Case<'_>, on: bool) -> Observed {
    let (Op::Append { new: above, .. } | Op::Snapshot { overlay: above, .. }) = case.op else {
        return case.correct.clone();
    };
    let moved = |edge: &EdgeId| !matches!(edge, EdgeId::Child(parent, _) if *parent == above);
    let overlooked = |violation: &Violation| matches!(violation, Violation::InactiveChild { edge } if moved(edge));
    passed(case, on && case.outcome.violations().iter().all(overlooked))
}

/// Lets a violation pass.
fn passed(case: &Case<'_>, passes: bool) -> Observed {
    match case.outcome {
        Outcome::Violates { .. } if passes => {
            let_pass(case.before, case.op).map_or_else(|| case.correct.clone(), |state| Observed::at(true, state))
        }
        _ => case.correct.clone(),
    }
}

/// N51: activates each node by itself, children first.
pub(super) fn half_activated(case: &Case<'_>, on: bool) -> Observed {
    let (Op::Activate { node }, Some(derived), false) =
        (case.op, derive(case.before), matches!(case.outcome, Outcome::Failed { .. }))
    else {
        return case.correct.clone();
    };
    let below = case.before.reach(node);
    let upwards = derived.order.iter().rev().filter(|node| below[node.0 as usize]);
    let steps: Vec<Op> = upwards.map(|&node| Op::Activate { node }).collect();
    if !on {
        return Observed::of(case.before, &execute(case.before, &steps, &[]));
    }
    let mut state = *case.before;
    for step in steps {
        match execute(&state, &[step], &[]) {
            Outcome::Done { next, .. } => state = next,
            _ => return Observed::at(false, state),
        }
    }
    Observed::at(true, state)
}

/// N48: inactivates node by node, and what is done stays done when the next node refuses.
pub(super) fn half_inactivated(case: &Case<'_>, on: bool) -> Observed {
    let (Op::Inactivate { node }, Outcome::Failed { error: StepError::UserActive { user }, .. }) =
        (case.op, case.outcome)
    else {
        return case.correct.clone();
    };
    let mut state = *case.before;
    let objects =
        |state: &State<6, 10>, node| state.parents(node).any(|i| state.edges()[i].parent == Parent::User(*user));
    for node in Work::new(case.before).covered(node) {
        if objects(&state, node) {
            break;
        }
        state.nodes[node.0 as usize].flags.inactive = on;
    }
    // The drivers of the nodes that are inactive now have been asked.
    match execute(&state, &[], &[]) {
        Outcome::Done { next, .. } => Observed::at(false, next),
        _ => case.correct.clone(),
    }
}
