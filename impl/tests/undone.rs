//! Ways of a transaction not to happen: panics, leaks, drops, failed steps, savepoints.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::drivers::{Filter, Format, NoPermission, Protocol};
use blockgraph::{ErrorKind, Graph, NodeSpec, PlanStep, Role};
use common::{Behaviour, Injected, WRITER, add, behave, chain};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_panicking_hook_rolls_back() {
    for behaviour in [Behaviour::PanicInCheck, Behaviour::PanicInSet] {
        let (mut graph, nodes) = chain(4);
        behave(&mut graph, nodes[1], behaviour);
        let user = graph.user("u").unwrap();
        let edges: Vec<_> = nodes.iter().map(|node| graph.get(*node).unwrap().pair()).collect();
        let result = catch_unwind(AssertUnwindSafe(|| graph.set_user(user, WRITER)));
        assert!(result.is_err());
        let after: Vec<_> = nodes.iter().map(|node| graph.get(*node).unwrap().pair()).collect();
        assert_eq!((after, graph.inconsistencies().len()), (edges, 0));
        let aborts: Vec<_> = graph.pending_aborts().iter().map(PlanStep::node).collect();
        let (expected, stale) = match behaviour {
            Behaviour::PanicInCheck => (vec![nodes[2], nodes[3]], vec![]),
            _ => (vec![nodes[1], nodes[2], nodes[3]], vec![nodes[0]]),
        };
        assert_eq!((aborts, graph.stale_nodes().collect::<Vec<_>>()), (expected, stale));
        graph.run_pending_aborts();
        assert!(graph.pending_aborts().is_empty());
        behave(&mut graph, nodes[1], Behaviour::Accept);
        graph.set_user(user, WRITER).unwrap();
        assert!(nodes.iter().all(|node| graph.driver(*node).unwrap().open_checks == 0));
        assert_eq!((graph.stale_nodes().count(), graph.inconsistencies().len()), (0, 0));
    }
}

#[test]
fn a_leaked_transaction_is_undone_by_the_next() {
    let (mut graph, nodes) = chain(3);
    let before = graph.save();
    let mut t = graph.transaction();
    t.detach_user(t.user("u").unwrap()).unwrap();
    t.insert(NodeSpec::new("new"), Injected::no_permission(), nodes[1]).unwrap();
    std::mem::forget(t);
    assert!(!graph.inconsistencies().is_empty());
    let mut copy = graph.clone();
    drop(graph.transaction());
    drop(copy.transaction());
    assert_eq!((graph.save(), copy.save()), (before.clone(), before.clone()));
    assert_eq!((graph.inconsistencies(), copy.inconsistencies()), (vec![], vec![]));
    let mut t = graph.transaction();
    t.set_user(t.user("u").unwrap(), WRITER).unwrap();
    let mut judged = t.begin_commit().unwrap();
    judged.done();
    std::mem::forget(judged);
    drop(graph.transaction());
    assert_eq!(graph.take_pending_aborts().len(), 1, "what was done by then");
    assert_eq!((graph.save().edges, graph.inconsistencies().len()), (before.edges, 0));
}

#[test]
fn a_dropped_judgement_leaves_what_is_to_be_aborted() {
    let (mut graph, nodes) = chain(3);
    let before = graph.save();
    let mut t = graph.transaction();
    t.set_user(t.user("u").unwrap(), WRITER).unwrap();
    let mut judged = t.begin_commit().unwrap();
    judged.done();
    judged.done();
    drop(judged);
    assert_eq!(graph.save(), before);
    let aborts: Vec<_> = graph.take_pending_aborts().iter().map(PlanStep::node).collect();
    assert_eq!(aborts, [nodes[1], nodes[2]], "newest first");
    assert!(graph.pending_aborts().is_empty());
}

/// A commit undoes a leaked transaction as well: it must not make it permanent.
#[test]
fn a_leaked_transaction_is_undone_before_the_next_commit() {
    let mut graph: Graph<Injected> = Graph::new();
    add(&mut graph, "a", Protocol);
    let mut t = graph.transaction();
    t.add(NodeSpec::new("b"), Injected::no_permission()).unwrap();
    std::mem::forget(t);
    add(&mut graph, "c", Protocol);
    assert_eq!((graph.node_count(), graph.node("b"), graph.inconsistencies()), (2, None, vec![]));
}

