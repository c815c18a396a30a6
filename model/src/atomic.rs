//! The machine `atomic` as a stateright [`Model`]: one action is one whole operation.
//!
//! The same menus, the same step and the same renaming as the exact explorer, so both count the same states. One combined
//! property, because stateright's breadth-first search gives shortest traces only for a single one; the violated
//! invariant's name is in the state's picture and in [`Atomic::broken`].

use crate::canon::canonical;
use crate::invariants::{self, Broken};
use crate::judge::{Outcome, execute};
use crate::menu::{Action, Facet, Small};
use crate::svg;
use stateright::{Model, Path, Property};

/// A facet as a stateright model.
#[derive(Clone, Debug)]
pub struct Atomic {
    /// The bounds.
    pub facet: Facet,
}

impl Atomic {
    /// The invariant that a state, or an operation possible in it, breaks.
    pub fn broken(&self, state: &Small) -> Option<Broken> {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        let step = |action: &Action| {
            let outcome = execute(state, &action.ops, action.refusals());
            invariants::broken_step(state, &action.ops, action.refusals(), &outcome)
        };
        invariants::broken(state).or_else(|| actions.iter().find_map(step))
    }
}

impl Model for Atomic {
    type State = Small;
    type Action = Action;

    fn init_states(&self) -> Vec<Small> {
        vec![Small::default()]
    }

    fn actions(&self, state: &Small, actions: &mut Vec<Action>) {
        for (_, action) in self.facet.menu(state).iter() {
            if self.facet.lags
                && let Outcome::Done { plan, .. } = execute(state, &action.ops, &[])
            {
                actions.extend(plan.hooks().map(|refusal| action.refused(refusal)));
            }
            actions.push(action);
        }
    }

    fn next_state(&self, state: &Small, action: Action) -> Option<Small> {
        match execute(state, &action.ops, action.refusals()) {
            Outcome::Done { next, .. } => Some(canonical(&next).0),
            _ => None,
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("all invariants", |model: &Atomic, state| model.broken(state).is_none())]
    }

    fn format_action(&self, action: &Action) -> String {
        let ops: Vec<String> = action.ops.iter().map(|op| format!("{op:?}")).collect();
        match action.refusal {
            Some(refusal) => format!("{} while {refusal:?}", ops.join("; ")),
            None => ops.join("; "),
        }
    }

    fn format_step(&self, state: &Small, action: Action) -> Option<String> {
        let next = self.next_state(state, action)?;
        Some(svg::lines(&next).join("\n"))
    }

    fn as_svg(&self, path: Path<Small, Action>) -> Option<String> {
        Some(svg::picture(path.last_state()))
    }
}
