//! Drained sections (Q1 to Q4, O31 to O34).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::drivers::{Filter, Format, NoPermission};
use blockgraph::{Error, Graph, NodeKey, NodeSpec, Pair, Role};
use common::{Behaviour, Injected, READER, add, behave, chain};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn count(graph: &Graph<Injected>, node: NodeKey) -> u64 {
    let view = graph.get(node).unwrap();
    assert_eq!(view.is_quiesced(), view.quiesce_count() > 0);
    view.quiesce_count()
}

/// How often drivers were told to be quiet, and whether they still are.
fn quiesce_calls(graph: &Graph<Injected>, node: NodeKey) -> (u32, bool) {
    let driver = graph.driver(node).unwrap();
    (driver.pauses, driver.quiet)
}

/// Two parents, `a` and `b`, of `c`.
fn fork() -> (Graph<Injected>, [NodeKey; 3]) {
    let mut graph = Graph::new();
    let nodes = ["a", "b", "c"].map(|name| add(&mut graph, name, NoPermission));
    graph.attach(nodes[0], nodes[2], "x", Role::DATA).unwrap();
    graph.attach(nodes[1], nodes[2], "x", Role::DATA).unwrap();
    (graph, nodes)
}

/// Q1: own sections, and one for every edge to a quiesced child; the users of a quiesced node are so.
#[test]
fn counts_are_sections_and_quiesced_children() {
    let (mut graph, [a, b, c]) = fork();
    graph.attach(a, c, "y", Role::DATA).unwrap();
    let user = graph.attach_user("u", a, READER, false).unwrap();
    let other = graph.attach_user("v", c, Pair::NOTHING, false).unwrap();
    graph.drain_begin(c).unwrap();
    graph.drain_begin(c).unwrap();
    graph.drain_begin(b).unwrap();
    assert_eq!([a, b, c].map(|node| count(&graph, node)), [2, 2, 2]);
    assert_eq!([a, b, c].map(|node| graph.get(node).unwrap().sections()), [0, 1, 2]);
    assert!([user, other].iter().all(|user| graph.user_view(*user).unwrap().is_quiesced()));
    graph.drain_end(c).unwrap();
    assert_eq!([a, b, c].map(|node| count(&graph, node)), [2, 2, 1]);
    graph.drain_end(c).unwrap();
    assert_eq!([a, b, c].map(|node| count(&graph, node)), [0, 1, 0]);
    assert!([user, other].iter().all(|user| !graph.user_view(*user).unwrap().is_quiesced()));
    assert_eq!([a, b, c].map(|node| quiesce_calls(&graph, node)), [(1, false), (1, true), (1, false)]);
    assert_eq!(graph.inconsistencies(), []);
}

/// Q1: a drain-all counts for every node, and so does every child edge. H44: a new node joins, and a closed node
/// leaves.
#[test]
fn drain_all_is_for_all() {
    let (mut graph, [a, b, c]) = fork();
    graph.drain_begin(c).unwrap();
    graph.drain_all_begin().unwrap();
    graph.drain_all_begin().unwrap();
    assert_eq!(([a, b, c].map(|node| count(&graph, node)), graph.drain_alls()), ([3, 3, 3], 2));
    let new = add(&mut graph, "new", Filter);
    assert_eq!((count(&graph, new), quiesce_calls(&graph, new)), (2, (1, true)));
    graph.append(new, c).unwrap();
    assert_eq!([a, b, c, new].map(|node| count(&graph, node)), [3, 3, 3, 3]);
    graph.drain_begin(a).unwrap();
    graph.drain_end(a).unwrap();
    graph.release(b).unwrap();
    assert!(graph.get(b).is_none());
    graph.drain_all_end().unwrap();
    assert_eq!([a, c, new].map(|node| quiesce_calls(&graph, node)), [(1, true); 3], "still");
    graph.drain_all_end().unwrap();
    assert_eq!([a, c, new].map(|node| count(&graph, node)), [1, 1, 1], "by the section");
    graph.drain_end(c).unwrap();
    assert_eq!([a, c, new].map(|node| count(&graph, node)), [0; 3]);
    assert_eq!([a, c, new].map(|node| quiesce_calls(&graph, node)), [(1, false); 3]);
    assert_eq!(graph.inconsistencies(), []);
}

