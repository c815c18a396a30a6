//! Compares what QEMU did with what the model says, turn by turn. Needs no daemon: a recorded answer does as well.

use crate::answer::{self, Class, Said};
use crate::deviations::{self, Rule};
use crate::map::Memory;
use crate::see::{self, Shown};
use crate::truth;
use blockgraph_model::judge::{self, violations};
use blockgraph_model::step::Work;
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
    /// The graph that it has now.
    pub shown: Option<&'a Shown>,
}

impl<const N: usize, const E: usize> Case<'_, N, E> {
    /// The state after it, if the model has done it.
    pub fn done(&self) -> Option<&State<N, E>> {
        if let Outcome::Done { next, .. } = self.outcome { Some(next) } else { None }
    }

    /// The graph if it were accepted, whatever it breaks: the one after it if the model has done it. None if it could not be judged.
    pub fn accepted(&self) -> Option<State<N, E>> {
        match self.outcome {
            Outcome::Done { next, .. } => Some(*next),
            Outcome::Violates { graph, .. } if judge::derive(graph).is_some() => {
                let mut work = Work::new(self.before);
                self.ops.iter().try_for_each(|op| work.step(*op)).ok()?;
                // Nobody has closed what has no reference any more.
                work.close();
                Some(work.graph)
            }
            _ => None,
        }
    }

    /// Is QEMU's graph what this state should show?
    pub fn shows(&self, state: &State<N, E>) -> bool {
        self.shown.is_some_and(|shown| is(shown, state))
    }

    /// The kind of QEMU's refusal.
    pub fn class(&self) -> Option<Class> {
        self.said.map(|said| said.class)
    }

    /// Has QEMU died?
    pub fn has_died(&self) -> bool {
        matches!(self.told, Told::Lost(what) if what.starts_with(DIED))
    }

    /// Does QEMU hang?
    pub fn hangs(&self) -> bool {
        matches!(self.told, Told::Lost(what) if what == HANGS)
    }
}

/// What becomes of a daemon that hangs.
pub const HANGS: &str = "hangs";
/// What becomes of a daemon that dies; the number of the signal follows.
pub const DIED: &str = "has died of signal";

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
    let said = match &heard.told {
        Told::Refused(class, text) => Some(answer::read(class, text)),
        _ => None,
    };
    let (told, shown) = (&heard.told, heard.shown.as_ref());
    let case = Case { before, memory, ops, outcome, told, said: said.as_ref(), shown };
    let after = case.done().unwrap_or(before);
    let (verdict, next) = match difference(&case, after) {
        None => (Verdict::Same, Some(*after)),
        // An outcome that breaks our rules, as a defect's may, is nothing that QEMU could do otherwise on purpose.
        Some(what) => match deviations::explain(&case).filter(|_| violations(after).is_empty()) {
            // A graph that breaks our rules is no place to go on from.
            Some(known) => (Verdict::Deviation(known.rule), known.next.filter(|state| violations(state).is_empty())),
            // Nor is one to which the two have come by different answers.
            None => {
                let agreed = case.done().is_some() == (*told == Told::Done) && case.shows(after);
                (Verdict::Differs(what), agreed.then_some(*after))
            }
        },
    };
    Judged { verdict, next, class: case.class() }
}

/// Would model and QEMU agree if this had been the state before, and this had been done?
pub fn agrees<const N: usize, const E: usize>(case: &Case<'_, N, E>, before: &State<N, E>, ops: &[Op]) -> bool {
    let outcome = execute(before, ops, &[]);
    let other = Case { before, ops, outcome: &outcome, ..*case };
    difference(&other, other.done().unwrap_or(before)).is_none()
}

/// Is this what the state should show?
pub fn is<const N: usize, const E: usize>(shown: &Shown, state: &State<N, E>) -> bool {
    shown.is_like(&see::expected(state))
}

fn difference<const N: usize, const E: usize>(case: &Case<'_, N, E>, after: &State<N, E>) -> Option<String> {
    let model = || summary(case.outcome);
    match (case.told, case.outcome) {
        (Told::Lost(what), _) => return Some(format!("model: {}; QEMU: {what}", model())),
        (Told::Done, Outcome::Done { .. }) => {}
        (Told::Done, Outcome::Violates { graph, .. }) => {
            let lines = case.shown.map_or_else(Vec::new, |shown| shown.against(&see::expected(graph)));
            return Some(format!("model: {}; QEMU has done it{}", model(), but(&lines)));
        }
        (Told::Done, _) => return Some(format!("model: {}; QEMU has done it", model())),
        (Told::Refused(_, text), Outcome::Done { .. }) => return Some(format!("model: done; QEMU: {text}")),
        (Told::Refused(_, text), outcome) => {
            let known = case.said.is_some_and(|said| genuine(case, outcome, said));
            if !known {
                let lines = case.shown.map_or_else(Vec::new, |shown| shown.against(&see::expected(after)));
                return Some(format!("model: {}; QEMU: {text}{}", model(), but(&lines)));
            }
        }
    }
    let shown = case.shown?;
    let expected = see::expected(after);
    let lines = shown.against(&expected);
    (!lines.is_empty()).then(|| format!("model: {}; the graphs differ: {}", model(), lines.join("; ")))
}

/// What else differs.
fn but(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!(", and otherwise: {}", lines.join("; ")) }
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
pub(super) fn genuine<const N: usize, const E: usize>(
    case: &Case<'_, N, E>,
    outcome: &Outcome<N, E>,
    said: &Said,
) -> bool {
    match outcome {
        Outcome::Failed { error, .. } => same_error(error, said),
        Outcome::Violates { graph, .. } => truth::is_said(&outcome.violations(), graph, said),
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
