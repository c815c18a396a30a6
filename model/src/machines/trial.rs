//! One step of an algorithm, compared with the machine `atomic`.

use super::algorithm::{Algorithm, ChangedPart, Ended, Exception, Fault, Met, Point, Verdict};
use super::fault_texts::FaultTexts;
use super::heap::{Heap, Read};
use super::{Defect, Recursive, Transactional};
use crate::derived::derive;
use crate::judge::{Kinds, Outcome, execute};
use crate::machine::{Machine, Variant};
use crate::menu::{Action, Facet, Small};
use crate::op::{EdgeId, Kind, Op, Refusal, StepError};
use crate::orders::unranked;
use crate::perm::Pair;
use arrayvec::ArrayVec;

/// What the machine reports of a variant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrialResult {
    /// It does what `atomic` does.
    Same,
    /// It differs, and is right to differ.
    Exception(Exception),
    /// It differs: what it did, for each defect in the order of the variant.
    Defect(FaultTexts),
}

/// The two algorithms as machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trial {
    /// Seed 0.
    Recursive(Recursive),
    /// Seed 1.
    Transactional(Transactional),
}

/// How an algorithm ends without an injected failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndKind {
    /// It reported success.
    Accepted,
    /// It reported an error.
    Refused,
    /// An assertion failed, or the stack overflowed.
    Died,
}

/// The result of an algorithm without an injected failure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepReport {
    /// How it ended.
    pub how: EndKind,
    /// The graph that it left; `None` if that is not a graph.
    pub state: Option<Box<Small>>,
    /// The stored pairs of edges that are not those of the rule.
    pub pairs: Vec<(EdgeId, Pair)>,
    /// The defects that the result shows. Defects that show only in the middle are not included.
    pub defects: Vec<Defect>,
}

impl Trial {
    /// Executes one operation. Returns `None` if the algorithm would not be asked to.
    pub fn step(&self, state: &Small, op: &Op) -> Option<StepReport> {
        match self {
            Trial::Recursive(machine) => step(machine, state, op),
            Trial::Transactional(machine) => step(machine, state, op),
        }
    }
}

fn step(machine: &impl Algorithm, state: &Small, op: &Op) -> Option<StepReport> {
    let right = execute(state, &[*op], &[]);
    if !machine.knows(op) || machine.asserts(op).or_else(|| not_asked(state, op, &right)).is_some() {
        return None;
    }
    let mut heap = Heap::load(state);
    let (ended, point) = machine.run(state, &mut heap, op, None);
    let (faults, _) = compare(state, &right, ended, point, &heap);
    let met = |fault| Met { before: state, op, fault, point, right: &right, after: heap.nodes() };
    let defect = |fault| match machine.verdict(&met(fault)) {
        Verdict::Defect(defect) if !matches!(fault, Fault::Seen(_)) => Some(defect),
        _ => None,
    };
    let state = match heap.read() {
        Read::State(state, _) => Some(state),
        Read::Broken(_) => None,
    };
    let pairs = state.as_ref().map_or_else(Vec::new, |state| stored_otherwise(&heap, state));
    let how = match ended {
        Ended::Died => EndKind::Died,
        Ended::Refused => EndKind::Refused,
        Ended::Done => EndKind::Accepted,
    };
    Some(StepReport { how, state, pairs, defects: faults.into_iter().filter_map(defect).collect() })
}

/// Returns the edges whose stored pair is not that of the rule, with that pair.
fn stored_otherwise(heap: &Heap, state: &Small) -> Vec<(EdgeId, Pair)> {
    let Some(derived) = derive(state) else { return Vec::new() };
    let right = |id: EdgeId| state.edge_index(id).map(|i| derived.edges[i]);
    let alive = heap.links.iter().filter(|child| !child.freed && child.target.is_some());
    alive.map(|child| (child.edge.id(), child.pair)).filter(|(id, pair)| right(*id) != Some(*pair)).collect()
}

impl Machine for Trial {
    type Outcome = TrialResult;

