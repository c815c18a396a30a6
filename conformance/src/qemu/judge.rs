//! Compares what QEMU did with what the model says, turn by turn. Needs no daemon: a recorded answer does as well.

use super::answer::{self, Class, Said};
use super::deviations::{self, Rule};
use super::map::{self, Memory};
use super::see::{self, Shown};
use super::words;
use blockgraph_model::judge::violations;
use blockgraph_model::{EdgeId, Op, Outcome, State, StepError, Violation, execute};
use serde::{Deserialize, Serialize};

/// What QEMU says to a turn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Told {
    /// All was done.
    #[serde(rename = "ok")]
    Done,
    /// A command was refused: class and sentence.
    #[serde(rename = "no")]
    Refused(String, String),
    /// It gave no answer: what became of it.
    #[serde(rename = "lost")]
    Lost(String),
}

/// What QEMU says to a turn and shows after it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Heard {
    /// The answer.
    #[serde(rename = "t")]
    pub told: Told,
    /// The graph; none after it was lost.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// Which of the model's graphs QEMU's is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Like {
    /// The one before the turn.
    Before,
    /// The one after it, as the model has it.
    After,
    /// The one that the first operation alone leads to.
    Part,
    /// The one after it, with the nodes that got an overlay read-only.
    Sealed,
    /// The one before, with other nodes active.
    Half,
    /// None of them.
    Neither,
}

/// What a comparison says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing differs.
    Same,
    /// It differs as a rule says.
    Deviation(Rule),
    /// It differs: how.
    Differs(String),
}

/// A compared turn.
#[derive(Clone, Debug)]
pub struct Judged<const N: usize, const E: usize> {
    /// What differs.
    pub verdict: Verdict,
    /// The state with which the episode goes on; none: it ends here.
    pub next: Option<State<N, E>>,
    /// The kind of QEMU's refusal.
    pub class: Option<Class>,
}

/// What the rules of deviations look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a, const N: usize, const E: usize> {
    /// The state before.
    pub before: &'a State<N, E>,
    /// What QEMU keeps besides.
    pub memory: &'a Memory,
    /// What was done.
    pub ops: &'a [Op],
    /// What the model says.
    pub outcome: &'a Outcome<N, E>,
    /// What QEMU answered.
    pub told: &'a Told,
    /// Its refusal, read.
    pub said: Option<&'a Said>,
    /// Which graph it has now.
    pub like: Like,
    /// The graph itself.
    pub shown: Option<&'a Shown>,
}

/// Compares.
pub fn judge<const N: usize, const E: usize>(
    before: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
    heard: &Heard,
) -> Judged<N, E> {
    judge_as(before, memory, ops, &execute(before, ops, &[]), heard)
}

/// Compares with an outcome that somebody else says.
pub fn judge_as<const N: usize, const E: usize>(
    before: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
    outcome: &Outcome<N, E>,
    heard: &Heard,
) -> Judged<N, E> {
    let after = if let Outcome::Done { next, .. } = outcome { next } else { before };
    let like = heard.shown.as_ref().map_or(Like::Neither, |shown| like(shown, &heard.told, before, after));
    let part = part(before, ops).filter(|part| heard.shown.as_ref().is_some_and(|shown| is(shown, part)));
    let like = if like == Like::Neither && part.is_some() { Like::Part } else { like };
    let sealed = sealed(after, ops).filter(|sealed| heard.shown.as_ref().is_some_and(|shown| is(shown, sealed)));
    let like = if like == Like::Neither && sealed.is_some() { Like::Sealed } else { like };
    let half = heard.shown.as_ref().and_then(|shown| half(shown, before));
    let like = if like == Like::Neither && half.is_some() { Like::Half } else { like };
    let said = match &heard.told {
        Told::Refused(class, text) => Some(answer::read(class, text)),
        _ => None,
    };
    let case = Case {
        before,
        memory,
        ops,
        outcome,
        told: &heard.told,
        said: said.as_ref(),
        like,
        shown: heard.shown.as_ref(),
    };
    let what = difference(&case, after);
    let (verdict, next) = match (what, like) {
        (None, _) => (Verdict::Same, Some(*after)),
        (Some(what), like) => {
            let verdict = deviations::rule(&case).map_or(Verdict::Differs(what), Verdict::Deviation);
            let next = match like {
                Like::After => Some(*after),
                Like::Before => Some(*before),
                Like::Part => part,
                Like::Half => half,
                Like::Sealed => sealed,
                Like::Neither => None,
            };
            // What QEMU keeps besides the graph may be another than the model's, where the two answers differ.
            let done = (heard.told == Told::Done, matches!(outcome, Outcome::Done { .. }));
            // A graph that breaks our rules is no place to go on from.
            let next = next.filter(|state| violations(state).is_empty());
            (
                verdict,
                next.filter(|_| done.0 == done.1 || done == (false, true) && like != Like::After || like == Like::Half),
            )
        }
    };
    Judged { verdict, next, class: said.map(|said| said.class) }
}

/// Is this what the state should show?
pub fn is<const N: usize, const E: usize>(shown: &Shown, state: &State<N, E>) -> bool {
    let expected = see::expected(state);
    shown.like(&expected) == expected.like(shown)
}

