//! Reasons why no QMP command does an operation.

use crate::commands::of_operations::{EXPORTS, SHARING_EXPORTS};
use crate::wire::names;
use blockgraph_model::{Kind, NodeId, Op, State};
use blockgraph_story::text::columns::Declared;
use blockgraph_story::text::scenario::mentioned;
use blockgraph_story::text::value::print_kind;

/// A reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unreachable {
    /// The scenario injects the refusal of a driver; QEMU's drivers cannot be made to refuse.
    InjectedRefusal,
    /// No driver of QEMU has this kind.
    NoDriver(Kind),
    /// The model has this node, of this kind, and QEMU does not have it.
    MissingNode(NodeId, Kind),
    /// A reason that holds for operations of that kind.
    Operation(&'static str),
}

impl Unreachable {
    /// Returns the reason as one line, in which nodes have numbers.
    pub fn describe(&self) -> String {
        match self {
            Unreachable::InjectedRefusal => "QEMU's drivers cannot be made to refuse".to_owned(),
            Unreachable::NoDriver(kind) => format!("QMP offers no driver like {}", print_kind(*kind)),
            Unreachable::MissingNode(node, kind) => {
                format!("QEMU has no node {} so far: {}", names::node(*node), missing_reason(*kind))
            }
            Unreachable::Operation(text) => (*text).to_owned(),
        }
    }
}

/// Returns why a node that is still to be built does not exist.
fn missing_reason(kind: Kind) -> String {
    match kind {
        Kind::Format => "one of kind format (qcow2) is opened with its file, in which there is an image".to_owned(),
        kind if is_offered(kind) => "it is opened with all its children, and some do not exist yet".to_owned(),
        kind => Unreachable::NoDriver(kind).describe(),
    }
}

/// Returns whether QMP offers a driver of this kind.
fn is_offered(kind: Kind) -> bool {
    names::driver(kind).is_some() && !matches!(kind, Kind::CommitTop | Kind::MirrorTop)
}

/// Returns why no command does these operations. `qemu` is QEMU's state, `model` that of the model's run.
pub fn reason<const N: usize, const E: usize>(qemu: &State<N, E>, model: &State<N, E>, ops: &[Op]) -> Unreachable {
    if let [Op::Add { node, spec }] = *ops
        && is_offered(spec.kind)
        && spec.opt.suits(spec.kind)
        && spec.kind.takes_children()
    {
        return Unreachable::MissingNode(node, spec.kind);
    }
    let missing = ops.iter().flat_map(mentioned).find_map(|declared| match declared {
        Declared::Node(id) if qemu.node(id).is_none() => {
            model.node(id)?.kind.map(|kind| Unreachable::MissingNode(id, kind))
        }
        _ => None,
    });
    let drivers = ops.iter().filter_map(|op| match *op {
        Op::Add { spec, .. } | Op::Insert { spec, .. } | Op::OpenChild { spec, .. } => Some(spec.kind),
        Op::Open { layer, .. } => Some(layer.kind),
        _ => None,
    });
    let mut unknown = drivers.filter(|kind| !is_offered(*kind));
    match (unknown.next(), missing, ops) {
        (Some(kind), ..) => Unreachable::NoDriver(kind),
        (None, Some(missing), _) => missing,
        (None, None, [op]) => Unreachable::Operation(operation_reason(op)),
        (None, None, _) => Unreachable::Operation("no command does these together"),
    }
}

fn operation_reason(op: &Op) -> &'static str {
    match op {
        Op::Add { .. } => "with these flags, options and children no such node can be opened",
        Op::Release { .. } | Op::Hold { .. } => "blockdev-del releases a node, but only one without users",
        Op::AttachUser { pair, .. } if !EXPORTS.contains(pair) && !SHARING_EXPORTS.contains(pair) => {
            "an export needs r or rw, and shares all-z (NBD) or all (vhost-user-blk)"
        }
        Op::AttachUser { .. } => "no export has this user's properties",
        Op::DetachUser { .. } => "a job's users go with the job",
        Op::SetUser { .. } => "an export keeps the permissions that it was created with",
        Op::Attach { .. } | Op::OpenChild { .. } => "a node has its children when it is opened",
        Op::Append { .. } | Op::Insert { .. } => "a filter cannot be inserted between a node and its users",
        Op::Detach { .. } | Op::DropFilter { .. } => "no command removes just this child",
        Op::SetBacking { .. } | Op::SetFile { .. } | Op::SetReadOnly { .. } | Op::Reopen { .. } => {
            "blockdev-reopen does not do just this to such a node"
        }
        Op::ReplaceNode { .. } | Op::ReplaceChild { .. } | Op::ReplaceUserChild { .. } => "only jobs replace nodes",
        Op::DropIntermediate { .. } => "only jobs drop nodes out of a chain",
        Op::Freeze { .. } | Op::Thaw { .. } => "only jobs freeze chains",
        Op::SetOption { .. } => "no driver changes these options later",
        Op::Eject { .. } => "no command removes a node's driver",
        Op::Block { .. } | Op::Unblock { .. } => "only jobs block operations",
        Op::CheckOp { .. } | Op::CheckReplace { .. } => "commands do this check only for themselves",
        Op::DrainBegin { .. } | Op::DrainEnd { .. } | Op::DrainAllBegin {} | Op::DrainAllEnd {} => {
            "commands drain only while they run"
        }
        Op::Truncate { .. } => "QMP has no command by which an export resizes its node",
        Op::AddChild { .. } => "QEMU itself names the children of a quorum",
        Op::Open { .. } => "with these children no such node can be opened",
        Op::Stream { .. } | Op::Commit { .. } | Op::CommitActive { .. } | Op::Mirror { .. } | Op::Backup { .. } => {
            "no job is just this"
        }
        _ => "no command is just this",
    }
}
