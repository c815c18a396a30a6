//! O33, and every other loop over all nodes: first those with root users, then those that the monitor holds, with a
//! reference to the node of the present iteration. The loop's body polls.

use super::arena::{PartResult, Run, Stop};
use super::config::Order;
use crate::machines::Defect;
use crate::op::{EdgeId, NodeId, Op, UserId};
use crate::state::Parent;

impl Run<'_> {
    /// The seed's loop remembers its position by the user alone. When it continues, it drops its reference to the node
    /// that the user has then.
    pub(super) fn drain_all(&mut self, order: Order) -> PartResult {
        self.apply(&[Op::DrainAllBegin {}])?;
        let mut last = None;
        while let Some((user, node)) = self.next_user(last) {
            last = Some(user);
            let (edge, taken) = (self.edge(EdgeId::User(user)), self.point(node));
            self.hold(taken);
            self.poll();
            let now = self.alive_edge(edge).map(|edge| edge.child);
            match (order, now) {
                (Order::AsInSeed, None) => return Err(Stop::Broken(Defect::N70.id())),
                (Order::AsInSeed, Some(now)) if now != node => return Err(Stop::Broken(Defect::H53.id())),
                _ => self.let_go(taken)?,
            }
        }
        let mut last = None;
        while let Some(node) = self.next_of_monitor(last) {
            last = Some(node);
            let taken = self.point(node);
            self.hold(taken);
            self.poll();
            self.let_go(taken)?;
        }
        Ok(())
    }

    /// Returns the next user that is the first one of its node, so that each node occurs once.
    fn next_user(&self, last: Option<UserId>) -> Option<(UserId, NodeId)> {
        let first = |node: NodeId| {
            self.graph.parents(node).find_map(|edge| match self.graph.edges()[edge].parent {
                Parent::User(user) => Some(user),
                Parent::Node(_) => None,
            })
        };
        let users = self.graph.edges().iter().filter_map(|edge| match edge.parent {
            Parent::User(user) => Some((user, edge.child)),
            Parent::Node(_) => None,
        });
        users.filter(|(user, node)| last < Some(*user) && first(*node) == Some(*user)).min()
    }

    /// Returns the next node that the monitor holds and no user has.
    fn next_of_monitor(&self, last: Option<NodeId>) -> Option<NodeId> {
        let has_user = |node: NodeId| {
            self.graph.edges().iter().any(|edge| edge.child == node && matches!(edge.parent, Parent::User(_)))
        };
        let held = |node: &NodeId| self.graph.nodes[node.0 as usize].monitor && !has_user(*node);
        self.graph.names().filter(held).find(|node| last < Some(*node))
    }
}
