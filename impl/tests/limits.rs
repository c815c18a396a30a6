//! Limits are a function of the graph (L5.15): they are compared with the specification on random graphs, after every
//! step and every rollback, and are linear where there are many paths.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::drivers::{Filter, Format};
use blockgraph::open::{Limits, OpenSpec};
use blockgraph::{ChildContext, Driver, Graph, NodeKey, NodeSpec, Pair, Permissions, Policy, Role};
use common::Rng;
use std::collections::HashMap;
use std::num::NonZeroU64;

/// A driver with limits that takes any child.
#[derive(Clone, Debug)]
struct Device(Limits);

impl Policy for Device {
    fn name(&self) -> &str {
        "device"
    }
    fn supports_backing(&self) -> bool {
        true
    }
    fn limits(&self) -> Limits {
        self.0
    }
    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for Device {}

fn limits(rng: &mut Rng) -> Limits {
    Limits {
        request_alignment: 1 << rng.below(13),
        max_transfer: NonZeroU64::new(rng.below(4) as u64 * 4096),
        min_memory_alignment: 1 << rng.below(13),
    }
}

/// The limits of an acyclic graph by the sentence, computed from the bottom up.
fn expected(graph: &Graph<Device>) -> HashMap<NodeKey, Limits> {
    let mut known = HashMap::new();
    let nodes: Vec<_> = graph.nodes().collect();
    while known.len() < nodes.len() {
        for node in &nodes {
            let Some(driver) = graph.driver(*node) else {
                known.insert(*node, Limits::NONE);
                continue;
            };
            let edges = graph.get(*node).unwrap().children().map(|edge| graph.edge(edge).unwrap());
            let mut children =
                edges.filter(|edge| edge.role() != Role::COW).map(|edge| known.get(&edge.child()).copied());
            let sum = children.try_fold(driver.limits(), |sum, child| Some(sum.combined_with(child?)));
            known.extend(sum.map(|sum| (*node, sum)));
        }
    }
    known
}

fn all_limits(graph: &Graph<Device>) -> HashMap<NodeKey, Limits> {
    graph.nodes().map(|node| (node, graph.limits(node).unwrap())).collect()
}

#[test]
fn combined_limits_are_the_stricter_ones() {
    let a = Limits { request_alignment: 512, max_transfer: NonZeroU64::new(9), min_memory_alignment: 1 };
    let b = Limits { request_alignment: 1, max_transfer: NonZeroU64::new(5), min_memory_alignment: 4096 };
    let both = Limits { request_alignment: 512, max_transfer: NonZeroU64::new(5), min_memory_alignment: 4096 };
    assert_eq!((a.combined_with(b), b.combined_with(a), a.combined_with(Limits::NONE)), (both, both, a));
    assert_eq!(Limits::NONE.combined_with(a), a, "no limit on transfers is no limit of zero");
    assert_eq!(Limits::default(), Limits::NONE);
}

#[test]
fn limits_follow_every_operation_and_its_rollback() {
    let (mut steps, mut changed) = (0, 0);
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut graph: Graph<Device> = Graph::new();
        for index in 0..8 {
            graph.add(NodeSpec::new(format!("n{index}")), Device(limits(&mut rng))).unwrap();
        }
        for round in 0..30 {
            let before = all_limits(&graph);
            let mut t = graph.transaction();
            for _ in 0..1 + rng.below(4) {
                let nodes: Vec<_> = t.nodes().collect();
                let [a, b] = [0; 2].map(|_| nodes[rng.below(nodes.len())]);
                let roles = [Role::COW, Role::DATA | Role::PRIMARY, Role::DATA, Role::METADATA];
                let role = roles[rng.below(4)];
                let name = ["file", "backing", "x"][rng.below(3)];
                let done = match rng.below(9) {
                    0..3 => t.attach(a, b, name, role).is_ok(),
                    3 => t.find_child(a, name).and_then(|edge| t.detach(edge)).is_ok(),
                    4 => t.replace_node(a, b).is_ok(),
                    5 => t.append(a, b).is_ok(),
                    6 => t.set_backing(a, None).is_ok(),
                    7 if round % 8 == 0 => t.eject_driver(a).is_ok(),
                    _ => {
                        let spec = OpenSpec::new(NodeSpec::new(format!("o{round}-{steps}")), Device(limits(&mut rng)));
                        t.open(spec.existing_file(a).backing(b)).is_ok()
                    }
                };
                steps += usize::from(done);
                // Also inside a transaction, where there may be a cycle.
                assert_eq!(t.limits(a).is_some(), t.get(a).is_some());
            }
            if rng.coin() {
                drop(t);
                assert_eq!(all_limits(&graph), before);
            } else if t.commit().is_err() {
                assert_eq!(all_limits(&graph), before);
            } else {
                changed += usize::from(all_limits(&graph) != before);
            }
            assert_eq!(all_limits(&graph), expected(&graph));
        }
    }
    assert!(steps > 1000 && changed > 200, "{steps} {changed}");
}

