//! The steps (V2). Each tests its preconditions in the order of `specs/operations.md` and then writes. A step that
//! fails may have written before. The transaction undoes that.

mod blockers;
mod chain;
mod children;
mod intermediate;
mod life;
mod live;
mod node_spec;
mod queue;
mod reopen;
mod reopen_entry;
mod replace;
mod user_spec;
mod users;

pub(crate) use life::shape_of;
pub use node_spec::NodeSpec;
pub use reopen_entry::Reopen;
pub use user_spec::UserSpec;

use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, Named, Node, NodeKey, User, UserKey};

impl Core {
    /// Returns the node if it exists (`∃node` of `operations.md`).
    pub(crate) fn live(&self, key: NodeKey) -> Result<&Named<Node>, Error> {
        match self.nodes.get(key) {
            Some(node) if !node.doomed => Ok(node),
            node => Err(ErrorKind::NodeNotFound { node: key, name: node.map(|node| node.name.clone()) }.into()),
        }
    }

    /// Fails with `NodeCorrupted` if the node has lost its driver (L3).
    pub(crate) fn has_driver(&self, key: NodeKey) -> Result<(), Error> {
        if self.nodes[key].ejected {
            return Err(ErrorKind::NodeCorrupted { node: self.node_ref(key) }.into());
        }
        Ok(())
    }

    /// Returns the user if it exists.
    pub(crate) fn live_user(&self, key: UserKey) -> Result<&Named<User>, Error> {
        match self.users.get(key) {
            Some(user) if !user.gone => Ok(user),
            user => Err(ErrorKind::UserNotFound { user: key, name: user.map(|user| user.name.clone()) }.into()),
        }
    }

    /// Returns the parent node of an edge if both exist.
    pub(crate) fn live_edge(&self, key: EdgeKey) -> Result<NodeKey, Error> {
        let edge = self.edges.get(key).filter(|edge| edge.linked);
        let parent = edge.and_then(|edge| edge.parent_node());
        let parent = parent.filter(|parent| self.nodes.get(*parent).is_some_and(|node| !node.doomed));
        parent.ok_or_else(|| ErrorKind::EdgeNotFound { edge: key }.into())
    }

    /// Fails with `Frozen` if the edge is frozen.
    pub(crate) fn not_frozen(&self, key: EdgeKey) -> Result<(), Error> {
        match self.edges.get(key) {
            Some(edge) if edge.frozen => Err(ErrorKind::Frozen { edge: self.edge_ref(key) }.into()),
            _ => Ok(()),
        }
    }

    /// Fails with `DuplicateChild` if a child of `parent` other than `except` has the name.
    pub(crate) fn name_is_free(&self, parent: NodeKey, name: &str, except: EdgeKey) -> Result<(), Error> {
        match self.child_named(parent, name) {
            Some(edge) if edge != except => {
                let name = self.edges[edge].name.clone();
                Err(ErrorKind::DuplicateChild { parent: self.node_ref(parent), name }.into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the child of this name of `parent`. Fails if the parent does not exist (`∃parent`), or with
    /// `ChildNotFound`.
    pub(crate) fn find_child(&self, parent: NodeKey, name: &str) -> Result<EdgeKey, Error> {
        self.live(parent)?;
        let not_found = || ErrorKind::ChildNotFound { parent: self.node_ref(parent), name: name.into() }.into();
        self.child_named(parent, name).ok_or_else(not_found)
    }
}
