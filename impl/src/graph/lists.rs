//! The two intrusive lists that every edge is in, as dancing links: an unlinked edge keeps its neighbours, so linking
//! it again in reverse order restores the exact order in O(1) (S1).

use super::arena::{Core, EdgeKey, NodeKey};

impl Core {
    /// Links the edge into its child's list of parents, after `prev` or at the head.
    pub(crate) fn insert_parent(&mut self, key: EdgeKey, prev: EdgeKey) {
        let child = self.edges[key].child;
        let next = match self.edges.get_mut(prev) {
            Some(edge) => core::mem::replace(&mut edge.next_parent, key),
            None => core::mem::replace(&mut self.nodes[child].parents, key),
        };
        if let Some(edge) = self.edges.get_mut(next) {
            edge.prev_parent = key;
        }
        let edge = &mut self.edges[key];
        (edge.prev_parent, edge.next_parent) = (prev, next);
        self.nodes[child].parent_count += 1;
    }

    /// Unlinks the edge from its child's list of parents. It keeps its neighbours.
    pub(crate) fn remove_parent(&mut self, key: EdgeKey) {
        let (child, prev, next) = {
            let edge = &self.edges[key];
            (edge.child, edge.prev_parent, edge.next_parent)
        };
        match self.edges.get_mut(prev) {
            Some(edge) => edge.next_parent = next,
            None => self.nodes[child].parents = next,
        }
        if let Some(edge) = self.edges.get_mut(next) {
            edge.prev_parent = prev;
        }
        self.nodes[child].parent_count -= 1;
    }

    /// Links the edge into its parent's list of children, after `prev` or at the head. A user's edge is in no such
    /// list.
    pub(crate) fn insert_child(&mut self, parent: NodeKey, key: EdgeKey, prev: EdgeKey) {
        let next = match self.edges.get_mut(prev) {
            Some(edge) => core::mem::replace(&mut edge.next_child, key),
            None => core::mem::replace(&mut self.nodes[parent].children, key),
        };
        if let Some(edge) = self.edges.get_mut(next) {
            edge.prev_child = key;
        }
        let edge = &mut self.edges[key];
        (edge.prev_child, edge.next_child) = (prev, next);
        self.child_joined(parent, key);
    }

    /// Unlinks the edge from its parent's list of children. It keeps its neighbours.
    pub(crate) fn remove_child(&mut self, parent: NodeKey, key: EdgeKey) {
        let (prev, next) = {
            let edge = &self.edges[key];
            (edge.prev_child, edge.next_child)
        };
        match self.edges.get_mut(prev) {
            Some(edge) => edge.next_child = next,
            None => self.nodes[parent].children = next,
        }
        if let Some(edge) = self.edges.get_mut(next) {
            edge.prev_child = prev;
        }
        self.child_left(parent, key);
    }
}
