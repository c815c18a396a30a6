//! Changes of nodes in use: truncate, add child, remove child (O38 to O40).

use crate::driver::{Driver, DriverOption};
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, NodeKey, UserKey};
use crate::journal::Undo;
use crate::permission::Permissions;
use crate::role::Role;
use alloc::sync::Arc;

impl Core {
    /// Returns what a user needed before the operation, or what it wants if the operation attached it (O38.2).
    /// O(changes).
    fn checked_need(&self, key: UserKey) -> Permissions {
        let edge = self.users[key].edge;
        let made = |undo: &Undo| matches!(undo, Undo::UserAdded(user) if *user == key);
        let before = |undo: &Undo| match undo {
            Undo::Pair(changed, before) if *changed == edge => Some(before.need),
            _ => None,
        };
        let journal = &self.pending.journal;
        if journal.iter().any(made) {
            return self.wanted(key).need;
        }
        journal.iter().find_map(before).unwrap_or(self.edges[edge].pair.need)
    }

    /// Follows FILTERED edges from a node to their end. A node without its driver ends the path (L3.2). O(path).
    fn below_filters(&mut self, from: NodeKey) -> NodeKey {
        let mark = self.pending.next_epoch();
        let mut key = from;
        loop {
            let node = &mut self.nodes[key];
            if node.ejected || core::mem::replace(&mut node.mark, mark) == mark {
                return key;
            }
            let slots = [node.file, node.backing].into_iter().filter_map(|edge| self.edges.get(edge));
            let Some(edge) = { slots }.find(|edge| edge.role.contains(Role::FILTERED)) else { return key };
            key = edge.child;
        }
    }

    /// Adds a child to a node in use (O39).
    pub(crate) fn add_live_child(&mut self, parent: NodeKey, child: NodeKey, name: Arc<str>) -> Result<EdgeKey, Error> {
        self.live(parent)?;
        let above = self.live(child)?.parents;
        self.children_may_change(parent, true)?;
        if self.edges.contains_key(above) {
            return Err(ErrorKind::HasParent { node: self.node_ref(child), edge: self.edge_ref(above) }.into());
        }
        self.name_is_free(parent, &name, EdgeKey::default())?;
        Ok(self.add_child(parent, child, name, Role::DATA))
    }

    /// Removes a child from a node in use (O40).
    pub(crate) fn remove_live_child(&mut self, key: EdgeKey) -> Result<(), Error> {
        let parent = self.live_edge(key)?;
        self.children_may_change(parent, false)?;
        if self.children(parent).nth(1).is_none() {
            return Err(ErrorKind::LastChild { node: self.node_ref(parent) }.into());
        }
        self.detach(key)
    }

    /// Checks O39.3 and O39.4, or O40.3 and O40.4.
    fn children_may_change(&self, key: NodeKey, adding: bool) -> Result<(), Error> {
        self.has_driver(key)?;
        if !self.nodes[key].shape().live_children {
            return Err(ErrorKind::ChildrenFixed { node: self.node_ref(key), adding }.into());
        }
        Ok(())
    }
}

impl<D: Driver> Graph<D> {
    /// Truncates (O38).
    pub(crate) fn step_truncate(&mut self, key: UserKey, unaligned: bool) -> Result<(), Error> {
        let core = &mut self.core;
        let user = core.live_user(key)?;
        let (name, edge) = (user.name.clone(), user.edge);
        if !core.checked_need(key).contains(Permissions::RESIZE) {
            return Err(ErrorKind::NoResize { user: key, name }.into());
        }
        let node = core.below_filters(core.edges[edge].child);
        // A driver that does not support the option, and a node without a driver, change nothing here.
        match self.offer_option(node, DriverOption::Unaligned(unaligned)) {
            Err(error) if !matches!(error.kind(), ErrorKind::OptionUnsupported { .. }) => Err(error),
            _ => Ok(()),
        }
    }
}
