//! The end of O42: what was streamed into *node* is no longer needed below it.

use super::arena::{NodePtr, PartResult, Run, Stop};
use super::config::Order;
use crate::machines::Defect;
use crate::op::{Act, EdgeId, NodeId, Op, Slot, UserId};

/// The operands of a stream's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) job: UserId,
    pub(super) node: NodeId,
    pub(super) bottom: NodeId,
    pub(super) filter: NodeId,
}

impl Stream {
    const fn op(self) -> Op {
        let Stream { job, node, bottom, filter } = self;
        Op::Stream { act: Act::Finish, job, node, bottom, filter }
    }
}

/// Returns whether the operation ends this job. A job is never ended twice, so such an operation is no intruder.
pub(super) fn ends(op: Op, of: UserId) -> bool {
    matches!(op, Op::Stream { act, job, .. } if act != Act::Start && job == of)
}

impl Run<'_> {
    /// The seed ends a stream in several parts that are judged separately: it thaws the chain, looks up the base below
    /// *bottom*, drains, makes that the backing of *node*, writes its name, and drains again to drop the filter.
    pub(super) fn stream_finish(&mut self, order: Order, stream: Stream) -> PartResult {
        let (node, bottom, filter) = (self.find(stream.node)?, self.find(stream.bottom)?, self.find(stream.filter)?);
        let links = self.links(stream.node, stream.bottom)?;
        // An end with other operands than the start belongs to another job, and ends nothing in QEMU.
        if !self.is_job(stream, links.len()) {
            return self.apply(&[stream.op()]);
        }
        self.possible(stream.op())?;
        if order == Order::Repaired {
            return self.stream_repaired(stream, [node, bottom, filter]);
        }
        self.apply(&[Op::Thaw { top: stream.node, base: Some(stream.bottom) }])?;
        let base = self.chain_child(stream.bottom);
        self.poll();
        let base_node = base.map(|base| self.follow(base, Defect::H47.id())).transpose()?;
        let bottom_node = self.follow(bottom, Defect::N69.id())?;
        self.suspect(self.chain_child(bottom_node) != base, Defect::H47.id());
        let node_now = self.follow(node, Defect::N69.id())?;
        self.apply(&[Op::SetBacking { node: node_now, to: base_node }])?;
        self.poll();
        let node_now = self.follow(node, Defect::N69.id())?;
        let name = base.map(|base| self.follow(base, Defect::H47.id())).transpose()?;
        let apart = self.graph.in_slot(node_now, Slot::Backing).map(|edge| self.graph.edges()[edge].child) != name;
        self.suspect(apart, Defect::N66.id());
        self.store(node_now, name);
        self.apply(&Self::detach_users(stream.job, links.len()))?;
        self.poll();
        let filter = self.follow(filter, Defect::N69.id())?;
        // The intruder ran when the end was half done.
        self.suspect(self.intruded, Defect::N69.id());
        self.apply(&[Op::DropFilter { filter }])
    }

    /// All polls come first, under references; then the base is looked up, and everything is one change (J1).
    fn stream_repaired(&mut self, stream: Stream, held: [NodePtr; 3]) -> PartResult {
        held.into_iter().for_each(|ptr| self.hold(ptr));
        (0..3).for_each(|_| self.poll());
        self.settle()?;
        held.into_iter().try_for_each(|ptr| self.find_again(ptr).map(drop))?;
        self.apply(&[stream.op()])
    }

    /// Returns whether the job's users are where the start has put them.
    fn is_job(&self, stream: Stream, links: usize) -> bool {
        let Stream { job, node, bottom, filter } = stream;
        let on = |part: usize| {
            let edge = self.graph.edge_index(EdgeId::User(job.further(part as u8)))?;
            Some(self.graph.edges()[edge].child)
        };
        [(0, filter), (1, node), (links, bottom)].iter().all(|&(part, node)| on(part) == Some(node))
    }

    /// Returns the nodes from *node* down to *bottom*.
    fn links(&self, node: NodeId, bottom: NodeId) -> PartResult<Vec<NodeId>> {
        if !self.in_chain(node, bottom) {
            return Err(Stop::Refused);
        }
        let next = |at: &NodeId| self.chain_child(*at).and_then(|ptr| self.alive(ptr)).filter(|_| *at != bottom);
        Ok(std::iter::successors(Some(node), next).collect())
    }

    /// J3
    fn detach_users(job: UserId, further: usize) -> Vec<Op> {
        (0..=further as u8).map(|part| Op::DetachUser { user: job.further(part) }).collect()
    }

    fn store(&mut self, node: NodeId, base: Option<NodeId>) {
        if self.graph.nodes[node.0 as usize].kind.is_some_and(|kind| kind.supports_cow()) {
            let name = base.map(|base| self.explicit(base));
            self.graph.nodes[node.0 as usize].stored = name;
        }
    }
}
