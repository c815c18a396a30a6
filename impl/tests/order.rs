//! The topological order under fresh and retargeted edges, whatever the labels happen to be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{Filter, NoPermission, Protocol};
use blockgraph::{EdgeKey, Graph, NodeKey, NodeSpec, Pair, Parent, Permissions, Preset, Role};
use common::{Rng, WRITER};

fn add(graph: &mut Graph<Preset>, name: impl ToString, driver: impl Into<Preset>) -> NodeKey {
    graph.add(NodeSpec::new(name.to_string()), driver.into()).unwrap()
}

/// All orders of `0..n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    let Some(last) = n.checked_sub(1) else { return vec![vec![]] };
    let with_last = |order: Vec<usize>| {
        (0..n).map(move |place| {
            let mut order = order.clone();
            order.insert(place, last);
            order
        })
    };
    orders(last).into_iter().flat_map(with_last).collect()
}

/// Nodes `0..N`, added in this order, which decides their labels.
fn nodes<const N: usize>(order: &[usize]) -> (Graph<Preset>, [NodeKey; N]) {
    let (mut graph, mut keys) = (Graph::new(), [NodeKey::default(); N]);
    for i in order {
        keys[*i] = add(&mut graph, i, NoPermission);
    }
    (graph, keys)
}

/// What hangs below a cycle is as unordered as the cycle, and not on it.
#[test]
fn recompute_names_an_edge_of_the_cycle() {
    for order in orders(4) {
        let (mut graph, [a, b, c, d]) = nodes(&order);
        let mut t = graph.transaction();
        let cycle = [t.attach(a, b, "x", Role::DATA).unwrap(), t.attach(b, a, "x", Role::DATA).unwrap()];
        t.attach(b, c, "y", Role::DATA).unwrap();
        t.attach(c, d, "y", Role::DATA).unwrap();
        assert!(cycle.contains(&t.recompute().unwrap_err()));
    }
}

/// `x` above `a`; `to` reaches `x` over `y` by edges of the same transaction, attached or retargeted, in every order
/// of labels and of steps. A walk that ends too early would move the edge of `x`, and make a cycle.
fn replace_node_skips(restored: bool) {
    let variants = (0..4).flat_map(|retargeted| [[0, 1], [1, 0]].map(|steps| (retargeted, steps)));
    for (order, (retargeted, steps)) in
        orders(5).into_iter().flat_map(|o| variants.clone().map(move |v| (o.clone(), v)))
    {
        let (mut graph, [a, x, y, to, other]) = nodes(&order);
        graph.attach(x, a, "file", Role::DATA).unwrap();
        let mut t = graph.transaction();
        for (_, parent) in [y, to].into_iter().enumerate().filter(|(i, _)| retargeted >> i & 1 == 1) {
            t.attach(parent, other, "file", Role::DATA).unwrap();
        }
        t.commit().unwrap();
        if restored {
            graph = Graph::restore(&graph.save()).unwrap();
        }
        let [a, x, y, to] = ["0", "1", "2", "3"].map(|name| graph.node(name).unwrap());
        let mut t = graph.transaction();
        for (parent, child) in steps.map(|i| [(y, x), (to, y)][i]) {
            match t.child(parent, "file") {
                Some(edge) => t.replace_edge(edge, child).unwrap(),
                None => _ = t.attach(parent, child, "file", Role::DATA).unwrap(),
            }
        }
        t.replace_node(a, to).unwrap();
        t.commit().unwrap();
        assert_eq!((graph.get(a).unwrap().parents().count(), graph.inconsistencies()), (1, vec![]));
    }
}

#[test]
fn replace_node_skips_over_fresh_edges_whatever_the_labels() {
    replace_node_skips(false);
}

/// A restored graph has labels of its own making.
#[test]
fn replace_node_skips_over_fresh_edges_in_a_restored_graph() {
    replace_node_skips(true);
}

/// Many edges retargeted at once, some of it taken back: the incremental labels and the pass from scratch agree on cycles. `downwards`:
/// labels have nothing to do with the order of the nodes, and most edges are retargeted along it, so that many
/// must be moved and few are on a cycle.
fn retargets(downwards: bool, rounds: u64) {
    let (mut cycles, mut acyclic) = (0, 0);
    for seed in 0..rounds {
        let rng = &mut Rng::new(seed);
        let count = if downwards { 6 + rng.below(10) } else { 3 + rng.below(12) };
        let mut graph: Graph<Preset> = Graph::new();
        let mut nodes: Vec<_> = (0..count).map(|i| add(&mut graph, i, NoPermission)).collect();
        if downwards {
            rng.shuffle(&mut nodes);
        }
        for i in 0..2 * count {
            let (a, b) = (rng.below(count), rng.below(count));
            if a != b {
                graph.attach(nodes[a.min(b)], nodes[a.max(b)], i.to_string(), Role::DATA).unwrap();
            }
        }
        let edges: Vec<_> = nodes.iter().flat_map(|node| graph.get(*node).unwrap().children()).collect();
        for _ in 0..if edges.is_empty() { 0 } else { 30 } {
            let mut t = graph.transaction();
            for _ in 0..1 + rng.below(7) {
                let edge = edges[rng.below(edges.len())];
                let above = position(&t, &nodes, edge);
                let along = downwards && rng.below(4) > 0;
                let target = if along { (above + 1 + rng.below(count)).min(count - 1) } else { rng.below(count) };
                let savepoint = t.savepoint();
                // To the present child is refused.
                let _ = t.replace_edge(edge, nodes[target]);
                if rng.below(4) == 0 {
                    t.rollback_to(savepoint).unwrap();
                }
            }
            let expected = t.recompute().is_err();
            *(if expected { &mut cycles } else { &mut acyclic }) += 1;
            assert_eq!((t.commit().is_err(), graph.inconsistencies()), (expected, vec![]), "seed {seed}");
        }
    }
    assert!(cycles > 1_000 && acyclic > 1_000, "cycles {cycles}, acyclic {acyclic}");
}

