//! Retargeting edges: replace node, replace one edge's target, append, drop filter (O10 to O14).

use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, NodeKey, Parent};
use crate::role::{Role, Slot};
use slotmap::Key;

impl Core {
    pub(crate) fn same_node(&self, key: NodeKey) -> Error {
        ErrorKind::SameNode { node: self.node_ref(key) }.into()
    }

    /// Checks O10.4 and moves the edges, in list order (S1, S5). It dooms no node. O(parents).
    pub(super) fn move_parents(&mut self, from: NodeKey, to: NodeKey) -> Result<(), Error> {
        let moving = self.edges_to_move(from, to);
        let result = moving.iter().try_for_each(|edge| self.not_frozen(*edge));
        if result.is_ok() {
            moving.iter().for_each(|edge| self.retarget(*edge, to));
        }
        self.pending.moving = moving;
        result
    }

    /// Replaces a node (O10).
    pub(crate) fn replace_node(&mut self, from: NodeKey, to: NodeKey) -> Result<(), Error> {
        self.live(from)?;
        self.live(to)?;
        if from == to {
            return Err(self.same_node(from));
        }
        self.move_parents(from, to)?;
        self.doom_if_unreferenced(from);
        Ok(())
    }

    /// Replaces the target of an edge (O11).
    pub(crate) fn replace_edge(&mut self, key: EdgeKey, to: NodeKey) -> Result<(), Error> {
        let user = self.edges.get(key).is_some_and(|edge| edge.linked && matches!(edge.parent, Parent::User(_)));
        if !user {
            self.live_edge(key)?;
        }
        self.live(to)?;
        let from = self.edges[key].child;
        if from == to {
            return Err(self.same_node(to));
        }
        self.not_frozen(key)?;
        self.retarget(key, to);
        self.doom_if_unreferenced(from);
        Ok(())
    }

    /// Drops a filter (O14).
    pub(crate) fn drop_filter(&mut self, filter: NodeKey) -> Result<(), Error> {
        let node = self.live(filter)?;
        let (slot, edge) = (node.shape().filter, node.chain_edge());
        self.has_driver(filter)?;
        if slot.is_none() {
            return Err(ErrorKind::NotAFilter { node: self.node_ref(filter) }.into());
        }
        let Some(child) = self.edges.get(edge).map(|edge| edge.child) else {
            return Err(ErrorKind::NoFilteredChild { node: self.node_ref(filter) }.into());
        };
        if child == filter {
            return Err(self.same_node(filter));
        }
        self.move_parents(filter, child)?;
        self.drop_holder(filter);
        self.doom_if_unreferenced(filter);
        if !self.is_referenced(filter) {
            while let Some(edge) = self.children(filter).next() {
                let child = self.edges[edge].child;
                self.remove_child_edge(edge);
                self.doom_if_unreferenced(child);
            }
        }
        Ok(())
    }

    /// Gives an appended node a label between its parents' and its children's labels if there is room. Otherwise the
    /// commit finds one. O(parents and children).
    fn settle_between(&mut self, key: NodeKey) {
        let parents = self.parents(key).filter_map(|edge| self.edges[edge].parent_node());
        let Some(above) = parents.map(|node| self.nodes[node].label).max() else { return };
        let below = self.children(key).map(|edge| self.nodes[self.edges[edge].child].label).min();
        let Some(below) = below else { return };
        let label = self.nodes[key].label;
        let fits = above < label && label < below;
        if !fits && above < below && below - above >= 2 {
            self.set_label(key, above + (below - above) / 2);
        }
    }
}

impl<D: Driver> Graph<D> {
    /// Appends a node (O12), with or without *store*.
    pub(crate) fn step_append(&mut self, new: NodeKey, top: NodeKey, store: bool) -> Result<(), Error> {
        let core = &mut self.core;
        let shape = core.live(new)?.shape();
        core.live(top)?;
        if new == top {
            return Err(core.same_node(new));
        }
        core.has_driver(new)?;
        let (slot, role) = match shape.filter {
            Some(slot) if !store => (slot, Role::FILTER),
            None if shape.supports_backing => (Slot::Backing, Role::COW),
            _ => return Err(self.backing_unsupported(new)),
        };
        self.append_in(new, top, slot, role)?;
        if store {
            let name = self.core.nodes[top].name.clone();
            self.core.store_name(new, Some(name));
        }
        Ok(())
    }

    /// Checks O12.6 to O12.8 and makes the effect of O12.
    pub(super) fn append_in(&mut self, new: NodeKey, top: NodeKey, slot: Slot, role: Role) -> Result<(), Error> {
        let core = &mut self.core;
        let name = core.words.of(slot).clone();
        let present = core.nodes[new].slot(slot);
        core.name_is_free(new, &name, present)?;
        if !present.is_null() {
            core.slot_is_free(new, slot)?;
        }
        let inherited = core.inherits_through(top, new);
        core.put_child(new, slot, top, role, inherited);
        // The new edge is added first, because it decides which edges move. It does not move itself. A refusal undoes
        // it.
        core.move_parents(top, new)?;
        core.settle_between(new);
        Ok(())
    }
}
