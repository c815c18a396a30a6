//! Who inherits from whom (S8). A pointer to a node that is gone is no pointer: keys are versioned, so closing a node
//! clears all pointers to it by itself (S8.5).

use super::arena::{Core, EdgeKey, NodeKey};
use crate::journal::Undo;
use alloc::vec::Vec;
use slotmap::Key;

impl Core {
    /// From whom the node inherits. In the midst of a transaction that may be a doomed node, which loses its heirs
    /// when it is closed.
    pub(crate) fn inherits(&self, key: NodeKey) -> Option<NodeKey> {
        self.nodes.get(key).map(|node| node.inherits).filter(|parent| self.nodes.contains_key(*parent))
    }

    /// A pointer changes, and perhaps whether the read-only flag is inherited.
    pub(crate) fn set_inherits(&mut self, key: NodeKey, parent: NodeKey, read_only: bool) {
        let old = self.put_inherits(key, parent, read_only);
        self.pending.journal.push(Undo::Inherits { node: key, parent: old.0, read_only: old.1 });
    }

    /// As [`Core::set_inherits`], without a record; returns what was there.
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

    /// The node ceases to inherit.
    pub(crate) fn disinherit(&mut self, key: NodeKey) {
        let read_only = self.nodes[key].inherits_read_only;
        self.set_inherits(key, NodeKey::null(), read_only);
    }

    /// Whether `heir` inherits from `parent`, directly or through others. O(1) if nobody inherits from `parent`, else
    /// O(those between).
    pub(crate) fn inherits_through(&self, heir: NodeKey, parent: NodeKey) -> bool {
        if self.nodes.get(parent).is_none_or(|node| node.heirs == 0) {
            return false;
        }
        // There are no circles (S8.1); counting is for the case that there were one.
        let pointers = core::iter::successors(self.inherits(heir), |key| self.inherits(*key));
        pointers.take(self.nodes.len()).any(|key| key == parent)
    }

    /// S8.2: the nodes that may cease to inherit from `parent` when its edge to `child` is removed, which is still
    /// there or has just gone: those that inherit from it and are `child` or below it. O(1) if nobody inherits from
    /// `parent`, O(children) if only children do, else a walk below `child`.
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
            // All the others are children of `parent`, which keeps them its heirs, wherever else they are.
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

    /// Marks the children of a node; the mark, and how many of them inherit from it.
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

    /// The second half of S8.2, after the removal: those of them that have no other edge from `parent` cease to
    /// inherit from it.
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

    /// S8.2 of an edge that is about to be removed, and its removal.
    pub(crate) fn remove_child_edge(&mut self, edge: EdgeKey) {
        let (parent, child) = (self.edges[edge].parent_node(), self.edges[edge].child);
        self.remove_edge(edge);
        if let Some(parent) = parent.filter(|parent| self.nodes[*parent].heirs > 0) {
            let heirs = self.heirs_below(parent, child);
            self.disinherit_strangers(parent, &heirs);
        }
    }

    /// S8.3: `child` was put below `parent`, and inherited from it `before`: now it does so directly.
    pub(crate) fn inherit_directly(&mut self, parent: NodeKey, child: NodeKey, before: bool) {
        if before && child != parent && self.nodes[child].inherits != parent {
            let read_only = self.nodes[child].inherits_read_only;
            self.set_inherits(child, parent, read_only);
        }
    }

    /// The explicit node (S4): from the node along FILTERED edges the first that is not implicit, or where the way
    /// ends or goes round. O(the way).
    pub(crate) fn skip_implicit(&mut self, from: NodeKey) -> NodeKey {
        let mark = self.pending.next_epoch();
        let mut key = from;
        loop {
            let node = &mut self.nodes[key];
            if !node.implicit() || node.ejected || core::mem::replace(&mut node.mark, mark) == mark {
                return key;
            }
            // Implicit nodes are filters, and of a filter this is the FILTERED edge.
            let edge = node.chain_edge();
            let Some(edge) = self.edges.get(edge) else { return key };
            key = edge.child;
        }
    }
}
