//! Plausible operations, most of which are accepted.
//!
//! Each verb picks operands for which its preconditions hold, and wishes that the node itself can grant. Conflicts
//! further down are left to the judgement, so a good part is refused nevertheless.

use crate::generate::entropy::{Entropy, existing_nodes};
use crate::generate::{hostile, jobs};
use blockgraph_model::derived::derive;
use blockgraph_model::op::Flags;
use blockgraph_model::perm::{ALL, R, U, W, Z};
use blockgraph_model::{
    ChildName, Context, Edge, Entry, Kind, Node, NodeId, Op, OpKind, OpKinds, Opt, Pair, Parent, Perms, Queue, Role,
    Slot, Spec, State, UserId, rules,
};

/// The weight of each verb, in the order of [`Op::VERBS`].
const WEIGHTS: [usize; Op::VERBS.len()] = [
    12, 4, 12, 4, 8, 26, 5, 6, 4, 3, 5, 3, 5, 5, 4, 5, 4, 5, 5, 2, 2, 1, 8, 5, 10, 3, 4, 2, 1, 2, 4, 3, 1, 1, 4, 5, 4,
    2, 5, 5, 5, 4, 6, 4, 4, 4,
];

/// The most sections of a node, and the most drain-alls. More of them add no new behaviour.
const MOST_SECTIONS: u16 = 3;

/// The well-formed roles.
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

/// Makes an operation of the drawn verb, or of the next verb for which there are operands.
pub(super) fn op<const N: usize, const E: usize>(mut entropy: Entropy<'_>, state: &State<N, E>) -> Op {
    let excluded = entropy.setup.excluded;
    let drawn = draw(&mut entropy);
    let verbs = (drawn..Op::VERBS.len()).chain(0..drawn).filter(|&verb| !excluded.has(verb));
    let made = verbs.filter_map(|verb| verb_op(verb, &mut entropy.clone(), state)).next();
    made.unwrap_or_else(|| hostile::op(entropy, state))
}

fn draw(entropy: &mut Entropy<'_>) -> usize {
    let mut left = entropy.byte() as usize * WEIGHTS.iter().sum::<usize>() / 256;
    for (verb, weight) in WEIGHTS.iter().enumerate() {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return verb,
        }
    }
    0
}

fn verb_op<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    match verb {
        0 => Some(Op::Add { node: entropy.unused(state).next()?, spec: spec(entropy) }),
        1 => release(entropy, state),
        2..=4 | 11 => user_op(verb, entropy, state),
        5 => attach(entropy, state),
        6 | 10 => edge_op(verb, entropy, state),
        7 | 8 => slot_op(verb, entropy, state),
        9 => {
            let from = entropy.pick(&nodes(state, |id| state.parents(id).next().is_some()))?;
            Some(Op::ReplaceNode { from, to: entropy.pick(&nodes(state, |to| to != from))? })
        }
        12 | 13 => over(verb, entropy, state),
        14 => {
            let filters = nodes(state, |id| kind(state, id).filter_slot().is_some() && state.chain_edge(id).is_some());
            Some(Op::DropFilter { filter: entropy.pick(&filters)? })
        }
        15 => chain(entropy, state, false).map(|(top, base)| Op::Freeze { top, base }),
        16 => chain(entropy, state, true).map(|(top, base)| Op::Thaw { top, base }),
        17 => {
            let node = entropy.pick(&drivers(state, |kind| kind.default_opt() != Opt::None))?;
            Some(Op::SetOption { node, opt: entropy.opt(kind(state, node)) })
        }
        18 => {
            let node = entropy.pick(&nodes(state, |id| has_driver(state, id) && !node(state, id).flags.force_share))?;
            // The flag goes back and forth, so that neither value lasts; now and then it stays, which reopens the node
            // as well.
            let on = state.nodes[node.0 as usize].writable() != entropy.one_in(5);
            Some(Op::SetReadOnly { node, on })
        }
        _ => later_op(verb, entropy, state),
    }
}

