//! Operations for large graphs, made from plain bytes that are read against the state they meet.
//!
//! A [`Choice`] means something in every state: its bytes pick among the nodes and users that exist. So a list of
//! choices stays valid while it is shrunk, and proptest and a coverage-guided fuzzer use the same generator. Zeroes are
//! the simplest choice.

mod entropy;
mod hostile;
mod jobs;
mod plausible;
mod setup;

pub use setup::{Choice, ExcludedVerbs, MOST_OPS, Mode, Move, Setup, WIDTH};

use blockgraph_model::step::Work;
use blockgraph_model::{Hook, Op, Outcome, Refusal, State, execute};
use blockgraph_story::turn::Turn;
use entropy::Entropy;

/// What a move amounts to in a state.
#[derive(Clone, Debug)]
pub struct Next<const N: usize, const E: usize> {
    /// The turn. At most one driver refuses, because the order in which unrelated nodes are asked is not specified
    /// (V5.2).
    pub turn: Turn,
    /// The model's outcome.
    pub outcome: Outcome<N, E>,
    /// How many operations were left out because the model has no room for the edges that they add.
    pub skipped: usize,
}

/// Reads one operation against a state. Inside a transaction, that is the state after the steps so far.
pub fn op<const N: usize, const E: usize>(setup: Setup, choice: Choice, state: &State<N, E>) -> Op {
    let mut entropy = Entropy { bytes: &choice.0, setup };
    match setup.mode {
        Mode::Plausible => plausible::op(entropy, state),
        // Half of the operations are plausible: random operations alone never build a graph that could break.
        Mode::Hostile if entropy.one_in(2) => plausible::op(entropy, state),
        Mode::Hostile => hostile::op(entropy, state),
    }
}

/// Reads a whole move against a state, within the model's bounds, and executes it on the model.
pub fn step<const N: usize, const E: usize>(setup: Setup, chosen: &Move, state: &State<N, E>) -> Next<N, E> {
    let (ops, skipped) = read(setup, chosen, state);
    let outcome = execute(state, &ops, &[]);
    let mut next = Next { turn: Turn { ops, refusals: Vec::new() }, outcome, skipped };
    if !next.turn.has_one_answer(state, &next.outcome) {
        next.skipped += next.turn.ops.len();
        next.turn.ops.clear();
        next.outcome = execute(state, &[], &[]);
    }
    if matches!(next.outcome, Outcome::Refused { .. }) {
        return next;
    }
    let refused = chosen.refusal.and_then(|bytes| refusal(Entropy { bytes: &bytes, setup }, &next.outcome));
    if let Some(refused) = refused {
        next.turn.refusals.push(refused);
        next.outcome = execute(state, &next.turn.ops, &next.turn.refusals);
    }
    next
}

/// Reads the operations of a move, each against the state after the ones before it. Also returns how many there is no
/// room for.
fn read<const N: usize, const E: usize>(setup: Setup, chosen: &Move, state: &State<N, E>) -> (Vec<Op>, usize) {
    let (mut ops, mut skipped) = (Vec::new(), 0);
    let mut work = Work::new(state);
    for (place, &choice) in chosen.choices.iter().enumerate() {
        let op = op(setup, choice, &work.graph);
        if op.edges_added_in(&work.graph) > work.graph.free_edges() {
            skipped += 1;
            continue;
        }
        ops.push(op);
        // Nothing after a failed step is executed.
        if place + 1 < chosen.choices.len() && work.step(op).is_err() {
            break;
        }
    }
    (ops, skipped)
}

/// Returns a refusal of a step of the plan. In hostile mode, in half of the cases, it is any refusal.
fn refusal<const N: usize, const E: usize>(mut entropy: Entropy<'_>, outcome: &Outcome<N, E>) -> Option<Refusal> {
    if entropy.setup.mode == Mode::Hostile && entropy.one_in(2) {
        const HOOKS: [Hook; 8] = [
            Hook::Prepare,
            Hook::Check,
            Hook::Rename,
            Hook::Flush,
            Hook::Context,
            Hook::Inactivate,
            Hook::Activate,
            Hook::Context,
        ];
        let hook = HOOKS[entropy.below(HOOKS.len())];
        return Some(Refusal { node: entropy.any_node(), hook });
    }
    let Outcome::Done { plan, .. } = outcome else { return None };
    let hooks: Vec<Refusal> = plan.hooks().collect();
    entropy.even(&hooks)
}
