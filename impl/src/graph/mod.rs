//! The graph: arena, names, lists, and the methods that read them.

pub(crate) mod arena;
mod child_names;
mod edit;
mod elements;
mod free;
mod inherit;
pub(crate) mod keys;
mod lists;
mod names;
mod one_op;
pub(crate) mod pending;
pub(crate) mod rare_texts;
mod refs;
pub(crate) mod traits;
pub(crate) mod view;
mod walk;

pub use self::arena::EdgeIter;
pub use self::keys::{EdgeKey, NodeKey, Parent, UserKey};
pub use self::view::{EdgeView, NodeView, UserView};

use self::arena::Core;
use crate::driver::Driver;
use crate::plan::{Ejected, PlanStep};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use slotmap::SecondaryMap;

/// A storage graph: nodes with drivers of type `D`, edges, root users.
///
/// It is read through views and changed by [transactions](Graph::transaction), or by the methods of the same names
/// that are a transaction of one step. Between transactions every invariant of the specification holds
/// ([`Graph::inconsistencies`] tests them all).
#[derive(Debug)]
pub struct Graph<D: Driver = Box<dyn Driver>> {
    pub(crate) core: Core,
    /// The drivers are beside the core, so that a hook borrows its driver and a view of the graph and cannot change the
    /// graph.
    pub(crate) drivers: SecondaryMap<NodeKey, D>,
    /// The drivers that the open transaction ejected (L3), in the order of the steps.
    pub(crate) ejected: Vec<Ejected<D>>,
    /// Opened drivers that a rollback took from their nodes and that must be closed (L5.10), last opened first.
    pub(crate) returned: VecDeque<(Arc<str>, D)>,
}