/// Makes operations about holding, chains, blockers and reopen.
fn later_op<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    match verb {
        19 => Some(Op::Hold { node: entropy.pick(&nodes(state, |id| node(state, id).holders < 100))? }),
        20 => {
            let idle = |id| node(state, id).monitor && state.references(id) == 1;
            Some(Op::Delete { node: entropy.pick(&nodes(state, idle))? })
        }
        21 => {
            // A bounded number of nodes loses its driver, so that enough nodes are left to work with.
            let few = state.nodes.iter().filter(|node| node.ejected).count() < usize::from(entropy.setup.names) / 4;
            Some(Op::Eject { node: entropy.pick(&drivers(state, |_| few))? })
        }
        22 => {
            let parent = entropy.pick(&drivers(state, Kind::takes_children))?;
            let (name, role) = place(entropy, state, parent)?;
            Some(Op::OpenChild { parent, node: entropy.unused(state).next()?, spec: spec(entropy), name, role })
        }
        23 => drop_intermediate(entropy, state),
        24 => {
            let count = [1, 1, 2, 2, 3, 4][entropy.below(6)];
            let entries: Vec<Entry> = (0..count).filter_map(|_| entry(entropy, state)).collect();
            Some(Op::Reopen { queue: Queue::new(&entries)? })
        }
        25 => {
            let free = |id| state.blocker(id, OpKind::EXTERNAL_SNAPSHOT).is_none();
            let no_user = |id| state.parents(id).all(|i| matches!(state.edges()[i].parent, Parent::Node(_)));
            let fits = |id| cow(state, id) && state.chain_edge(id).is_none() && no_user(id);
            let overlay = entropy.pick(&nodes(state, fits))?;
            let under: Vec<NodeId> = below(state, overlay).into_iter().filter(|&id| free(id)).collect();
            Some(Op::Snapshot { node: entropy.pick(&under)?, overlay })
        }
        26 | 27 => block(verb, entropy, state),
        28 => {
            let (node, kind) = (entropy.pick(&existing_nodes(state))?, entropy.op_kind());
            let free = (0..16).map(OpKind).find(|kind| state.blocker(node, *kind).is_none());
            let blocked = state.blocker(node, kind).is_some();
            Some(Op::CheckOp { node, kind: if blocked { free? } else { kind } })
        }
        29 => check_replace(entropy, state),
        _ => section_op(verb, entropy, state),
    }
}

/// Makes operations about sections, contexts, activity, sizes and the children of a quorum.
fn section_op<const N: usize, const E: usize>(
    verb: usize,
    entropy: &mut Entropy<'_>,
    state: &State<N, E>,
) -> Option<Op> {
    let drained = |id| node(state, id).sections > 0;
    match verb {
        30 => {
            Some(Op::DrainBegin { node: entropy.pick(&nodes(state, |id| node(state, id).sections < MOST_SECTIONS))? })
        }
        31 => Some(Op::DrainEnd { node: entropy.pick(&nodes(state, drained))? }),
        32 => (state.drain_alls < MOST_SECTIONS).then_some(Op::DrainAllBegin {}),
        33 => (state.drain_alls > 0).then_some(Op::DrainAllEnd {}),
        34 => Some(Op::MoveContext { node: entropy.pick(&existing_nodes(state))?, to: entropy.context() }),
        35 => inactivate(entropy, state),
        36 => {
            // In most cases from the top down, because a node below an inactive parent can only become active below
            // another active one.
            let rests = |id| node(state, id).flags.inactive && !over_inactive(state, id);
            Some(Op::Activate { node: entropy.pick(&drivers_at(state, rests))? })
        }
        37 => {
            let sizes = |user: &UserId| edge_of(state, *user).is_some_and(|e| e.wanted.need.meets(Z));
            let active = |user: &UserId| at(state, *user).is_some_and(|id| !node(state, id).flags.inactive);
            let users: Vec<UserId> = entropy.users(state, true).into_iter().filter(|u| sizes(u) && active(u)).collect();
            Some(Op::Truncate { user: entropy.pick(&users)?, unaligned: entropy.one_in(2) })
        }
        38 | 39 => quorum_op(verb, entropy, state),
        _ => jobs::plausible(verb, entropy, state),
    }
}

/// Inactivates a node that has only users or inactive nodes above it.
fn inactivate<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let willing = |e: &Edge| match e.parent {
        Parent::Node(parent) => node(state, parent).flags.inactive,
        Parent::User(_) => e.user_flags.may_inactivate || e.wanted.need.within(R),
    };
    // A bounded number of nodes is inactive, so that some node can still be written.
    let few = state.nodes.iter().filter(|node| node.flags.inactive).count() < usize::from(entropy.setup.names) / 2;
    let edges = |id| state.parents(id).map(|i| &state.edges()[i]);
    let fits = |id| few && !node(state, id).flags.inactive && edges(id).all(willing);
    Some(Op::Inactivate { node: entropy.pick(&drivers_at(state, fits))? })
}

