//! Random steps on random nodes.

use super::{Injected, Rng};
use blockgraph::open::OpenSpec;
use blockgraph::{
    ContextId, Driver, DriverOption, EdgeKey, Error, Graph, MirrorPhase, NodeKey, NodeSpec, OpKind, OpKinds, Pair,
    Permissions, Reopen, Role, Transaction, UserKey, UserSpec,
};

pub const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
pub const EDGE_NAMES: [&str; 5] = ["file", "backing", "x", "y", "z"];

pub fn permissions(rng: &mut Rng) -> Permissions {
    // Sparse sets, so that not everything conflicts.
    Permissions::from_bits_truncate(rng.below(32) as u8 & rng.below(32) as u8)
}

pub fn pair(rng: &mut Rng) -> Pair {
    Pair::new(permissions(rng), Permissions::ALL - (permissions(rng) & permissions(rng)))
}

pub fn node<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> NodeKey {
    if rng.below(8) == 0 {
        return graph.node(NAMES[rng.below(NAMES.len())]).unwrap_or_default();
    }
    let nodes: Vec<_> = graph.nodes().collect();
    if nodes.is_empty() { NodeKey::default() } else { nodes[rng.below(nodes.len())] }
}

/// A quorum, if there is one.
pub fn quorum<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> NodeKey {
    let is_quorum = |key: &NodeKey| graph.driver(*key).is_some_and(|driver| driver.name() == "quorum");
    graph.nodes().find(is_quorum).unwrap_or_else(|| node(rng, graph))
}

pub fn user<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> UserKey {
    graph.user(NAMES[rng.below(4)]).unwrap_or_default()
}

pub fn edge<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> EdgeKey {
    let node = node(rng, graph);
    let children: Vec<_> = graph.get(node).map(|view| view.children().collect()).unwrap_or_default();
    if children.is_empty() { EdgeKey::default() } else { children[rng.below(children.len())] }
}

pub fn option(rng: &mut Rng) -> DriverOption {
    match rng.below(5) {
        3 => DriverOption::Unaligned(rng.coin()),
        4 => DriverOption::Phase([MirrorPhase::Mirror, MirrorPhase::Commit, MirrorPhase::Stopped][rng.below(3)]),
        0 => DriverOption::Rewrite(rng.coin()),
        1 => DriverOption::Select(rng.coin().then(|| EDGE_NAMES[rng.below(5)].into())),
        _ => DriverOption::Debug { take: permissions(rng), unshare: permissions(rng) },
    }
}

pub fn spec(rng: &mut Rng) -> NodeSpec {
    let read_only = rng.below(4) == 0;
    let spec = NodeSpec::new(NAMES[rng.below(NAMES.len())]).read_only(read_only);
    let spec = spec.force_share(read_only && rng.coin()).no_io(rng.below(8) == 0);
    spec.never_freeze(rng.below(8) == 0).implicit(rng.below(8) == 0).inactive(rng.below(16) == 0)
}

pub fn kinds(rng: &mut Rng) -> OpKinds {
    OpKinds::from_bits_truncate((1 << rng.below(17)) as u16)
}

pub fn entry<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> Reopen {
    let mut entry = Reopen::new(node(rng, graph)).keep(rng.below(3) > 0);
    if rng.below(3) == 0 {
        entry = entry.read_only(rng.coin());
    }
    if rng.below(8) == 0 {
        entry = entry.option(option(rng));
    }
    if rng.below(3) == 0 {
        entry = entry.backing(if rng.below(4) == 0 { None } else { Some(node(rng, graph)) });
    }
    if rng.below(4) == 0 {
        entry = entry.file(node(rng, graph));
    }
    entry
}

pub fn context(rng: &mut Rng) -> ContextId {
    ContextId(rng.below(3) as u32)
}

/// A user that may have a say in where it is.
pub fn user_spec(rng: &mut Rng) -> UserSpec {
    let spec = UserSpec::new(NAMES[rng.below(4)], pair(rng)).stays(rng.below(4) == 0).may_inactivate(rng.coin());
    let spec = spec.fixed(rng.coin());
    if rng.coin() { spec.context(context(rng)) } else { spec }
}

/// Mostly a node with an open section.
pub fn drained<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> NodeKey {
    let has_section = |key: &NodeKey| graph.get(*key).is_some_and(|view| view.sections() > 0);
    let nodes: Vec<_> = graph.nodes().filter(has_section).collect();
    if nodes.is_empty() || rng.below(8) == 0 { node(rng, graph) } else { nodes[rng.below(nodes.len())] }
}

/// An image to be opened (O41).
fn open_spec(rng: &mut Rng, graph: &Graph<Injected>) -> OpenSpec<Injected> {
    let mut image = OpenSpec::new(spec(rng), Injected::random(rng)).probe(rng.coin());
    image = match rng.below(3) {
        0 => image,
        1 => image.existing_file(node(rng, graph)),
        _ => image.file(spec(rng), Injected::random(rng)),
    };
    if rng.below(3) == 0 {
        image = image.backing(node(rng, graph));
    }
    if rng.below(3) == 0 { image.overlay(NAMES[rng.below(NAMES.len())], Injected::random(rng)) } else { image }
}

