//! Builds the names of nodes and edges for errors.

use super::arena::{Core, EdgeKey, NodeKey, Parent};
use crate::error::{EdgeRef, NodeRef};

impl Core {
    pub(crate) fn node_ref(&self, key: NodeKey) -> NodeRef {
        NodeRef { key, name: self.nodes[key].name.clone() }
    }

    pub(crate) fn edge_ref(&self, key: EdgeKey) -> EdgeRef {
        let edge = &self.edges[key];
        let parent_name = match edge.parent {
            Parent::Node(node) => self.nodes[node].name.clone(),
            Parent::User(user) => self.users[user].name.clone(),
        };
        EdgeRef {
            key,
            parent: edge.parent,
            parent_name,
            name: edge.name.clone(),
            child: edge.child,
            child_name: self.nodes[edge.child].name.clone(),
        }
    }
}