/// A drain-all that begins and ends beside sections: only those change that it alone makes quiet.
#[test]
fn only_the_first_and_the_last_reason_count() {
    let (mut graph, [a, b, c]) = fork();
    let user = graph.attach_user("u", c, READER, false).unwrap();
    graph.drain_begin(a).unwrap();
    let mut t = graph.transaction();
    t.drain_all_begin().unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.quiesced(), committed.quiesced_users()), (&[b, c][..], &[user][..]));
    let mut t = graph.transaction();
    t.drain_all_end().unwrap();
    t.drain_end(a).unwrap();
    t.drain_begin(b).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.resumed(), committed.resumed_users()), (&[a, c][..], &[user][..]));
    let mut t = graph.transaction();
    t.drain_all_begin().unwrap();
    t.drain_all_end().unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.quiesced(), committed.resumed()), (&[][..], &[][..]));
    assert_eq!([a, b, c].map(|node| quiesce_calls(&graph, node)), [(1, false), (1, true), (1, false)]);
}

/// Q2: a section holds its node, and only its end lets go.
#[test]
fn a_section_is_a_reference() {
    let (mut graph, _) = chain(1);
    let node = add(&mut graph, "node", Filter);
    graph.drain_begin(node).unwrap();
    let text = refused!(graph, InUse, t => t.delete(node));
    assert_eq!(text, "Block device node is in use");
    graph.release(node).unwrap();
    assert_eq!(graph.get(node).map(|view| view.sections()), Some(1));
    refused!(graph, NoHolder, t => t.release(node));
    graph.drain_begin(node).unwrap();
    graph.drain_end(node).unwrap();
    let snapshot = graph.save();
    assert_eq!(Graph::restore(&snapshot).unwrap().save(), snapshot, "it needs no other reference");
    let mut t = graph.transaction();
    t.drain_end(node).unwrap();
    assert!(t.get(node).is_some_and(|view| view.is_doomed()));
    let error = t.drain_begin(node).unwrap_err();
    assert!(matches!(error.kind(), blockgraph::ErrorKind::NodeNotFound { .. }));
    let committed = t.commit().unwrap();
    assert_eq!((committed.closed.len(), committed.resumed()), (1, &[][..]), "a closed node is told nothing");
    assert_eq!(graph.inconsistencies(), []);
    // A drain-all is no reference.
    let node = add(&mut graph, "node", Filter);
    graph.drain_all_begin().unwrap();
    graph.release(node).unwrap();
    assert!(graph.get(node).is_none());
}

/// A filter with a section survives being dropped; its edges stay and count (O14, L1).
#[test]
fn a_dropped_filter_with_a_section_stays() {
    let (mut graph, nodes) = chain(3);
    graph.drain_begin(nodes[1]).unwrap();
    graph.drop_filter(nodes[1]).unwrap();
    assert_eq!(nodes.iter().map(|node| count(&graph, *node)).collect::<Vec<_>>(), [0, 1, 0]);
    assert_eq!(quiesce_calls(&graph, nodes[2]), (1, false));
    graph.drain_end(nodes[1]).unwrap();
    assert_eq!((graph.get(nodes[1]).is_none(), graph.inconsistencies()), (true, vec![]));
}

/// O32, O34.
#[test]
fn what_is_not_open_is_not_ended() {
    let (mut graph, nodes) = chain(2);
    graph.drain_begin(nodes[0]).unwrap();
    let text = refused!(graph, NotDrained, t => t.drain_end(nodes[1]));
    assert_eq!(text, "Node 'n1' has no drained section to be ended");
    refused!(graph, NotDrainedAll, t => t.drain_all_end());
    refused!(graph, NodeNotFound, t => t.drain_begin(NodeKey::default()));
    refused!(graph, NodeNotFound, t => t.drain_end(NodeKey::default()));
}

/// H40: a section ends and an edge goes in one transaction; H42: an edge comes to a drained node and goes again.
#[test]
fn everybody_is_told_once() {
    let (mut graph, [a, b, c]) = fork();
    graph.drain_begin(c).unwrap();
    let edge = graph.child(b, "x").unwrap();
    let mut t = graph.transaction();
    t.drain_end(c).unwrap();
    t.detach(edge).unwrap();
    t.commit().unwrap();
    assert_eq!([a, b, c].map(|node| (count(&graph, node), quiesce_calls(&graph, node))), [(0, (1, false)); 3]);

    graph.drain_begin(c).unwrap();
    let edge = graph.attach(b, c, "x", Role::DATA).unwrap();
    assert_eq!((count(&graph, b), quiesce_calls(&graph, b)), (1, (2, true)));
    let second = graph.attach(b, c, "y", Role::DATA).unwrap();
    graph.detach(edge).unwrap();
    assert_eq!((count(&graph, b), quiesce_calls(&graph, b)), (1, (2, true)), "quiesced before and after");
    let mut t = graph.transaction();
    t.detach(second).unwrap();
    t.attach(b, c, "z", Role::DATA).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.quiesced().len(), committed.resumed().len()), (0, 0));
    graph.drain_end(c).unwrap();
    assert_eq!([a, b, c].map(|node| quiesce_calls(&graph, node)), [(2, false); 3]);
}

