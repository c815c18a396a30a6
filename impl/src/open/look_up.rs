//! As what a name is looked up.

/// As what a name is looked up (L5.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LookUp {
    /// As that of a root user: then it is the node of the user.
    Device,
    /// As that of a node.
    Node,
    /// As both, a root user first.
    Either,
}
