//! The model's own step with one defect put in. [`crate::execute`] stays as it is, and the same step is also executed
//! as QEMU executed it once, or still does.
//!
//! The flawed step is composed of the model's own operations: executed one after another without a common judgement,
//! accepted where the judgement refuses, edited before or after, with its own walk or its own counters. The state
//! between two steps is always right, so one step causes every difference; the difference is recorded, and leads to no
//! new state.

mod activity;
mod chains;
mod contexts;
mod facets;
mod life;
mod permissions;
mod quiet;
mod undo;

use super::Defect;
use crate::explore::SmallOutcome;
use crate::judge::{Outcome, execute};
use crate::machine::{Machine, Variant};
use crate::menu::{Action, Facet, Small};
use crate::op::{NodeId, Op, OpKinds, Refusal, Role};
use crate::state::Edge;
use crate::step::Work;

pub use facets::rooms;

/// The number of names.
const NAMES: usize = 6;

/// The model's step with one defect put in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flawed(pub Defect);

/// The same step, composed of the same parts, with the defect switched off. Nothing may be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mended(pub Defect);

/// The result of an action: everything that is compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Whether it was accepted.
    pub accepted: bool,
    /// The state afterwards; the state before if it was refused.
    pub state: Small,
    /// What QEMU stores and the model derives.
    pub kept: Kept,
}

/// What QEMU keeps from one operation to the next, and the model derives from the graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Q1: the quiesce counts, by name.
    pub counts: [i16; NAMES],
    /// How many nodes have stopped taking requests. A context counts them (QEMU: its disabled external clients).
    pub stopped: i16,
    /// Q4: the nodes that were told to go on although they are quiesced before and after, by name.
    pub disturbed: [bool; NAMES],
    /// L4.1: the kinds that are blocked on each node, by name.
    pub blocked: [OpKinds; NAMES],
}

impl Kept {
    /// Returns the right values in a state.
    pub fn of(state: &Small) -> Kept {
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
        Kept {
            counts,
            stopped: quiesced.iter().filter(|quiet| **quiet).count() as i16,
            disturbed: [false; NAMES],
            blocked,
        }
    }
}

impl Told {
    fn at(accepted: bool, state: Small) -> Told {
        Told { accepted, state, kept: Kept::of(&state) }
    }

    fn of(before: &Small, outcome: &SmallOutcome) -> Told {
        match outcome {
            Outcome::Done { next, .. } => Told::at(true, *next),
            _ => Told::at(false, *before),
        }
    }

    fn refused(before: &Small) -> Told {
        Told::at(false, *before)
    }
}

/// One action to be executed both ways.
#[derive(Debug)]
struct Case<'a> {
    /// The state before it, and before what runs meanwhile.
    before: &'a Small,
    /// The state after what runs meanwhile.
    between: &'a Small,
    /// The resume hook in which another operation runs, if there is one: the place in the parents list of the node
    /// whose section ends.
    hook: Option<usize>,
    op: Op,
    refusal: Option<Refusal>,
    /// The right outcome.
    outcome: &'a SmallOutcome,
    honest: &'a Told,
}

impl Case<'_> {
    /// Executes the operation in another state.
    fn executed(&self, state: &Small) -> SmallOutcome {
        execute(state, &[self.op], self.refusal.as_slice())
    }
}

/// A way to execute an action.
#[derive(Debug)]
struct Attempt {
    meanwhile: Option<Action>,
    hook: Option<usize>,
    action: Action,
}

/// The step with its switch.
#[derive(Clone, Copy, Debug)]
struct Step {
    defect: Defect,
    on: bool,
}

