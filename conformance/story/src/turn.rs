//! Stories: what was done, one transaction after another, from the empty graph on.

use blockgraph_model::menu::Action;
use blockgraph_model::step::Work;
use blockgraph_model::{Op, Opt, Outcome, Refusal, State, execute};

/// One transaction (an operation is a transaction of one), and the drivers that refuse meanwhile.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Turn {
    /// The operations.
    pub ops: Vec<Op>,
    /// Who says no.
    pub refusals: Vec<Refusal>,
}

impl Turn {
    /// A single operation, which nobody refuses.
    pub fn single(op: Op) -> Turn {
        Turn { ops: vec![op], refusals: Vec::new() }
    }

    /// Is it specified which refusal the caller hears of? A driver can refuse by itself (P9), and which of several unrelated
    /// nodes is asked first is not specified (V5.2). `outcome` is that of its operations while nobody is told to refuse.
    pub fn has_one_answer<const N: usize, const E: usize>(&self, state: &State<N, E>, outcome: &Outcome<N, E>) -> bool {
        let Outcome::Refused { by } = outcome else { return self.refusals.len() < 2 };
        let mut aligned = *state;
        aligned.nodes[usize::from(by.node.0)].opt = Opt::Unaligned(false);
        self.refusals.is_empty() && !matches!(execute(&aligned, &self.ops, &[]), Outcome::Refused { .. })
    }

    /// Has the model room for all that it does?
    pub fn fits<const N: usize, const E: usize>(&self, state: &State<N, E>) -> bool {
        let mut work = Work::new(state);
        for &op in &self.ops {
            if op.edges_added_in(&work.graph) > work.graph.free_edges() {
                return false;
            }
            // Nothing after a step that fails is executed.
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

/// The same as turns.
pub fn turns(actions: &[Action]) -> Vec<Turn> {
    actions.iter().map(Turn::from).collect()
}
