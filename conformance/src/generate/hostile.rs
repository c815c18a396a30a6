//! Anything, in any order.

use super::{Dice, USERS, Without, alive, jobs};
use blockgraph_model::op::Flags;
use blockgraph_model::{ChildName, Context, Entry, Kind, NodeId, Op, OpKinds, Pair, Queue, Role, Spec, State, UserId};

/// Any operation on any names.
pub(super) fn op<const N: usize, const E: usize>(without: Without, mut dice: Dice<'_>, state: &State<N, E>) -> Op {
    let verb = dice.below(Op::VERBS.len());
    let verb = (verb..Op::VERBS.len()).find(|&verb| !without.has(verb)).unwrap_or(0);
    let alive = alive(state);
    // Mostly nodes that exist; the others, if they ever did, are stale keys to the crate.
    let node = |dice: &mut Dice<'_>| match dice.pick(&alive) {
        Some(id) if !dice.one_in(6) => id,
        _ => NodeId(dice.below(N) as u8),
    };
    let d = &mut dice;
    match verb {
        1 => Op::Release { node: node(d) },
        2 => Op::AttachUser { user: user(d), node: node(d), pair: pair(d), ways: d.ways(), context: context(d) },
        3 => Op::DetachUser { user: user(d) },
        4 => Op::SetUser { user: user(d), pair: pair(d) },
        5 => Op::Attach { parent: node(d), child: node(d), name: child(d), role: role(d) },
        6 => Op::Detach { parent: node(d), name: child(d) },
        7 => Op::SetBacking { node: node(d), to: maybe(node(d), d) },
        8 => Op::SetFile { node: node(d), to: node(d) },
        9 => Op::ReplaceNode { from: node(d), to: node(d) },
        10 => Op::ReplaceChild { parent: node(d), name: child(d), to: node(d) },
        11 => Op::ReplaceUserChild { user: user(d), to: node(d) },
        12 => Op::Append { new: node(d), top: node(d), store: d.one_in(2) },
        13 => Op::Insert { new: NodeId(d.below(N) as u8), spec: spec(d), top: node(d) },
        14 => Op::DropFilter { filter: node(d) },
        15 => Op::Freeze { top: node(d), base: maybe(node(d), d) },
        16 => Op::Thaw { top: node(d), base: maybe(node(d), d) },
        17 => {
            let node = node(d);
            let kind = kind(d);
            Op::SetOption { node, opt: d.opt(kind) }
        }
        18 => Op::SetReadOnly { node: node(d), on: d.one_in(2) },
        // Else nothing would ever be done in noise.
        32 if state.drain_alls > 1 => Op::DrainAllEnd {},
        19.. => later(verb, d, N, &node),
        _ => Op::Add { node: NodeId(d.below(N) as u8), spec: spec(d) },
    }
}

/// Life, chains, blockers, reopen.
fn later(verb: usize, d: &mut Dice<'_>, names: usize, node: &dyn Fn(&mut Dice<'_>) -> NodeId) -> Op {
    match verb {
        19 => Op::Hold { node: node(d) },
        20 => Op::Delete { node: node(d) },
        21 => Op::Eject { node: node(d) },
        22 => {
            let (parent, new) = (node(d), NodeId(d.below(names) as u8));
            Op::OpenChild { parent, node: new, spec: spec(d), name: child(d), role: role(d) }
        }
        23 => {
            let (top, base) = (node(d), node(d));
            Op::DropIntermediate { top, base, name: d.one_in(3).then(|| NodeId(d.below(names) as u8)) }
        }
        24 => {
            let count = 1 + d.below(Queue::MOST);
            let entries: Vec<Entry> = (0..count).map(|_| entry(d, node)).collect();
            let one = || Queue::one(Entry::new(NodeId(0), true));
            Op::Reopen { queue: Queue::new(&entries).unwrap_or_else(one) }
        }
        25 => Op::Snapshot { node: node(d), overlay: node(d) },
        26 => Op::Block { user: user(d), kinds: kinds(d) },
        27 => Op::Unblock { user: user(d), kinds: kinds(d) },
        28 => Op::CheckOp { node: node(d), kind: d.op_kind() },
        29 => Op::CheckReplace { parent: node(d), node: node(d) },
        _ => quiet(verb, d, names, node),
    }
}