#[test]
fn limits_inside_a_transaction_and_after_it() {
    let strict = Limits { request_alignment: 4096, ..Limits::NONE };
    let mut graph: Graph<Device> = Graph::new();
    let [disk, file] = ["disk", "file"].map(|name| graph.add(NodeSpec::new(name), Device(Limits::NONE)).unwrap());
    graph.attach(disk, file, "file", Role::DATA | Role::PRIMARY).unwrap();
    let mut t = graph.transaction();
    let other = t.add(NodeSpec::new("other"), Device(strict)).unwrap();
    t.set_backing(disk, Some(other)).unwrap();
    assert_eq!(t.limits(disk), Some(Limits::NONE), "a backing file takes requests of its own");
    t.set_file(disk, other).unwrap();
    assert_eq!(t.limits(disk), Some(strict));
    let point = t.savepoint();
    t.set_file(disk, file).unwrap();
    assert_eq!(t.limits(disk), Some(Limits::NONE));
    t.rollback_to(point).unwrap();
    assert_eq!(t.limits(disk), Some(strict));
    drop(t);
    assert_eq!((graph.limits(disk), graph.limits(other)), (Some(Limits::NONE), None));
    // The judgement refuses a conflict.
    graph.attach_user("a", disk, Pair::new(Permissions::NONE, Permissions::READ), false).unwrap();
    let mut t = graph.transaction();
    let other = t.add(NodeSpec::new("other"), Device(strict)).unwrap();
    t.set_file(disk, other).unwrap();
    t.attach_user("b", disk, Pair::new(Permissions::WRITE, Permissions::ALL), false).unwrap();
    assert!(t.commit().is_err());
    assert_eq!(graph.limits(disk), Some(Limits::NONE));
}

/// A walk along every path would take 2^5000 steps.
#[test]
fn limits_visit_each_node_once() {
    let mut graph: Graph<Device> = Graph::new();
    let strict = Limits { min_memory_alignment: 512, ..Limits::NONE };
    let mut t = graph.transaction();
    let mut below = t.add(NodeSpec::new("bottom"), Device(strict)).unwrap();
    for rung in 0..5000 {
        let node = t.add(NodeSpec::new(format!("n{rung}")), Device(Limits::NONE)).unwrap();
        t.attach(node, below, "file", Role::DATA | Role::PRIMARY).unwrap();
        t.attach(node, below, "x", Role::DATA).unwrap();
        below = node;
    }
    t.commit().unwrap();
    assert_eq!(graph.limits(below), Some(strict));
}

#[test]
fn presets_have_no_limits() {
    let mut graph: Graph<blockgraph::Preset> = Graph::new();
    let disk = graph.add(NodeSpec::new("disk"), Format.into()).unwrap();
    let filter = graph.insert(NodeSpec::new("filter"), Filter.into(), disk).unwrap();
    assert_eq!(graph.limits(filter), Some(Limits::NONE));
}
