//! The star replay: all operations of a state, from one restored graph.

use crate::compare::compare_step;
use crate::impl_subject::ImplSubject;
use crate::replay::{Mismatch, Tally, guarded};
use crate::restore::restore_into;
use blockgraph_model::Outcome;
use blockgraph_model::explore::{SmallOutcome, Visitor};
use blockgraph_model::machine::Atomic;
use blockgraph_model::menu::{Action, Small};
use blockgraph_model::table::Table;
use blockgraph_story::turn::turns;

/// Replays on the crate what the explorer visits, and counts the outcomes.
pub struct Star {
    /// The graph restored for the present state.
    origin: ImplSubject,
    /// The graph on which refused operations run one after another.
    same: ImplSubject,
    /// The graph on which an accepted operation runs.
    copy: ImplSubject,
    state: Small,
    index: u32,
    /// What was compared.
    pub tally: Tally,
    /// The outcomes that were met.
    pub table: Table,
    /// The first difference: the state, the action in the names of the state, and what differs.
    pub found: Option<(u32, Action, String)>,
}

impl Default for Star {
    fn default() -> Self {
        Star {
            origin: ImplSubject::sized(6, 11),
            same: ImplSubject::sized(6, 11),
            copy: ImplSubject::sized(6, 11),
            state: Small::default(),
            index: 0,
            tally: Tally::default(),
            table: Table::default(),
            found: None,
        }
    }
}

impl Star {
    fn replay(&mut self, action: &Action, outcome: &SmallOutcome) -> Option<String> {
        match outcome {
            Outcome::Done { next, .. } => {
                self.copy.copy_from(&self.origin);
                guarded(&mut self.copy, &action.ops, action.refusals(), |subject, answer| {
                    compare_step(outcome, answer, subject, next)
                })
            }
            _ => {
                let state = &self.state;
                guarded(&mut self.same, &action.ops, action.refusals(), |subject, answer| {
                    compare_step(outcome, answer, subject, state)
                })
            }
        }
    }
}

impl Visitor for Star {
    fn state(&mut self, index: u32, state: &Small) {
        self.table.state(index, state);
        self.index = index;
        self.state = *state;
        if self.found.is_some() {
            return;
        }
        self.tally.restored += 1;
        match restore_into(&mut self.origin, state) {
            Ok(()) => self.same.copy_from(&self.origin),
            Err(what) => self.found = Some((index, nothing(), format!("the snapshot was refused: {what}"))),
        }
    }

    fn transition(&mut self, action: &Action, outcome: &SmallOutcome) {
        self.table.transition(action, outcome);
        if self.found.is_some() {
            return;
        }
        if let Some(what) = self.replay(action, outcome) {
            self.found = Some((self.index, action.clone(), what));
        }
        match (action.refusal, outcome) {
            (Some(_), _) => self.tally.injected += 1,
            (None, Outcome::Done { .. }) => self.tally.accepted += 1,
            (None, _) => self.tally.refused += 1,
        }
    }

    fn enough(&self) -> bool {
        self.found.is_some()
    }
}

/// An empty transaction, which a restored graph must survive.
fn nothing() -> Action {
    Action { ops: Default::default(), refusal: None }
}

/// Returns the difference nearest to the empty graph, of all that the threads found.
pub fn nearest(
    explored: &blockgraph_model::explore::Exploration,
    facet: &blockgraph_model::menu::Facet,
    stars: &[Star],
) -> Option<Mismatch> {
    let (state, action, what) = stars.iter().filter_map(|star| star.found.as_ref()).min_by_key(|found| found.0)?;
    let story = turns(&explored.trace_and(&Atomic, facet, *state, std::slice::from_ref(action)));
    Some(Mismatch { state: *state, story, what: what.clone() })
}