/// Returns whether the node has an inactive parent.
fn over_inactive<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    let inactive = |parent: &Parent| matches!(*parent, Parent::Node(parent) if node(state, parent).flags.inactive);
    state.parents(id).any(|i| inactive(&state.edges()[i].parent))
}

/// Makes add-child and remove-child.
fn quorum_op<const N: usize, const E: usize>(
    verb: usize,
    entropy: &mut Entropy<'_>,
    state: &State<N, E>,
) -> Option<Op> {
    let count = |id| state.children(id).count();
    if verb == 39 {
        let many = |id| kind(state, id) == Kind::Quorum && count(id) > 1;
        let parent = entropy.pick(&drivers_at(state, many))?;
        let names: Vec<ChildName> = state.children(parent).filter(|e| !e.frozen).map(|e| e.name).collect();
        return Some(Op::RemoveChild { parent, name: entropy.even(&names)? });
    }
    let parent = entropy.pick(&drivers(state, |kind| kind == Kind::Quorum))?;
    let alone: Vec<NodeId> =
        below(state, parent).into_iter().filter(|&id| state.parents(id).next().is_none()).collect();
    let names = 2..entropy.setup.children.max(8);
    let free = names.map(ChildName).find(|name| state.children(parent).all(|e| e.name != *name))?;
    Some(Op::AddChild { parent, child: entropy.pick(&alone)?, name: free })
}

/// Returns the nodes that a step can name and that fit.
fn nodes<const N: usize, const E: usize>(state: &State<N, E>, like: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    existing_nodes(state).into_iter().filter(|&id| like(id)).collect()
}

/// Returns the nodes that a step can name, that have their driver, and that fit.
fn drivers_at<const N: usize, const E: usize>(state: &State<N, E>, like: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    nodes(state, |id| has_driver(state, id) && like(id))
}

/// Returns the nodes that a step can name and that have a driver of a fitting kind.
fn drivers<const N: usize, const E: usize>(state: &State<N, E>, like: impl Fn(Kind) -> bool) -> Vec<NodeId> {
    nodes(state, |id| has_driver(state, id) && like(kind(state, id)))
}

fn node<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> &Node {
    &state.nodes[id.0 as usize]
}

fn has_driver<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    node(state, id).has_driver()
}

/// Returns whether the node has a driver that supports COW.
fn cow<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    has_driver(state, id) && kind(state, id).supports_cow()
}

fn kind<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> Kind {
    node(state, id).kind.unwrap_or(Kind::Protocol)
}

/// Returns the nodes that can be put below `parent` without a cycle.
fn below<const N: usize, const E: usize>(state: &State<N, E>, parent: NodeId) -> Vec<NodeId> {
    nodes(state, |id| !state.reach(id)[parent.0 as usize])
}

fn spec(entropy: &mut Entropy<'_>) -> Spec {
    // Quorums get extra weight, because they take the most children.
    let any = entropy.below(Kind::EVERY.len() + 4);
    let kind = Kind::EVERY.get(any).copied().unwrap_or(Kind::Quorum);
    let read_only = entropy.one_in(4);
    let force_share = read_only && entropy.one_in(3);
    let (no_io, never_freeze) = (entropy.one_in(6), entropy.one_in(8));
    let implicit = kind.filter_slot().is_some() && entropy.one_in(4);
    let inactive = entropy.one_in(10);
    let flags = Flags { read_only, force_share, no_io, never_freeze, implicit, inactive };
    Spec { kind, opt: entropy.opt(kind), flags }
}

/// Returns a spec for a node that can stand above another one.
fn upper_spec(entropy: &mut Entropy<'_>) -> Spec {
    const UPPER: [Kind; 11] = [
        Kind::BackingFilter,
        Kind::Filter,
        Kind::NoPermission,
        Kind::Blkdebug,
        Kind::Format,
        Kind::ExclusiveWriter,
        Kind::CopyOnRead,
        Kind::CopyBeforeWrite,
        Kind::MirrorTop,
        Kind::CommitTop,
        Kind::Preallocate,
    ];
    let kind = UPPER[entropy.below(UPPER.len())];
    let flags = Flags { implicit: kind.filter_slot().is_some() && entropy.one_in(3), ..spec(entropy).flags };
    Spec { kind, opt: entropy.opt(kind), flags }
}

