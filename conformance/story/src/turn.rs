//! Stories: transactions in order, starting with the empty graph.

use blockgraph_model::menu::Action;
use blockgraph_model::step::Work;
use blockgraph_model::{Op, Opt, Outcome, Refusal, State, execute};

/// One transaction, and the drivers that refuse during it. A single operation is a transaction of one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Turn {
    /// The operations.
    pub ops: Vec<Op>,
    /// The drivers that refuse, with their hooks.
    pub refusals: Vec<Refusal>,
}

impl Turn {
    /// Makes a turn of one operation without refusals.
    pub fn single(op: Op) -> Turn {
        Turn { ops: vec![op], refusals: Vec::new() }
    }

    /// Returns whether the specification determines which refusal the caller sees. A driver can refuse by itself (P9),
    /// and the order among unrelated nodes is not specified (V5.2). `outcome` is the outcome without injected refusals.
    pub fn has_one_answer<const N: usize, const E: usize>(&self, state: &State<N, E>, outcome: &Outcome<N, E>) -> bool {
        let Outcome::Refused { by } = outcome else { return self.refusals.len() < 2 };
        let mut aligned = *state;
        aligned.nodes[usize::from(by.node.0)].opt = Opt::Unaligned(false);
        self.refusals.is_empty() && !matches!(execute(&aligned, &self.ops, &[]), Outcome::Refused { .. })
    }

    /// Returns whether the turn stays within the model's bounds.
    pub fn fits<const N: usize, const E: usize>(&self, state: &State<N, E>) -> bool {
        let mut work = Work::new(state);
        for &op in &self.ops {
            if op.edges_added_in(&work.graph) > work.graph.free_edges() {
                return false;
            }
            // Nothing is executed after a step that fails.
            if work.step(op).is_err() {
                break;
            }
        }
        true
    }
}

impl From<&Action> for Turn {
    fn from(action: &Action) -> Turn {
        Turn { ops: action.ops.to_vec(), refusals: action.refusals().to_vec() }
    }
}

/// Returns actions as turns.
pub fn turns(actions: &[Action]) -> Vec<Turn> {
    actions.iter().map(Turn::from).collect()
}