/// An insert fails half way, with its node added already.
#[test]
fn a_failed_step_leaves_nothing_for_the_commit() {
    let mut graph: Graph<Injected> = Graph::new();
    let a = add(&mut graph, "a", Protocol);
    let before = graph.save();
    let mut t = graph.transaction();
    t.insert(NodeSpec::new("x"), Injected::new(Protocol, Behaviour::Accept), a).unwrap_err();
    t.commit().unwrap();
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
}

#[test]
fn savepoints() {
    let (mut graph, nodes) = chain(3);
    let before = graph.save();
    let foreign = graph.transaction().savepoint();
    let mut t = graph.transaction();
    let first = t.savepoint();
    t.set_read_only(nodes[0], false).unwrap();
    t.set_backing(nodes[0], None).unwrap_err();
    let second = t.savepoint();
    let new = t.insert(NodeSpec::new("new"), Injected::new(Filter, Behaviour::Accept), nodes[1]).unwrap();
    t.detach_user(t.user("u").unwrap()).unwrap();
    let third = t.savepoint();
    t.rollback_to(second).unwrap();
    assert_eq!((t.steps(), t.get(new).is_none(), t.user("u").is_some()), (1, true, true));
    assert!(matches!(t.rollback_to(third).unwrap_err().kind(), ErrorKind::SavepointGone));
    assert!(matches!(t.rollback_to(foreign).unwrap_err().kind(), ErrorKind::SavepointGone));
    t.rollback_to(second).unwrap();
    t.rollback_to(first).unwrap();
    assert_eq!(t.steps(), 0);
    assert!(t.commit().unwrap().plan.is_empty());
    assert_eq!((graph.save(), graph.inconsistencies().len()), (before, 0));
}

/// It would lead to some other point of this one.
#[test]
fn savepoints_of_other_graphs_and_clones_are_gone() {
    let (mut graph, nodes) = chain(2);
    let mut copy = graph.clone();
    let foreign = Graph::<Injected>::new().transaction().savepoint();
    let copied = copy.transaction().savepoint();
    let mut t = graph.transaction();
    let own = t.savepoint();
    t.release(nodes[0]).unwrap();
    for savepoint in [foreign, copied] {
        assert!(matches!(t.rollback_to(savepoint).unwrap_err().kind(), ErrorKind::SavepointGone));
        assert_eq!(t.steps(), 1);
    }
    t.rollback_to(own).unwrap();
    assert_eq!(t.steps(), 0);
}

/// The first retarget makes the edge one that has yet to be sorted in; taking back the second must not make it one
/// that has been, nor taking back the first leave it so. `late` is above `p` in the order, and other edges are around
/// it in all lists.
#[test]
fn an_edge_retargeted_on_both_sides_of_a_savepoint() {
    let mut graph: Graph<Injected> = Graph::new();
    let (a, b, p) = (add(&mut graph, "a", Protocol), add(&mut graph, "b", Protocol), add(&mut graph, "p", Format));
    let (late, q) = (add(&mut graph, "late", Protocol), add(&mut graph, "q", NoPermission));
    let mut attach = |parent, child, name| graph.attach(parent, child, name, Role::DATA).unwrap();
    for (parent, child, name) in [(q, a, "a"), (q, b, "b"), (q, late, "late"), (p, b, "x")] {
        attach(parent, child, name);
    }
    let edge = attach(p, a, "y");
    attach(p, b, "z");
    attach(q, a, "more");
    let before = graph.save();
    let mut t = graph.transaction();
    let first = t.savepoint();
    t.replace_edge(edge, late).unwrap();
    let (second, between) = (t.savepoint(), t.save());
    t.replace_edge(edge, p).unwrap();
    assert!(t.recompute().is_err(), "a cycle");
    t.rollback_to(second).unwrap();
    assert_eq!(t.save(), between);
    t.replace_edge(edge, b).unwrap();
    t.rollback_to(first).unwrap();
    assert_eq!(t.save(), before);
    t.replace_edge(edge, late).unwrap();
    let again = t.savepoint();
    t.replace_edge(edge, b).unwrap();
    t.rollback_to(again).unwrap();
    t.commit().unwrap();
    assert_eq!((graph.edge(edge).unwrap().child(), graph.inconsistencies()), (late, vec![]));
    graph.replace_edge(edge, a).unwrap();
    assert_eq!(graph.inconsistencies(), []);
}
