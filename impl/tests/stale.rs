//! Drivers that lag behind (V7): tolerated refusals, and panics while drivers are told.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::drivers::Protocol;
use blockgraph::{Graph, NodeKey, Pair, Permissions, PlanStep};
use common::{Behaviour, Injected, READER, WRITER, add, behave, chain};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn stale(graph: &Graph<Injected>) -> Vec<NodeKey> {
    assert_eq!(graph.inconsistencies(), []);
    graph.stale_nodes().collect()
}

#[test]
fn a_refused_loosening_leaves_the_node_stale() {
    let (mut graph, nodes) = chain(3);
    let user = graph.user("u").unwrap();
    graph.set_user(user, WRITER).unwrap();
    behave(&mut graph, nodes[1], Behaviour::RefuseCheck);
    let mut t = graph.transaction();
    t.set_user(user, READER).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.refused.clone(), committed.stale.clone()), (vec![nodes[1]], vec![nodes[1]]));
    assert_eq!(committed.commits().map(|step| step.node()).collect::<Vec<_>>(), [nodes[0], nodes[2]]);
    assert!(graph.get(nodes[1]).unwrap().is_stale());
    assert!(graph.get(nodes[1]).unwrap().granted().pair.need.contains(Permissions::WRITE));
    assert_eq!(graph.inconsistencies(), []);
    // It is in every plan, whatever that is about.
    let committed = graph.transaction().commit().unwrap();
    assert_eq!((committed.plan.len(), committed.stale.len()), (1, 1));
    let restored = Graph::restore(&graph.save()).unwrap();
    assert_eq!((restored.stale_nodes().count(), restored.inconsistencies().len()), (1, 0));
    behave(&mut graph, nodes[1], Behaviour::Accept);
    add(&mut graph, "unrelated", Protocol);
    assert_eq!((graph.stale_nodes().count(), graph.inconsistencies().len()), (0, 0));
    assert_eq!(graph.driver(nodes[1]).unwrap().granted.unwrap(), graph.get(nodes[1]).unwrap().granted());
}

#[test]
fn a_stale_node_may_go_or_catch_up_by_itself() {
    let (mut graph, nodes) = chain(2);
    let user = graph.user("u").unwrap();
    graph.set_user(user, WRITER).unwrap();
    behave(&mut graph, nodes[1], Behaviour::RefuseCheck);
    graph.set_user(user, READER).unwrap();
    // Back to what it was granted: nothing to ask.
    let mut t = graph.transaction();
    t.set_user(user, WRITER).unwrap();
    let plan = t.commit().unwrap().plan;
    assert_eq!(plan.iter().map(PlanStep::node).collect::<Vec<_>>(), [nodes[0]]);
    assert_eq!((graph.stale_nodes().count(), graph.inconsistencies().len()), (0, 0));
    graph.set_user(user, READER).unwrap();
    graph.release(nodes[1]).unwrap();
    graph.detach_user(user).unwrap();
    assert_eq!((graph.stale_nodes().count(), graph.node("n1"), graph.inconsistencies().len()), (0, None, 0));
}

/// Those that are asked between and after them are committed; those refused are not.
#[test]
fn two_refusals_are_tolerated_in_one_plan() {
    let (mut graph, nodes) = chain(4);
    let user = graph.user("u").unwrap();
    graph.set_user(user, WRITER).unwrap();
    for i in [2, 0] {
        behave(&mut graph, nodes[i], Behaviour::RefuseCheck);
    }
    let mut t = graph.transaction();
    t.set_user(user, Pair::NOTHING).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((&*committed.refused, &*committed.stale), (&[nodes[2], nodes[0]][..], &[nodes[2], nodes[0]][..]));
    assert_eq!(committed.commits().map(|step| step.node()).collect::<Vec<_>>(), [nodes[1], nodes[3]]);
    assert_eq!(stale(&graph), [nodes[2], nodes[0]]);
}

/// The plan would list them from the top.
#[test]
fn stale_nodes_are_in_the_order_in_which_they_began_to_be() {
    let (mut graph, nodes) = chain(3);
    let user = graph.user("u").unwrap();
    graph
        .set_user(user, Pair::new(Permissions::READ | Permissions::WRITE | Permissions::RESIZE, Permissions::ALL))
        .unwrap();
    for (i, pair) in [(0, WRITER), (2, READER), (1, Pair::NOTHING)] {
        behave(&mut graph, nodes[i], Behaviour::RefuseCheck);
        graph.set_user(user, pair).unwrap();
    }
    assert_eq!(stale(&graph), [nodes[0], nodes[2], nodes[1]]);
    let committed = graph.transaction().commit().unwrap();
    assert_eq!((&*committed.refused, &*committed.stale), (&[nodes[2], nodes[1], nodes[0]][..], &*stale(&graph)));
    let restored = Graph::restore(&graph.save()).unwrap();
    let names: Vec<_> = stale(&restored).iter().map(|node| restored.get(*node).unwrap().name().to_string()).collect();
    assert_eq!(names, ["n0", "n1", "n2"], "in the order of the nodes");
    // A node that catches up, by being asked or by itself, and becomes stale again goes to the end.
    behave(&mut graph, nodes[0], Behaviour::Accept);
    graph.set_user(user, READER).unwrap();
    assert_eq!(stale(&graph), [nodes[2]]);
    behave(&mut graph, nodes[0], Behaviour::RefuseCheck);
    graph.set_user(user, Pair::NOTHING).unwrap();
    assert_eq!(stale(&graph), [nodes[2], nodes[1], nodes[0]]);
}

/// `n0` lags with the grant of a writer, and is about to accept.
fn lagging() -> (Graph<Injected>, Vec<NodeKey>) {
    let (mut graph, nodes) = chain(4);
    let user = graph.user("u").unwrap();
    graph.set_user(user, WRITER).unwrap();
    behave(&mut graph, nodes[0], Behaviour::RefuseCheck);
    graph.set_user(user, READER).unwrap();
    behave(&mut graph, nodes[0], Behaviour::Accept);
    assert_eq!(stale(&graph), [nodes[0]]);
    (graph, nodes)
}

/// Drivers are told from the bottom: `n0`, which lagged, and `n1`, which did not, have been when `n2` panics.
#[test]
fn a_panic_in_set_leaves_told_nodes_stale() {
    let (mut graph, nodes) = lagging();
    behave(&mut graph, nodes[2], Behaviour::PanicInSet);
    let user = graph.user("u").unwrap();
    let resizer = Pair::new(Permissions::RESIZE, Permissions::ALL);
    assert!(catch_unwind(AssertUnwindSafe(|| graph.set_user(user, resizer))).is_err());
    assert_eq!(stale(&graph), [nodes[0], nodes[1]], "each once");
    for node in &nodes[..2] {
        assert_eq!(graph.get(*node).unwrap().granted().pair.need, Permissions::RESIZE, "what it was told");
    }
}

/// What `n0` was told is what the graph goes back to: it caught up, panic or not.
#[test]
fn a_panic_in_set_keeps_nodes_that_caught_up_fresh() {
    let (mut graph, nodes) = lagging();
    behave(&mut graph, nodes[3], Behaviour::PanicInSet);
    assert!(catch_unwind(AssertUnwindSafe(|| graph.set_read_only(nodes[3], true))).is_err());
    assert_eq!(stale(&graph), []);
    assert_eq!(graph.driver(nodes[0]).unwrap().granted, Some(graph.get(nodes[0]).unwrap().granted()));
}