/// The state after snapshots when their nodes are reopened read-only, as far as that can be.
fn sealed<const N: usize, const E: usize>(after: &State<N, E>, ops: &[Op]) -> Option<State<N, E>> {
    let mut state = *after;
    for op in ops {
        let Op::Snapshot { node, .. } = *op else { return None };
        if state.node(node).and_then(|node| node.kind).is_some_and(map::reopens)
            && let Outcome::Done { next, .. } = execute(&state, &[Op::SetReadOnly { node, on: true }], &[])
        {
            state = next;
        }
    }
    Some(state)
}

/// The state before with those nodes active that QEMU shows active, if all else is as it shows.
fn half<const N: usize, const E: usize>(shown: &Shown, before: &State<N, E>) -> Option<State<N, E>> {
    let mut state = *before;
    for (id, node) in &shown.nodes {
        let (_, _, active) = node.flags.as_ref()?;
        state.nodes.get_mut(usize::from(*id))?.flags.inactive = !active;
    }
    is(shown, &state).then_some(state)
}

/// What the first operation of several leads to by itself.
fn part<const N: usize, const E: usize>(before: &State<N, E>, ops: &[Op]) -> Option<State<N, E>> {
    match execute(before, ops.get(..1).filter(|_| ops.len() > 1)?, &[]) {
        Outcome::Done { next, .. } => Some(next),
        _ => None,
    }
}

fn like<const N: usize, const E: usize>(shown: &Shown, told: &Told, before: &State<N, E>, after: &State<N, E>) -> Like {
    // The two may look alike.
    if *told == Told::Done && is(shown, after) {
        Like::After
    } else if is(shown, before) {
        Like::Before
    } else if is(shown, after) {
        Like::After
    } else {
        Like::Neither
    }
}

fn difference<const N: usize, const E: usize>(case: &Case<'_, N, E>, after: &State<N, E>) -> Option<String> {
    let model = || summary(case.outcome);
    match (case.told, case.outcome) {
        (Told::Lost(what), _) => return Some(format!("model: {}; QEMU: {what}", model())),
        (Told::Done, Outcome::Done { .. }) => {}
        (Told::Done, _) => return Some(format!("model: {}; QEMU has done it", model())),
        (Told::Refused(_, text), Outcome::Done { .. }) => return Some(format!("model: done; QEMU: {text}")),
        (Told::Refused(_, text), outcome) => {
            let known = case.said.is_some_and(|said| genuine(case, outcome, said));
            if !known {
                return Some(format!("model: {}; QEMU: {text}", model()));
            }
        }
    }
    let shown = case.shown?;
    let expected = see::expected(after);
    let lines = shown.like(&expected).differences(&expected.like(shown));
    (!lines.is_empty()).then(|| format!("model: {}; the graphs differ: {}", model(), lines.join("; ")))
}

/// The model's outcome in one line.
pub fn summary<const N: usize, const E: usize>(outcome: &Outcome<N, E>) -> String {
    match outcome {
        Outcome::Done { .. } => "done".to_owned(),
        Outcome::Failed { error, .. } => format!("{error:?}"),
        Outcome::Violates { .. } => format!("{:?}", outcome.violations()),
        Outcome::Refused { by } => format!("{by:?}"),
    }
}

/// Is what QEMU says true, and one of what the model says?
fn genuine<const N: usize, const E: usize>(case: &Case<'_, N, E>, outcome: &Outcome<N, E>, said: &Said) -> bool {
    match outcome {
        Outcome::Failed { error, .. } => same_error(error, said),
        Outcome::Violates { graph, .. } => {
            let child = |edge: EdgeId| match edge {
                EdgeId::Child(parent, name) => Some(words::child(graph.node(parent)?.kind?, name)),
                EdgeId::User(_) => None,
            };
            outcome.violations().iter().any(|violation| same_violation(violation, said, child))
        }
        _ => case.told == &Told::Done,
    }
}

fn same_error(error: &StepError, said: &Said) -> bool {
    let (class, node, user) = answer::of_error(error);
    let aborted = said.class == Class::Aborted && class == Class::NotFound;
    let deleted =
        matches!(error, StepError::HasUser { node, .. } if said.class == Class::InUse && said.nodes.contains(node));
    let named = node.is_none_or(|node| said.nodes.contains(&node)) && user.is_none_or(|u| said.users.contains(&u));
    aborted || deleted || class == said.class && class != Class::Other && named
}

/// Is this violation the one that QEMU names, with the same parties?
pub fn same_violation(violation: &Violation, said: &Said, child: impl Fn(EdgeId) -> Option<String>) -> bool {
    // To QEMU an inactive node is one that cannot be written.
    let sealed = matches!(violation, Violation::InactiveNode { .. }) && said.class == Class::ReadOnly;
    if sealed {
        return true;
    }
    if answer::of_violation(violation) != said.class {
        return false;
    }
    match violation {
        Violation::Conflict { node, needs, denies } => said.parties.as_ref().is_none_or(|(a, b)| {
            let is = |edge: EdgeId, party| answer::is_party(edge, party, |_| child(edge));
            said.nodes.contains(node) && is(*needs, a) && is(*denies, b)
        }),
        Violation::ReadOnly { node } => said.nodes.is_empty() || said.nodes.contains(node),
        _ => true,
    }
}
