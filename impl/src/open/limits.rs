//! What a request may look like (L5.15).

use crate::driver::Driver;
use crate::graph::{Graph, NodeKey};
use crate::role::Role;
use alloc::vec::Vec;
use core::num::NonZeroU64;
use hashbrown::HashSet;

/// What a driver asks of requests, or a node with all that is below it (L5.15; QEMU: `BlockLimits`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Offset and length of a request are multiples of this, in bytes.
    pub request_alignment: u32,
    /// The largest request in bytes; `None`: any.
    pub max_transfer: Option<NonZeroU64>,
    /// Buffers lie at multiples of this, in bytes.
    pub min_memory_alignment: u32,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { request_alignment: 1, max_transfer: None, min_memory_alignment: 1 };

    /// What meets both: the larger alignments, the smaller transfer.
    #[must_use]
    pub fn combined_with(self, other: Self) -> Self {
        Self {
            request_alignment: self.request_alignment.max(other.request_alignment),
            max_transfer: match (self.max_transfer, other.max_transfer) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, none) => one.or(none),
            },
            min_memory_alignment: self.min_memory_alignment.max(other.min_memory_alignment),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::NONE
    }
}

impl<D: Driver> Graph<D> {
    /// The limits of a node: those of its driver and of all that it sends requests to (L5.15; QEMU:
    /// `bdrv_refresh_limits`), which is what is below it by edges other than COW ones. A node without its driver sends
    /// and takes none, and has no limits. Computed from the present graph, inside a transaction too. `None` if there
    /// is no such node. O(nodes and edges below), each looked at once.
    #[must_use]
    pub fn limits(&self, node: NodeKey) -> Option<Limits> {
        self.core.nodes.get(node)?;
        let mut limits = Limits::NONE;
        // Taking the larger or smaller of the same twice changes nothing, so each node counts once.
        let (mut seen, mut stack) = (HashSet::<NodeKey>::from_iter([node]), Vec::from([node]));
        while let Some(key) = stack.pop() {
            let Some(driver) = self.driver(key) else { continue };
            limits = limits.combined_with(driver.limits());
            for edge in self.core.children(key).filter_map(|edge| self.core.edges.get(edge)) {
                if !edge.role.contains(Role::COW) && seen.insert(edge.child) {
                    stack.push(edge.child);
                }
            }
        }
        Some(limits)
    }
}
