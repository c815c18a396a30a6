//! What the explorers explore: a machine says what becomes of an action in a state, in each of its variants.
//!
//! The variants of an action are the same action while something goes wrong, or while something else runs: a driver
//! refuses, a step fails, another operation comes in between.

use crate::invariants::{self, Broken};
use crate::judge::{Outcome, execute};
use crate::menu::{Action, Facet, Small};

/// A transition system over the states of the scopes.
pub trait Machine: Sync {
    /// What it tells of an action besides the next state.
    type Outcome;

    /// What is done before it starts: nothing, or what leads to a start that has a name.
    fn opening(&self) -> Vec<Action> {
        Vec::new()
    }

    /// The invariant that a state breaks by itself; such a state is not expanded.
    fn broken(&self, _state: &Small) -> Option<Broken> {
        None
    }

    /// Takes the action in the state, in all its variants, the action as it stands first.
    fn each(&self, facet: &Facet, state: &Small, action: &Action, told: impl FnMut(Variant<'_, Self::Outcome>));
}

/// The state that a machine starts from.
pub fn start(machine: &impl Machine) -> Small {
    machine.opening().iter().fold(Small::default(), |state, action| {
        match execute(&state, &action.ops, action.refusals()) {
            Outcome::Done { next, .. } => next,
            _ => state,
        }
    })
}

/// One variant of an action, and what came of it.
#[derive(Debug)]
pub struct Variant<'a, O> {
    /// 0: the action as it stands.
    pub number: u16,
    /// What ran meanwhile; it stands before the action in a story.
    pub meanwhile: Option<&'a Action>,
    /// The action, with the refusal of this variant.
    pub action: &'a Action,
    /// What the machine tells of it.
    pub outcome: &'a O,
    /// Where it leads, before renaming; nowhere if it was refused, or broke something.
    pub next: Option<&'a Small>,
    /// The invariants that it broke.
    pub broken: &'a [Broken],
}

impl<O> Variant<'_, O> {
    /// The same, of which something else is told.
    pub fn with<'a, P>(&'a self, outcome: &'a P) -> Variant<'a, P> {
        let Variant { number, meanwhile, action, next, broken, .. } = *self;
        Variant { number, meanwhile, action, outcome, next, broken }
    }

    /// The actions as they stand in a story.
    pub fn actions(&self) -> Vec<Action> {
        self.meanwhile.into_iter().chain([self.action]).cloned().collect()
    }
}

/// The machine `atomic`: one step is one whole operation; its variants are the refusals of the drivers that it asks.
#[derive(Clone, Copy, Debug)]
pub struct Atomic;

impl Machine for Atomic {
    type Outcome = Outcome<6, 10>;

    fn broken(&self, state: &Small) -> Option<Broken> {
        invariants::broken(state)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, mut told: impl FnMut(Variant<'_, Self::Outcome>)) {
        let mut tell = |number: u16, action: &Action, outcome: &Outcome<6, 10>| {
            let broken = invariants::broken_step(state, &action.ops, action.refusals(), outcome);
            let next = match outcome {
                // A lagging driver leads on only where the facet is about that.
                Outcome::Done { next, .. } if number == 0 || facet.lags => Some(next),
                _ => None,
            };
            told(Variant { number, meanwhile: None, action, outcome, next, broken: broken.as_slice() });
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
