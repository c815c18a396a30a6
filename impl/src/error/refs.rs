//! Nodes and edges as errors name them.

use crate::graph::keys::{EdgeKey, NodeKey, Parent};
use alloc::sync::Arc;

/// A node as an error names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRef {
    /// Its key; of a node that the refused operation would have added, no longer valid.
    pub key: NodeKey,
    /// Its name.
    pub name: Arc<str>,
}

/// An edge as an error names it: by both ends and its own name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EdgeRef {
    /// Its key; of an edge that the refused operation would have added, no longer valid.
    pub key: EdgeKey,
    /// The upper end.
    pub parent: Parent,
    /// The name of the node or user at the upper end.
    pub parent_name: Arc<str>,
    /// The name of the edge; `root` for a user's.
    pub name: Arc<str>,
    /// The lower end.
    pub child: NodeKey,
    /// The name of the node at the lower end.
    pub child_name: Arc<str>,
}
