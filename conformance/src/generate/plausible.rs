//! Operations that make sense: mostly accepted.
//!
//! Each verb picks among operands for which its preconditions hold, and wishes that the node itself can grant. What then
//! conflicts further down is left to the judgement, so a good part is refused all the same.

use super::{Dice, Without, alive, hostile, unused, users};
use blockgraph_model::judge::derive;
use blockgraph_model::op::Flags;
use blockgraph_model::perm::{ALL, U, W};
use blockgraph_model::{
    ChildName, Edge, Kind, NodeId, Op, Opt, Pair, Parent, Perms, Role, Slot, Spec, State, UserId, rules,
};

/// How often each verb is met, in the order of [`Op::VERBS`].
const WEIGHTS: [usize; 19] = [12, 4, 9, 4, 8, 18, 5, 6, 4, 3, 5, 3, 5, 5, 4, 5, 4, 5, 5];

/// The roles that are well formed.
const ROLES: [Role; 8] = [
    Role(Role::FILTERED.0 | Role::PRIMARY.0),
    Role(Role::DATA.0 | Role::METADATA.0 | Role::PRIMARY.0),
    Role::COW,
    Role::DATA,
    Role(Role::DATA.0 | Role::PRIMARY.0),
    Role::METADATA,
    Role(Role::METADATA.0 | Role::PRIMARY.0),
    Role(Role::DATA.0 | Role::METADATA.0),
];

/// An operation for which there are operands, of the verb that was drawn or the next one that has any.
pub(super) fn op<const N: usize, const E: usize>(without: Without, mut dice: Dice<'_>, state: &State<N, E>) -> Op {
    let drawn = draw(&mut dice);
    let verbs = (drawn..19).chain(0..drawn).filter(|&verb| !without.has(verb));
    let made = verbs.filter_map(|verb| verb_op(verb, &mut dice.clone(), state)).next();
    made.unwrap_or_else(|| hostile::op(without, dice, state))
}

fn draw(dice: &mut Dice<'_>) -> usize {
    let mut left = dice.byte() as usize * WEIGHTS.iter().sum::<usize>() / 256;
    for (verb, weight) in WEIGHTS.iter().enumerate() {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return verb,
        }
    }
    0
}

fn verb_op<const N: usize, const E: usize>(verb: usize, dice: &mut Dice<'_>, state: &State<N, E>) -> Option<Op> {
    match verb {
        0 => Some(Op::Add { node: unused(state).next()?, spec: spec(dice) }),
        1 => release(dice, state),
        2..=4 | 11 => user_op(verb, dice, state),
        5 => attach(dice, state),
        6 | 10 => edge_op(verb, dice, state),
        7 | 8 => slot_op(verb, dice, state),
        9 => {
            let from = dice.pick(&nodes(state, |id| state.parents(id).next().is_some()))?;
            Some(Op::ReplaceNode { from, to: dice.pick(&nodes(state, |to| to != from))? })
        }
        12 | 13 => over(verb, dice, state),
        14 => {
            let filters = nodes(state, |id| kind(state, id).filter_slot().is_some() && state.chain_edge(id).is_some());
            Some(Op::DropFilter { filter: dice.pick(&filters)? })
        }
        15 => chain(dice, state, false).map(|(top, base)| Op::Freeze { top, base }),
        16 => chain(dice, state, true).map(|(top, base)| Op::Thaw { top, base }),
        17 => {
            let node = dice.pick(&nodes(state, |id| kind(state, id).default_opt() != Opt::None))?;
            Some(Op::SetOption { node, opt: dice.opt(kind(state, node)) })
        }
        _ => {
            let node = dice.pick(&nodes(state, |id| !state.nodes[id.0 as usize].flags.force_share))?;
            // Back and forth, so that neither state lasts; or once more the same, which reopens too.
            let on = state.nodes[node.0 as usize].writable() != dice.one_in(5);
            Some(Op::SetReadOnly { node, on })
        }
    }
}

/// The nodes that a step can name and that are like this.
fn nodes<const N: usize, const E: usize>(state: &State<N, E>, like: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    alive(state).into_iter().filter(|&id| like(id)).collect()
}

