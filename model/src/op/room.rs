//! How much room an operation needs: a bound of the model is never an outcome, so whoever makes operations asks first.

use super::{Act, Entry, NodeId, Op, Slot};
use crate::state::State;

impl Op {
    /// The most edges that the operation can add to a graph of so many nodes.
    pub fn most_edges_added(&self, nodes: usize) -> usize {
        if self.starts_on_chain().is_some() { 2 + nodes } else { self.edges_added() }
    }

    /// The top of the chain on which a job starts, every node of which gets a user.
    fn starts_on_chain(&self) -> Option<NodeId> {
        match *self {
            Op::Stream { act: Act::Start, node: top, .. }
            | Op::Commit { act: Act::Start, top, .. }
            | Op::CommitActive { act: Act::Start, top, .. } => Some(top),
            _ => None,
        }
    }

    /// The same whatever the graph, the users of a job on the nodes of its chain not counted.
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
            // A filter without a child gets one by set-file; for the others it replaces an edge.
            Op::SetFile { .. } => 1,
            Op::Reopen { queue } => {
                let said = |e: &Entry| usize::from(matches!(e.backing, Some(Some(_)))) + usize::from(e.file.is_some());
                queue.entries().iter().map(said).sum()
            }
            Op::Open { file, backing, overlay, .. } => {
                usize::from(file.is_some()) + usize::from(backing.is_some()) + usize::from(overlay.is_some())
            }
            // The filter's edge and the main user, and what else there is for one or two nodes.
            Op::Stream { act: Act::Start, .. } => 3,
            Op::Commit { act: Act::Start, .. } | Op::CommitActive { act: Act::Start, .. } => 4,
            Op::Mirror { act: Act::Start, .. } | Op::Backup { act: Act::Start, .. } => 4,
            // A base below the bottom that is set as backing of a node that had none.
            Op::Stream { act: Act::Finish, .. } => 1,
            _ => 0,
        }
    }

    /// How many edges the operation adds in that state, if nothing stops it: at most so many.
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
