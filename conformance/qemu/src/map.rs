//! From the model's operations to QMP's commands; the table is `specs/qemu.md`.

use crate::handed::{self, Place};
use crate::home::Homes;
use crate::judge::Told;
use crate::node::{self, Said};
use crate::{deviations, job, words};
use blockgraph_model::op::{Flags, Layer, Opt, Ways};
use blockgraph_model::{
    Below, ChildName, Context, Entry, Kind, NodeId, Op, Pair, Parent, Perms, Role, Spec, State, UserId,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is done to the daemon.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// A command is sent.
    Ask(&'static str, Value),
    /// The file of this node is made new, with an empty image in it.
    Image(NodeId),
    /// Wait until the export is gone.
    ExportGone(UserId),
    /// Wait until the job has that status, or is gone.
    JobIs(UserId, &'static str),
    /// Wait until the job is gone; how it ended is the answer.
    JobEnds(UserId),
}

/// What QEMU keeps and the model does not: the number of a quorum's next child, and what was said when a node was opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    next_child: BTreeMap<u8, u8>,
    /// The nodes whose options say that they are inactive, whatever they are now; a reopen has to repeat it.
    said_inactive: BTreeSet<u8>,
    /// The nodes whose options say whether they are force-share.
    said_share: BTreeSet<u8>,
    /// The nodes of which the last reopen has said nothing about read-only, nor had they it from above: they hand nothing down.
    wordless: BTreeSet<u8>,
    /// The nodes that a reopen has queued twice: QEMU leaves them drained (H61), and whatever reads them hangs.
    drained: BTreeSet<u8>,
    /// The nodes over whose image a job may have written something else.
    spoiled: BTreeSet<u8>,
    /// The nodes whose files may have grown.
    grown: BTreeSet<u8>,
    /// The users of nodes that jobs use, too, for whom an inactivation was refused: what they have now is not seen there (D20).
    robbed: BTreeSet<u16>,
    /// Where nodes may live.
    pub homes: Homes,
}

impl Memory {
    /// The number of the quorum's next child.
    pub fn next_child(&self, quorum: NodeId) -> u8 {
        self.next_child.get(&quorum.0).copied().unwrap_or(0)
    }

    /// Was `active` or `force-share` said when it was opened?
    pub fn is_stuck(&self, node: NodeId) -> bool {
        self.said_inactive.contains(&node.0) || self.said_share.contains(&node.0)
    }

    /// Do its options say that it is inactive?
    pub(super) fn said_inactive(&self, node: NodeId) -> bool {
        self.said_inactive.contains(&node.0)
    }

    /// Do its options say nothing about read-only? One that is read-only has said it.
    pub(super) fn is_wordless<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        self.wordless.contains(&node.0) && state.node(node).is_some_and(|node| !node.flags.read_only)
    }

    /// Is this node left drained?
    pub fn is_drained(&self, node: NodeId) -> bool {
        self.drained.contains(&node.0)
    }

    /// May a refused inactivation have taken from this user what it has?
    pub fn may_be_robbed(&self, user: UserId) -> bool {
        self.robbed.contains(&user.0)
    }

    /// May this node be longer than the others?
    pub(super) fn is_long<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        job::measured(state, node).is_some_and(|file| self.is_grown(file))
    }

    /// May the file of this node be longer than it was made?
    pub fn is_grown(&self, node: NodeId) -> bool {
        self.grown.contains(&node.0)
    }

    /// Has a job written over what was in the file of this node?
    pub fn is_spoiled(&self, node: NodeId) -> bool {
        self.spoiled.contains(&node.0)
    }

    fn opened(&mut self, node: NodeId, flags: Flags) {
        self.homes.made(node);
        for set in [&mut self.drained, &mut self.spoiled, &mut self.grown, &mut self.wordless] {
            set.remove(&node.0);
        }
        for (set, said) in [(&mut self.said_inactive, flags.inactive), (&mut self.said_share, flags.force_share)] {
            if said {
                set.insert(node.0);
            } else {
                set.remove(&node.0);
            }
        }
    }

    /// QEMU was told to do these operations, in this state.
    pub fn after<const N: usize, const E: usize>(&mut self, before: &State<N, E>, ops: &[Op], told: &Told) {
        if *told == Told::Done {
            self.note(ops);
        }
        self.homes.after(before, ops, told);
        for op in ops {
            let written = job::writes(before, op);
            self.spoiled.extend(written.spoiled.iter().map(|id| id.0));
            self.grown.extend(written.grown.iter().map(|id| id.0));
        }
        self.wordless.retain(|id| before.node(NodeId(*id)).is_some_and(|node| !node.flags.read_only));
        if let ([Op::Inactivate { node }], Told::Refused(..)) = (ops, told)
            && before.node(*node).is_some()
        {
            self.robbed.extend(beside_jobs(before, *node).map(|user| user.0));
        }
        let done = *told == Told::Done;
        for op in ops {
            match op {
                Op::Reopen { queue } => {
                    let places = handed::queue(before, self, queue.entries());
                    self.queued(&places);
                    places.iter().filter(|_| done).for_each(|place| self.reopened(place));
                }
                // What is sealed says that it is read-only. An edge that a snapshot adds may be the second one to an heir.
                Op::Snapshot { node, .. } if done => {
                    let overlaid = deviations::appended(before, ops);
                    let places = handed::sealed(overlaid.as_ref().unwrap_or(before), self, *node);
                    self.queued(&places);
                }
                _ => {}
            }
        }
    }

    /// Who is queued twice stays drained.
    fn queued(&mut self, places: &[Place]) {
        self.drained.extend(places.iter().filter(|place| place.times > 1).map(|place| place.node().0));
    }

    fn reopened(&mut self, place: &Place) {
        if place.is_wordless() {
            self.wordless.insert(place.node().0);
        } else {
            self.wordless.remove(&place.node().0);
        }
    }

    /// These operations took effect.
    fn note(&mut self, ops: &[Op]) {
        for op in ops {
            match *op {
                Op::Add { node, spec } => {
                    self.next_child.insert(node.0, 0);
                    self.opened(node, spec.flags);
                }
                Op::Open { node, layer, file, .. } => {
                    self.opened(node, layer.flags);
                    if let Some(Below { node: below, opened: Some(own) }) = file {
                        let inactive = layer.flags.inactive || own.flags.inactive;
                        let force_share = layer.flags.force_share || own.flags.force_share;
                        self.opened(below, Flags { inactive, force_share, ..own.flags });
                    }
                }
                Op::Attach { parent, .. } | Op::AddChild { parent, .. } => {
                    *self.next_child.entry(parent.0).or_default() += 1;
                }
                Op::RemoveChild { parent, name } => {
                    let next = self.next_child.entry(parent.0).or_default();
                    if words::number(name).map(|n| n + 1) == Some(*next) {
                        *next -= 1;
                    }
                }
                _ => {}
            }
        }
    }
}

