//! How much room an operation needs. A bound of the model is never an outcome, so code that makes operations asks
//! first.

use super::{Act, Entry, NodeId, Op, Slot};
use crate::state::State;

impl Op {
    /// Returns the most edges that the operation can add to a graph of this many nodes.
    pub fn most_edges_added(&self, nodes: usize) -> usize {
        if self.starts_on_chain().is_some() { 2 + nodes } else { self.edges_added() }
    }

    /// Returns the top of the chain on which a job starts, every node of which gets a user.
    fn starts_on_chain(&self) -> Option<NodeId> {
        match *self {
            Op::Stream { act: Act::Start, node: top, .. }
            | Op::Commit { act: Act::Start, top, .. }
            | Op::CommitActive { act: Act::Start, top, .. } => Some(top),
            _ => None,
        }
    }

    /// Returns the most edges that the operation can add in any graph, without the users of a job on the nodes of its
    /// chain.
    fn edges_added(&self) -> usize {
        match self {
            Op::AttachUser { .. }
            | Op::Attach { .. }
            | Op::SetBacking { .. }
            | Op::Append { .. }
            | Op::Insert { .. }
            | Op::OpenChild { .. }
            | Op::AddChild { .. }
            | Op::Snapshot { .. } => 1,
            // A filter without a child gets one by set-file; for other nodes the new edge replaces one.
            Op::SetFile { .. } => 1,
            Op::Reopen { queue } => {
                let said = |e: &Entry| usize::from(matches!(e.backing, Some(Some(_)))) + usize::from(e.file.is_some());
                queue.entries().iter().map(said).sum()
            }
            Op::Open { file, backing, overlay, .. } => {
                usize::from(file.is_some()) + usize::from(backing.is_some()) + usize::from(overlay.is_some())
            }
            // The filter's edge, the main user, and the users of one or two nodes.
            Op::Stream { act: Act::Start, .. } => 3,
            Op::Commit { act: Act::Start, .. } | Op::CommitActive { act: Act::Start, .. } => 4,
            Op::Mirror { act: Act::Start, .. } | Op::Backup { act: Act::Start, .. } => 4,
            // A base below the bottom that becomes the backing of a node without one.
            Op::Stream { act: Act::Finish, .. } => 1,
            _ => 0,
        }
    }

    /// Returns the most edges that the operation can add in this state.
    pub fn edges_added_in<const N: usize, const E: usize>(&self, state: &State<N, E>) -> usize {
        if let Some(top) = self.starts_on_chain() {
            return 2 + state.chain(top).count();
        }
        let Op::Reopen { queue } = self else { return self.edges_added() };
        let empty = |node, slot| usize::from(state.in_slot(node, slot).is_none());
        let of = |e: &Entry| {
            let backing = e.backing.flatten().map_or(0, |_| empty(e.node, Slot::Backing));
            backing + e.file.map_or(0, |_| empty(e.node, Slot::File))
        };
        queue.entries().iter().map(of).sum()
    }
}
