//! O35: a component moves to another context.

use super::arena::{NodePtr, PartResult, Run, Stop};
use super::config::{Order, UNEXPLAINED};
use crate::machines::Defect;
use crate::op::{Context, NodeId};
use crate::state::Parent;
use arrayvec::ArrayVec;

impl Run<'_> {
    /// The seed asks all nodes first; then it drains and switches them one by one, from a list that it made before.
    pub(super) fn move_context(&mut self, order: Order, node: NodeId, to: Context) -> PartResult {
        let node = self.find(node)?;
        let asked = self.ask(node, to)?;
        if order == Order::Repaired {
            return self.move_repaired(node, to, asked);
        }
        for &next in &asked {
            self.poll();
            self.stand_apart(&asked);
            let next = self.follow(next, Defect::N67.id())?;
            self.graph.nodes[next.0 as usize].context = to;
        }
        self.poll();
        self.stand_apart(&asked);
        Ok(())
    }

    /// All nodes are drained before the first one is switched, including those that are added meanwhile; then all are
    /// asked again.
    fn move_repaired(&mut self, node: NodePtr, to: Context, asked: ArrayVec<NodePtr, 6>) -> PartResult {
        let mut drained: ArrayVec<NodePtr, 6> = ArrayVec::new();
        let mut all = asked;
        while let Some(&next) = all.iter().find(|next| !drained.contains(next)) {
            if drained.is_full() {
                return Err(Stop::Broken(UNEXPLAINED));
            }
            drained.push(next);
            self.hold(next);
            self.poll();
            all = self.follow(node, UNEXPLAINED).map(|node| self.component(node))?;
        }
        self.settle()?;
        self.find_again(node)?;
        let all = self.ask(node, to)?;
        for next in all {
            let next = self.follow(next, UNEXPLAINED)?;
            self.graph.nodes[next.0 as usize].context = to;
        }
        Ok(())
    }

    /// C2.1: returns the nodes that move along. Refused if a fixed user is among them.
    fn ask(&self, node: NodePtr, to: Context) -> PartResult<ArrayVec<NodePtr, 6>> {
        let all = self.follow(node, UNEXPLAINED).map(|node| self.component(node))?;
        let stays = self.graph.edges().iter().any(|edge| {
            let home = self.graph.nodes[edge.child.0 as usize].context;
            matches!(edge.parent, Parent::User(_))
                && edge.user_flags.fixed
                && home != to
                && all.contains(&self.point(edge.child))
        });
        if stays { Err(Stop::Refused) } else { Ok(all) }
    }

    /// Notes which nodes were added or are gone since all were asked.
    fn stand_apart(&mut self, asked: &[NodePtr]) {
        let now = |first: &NodePtr| self.alive(*first).map(|first| self.component(first));
        let same = asked.iter().all(|ptr| {
            now(ptr).is_some_and(|now| now.len() == asked.len() && now.iter().all(|ptr| asked.contains(ptr)))
        });
        self.suspect(!same, Defect::N67.id());
    }
}