/// Sections, contexts, activity, sizes, the children of a quorum.
fn quiet(verb: usize, d: &mut Dice<'_>, names: usize, node: &dyn Fn(&mut Dice<'_>) -> NodeId) -> Op {
    match verb {
        30 => Op::DrainBegin { node: node(d) },
        31 => Op::DrainEnd { node: node(d) },
        32 => Op::DrainAllBegin {},
        33 => Op::DrainAllEnd {},
        34 => Op::MoveContext { node: node(d), to: d.context() },
        35 => Op::Inactivate { node: node(d) },
        36 => Op::Activate { node: node(d) },
        37 => Op::Truncate { user: user(d), unaligned: d.one_in(2) },
        38 => Op::AddChild { parent: node(d), child: node(d), name: child(d) },
        39 => Op::RemoveChild { parent: node(d), name: child(d) },
        _ => {
            let job = user(d);
            jobs::hostile(verb, d, names, node, job)
        }
    }
}

fn context(d: &mut Dice<'_>) -> Option<Context> {
    d.one_in(2).then(|| d.context())
}

/// Anything may be said, options of any kind included.
fn entry(d: &mut Dice<'_>, node: &dyn Fn(&mut Dice<'_>) -> NodeId) -> Entry {
    let mut entry = Entry::new(node(d), false);
    let says = d.byte();
    let has = |bit: u8| says >> bit & 1 == 1;
    entry.keep = has(0);
    entry.read_only = has(1).then(|| has(2));
    if has(3) && has(4) {
        let of = kind(d);
        entry.opt = Some(d.opt(of));
    }
    entry.backing = has(5).then(|| has(6).then(|| node(d)));
    entry.file = (has(7) && has(4)).then(|| node(d));
    entry
}

fn kinds(d: &mut Dice<'_>) -> OpKinds {
    let two = OpKinds::of(d.op_kind()).0 | OpKinds::of(d.op_kind()).0;
    OpKinds(if d.one_in(8) { 0 } else { two })
}

fn maybe(node: NodeId, dice: &mut Dice<'_>) -> Option<NodeId> {
    (!dice.one_in(3)).then_some(node)
}

fn user(dice: &mut Dice<'_>) -> UserId {
    let user = UserId(dice.below(USERS.into()) as u16);
    if dice.one_in(5) { user.further(1 + dice.below(3) as u8) } else { user }
}

fn child(dice: &mut Dice<'_>) -> ChildName {
    ChildName(dice.below(5) as u8)
}

fn pair(dice: &mut Dice<'_>) -> Pair {
    Pair::new(dice.perms(), dice.perms())
}

fn kind(dice: &mut Dice<'_>) -> Kind {
    Kind::EVERY[dice.below(Kind::EVERY.len())]
}

/// Any set of bits in every other case, else one that some driver might like.
fn role(dice: &mut Dice<'_>) -> Role {
    let any = dice.byte();
    let liked = [Role::DATA, Role::FILTERED | Role::PRIMARY, Role::COW, Role::METADATA | Role::PRIMARY];
    if any >= 128 { Role(any & 31) } else { liked[any as usize % liked.len()] }
}

/// Any kind and flags; now and then the options of another kind.
fn spec(dice: &mut Dice<'_>) -> Spec {
    let kind = kind(dice);
    let bits = dice.byte();
    let flag = |bit: u8| bits >> bit & 1 == 1;
    let (implicit, inactive) = (bits >> 5 == 5, bits >> 5 == 6);
    let (read_only, force_share, no_io, never_freeze) = (flag(0), flag(1), flag(2), flag(3));
    let flags = Flags { read_only, force_share, no_io, never_freeze, implicit, inactive };
    let of = if bits >> 4 == 15 { Kind::Quorum } else { kind };
    Spec { kind, opt: dice.opt(of), flags }
}
