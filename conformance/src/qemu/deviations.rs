//! Where QEMU does otherwise, and we on purpose not: rules over state, operation and answer, never over the words of a
//! sentence. `specs/qemu-deviations.md` explains each.

use super::judge::{Case, Like, Told};
use super::truth;
use blockgraph_model::{Op, Outcome};

/// A rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// D1
    Order,
    /// D2
    Between,
    /// D3
    ActivateStays,
}

impl Rule {
    /// All of them.
    pub const EVERY: [Rule; 3] = [Rule::Order, Rule::Between, Rule::ActivateStays];

    /// Its number in `specs/qemu-deviations.md`.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Order => "D1",
            Rule::Between => "D2",
            Rule::ActivateStays => "D3",
        }
    }

    /// In a few words.
    pub const fn what(self) -> &'static str {
        match self {
            Rule::Order => "another refusal that is true, too: conditions are tested in another order",
            Rule::Between => "refused by what only a part of the turn would lead to",
            Rule::ActivateStays => "a node activated for an export stays active when the export is refused",
        }
    }
}

/// The rule by which this case differs, if there is one.
pub fn rule<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Rule> {
    let refused = matches!(case.told, Told::Refused(..));
    let done = matches!(case.outcome, Outcome::Done { .. });
    let said = case.said?;
    if refused && case.like == Like::Part && matches!(case.ops, [Op::Activate { .. }, Op::AttachUser { .. }]) {
        return Some(Rule::ActivateStays);
    }
    if case.like != Like::Before && (done || case.like != Like::After) {
        return None;
    }
    if refused && !done && truth::of_state(case, said) {
        return Some(Rule::Order);
    }
    (refused && truth::of_a_part(case, said)).then_some(Rule::Between)
}