fn kind<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> Kind {
    state.nodes[id.0 as usize].kind.unwrap_or(Kind::Protocol)
}

/// The nodes that can be put below `parent` without a cycle.
fn below<const N: usize, const E: usize>(state: &State<N, E>, parent: NodeId) -> Vec<NodeId> {
    nodes(state, |id| !state.reach(id)[parent.0 as usize])
}

fn spec(dice: &mut Dice<'_>) -> Spec {
    let kind = Kind::EVERY[dice.below(Kind::EVERY.len())];
    let read_only = dice.one_in(4);
    let force_share = read_only && dice.one_in(3);
    let flags = Flags { read_only, force_share, no_io: dice.one_in(6), never_freeze: dice.one_in(8) };
    Spec { kind, opt: dice.opt(kind), flags }
}

/// A spec that can stand over another node.
fn upper_spec(dice: &mut Dice<'_>) -> Spec {
    const UPPER: [Kind; 6] =
        [Kind::BackingFilter, Kind::Filter, Kind::NoPermission, Kind::Blkdebug, Kind::Format, Kind::ExclusiveWriter];
    let kind = UPPER[dice.below(UPPER.len())];
    Spec { kind, opt: dice.opt(kind), flags: spec(dice).flags }
}

/// Mostly of nodes that live on: a graph that is closed as fast as it is built never gets large.
fn release<const N: usize, const E: usize>(dice: &mut Dice<'_>, state: &State<N, E>) -> Option<Op> {
    let held = |id: NodeId| state.nodes[id.0 as usize].holders > 0;
    let closes = dice.one_in(4);
    let some = nodes(state, |id| held(id) && (state.references(id) == 1) == closes);
    let any = nodes(state, held);
    Some(Op::Release { node: dice.pick(if some.is_empty() { &any } else { &some })? })
}

fn user_op<const N: usize, const E: usize>(verb: usize, dice: &mut Dice<'_>, state: &State<N, E>) -> Option<Op> {
    if verb == 2 {
        let user = dice.pick(&users(state, false))?;
        let node = dice.pick(&alive(state))?;
        return Some(Op::AttachUser { user, node, pair: wish(dice, state, node), stay: dice.one_in(4) });
    }
    let user = dice.pick(&users(state, true))?;
    let at = at(state, user)?;
    match verb {
        3 => Some(Op::DetachUser { user }),
        4 => Some(Op::SetUser { user, pair: wish(dice, state, at) }),
        _ => Some(Op::ReplaceUserChild { user, to: dice.pick(&nodes(state, |to| to != at))? }),
    }
}

/// The node of a user.
fn at<const N: usize, const E: usize>(state: &State<N, E>, user: UserId) -> Option<NodeId> {
    state.edges().iter().find(|e| e.parent == Parent::User(user)).map(|e| e.child)
}

/// A pair that fits beside the present parents of the node.
fn wish<const N: usize, const E: usize>(dice: &mut Dice<'_>, state: &State<N, E>, node: NodeId) -> Pair {
    let present = derive(state).map_or(Pair::FREE, |derived| derived.nodes[node.0 as usize]);
    let writes = Perms(W.0 | U.0).when(!state.nodes[node.0 as usize].writable());
    Pair::new((dice.few() & present.share) - writes, (ALL - dice.few()) | present.need)
}

fn attach<const N: usize, const E: usize>(dice: &mut Dice<'_>, state: &State<N, E>) -> Option<Op> {
    let parent = dice.pick(&nodes(state, |id| kind(state, id).takes_children()))?;
    let kind = kind(state, parent);
    let child = dice.pick(&below(state, parent))?;
    let slot_free = |role| State::<N, E>::slot_of(kind, role).is_none_or(|slot| state.in_slot(parent, slot).is_none());
    let roles: Vec<Role> = ROLES.into_iter().filter(|&role| rules::fits(role, kind) && slot_free(role)).collect();
    let role = dice.even(&roles)?;
    let free: Vec<ChildName> =
        (0..6).map(ChildName).filter(|name| state.children(parent).all(|e| e.name != *name)).collect();
    // A child has the name of its slot, but for a few that make trouble for whoever wants that name later.
    let natural = State::<N, E>::slot_of(kind, role).map_or(ChildName(2), Slot::name);
    let name = if free.contains(&natural) && !dice.one_in(8) { natural } else { dice.even(&free)? };
    Some(Op::Attach { parent, child, name, role })
}

