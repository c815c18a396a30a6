//! Where nodes may live in QEMU, which does not show it: in the model's context, or elsewhere after what QEMU does otherwise.

use crate::judge::Told;
use crate::truth;
use blockgraph_model::{Context, EdgeId, NodeId, Op, Parent, State, UserId, contexts};
use std::collections::BTreeSet;

/// The nodes whose context in QEMU may be another than the model's: a refused export may have left them in its iothread, and what
/// was joined with them may have drawn them into the main one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Homes(BTreeSet<u8>);

impl Homes {
    /// May this node live in an iothread?
    pub fn may_be_in_thread<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        state.node(node).is_some_and(|found| found.context != Context::MAIN || self.may_be_elsewhere(state, node))
    }

    /// May this node live in another context than the model says?
    pub fn may_be_elsewhere<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        connected(state, node).into_iter().any(|id| self.0.contains(&id.0))
    }

    /// A node is opened, in the main context.
    pub(super) fn made(&mut self, node: NodeId) {
        self.0.remove(&node.0);
    }

    /// A node above has gone, or this user: QEMU tries to bring what is below back to the main context, and the users along that can
    /// move; C3 does so only where no user is left.
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

    /// QEMU was told to do these operations, in this state.
    pub(super) fn after<const N: usize, const E: usize>(&mut self, before: &State<N, E>, ops: &[Op], told: &Told) {
        let done = *told == Told::Done;
        let there = |id: &NodeId| before.node(*id).is_some();
        match *ops {
            [Op::MoveContext { node, .. }] | [.., Op::AttachUser { node, context: Some(_), .. }]
                if done && there(&node) =>
            {
                // To the model a job does not take its nodes along.
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
            // They join nothing, and nothing leaves.
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
                let named = truth::named(ops);
                if named.iter().any(|id| self.may_be_in_thread(before, *id)) {
                    let all = named.iter().filter(|id| there(id)).flat_map(|id| connected(before, *id));
                    self.0.extend(all.chain(named.iter().copied()).map(|id| id.0));
                }
            }
        }
    }
}

/// The nodes that edges connect with this one, or that a job moves together with them.
pub(super) fn connected<const N: usize, const E: usize>(state: &State<N, E>, node: NodeId) -> Vec<NodeId> {
    let component = contexts::components(state);
    let number = |id: NodeId| component[usize::from(id.0)];
    let of_jobs = state.edges().iter().filter_map(|edge| match edge.parent {
        Parent::User(user) if edge.ways.stay => Some((user.main(), number(edge.child))),
        _ => None,
    });
    let of_jobs: Vec<(UserId, u8)> = of_jobs.collect();
    let mut known = BTreeSet::from([number(node)]);
    for _ in 0..of_jobs.len() {
        let jobs: Vec<UserId> = of_jobs.iter().filter(|(_, at)| known.contains(at)).map(|(job, _)| *job).collect();
        known.extend(of_jobs.iter().filter(|(job, _)| jobs.contains(job)).map(|(_, at)| *at));
    }
    state.names().filter(|id| known.contains(&number(*id))).collect()
}
