//! Where QEMU does otherwise, and we on purpose not: rules over state, operation and answer, never over the words of a
//! sentence. `specs/qemu-deviations.md` explains each.

use super::answer::{Class, Said};
use super::judge::{Case, Like, Told, is};
use super::see::{self, NodeShown, Shown};
use super::{truth, words};
use blockgraph_model::step::Work;
use blockgraph_model::{
    Act, ChildName, Context, Edge, EdgeId, Entry, NodeId, Op, Outcome, Pair, Parent, State, StepError, UserId,
    Violation,
};

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
    DoubleEdge "D13" "inactivation dies where two paths lead to one node"
    ThreadOpen "D14" "opening a node above one in an iothread hangs or dies"
    ThreadJob "D15" "starting a job in an iothread hangs or dies"
    ThreadFirst "D16" "contexts are asked from edge to edge, not settled on the whole graph"
    AbortMoves "D17" "an aborted snapshot moves the parents that its overlay had before to the node below"
    Sealed "D18" "after a snapshot the node below is reopened read-only, if it can be"
    KeptShare "D19" "an edge that moves from or to a force-share node keeps its pair"
    UserRobbed "D20" "a refused or unjudged inactivation takes permissions from users whose node stays active"
    JobInactivated "D21" "a node that a job uses is inactivated"
    OverlayRead "D22" "an overlay is refused if somebody reads it, and not if it has a user"
    AbortInactive "D23" "an aborted snapshot of an inactive node leaves its overlay inactive"
    OverlayTwice "D24" "a transaction that names an overlay twice dies when it is undone"
    HalfPairs "D25" "a refused activation leaves needs and shares behind that nobody asked for"
    Overridden "D26" "of a node that a reopen lists twice what the first entry says is not looked at"
    NamedFilter "D27" "a job's filter that was given a name is no implicit one"
    CommitSets "D28" "an active commit needs Z on its base only if that is shorter, and lets others read the top"
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
        [Op::Open { .. }] | [Op::Add { .. }, Op::Attach { .. }, ..] if in_thread(case) => Some(Rule::ThreadOpen),
        [Op::Snapshot { .. }, _, ..] if overlay_twice(case.ops) => Some(Rule::OverlayTwice),
        [op] if job_nodes(op).is_some() && in_thread(case) => Some(Rule::ThreadJob),
        _ => None,
    }
}

/// Is one overlay named twice?
fn overlay_twice(ops: &[Op]) -> bool {
    let overlay = |op: &Op| if let Op::Snapshot { overlay, .. } = *op { Some(overlay) } else { None };
    ops.iter()
        .enumerate()
        .any(|(i, op)| overlay(op).is_some() && ops[..i].iter().any(|other| overlay(other) == overlay(op)))
}

