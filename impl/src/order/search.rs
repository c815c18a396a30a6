//! The state of a search, and the range of the labels.

use crate::graph::keys::{EdgeKey, NodeKey};
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// The distance between neighbours where there is room.
pub(crate) const GAP: i64 = 1 << 32;
/// Labels stay within this distance of zero, so that no difference of two overflows.
pub(crate) const LIMIT: i64 = 1 << 60;
/// One of the two searches: downwards over children by label, or upwards over parents by negative label. `key` is the
/// label with that sign, so both searches raise keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    pub(super) upwards: bool,
    /// The marks of the nodes visited by this search and by the other one.
    pub(super) mark: u64,
    pub(super) other: u64,
    /// The key of the far end. All nodes found must be moved beyond it.
    pub(super) limit: i64,
    /// Nodes up to this key must be moved.
    pub(super) bound: i64,
    pub(super) spreading: bool,
    pub(super) heap: BinaryHeap<Reverse<(i64, usize, NodeKey)>>,
    /// The nodes to be moved, by ascending key.
    pub(super) members: Vec<NodeKey>,
    pub(super) cursor: EdgeKey,
    pub(super) seen: usize,
}
