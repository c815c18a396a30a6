//! One action that is executed both ways, and what is compared.

use crate::derived::derive;
use crate::explore::SmallOutcome;
use crate::judge::{Outcome, execute, finish};
use crate::machines::Defect;
use crate::menu::Small;
use crate::op::{NodeId, Op, OpKinds, Refusal, Role};
use crate::state::Edge;
use crate::step::Work;

/// The number of names.
pub(super) const NAMES: usize = 6;

/// The model's step with one defect put in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flawed(pub Defect);

/// The same step, composed of the same parts, with the defect switched off. Nothing may be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corrected(pub Defect);

/// The result of an action: everything that is compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observed {
    /// Whether it was accepted.
    pub accepted: bool,
    /// The state afterwards; the state before if it was refused.
    pub state: Small,
    /// What QEMU stores and the model derives.
    pub kept: StoredState,
}

/// What QEMU keeps from one operation to the next, and the model derives from the graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredState {
    /// Q1: the quiesce counts, by name.
    pub counts: [i16; NAMES],
    /// How many nodes have stopped taking requests. A context counts them (QEMU: its disabled external clients).
    pub stopped: i16,
    /// Q4: the nodes that were told to go on although they are quiesced before and after, by name.
    pub disturbed: [bool; NAMES],
    /// L4.1: the kinds that are blocked on each node, by name.
    pub blocked: [OpKinds; NAMES],
}

impl StoredState {
    /// Returns the right values in a state.
    pub fn of(state: &Small) -> StoredState {
        let quiesced = state.quiesced();
        let count = |i: usize| match state.nodes[i].kind {
            Some(_) => state.quiesce_count(NodeId(i as u8), &quiesced) as i16,
            None => 0,
        };
        let counts = std::array::from_fn(count);
        let mut blocked = [OpKinds::NONE; NAMES];
        for edge in state.edges() {
            blocked[edge.child.0 as usize].0 |= blocks(edge).0;
        }
        StoredState {
            counts,
            stopped: quiesced.iter().filter(|drain| **drain).count() as i16,
            disturbed: [false; NAMES],
            blocked,
        }
    }
}

impl Observed {
    pub(super) fn at(accepted: bool, state: Small) -> Observed {
        Observed { accepted, state, kept: StoredState::of(&state) }
    }

    pub(super) fn of(before: &Small, outcome: &SmallOutcome) -> Observed {
        match outcome {
            Outcome::Done { next, .. } => Observed::at(true, *next),
            _ => Observed::at(false, *before),
        }
    }

    pub(super) fn refused(before: &Small) -> Observed {
        Observed::at(false, *before)
    }
}

/// One action to be executed both ways.
#[derive(Debug)]
pub(super) struct Case<'a> {
    /// The state before it, and before what runs meanwhile.
    pub(super) before: &'a Small,
    /// The state after what runs meanwhile.
    pub(super) between: &'a Small,
    /// The resume hook in which another operation runs, if there is one: the place in the parents list of the node
    /// whose section ends.
    pub(super) hook: Option<usize>,
    pub(super) op: Op,
    pub(super) refusal: Option<Refusal>,
    /// The right outcome.
    pub(super) outcome: &'a SmallOutcome,
    pub(super) correct: &'a Observed,
}

impl Case<'_> {
    /// Executes the operation in another state.
    pub(super) fn executed(&self, state: &Small) -> SmallOutcome {
        execute(state, &[self.op], self.refusal.as_slice())
    }
}

/// Returns the state that the operation leads to without the judgement, or `None` if contexts cannot be settled.
pub(super) fn let_pass(before: &Small, op: Op) -> Option<Small> {
    let mut work = Work::new(before);
    work.step(op).ok()?;
    let derived = derive(&work.graph)?;
    let settled = crate::contexts::settle(&work).ok()?;
    match finish(work, derived, settled, &[]) {
        Outcome::Done { next, .. } => Some(next),
        _ => None,
    }
}

/// L4.1
pub(super) fn blocks(edge: &Edge) -> OpKinds {
    let by_role = if edge.role.has(Role::COW) { OpKinds::COW } else { OpKinds::NONE };
    OpKinds(edge.blocks.0 | by_role.0)
}
