//! Add, open child, hold, release, delete, eject, set option (O1, O2, O13, O17, O20 to O23).

use super::NodeSpec;
use crate::context::ContextId;
use crate::counters::Counters;
use crate::driver::{Driver, DriverOption};
use crate::error::{EdgeRef, Error, ErrorKind, NodeRef};
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, Node, NodeKey, Parent};
use crate::graph::traits::Traits;
use crate::journal::Undo;
use crate::op_kind::OpKind;
use crate::order::{GAP, LIMIT};
use crate::permission::{Grant, Pair};
use crate::plan::Ejected;
use crate::role::{Role, Shape};
use alloc::sync::Arc;
use slotmap::Key;

/// Returns the shape of a driver, made consistent.
pub(crate) fn shape_of(driver: &impl Driver) -> Shape {
    let shape = Shape {
        filter: driver.filter_slot(),
        supports_backing: driver.supports_backing(),
        takes_children: driver.takes_children(),
        children_replaceable: driver.children_replaceable(),
        takes_filtered: driver.takes_filtered(),
        live_children: driver.live_children(),
    };
    shape.consistent()
}

impl Node {
    /// Makes a node with the holder that an add gives it (L1), and without edges.
    pub(crate) fn new(spec: &NodeSpec, shape: Shape, label: i64) -> Self {
        let (none, nowhere) = (EdgeKey::null(), NodeKey::null());
        Self {
            parents: none,
            children: none,
            file: none,
            backing: none,
            prev: nowhere,
            next: nowhere,
            label,
            mark: 0,
            inherits: nowhere,
            parent_count: 0,
            child_count: 0,
            holders: spec.implicit.into(),
            heirs: 0,
            context: ContextId::MAIN,
            counters: Counters::default(),
            granted: Grant { pair: Pair::NOTHING, writable: !spec.read_only && !spec.inactive },
            traits: Traits::new(spec, shape),
            read_only: spec.read_only,
            inactive: spec.inactive,
            monitor: !spec.implicit,
            inherits_read_only: false,
            ejected: false,
            doomed: false,
            queued: false,
            touched: false,
            reopened: false,
            renamed: false,
            shifted: false,
        }
    }
}

impl<D: Driver> Graph<D> {
    /// Checks O1.1 to O1.4. The third precondition cannot fail here, because a driver that exists has its own options.
    pub(crate) fn can_add(&self, spec: &NodeSpec, shape: Shape) -> Result<(), Error> {
        if let Some(key) = self.core.node_named(&spec.name) {
            return Err(ErrorKind::DuplicateNode { name: self.core.nodes[key].name.clone() }.into());
        }
        if spec.force_share && !spec.read_only {
            return Err(ErrorKind::ForceShareWritable { node: spec.name.clone() }.into());
        }
        if spec.implicit && shape.filter.is_none() {
            let node = NodeRef { key: NodeKey::null(), name: spec.name.clone() };
            return Err(ErrorKind::NotAFilter { node }.into());
        }
        Ok(())
    }

    /// Adds a node that passed [`Graph::can_add`] (the effect of O1).
    fn join(&mut self, name: Arc<str>, node: Node, driver: D) -> NodeKey {
        let key = self.core.add_node(name, node);
        self.drivers.insert(key, driver);
        key
    }

    /// Adds a node (O1).
    pub(crate) fn step_add(&mut self, spec: NodeSpec, driver: D) -> Result<NodeKey, Error> {
        let shape = shape_of(&driver);
        self.can_add(&spec, shape)?;
        let node = Node::new(&spec, shape, self.core.front_label());
        Ok(self.join(spec.name, node, driver))
    }

    /// Inserts a node (O13).
    pub(crate) fn step_insert(&mut self, spec: NodeSpec, driver: D, top: NodeKey) -> Result<NodeKey, Error> {
        let new = self.step_add(spec, driver)?;
        self.step_append(new, top, false)?;
        Ok(new)
    }

