//! O10 and O14: all parents of a node move to another one, after a drain.

use super::arena::{PartResult, Run, Stop};
use super::config::Order;
use crate::machines::Defect;
use crate::op::{NodeId, Op};

impl Run<'_> {
    /// O10. The seed holds a reference to *from* while it drains it, and only a pointer to *to*.
    pub(super) fn replace_node(&mut self, order: Order, from: NodeId, to: NodeId) -> PartResult {
        let (from, to) = (self.find(from)?, self.find(to)?);
        if from == to {
            return Err(Stop::Refused);
        }
        self.hold(from);
        if order == Order::Repaired {
            self.hold(to);
        }
        self.poll();
        self.last_poll(order)?;
        let new = self.after_poll(order, to, Defect::N61.id())?;
        let old = self.after_poll(order, from, Defect::N61.id())?;
        self.apply(&[Op::ReplaceNode { from: old, to: new }])?;
        self.undrained(order);
        Ok(())
    }

    /// O14. The seed reads the filter's child before it drains the filter, and moves the parents there.
    pub(super) fn drop_filter(&mut self, order: Order, filter: NodeId) -> PartResult {
        let filter = self.find(filter)?;
        let child = |run: &Self, node| {
            let is_filter = |node: NodeId| {
                let node = &run.graph.nodes[node.0 as usize];
                node.has_driver() && node.kind.is_some_and(|kind| kind.filter_slot().is_some())
            };
            run.alive(node).filter(|&node| is_filter(node)).and_then(|node| run.chain_child(node)).ok_or(Stop::Refused)
        };
        let kept = child(self, filter)?;
        self.hold(filter);
        self.poll();
        self.last_poll(order)?;
        let now = child(self, filter)?;
        let old = self.after_poll(order, filter, Defect::N62.id())?;
        if order == Order::Repaired || kept == now {
            self.apply(&[Op::DropFilter { filter: old }])?;
        } else {
            let to = self.follow(kept, Defect::N62.id())?;
            self.suspect(true, Defect::N62.id());
            self.apply(&[Op::ReplaceNode { from: old, to }])?;
            self.apply(&[Op::Release { node: old }])?;
        }
        self.undrained(order);
        Ok(())
    }

    /// The end of a drain. In the seed the node is still referenced, although everything is done.
    pub(super) fn undrained(&mut self, order: Order) {
        if order == Order::AsInSeed {
            self.poll();
        }
    }
}
