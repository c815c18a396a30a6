//! The machine `polling`: operations that QEMU executes in several parts, with polls between them and other operations
//! running there.
//!
//! An action has one variant for each pair of a poll and an action of the facet's menu that runs at it, the *intruder*.
//! An intruder is executed as a whole. What the operation itself remembers across the poll is what QEMU remembered: raw
//! pointers (`arena`). The result must be that of the two operations one after the other, in either order (the
//! operation is linearizable): the same state, lists included, with the operation accepted in both or in neither. An
//! intruder that is refused, perhaps only because the operation holds references, counts as if it had not run. At every
//! poll the state must satisfy all invariants that hold between operations, because other code runs.
//!
//! In a story the intruder stands before the operation. The states that the two lead to are reached without polls as
//! well, so variants lead to no new state.

mod arena;
mod config;
mod context;
mod facets;
mod intermediate;
mod iterate;
mod replace;
mod stream;

pub use config::{Order, Polling, Start};
pub use facets::rooms;

use super::Defect;
use crate::invariants::{self, Broken};
use crate::judge::{Outcome, execute};
use crate::machine::{Machine, Variant};
use crate::menu::{Action, Facet, Small};
use crate::op::{Act, Op};
use arena::{Intruder, PartResult, Run, Stop, View};
use arrayvec::ArrayVec;
use config::UNEXPLAINED;
use stream::Stream;

impl Polling {
    /// Runs the operation. Returns `None` for an operation that never polls.
    fn play<'a>(&self, before: &Small, op: Op, intruder: Option<Intruder<'a>>) -> Option<Ended> {
        let at_polls = match op {
            Op::MoveContext { .. } => {
                |broken: Broken| if broken == ONE_CONTEXT { Defect::H37.id() } else { UNEXPLAINED }
            }
            _ => |_: Broken| UNEXPLAINED,
        };
        let mut run = Run::new(before, intruder, at_polls);
        let came = match op {
            Op::ReplaceNode { from, to } => run.replace_node(self.order, from, to),
            Op::DropFilter { filter } => run.drop_filter(self.order, filter),
            Op::DropIntermediate { top, base, name } => run.drop_intermediate(self.order, (top, base), name),
            Op::Stream { act: Act::Finish, job, node, bottom, filter } => {
                run.stream_finish(self.order, Stream { job, node, bottom, filter })
            }
            Op::MoveContext { node, to } => run.move_context(self.order, node, to),
            Op::DrainAllBegin {} => run.drain_all(self.order),
            _ => return None,
        };
        Some(Ended::of(run, came))
    }
}

/// The name of invariant C1.
const ONE_CONTEXT: Broken = invariants::NAMES[13];

/// The result of a run.
#[derive(Default)]
struct Ended {
    /// Whether the operation was accepted.
    done: bool,
    graph: Small,
    /// What it did after which no result exists.
    broken: Option<Broken>,
    suspects: ArrayVec<Broken, 8>,
    seen: Option<Broken>,
    /// What other code saw at each poll of a run without an intruder.
    views: Vec<View>,
    intruded: bool,
}

impl Ended {
    fn of(mut run: Run<'_>, came: PartResult) -> Ended {
        let let_go = if matches!(came, Err(Stop::Broken(_))) { Ok(()) } else { run.settle() };
        let broken = [came, let_go].into_iter().find_map(|part| match part {
            Err(Stop::Broken(defect)) => Some(defect),
            _ => None,
        });
        let Run { graph, suspects, seen, views, intruded, .. } = run;
        Ended { done: came.is_ok(), graph, broken, suspects, seen, views, intruded }
    }

    /// Returns the order of the two operations whose result this is.
    fn order(&self, alone: &Step, both: Option<&[Option<Step>; 2]>) -> Serial {
        let same = |step: &Step| *step == (self.done, self.graph);
        match both {
            _ if self.broken.is_some() => Serial::Neither,
            None if same(alone) => Serial::Alone,
            Some([Some(first), _]) if same(first) => Serial::IntruderFirst,
            Some([_, Some(last)]) if same(last) => Serial::IntruderLast,
            _ => Serial::Neither,
        }
    }
}

