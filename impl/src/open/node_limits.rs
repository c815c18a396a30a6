//! The limits of a node (L5.15).

use super::limits::Limits;
use crate::driver::Driver;
use crate::graph::{Graph, NodeKey};
use crate::role::Role;
use alloc::vec::Vec;
use hashbrown::HashSet;

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
        let (mut visited, mut stack) = (HashSet::<NodeKey>::from_iter([node]), Vec::from([node]));
        while let Some(key) = stack.pop() {
            let Some(driver) = self.driver(key) else { continue };
            limits = limits.combined_with(driver.limits());
            for edge in self.core.children(key).filter_map(|edge| self.core.edges.get(edge)) {
                if !edge.role.contains(Role::COW) && visited.insert(edge.child) {
                    stack.push(edge.child);
                }
            }
        }
        Some(limits)
    }
}
