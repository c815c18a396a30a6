//! What the explorers explore: a machine executes an action in a state, in each of its variants.
//!
//! The variants of an action are the same action while something goes wrong or another operation runs: a driver
//! refuses, a step fails, another operation comes in between.

use crate::invariants::{self, Broken};
use crate::judge::{Outcome, execute};
use crate::menu::{Action, Facet, Small};

/// A transition system over the states of the scopes.
pub trait Machine: Sync {
    /// What the machine reports of an action besides the next state.
    type Outcome;

    /// Returns the actions before the start: none, or those that lead to a named start.
    fn opening(&self) -> Vec<Action> {
        Vec::new()
    }

    /// Returns the invariant that a state breaks by itself. Such a state is not expanded.
    fn broken(&self, _state: &Small) -> Option<Broken> {
        None
    }

    /// Executes the action in the state, in all its variants, and reports each of them. The action itself comes first.
    fn each(&self, facet: &Facet, state: &Small, action: &Action, report: impl FnMut(Variant<'_, Self::Outcome>));
}

/// Returns the state from which a machine starts.
pub fn start(machine: &impl Machine) -> Small {
    machine.opening().iter().fold(Small::default(), |state, action| {
        match execute(&state, &action.ops, action.refusals()) {
            Outcome::Done { next, .. } => next,
            _ => state,
        }
    })
}

/// One variant of an action, with its result.
#[derive(Debug)]
pub struct Variant<'a, O> {
    /// 0 for the action itself.
    pub number: u16,
    /// What ran meanwhile. In a story it stands before the action.
    pub meanwhile: Option<&'a Action>,
    /// The action, with the refusal of this variant.
    pub action: &'a Action,
    /// What the machine reports of it.
    pub outcome: &'a O,
    /// The next state before renaming; `None` if the action was refused or broke something.
    pub next: Option<&'a Small>,
    /// The invariants that it broke.
    pub broken: &'a [Broken],
}

impl<O> Variant<'_, O> {
    /// Returns the same variant with another report.
    pub fn with<'a, P>(&'a self, outcome: &'a P) -> Variant<'a, P> {
        let Variant { number, meanwhile, action, next, broken, .. } = *self;
        Variant { number, meanwhile, action, outcome, next, broken }
    }

    /// Returns the actions as they stand in a story.
    pub fn actions(&self) -> Vec<Action> {
        self.meanwhile.into_iter().chain([self.action]).cloned().collect()
    }
}

/// The machine `atomic`: one step is one whole operation, and its variants are the refusals of the drivers that it
/// asks.
#[derive(Clone, Copy, Debug)]
pub struct Atomic;

impl Machine for Atomic {
    type Outcome = Outcome<6, 10>;

    fn broken(&self, state: &Small) -> Option<Broken> {
        invariants::broken(state)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, mut report: impl FnMut(Variant<'_, Self::Outcome>)) {
        let mut tell = |number: u16, action: &Action, outcome: &Outcome<6, 10>| {
            let broken = invariants::broken_step(state, &action.ops, action.refusals(), outcome);
            let next = match outcome {
                // A stale driver leads to a new state only in the facets that are about it.
                Outcome::Done { next, .. } if number == 0 || facet.lags => Some(next),
                _ => None,
            };
            report(Variant { number, meanwhile: None, action, outcome, next, broken: broken.as_slice() });
        };
        let outcome = execute(state, &action.ops, &[]);
        tell(0, action, &outcome);
        let Outcome::Done { plan, .. } = &outcome else {
            return;
        };
        for (number, refusal) in (1..).zip(plan.hooks()) {
            let action = action.refused(refusal);
            tell(number, &action, &execute(state, &action.ops, &[refusal]));
        }
    }
}