/// Q3: whatever moves edges, the counts are those of the graph; users are told with their nodes.
#[test]
fn moving_edges_moves_counts() {
    let mut graph = Graph::new();
    let [base, middle, top, aside] = ["base", "middle", "top", "aside"].map(|name| add(&mut graph, name, Format));
    graph.set_backing(middle, Some(base)).unwrap();
    graph.set_backing(top, Some(middle)).unwrap();
    let user = graph.attach_user("u", top, READER, false).unwrap();
    graph.drain_begin(middle).unwrap();
    graph.drop_intermediate(middle, base).unwrap();
    assert_eq!([base, middle, top].map(|node| count(&graph, node)), [0, 1, 0]);
    graph.set_backing(top, Some(middle)).unwrap();
    assert_eq!(count(&graph, top), 1);
    // The user leaves a quiesced node for one that is not quiesced. No other state changes.
    let edge = graph.user_view(user).unwrap().edge();
    let mut t = graph.transaction();
    t.replace_edge(edge, aside).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.resumed(), committed.resumed_users()), (&[][..], &[user][..]));
    let mut t = graph.transaction();
    t.replace_edge(edge, top).unwrap();
    let new = t.attach_user("new", middle, Pair::NOTHING, false).unwrap();
    let committed = t.commit().unwrap();
    let mut users = committed.quiesced_users().to_vec();
    users.sort();
    assert_eq!((committed.quiesced(), users), (&[][..], vec![user, new]), "a new user was not quiesced before");
    graph.replace_node(middle, aside).unwrap();
    assert_eq!([middle, top, aside].map(|node| count(&graph, node)), [1, 0, 0]);
    let filter = graph.insert(NodeSpec::new("f"), Injected::new(Filter, Behaviour::Accept), middle).unwrap();
    assert_eq!((count(&graph, filter), quiesce_calls(&graph, filter)), (1, (1, true)));
    assert_eq!(graph.inconsistencies(), []);
}

/// Q4: a refused transaction tells no node, and a node without a driver is told nothing.
#[test]
fn only_quiesced_nodes_are_told() {
    let (mut graph, nodes) = chain(3);
    behave(&mut graph, nodes[0], Behaviour::RefuseCheck);
    let before = graph.save();
    let refused = |graph: &mut Graph<Injected>| -> Result<(), Error> {
        let mut t = graph.transaction();
        t.drain_begin(nodes[0])?;
        t.drain_all_begin()?;
        t.set_user(t.user("u").unwrap(), common::WRITER)?;
        t.commit().map(drop)
    };
    refused(&mut graph).unwrap_err();
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    graph.eject_driver(nodes[1]).unwrap();
    let mut t = graph.transaction();
    t.drain_begin(nodes[0]).unwrap();
    t.eject_driver(nodes[2]).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!(committed.quiesced(), [nodes[0]]);
    assert_eq!(count(&graph, nodes[2]), 1, "it counts all the same");
}

/// Between two steps the graph may go round; a savepoint returns to exactly the counts of before.
#[test]
fn a_cycle_in_between_is_undone_exactly() {
    let mut graph = Graph::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| add(&mut graph, name, NoPermission));
    graph.drain_begin(c).unwrap();
    let mut t = graph.transaction();
    t.attach(a, b, "x", Role::DATA).unwrap();
    t.attach(b, a, "x", Role::DATA).unwrap();
    let savepoint = t.savepoint();
    let edge = t.attach(b, c, "y", Role::DATA).unwrap();
    assert_eq!([a, b, c].map(|node| count(&t, node)), [1, 2, 1]);
    t.rollback_to(savepoint).unwrap();
    assert_eq!([a, b, c].map(|node| count(&t, node)), [0, 0, 1]);
    t.attach(b, c, "y", Role::DATA).unwrap();
    t.drain_end(c).unwrap();
    // Without the cycle only the graph decides.
    t.detach(t.child(b, "x").unwrap()).unwrap();
    t.commit().unwrap();
    assert!(graph.edge(edge).is_none());
    assert_eq!([a, b, c].map(|node| (count(&graph, node), quiesce_calls(&graph, node).1)), [(0, false); 3]);
    assert_eq!(graph.inconsistencies(), []);
}

