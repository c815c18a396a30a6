//! Snapshots, and jobs from their start to their end.

use crate::episodes::generator::{NODES, TurnChooser};
use blockgraph_model::op::{Act, Opt, Phase};
use blockgraph_model::{ChildName, Kind, NodeId, Op, OpKind, Parent, UserId};

impl<const N: usize, const E: usize> TurnChooser<'_, N, E> {
    pub(super) fn snapshot(&mut self) -> Option<Vec<Op>> {
        let state = self.state;
        let bare = |id, kind| {
            let top = state.parents(id).next().is_none();
            kind == Kind::Format && top && state.children(id).all(|e| e.name != ChildName::BACKING)
        };
        let count = [1, 1, 1, 2, 2, 3][self.random.below(6)];
        let mut ops: Vec<Op> =
            (0..count).map(|_| Op::Snapshot { node: self.node(), overlay: self.node_of(bare) }).collect();
        if self.random.one_in(4) {
            let absent = (0..NODES as u8).map(NodeId).find(|id| self.state.node(*id).is_none())?;
            ops.push(Op::CheckOp { node: absent, kind: OpKind::REPLACE });
        }
        Some(ops)
    }

    /// Returns a node in the chain below this one.
    fn below(&mut self, top: NodeId) -> NodeId {
        let chain: Vec<NodeId> = self.state.chain(top).skip(1).collect();
        if self.random.one_in(self.setup.wild) { self.node() } else { self.random.of(&chain).unwrap_or(top) }
    }

    pub(super) fn start_job(&mut self) -> Option<Vec<Op>> {
        let (act, job, filter) = (Act::Start, self.user(false), self.fresh()?);
        let state = self.state;
        let of_format = |id: NodeId| state.node(id).is_some_and(|n| n.kind == Some(Kind::Format) && n.writable());
        let chained = |id| of_format(id) && state.chain_edge(id).is_some();
        let is_overlaid = |id| {
            let by = |i: usize| matches!(state.edges()[i].parent, Parent::Node(p) if state.chain_edge(p) == Some(i));
            state.parents(id).any(by)
        };
        let is_top = |id: NodeId| state.parents(id).all(|i| matches!(state.edges()[i].parent, Parent::User(_)));
        Some(vec![match self.random.below(5) {
            0 => {
                let node = self.node_of(|id, _| chained(id));
                Op::Stream { act, job, node, bottom: self.below(node), filter }
            }
            1 => {
                let top = self.node_of(|id, _| chained(id) && is_overlaid(id));
                Op::Commit { act, job, top, base: self.below(top), filter, name: None }
            }
            2 => {
                let top = self.node_of(|id, _| chained(id) && is_top(id));
                Op::CommitActive { act, job, top, base: self.below(top), filter }
            }
            kind => {
                let source = self.node_of(|id, _| kind != 3 || is_top(id));
                let target = self.node_of(|id, _| id != source && state.parents(id).next().is_none());
                if kind == 3 {
                    Op::Mirror { act, job, source, target, filter }
                } else {
                    Op::Backup { act, job, source, target, filter }
                }
            }
        }])
    }

    /// Returns the end of one of the running jobs.
    pub(super) fn end_job(&mut self) -> Option<Vec<Op>> {
        let act = if self.random.one_in(3) { Act::Cancel } else { Act::Finish };
        let jobs = self.state.edges().iter().filter_map(|e| match e.parent {
            Parent::User(user) if e.user_flags.stay && user.further_number() == 0 => Some((user, e.child)),
            _ => None,
        });
        let jobs: Vec<(UserId, NodeId)> = jobs.collect();
        let (job, filter) = self.random.of(&jobs)?;
        let of = |user: UserId| self.state.edges().iter().find(|e| e.parent == Parent::User(user)).map(|e| e.child);
        let parts =
            self.state.edges().iter().filter(|e| matches!(e.parent, Parent::User(u) if u.main() == job)).count();
        let upper = of(job.further(1))?;
        let lower = of(job.further(parts as u8 - 1))?;
        let node = self.state.node(filter)?;
        Some(vec![match (node.kind?, node.opt) {
            (Kind::CopyOnRead, _) => Op::Stream { act, job, node: upper, bottom: lower, filter },
            (Kind::CommitTop, _) => Op::Commit { act, job, top: upper, base: lower, filter, name: None },
            (Kind::MirrorTop, Opt::Phase(Phase::Commit)) => {
                Op::CommitActive { act, job, top: upper, base: lower, filter }
            }
            (Kind::MirrorTop, _) => Op::Mirror { act, job, source: upper, target: lower, filter },
            (Kind::CopyBeforeWrite, _) => {
                let source = self.state.children(filter).find(|e| e.name == ChildName::FILE)?.child;
                Op::Backup { act, job, source, target: upper, filter }
            }
            _ => return None,
        }])
    }
}
