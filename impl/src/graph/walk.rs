//! Walks over a graph that may be cyclic for a while. Each walk marks the nodes it visits, so it ends (S4, V2).

use super::arena::{Core, EdgeKey, NodeKey};
use alloc::vec::Vec;
use slotmap::Key;

impl Core {
    /// Marks `from` and the nodes reachable from it, and returns the mark. It visits only nodes with labels up to
    /// `bound`. The caller is only interested in nodes with labels up to `bound`. On a path to such a node, labels
    /// increase except along edges that are not yet in order. So if `bound` covers the parents of those edges, the walk
    /// misses no path. O(nodes between), not O(nodes below).
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

    /// Returns the edges that replacing `from` by `to` moves, in list order (S5). The caller gives the list back to
    /// [`Pending::moving`](super::pending::Pending). O(parents), and a walk below `to` that ends at the labels of
    /// `from`'s parents.
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

    /// Returns the edges from `top` down to `base`, or to the end of the chain, which can be a node without a driver
    /// (S4). `None` if the walk ends elsewhere or loops. The caller gives the list back, as with
    /// [`Core::edges_to_move`].
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