/// The users, not those of jobs, of nodes at or below this one on which jobs have users.
fn beside_jobs<const N: usize, const E: usize>(state: &State<N, E>, node: NodeId) -> impl Iterator<Item = UserId> {
    let reached = state.reach(node);
    let of_job = move |id| deviations::has_job(state, id);
    state.edges().iter().filter_map(move |edge| match edge.parent {
        Parent::User(user) if !edge.ways.stay && reached[usize::from(edge.child.0)] && of_job(edge.child) => Some(user),
        _ => None,
    })
}

/// NBD's export, read-only or not: J8.
pub const EXPORTS: [Pair; 2] = [Pair::new(Perms(0b1), Perms(0b10111)), Pair::new(Perms(0b11), Perms(0b10111))];

/// The same of vhost-user-blk, which lets others resize, and knows no inactive nodes.
pub const SHARING_EXPORTS: [Pair; 2] = [Pair::new(Perms(0b1), Perms(0b11111)), Pair::new(Perms(0b11), Perms(0b11111))];

/// The commands that do what these operations do, in this state; `None`: QMP does not reach it.
pub fn steps<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, ops: &[Op]) -> Option<Vec<Step>> {
    match *ops {
        [Op::Add { node, spec }, ref children @ ..] => {
            let image = |op: &Op| match *op {
                Op::Attach { child, name: ChildName::FILE, .. } => holds_image(state, memory, child),
                _ => true,
            };
            let found = spec.kind != Kind::Format || children.iter().all(image);
            // A quorum's children are equally long.
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
            let images = file.filter(|f| f.opened.is_some_and(|o| o.kind == Kind::File)).map(|f| Step::Image(f.node));
            let add = Step::Ask("blockdev-add", node::options(node, layer.spec(), &children)?);
            Some(images.into_iter().chain([add]).collect())
        }
        [Op::Activate { node }, Op::AttachUser { user, node: to, pair, ways, context }]
            if node == to && !is_job(state, user) =>
        {
            // QEMU activates what it is to export, unless it may be inactive.
            (!ways.may_inactivate && opens_again(state, memory, node)).then(|| export(user, to, pair, ways, context))?
        }
        [Op::AttachUser { user, node, pair, ways, context }] => {
            let inactive = state.node(node).is_some_and(|n| n.flags.inactive);
            // Jobs and exports have names of their own.
            (!is_job(state, user) && (ways.may_inactivate || !inactive))
                .then(|| export(user, node, pair, ways, context))?
        }
        [Op::DetachUser { user }] => {
            let ask = Step::Ask("block-export-del", json!({"id": words::user(user)}));
            (!is_job(state, user)).then(|| vec![ask, Step::ExportGone(user)])
        }
        [Op::Delete { node }] => Some(vec![Step::Ask("blockdev-del", json!({"node-name": words::node(node)}))]),
        [Op::Reopen { ref queue }] => {
            let reopened = |entry| reopened(state, memory, entry);
            let entries: Option<Vec<Value>> = queue.entries().iter().map(reopened).collect();
            Some(vec![Step::Ask("blockdev-reopen", json!({"options": entries?}))])
        }
        [Op::AddChild { parent, child, name }] => {
            let arguments = json!({"parent": words::node(parent), "node": words::node(child)});
            let next = words::numbered(memory.next_child(parent)) == name;
            let other = state.node(parent).is_none_or(|n| n.kind != Some(Kind::Quorum));
            ((next || other) && !memory.is_long(state, child)).then(|| vec![Step::Ask("x-blockdev-change", arguments)])
        }
        [Op::RemoveChild { parent, name }] => {
            let kind = state.node(parent).and_then(|n| n.kind).unwrap_or(Kind::Quorum);
            let arguments = json!({"parent": words::node(parent), "child": words::child(kind, name)});
            Some(vec![Step::Ask("x-blockdev-change", arguments)])
        }
        [Op::Inactivate { node }] | [Op::Activate { node }] => {
            let active = matches!(ops[0], Op::Activate { .. });
            (!active || opens_again(state, memory, node)).then(|| {
                vec![Step::Ask("blockdev-set-active", json!({"node-name": words::node(node), "active": active}))]
            })
        }
        [Op::MoveContext { node, to }] => {
            let arguments = json!({"node-name": words::node(node), "iothread": words::context(to), "force": true});
            Some(vec![Step::Ask("x-blockdev-set-iothread", arguments)])
        }
        [Op::Snapshot { node, overlay }] => Some(vec![Step::Ask("blockdev-snapshot", snapshot(node, overlay))]),
        [Op::Snapshot { .. } | Op::CheckOp { .. }, _, ..] => transaction(state, ops),
        [op] => job::steps(state, memory, &op),
        _ => None,
    }
}

