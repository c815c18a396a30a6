//! The options with which nodes were opened or reopened, as far as QEMU keeps them and the model keeps only flags.

use blockgraph_model::op::Flags;
use blockgraph_model::{NodeId, State};
use std::collections::BTreeSet;

/// Which options QEMU has in the explicit options of each node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExplicitOptions {
    /// The nodes with `active=off`, whatever they are now. A reopen has to repeat it.
    inactive: BTreeSet<u8>,
    /// The nodes with `force-share`.
    force_share: BTreeSet<u8>,
    /// The nodes that have no option `read-only`: the last reopen did not give it, and no parent handed it down. They hand nothing
    /// down themselves.
    without_read_only: BTreeSet<u8>,
}

impl ExplicitOptions {
    /// Returns whether a node was opened with `active` or `force-share`, which no reopen can change.
    pub fn is_stuck(&self, node: NodeId) -> bool {
        self.inactive.contains(&node.0) || self.force_share.contains(&node.0)
    }

    /// Returns whether a node has the option `active=off`.
    pub fn has_inactive(&self, node: NodeId) -> bool {
        self.inactive.contains(&node.0)
    }

    /// Returns whether a node has no option `read-only`. A node that is read-only has one.
    pub fn lacks_read_only<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        self.without_read_only.contains(&node.0) && state.node(node).is_some_and(|node| !node.flags.read_only)
    }

    /// Enters the options of a node that is opened with these flags.
    pub(super) fn open(&mut self, node: NodeId, flags: Flags) {
        self.without_read_only.remove(&node.0);
        for (set, given) in [(&mut self.inactive, flags.inactive), (&mut self.force_share, flags.force_share)] {
            if given {
                set.insert(node.0);
            } else {
                set.remove(&node.0);
            }
        }
    }

    /// Enters whether a reopen leaves a node without the option `read-only`.
    pub(super) fn reopen(&mut self, node: NodeId, lacks_read_only: bool) {
        if lacks_read_only {
            self.without_read_only.insert(node.0);
        } else {
            self.without_read_only.remove(&node.0);
        }
    }

    /// Forgets the missing option of nodes that are gone or have become read-only.
    pub(super) fn retain_writable<const N: usize, const E: usize>(&mut self, state: &State<N, E>) {
        self.without_read_only.retain(|id| state.node(NodeId(*id)).is_some_and(|node| !node.flags.read_only));
    }
}
