//! Contexts in seed 1: a whole component moves, or nobody.

use super::log::Action;
use super::{Done, Seed1, Stop};
use crate::machines::heap::Link;
use crate::op::{Context, NodeId};
use arrayvec::ArrayVec;

impl Seed1 {
    /// The nodes that are connected with one, and the users at them.
    fn component(&self, node: NodeId) -> (ArrayVec<NodeId, 6>, ArrayVec<Link, 16>) {
        let mut nodes: ArrayVec<NodeId, 6> = [node].into_iter().collect();
        let mut users = ArrayVec::new();
        let mut at = 0;
        while let Some(node) = nodes.get(at).copied() {
            at += 1;
            let below = self.heap.cell(node).children.iter().filter_map(|link| self.heap.child(*link).target);
            let above = self.heap.cell(node).parents.iter().filter_map(|link| self.heap.parent(*link));
            for other in below.chain(above) {
                if !nodes.contains(&other) {
                    nodes.push(other);
                }
            }
            users.extend(self.heap.cell(node).parents.iter().copied().filter(|l| self.heap.parent(*l).is_none()));
        }
        (nodes, users)
    }

    /// `bdrv_try_set_aio_context()`
    pub(super) fn try_set_context(&mut self, node: NodeId, to: Context) -> Done {
        let (nodes, users) = self.component(node);
        if users.iter().any(|link| self.heap.child(*link).edge.ways.fixed) && self.heap.cell(node).node.context != to {
            return Err(Stop::Refused);
        }
        for node in nodes {
            let old = std::mem::replace(&mut self.heap.at(node).node.context, to);
            if self.repaired.contexts && old != to {
                self.log.push(Action::Context { node, old });
            }
        }
        users.into_iter().for_each(|link| self.heap.link(link).context = to);
        Ok(())
    }

    /// The child goes to its new parent; if it cannot, the parent comes to the child.
    pub(super) fn align(&mut self, link: Link, child: NodeId) -> Done {
        let (here, there) = (self.heap.cell(child).node.context, self.heap.child(link).context);
        if here == there || self.try_set_context(child, there).is_ok() {
            return Ok(());
        }
        let moved = match self.heap.parent(link) {
            Some(parent) => self.try_set_context(parent, here),
            None if self.heap.child(link).edge.ways.fixed => Err(Stop::Refused),
            None => Ok(()),
        };
        match moved {
            Ok(()) => self.heap.link(link).context = here,
            Err(_) => self.heap.link(link).freed = true,
        }
        moved
    }

    /// What was repaired: replace-node aligns the two nodes as attaching does.
    pub(super) fn align_for_replace(&mut self, from: NodeId, to: NodeId) -> Done {
        let (here, there) = (self.heap.cell(to).node.context, self.heap.cell(from).node.context);
        if here == there || self.try_set_context(to, there).is_ok() {
            return Ok(());
        }
        self.try_set_context(from, here)
    }

    /// The main context, when a parent is gone that may have wanted another one.
    pub(super) fn go_home(&mut self, node: NodeId) {
        let (_, users) = self.component(node);
        if !self.repaired.contexts || users.is_empty() {
            let _ = self.try_set_context(node, Context::MAIN);
        }
    }
}
