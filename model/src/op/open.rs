//! What an open gives for the layer below (O41).

use super::{Flags, Kind, NodeId, Spec};

/// The child `file` of a node that is opened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Below {
    /// Its name.
    pub node: NodeId,
    /// The layer, if the child is opened too; `None` if the node exists already.
    pub opened: Option<Layer>,
}

/// A layer that is opened with the options of its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Layer {
    /// Its driver.
    pub kind: Kind,
    /// Its flags, without those that are handed down to it.
    pub flags: Flags,
}

impl Layer {
    /// Returns the layer as a spec.
    pub const fn spec(self) -> Spec {
        Spec { flags: self.flags, ..Spec::plain(self.kind) }
    }
}

/// Everything that an open gives (O41).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// The node.
    pub node: NodeId,
    /// Its layer.
    pub layer: Layer,
    /// Its child `file`.
    pub file: Option<Below>,
    /// Its backing child, which exists already.
    pub backing: Option<NodeId>,
    /// The temporary overlay above it.
    pub overlay: Option<NodeId>,
    /// Whether its format is probed.
    pub probe: bool,
}