/// Does some node live in another context than main?
fn in_thread<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    case.before.names().any(|id| case.before.nodes[usize::from(id.0)].context != Context::MAIN)
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
    let of_job = |user: UserId| case.before.edges().iter().any(|e| e.parent == Parent::User(user) && e.ways.stay);
    let of_jobs = |state: &State<N, E>| state.edges().iter().any(|e| e.ways.stay);
    match case.ops {
        [Op::CommitActive { act: Act::Start, .. }] => match case.outcome {
            Outcome::Done { next, .. } if case.shown.is_some_and(|shown| same_shape(shown, next)) => {
                Some(Rule::CommitSets)
            }
            Outcome::Violates { .. }
                if has_started(case, &case.ops[0]) && violations.iter().any(|v| is_about(v, case.ops)) =>
            {
                Some(Rule::CommitSets)
            }
            _ => None,
        },
        [Op::Snapshot { overlay, .. }]
            if case.before.node(*overlay).is_some_and(|n| n.flags.inactive)
                && matches!(case.outcome, Outcome::Done { next, .. } if case.shown.is_some_and(|s| same_shape(s, next))) =>
        {
            Some(Rule::OverInactive)
        }
        [Op::Snapshot { .. }, ..] if case.like == Like::Sealed => Some(Rule::Sealed),
        [op, ..] if (matches!(op, Op::Snapshot { .. }) || job_nodes(op).is_some()) && kept_share(case) => {
            Some(Rule::KeptShare)
        }
        [op] if has_force_share(case) && !violations.is_empty() && has_started(case, op) => Some(Rule::KeptShare),
        _ if only(|v| matches!(v, Violation::ContextClash { .. } | Violation::ContextFixed { .. })) => {
            Some(Rule::ThreadFirst)
        }
        [Op::Reopen { queue }] if queue.entries().iter().any(|entry| past_filter(case.before, entry)) => {
            Some(Rule::NamedFilter)
        }
        [Op::Reopen { .. }] => match case.outcome {
            Outcome::Failed { error: StepError::ImplicitChild { .. }, .. } => Some(Rule::NamedFilter),
            Outcome::Failed { error: StepError::NodeNotFound { node }, .. } if overridden(case.ops, *node) => {
                Some(Rule::Overridden)
            }
            _ => None,
        },
        [Op::Inactivate { .. }] if robbed(case) => Some(Rule::UserRobbed),
        [Op::Inactivate { .. }] => match case.outcome {
            Outcome::Failed { error: StepError::UserActive { user }, .. } if of_job(*user) => {
                Some(Rule::JobInactivated)
            }
            Outcome::Done { next, .. } if of_jobs(next) && case.shown.is_some_and(|shown| same_shape(shown, next)) => {
                Some(Rule::JobInactivated)
            }
            _ if case.like == Like::Half && only(|v| matches!(v, Violation::InactiveNode { .. })) => {
                Some(Rule::Unjudged)
            }
            _ => None,
        },
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
    if matches!(case.ops, [Op::Activate { .. }, ..]) && !done && case.like == Like::Neither {
        let same = case.shown.is_some_and(|shown| same_shape(shown, case.before));
        return same.then_some(Rule::HalfPairs);
    }
    if matches!(case.ops, [Op::Inactivate { .. }]) && robbed(case) {
        return Some(Rule::UserRobbed);
    }
    if case.like == Like::Neither && aborted_moves(case) {
        return Some(Rule::AbortMoves);
    }
    let snapshots = matches!(case.ops, [Op::Snapshot { .. }, ..]);
    if case.like == Like::Half && snapshots && !done {
        return Some(Rule::AbortInactive);
    }
    if matches!(case.outcome, Outcome::Failed { error: StepError::ImplicitChild { .. }, .. })
        && case.like == Like::Before
    {
        return Some(Rule::NamedFilter);
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
            Class::Context => Some(Rule::ThreadFirst),
            Class::HasUser if done => Some(Rule::OverlayRead),
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
        _ => (truth::of_a_part(case, said) || truth::of_middle(case, said)).then_some(Rule::Between),
    }
}

/// Is the graph the one before, but for the activity of nodes, and users that have nothing any more?
fn robbed<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let Some(shown) = case.shown else { return false };
    let mut state = *case.before;
    for (id, node) in &shown.nodes {
        let (Some((_, _, active)), Some(ours)) = (&node.flags, state.nodes.get_mut(usize::from(*id))) else {
            return false;
        };
        ours.flags.inactive = !active;
    }
    // Whom it has asked already follows from what is there no more.
    let has = |id: NodeId, pair: Pair| {
        let bits = (pair.need.0 & words::SEEN.0, pair.share.0 & words::SEEN.0);
        shown.nodes.get(&id.0).and_then(|node| node.each.as_ref()).is_some_and(|each| each.contains(&bits))
    };
    let users = state.edges().iter().filter_map(|edge| match edge.parent {
        Parent::User(user) if !has(edge.child, edge.wanted) => Some(Op::SetUser { user, pair: Pair::FREE }),
        _ => None,
    });
    let users: Vec<Op> = users.collect();
    let mut work = Work::new(&state);
    !users.is_empty() && users.into_iter().all(|op| work.step(op).is_ok()) && is(shown, &work.graph)
}