    fn each(&self, _: &Facet, state: &Small, action: &Action, report: impl FnMut(Variant<'_, TrialResult>)) {
        match self {
            Trial::Recursive(machine) => each(machine, state, action, report),
            Trial::Transactional(machine) => each(machine, state, action, report),
        }
    }
}

fn each(machine: &impl Algorithm, state: &Small, action: &Action, mut report: impl FnMut(Variant<'_, TrialResult>)) {
    let right = execute(state, &action.ops, &[]);
    let mut tell =
        |number: u16, action: &Action, broken: &[&'static str], told_of: TrialResult, next: Option<&Small>| {
            report(Variant { number, meanwhile: None, action, outcome: &told_of, next, broken });
        };
    let op = match action.ops.as_slice() {
        [op] if machine.knows(op) => op,
        _ => {
            let next = if let Outcome::Done { next, .. } = &right { Some(next) } else { None };
            return tell(0, action, &[], TrialResult::Same, next);
        }
    };
    if let Some(exception) = machine.asserts(op).or_else(|| not_asked(state, op, &right)) {
        return tell(0, action, &[], TrialResult::Exception(exception), None);
    }
    let memory = Heap::load(state);
    let points = if machine.fails() { u16::MAX } else { 1 };
    for number in 0..points {
        let mut heap = memory.clone();
        let (ended, point) = machine.run(state, &mut heap, op, number.checked_sub(1));
        if number > 0 && point.is_none() {
            break;
        }
        let refusal = match point {
            Some(Point::Hook(node, hook)) => Some(Refusal { node, hook }),
            _ => None,
        };
        let action = refusal.map_or_else(|| action.clone(), |refusal| action.refused(refusal));
        let refused = refusal.map(|refusal| execute(state, &action.ops, &[refusal]));
        let right = refused.as_ref().unwrap_or(&right);
        let (faults, result) = compare(state, right, ended, point, &heap);
        let mut broken: ArrayVec<&'static str, 3> = ArrayVec::new();
        let (mut told_of, mut leads_on) = (TrialResult::Same, true);
        let mut did: FaultTexts = [""; 3];
        for fault in faults {
            // The next one overwrites what is not a defect.
            did[broken.len()] = fault.text();
            match machine.verdict(&Met { before: state, op, fault, point, right, after: heap.nodes() }) {
                Verdict::Defect(defect) => broken.push(defect.id()),
                Verdict::Exception(exception) => told_of = TrialResult::Exception(exception),
                Verdict::Unexplained => broken.push("unexplained"),
            }
            leads_on &= matches!(fault, Fault::Seen(_)) || told_of != TrialResult::Same;
        }
        if !broken.is_empty() {
            told_of = TrialResult::Defect(did);
        }
        // After an injected failure, the state before is reached again.
        let next = result.as_deref().filter(|_| leads_on && number == 0);
        tell(number, &action, &broken, told_of, next);
    }
}

/// Returns why the algorithm would not be asked to do this. What it checks itself, or should have, is not the caller's
/// responsibility.
fn not_asked(state: &Small, op: &Op, right: &Outcome<6, 10>) -> Option<Exception> {
    let Outcome::Failed { error, .. } = right else { return None };
    let its_own = match (op, error) {
        (Op::Append { new, .. }, StepError::SameNode { .. }) => {
            let has_slot = |kind: Kind| kind.filter_slot().is_some() || kind.supports_cow();
            state.chain_edge(*new).is_none() && state.nodes[usize::from(new.0)].kind.is_some_and(has_slot)
        }
        (Op::Detach { .. }, StepError::Frozen { .. }) => false,
        (_, StepError::Frozen { .. } | StepError::ShouldNotChange { .. }) => true,
        _ => false,
    };
    (!its_own).then_some(Exception::Contract)
}

/// Returns all differences, and the state that resulted if there is one.
fn compare(
    before: &Small,
    right: &Outcome<6, 10>,
    ended: Ended,
    point: Option<Point>,
    heap: &Heap,
) -> (ArrayVec<Fault, 3>, Option<Box<Small>>) {
    let mut faults: ArrayVec<Fault, 3> = heap.seen.map(Fault::Seen).into_iter().collect();
    let read = heap.read();
    match ended {
        Ended::Died => faults.push(Fault::Died),
        Ended::Refused => {
            faults.extend(left_behind(before, &read).map(Fault::NotUndone));
            let injected =
                point.is_some_and(|point| point == Point::Action || matches!(right, Outcome::Refused { .. }));
            if !injected && matches!(right, Outcome::Done { .. }) {
                faults.push(Fault::WronglyRefused);
            }
        }
        Ended::Done => {
            let (fault, state) = accepted(right, read);
            faults.extend(fault);
            return (faults, state);
        }
    }
    (faults, None)
}

/// Returns what a refused operation has left changed.
fn left_behind(before: &Small, read: &Read) -> Option<ChangedPart> {
    match read {
        Read::Broken(_) => Some(ChangedPart::Edges),
        Read::State(state, _) if **state != *before => Some(other_part(state, before)),
        Read::State(_, wrong) => wrong.map(|_| ChangedPart::Pairs),
    }
}

/// Returns the result of an operation that was accepted.
fn accepted(right: &Outcome<6, 10>, read: Read) -> (Option<Fault>, Option<Box<Small>>) {
    let state = match read {
        Read::Broken(sight) => return (Some(Fault::Unsound(sight, None)), None),
        Read::State(state, wrong) => {
            let kinds = match right {
                Outcome::Done { .. } => None,
                Outcome::Violates { kinds, .. } => Some(*kinds),
                _ => Some(Kinds::default()),
            };
            if let Some(kinds) = kinds {
                return (Some(Fault::WronglyAccepted(kinds)), None);
            }
            if let Some((sight, edge)) = wrong {
                return (Some(Fault::Unsound(sight, edge)), None);
            }
            state
        }
    };
    let fault = match right {
        Outcome::Done { next, .. } if *next != *state => match other_part(&state, next) {
            ChangedPart::Lists => None,
            part => Some(Fault::Otherwise(part)),
        },
        _ => None,
    };
    (fault, Some(state))
}

/// Returns the most important part in which two states differ.
fn other_part(a: &Small, b: &Small) -> ChangedPart {
    if unranked(a) != unranked(b) {
        return ChangedPart::Edges;
    }
    if a.nodes != b.nodes { ChangedPart::Nodes } else { ChangedPart::Lists }
}