impl Step {
    fn each(self, facet: &Facet, state: &Small, action: &Action, mut told: impl FnMut(Variant<'_, Told>)) {
        let &[op] = &action.ops[..] else {
            return;
        };
        let plain = execute(state, &[op], &[]);
        for (number, attempt) in (0..).zip(self.attempts(facet, state, action, &plain)) {
            let between = match attempt.meanwhile.as_ref().map(|op| execute(state, &op.ops, &[])) {
                Some(Outcome::Done { next, .. }) => next,
                _ => *state,
            };
            let refusal = attempt.action.refusal;
            let outcome = execute(&between, &[op], refusal.as_slice());
            let honest = Told::of(&between, &outcome);
            let hook = attempt.hook;
            let case = Case { before: state, between: &between, hook, op, refusal, outcome: &outcome, honest: &honest };
            let flawed = self.taken(&case);
            let broken: &[_] = if flawed == honest { &[] } else { &[self.defect.id()] };
            let leads = honest.accepted && broken.is_empty() && (refusal.is_none() || facet.lags);
            told(Variant {
                number,
                meanwhile: attempt.meanwhile.as_ref(),
                action: &attempt.action,
                outcome: &flawed,
                next: leads.then_some(&honest.state),
                broken,
            });
        }
    }

    /// Returns the action itself and, where the defect is about it, what may go wrong or run meanwhile.
    fn attempts(self, facet: &Facet, state: &Small, action: &Action, plain: &SmallOutcome) -> Vec<Attempt> {
        let mut all = vec![Attempt { meanwhile: None, hook: None, action: action.clone() }];
        match self.defect {
            Defect::N42 | Defect::N45 | Defect::N50 => {
                if let Outcome::Done { plan, .. } = plain {
                    let refused = plan.hooks().map(|refusal| action.refused(refusal));
                    all.extend(refused.map(|action| Attempt { meanwhile: None, hook: None, action }));
                }
            }
            Defect::H40 | Defect::H40b => {
                if let Op::DrainEnd { node } = action.ops[0] {
                    let hooks = quiet::interruptions(facet, state, node).into_iter();
                    let attempt =
                        |(hook, op)| Attempt { meanwhile: Some(op), hook: Some(hook), action: action.clone() };
                    all.extend(hooks.map(attempt));
                }
            }
            _ => {}
        }
        all
    }

    /// Executes the step as the defect does.
    fn taken(self, case: &Case<'_>) -> Told {
        let on = self.on;
        match self.defect {
            Defect::H14 => permissions::one_by_one(case, on),
            Defect::H24 => activity::over_writers(case, on),
            Defect::H33a | Defect::H33b | Defect::H33c | Defect::H33d => {
                chains::frozen(case, on.then_some(self.defect))
            }
            Defect::H34 => contexts::attached(case, on),
            Defect::H35 => contexts::moved(case, on),
            Defect::H40 | Defect::H40b | Defect::H42 | Defect::H44 | Defect::H44b | Defect::H61 | Defect::N52 => {
                quiet::counted(case, on.then_some(self.defect))
            }
            Defect::H63 => activity::over_inactive(case, on),
            Defect::N41 => undo::at_the_head(case, on),
            Defect::N42 => undo::names_stay(case, on),
            Defect::N43 => life::pointers_stay(case, on),
            Defect::N44 => life::blockers_stay(case, on),
            Defect::N45 => permissions::not_stale(case, on),
            Defect::N46 => permissions::not_widened(case, on),
            Defect::N47 => chains::implicit_seen(case, on),
            Defect::N48 => activity::half_inactivated(case, on),
            Defect::N49 => contexts::dragged(case, on),
            Defect::N50 => permissions::not_asked_below(case, on),
            Defect::N53 => life::name_renewed(case, on),
            Defect::N54 => contexts::inserted(case, on),
            Defect::N51 => activity::half_activated(case, on),
            _ => case.honest.clone(),
        }
    }
}

impl Machine for Flawed {
    type Outcome = Told;

    fn opening(&self) -> Vec<Action> {
        facets::opening(self.0)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, told: impl FnMut(Variant<'_, Told>)) {
        Step { defect: self.0, on: true }.each(facet, state, action, told);
    }
}

impl Machine for Mended {
    type Outcome = Told;

    fn opening(&self) -> Vec<Action> {
        facets::opening(self.0)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, told: impl FnMut(Variant<'_, Told>)) {
        Step { defect: self.0, on: false }.each(facet, state, action, told);
    }
}

/// Returns the state that the operation leads to without the judgement, or `None` if contexts cannot be settled.
fn let_pass(before: &Small, op: Op) -> Option<Small> {
    let mut work = Work::new(before);
    work.step(op).ok()?;
    let derived = crate::judge::derive(&work.graph)?;
    let settled = crate::contexts::settle(&work).ok()?;
    match crate::judge::finish(work, derived, settled, &[]) {
        Outcome::Done { next, .. } => Some(next),
        _ => None,
    }
}

/// L4.1
fn blocks(edge: &Edge) -> OpKinds {
    let by_role = if edge.role.has(Role::COW) { OpKinds::COW } else { OpKinds::NONE };
    OpKinds(edge.blocks.0 | by_role.0)
}