/// Is that the name of a job?
pub(super) fn is_job<const N: usize, const E: usize>(state: &State<N, E>, user: UserId) -> bool {
    let of_job = |parent| matches!(parent, Parent::User(known) if known.main() == user);
    state.edges().iter().any(|e| e.ways.stay && of_job(e.parent))
}

fn snapshot(node: NodeId, overlay: NodeId) -> Value {
    json!({"node": words::node(node), "overlay": words::node(overlay)})
}

/// Snapshots together; asking about a node that is not there is spelled `abort`.
fn transaction<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op]) -> Option<Vec<Step>> {
    let action = |op: &Op| match *op {
        Op::Snapshot { node, overlay } => Some(json!({"type": "blockdev-snapshot", "data": snapshot(node, overlay)})),
        Op::CheckOp { node, .. } if state.node(node).is_none() => Some(json!({"type": "abort", "data": {}})),
        _ => None,
    };
    let actions: Option<Vec<Value>> = ops.iter().map(action).collect();
    Some(vec![Step::Ask("transaction", json!({"actions": actions?}))])
}

fn add(node: NodeId, spec: Spec, children: &[Op]) -> Option<Vec<Step>> {
    let said = |op: &Op| match *op {
        Op::Attach { parent, child, name, role } if parent == node => Some(Said::reference(name, child, role)),
        _ => None,
    };
    let said: Option<Vec<Said>> = children.iter().map(said).collect();
    let add = Step::Ask("blockdev-add", node::options(node, spec, &said?)?);
    let image = (spec.kind == Kind::File).then_some(Step::Image(node));
    Some(image.into_iter().chain([add]).collect())
}

