//! Why nodes are quiesced, and what a transaction has to tell about it.

use crate::context::Stay;
use crate::graph::keys::{NodeKey, UserKey};
use alloc::vec::Vec;

/// Why a node is quiesced, drain-alls left out of account. Only nodes that are so have one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct DrainCounts {
    /// Its own open sections.
    pub(crate) sections: u32,
    /// Its child edges whose child is quiesced.
    pub(crate) children: u32,
}

impl DrainCounts {
    pub(super) const NONE: Self = Self { sections: 0, children: 0 };
}

/// Who is to be told what when a transaction takes effect (Q4).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Notices {
    pub(crate) quiesced: Vec<NodeKey>,
    pub(crate) resumed: Vec<NodeKey>,
    pub(crate) quiesced_users: Vec<UserKey>,
    pub(crate) resumed_users: Vec<UserKey>,
    /// The components that stay where they are (C3).
    pub(crate) stays: Vec<Stay>,
}