    /// Opens a node as a child (O23).
    pub(crate) fn step_open_child(
        &mut self,
        parent: NodeKey,
        mut spec: NodeSpec,
        driver: D,
        name: Arc<str>,
        role: Role,
    ) -> Result<NodeKey, Error> {
        let above = self.core.live(parent)?;
        let (parent_read_only, parent_inactive) = (above.read_only, above.inactive);
        self.core.has_driver(parent)?;
        let inherits_read_only = !spec.read_only;
        spec.read_only = spec.read_only || role.contains(Role::COW) || parent_read_only;
        spec.inactive = spec.inactive || parent_inactive;
        let shape = shape_of(&driver);
        self.can_add(&spec, shape)?;
        self.core.can_attach(parent, &name, role)?;
        let mut node = Node::new(&spec, shape, self.core.front_label());
        (node.holders, node.monitor) = (0, false);
        let key = self.join(spec.name, node, driver);
        // The node has no children, so any label below its parent fits.
        let label = self.core.nodes[parent].label.saturating_add(GAP);
        if label <= LIMIT {
            self.core.set_label(key, label);
        }
        self.core.add_child(parent, key, name, role);
        self.core.set_inherits(key, parent, inherits_read_only);
        Ok(key)
    }

    /// Changes a driver's option (O17).
    pub(crate) fn step_set_option(&mut self, key: NodeKey, option: DriverOption) -> Result<(), Error> {
        self.core.live(key)?;
        self.core.has_driver(key)?;
        self.offer_option(key, option)
    }

    /// Offers an option to the driver: O17.3 and the effect of O17.
    pub(crate) fn offer_option(&mut self, key: NodeKey, option: DriverOption) -> Result<(), Error> {
        let unsupported = |core: &Core| ErrorKind::OptionUnsupported { node: core.node_ref(key) }.into();
        let Some(driver) = self.drivers.get_mut(key) else { return Err(unsupported(&self.core)) };
        let Ok(previous) = driver.set_option(option) else { return Err(unsupported(&self.core)) };
        self.core.pending.options.push((key, previous));
        self.core.pending.journal.push(Undo::Option);
        self.core.note(key);
        Ok(())
    }

    /// Ejects a driver (O22).
    pub(crate) fn step_eject(&mut self, key: NodeKey) -> Result<(), Error> {
        let name = self.core.live(key)?.name.clone();
        self.core.has_driver(key)?;
        let kind = self.driver_name(key);
        if let Some(driver) = self.drivers.remove(key) {
            self.ejected.push(Ejected { key, name, driver });
            self.core.mark_ejected(key, kind);
        }
        Ok(())
    }
}

impl Core {
    /// Holds a node (O20).
    pub(crate) fn hold(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        self.add_holder(key);
        Ok(())
    }

    /// Releases a node (O2).
    pub(crate) fn release(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        if !self.drop_holder(key) {
            return Err(ErrorKind::NoHolder { node: self.node_ref(key) }.into());
        }
        self.doom_if_unreferenced(key);
        Ok(())
    }

    /// Deletes a node (O21).
    pub(crate) fn delete(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        if let Some(user) = self.root_user(key) {
            return Err(ErrorKind::HasUser { node: self.node_ref(key), user }.into());
        }
        self.not_blocked(key, OpKind::DriveDel)?;
        let node = &self.nodes[key];
        if !node.monitor {
            return Err(ErrorKind::NotMonitorOwned { node: self.node_ref(key) }.into());
        }
        if node.parent_count > 0 || node.holders > 0 || self.drain_counts_of(key).sections > 0 {
            return Err(ErrorKind::InUse { node: self.node_ref(key) }.into());
        }
        self.drop_monitor(key);
        self.doom_if_unreferenced(key);
        Ok(())
    }

    /// Returns the edge of the first root user in list order. O(parents).
    pub(crate) fn root_user(&self, key: NodeKey) -> Option<EdgeRef> {
        let is_root = |edge: &EdgeKey| matches!(self.edges[*edge].parent, Parent::User(_));
        self.parents(key).find(is_root).map(|edge| self.edge_ref(edge))
    }

    /// Refreshes the children of a node: the second half of O17.
    pub(crate) fn step_refresh(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        self.has_driver(key)?;
        self.note(key);
        Ok(())
    }
}
