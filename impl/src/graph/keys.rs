//! The keys of nodes, edges and users.

use slotmap::new_key_type;

new_key_type! {
    /// A node. Stays valid, and means the same node, until the node is closed by a committed transaction; a key that
    /// was valid before a rollback is valid after it.
    pub struct NodeKey;
    /// An edge, from a node or from a root user. Stays the same when the edge is retargeted.
    pub struct EdgeKey;
    /// A root user.
    pub struct UserKey;
}

/// The upper end of an edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Parent {
    /// An edge of a node to its child.
    Node(NodeKey),
    /// The one edge of a root user.
    User(UserKey),
}