/// Where the parent of an edge is among the nodes.
fn position(graph: &Graph<Preset>, nodes: &[NodeKey], edge: EdgeKey) -> usize {
    let parent = graph.edge(edge).unwrap().parent();
    nodes.iter().position(|node| Parent::Node(*node) == parent).unwrap()
}

#[test]
fn labels_find_exactly_the_cycles_of_retargeted_edges() {
    retargets(false, 300);
}

#[test]
fn labels_find_exactly_the_cycles_of_edges_retargeted_along() {
    retargets(true, 1_500);
}

/// One parent becomes a writer and the other one stops forbidding it. Between the two there would be a conflict at the
/// child.
#[test]
fn nothing_is_judged_before_all_its_parents() {
    for places in [[0, 1], [1, 0]] {
        let mut graph: Graph<Preset> = Graph::new();
        let child = add(&mut graph, "child", Protocol);
        let parents = ["p0", "p1"].map(|name| {
            let parent = add(&mut graph, name, Filter);
            graph.attach(parent, child, "file", Role::FILTER).unwrap();
            parent
        });
        let no_writer = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
        let users = places.map(|i| graph.attach_user(format!("u{i}"), parents[i], no_writer, false).unwrap());
        let mut t = graph.transaction();
        t.set_user(users[0], WRITER).unwrap();
        t.set_user(users[1], Pair::NOTHING).unwrap();
        t.commit().unwrap();
        assert_eq!(graph.inconsistencies(), []);
    }
}

/// As before, with a parent that is itself below the other one, in both orders of the list of children.
#[test]
fn nothing_is_judged_before_a_parent_below_another() {
    for via_first in [true, false] {
        let mut graph: Graph<Preset> = Graph::new();
        let [child, via, top] = [("child", Protocol.into()), ("via", Filter.into()), ("top", Preset::from(Filter))]
            .map(|(name, driver)| add(&mut graph, name, driver));
        graph.attach(via, child, "file", Role::FILTER).unwrap();
        let mut edges = [(via, "file", Role::FILTER), (child, "x", Role::DATA)];
        if via_first {
            edges.reverse();
        }
        for (to, name, role) in edges {
            graph.attach(top, to, name, role).unwrap();
        }
        let no_writer = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
        let user = graph.attach_user("u", top, no_writer, false).unwrap();
        graph.set_user(user, WRITER).unwrap();
        assert_eq!(graph.inconsistencies(), []);
    }
}

/// An edge that is not sorted in yet must not be followed by those that are, not even if it was retargeted once more
/// and that was taken back. Here `c` goes below `p`, and what is below `c` behind it; over the edge from `d` to
/// `high`, which is above `d` still, `high` would come after `low`.
#[test]
fn taking_back_a_retarget_leaves_the_edge_to_be_sorted_in() {
    let mut graph: Graph<Preset> = Graph::new();
    let mut node = |name: &str| add(&mut graph, name, NoPermission);
    // From the bottom of the order upwards; the search above `p` is long, so that the one below `c` ends first.
    let [bottom, p] = ["bottom", "p"].map(&mut node);
    let above: Vec<_> = (0..8).map(|i| node(&format!("above {i}"))).collect();
    let [d, low, high, c] = ["d", "low", "high", "c"].map(&mut node);
    let ends = [p].iter().chain(&above).copied().collect::<Vec<_>>();
    for pair in ends.windows(2) {
        graph.attach(pair[1], pair[0], "x", Role::DATA).unwrap();
    }
    for (parent, child, name) in [(c, low, "low"), (c, d, "d"), (high, low, "low")] {
        graph.attach(parent, child, name, Role::DATA).unwrap();
    }
    let edge = graph.attach(d, bottom, "x", Role::DATA).unwrap();
    let mut t = graph.transaction();
    t.attach(p, c, "c", Role::DATA).unwrap();
    t.replace_edge(edge, high).unwrap();
    let savepoint = t.savepoint();
    t.replace_edge(edge, bottom).unwrap();
    t.rollback_to(savepoint).unwrap();
    t.commit().unwrap();
    assert_eq!(graph.inconsistencies(), []);
}
