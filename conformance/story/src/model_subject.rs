//! The model as a [`Subject`].

use crate::subject::{Answer, Effects, Observation, ObservedChild, ObservedNode, ObservedUser, Subject};
use blockgraph_model::derived::{self, Derived};
use blockgraph_model::{NodeId, Op, Outcome, Pair, Parent, Refusal, State, execute};

/// A model state that operations change.
#[derive(Clone, Debug, Default)]
pub struct ModelSubject<const N: usize, const E: usize> {
    /// The present state.
    pub state: State<N, E>,
}

impl<const N: usize, const E: usize> Subject for ModelSubject<N, E> {
    fn name(&self) -> &'static str {
        "model"
    }

    fn apply(&mut self, ops: &[Op], refusals: &[Refusal]) -> Answer {
        let outcome = execute(&self.state, ops, refusals);
        let answer = answer(&outcome);
        if let Outcome::Done { next, .. } = outcome {
            self.state = next;
        }
        answer
    }

    fn observe(&self) -> Observation {
        observe(&self.state)
    }
}

/// Returns the model's outcome as an answer.
pub fn answer<const N: usize, const E: usize>(outcome: &Outcome<N, E>) -> Answer {
    match outcome {
        Outcome::Done { plan, drain_notices, closed, .. } => Answer::Done(Effects {
            prepare: plan.prepare.to_vec(),
            rename: plan.rename.to_vec(),
            inactivate: plan.inactivate.to_vec(),
            context: plan.context.to_vec(),
            check: plan.check.to_vec(),
            activate: plan.activate.to_vec(),
            quiesce: drain_notices.quiesce.to_vec(),
            resume: drain_notices.resume.to_vec(),
            closed: closed.to_vec(),
        }),
        Outcome::Failed { index, error } => Answer::Failed { index: *index, error: *error },
        Outcome::Violates { .. } => Answer::Violates(outcome.violations()),
        Outcome::Refused { by } => Answer::Refused(*by),
    }
}

/// Returns what can be observed of a state. A graph with a cycle has no pairs, so its observation has free pairs.
pub fn observe<const N: usize, const E: usize>(state: &State<N, E>) -> Observation {
    let free = || Derived { nodes: [Pair::FREE; N], edges: [Pair::FREE; E], order: Default::default() };
    let derived = derived::derive(state).unwrap_or_else(free);
    let quiesced = state.quiesced();
    let mut observation = Observation { drain_alls: state.drain_alls.into(), ..Observation::default() };
    for id in state.names() {
        observation.nodes.extend(observe_node(state, &derived, &quiesced, id));
    }
    for (edge, pair) in state.edges().iter().zip(derived.edges) {
        if let Parent::User(id) = edge.parent {
            let at = edge.child.0 as usize;
            observation.users.push(ObservedUser {
                id,
                node: edge.child,
                pair,
                wanted: edge.wanted,
                user_flags: edge.user_flags,
                context: state.nodes[at].context,
                quiesced: quiesced[at],
                blocks: edge.blocks,
            });
        }
    }
    observation
}

fn observe_node<const N: usize, const E: usize>(
    state: &State<N, E>,
    derived: &Derived<N, E>,
    quiesced: &[bool; N],
    id: NodeId,
) -> Option<ObservedNode> {
    let node = &state.nodes[id.0 as usize];
    let edges = state.edges().iter().zip(derived.edges);
    let children = edges.filter(|(e, _)| e.parent == Parent::Node(id)).map(|(e, pair)| ObservedChild {
        name: e.name,
        role: e.role,
        child: e.child,
        frozen: e.frozen,
        pair,
    });
    Some(ObservedNode {
        id,
        kind: node.kind?,
        opt: node.opt,
        flags: node.flags,
        monitor: node.monitor,
        holders: node.holders.into(),
        context: node.context,
        sections: node.sections.into(),
        quiesce: count(state.quiesce_count(id, quiesced)),
        ejected: node.ejected,
        inherits: node.inherits,
        stored: node.stored,
        pair: derived.nodes[id.0 as usize],
        granted: node.granted,
        children: children.collect(),
        parents: state.parents(id).map(|i| state.edges()[i].id()).collect(),
    })
}

/// Converts a count to the type that observations use. A count that does not fit becomes `u32::MAX`.
pub fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