/// Are nodes and edges those of this graph, whatever they need and share?
fn same_shape<const N: usize, const E: usize>(shown: &Shown, state: &State<N, E>) -> bool {
    let bare = |shown: &Shown| {
        let edges = |node: &NodeShown| node.edges.iter().map(|(name, edge)| (name.clone(), edge.0)).collect::<Vec<_>>();
        shown.nodes.iter().map(|(id, node)| (*id, edges(node))).collect::<Vec<_>>()
    };
    bare(shown) == bare(&see::expected(state))
}

/// Is the graph the one before, with the parents of the overlays moved to the nodes that they were to overlay?
fn aborted_moves<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let Some(shown) = case.shown else { return false };
    (1..=case.ops.len()).any(|count| {
        let mut work = Work::new(case.before);
        let back = case.ops[..count].iter().rev().all(|op| match *op {
            Op::Snapshot { node, overlay } => work.step(Op::ReplaceNode { from: overlay, to: node }).is_ok(),
            _ => true,
        });
        back && same_shape(shown, &work.graph)
    })
}

/// Is the graph the one after, with the same needs, but that edges share what they shared while a force-share node was in it?
fn kept_share<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    let (Some(shown), Outcome::Done { next, .. }) = (case.shown, case.outcome) else { return false };
    let needs = |shown: &Shown| {
        let edges = |node: &NodeShown| node.edges.iter().map(|(name, e)| (name.clone(), e.0, e.1)).collect::<Vec<_>>();
        shown.nodes.iter().map(|(id, node)| (*id, edges(node), node.users.map(|u| u.0))).collect::<Vec<_>>()
    };
    has_force_share(case) && needs(shown) == needs(&see::expected(next))
}

/// Was there a force-share node?
fn has_force_share<const N: usize, const E: usize>(case: &Case<'_, N, E>) -> bool {
    case.before.names().any(|id| case.before.nodes[usize::from(id.0)].flags.force_share)
}

/// Does an entry name what stands below a job's filter?
fn past_filter<const N: usize, const E: usize>(state: &State<N, E>, entry: &Entry) -> bool {
    let implicit = |id: NodeId| state.node(id).is_some_and(|node| node.flags.implicit);
    let said = |edge: &Edge| match edge.name {
        ChildName::FILE => entry.file,
        ChildName::BACKING => entry.backing.flatten(),
        _ => None,
    };
    state.children(entry.node).any(|edge| implicit(edge.child) && said(edge).is_some_and(|to| to != edge.child))
}

/// Does QEMU show the job that this operation starts, and its filter?
fn has_started<const N: usize, const E: usize>(case: &Case<'_, N, E>, op: &Op) -> bool {
    let job = match *op {
        Op::Stream { job, .. }
        | Op::Commit { job, .. }
        | Op::CommitActive { job, .. }
        | Op::Mirror { job, .. }
        | Op::Backup { job, .. } => job,
        _ => return false,
    };
    let (now, before) = (case.shown, see::expected(case.before));
    let makes = |shown: &Shown| op.makes().iter().all(|id| shown.nodes.contains_key(&id.0));
    now.is_some_and(|now| now.jobs.contains(&(job.0 as u8)) && makes(now)) && !makes(&before)
}

/// Is it a conflict with a user of this active commit?
fn is_about(violation: &Violation, ops: &[Op]) -> bool {
    let [Op::CommitActive { job, .. }] = ops else { return false };
    let of_job = |edge: &EdgeId| matches!(edge, EdgeId::User(user) if user.main() == *job);
    matches!(violation, Violation::Conflict { needs, denies, .. } if of_job(needs) || of_job(denies))
}

/// Is that node only named by an entry after which its node is listed again?
fn overridden(ops: &[Op], absent: NodeId) -> bool {
    let [Op::Reopen { queue }] = ops else { return false };
    let entries = queue.entries();
    let names = |entry: &Entry| entry.file == Some(absent) || entry.backing == Some(Some(absent));
    entries.iter().enumerate().all(|(i, entry)| !names(entry) || entries[i + 1..].iter().any(|e| e.node == entry.node))
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
