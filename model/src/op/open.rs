//! What an open says of the layer below (O41).

use super::{Flags, Kind, NodeId, Spec};

/// The child `file` of a node that is opened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Below {
    /// Its name.
    pub node: NodeId,
    /// What it is, if it is opened too; else it is there already.
    pub opened: Option<Layer>,
}

/// A layer that is opened with the options of its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Layer {
    /// Its driver.
    pub kind: Kind,
    /// Its flags, before what is handed down to it.
    pub flags: Flags,
}

impl Layer {
    /// The same as a node.
    pub const fn spec(self) -> Spec {
        Spec { flags: self.flags, ..Spec::plain(self.kind) }
    }
}

/// All that an open says (O41), in one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// The node.
    pub node: NodeId,
    /// What it is.
    pub layer: Layer,
    /// Its child `file`.
    pub file: Option<Below>,
    /// Its backing child, which is there already.
    pub backing: Option<NodeId>,
    /// The temporary snapshot above it.
    pub overlay: Option<NodeId>,
    /// Is its format to be probed?
    pub probe: bool,
}
