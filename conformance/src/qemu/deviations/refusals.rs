//! Refusals that leave all as it was: true ones, in another order or of QMP's own.

use super::{Explained, Rule};
use crate::qemu::answer::Class;
use crate::qemu::judge::Case;
use crate::qemu::truth;
use blockgraph_model::{Below, Op, Outcome, StepError};

/// QEMU has refused, and nothing has happened.
pub(super) fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let said = case.said.filter(|_| case.shows(case.before))?;
    let done = case.done().is_some();
    let rule = if truth::of_state(case, said) {
        match said.class {
            Class::OptionStuck => Some(Rule::OptionStuck),
            Class::NotRoot => Some(Rule::RootOnly),
            Class::SameNode => Some(Rule::Unfiltered),
            Class::HasUser if done => Some(Rule::OverlayRead),
            _ => (!done).then_some(Rule::Order),
        }
    } else {
        (truth::of_a_part(case, said) || truth::of_middle(case, said)).then_some(Rule::Between)
    };
    rule?.then(*case.before)
}

/// QEMU opens one child after the other, and looks a name up when it comes to it.
pub(super) fn opened_inline<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Explained<N, E>> {
    let [Op::Open { file: Some(Below { node, opened: Some(_) }), backing: Some(backing), .. }] = case.ops else {
        return None;
    };
    let absent =
        matches!(case.outcome, Outcome::Failed { error: StepError::NodeNotFound { node }, .. } if node == backing);
    (node == backing && absent && case.before.node(*node).is_none()).then_some(Rule::InlineFirst)?.ends()
}
