//! Edges from nodes: attach, detach, set backing, set file (O6 to O9).

use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::{Core, Edge, EdgeKey, NodeKey, Parent};
use crate::permission::Pair;
use crate::role::{Role, Slot};
use alloc::sync::Arc;
use slotmap::Key;

impl Core {
    /// Adds an edge from a node. The commit computes its pair.
    pub(crate) fn add_child(&mut self, parent: NodeKey, child: NodeKey, name: Arc<str>, role: Role) -> EdgeKey {
        let slot = role.slot(self.nodes[parent].shape());
        self.add_edge(name, Edge::new(Parent::Node(parent), child, Pair::NOTHING, role, slot))
    }

    /// Fails with `SlotTaken` if the slot is taken.
    pub(crate) fn slot_is_free(&self, key: NodeKey, slot: Slot) -> Result<(), Error> {
        let edge = self.nodes[key].slot(slot);
        if edge.is_null() {
            return Ok(());
        }
        Err(ErrorKind::SlotTaken { node: self.node_ref(key), slot, edge: self.edge_ref(edge) }.into())
    }

    /// Attaches a child (O6).
    pub(crate) fn attach(
        &mut self,
        parent: NodeKey,
        child: NodeKey,
        name: Arc<str>,
        role: Role,
    ) -> Result<EdgeKey, Error> {
        self.live(parent)?;
        self.live(child)?;
        self.has_driver(parent)?;
        self.can_attach(parent, &name, role)?;
        Ok(self.add_child(parent, child, name, role))
    }

    /// Checks O6.4 to O6.8.
    pub(crate) fn can_attach(&self, parent: NodeKey, name: &str, role: Role) -> Result<(), Error> {
        let shape = self.nodes[parent].shape();
        if !shape.takes_children {
            return Err(ErrorKind::NoChildren { node: self.node_ref(parent) }.into());
        }
        self.name_is_free(parent, name, EdgeKey::null())?;
        if !role.is_well_formed() {
            return Err(ErrorKind::BadRole { node: self.node_ref(parent), role }.into());
        }
        if !role.fits(shape) {
            return Err(ErrorKind::RoleUnsupported { node: self.node_ref(parent), role }.into());
        }
        if let Some(slot) = role.slot(shape) {
            self.slot_is_free(parent, slot)?;
        }
        Ok(())
    }

    /// Detaches a child (O7).
    pub(crate) fn detach(&mut self, key: EdgeKey) -> Result<(), Error> {
        let parent = self.live_edge(key)?;
        if self.edges[key].role.contains(Role::FILTERED) {
            return Err(ErrorKind::FilterNeedsChild { node: self.node_ref(parent) }.into());
        }
        self.not_frozen(key)?;
        let child = self.edges[key].child;
        self.remove_child_edge(key);
        self.doom_if_unreferenced(child);
        Ok(())
    }

    /// The common end of O8 and O9: a removal and an attach. The old child is doomed only if it is not the new one.
    pub(crate) fn swap_child(&mut self, parent: NodeKey, slot: Slot, to: Option<NodeKey>, role: Role) {
        let old = self.nodes[parent].slot(slot);
        let old_child = self.edges.get(old).map(|edge| edge.child);
        let inherited = to.is_some_and(|to| self.inherits_through(to, parent));
        if old_child.is_some() {
            self.remove_child_edge(old);
        }
        if let Some(to) = to {
            self.put_child(parent, slot, to, role, inherited);
        }
        if let Some(child) = old_child {
            self.doom_if_unreferenced(child);
        }
    }

    /// The second half of a swap: adds an edge to a node. `inherited` says whether it inherited from the parent before
    /// the operation.
    pub(crate) fn put_child(&mut self, parent: NodeKey, slot: Slot, to: NodeKey, role: Role, inherited: bool) {
        let name = self.words.of(slot).clone();
        self.add_child(parent, to, name, role);
        self.inherit_directly(parent, to, inherited);
    }
}

impl<D: Driver> Graph<D> {
    /// Returns the name of a node's driver, for a message.
    pub(crate) fn driver_name(&self, key: NodeKey) -> Arc<str> {
        self.drivers.get(key).map_or("", D::name).into()
    }

    pub(crate) fn backing_unsupported(&self, key: NodeKey) -> Error {
        ErrorKind::BackingUnsupported { node: self.core.node_ref(key), driver: self.driver_name(key) }.into()
    }

    /// Checks O8.4 to O8.7 and returns the role of the new edge.
    pub(crate) fn can_set_backing(&self, key: NodeKey, to: Option<NodeKey>) -> Result<Role, Error> {
        let core = &self.core;
        let (shape, old) = (core.nodes[key].shape(), core.nodes[key].backing);
        let role = match shape.filter {
            Some(Slot::Backing) => Role::FILTER,
            None if shape.supports_backing => Role::COW,
            _ => return Err(self.backing_unsupported(key)),
        };
        match to {
            Some(_) => core.name_is_free(key, "backing", old)?,
            None if shape.filter.is_some() && !old.is_null() => {
                return Err(ErrorKind::FilterNeedsChild { node: core.node_ref(key) }.into());
            }
            None => {}
        }
        core.not_frozen(old)?;
        Ok(role)
    }

    /// Sets the backing child (O8).
    pub(crate) fn step_set_backing(&mut self, key: NodeKey, to: Option<NodeKey>) -> Result<(), Error> {
        self.core.live(key)?;
        if let Some(to) = to {
            self.core.live(to)?;
        }
        self.core.has_driver(key)?;
        let role = self.can_set_backing(key, to)?;
        self.core.swap_child(key, Slot::Backing, to, role);
        Ok(())
    }

    /// Checks O9.4 to O9.7 and returns the role of the new edge.
    pub(crate) fn can_set_file(&self, key: NodeKey) -> Result<Role, Error> {
        let core = &self.core;
        let (filter, old) = (core.nodes[key].shape().filter, core.nodes[key].file);
        let role = match (filter, core.edges.get(old)) {
            (Some(Slot::Backing), _) => {
                let (node, driver) = (core.node_ref(key), self.driver_name(key));
                return Err(ErrorKind::FileUnsupported { node, driver }.into());
            }
            (Some(Slot::File), _) => Role::FILTER,
            (None, Some(edge)) => edge.role,
            (None, None) => return Err(ErrorKind::NoFileChild { node: core.node_ref(key) }.into()),
        };
        core.name_is_free(key, "file", old)?;
        core.not_frozen(old)?;
        Ok(role)
    }

    /// Sets the file child (O9).
    pub(crate) fn step_set_file(&mut self, key: NodeKey, to: NodeKey) -> Result<(), Error> {
        self.core.live(key)?;
        self.core.live(to)?;
        self.core.has_driver(key)?;
        let role = self.can_set_file(key)?;
        self.core.swap_child(key, Slot::File, Some(to), role);
        Ok(())
    }
}