/// QEMU needs time in proportion to the number of ways down a ladder of double edges, here 2 to the power of 2,000.
#[test]
fn a_ladder_takes_a_walk() {
    let mut graph = Graph::new();
    let nodes: Vec<_> = (0..2_000).map(|i| add(&mut graph, &format!("n{i}"), NoPermission)).collect();
    for ends in nodes.windows(2) {
        graph.attach(ends[1], ends[0], "x", Role::DATA).unwrap();
        graph.attach(ends[1], ends[0], "y", Role::DATA).unwrap();
    }
    graph.drain_begin(nodes[0]).unwrap();
    assert!(nodes.iter().skip(1).all(|node| count(&graph, *node) == 2));
    graph.drain_begin(nodes[1_000]).unwrap();
    graph.drain_end(nodes[0]).unwrap();
    assert_eq!([0, 999, 1_000, 1_001, 1_999].map(|i| count(&graph, nodes[i])), [0, 0, 1, 2, 2]);
    assert_eq!(graph.inconsistencies(), []);
}

/// A caller that executes the plan itself learns which nodes to tell. An abandoned plan has told no node.
#[test]
fn by_hand() {
    let (mut graph, [a, b, c]) = fork();
    let mut t = graph.transaction();
    t.drain_begin(c).unwrap();
    drop(t.begin_commit().unwrap());
    assert_eq!((count(&graph, a), graph.pending_resumes()), (0, &[][..]));
    let mut t = graph.transaction();
    t.drain_begin(c).unwrap();
    let committed = t.begin_commit().unwrap().accept().unwrap();
    let mut nodes = committed.quiesced().to_vec();
    nodes.sort();
    assert_eq!((nodes, committed.resumed()), (vec![a, b, c], &[][..]));
    assert_eq!(quiesce_calls(&graph, c), (0, false), "no hook has run");
}

/// A driver that panics when told to be quiet may be quiet.
#[test]
fn a_panic_in_quiesce_undoes_all() {
    let (mut graph, nodes) = chain(2);
    behave(&mut graph, nodes[1], Behaviour::PanicInQuiesce);
    let before = graph.save_with(|_, _| ());
    assert!(catch_unwind(AssertUnwindSafe(|| graph.drain_begin(nodes[1]))).is_err());
    assert_eq!((graph.save_with(|_, _| ()), graph.inconsistencies()), (before, vec![]));
    assert_eq!(graph.pending_resumes(), [nodes[1]]);
    graph.run_pending_aborts();
    assert_eq!((quiesce_calls(&graph, nodes[1]), graph.pending_resumes()), ((1, false), &[][..]));
}

/// One that is quiesced again before it was told to go on is not told twice to be quiet without it.
#[test]
fn an_owed_resume_waits_for_the_next_end() {
    let (mut graph, nodes) = chain(1);
    behave(&mut graph, nodes[0], Behaviour::PanicInQuiesce);
    assert!(catch_unwind(AssertUnwindSafe(|| graph.drain_begin(nodes[0]))).is_err());
    behave(&mut graph, nodes[0], Behaviour::Accept);
    graph.driver_mut(nodes[0]).unwrap().quiet = false;
    graph.drain_begin(nodes[0]).unwrap();
    graph.run_pending_aborts();
    assert_eq!((quiesce_calls(&graph, nodes[0]), graph.pending_resumes()), ((2, true), &[][..]));
    graph.drain_end(nodes[0]).unwrap();
    assert_eq!(quiesce_calls(&graph, nodes[0]), (2, false));
}

/// A copy and a snapshot have the sections, the drain-alls and the counts.
#[test]
fn copies_are_as_quiet() {
    let (mut graph, [a, b, c]) = fork();
    graph.drain_begin(c).unwrap();
    graph.drain_begin(b).unwrap();
    graph.drain_all_begin().unwrap();
    let mut copy = graph.clone();
    assert_eq!([a, b, c].map(|node| count(&copy, node)), [2, 3, 2]);
    assert_eq!((copy.drain_alls(), copy.inconsistencies()), (1, vec![]));
    copy.clear();
    assert_eq!((copy.drain_alls(), copy.inconsistencies()), (0, vec![]));
    let snapshot = graph.save();
    copy.restore_from(&snapshot, |_, driver| driver.clone()).unwrap();
    let counts = |graph: &Graph<Injected>| graph.nodes().map(|node| count(graph, node)).collect::<Vec<_>>();
    assert_eq!((copy.save(), counts(&copy), copy.inconsistencies()), (snapshot, counts(&graph), vec![]));
    copy.drain_all_end().unwrap();
    graph.drain_all_end().unwrap();
    assert_eq!(counts(&copy), counts(&graph));
    graph.attach(a, b, "up", Role::DATA).unwrap();
    copy.clone_from(&graph);
    assert_eq!((counts(&copy), copy.inconsistencies()), (counts(&graph), vec![]));
    let all = graph.recompute().unwrap();
    assert_eq!([a, b, c].map(|node| all.quiesce_count(node)), [Some(2), Some(2), Some(1)]);
}
