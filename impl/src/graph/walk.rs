//! Walks over a graph that may be cyclic for a while: every one marks what it met and ends (S4, V2).

use super::arena::{Core, EdgeKey, NodeKey};
use alloc::vec::Vec;
use slotmap::Key;

impl Core {
    /// Marks `from` and whatever can be reached from it, and returns the mark; but nodes are looked at only up to the
    /// label `bound`. The caller wants to know about nodes with labels up to `bound` only, and a path to one of them
    /// goes upwards in labels except over edges not yet in order: so if `bound` covers the parents of those edges as
    /// well, no path is missed. O(what is between), and not O(what is below).
    fn mark_reachable(&mut self, from: NodeKey, bound: i64) -> u64 {
        let mark = self.pending.next_epoch();
        let mut stack = core::mem::take(&mut self.pending.stack);
        self.nodes[from].mark = mark;
        stack.push(from);
        while let Some(key) = stack.pop() {
            if self.nodes[key].label > bound {
                continue;
            }
            let mut next = self.nodes[key].children;
            while let Some(edge) = self.edges.get(next) {
                next = edge.next_child;
                let child = edge.child;
                let node = &mut self.nodes[child];
                if node.mark != mark {
                    node.mark = mark;
                    stack.push(child);
                }
            }
        }
        self.pending.stack = stack;
        mark
    }

    /// The edges that replacing `from` by `to` moves, in list order (S5), in a list that the caller gives back to
    /// [`Pending::moving`](super::pending::Pending). O(parents), and a walk below `to` that ends where `from`'s
    /// parents are above.
    pub(crate) fn edges_to_move(&mut self, from: NodeKey, to: NodeKey) -> Vec<EdgeKey> {
        let mut moving = core::mem::take(&mut self.pending.moving);
        moving.clear();
        let parents = self.parents(from).filter_map(|edge| self.edges[edge].parent_node());
        let highest = parents.filter(|parent| *parent != to).map(|parent| self.nodes[parent].label).max();
        let fresh = if self.pending.fresh.is_empty() { i64::MIN } else { self.pending.fresh_bound };
        let mark = highest.map(|highest| self.mark_reachable(to, highest.max(fresh)));
        for key in self.parents(from) {
            let stays = match self.edges[key].parent {
                super::arena::Parent::User(user) => self.users[user].stays,
                super::arena::Parent::Node(parent) => parent == to || Some(self.nodes[parent].mark) == mark,
            };
            if !stays {
                moving.push(key);
            }
        }
        moving
    }

    /// The edges from `top` down to `base`, or down to the end of the chain, which a node without its driver is, too (S4). `None` if the walk ends elsewhere
    /// or goes round. As with [`Core::edges_to_move`], the list is to be given back.
    pub(crate) fn chain(&mut self, top: NodeKey, base: Option<NodeKey>) -> Option<Vec<EdgeKey>> {
        let mark = self.pending.next_epoch();
        let mut edges = core::mem::take(&mut self.pending.moving);
        edges.clear();
        let mut key = top;
        while Some(key) != base {
            let node = &mut self.nodes[key];
            let again = core::mem::replace(&mut node.mark, mark) == mark;
            let edge = node.chain_edge();
            let end = edge.is_null() || node.ejected;
            if again || (end && base.is_some()) {
                self.pending.moving = edges;
                return None;
            }
            if end {
                break;
            }
            edges.push(edge);
            key = self.edges[edge].child;
        }
        Some(edges)
    }
}
