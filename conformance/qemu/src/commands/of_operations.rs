//! Translates operations of the model to QMP commands. The table is in `specs/qemu.md`.

use crate::commands::command::Command;
use crate::commands::of_jobs;
use crate::state::memory::Memory;
use crate::wire::names;
use crate::wire::node_options::{self, ChildOption};
use blockgraph_model::op::{Flags, Layer, Opt, UserFlags};
use blockgraph_model::{
    Below, ChildName, Context, Entry, Kind, NodeId, Op, Pair, Parent, Perms, Role, Spec, State, UserId,
};
use serde_json::{Map, Value, json};

/// The pairs of an NBD export, read-only and writable (J8).
pub const EXPORTS: [Pair; 2] = [Pair::new(Perms(0b1), Perms(0b10111)), Pair::new(Perms(0b11), Perms(0b10111))];

/// The pairs of a vhost-user-blk export, read-only and writable. It shares resize, and cannot be inactive.
pub const SHARING_EXPORTS: [Pair; 2] = [Pair::new(Perms(0b1), Perms(0b11111)), Pair::new(Perms(0b11), Perms(0b11111))];

/// Returns the commands that do these operations in this state, or `None` if QMP cannot do just that.
pub fn commands<const N: usize, const E: usize>(
    state: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
) -> Option<Vec<Command>> {
    match *ops {
        [Op::Add { node, spec }, ref children @ ..] => {
            let image = |op: &Op| match *op {
                Op::Attach { child, name: ChildName::FILE, .. } => holds_image(state, memory, child),
                _ => true,
            };
            let found = spec.kind != Kind::Format || children.iter().all(image);
            // The children of a quorum must have the same length.
            let long = |op: &Op| matches!(*op, Op::Attach { child, .. } if memory.is_long(state, child));
            let alike = spec.kind != Kind::Quorum || !children.iter().any(long);
            (found && alike).then(|| add(node, spec, children))?
        }
        [Op::Open { node, layer, file, backing, overlay: None, probe: false }] => {
            let below = file.map(|f| f.opened.map_or(holds_image(state, memory, f.node), |o| o.kind == Kind::File));
            if layer.kind == Kind::Format && below != Some(true) {
                return None;
            }
            let children = opened_children(layer, file, backing)?;
            let images =
                file.filter(|f| f.opened.is_some_and(|o| o.kind == Kind::File)).map(|f| Command::Image(f.node));
            let add = Command::Ask("blockdev-add", node_options::options(node, layer.spec(), &children)?);
            Some(images.into_iter().chain([add]).collect())
        }
        [Op::Activate { node }, Op::AttachUser { user, node: to, pair, user_flags, context }]
            if node == to && !is_job(state, user) =>
        {
            // QEMU activates a node that it exports, unless the export may be inactive.
            (!user_flags.may_inactivate && opens_again(state, memory, node))
                .then(|| export(user, to, pair, user_flags, context))?
        }
        [Op::AttachUser { user, node, pair, user_flags, context }] => {
            let inactive = state.node(node).is_some_and(|n| n.flags.inactive);
            // Jobs and exports have separate names.
            (!is_job(state, user) && (user_flags.may_inactivate || !inactive))
                .then(|| export(user, node, pair, user_flags, context))?
        }
        [Op::DetachUser { user }] => {
            let ask = Command::Ask("block-export-del", json!({"id": names::user(user)}));
            (!is_job(state, user)).then(|| vec![ask, Command::ExportGone(user)])
        }
        [Op::Delete { node }] => Some(vec![Command::Ask("blockdev-del", json!({"node-name": names::node(node)}))]),
        [Op::Reopen { ref queue }] => {
            let reopened = |entry| reopened(state, memory, entry);
            let entries: Option<Vec<Value>> = queue.entries().iter().map(reopened).collect();
            Some(vec![Command::Ask("blockdev-reopen", json!({"options": entries?}))])
        }
        [Op::AddChild { parent, child, name }] => {
            let arguments = json!({"parent": names::node(parent), "node": names::node(child)});
            let next = names::quorum_child(memory.next_child(parent)) == name;
            let other = state.node(parent).is_none_or(|n| n.kind != Some(Kind::Quorum));
            ((next || other) && !memory.is_long(state, child))
                .then(|| vec![Command::Ask("x-blockdev-change", arguments)])
        }
        [Op::RemoveChild { parent, name }] => {
            let kind = state.node(parent).and_then(|n| n.kind).unwrap_or(Kind::Quorum);
            let arguments = json!({"parent": names::node(parent), "child": names::child(kind, name)});
            Some(vec![Command::Ask("x-blockdev-change", arguments)])
        }
        [Op::Inactivate { node }] | [Op::Activate { node }] => {
            let active = matches!(ops[0], Op::Activate { .. });
            (!active || opens_again(state, memory, node)).then(|| {
                vec![Command::Ask("blockdev-set-active", json!({"node-name": names::node(node), "active": active}))]
            })
        }
        [Op::MoveContext { node, to }] => {
            let arguments = json!({"node-name": names::node(node), "iothread": names::context(to), "force": true});
            Some(vec![Command::Ask("x-blockdev-set-iothread", arguments)])
        }
        [Op::Snapshot { node, overlay }] => Some(vec![Command::Ask("blockdev-snapshot", snapshot(node, overlay))]),
        [Op::Snapshot { .. } | Op::CheckOp { .. }, _, ..] => transaction(state, ops),
        [op] => of_jobs::commands(state, memory, &op),
        _ => None,
    }
}

