//! Why QMP does not do just this, in words for people.

use super::map::EXPORTS;
use super::words;
use crate::text::value::print_kind;
use blockgraph_model::{Kind, Op};

/// A reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// The refusal of a driver is injected; QEMU's drivers cannot be told to refuse.
    Injected,
    /// The kind of node is none of QEMU's drivers.
    NoDriver(Kind),
    /// Something about operations of that kind.
    Because(&'static str),
}

impl Why {
    /// In a line.
    pub fn line(&self) -> String {
        match self {
            Why::Injected => "nobody can tell a driver of QEMU to refuse".to_owned(),
            Why::NoDriver(kind) => format!("QMP offers no driver like {}", print_kind(*kind)),
            Why::Because(why) => (*why).to_owned(),
        }
    }
}

/// Why no command does these operations.
pub fn why(ops: &[Op]) -> Why {
    let drivers = ops.iter().filter_map(|op| match *op {
        Op::Add { spec, .. } | Op::Insert { spec, .. } | Op::OpenChild { spec, .. } => Some(spec.kind),
        Op::Open { layer, .. } => Some(layer.kind),
        _ => None,
    });
    let mut unknown = drivers.filter(|kind| {
        words::driver(*kind).is_none() || matches!(kind, Kind::CommitTop | Kind::MirrorTop)
    });
    match (unknown.next(), ops) {
        (Some(kind), _) => Why::NoDriver(kind),
        (None, [op]) => Why::Because(because(op)),
        (None, _) => Why::Because("no command does these together"),
    }
}

fn because(op: &Op) -> &'static str {
    match op {
        Op::Add { .. } => "with these flags, options and children no such node can be opened",
        Op::Release { .. } | Op::Hold { .. } => "blockdev-del lets go of a node, but only of one that nobody uses",
        Op::AttachUser { pair, .. } if !EXPORTS.contains(pair) => {
            "an export over NBD needs r or rw and shares all-z, nothing else"
        }
        Op::AttachUser { .. } => "no export is like this user",
        Op::DetachUser { .. } => "a job's users go with the job",
        Op::SetUser { .. } => "an export keeps the permissions that it began with",
        Op::Attach { .. } | Op::OpenChild { .. } => "a node has its children when it is opened",
        Op::Append { .. } | Op::Insert { .. } => "a filter cannot be put between a node and who uses it",
        Op::Detach { .. } | Op::DropFilter { .. } => "no command takes just this child away",
        Op::SetBacking { .. } | Op::SetFile { .. } | Op::SetReadOnly { .. } | Op::Reopen { .. } => {
            "blockdev-reopen does not do just this to such a node"
        }
        Op::ReplaceNode { .. } | Op::ReplaceChild { .. } | Op::ReplaceUserChild { .. } => "only jobs replace nodes",
        Op::DropIntermediate { .. } => "only jobs drop nodes out of a chain",
        Op::Freeze { .. } | Op::Thaw { .. } => "only jobs freeze chains",
        Op::SetOption { .. } => "no driver changes these options later",
        Op::Eject { .. } => "no command takes a driver away",
        Op::Block { .. } | Op::Unblock { .. } => "only jobs block operations",
        Op::CheckOp { .. } | Op::CheckReplace { .. } => "commands ask this for themselves only",
        Op::DrainBegin { .. } | Op::DrainEnd { .. } | Op::DrainAllBegin {} | Op::DrainAllEnd {} => {
            "commands drain for as long as they run only"
        }
        Op::Truncate { .. } => "what an export may resize it does not say over QMP",
        Op::AddChild { .. } => "QEMU itself names the children of a quorum",
        Op::Open { .. } => "with these children no such node can be opened",
        Op::Stream { .. } | Op::Commit { .. } | Op::CommitActive { .. } | Op::Mirror { .. } | Op::Backup { .. } => {
            "no job is just this"
        }
        _ => "no command is just this",
    }
}
