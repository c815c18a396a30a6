//! Anything, in any order.

use super::{Dice, USERS, Without, alive};
use blockgraph_model::op::Flags;
use blockgraph_model::{ChildName, Kind, NodeId, Op, Pair, Role, Spec, State, UserId};

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
        2 => Op::AttachUser { user: user(d), node: node(d), pair: pair(d), stay: d.one_in(2) },
        3 => Op::DetachUser { user: user(d) },
        4 => Op::SetUser { user: user(d), pair: pair(d) },
        5 => Op::Attach { parent: node(d), child: node(d), name: child(d), role: role(d) },
        6 => Op::Detach { parent: node(d), name: child(d) },
        7 => Op::SetBacking { node: node(d), to: maybe(node(d), d) },
        8 => Op::SetFile { node: node(d), to: node(d) },
        9 => Op::ReplaceNode { from: node(d), to: node(d) },
        10 => Op::ReplaceChild { parent: node(d), name: child(d), to: node(d) },
        11 => Op::ReplaceUserChild { user: user(d), to: node(d) },
        12 => Op::Append { new: node(d), top: node(d) },
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
        _ => Op::Add { node: NodeId(d.below(N) as u8), spec: spec(d) },
    }
}

fn maybe(node: NodeId, dice: &mut Dice<'_>) -> Option<NodeId> {
    (!dice.one_in(3)).then_some(node)
}

fn user(dice: &mut Dice<'_>) -> UserId {
    UserId(dice.below(USERS.into()) as u8)
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
    let flags = Flags { read_only: flag(0), force_share: flag(1), no_io: flag(2), never_freeze: flag(3) };
    let of = if bits >> 4 == 15 { Kind::Quorum } else { kind };
    Spec { kind, opt: dice.opt(of), flags }
}