/// Releases a node that in most cases lives on, because a graph that is closed as fast as it is built stays small.
fn release<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let held = |id| node(state, id).monitor || node(state, id).holders > 0;
    let closes = entropy.one_in(4);
    let some = nodes(state, |id| held(id) && (state.references(id) == 1) == closes);
    let any = nodes(state, held);
    Some(Op::Release { node: entropy.pick(if some.is_empty() { &any } else { &some })? })
}

fn user_op<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    if verb == 2 {
        let user = entropy.pick(&entropy.users(state, false))?;
        let node = entropy.pick(&existing_nodes(state))?;
        return Some(Op::AttachUser {
            user,
            node,
            pair: wish(entropy, state, node),
            user_flags: entropy.user_flags(),
            context: context_of_new_user(entropy, state, node),
        });
    }
    let user = entropy.pick(&entropy.users(state, true))?;
    let at = at(state, user)?;
    match verb {
        3 => Some(Op::DetachUser { user }),
        4 => Some(Op::SetUser { user, pair: wish(entropy, state, at) }),
        _ => Some(Op::ReplaceUserChild { user, to: entropy.pick(&nodes(state, |to| to != at))? }),
    }
}

/// Returns a context for a new user: in most cases that of the node, or none. A graph whose users are all fixed to
/// different contexts cannot grow.
fn context_of_new_user<const N: usize, const E: usize>(
    entropy: &mut Entropy<'_>,
    state: &State<N, E>,
    id: NodeId,
) -> Option<Context> {
    match entropy.below(6) {
        0..=2 => None,
        3 | 4 => Some(node(state, id).context),
        _ => Some(entropy.context()),
    }
}

/// Returns the node of a user.
fn at<const N: usize, const E: usize>(state: &State<N, E>, user: UserId) -> Option<NodeId> {
    edge_of(state, user).map(|e| e.child)
}

fn edge_of<const N: usize, const E: usize>(state: &State<N, E>, user: UserId) -> Option<&Edge> {
    state.edges().iter().find(|e| e.parent == Parent::User(user))
}

/// Returns a pair that fits beside the present parents of the node.
fn wish<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>, node: NodeId) -> Pair {
    let present = derive(state).map_or(Pair::FREE, |derived| derived.nodes[node.0 as usize]);
    let writes = Perms(W.0 | U.0).when(!state.nodes[node.0 as usize].writable());
    Pair::new((entropy.few() & present.share) - writes, (ALL - entropy.few()) | present.need)
}

fn attach<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let parent = entropy.pick(&drivers(state, Kind::takes_children))?;
    let child = entropy.pick(&below(state, parent))?;
    let (name, role) = place(entropy, state, parent)?;
    Some(Op::Attach { parent, child, name, role })
}

/// Returns a name and a role that a new child of the node can have.
fn place<const N: usize, const E: usize>(
    entropy: &mut Entropy<'_>,
    state: &State<N, E>,
    parent: NodeId,
) -> Option<(ChildName, Role)> {
    let kind = kind(state, parent);
    let slot_free = |role| State::<N, E>::slot_of(kind, role).is_none_or(|slot| state.in_slot(parent, slot).is_none());
    let roles: Vec<Role> = ROLES.into_iter().filter(|&role| rules::fits(role, kind) && slot_free(role)).collect();
    let role = entropy.even(&roles)?;
    let free: Vec<ChildName> = (0..entropy.setup.children)
        .map(ChildName)
        .filter(|name| state.children(parent).all(|e| e.name != *name))
        .collect();
    // A child has the name of its slot, except for a few names that later children want.
    let natural = State::<N, E>::slot_of(kind, role).map_or(ChildName(2), Slot::name);
    let name = if free.contains(&natural) && !entropy.one_in(8) { natural } else { entropy.even(&free)? };
    Some((name, role))
}

