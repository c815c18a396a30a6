//! Add, release, set option, set read-only (O1, O2, O17, O18).

use super::NodeSpec;
use crate::counters::Counters;
use crate::driver::{Driver, DriverOption};
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, Node, NodeKey};
use crate::journal::Undo;
use crate::permission::{Grant, Pair};
use crate::role::Shape;
use slotmap::Key;

/// The shape of a driver, made consistent: a filter does not support backing besides, and what has a place for a
/// child takes children.
pub(crate) fn shape_of(driver: &impl Driver) -> Shape {
    let filter = driver.slot();
    let supports_backing = filter.is_none() && driver.supports_backing();
    let takes_children = filter.is_some() || supports_backing || driver.takes_children();
    Shape { filter, supports_backing, takes_children }
}

impl Node {
    /// A node with one holder and no edges.
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
            parent_count: 0,
            holders: 1,
            counters: Counters::default(),
            granted: Grant { pair: Pair::NOTHING, writable: !spec.read_only },
            shape,
            read_only: spec.read_only,
            force_share: spec.force_share,
            no_io: spec.no_io,
            never_freeze: spec.never_freeze,
            doomed: false,
            queued: false,
            touched: false,
            reopened: false,
        }
    }
}

impl<D: Driver> Graph<D> {
    /// O1. The third precondition cannot fail here: a driver that was made has its own options.
    pub(crate) fn step_add(&mut self, spec: NodeSpec, driver: D) -> Result<NodeKey, Error> {
        if let Some(key) = self.core.node_named(&spec.name) {
            return Err(ErrorKind::DuplicateNode { name: self.core.nodes[key].name.clone() }.into());
        }
        if spec.force_share && !spec.read_only {
            return Err(ErrorKind::ForceShareWritable { node: spec.name }.into());
        }
        let shape = shape_of(&driver);
        let label = self.core.front_label();
        let node = Node::new(&spec, shape, label);
        let key = self.core.add_node(spec.name, node);
        self.drivers.insert(key, driver);
        Ok(key)
    }

    /// O13.
    pub(crate) fn step_insert(&mut self, spec: NodeSpec, driver: D, top: NodeKey) -> Result<NodeKey, Error> {
        let new = self.step_add(spec, driver)?;
        self.step_append(new, top)?;
        Ok(new)
    }

    /// O17.
    pub(crate) fn step_set_option(&mut self, key: NodeKey, option: DriverOption) -> Result<(), Error> {
        self.core.live(key)?;
        let unsupported = |core: &Core| ErrorKind::OptionUnsupported { node: core.node_ref(key) }.into();
        let Some(driver) = self.drivers.get_mut(key) else { return Err(unsupported(&self.core)) };
        let Ok(previous) = driver.set_option(option) else { return Err(unsupported(&self.core)) };
        self.core.pending.options.push((key, previous));
        self.core.pending.journal.push(Undo::Option);
        self.core.note(key);
        Ok(())
    }
}

impl Core {
    /// O2.
    pub(crate) fn release(&mut self, key: NodeKey) -> Result<(), Error> {
        if self.live(key)?.holders == 0 {
            return Err(ErrorKind::NoHolder { node: self.node_ref(key) }.into());
        }
        self.drop_holder(key);
        self.doom_if_unreferenced(key);
        Ok(())
    }

    /// The second half of O17 alone.
    pub(crate) fn step_refresh(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        self.note(key);
        Ok(())
    }

    /// O18.
    pub(crate) fn set_read_only(&mut self, key: NodeKey, read_only: bool) -> Result<(), Error> {
        let node = self.live(key)?;
        if !read_only && node.force_share {
            return Err(ErrorKind::ForceShareWritable { node: node.name.clone() }.into());
        }
        self.reopen(key, read_only);
        Ok(())
    }
}