/// The operations of life, chains, blockers, reopen, sections, contexts and opening.
pub fn other_step(rng: &mut Rng, arm: usize, t: &mut Transaction<'_, Injected>) -> Result<(), Error> {
    match arm {
        0 => t.hold(node(rng, t)),
        1 => t.delete(node(rng, t)),
        2 if rng.below(8) == 0 => t.eject_driver(node(rng, t)),
        2 => t.hold(node(rng, t)),
        8 => t.open(open_spec(rng, t)).map(drop),
        3..8 => {
            let roles = [Role::FILTER, Role::COW, Role::DATA | Role::PRIMARY, Role::DATA, Role::COW | Role::DATA];
            let (name, role) = (EDGE_NAMES[rng.below(5)], roles[rng.below(5)]);
            t.open_child(node(rng, t), spec(rng), Injected::random(rng), name, role).map(drop)
        }
        9 => t.append_and_store(node(rng, t), node(rng, t)),
        10 | 11 => t.drop_intermediate(node(rng, t), node(rng, t)),
        12 => t.drop_intermediate_as(node(rng, t), node(rng, t), "stored"),
        13 => t.snapshot_node(node(rng, t), node(rng, t)),
        14 => t.block(user(rng, t), kinds(rng), NAMES[rng.below(8)]),
        15 => t.unblock(user(rng, t), kinds(rng)),
        16 => t.ensure_not_blocked(node(rng, t), OpKind::ALL[rng.below(16)]),
        17 => t.check_replace(node(rng, t), node(rng, t)),
        18 => t.attach_user_as(user_spec(rng), node(rng, t)).map(drop),
        19 => t.inactivate(node(rng, t)),
        20..22 => t.activate(node(rng, t)),
        22 => t.truncate(user(rng, t), rng.coin()),
        23 => t.add_child(quorum(rng, t), node(rng, t), EDGE_NAMES[rng.below(5)]).map(drop),
        24..27 => {
            let children = t.get(quorum(rng, t)).map(|view| view.children().collect::<Vec<_>>()).unwrap_or_default();
            t.remove_child(children.first().copied().unwrap_or_else(|| edge(rng, t)))
        }
        33 | 34 => t.drain_begin(node(rng, t)),
        35..38 => t.drain_end(drained(rng, t)),
        38 if t.drain_alls() == 0 => t.drain_all_begin(),
        38 => t.drain_all_end(),
        39..42 => t.move_context(node(rng, t), context(rng)),
        42..44 => t.attach_user_as(user_spec(rng), node(rng, t)).map(drop),
        _ => {
            let entries: Vec<_> = (0..rng.below(4)).map(|_| entry(rng, t)).collect();
            t.reopen(&entries)
        }
    }
}

/// How many steps of each arm of [`other_step`], and then of [`first_step`], took effect.
pub type Counts = [usize; ARMS];
const OTHER_ARMS: usize = 44;
const FIRST_ARMS: usize = 24;
pub const ARMS: usize = OTHER_ARMS + FIRST_ARMS;

pub fn step(rng: &mut Rng, t: &mut Transaction<'_, Injected>, counts: &mut Counts) -> Result<(), Error> {
    let (arm, result) = if rng.below(3) == 0 {
        let arm = rng.below(OTHER_ARMS);
        (arm, other_step(rng, arm, t))
    } else {
        let arm = rng.below(FIRST_ARMS);
        (OTHER_ARMS + arm, first_step(rng, arm, t))
    };
    counts[arm] += usize::from(result.is_ok());
    result
}

/// The operations of the first chapter, on nodes, users and edges.
fn first_step(rng: &mut Rng, arm: usize, t: &mut Transaction<'_, Injected>) -> Result<(), Error> {
    let roles = [Role::FILTER, Role::COW, Role::DATA | Role::PRIMARY, Role::DATA, Role::METADATA, Role::PRIMARY];
    match arm {
        0..4 => t.add(spec(rng), Injected::random(rng)).map(drop),
        4 => t.release(node(rng, t)),
        5..7 => t.attach_user(NAMES[rng.below(4)], node(rng, t), pair(rng), rng.below(4) == 0).map(drop),
        7 => t.detach_user(user(rng, t)),
        8 => t.set_user(user(rng, t), pair(rng)),
        9..13 => {
            let (name, role) = (EDGE_NAMES[rng.below(5)], roles[rng.below(6)]);
            t.attach(node(rng, t), node(rng, t), name, role).map(drop)
        }
        13 => t.detach(edge(rng, t)),
        14 => t.set_backing(node(rng, t), rng.coin().then(|| node(rng, t))),
        15 => t.set_file(node(rng, t), node(rng, t)),
        16 => t.replace_node(node(rng, t), node(rng, t)),
        17 => {
            let edge = if rng.coin() {
                edge(rng, t)
            } else {
                t.user_view(user(rng, t)).map_or(EdgeKey::default(), |u| u.edge())
            };
            t.replace_edge(edge, node(rng, t))
        }
        18 => t.append(node(rng, t), node(rng, t)),
        19 => t.insert(spec(rng), Injected::random(rng), node(rng, t)).map(drop),
        20 => t.drop_filter(node(rng, t)),
        21 => t.set_option(node(rng, t), option(rng)),
        22 => t.set_read_only(node(rng, t), rng.coin()),
        _ if rng.coin() => t.freeze(node(rng, t), rng.coin().then(|| node(rng, t))),
        _ => t.thaw(node(rng, t), rng.coin().then(|| node(rng, t))),
    }
}