/// Detach and replace-child.
fn edge_op<const N: usize, const E: usize>(verb: usize, dice: &mut Dice<'_>, state: &State<N, E>) -> Option<Op> {
    let detach = verb == 6;
    let can = |e: &&Edge| !(e.frozen || detach && e.role.has(Role::FILTERED));
    let edge = |e: &Edge| match e.parent {
        Parent::Node(parent) => state.node(parent).map(|_| (parent, e.name, e.child)),
        Parent::User(_) => None,
    };
    let edges: Vec<_> = state.edges().iter().filter(can).filter_map(edge).collect();
    let (parent, name, child) = dice.even(&edges)?;
    if detach {
        return Some(Op::Detach { parent, name });
    }
    let others: Vec<NodeId> = below(state, parent).into_iter().filter(|to| *to != child).collect();
    Some(Op::ReplaceChild { parent, name, to: dice.pick(&others)? })
}

/// Set-backing and set-file.
fn slot_op<const N: usize, const E: usize>(verb: usize, dice: &mut Dice<'_>, state: &State<N, E>) -> Option<Op> {
    let thawed = |id, slot| state.in_slot(id, slot).is_none_or(|edge| !state.edges()[edge].frozen);
    if verb == 7 {
        let takes = |kind: Kind| kind.supports_cow() || kind.filter_slot() == Some(Slot::Backing);
        let node = dice.pick(&nodes(state, |id| takes(kind(state, id)) && thawed(id, Slot::Backing)))?;
        let none = kind(state, node).supports_cow() && dice.one_in(4);
        let to = if none { None } else { Some(dice.pick(&below(state, node))?) };
        return Some(Op::SetBacking { node, to });
    }
    let takes = |id| match kind(state, id).filter_slot() {
        Some(slot) => slot == Slot::File,
        None => state.in_slot(id, Slot::File).is_some(),
    };
    let node = dice.pick(&nodes(state, |id| takes(id) && thawed(id, Slot::File)))?;
    Some(Op::SetFile { node, to: dice.pick(&below(state, node))? })
}

/// Append and insert: a node that has no chain yet comes over another.
fn over<const N: usize, const E: usize>(verb: usize, dice: &mut Dice<'_>, state: &State<N, E>) -> Option<Op> {
    if verb == 13 {
        let new = unused(state).next()?;
        return Some(Op::Insert { new, spec: upper_spec(dice), top: dice.pick(&alive(state))? });
    }
    let takes = |kind: Kind| kind.supports_cow() || kind.filter_slot().is_some();
    let new = dice.pick(&nodes(state, |id| takes(kind(state, id)) && state.chain_edge(id).is_none()))?;
    Some(Op::Append { new, top: dice.pick(&below(state, new))? })
}

/// A piece of a chain whose edges are all frozen, or all not and may become so.
fn chain<const N: usize, const E: usize>(
    dice: &mut Dice<'_>,
    state: &State<N, E>,
    frozen: bool,
) -> Option<(NodeId, Option<NodeId>)> {
    let next = |id| state.chain_edge(id).map(|edge| state.edges()[edge]);
    let fit = |e: &Edge| e.frozen == frozen && (frozen || !state.nodes[e.child.0 as usize].flags.never_freeze);
    let top = dice.pick(&nodes(state, |id| next(id).is_some_and(|e| fit(&e))))?;
    let mut bases = Vec::new();
    let mut at = top;
    // In the middle of a transaction a chain can be a ring.
    while let Some(edge) = next(at).filter(|e| fit(e) && bases.len() < N) {
        at = edge.child;
        bases.push(Some(at));
    }
    if next(at).is_none() {
        bases.push(None);
    }
    Some((top, dice.even(&bases)?))
}