/// Makes detach and replace-child.
fn edge_op<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let detach = verb == 6;
    let can = |e: &&Edge| !(e.frozen || detach && e.role.has(Role::FILTERED));
    let edge = |e: &Edge| match e.parent {
        Parent::Node(parent) => state.node(parent).map(|_| (parent, e.name, e.child)),
        Parent::User(_) => None,
    };
    let edges: Vec<_> = state.edges().iter().filter(can).filter_map(edge).collect();
    let (parent, name, child) = entropy.even(&edges)?;
    if detach {
        return Some(Op::Detach { parent, name });
    }
    let others: Vec<NodeId> = below(state, parent).into_iter().filter(|to| *to != child).collect();
    Some(Op::ReplaceChild { parent, name, to: entropy.pick(&others)? })
}

/// Makes set-backing and set-file.
fn slot_op<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let thawed = |id, slot| state.in_slot(id, slot).is_none_or(|edge| !state.edges()[edge].frozen);
    if verb == 7 {
        let takes = |kind: Kind| kind.supports_cow() || kind.filter_slot() == Some(Slot::Backing);
        let fits = |id| has_driver(state, id) && takes(kind(state, id)) && thawed(id, Slot::Backing);
        let node = entropy.pick(&nodes(state, fits))?;
        let none = kind(state, node).supports_cow() && entropy.one_in(4);
        let to = if none { None } else { Some(entropy.pick(&below(state, node))?) };
        return Some(Op::SetBacking { node, to });
    }
    let takes = |id| match kind(state, id).filter_slot() {
        Some(slot) => slot == Slot::File,
        None => state.in_slot(id, Slot::File).is_some(),
    };
    let node = entropy.pick(&nodes(state, |id| has_driver(state, id) && takes(id) && thawed(id, Slot::File)))?;
    Some(Op::SetFile { node, to: entropy.pick(&below(state, node))? })
}

/// Makes append and insert: a node without a chain goes above another node.
fn over<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    if verb == 13 {
        let new = entropy.unused(state).next()?;
        return Some(Op::Insert { new, spec: upper_spec(entropy), top: entropy.pick(&existing_nodes(state))? });
    }
    let takes = |kind: Kind| kind.supports_cow() || kind.filter_slot().is_some();
    let fits = |id| has_driver(state, id) && takes(kind(state, id)) && state.chain_edge(id).is_none();
    let new = entropy.pick(&nodes(state, fits))?;
    let store = cow(state, new) && entropy.one_in(2);
    Some(Op::Append { new, top: entropy.pick(&below(state, new))?, store })
}

/// Makes drop-intermediate for a piece of a chain, if possible one with an overlay whose stored name changes.
fn drop_intermediate<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let edges = |id| state.parents(id).map(|i| &state.edges()[i]);
    let overlay = |e: &Edge| matches!(e.parent, Parent::Node(parent) if e.role.has(Role::COW) && cow(state, parent));
    let careless = entropy.one_in(8);
    let movable = |e: &Edge| careless || !e.frozen && !e.user_flags.stay && (overlay(e) || !e.role.has(Role::COW));
    let tops = nodes(state, |id| edges(id).all(movable) && state.chain(id).count() > 1);
    let report: Vec<NodeId> = tops.iter().copied().filter(|&id| edges(id).any(overlay)).collect();
    let any = report.is_empty() || entropy.one_in(4);
    let top = entropy.pick(if any { &tops } else { &report })?;
    let bases: Vec<NodeId> = state.chain(top).skip(1).filter(|&id| id != top && has_driver(state, id)).collect();
    let base = entropy.even(&bases)?;
    Some(Op::DropIntermediate { top, base, name: entropy.one_in(3).then(|| entropy.any_node()) })
}

/// Makes an entry of a reopen: a flag in half of the cases, options and children now and then.
fn entry<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Entry> {
    let id = entropy.pick(&drivers(state, |_| true))?;
    let (says, found) = (entropy.byte(), node(state, id));
    let has = |bit: u8| says >> bit & 1 == 1;
    let mut entry = Entry::new(id, !has(0));
    if has(1) {
        entry.read_only = Some(found.flags.force_share || found.writable() != has(2));
    }
    if has(3) && found.opt != Opt::None {
        entry.opt = Some(entropy.opt(kind(state, id)));
    }
    let linked = kind(state, id).supports_cow() && (state.chain_edge(id).is_some() || found.stored.is_some());
    if has(4) || !entry.keep && linked {
        entry.backing = reference(entropy, state, id, Slot::Backing);
    }
    if has(5) && has(6) {
        entry.file = reference(entropy, state, id, Slot::File).flatten();
    }
    Some(entry)
}

