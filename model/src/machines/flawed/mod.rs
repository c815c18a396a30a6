//! The model's own step with one defect put in. [`crate::execute`] stays as it is, and the same step is also executed
//! as QEMU executed it once, or still does.
//!
//! The flawed step is composed of the model's own operations: executed one after another without a common judgement,
//! accepted where the judgement refuses, edited before or after, with its own walk or its own counters. The state
//! between two steps is always right, so one step causes every difference; the difference is recorded, and leads to no
//! new state.

mod activity;
mod case;
mod chains;
mod contexts;
mod drain;
mod facets;
mod life;
mod permissions;
mod undo;

use super::Defect;
use crate::explore::SmallOutcome;
use crate::judge::{Outcome, execute};
use crate::machine::{Machine, Variant};
use crate::menu::{Action, Facet, Small};
use crate::op::Op;
use case::Case;

pub use case::{Corrected, Flawed, Observed, StoredState};
pub use facets::rooms;

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
    fn each(self, facet: &Facet, state: &Small, action: &Action, mut report: impl FnMut(Variant<'_, Observed>)) {
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
            let correct = Observed::of(&between, &outcome);
            let hook = attempt.hook;
            let case =
                Case { before: state, between: &between, hook, op, refusal, outcome: &outcome, correct: &correct };
            let flawed = self.taken(&case);
            let broken: &[_] = if flawed == correct { &[] } else { &[self.defect.id()] };
            let leads = correct.accepted && broken.is_empty() && (refusal.is_none() || facet.lags);
            report(Variant {
                number,
                meanwhile: attempt.meanwhile.as_ref(),
                action: &attempt.action,
                outcome: &flawed,
                next: leads.then_some(&correct.state),
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
                    let hooks = drain::interruptions(facet, state, node).into_iter();
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
    fn taken(self, case: &Case<'_>) -> Observed {
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
                drain::counted(case, on.then_some(self.defect))
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
            _ => case.correct.clone(),
        }
    }
}

impl Machine for Flawed {
    type Outcome = Observed;

    fn opening(&self) -> Vec<Action> {
        facets::opening(self.0)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, report: impl FnMut(Variant<'_, Observed>)) {
        Step { defect: self.0, on: true }.each(facet, state, action, report);
    }
}

impl Machine for Corrected {
    type Outcome = Observed;

    fn opening(&self) -> Vec<Action> {
        facets::opening(self.0)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, report: impl FnMut(Variant<'_, Observed>)) {
        Step { defect: self.0, on: false }.each(facet, state, action, report);
    }
}
