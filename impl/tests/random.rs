//! Random operations, alone and in transactions, with refusing drivers: after every one the graph passes its own
//! test from scratch; a refused one leaves it exactly as it was.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use blockgraph::{
    Driver, DriverOption, EdgeKey, Error, Graph, NodeKey, NodeSpec, Pair, Permissions, Role, Transaction, UserKey,
};
use common::{Injected, Rng};

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const EDGE_NAMES: [&str; 5] = ["file", "backing", "x", "y", "z"];

fn permissions(rng: &mut Rng) -> Permissions {
    // Sparse sets, so that not everything conflicts.
    Permissions::from_bits_truncate(rng.below(32) as u8 & rng.below(32) as u8)
}

fn pair(rng: &mut Rng) -> Pair {
    Pair::new(permissions(rng), Permissions::ALL - (permissions(rng) & permissions(rng)))
}

fn node<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> NodeKey {
    graph.node(NAMES[rng.below(NAMES.len())]).unwrap_or_default()
}

fn user<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> UserKey {
    graph.user(NAMES[rng.below(4)]).unwrap_or_default()
}

fn edge<D: Driver>(rng: &mut Rng, graph: &Graph<D>) -> EdgeKey {
    let node = node(rng, graph);
    let children: Vec<_> = graph.get(node).map(|view| view.children().collect()).unwrap_or_default();
    if children.is_empty() { EdgeKey::default() } else { children[rng.below(children.len())] }
}

fn option(rng: &mut Rng) -> DriverOption {
    match rng.below(3) {
        0 => DriverOption::Rewrite(rng.coin()),
        1 => DriverOption::Select(rng.coin().then(|| EDGE_NAMES[rng.below(5)].into())),
        _ => DriverOption::Debug { take: permissions(rng), unshare: permissions(rng) },
    }
}

fn spec(rng: &mut Rng) -> NodeSpec {
    let read_only = rng.below(4) == 0;
    let spec = NodeSpec::new(NAMES[rng.below(NAMES.len())]).read_only(read_only);
    spec.force_share(read_only && rng.coin()).no_io(rng.below(8) == 0).never_freeze(rng.below(8) == 0)
}

fn step(rng: &mut Rng, t: &mut Transaction<'_, Injected>) -> Result<(), Error> {
    let roles = [Role::FILTER, Role::COW, Role::DATA | Role::PRIMARY, Role::DATA, Role::METADATA, Role::PRIMARY];
    match rng.below(24) {
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

/// Every third transaction has several steps, some of them rolled back to a savepoint.
fn transact(rng: &mut Rng, graph: &mut Graph<Injected>) -> Result<(), Error> {
    let mut t = graph.transaction();
    let steps = if rng.below(3) == 0 { rng.below(8) } else { 1 };
    for _ in 0..steps {
        let savepoint = t.savepoint();
        let result = step(rng, &mut t);
        if rng.below(6) == 0 {
            t.rollback_to(savepoint).unwrap();
        } else if steps == 1 {
            result?;
        }
    }
    t.commit().map(drop)
}

#[test]
fn random_operations_keep_all_invariants() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..60 {
        let rng = &mut Rng::new(seed);
        let mut graph: Graph<Injected> = Graph::new();
        let mut copy: Graph<Injected> = Graph::new();
        for round in 0..1_500 {
            let before = graph.snapshot();
            let keys: Vec<_> = graph.nodes().collect();
            match transact(rng, &mut graph) {
                Ok(()) => accepted += 1,
                Err(error) => {
                    refused += 1;
                    assert_eq!(graph.snapshot(), before, "seed {seed} round {round}: {error}");
                    assert!(keys.iter().copied().eq(graph.nodes()), "keys survive");
                    assert!(!error.to_string().is_empty());
                }
            }
            let found = graph.check();
            assert!(found.is_empty(), "seed {seed} round {round}: {found:?}\n{:#?}", graph.snapshot());
            for key in graph.nodes() {
                let (view, driver) = (graph.get(key).unwrap(), graph.driver(key).unwrap());
                assert_eq!((driver.open_checks, driver.open_prepares), (0, 0), "every check is set or aborted");
                assert_eq!(driver.granted.unwrap_or(view.granted()), view.granted(), "the driver knows its grant");
            }
            if round % 16 == 0 {
                let snapshot = graph.snapshot();
                copy.restore_from(&snapshot, |_, driver| driver.clone()).unwrap();
                assert_eq!(copy.snapshot(), snapshot);
                assert_eq!(copy.check(), []);
                copy.clone_from(&graph);
                assert_eq!(copy.snapshot(), snapshot);
                assert_eq!(copy.check(), []);
                if rng.coin() {
                    std::mem::swap(&mut graph, &mut copy);
                }
            }
        }
    }
    assert!(accepted > 10_000 && refused > 10_000, "accepted {accepted}, refused {refused}");
}

/// Many edges at once in a random order: the incremental labels and the pass from scratch agree on cycles.
#[test]
fn labels_find_exactly_the_cycles() {
    let (mut cycles, mut acyclic) = (0, 0);
    for seed in 0..400 {
        let rng = &mut Rng::new(seed);
        let mut graph: Graph<Injected> = Graph::new();
        let count = 3 + rng.below(20);
        let nodes: Vec<_> =
            (0..count).map(|i| graph.add(NodeSpec::new(format!("n{i}")), Injected::no_permission()).unwrap()).collect();
        for round in 0..30 {
            let mut t = graph.transaction();
            let mut order: Vec<usize> = (0..count).collect();
            rng.shuffle(&mut order);
            for i in 0..rng.below(5) {
                // Mostly along some order, so that a good part has no cycle.
                let (mut a, mut b) = (rng.below(count), rng.below(count));
                if rng.below(8) > 0 && a > b {
                    (a, b) = (b, a);
                }
                let _ = t.attach(nodes[a], nodes[b], format!("{round}-{i}"), Role::DATA);
            }
            let expected = t.recompute().is_err();
            match t.commit() {
                Ok(_) => acyclic += 1,
                Err(error) => {
                    assert!(matches!(error.kind(), blockgraph::ErrorKind::Cycle { .. }));
                    cycles += 1;
                    assert!(expected);
                    assert_eq!(graph.check(), []);
                    continue;
                }
            }
            assert!(!expected);
            assert_eq!(graph.check(), []);
        }
    }
    assert!(cycles > 500 && acyclic > 500, "cycles {cycles}, acyclic {acyclic}");
}