/// Whether it was accepted, and the state after it.
type Step = (bool, Small);

/// Returns the results with the intruder before and after the operation; `None` if the intruder is refused there.
fn both(state: &Small, op: &Action, alone: &Step, intruder: &Action) -> [Option<Step>; 2] {
    let (first, graph) = step(state, intruder);
    let (last, end) = step(&alone.1, intruder);
    [first.then(|| step(&graph, op)), last.then_some((alone.0, end))]
}

/// Executes one whole operation.
fn step(state: &Small, action: &Action) -> Step {
    match execute(state, &action.ops, &[]) {
        Outcome::Done { next, .. } => (true, next),
        _ => (false, *state),
    }
}

/// The order of the operation and the intruder whose result a run has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serial {
    /// The operation alone, because there was no intruder or it was refused.
    Alone,
    /// The intruder, then the operation.
    IntruderFirst,
    /// The operation, then the intruder.
    IntruderLast,
    /// Neither order.
    Neither,
}

impl Machine for Polling {
    type Outcome = Serial;

    fn opening(&self) -> Vec<Action> {
        facets::opening(self.start)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, mut report: impl FnMut(Variant<'_, Serial>)) {
        let serial = step(state, action);
        let mut tell = |number: u16, meanwhile: Option<&Action>, both: Option<&[Option<Step>; 2]>, ended: &Ended| {
            let order = ended.order(&serial, both);
            let mut broken: ArrayVec<Broken, 3> = ended.seen.into_iter().collect();
            let wrong = ended.broken.or_else(|| {
                let suspect = ended.suspects.first().copied().unwrap_or(UNEXPLAINED);
                (order == Serial::Neither).then_some(suspect)
            });
            broken.extend(wrong.filter(|wrong| ended.seen != Some(*wrong)));
            let next = (meanwhile.is_none() && wrong.is_none() && ended.done).then_some(&ended.graph);
            report(Variant { number, meanwhile, action, outcome: &order, next, broken: &broken });
        };
        let polls = match action.ops.as_slice() {
            [op] => self.play(state, *op, None).map(|alone| (*op, alone)),
            _ => None,
        };
        let Some((op, alone)) = polls else {
            let (done, graph) = serial;
            return tell(0, None, None, &Ended { done, graph, ..Ended::default() });
        };
        tell(0, None, None, &alone);
        let polls = alone.views.len() as u16;
        if polls == 0 {
            return;
        }
        for (place, intruder) in facet.menu(state).iter().filter(|(_, intruder)| !ends_too(op, intruder)) {
            // A refused intruder changes nothing, so the run equals the one without it.
            let mut last = None;
            let mut serial_both = None;
            for (at, view) in (0..).zip(&alone.views) {
                let known = last.filter(|(seen, _)| *seen == view.graph).map(|(_, accepted)| accepted);
                let accepted = known.unwrap_or_else(|| step(&view.graph, &intruder).0);
                last = Some((view.graph, accepted));
                if !accepted {
                    continue;
                }
                let meets = Intruder { at, action: &intruder, meets: view.broken };
                if let Some(ended) = self.play(state, op, Some(meets)).filter(|ended| ended.intruded) {
                    let both = serial_both.get_or_insert_with(|| both(state, action, &serial, &intruder));
                    tell(1 + place as u16 * polls + at, Some(&intruder), Some(both), &ended);
                }
            }
        }
    }
}

/// Returns whether the intruder would end the job that is ending.
fn ends_too(op: Op, intruder: &Action) -> bool {
    matches!(op, Op::Stream { job, .. } if intruder.ops.iter().any(|op| stream::ends(*op, job)))
}
