//! The contexts in which nodes may live in QEMU, which does not show them: the model's context, or another one after a
//! deviation.

use crate::compare::answer::TurnAnswer;
use crate::state::queries::{connected, named_nodes};
use blockgraph_model::{Context, EdgeId, NodeId, Op, Parent, State, UserId, contexts};
use std::collections::BTreeSet;

/// The nodes whose context in QEMU may differ from the model's. A refused export may have left them in its iothread,
/// and an edge to another component may have moved them to the main context.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContextMemory(BTreeSet<u8>);

impl ContextMemory {
    /// Returns whether this node may live in an iothread.
    pub fn may_be_in_thread<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        state.node(node).is_some_and(|found| found.context != Context::MAIN || self.may_be_elsewhere(state, node))
    }

    /// Returns whether this node may live in another context than the model's.
    pub fn may_be_elsewhere<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        connected(state, node).into_iter().any(|id| self.0.contains(&id.0))
    }

    /// Enters that a node is opened, in the main context.
    pub(super) fn opened(&mut self, node: NodeId) {
        self.0.remove(&node.0);
    }

    /// Enters that a parent or this user of the node is gone. QEMU then tries to move what is below to the main
    /// context, together with the movable users; C3 does so only if no user is left.
    fn left<const N: usize, const E: usize>(&mut self, before: &State<N, E>, node: NodeId, gone: Option<UserId>) {
        let all = connected(before, node);
        let used = before.edges().iter().any(|edge| match edge.parent {
            Parent::User(user) => Some(user) != gone && all.contains(&edge.child),
            Parent::Node(_) => false,
        });
        if used && self.may_be_in_thread(before, node) {
            self.0.extend(all.iter().map(|id| id.0));
        }
    }

    /// Enters that QEMU was asked to do these operations in this state.
    pub(super) fn after<const N: usize, const E: usize>(
        &mut self,
        before: &State<N, E>,
        ops: &[Op],
        answer: &TurnAnswer,
    ) {
        let done = *answer == TurnAnswer::Done;
        let there = |id: &NodeId| before.node(*id).is_some();
        match *ops {
            [Op::MoveContext { node, .. }] | [.., Op::AttachUser { node, context: Some(_), .. }]
                if done && there(&node) =>
            {
                // In the model, a job does not take its nodes along.
                let component = contexts::components(before);
                let number = |id: NodeId| component[usize::from(id.0)];
                for id in connected(before, node) {
                    if number(id) == number(node) {
                        self.0.remove(&id.0)
                    } else {
                        self.0.insert(id.0)
                    };
                }
            }
            [Op::Delete { node } | Op::RemoveChild { parent: node, .. }] if done => self.left(before, node, None),
            [Op::DetachUser { user }] if done => {
                if let Some(edge) = before.edge_index(EdgeId::User(user)) {
                    self.left(before, before.edges()[edge].child, Some(user));
                }
            }
            // These operations join no components, and remove no parent.
            [
                Op::MoveContext { .. }
                | Op::Delete { .. }
                | Op::DetachUser { .. }
                | Op::RemoveChild { .. }
                | Op::Activate { .. }
                | Op::Inactivate { .. },
            ] => {}
            [.., Op::AttachUser { node, context, .. }] => {
                if !done && context.is_some() && there(&node) {
                    self.0.extend(connected(before, node).iter().map(|id| id.0));
                }
            }
            _ => {
                let named = named_nodes(ops);
                if named.iter().any(|id| self.may_be_in_thread(before, *id)) {
                    let all = named.iter().filter(|id| there(id)).flat_map(|id| connected(before, *id));
                    self.0.extend(all.chain(named.iter().copied()).map(|id| id.0));
                }
            }
        }
    }
}
