//! The steps (V2): each tests its preconditions in the order of `specs/operations.md` and then writes. A step that
//! fails may have written: the transaction takes that back.

mod blockers;
mod chain;
mod children;
mod intermediate;
mod life;
mod live;
mod queue;
mod reopen;
mod replace;
mod user_spec;
mod users;

pub(crate) use life::shape_of;
pub use reopen::Reopen;
pub use user_spec::UserSpec;

use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, Named, Node, NodeKey, User, UserKey};
use alloc::sync::Arc;

/// How a node is to be: its name and its flags.
///
/// ```
/// use blockgraph::NodeSpec;
/// let spec = NodeSpec::new("base").read_only(true).force_share(true);
/// assert!(spec.force_share);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NodeSpec {
    /// The unique name.
    pub name: Arc<str>,
    /// Not to be written (V3.3).
    pub read_only: bool,
    /// Node parents must share everything (P8); requires read-only.
    pub force_share: bool,
    /// Opened without I/O: its metadata need not be read (P5.3).
    pub no_io: bool,
    /// Edges to the node must never be frozen (S7).
    pub never_freeze: bool,
    /// A filter put in unasked, that the user does not see (S0).
    pub implicit: bool,
    /// The image belongs to somebody else for the time being (A1).
    pub inactive: bool,
}

impl NodeSpec {
    /// A writable node of that name, without flags.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            read_only: false,
            force_share: false,
            no_io: false,
            never_freeze: false,
            implicit: false,
            inactive: false,
        }
    }

    /// Sets the flag *read-only*.
    #[must_use]
    pub const fn read_only(mut self, on: bool) -> Self {
        self.read_only = on;
        self
    }

    /// Sets the flag *force-share*.
    #[must_use]
    pub const fn force_share(mut self, on: bool) -> Self {
        self.force_share = on;
        self
    }

    /// Sets the flag *no-io*.
    #[must_use]
    pub const fn no_io(mut self, on: bool) -> Self {
        self.no_io = on;
        self
    }

    /// Sets the flag *never-freeze*.
    #[must_use]
    pub const fn never_freeze(mut self, on: bool) -> Self {
        self.never_freeze = on;
        self
    }

    /// Sets the flag *implicit*: only for filters.
    #[must_use]
    pub const fn implicit(mut self, on: bool) -> Self {
        self.implicit = on;
        self
    }

    /// Sets the flag *inactive*: the image belongs to somebody else, as on the target of a migration (A1).
    #[must_use]
    pub const fn inactive(mut self, on: bool) -> Self {
        self.inactive = on;
        self
    }
}

impl Core {
    /// `∃node` of `operations.md`.
    pub(crate) fn live(&self, key: NodeKey) -> Result<&Named<Node>, Error> {
        match self.nodes.get(key) {
            Some(node) if !node.doomed => Ok(node),
            node => Err(ErrorKind::NodeNotFound { node: key, name: node.map(|node| node.name.clone()) }.into()),
        }
    }

    /// `NodeCorrupted`, if the node has lost its driver (L3).
    pub(crate) fn has_driver(&self, key: NodeKey) -> Result<(), Error> {
        if self.nodes[key].ejected {
            return Err(ErrorKind::NodeCorrupted { node: self.node_ref(key) }.into());
        }
        Ok(())
    }

    /// The user exists.
    pub(crate) fn live_user(&self, key: UserKey) -> Result<&Named<User>, Error> {
        match self.users.get(key) {
            Some(user) if !user.gone => Ok(user),
            user => Err(ErrorKind::UserNotFound { user: key, name: user.map(|user| user.name.clone()) }.into()),
        }
    }

    /// The node parent of an edge that exists and whose parent does.
    pub(crate) fn live_edge(&self, key: EdgeKey) -> Result<NodeKey, Error> {
        let edge = self.edges.get(key).filter(|edge| edge.linked);
        let parent = edge.and_then(|edge| edge.parent_node());
        let parent = parent.filter(|parent| self.nodes.get(*parent).is_some_and(|node| !node.doomed));
        parent.ok_or_else(|| ErrorKind::EdgeNotFound { edge: key }.into())
    }

    /// `Frozen`, if the edge is.
    pub(crate) fn not_frozen(&self, key: EdgeKey) -> Result<(), Error> {
        match self.edges.get(key) {
            Some(edge) if edge.frozen => Err(ErrorKind::Frozen { edge: self.edge_ref(key) }.into()),
            _ => Ok(()),
        }
    }

    /// `DuplicateChild`, if a child of `parent` other than `except` has the name.
    pub(crate) fn name_is_free(&self, parent: NodeKey, name: &str, except: EdgeKey) -> Result<(), Error> {
        match self.child_named(parent, name) {
            Some(edge) if edge != except => {
                let name = self.edges[edge].name.clone();
                Err(ErrorKind::DuplicateChild { parent: self.node_ref(parent), name }.into())
            }
            _ => Ok(()),
        }
    }

    /// `∃parent`, and its child of that name, else `ChildNotFound`.
    pub(crate) fn find_child(&self, parent: NodeKey, name: &str) -> Result<EdgeKey, Error> {
        self.live(parent)?;
        let not_found = || ErrorKind::ChildNotFound { parent: self.node_ref(parent), name: name.into() }.into();
        self.child_named(parent, name).ok_or_else(not_found)
    }
}