/// The children that an open says.
fn opened_children(layer: Layer, file: Option<Below>, backing: Option<NodeId>) -> Option<Vec<Said>> {
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
                // QEMU hands down force-share, and not that a node is inactive.
                spec.flags.inactive |= layer.flags.inactive;
                let mut own = node::options(file.node, spec, &[])?;
                if layer.flags.force_share {
                    own["force-share"] = json!(spec.flags.force_share);
                }
                own
            }
            None => json!(words::node(file.node)),
        };
        children.push(Said { name: ChildName::FILE, value, role: main });
    }
    children.extend(backing.map(|to| Said::reference(ChildName::BACKING, to, Role::COW)));
    Some(children)
}

/// An export by NBD, or by vhost-user-blk.
fn export(user: UserId, node: NodeId, pair: Pair, ways: Ways, context: Option<Context>) -> Option<Vec<Step>> {
    let by = |exports: [Pair; 2]| exports.iter().position(|known| *known == pair);
    let (kind, writable) = match (by(EXPORTS), by(SHARING_EXPORTS)) {
        (Some(writable), _) => ("nbd", writable == 1),
        (None, Some(writable)) if !ways.may_inactivate => ("vhost-user-blk", writable == 1),
        _ => return None,
    };
    // Asked for a thread and not fixed to it, QEMU goes on without it if it cannot be had.
    if ways.stay || context.is_some() && !ways.fixed || user.part() != 0 {
        return None;
    }
    let name = words::user(user);
    let mut arguments = json!({"id": name, "type": kind, "node-name": words::node(node),
        "writable": writable, "fixed-iothread": ways.fixed});
    // Older versions have no such key.
    if ways.may_inactivate {
        arguments["allow-inactive"] = json!(true);
    }
    if kind == "nbd" {
        arguments["name"] = json!(name);
    } else {
        arguments["addr"] = json!({"type": "unix", "path": format!("{name}.sock")});
    }
    match context {
        Some(Context::MAIN) => return None,
        Some(context) => arguments["iothread"] = json!(words::thread(context)),
        None => {}
    }
    Some(vec![Step::Ask("block-export-add", arguments)])
}

/// The drivers that can be reopened; the others have no such function.
pub(super) fn reopens(kind: Kind) -> bool {
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

/// Does every format that becomes active with this node find its image again? It reads the header anew.
fn opens_again<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, node: NodeId) -> bool {
    let below = if state.node(node).is_some() { state.reach(node) } else { [false; N] };
    let opened = |id: &NodeId| {
        let found = &state.nodes[usize::from(id.0)];
        below[usize::from(id.0)] && found.flags.inactive && found.kind == Some(Kind::Format)
    };
    let file = |id: NodeId| state.children(id).find(|edge| edge.name == ChildName::FILE);
    state.names().filter(opened).all(|id| file(id).is_some_and(|edge| holds_image(state, memory, edge.child)))
}

/// Does what is read from this node come from an image file? A format has to be found there.
fn holds_image<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, from: NodeId) -> bool {
    let mut at = from;
    for _ in 0..N {
        // One that is not there is not read.
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

/// All that a node has, as QEMU wants it repeated.
pub(super) fn whole<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> Option<Entry> {
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

/// One entry of a reopen: all options that the node has, for what is not said is reset.
fn reopened<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, entry: &Entry) -> Option<Value> {
    let absent = || json!({"node-name": words::node(entry.node), "driver": "null-co"});
    if entry.keep {
        return None;
    }
    let Some(node) = state.node(entry.node) else { return Some(absent()) };
    let kind = node.kind.filter(|kind| reopens(*kind))?;
    // What cannot be changed has to be repeated.
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
        children.push(Said::reference(edge.name, to, edge.role));
    }
    if children.iter().all(|child| child.name != ChildName::FILE) && entry.file.is_some() {
        return None;
    }
    let flags = Flags {
        read_only: false,
        force_share: false,
        inactive: memory.said_inactive.contains(&entry.node.0),
        ..node.flags
    };
    let mut all = node::options(entry.node, Spec { kind, opt: node.opt, flags }, &children)?;
    let all_keys: &mut Map<String, Value> = all.as_object_mut()?;
    if let Some(on) = entry.read_only {
        all_keys.insert("read-only".into(), json!(on));
    }
    match entry.backing {
        Some(to) if kind == Kind::Format => {
            all_keys.insert("backing".into(), to.map_or(Value::Null, |to| json!(words::node(to))));
        }
        Some(_) => return None,
        None => {}
    }
    Some(all)
}