impl<D: Driver> Graph<D> {
    /// Makes an empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0, 0)
    }

    /// Makes an empty graph with room for this many nodes and edges.
    #[must_use]
    pub fn with_capacity(nodes: usize, edges: usize) -> Self {
        let drivers = SecondaryMap::with_capacity(nodes);
        Self { core: Core::with_capacity(nodes, edges), drivers, ejected: Vec::new(), returned: VecDeque::new() }
    }

    /// Returns the node of this name, unless it is doomed (L2). O(1) expected.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeKey> {
        self.core.node_named(name).filter(|key| self.core.nodes.get(*key).is_some_and(|node| !node.doomed))
    }

    /// Returns the root user of this name. O(1) expected.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<UserKey> {
        self.core.user_named(name)
    }

    /// Returns the edge of this name from a node to a child. O(1) expected.
    #[must_use]
    pub fn child(&self, parent: NodeKey, name: &str) -> Option<EdgeKey> {
        self.core.child_named(parent, name)
    }

    /// Iterates over all nodes in the order in which they were added. Inside a transaction this includes doomed nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeKey> + '_ {
        self.core.node_keys()
    }

    /// Iterates over all root users in the order in which they were attached.
    pub fn users(&self) -> impl Iterator<Item = UserKey> + '_ {
        self.core.user_keys()
    }

    /// The number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.core.nodes.len()
    }

    /// Returns a view of a node. O(1).
    #[must_use]
    pub fn get(&self, node: NodeKey) -> Option<NodeView<'_>> {
        NodeView::new(&self.core, node, self.drivers.get(node).map(D::name))
    }

    /// Returns a view of an edge. O(1).
    #[must_use]
    pub fn edge(&self, edge: EdgeKey) -> Option<EdgeView<'_>> {
        EdgeView::new(&self.core, edge)
    }

    /// Returns a view of a root user. O(1).
    #[must_use]
    pub fn user_view(&self, user: UserKey) -> Option<UserView<'_>> {
        UserView::new(&self.core, user)
    }

    /// Returns the driver of a node. `None` if the node has lost it (L3). O(1).
    #[must_use]
    pub fn driver(&self, node: NodeKey) -> Option<&D> {
        self.drivers.get(node)
    }

    /// Returns the driver of a node for changes. Do not change here what its rule depends on; use
    /// [`set_option`](crate::Transaction::set_option). Otherwise call [`refresh`](crate::Transaction::refresh) afterwards. Until then
    /// the pairs of the children are not what the rule says. O(1).
    pub fn driver_mut(&mut self, node: NodeKey) -> Option<&mut D> {
        self.drivers.get_mut(node)
    }

    /// Iterates over the nodes whose driver is stale since the last commit (V7), in the order in which they became
    /// stale. Nodes that one commit left stale are in the order of its plan. A saved graph does not keep this order: a
    /// restored graph lists them in the order of [`nodes`](Self::nodes). O(1) each.
    pub fn stale_nodes(&self) -> impl Iterator<Item = NodeKey> + '_ {
        self.core.stale.iter().copied()
    }

    /// Returns the number of open drain-alls (Q1). O(1).
    #[must_use]
    pub const fn drain_alls(&self) -> u32 {
        self.core.drain_alls
    }

    /// Steps of plans that drivers performed and that were neither set nor aborted, newest first within one plan. This
    /// happens if a transaction is dropped or leaked half way, or if a hook panics. Keys may name closed nodes.
    /// [`clear`](Self::clear) and [`restore_from`](Self::restore_from) forget them.
    #[must_use]
    pub fn pending_aborts(&self) -> &[PlanStep] {
        &self.core.pending.aborts
    }

    /// Nodes whose driver was told to [quiesce](Driver::quiesce) and must still be told to [resume](Driver::resume),
    /// because a hook panicked in between. As with the [pending aborts](Self::pending_aborts), which come first.
    #[must_use]
    pub fn pending_resumes(&self) -> &[NodeKey] {
        &self.core.pending.resumes
    }

    /// Takes the [pending resumes](Self::pending_resumes). The caller performs them.
    pub fn take_pending_resumes(&mut self) -> Vec<NodeKey> {
        core::mem::take(&mut self.core.pending.resumes)
    }

    /// Takes the [pending aborts](Self::pending_aborts). The caller performs them.
    pub fn take_pending_aborts(&mut self) -> Vec<PlanStep> {
        core::mem::take(&mut self.core.pending.aborts)
    }

    /// Performs the [pending aborts](Self::pending_aborts) through the hooks of drivers that still exist, and then the
    /// [pending resumes](Self::pending_resumes) of nodes that are not quiesced again.
    pub fn run_pending_aborts(&mut self) {
        self.undo_all();
        self.core.pending.aborts.reverse();
        while let Some(step) = self.core.pending.aborts.pop() {
            self.abort_step(step);
        }
        self.run_resumes(0);
    }
}

impl<D: Driver> Default for Graph<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Driver + Clone> Clone for Graph<D> {
    fn clone(&self) -> Self {
        let mut graph = Self::with_capacity(self.core.nodes.capacity(), self.core.edges.capacity());
        graph.clone_from(self);
        graph
    }

    /// Copies the source into the space of this graph. Keys and everything observable become the source's. A name that
    /// both graphs already share costs nothing. O(nodes + edges + users).
    fn clone_from(&mut self, source: &Self) {
        self.core.copy_from(&source.core);
        self.drivers.clone_from(&source.drivers);
        self.ejected.clone_from(&source.ejected);
        self.returned.clone_from(&source.returned);
    }
}

impl Core {
    fn copy_from(&mut self, source: &Self) {
        self.nodes.clone_from(&source.nodes);
        self.edges.clone_from(&source.edges);
        self.users.clone_from(&source.users);
        self.node_names.copy_from(&source.node_names);
        self.user_names.copy_from(&source.user_names);
        (self.first_node, self.last_node) = (source.first_node, source.last_node);
        (self.first_user, self.last_user) = (source.first_user, source.last_user);
        self.front = source.front;
        self.stale.clone_from(&source.stale);
        self.drain_alls = source.drain_alls;
        self.drain_counts.clone_from(&source.drain_counts);
        self.texts.copy_from(&source.texts);
        self.child_names.clone_from(&source.child_names);
        self.pending.copy_from(&source.pending);
    }
}
