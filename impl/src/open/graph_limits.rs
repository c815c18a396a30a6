//! The limits of a node with all that is below it (L5.15).

use super::limits::Limits;
use crate::driver::Driver;
use crate::graph::{Graph, NodeKey};
use crate::role::Role;
use alloc::vec::Vec;
use hashbrown::HashSet;

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
            limits = limits.and(driver.limits());
            for edge in self.core.children(key).filter_map(|edge| self.core.edges.get(edge)) {
                if !edge.role.contains(Role::COW) && seen.insert(edge.child) {
                    stack.push(edge.child);
                }
            }
        }
        Some(limits)
    }
}
