//! The names in an operation.

use super::{Below, NodeId, Op, UserId};

impl Op {
    /// Renames the operation. The functions are called in the order of the fields.
    pub fn renamed(self, mut n: impl FnMut(NodeId) -> NodeId, mut u: impl FnMut(UserId) -> UserId) -> Op {
        match self {
            Op::Add { node, spec } => Op::Add { node: n(node), spec },
            Op::Release { node } => Op::Release { node: n(node) },
            Op::AttachUser { user, node, pair, user_flags, context } => {
                Op::AttachUser { user: u(user), node: n(node), pair, user_flags, context }
            }
            Op::DetachUser { user } => Op::DetachUser { user: u(user) },
            Op::SetUser { user, pair } => Op::SetUser { user: u(user), pair },
            Op::Attach { parent, child, name, role } => Op::Attach { parent: n(parent), child: n(child), name, role },
            Op::Detach { parent, name } => Op::Detach { parent: n(parent), name },
            Op::SetBacking { node, to } => Op::SetBacking { node: n(node), to: to.map(&mut n) },
            Op::SetFile { node, to } => Op::SetFile { node: n(node), to: n(to) },
            Op::ReplaceNode { from, to } => Op::ReplaceNode { from: n(from), to: n(to) },
            Op::ReplaceChild { parent, name, to } => Op::ReplaceChild { parent: n(parent), name, to: n(to) },
            Op::ReplaceUserChild { user, to } => Op::ReplaceUserChild { user: u(user), to: n(to) },
            Op::Append { new, top, store } => Op::Append { new: n(new), top: n(top), store },
            Op::Insert { new, spec, top } => Op::Insert { new: n(new), spec, top: n(top) },
            Op::DropFilter { filter } => Op::DropFilter { filter: n(filter) },
            Op::Freeze { top, base } => Op::Freeze { top: n(top), base: base.map(&mut n) },
            Op::Thaw { top, base } => Op::Thaw { top: n(top), base: base.map(&mut n) },
            Op::SetOption { node, opt } => Op::SetOption { node: n(node), opt },
            Op::SetReadOnly { node, on } => Op::SetReadOnly { node: n(node), on },
            Op::Hold { node } => Op::Hold { node: n(node) },
            Op::Delete { node } => Op::Delete { node: n(node) },
            Op::Eject { node } => Op::Eject { node: n(node) },
            Op::OpenChild { parent, node, spec, name, role } => {
                Op::OpenChild { parent: n(parent), node: n(node), spec, name, role }
            }
            Op::DropIntermediate { top, base, name } => {
                Op::DropIntermediate { top: n(top), base: n(base), name: name.map(&mut n) }
            }
            Op::Reopen { queue } => Op::Reopen { queue: queue.map(&mut n) },
            Op::Snapshot { node, overlay } => Op::Snapshot { node: n(node), overlay: n(overlay) },
            Op::Block { user, kinds } => Op::Block { user: u(user), kinds },
            Op::Unblock { user, kinds } => Op::Unblock { user: u(user), kinds },
            Op::CheckOp { node, kind } => Op::CheckOp { node: n(node), kind },
            Op::CheckReplace { parent, node } => Op::CheckReplace { parent: n(parent), node: n(node) },
            Op::DrainBegin { node } => Op::DrainBegin { node: n(node) },
            Op::DrainEnd { node } => Op::DrainEnd { node: n(node) },
            Op::DrainAllBegin {} | Op::DrainAllEnd {} => self,
            Op::MoveContext { node, to } => Op::MoveContext { node: n(node), to },
            Op::Inactivate { node } => Op::Inactivate { node: n(node) },
            Op::Activate { node } => Op::Activate { node: n(node) },
            Op::Truncate { user, unaligned } => Op::Truncate { user: u(user), unaligned },
            Op::AddChild { parent, child, name } => Op::AddChild { parent: n(parent), child: n(child), name },
            Op::RemoveChild { parent, name } => Op::RemoveChild { parent: n(parent), name },
            Op::Open { node, layer, file, backing, overlay, probe } => {
                let node = n(node);
                let file = file.map(|file| Below { node: n(file.node), ..file });
                let (backing, overlay) = (backing.map(&mut n), overlay.map(&mut n));
                Op::Open { node, layer, file, backing, overlay, probe }
            }
            Op::Stream { act, job, node, bottom, filter } => {
                Op::Stream { act, job: u(job), node: n(node), bottom: n(bottom), filter: n(filter) }
            }
            Op::Commit { act, job, top, base, filter, name } => {
                let (job, top, base, filter) = (u(job), n(top), n(base), n(filter));
                Op::Commit { act, job, top, base, filter, name: name.map(n) }
            }
            Op::CommitActive { act, job, top, base, filter } => {
                Op::CommitActive { act, job: u(job), top: n(top), base: n(base), filter: n(filter) }
            }
            Op::Mirror { act, job, source, target, filter } => {
                Op::Mirror { act, job: u(job), source: n(source), target: n(target), filter: n(filter) }
            }
            Op::Backup { act, job, source, target, filter } => {
                Op::Backup { act, job: u(job), source: n(source), target: n(target), filter: n(filter) }
            }
        }
    }
}
