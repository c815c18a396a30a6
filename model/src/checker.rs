//! The machines as stateright [`Model`]s: one action of the model is one variant of an action of the facet.
//!
//! It uses the menus, the steps and the renaming of the exact explorer, so both count the same states. It has one
//! combined property, because stateright's breadth-first search gives shortest traces only for a single one;
//! [`Checked::broken`] names the violated invariant.

use crate::canon::canonical;
use crate::invariants::Broken;
use crate::machine::{self, Atomic, Machine, Variant};
use crate::menu::{Action, Facet, Small};
use crate::svg;
use stateright::{Model, Path, Property};

/// A facet of a machine as a stateright model.
#[derive(Clone, Debug)]
pub struct Checked<M = Atomic> {
    /// The bounds.
    pub facet: Facet,
    /// The machine that is explored within the bounds.
    pub machine: M,
}

/// One variant of an action.
#[derive(Clone, PartialEq, Debug)]
pub struct Taken {
    /// What runs meanwhile.
    meanwhile: Option<Action>,
    /// The action, with the refusal of the variant.
    action: Action,
    /// The number of the variant.
    number: u16,
    /// The next state.
    next: Small,
}

impl<M: Machine> Checked<M> {
    fn each(&self, state: &Small, mut report: impl FnMut(Variant<'_, M::Outcome>)) {
        for (_, action) in self.facet.menu(state).iter() {
            self.machine.each(&self.facet, state, &action, &mut report);
        }
    }

    /// Returns the invariant that a state, or an action possible in it, breaks.
    pub fn broken(&self, state: &Small) -> Option<Broken> {
        let mut found = self.machine.broken(state);
        if found.is_none() {
            self.each(state, |tried| found = found.or(tried.broken.first().copied()));
        }
        found
    }
}

impl<M: Machine> Model for Checked<M> {
    type State = Small;
    type Action = Taken;

    fn init_states(&self) -> Vec<Small> {
        vec![canonical(&machine::start(&self.machine)).0]
    }

    fn actions(&self, state: &Small, actions: &mut Vec<Taken>) {
        self.each(state, |tried| {
            if let Some(next) = tried.next {
                let (meanwhile, action) = (tried.meanwhile.cloned(), tried.action.clone());
                actions.push(Taken { meanwhile, action, number: tried.number, next: *next });
            }
        });
    }

    fn next_state(&self, _state: &Small, taken: Taken) -> Option<Small> {
        Some(canonical(&taken.next).0)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("all invariants", |model: &Checked<M>, state| model.broken(state).is_none())]
    }

    fn format_action(&self, taken: &Taken) -> String {
        let lines = taken.meanwhile.iter().chain([&taken.action]).map(|action| {
            let ops: Vec<String> = action.ops.iter().map(|op| format!("{op:?}")).collect();
            match action.refusal {
                Some(refusal) => format!("{} while {refusal:?}", ops.join("; ")),
                None => ops.join("; "),
            }
        });
        lines.collect::<Vec<_>>().join(", then ")
    }

    fn format_step(&self, _state: &Small, taken: Taken) -> Option<String> {
        Some(svg::lines(&taken.next).join("\n"))
    }

    fn as_svg(&self, path: Path<Small, Taken>) -> Option<String> {
        Some(svg::picture(path.last_state()))
    }
}
