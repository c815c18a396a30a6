//! Where QEMU does otherwise, and we on purpose not: rules over state, operation and answer, never over the words of a
//! sentence. `specs/qemu-deviations.md` explains each.

use super::answer::{Class, Said};
use super::judge::{Case, Like, Told};
use super::truth;
use blockgraph_model::{NodeId, Op, Outcome, Parent, State, Violation};

/// The rules: variant, number, in a few words.
macro_rules! rules {
    ($($rule:ident $number:literal $what:literal)*) => {
        /// A rule.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs, reason = "each says in a few words what it is")]
        pub enum Rule {
            $($rule,)*
        }

        impl Rule {
            /// All of them.
            pub const EVERY: &[Rule] = &[$(Rule::$rule,)*];

            /// Its number in `specs/qemu-deviations.md`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Rule::$rule => $number,)*
                }
            }

            /// In a few words.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Rule::$rule => $what,)*
                }
            }
        }
    };
}

rules! {
    Order "D1" "another refusal that is true, too: conditions are tested in another order"
    Between "D2" "refused by what only a part of the turn would lead to"
    ActivateStays "D3" "a node activated for an export stays active when the export is refused"
    RootOnly "D4" "QMP starts a job only on a node without a node above"
    Unfiltered "D5" "two nodes that are one but for filters are one to a job"
    HalfActive "D6" "a refused change of activity leaves done what it had done"
    Unjudged "D7" "activity changes without a judgement of what is needed of inactive nodes"
    JobInactive "D8" "a job is refused on an inactive node at once"
    ExportSealed "D9" "a writable export of a read-only node is refused even while the node is inactive"
    OverInactive "D10" "a snapshot puts an active node over an inactive one (H63)"
    OptionStuck "D11" "a node opened with active=off or force-share=on cannot be reopened"
    LeftDrained "D12" "after a reopen that queued a node twice what reads it hangs (H61)"
    DoubleEdge "D13" "inactivation dies where two paths from active nodes lead to one node"
}

/// The rule by which this case differs, if there is one.
pub fn rule<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Rule> {
    match case.told {
        Told::Lost(_) => lost(case),
        Told::Done => done(case),
        Told::Refused(..) => refused(case, case.said?),
    }
}

/// QEMU gave no answer.
fn lost<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Rule> {
    match case.ops {
        [Op::Inactivate { node }] if two_ways(case.before, *node) => Some(Rule::DoubleEdge),
        _ if case.memory.has_drained() => Some(Rule::LeftDrained),
        _ => None,
    }
}

/// Do two edges lead from nodes that would become inactive with this one to one node?
fn two_ways<const N: usize, const E: usize>(state: &State<N, E>, node: NodeId) -> bool {
    let below = state.reach(node);
    let from = |parent| matches!(parent, Parent::Node(parent) if below[usize::from(parent.0)]);
    state.names().any(|id| state.parents(id).filter(|i| from(state.edges()[*i].parent)).count() > 1)
}

/// QEMU has done it.
fn done<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> Option<Rule> {
    let violations = case.outcome.violations();
    let only = |is: fn(&Violation) -> bool| !violations.is_empty() && violations.iter().all(is);
    match case.ops {
        [Op::Inactivate { .. }] if case.like == Like::Half && only(|v| matches!(v, Violation::InactiveNode { .. })) => {
            Some(Rule::Unjudged)
        }
        [Op::Snapshot { .. }, ..] if only(|v| matches!(v, Violation::InactiveChild { .. })) => Some(Rule::OverInactive),
        _ => None,
    }
}

fn refused<const N: usize, const E: usize>(case: &Case<'_, N, E>, said: &Said) -> Option<Rule> {
    let done = matches!(case.outcome, Outcome::Done { .. });
    if case.like == Like::Part && matches!(case.ops, [Op::Activate { .. }, Op::AttachUser { .. }]) {
        return Some(Rule::ActivateStays);
    }
    let activity = matches!(case.ops, [Op::Activate { .. }, ..] | [Op::Inactivate { .. }]);
    if case.like == Like::Half && activity && !done {
        return Some(Rule::HalfActive);
    }
    // Of what is refused as a whole nothing may have happened.
    if case.like != Like::Before && (done || case.like != Like::After) {
        return None;
    }
    let inactive = |id: NodeId| case.before.node(id).is_some_and(|node| node.flags.inactive);
    if truth::of_state(case, said) {
        return match said.class {
            Class::OptionStuck => Some(Rule::OptionStuck),
            Class::NotRoot => Some(Rule::RootOnly),
            Class::SameNode => Some(Rule::Unfiltered),
            _ => (!done).then_some(Rule::Order),
        };
    }
    match case.ops {
        [Op::AttachUser { node, .. }] if said.class == Class::ReadOnly && inactive(*node) => {
            case.before.node(*node).filter(|node| node.flags.read_only).map(|_| Rule::ExportSealed)
        }
        [op] if said.class == Class::Inactive && job_nodes(op).is_some_and(|nodes| nodes.into_iter().any(inactive)) => {
            Some(Rule::JobInactive)
        }
        _ => truth::of_a_part(case, said).then_some(Rule::Between),
    }
}

/// The two nodes that a job is about.
fn job_nodes(op: &Op) -> Option<[NodeId; 2]> {
    match *op {
        Op::Stream { node, bottom, .. } => Some([node, bottom]),
        Op::Commit { top, base, .. } | Op::CommitActive { top, base, .. } => Some([top, base]),
        Op::Mirror { source, target, .. } | Op::Backup { source, target, .. } => Some([source, target]),
        _ => None,
    }
}