/// Returns whether a user of this name belongs to a job.
pub fn is_job<const N: usize, const E: usize>(state: &State<N, E>, user: UserId) -> bool {
    let of_job = |parent| matches!(parent, Parent::User(known) if known.main() == user);
    state.edges().iter().any(|e| e.user_flags.stay && of_job(e.parent))
}

fn snapshot(node: NodeId, overlay: NodeId) -> Value {
    json!({"node": names::node(node), "overlay": names::node(overlay)})
}

/// Translates several snapshots to one transaction. `check-op` on a missing node becomes the action `abort`.
fn transaction<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op]) -> Option<Vec<Command>> {
    let action = |op: &Op| match *op {
        Op::Snapshot { node, overlay } => Some(json!({"type": "blockdev-snapshot", "data": snapshot(node, overlay)})),
        Op::CheckOp { node, .. } if state.node(node).is_none() => Some(json!({"type": "abort", "data": {}})),
        _ => None,
    };
    let actions: Option<Vec<Value>> = ops.iter().map(action).collect();
    Some(vec![Command::Ask("transaction", json!({"actions": actions?}))])
}

fn add(node: NodeId, spec: Spec, children: &[Op]) -> Option<Vec<Command>> {
    let given = |op: &Op| match *op {
        Op::Attach { parent, child, name, role } if parent == node => Some(ChildOption::reference(name, child, role)),
        _ => None,
    };
    let given: Option<Vec<ChildOption>> = children.iter().map(given).collect();
    let add = Command::Ask("blockdev-add", node_options::options(node, spec, &given?)?);
    let image = (spec.kind == Kind::File).then_some(Command::Image(node));
    Some(image.into_iter().chain([add]).collect())
}

/// Returns the children that an open gives.
fn opened_children(layer: Layer, file: Option<Below>, backing: Option<NodeId>) -> Option<Vec<ChildOption>> {
    let main = if layer.kind.takes_filtered() {
        Role::FILTERED | Role::PRIMARY
    } else {
        Role::DATA | Role::METADATA | Role::PRIMARY
    };
    let mut children = Vec::new();
    if let Some(file) = file {
        let value = match file.opened {
            Some(below) => {
                let mut spec = below.spec();
                // QEMU hands down force-share, and does not hand down that a node is inactive.
                spec.flags.inactive |= layer.flags.inactive;
                let mut own = node_options::options(file.node, spec, &[])?;
                if layer.flags.force_share {
                    own["force-share"] = json!(spec.flags.force_share);
                }
                own
            }
            None => json!(names::node(file.node)),
        };
        children.push(ChildOption { name: ChildName::FILE, value, role: main });
    }
    children.extend(backing.map(|to| ChildOption::reference(ChildName::BACKING, to, Role::COW)));
    Some(children)
}

/// Returns the command for an export over NBD, or over vhost-user-blk.
fn export(
    user: UserId,
    node: NodeId,
    pair: Pair,
    user_flags: UserFlags,
    context: Option<Context>,
) -> Option<Vec<Command>> {
    let by = |exports: [Pair; 2]| exports.iter().position(|known| *known == pair);
    let (kind, writable) = match (by(EXPORTS), by(SHARING_EXPORTS)) {
        (Some(writable), _) => ("nbd", writable == 1),
        (None, Some(writable)) if !user_flags.may_inactivate => ("vhost-user-blk", writable == 1),
        _ => return None,
    };
    // If an export asks for an iothread without being fixed to it, QEMU exports in the main context when the move
    // fails.
    if user_flags.stay || context.is_some() && !user_flags.fixed || user.further_number() != 0 {
        return None;
    }
    let name = names::user(user);
    let mut arguments = json!({"id": name, "type": kind, "node-name": names::node(node),
        "writable": writable, "fixed-iothread": user_flags.fixed});
    // Older versions do not know this key.
    if user_flags.may_inactivate {
        arguments["allow-inactive"] = json!(true);
    }
    if kind == "nbd" {
        arguments["name"] = json!(name);
    } else {
        arguments["addr"] = json!({"type": "unix", "path": format!("{name}.sock")});
    }
    match context {
        Some(Context::MAIN) => return None,
        Some(context) => arguments["iothread"] = json!(names::thread(context)),
        None => {}
    }
    Some(vec![Command::Ask("block-export-add", arguments)])
}

