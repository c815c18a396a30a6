//! Nodes and edges in errors.

use crate::graph::keys::{EdgeKey, NodeKey, Parent};
use alloc::sync::Arc;

/// A node in an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRef {
    /// The key of the node. It is no longer valid if the refused operation would have added the node.
    pub key: NodeKey,
    /// The name of the node.
    pub name: Arc<str>,
}

/// An edge in an error: both ends and the name of the edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EdgeRef {
    /// The key of the edge. It is no longer valid if the refused operation would have added the edge.
    pub key: EdgeKey,
    /// The parent.
    pub parent: Parent,
    /// The name of the node or user that is the parent.
    pub parent_name: Arc<str>,
    /// The name of the edge; `root` for the edge of a user.
    pub name: Arc<str>,
    /// The child.
    pub child: NodeKey,
    /// The name of the child.
    pub child_name: Arc<str>,
}
