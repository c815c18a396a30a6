//! Why nodes are quiesced, and the notifications of a transaction.

use crate::context::Stay;
use crate::graph::keys::{NodeKey, UserKey};
use alloc::vec::Vec;

/// Why a node is quiesced, drain-alls aside. Only quiesced nodes have one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct DrainCounts {
    /// The node's own open sections.
    pub(crate) sections: u32,
    /// The node's edges to quiesced children.
    pub(crate) children: u32,
}

impl DrainCounts {
    pub(super) const NONE: Self = Self { sections: 0, children: 0 };
}

/// The notifications to send when a transaction takes effect (Q4).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Notices {
    pub(crate) quiesced: Vec<NodeKey>,
    pub(crate) resumed: Vec<NodeKey>,
    pub(crate) quiesced_users: Vec<UserKey>,
    pub(crate) resumed_users: Vec<UserKey>,
    /// The components that stay in their context (C3).
    pub(crate) stays: Vec<Stay>,
}
