//! Limits on requests (L5.15).

use crate::driver::Driver;
use crate::graph::{Graph, NodeKey};
use crate::role::Role;
use alloc::vec::Vec;
use core::num::NonZeroU64;
use hashbrown::HashSet;

/// The limits that a driver sets on requests, or those of a node with everything below it (L5.15; QEMU: `BlockLimits`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// The offset and length of a request must be multiples of this number of bytes.
    pub request_alignment: u32,
    /// The largest request in bytes; `None` means no limit.
    pub max_transfer: Option<NonZeroU64>,
    /// The addresses of buffers must be multiples of this number of bytes.
    pub min_memory_alignment: u32,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { request_alignment: 1, max_transfer: None, min_memory_alignment: 1 };

    /// Returns limits that satisfy both: the larger alignments and the smaller transfer.
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
    /// Returns the limits of a node: those of its driver combined with those of all nodes that it sends requests to
    /// (L5.15; QEMU: `bdrv_refresh_limits`). These are the nodes below it along edges other than COW edges. A node
    /// without its driver handles no requests and has no limits. The limits are computed from the present graph, also
    /// inside a transaction. `None` if there is no such node. O(nodes and edges below), each visited once.
    #[must_use]
    pub fn limits(&self, node: NodeKey) -> Option<Limits> {
        self.core.nodes.get(node)?;
        let mut limits = Limits::NONE;
        // Minimum and maximum are idempotent, so visiting each node once suffices.
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
