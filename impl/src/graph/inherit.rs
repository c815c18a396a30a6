//! Inheritance (S8). A pointer to a closed node is no pointer: keys are versioned, so closing a node clears all
//! pointers to it (S8.5).

use super::arena::{Core, EdgeKey, NodeKey};
use crate::journal::Undo;
use alloc::vec::Vec;
use slotmap::Key;

impl Core {
    /// Returns the node from which this one inherits. In the middle of a transaction that may be a doomed node, which
    /// loses its heirs when it is closed.
    pub(crate) fn inherits(&self, key: NodeKey) -> Option<NodeKey> {
        self.nodes.get(key).map(|node| node.inherits).filter(|parent| self.nodes.contains_key(*parent))
    }

    /// Changes a pointer, and whether the read-only flag is inherited.
    pub(crate) fn set_inherits(&mut self, key: NodeKey, parent: NodeKey, read_only: bool) {
        let old = self.put_inherits(key, parent, read_only);
        self.pending.journal.push(Undo::Inherits { node: key, parent: old.0, read_only: old.1 });
    }

    /// The same as [`Core::set_inherits`], without a record. Returns the old values.
    pub(crate) fn put_inherits(&mut self, key: NodeKey, parent: NodeKey, read_only: bool) -> (NodeKey, bool) {
        let node = &mut self.nodes[key];
        let old = (node.inherits, node.inherits_read_only);
        (node.inherits, node.inherits_read_only) = (parent, read_only);
        if old.0 != parent {
            if let Some(node) = self.nodes.get_mut(old.0) {
                node.heirs -= 1;
            }
            if let Some(node) = self.nodes.get_mut(parent) {
                node.heirs += 1;
            }
        }
        old
    }

    /// Removes a pointer.
    pub(crate) fn disinherit(&mut self, key: NodeKey) {
        let read_only = self.nodes[key].inherits_read_only;
        self.set_inherits(key, NodeKey::null(), read_only);
    }

    /// Returns whether `heir` inherits from `parent`, directly or through other nodes. O(1) if no node inherits from
    /// `parent`, else O(nodes between them).
    pub(crate) fn inherits_through(&self, heir: NodeKey, parent: NodeKey) -> bool {
        if self.nodes.get(parent).is_none_or(|node| node.heirs == 0) {
            return false;
        }
        // There are no circles (S8.1). The count ends the walk if there were one.
        let pointers = core::iter::successors(self.inherits(heir), |key| self.inherits(*key));
        pointers.take(self.nodes.len()).any(|key| key == parent)
    }

    /// Returns the nodes that may stop inheriting from `parent` when its edge to `child` is removed (S8.2): nodes that
    /// inherit from it and are `child` or below it. The edge is still present or has just been removed. O(1) if no node
    /// inherits from `parent`, O(children) if only children do, else a walk below `child`.
    pub(crate) fn heirs_below(&mut self, parent: NodeKey, child: NodeKey) -> Vec<NodeKey> {
        let mut found = Vec::new();
        let heirs = self.nodes[parent].heirs;
        if heirs == 0 {
            return found;
        }
        let own = u32::from(self.nodes[child].inherits == parent);
        if heirs == own {
            found.push(child);
            return found;
        }
        let children = self.mark_children(parent);
        let others = children.1 + if self.nodes[child].mark == children.0 { 0 } else { own };
        if heirs == others {
            // All other heirs are children of `parent`, which remain its heirs wherever else they are.
            if own == 1 {
                found.push(child);
            }
            return found;
        }
        let mark = self.pending.next_epoch();
        let mut stack = core::mem::take(&mut self.pending.stack);
        self.nodes[child].mark = mark;
        stack.push(child);
        while let Some(key) = stack.pop() {
            if self.nodes[key].inherits == parent {
                found.push(key);
            }
            let mut next = self.nodes[key].children;
            while let Some(edge) = self.edges.get(next) {
                next = edge.next_child;
                let node = &mut self.nodes[edge.child];
                if core::mem::replace(&mut node.mark, mark) != mark {
                    stack.push(edge.child);
                }
            }
        }
        self.pending.stack = stack;
        found
    }

    /// Marks the children of a node. Returns the mark, and how many of them inherit from the node.
    fn mark_children(&mut self, parent: NodeKey) -> (u64, u32) {
        let mark = self.pending.next_epoch();
        let (mut next, mut heirs) = (self.nodes[parent].children, 0);
        while let Some(edge) = self.edges.get(next) {
            next = edge.next_child;
            let node = &mut self.nodes[edge.child];
            if core::mem::replace(&mut node.mark, mark) != mark && node.inherits == parent {
                heirs += 1;
            }
        }
        (mark, heirs)
    }

    /// Runs the second half of S8.2, after the removal: heirs that have no other edge from `parent` stop inheriting
    /// from it.
    pub(crate) fn disinherit_strangers(&mut self, parent: NodeKey, heirs: &[NodeKey]) {
        if heirs.is_empty() {
            return;
        }
        let (mark, _) = self.mark_children(parent);
        for heir in heirs.iter().copied() {
            let node = &self.nodes[heir];
            if node.inherits == parent && node.mark != mark {
                self.disinherit(heir);
            }
        }
    }

    /// Removes an edge, with S8.2.
    pub(crate) fn remove_child_edge(&mut self, edge: EdgeKey) {
        let (parent, child) = (self.edges[edge].parent_node(), self.edges[edge].child);
        self.remove_edge(edge);
        if let Some(parent) = parent.filter(|parent| self.nodes[*parent].heirs > 0) {
            let heirs = self.heirs_below(parent, child);
            self.disinherit_strangers(parent, &heirs);
        }
    }

    /// Runs S8.3: `child` was put below `parent` and inherited from it indirectly `before`. Now it inherits directly.
    pub(crate) fn inherit_directly(&mut self, parent: NodeKey, child: NodeKey, before: bool) {
        if before && child != parent && self.nodes[child].inherits != parent {
            let read_only = self.nodes[child].inherits_read_only;
            self.set_inherits(child, parent, read_only);
        }
    }

    /// Returns the explicit node (S4): the first node along FILTERED edges that is not implicit, or the node where the
    /// path ends or loops. O(path).
    pub(crate) fn skip_implicit(&mut self, from: NodeKey) -> NodeKey {
        let mark = self.pending.next_epoch();
        let mut key = from;
        loop {
            let node = &mut self.nodes[key];
            if !node.implicit() || node.ejected || core::mem::replace(&mut node.mark, mark) == mark {
                return key;
            }
            // Implicit nodes are filters, so this is the FILTERED edge.
            let edge = node.chain_edge();
            let Some(edge) = self.edges.get(edge) else { return key };
            key = edge.child;
        }
    }
}