/// Returns whether QEMU's driver for this kind can be reopened.
pub fn reopens(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Protocol
            | Kind::File
            | Kind::Filter
            | Kind::Format
            | Kind::Blkdebug
            | Kind::Raw
            | Kind::Preallocate
            | Kind::CommitTop
            | Kind::MirrorTop
    )
}

/// Returns whether every format node that becomes active with this node finds its image again, because it reads the
/// header once more.
fn opens_again<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, node: NodeId) -> bool {
    let below = if state.node(node).is_some() { state.reach(node) } else { [false; N] };
    let opened = |id: &NodeId| {
        let found = &state.nodes[usize::from(id.0)];
        below[usize::from(id.0)] && found.flags.inactive && found.kind == Some(Kind::Format)
    };
    let file = |id: NodeId| state.children(id).find(|edge| edge.name == ChildName::FILE);
    state.names().filter(opened).all(|id| file(id).is_some_and(|edge| holds_image(state, memory, edge.child)))
}

/// Returns whether this node reads from an image file. A format needs to find an image there.
fn holds_image<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, from: NodeId) -> bool {
    let mut at = from;
    for _ in 0..N {
        // A missing node is not read.
        let Some(kind) = state.node(at).and_then(|n| n.kind) else { return at == from };
        match kind {
            Kind::File => return !memory.is_spoiled(at),
            Kind::Raw | Kind::Filter | Kind::CopyOnRead | Kind::Preallocate | Kind::Blkdebug => {}
            _ => return false,
        }
        match state.children(at).find(|e| e.name == ChildName::FILE) {
            Some(edge) => at = edge.child,
            None => return false,
        }
    }
    false
}

/// Returns an entry with everything that a node has, because QEMU wants it repeated.
pub fn whole<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> Option<Entry> {
    let node = state.node(id)?;
    let child = |name| state.children(id).find(|e| e.name == name).map(|e| e.child);
    Some(Entry {
        read_only: Some(node.flags.read_only),
        opt: (node.opt != Opt::None).then_some(node.opt),
        backing: (node.kind == Some(Kind::Format)).then(|| child(ChildName::BACKING)),
        file: child(ChildName::FILE),
        ..Entry::new(id, false)
    })
}

/// Returns the options of one entry of a reopen. They contain everything that the node has, because QEMU resets what is
/// missing.
fn reopened<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, entry: &Entry) -> Option<Value> {
    let absent = || json!({"node-name": names::node(entry.node), "driver": "null-co"});
    if entry.keep {
        return None;
    }
    let Some(node) = state.node(entry.node) else { return Some(absent()) };
    let kind = node.kind.filter(|kind| reopens(*kind))?;
    // Options that cannot change have to be repeated.
    let repeated = if node.opt == Opt::None { None } else { Some(node.opt) };
    if entry.opt != repeated {
        return None;
    }
    let mut children = Vec::new();
    for edge in state.children(entry.node).filter(|e| e.name != ChildName::BACKING) {
        let to = match edge.name {
            ChildName::FILE if kind == Kind::Blkdebug || kind == Kind::Blkverify => {
                entry.file.is_none_or(|file| file == edge.child).then_some(edge.child)?
            }
            ChildName::FILE => entry.file?,
            _ => edge.child,
        };
        children.push(ChildOption::reference(edge.name, to, edge.role));
    }
    if children.iter().all(|child| child.name != ChildName::FILE) && entry.file.is_some() {
        return None;
    }
    let flags =
        Flags { read_only: false, force_share: false, inactive: memory.options.has_inactive(entry.node), ..node.flags };
    let mut all = node_options::options(entry.node, Spec { kind, opt: node.opt, flags }, &children)?;
    let all_keys: &mut Map<String, Value> = all.as_object_mut()?;
    if let Some(on) = entry.read_only {
        all_keys.insert("read-only".into(), json!(on));
    }
    match entry.backing {
        Some(to) if kind == Kind::Format => {
            all_keys.insert("backing".into(), to.map_or(Value::Null, |to| json!(names::node(to))));
        }
        Some(_) => return None,
        None => {}
    }
    Some(all)
}