/// Returns the child that a slot has, or one that it can get.
fn reference<const N: usize, const E: usize>(
    entropy: &mut Entropy<'_>,
    state: &State<N, E>,
    id: NodeId,
    slot: Slot,
) -> Option<Option<NodeId>> {
    let kind = kind(state, id);
    let present = state.in_slot(id, slot).map(|edge| state.edges()[edge]);
    let takes = match (slot, kind.filter_slot()) {
        (slot, Some(filtered)) => slot == filtered,
        (Slot::Backing, None) => kind.supports_cow(),
        (Slot::File, None) => present.is_some(),
    };
    let bound = present.is_some_and(|e| e.frozen || node(state, e.child).flags.implicit);
    let stays = bound && !entropy.one_in(8) || entropy.one_in(3);
    match present {
        Some(edge) if stays || !takes => Some(Some(edge.child)),
        _ if !takes => None,
        _ if slot == Slot::Backing && kind.supports_cow() && entropy.one_in(3) => Some(None),
        _ => Some(Some(entropy.pick(&below(state, id))?)),
    }
}

/// Makes block and unblock.
fn block<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let blocks = |user: &UserId| edge_of(state, *user).map_or(OpKinds::NONE, |e| e.blocks);
    if verb == 26 {
        let (user, first) = (entropy.pick(&entropy.users(state, true))?, OpKinds::of(entropy.op_kind()));
        let second = if entropy.one_in(2) { OpKinds::of(entropy.op_kind()) } else { OpKinds::NONE };
        return Some(Op::Block { user, kinds: OpKinds(first.0 | second.0) });
    }
    let busy: Vec<UserId> =
        entropy.users(state, true).into_iter().filter(|user| blocks(user) != OpKinds::NONE).collect();
    let user = entropy.pick(&busy)?;
    let all = blocks(&user);
    let kinds: Vec<OpKind> = all.iter().collect();
    let kinds = if entropy.one_in(2) { all } else { OpKinds::of(entropy.even(&kinds)?) };
    Some(Op::Unblock { user, kinds })
}

/// Makes check-replace from a node down a few filters, and from a quorum to one of its children.
fn check_replace<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let through = |kind: Kind| kind.filter_slot().is_some() || kind == Kind::Quorum;
    let fits = |id| has_driver(state, id) && through(kind(state, id)) && state.children(id).next().is_some();
    let some = nodes(state, fits);
    let parent = entropy.pick(&if some.is_empty() { existing_nodes(state) } else { some })?;
    let mut met = vec![parent];
    let mut at = parent;
    while let Some(edge) = state.chain_edge(at).filter(|_| kind(state, at).filter_slot().is_some() && met.len() < N) {
        at = state.edges()[edge].child;
        met.push(at);
    }
    if kind(state, at) == Kind::Quorum {
        met.extend(state.children(at).map(|e| e.child));
    }
    met.retain(|&id| has_driver(state, id) && state.blocker(id, OpKind::REPLACE).is_none());
    Some(Op::CheckReplace { parent, node: entropy.even(&met)? })
}

/// Returns a piece of a chain whose edges are all frozen, or are all thawed and can be frozen.
fn chain<const N: usize, const E: usize>(
    entropy: &mut Entropy<'_>,
    state: &State<N, E>,
    frozen: bool,
) -> Option<(NodeId, Option<NodeId>)> {
    let next = |id| state.chain_edge(id).map(|edge| state.edges()[edge]);
    let fit = |e: &Edge| e.frozen == frozen && (frozen || !state.nodes[e.child.0 as usize].flags.never_freeze);
    let top = entropy.pick(&nodes(state, |id| next(id).is_some_and(|e| fit(&e))))?;
    let mut bases = Vec::new();
    let mut at = top;
    // Inside a transaction a chain can be a cycle.
    while let Some(edge) = next(at).filter(|e| fit(e) && bases.len() < N) {
        at = edge.child;
        bases.push(Some(at));
    }
    if next(at).is_none() {
        bases.push(None);
    }
    Some((top, entropy.even(&bases)?))
}
