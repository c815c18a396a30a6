//! The keys of nodes, edges and users.

use slotmap::new_key_type;

new_key_type! {
    /// A node. The key stays valid, and names the same node, until a committed transaction closes the node. A key that
    /// was valid before a rollback is valid after it.
    pub struct NodeKey;
    /// An edge, from a node or from a root user. The key stays the same when the edge is retargeted.
    pub struct EdgeKey;
    /// A root user.
    pub struct UserKey;
}

/// The parent of an edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Parent {
    /// A node. The edge leads to one of its children.
    Node(NodeKey),
    /// A root user. The edge is its only one.
    User(UserKey),
}
