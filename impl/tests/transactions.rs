//! Life and death in transactions, the plan, refusals at each step of it, snapshots.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use blockgraph::drivers::{BackingFilter, Filter, Format, Protocol};
use blockgraph::{
    ErrorKind, Graph, Hook, NodeSpec, OpKinds, Pair, PendingCommit, Permissions, PlanStep, Preset, Refusal,
    RestoreError, Role, SavedDriver, Shape, Slot,
};
use common::{Behaviour, Injected, READER, WRITER, add, behave, chain};

#[test]
fn doomed_nodes_are_there_and_not_there() {
    let mut graph: Graph<Injected> = Graph::new();
    let (a, b, c) = (add(&mut graph, "a", Format), add(&mut graph, "b", Format), add(&mut graph, "c", Protocol));
    let edge = graph.attach(a, b, "file", Role::DATA).unwrap();
    let lower = graph.attach(b, c, "file", Role::DATA).unwrap();
    graph.release(b).unwrap();
    graph.release(c).unwrap();
    let mut t = graph.transaction();
    t.release(a).unwrap();
    assert!(t.get(a).unwrap().is_doomed() && t.node("a").is_none());
    assert!(t.edge(edge).is_some(), "it keeps its edges");
    assert!(matches!(t.release(a).unwrap_err().kind(), ErrorKind::NodeNotFound { name: Some(_), .. }));
    assert!(matches!(t.find_child(a, "file").unwrap_err().kind(), ErrorKind::NodeNotFound { .. }));
    assert!(matches!(t.detach(edge).unwrap_err().kind(), ErrorKind::EdgeNotFound { .. }));
    assert!(matches!(t.replace_edge(edge, c).unwrap_err().kind(), ErrorKind::EdgeNotFound { .. }));
    let again = t.add(NodeSpec::new("a"), Injected::no_permission());
    assert!(matches!(again.unwrap_err().kind(), ErrorKind::DuplicateNode { .. }), "it keeps its name");
    t.replace_edge(lower, c).unwrap_err();
    let committed = t.commit().unwrap();
    let names: Vec<_> = committed.closed.iter().map(|closed| &*closed.name).collect();
    assert_eq!(names, ["a", "b", "c"], "in the order in which they reached zero");
    assert!(committed.plan.is_empty(), "closed nodes are not asked");
    assert_eq!((graph.node_count(), graph.inconsistencies().len()), (0, 0));
    add(&mut graph, "a", Format);
}

#[test]
fn doomed_nodes_are_judged() {
    let mut graph: Graph<Injected> = Graph::new();
    let (top, base) = (add(&mut graph, "top", Format), add(&mut graph, "base", Protocol));
    graph.attach(top, base, "file", Role::DATA | Role::METADATA).unwrap();
    let before = graph.save();
    let mut t = graph.transaction();
    t.release(top).unwrap();
    // top goes, and takes its needs with it; but only after the judgement.
    t.attach_user("u", base, Pair::new(Permissions::NONE, Permissions::READ), false).unwrap();
    assert!(matches!(t.commit().unwrap_err().kind(), ErrorKind::Conflict { .. }));
    assert_eq!(graph.save(), before);
}

#[test]
fn a_dropped_filter_is_not_judged() {
    let mut graph: Graph<Injected> = Graph::new();
    let base = add(&mut graph, "base", Protocol);
    graph.attach_user("u", base, READER, false).unwrap();
    let spec = NodeSpec::new("filter");
    let filter = graph.insert(spec, Injected::new(BackingFilter, Behaviour::Accept), base).unwrap();
    graph.release(base).unwrap();
    let committed = {
        let mut t = graph.transaction();
        t.drop_filter(filter).unwrap();
        assert!(t.get(filter).unwrap().is_doomed() && t.get(filter).unwrap().children().next().is_none());
        t.commit().unwrap()
    };
    assert_eq!(committed.closed.len(), 1);
    assert_eq!(graph.inconsistencies(), []);
}

#[test]
fn the_plan_asks_each_changed_node_once_from_the_top() {
    let (mut graph, nodes) = chain(5);
    let user = graph.user("u").unwrap();
    let mut t = graph.transaction();
    t.set_user(user, WRITER).unwrap();
    t.set_read_only(nodes[2], false).unwrap();
    t.set_read_only(nodes[1], true).unwrap();
    t.set_read_only(nodes[2], false).unwrap();
    t.set_read_only(nodes[1], false).unwrap();
    let judged = t.begin_commit().unwrap();
    let asked: Vec<_> =
        judged.plan().iter().map(|step| (matches!(step, PlanStep::Check { .. }), step.node())).collect();
    let checks = nodes.iter().rev().map(|node| (true, *node));
    let reopened = [(false, nodes[2]), (false, nodes[1])];
    let expected: Vec<_> = reopened.into_iter().chain(reopened).chain(checks).collect();
    assert_eq!(asked, expected);
    let committed = judged.run().unwrap();
    assert_eq!(committed.plan.len(), 9);
    assert_eq!(graph.inconsistencies(), []);
}

/// Every step of the plan is refused: by a hook, and by a caller that executes the steps itself.
#[test]
fn a_refusal_at_any_step_undoes_everything() {
    let length = 6;
    for victim in 0..length {
        for behaviour in [Behaviour::RefuseCheck, Behaviour::RefusePrepare] {
            let (mut graph, nodes) = chain(length);
            behave(&mut graph, nodes[victim], behaviour);
            let before = graph.save();
            let mut t = graph.transaction();
            nodes.iter().for_each(|node| t.set_read_only(*node, false).unwrap());
            t.set_user(t.user("u").unwrap(), WRITER).unwrap();
            t.insert(NodeSpec::new("new"), Injected::new(Filter, Behaviour::Accept), nodes[3]).unwrap();
            let error = t.commit().unwrap_err();
            let hook = if behaviour == Behaviour::RefuseCheck { Hook::Check } else { Hook::Prepare };
            assert!(
                matches!(error.kind(), ErrorKind::Refused { node, hook: h, .. } if node.key == nodes[victim] && *h == hook)
            );
            assert_eq!(graph.save(), before, "the drivers' diaries, too");
            assert_eq!(graph.inconsistencies(), []);
        }
    }
    for refused in 0..6 {
        let (mut graph, _) = chain(6);
        let before = graph.save();
        let mut t = graph.transaction();
        t.set_user(t.user("u").unwrap(), WRITER).unwrap();
        let mut judged = t.begin_commit().unwrap();
        let plan = judged.plan().to_vec();
        (0..refused).for_each(|_| judged.done());
        assert_eq!(judged.next_step(), Some(plan[refused]));
        let answer = judged.refuse(&Refusal::new("no")).unwrap_err();
        assert_eq!(answer.error.to_string(), "no");
        assert!(answer.aborts.iter().eq(plan[..refused].iter().rev()), "newest first");
        assert_eq!((graph.save(), graph.pending_aborts().len()), (before, 0));
    }
}

#[test]
fn a_caller_executes_the_plan_himself() {
    let (mut graph, nodes) = chain(3);
    let mut t = graph.transaction();
    t.set_user(t.user("u").unwrap(), WRITER).unwrap();
    let mut judged: PendingCommit<'_, Injected> = t.begin_commit().unwrap();
    while judged.next_step().is_some() {
        judged = judged.accept().unwrap_err();
        judged.done();
    }
    judged.done();
    let committed = judged.accept().unwrap();
    let order: Vec<_> = committed.commits().map(|step| step.node()).collect();
    assert_eq!(order, nodes, "children first");
    assert_eq!(graph.get(nodes[0]).unwrap().granted().pair, graph.get(nodes[0]).unwrap().pair());
    assert_eq!(graph.inconsistencies(), []);
}

#[test]
fn one_judgement_of_the_final_graph() {
    let mut graph: Graph<Injected> = Graph::new();
    let (a, b) = (add(&mut graph, "a", Format), add(&mut graph, "b", Format));
    let edge = graph.attach(a, b, "file", Role::DATA).unwrap();
    // The other way round: a cycle in between, and none in the end.
    let mut t = graph.transaction();
    t.attach(b, a, "file", Role::DATA).unwrap();
    t.detach(edge).unwrap();
    t.commit().unwrap();
    assert_eq!((graph.child(b, "file").is_some(), graph.inconsistencies().len()), (true, 0));
    let mut t = graph.transaction();
    t.set_read_only(a, true).unwrap();
    t.attach_user("u", a, WRITER, false).unwrap();
    t.set_read_only(a, false).unwrap();
    t.commit().unwrap();
    let error = graph.attach(a, b, "back", Role::DATA).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cycle { edge } if edge.parent_name == "a".into()), "{error:?}");
}

#[test]
fn snapshots_survive_json_and_hostile_ones_are_refused() {
    let (graph, _) = chain(4);
    let mut graph = {
        let (mut plain, text) = (Graph::<Preset>::new(), graph.save_with(|_, driver| driver.preset.clone()));
        plain.restore_from(&text, |_, driver| driver.clone()).unwrap();
        plain
    };
    let good = graph.save();
    #[cfg(feature = "serde")]
    {
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<blockgraph::SavedGraph<Preset>>(&text).unwrap(), good);
    }
    let mut refuse = |spoil: fn(&mut blockgraph::SavedGraph<Preset>), expected| {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_eq!(graph.restore_from(&bad, |_, driver| driver.clone()), Err(expected));
        assert_eq!((graph.node_count(), graph.inconsistencies().len()), (0, 0));
    };
    refuse(|s| s.version = 2, RestoreError::Version(2));
    refuse(|s| s.nodes[1].name = "n0".into(), RestoreError::DuplicateNode(1));
    refuse(|s| s.nodes[1].force_share = true, RestoreError::ForceShareWritable(1));
    refuse(|s| s.nodes[2].granted.pair.need = Permissions::from_bits_retain(64), RestoreError::UnknownGrant(2));
    refuse(|s| s.users[0].pair.need = Permissions::from_bits_retain(64), RestoreError::UnknownPair(0));
    refuse(|s| s.edges[0].child = 99, RestoreError::NoSuchEnd(0));
    refuse(|s| s.edges[1].parent = blockgraph::ParentIndex::Node(u32::MAX), RestoreError::NoSuchEnd(1));
    refuse(|s| s.edges[1].parent = blockgraph::ParentIndex::User(4), RestoreError::NoSuchEnd(1));
    refuse(|s| s.edges[2].parent = blockgraph::ParentIndex::Node(0), RestoreError::NoChildren(2));
    refuse(|s| s.edges[1].role = Role::PRIMARY, RestoreError::BadRole(1));
    refuse(|s| s.edges[1].role = Role::COW, RestoreError::RoleUnsupported(1));
    refuse(|s| s.edges[0].frozen = true, RestoreError::BadlyFrozen(0));
    refuse(|s| s.users[0].blocks = OpKinds::RESIZE, RestoreError::BadlyBlocked(0));
    refuse(|s| s.users[0].block_reason = Some("x".into()), RestoreError::BadlyBlocked(0));
    let unknown = |s: &mut blockgraph::SavedGraph<Preset>| {
        (s.users[0].blocks, s.users[0].block_reason) = (OpKinds::from_bits_retain(u16::MAX), Some("x".into()));
    };
    // All sixteen bits mean something.
    {
        let mut fine = good.clone();
        unknown(&mut fine);
        assert!(Graph::restore(&fine).is_ok());
    }
    refuse(|s| s.nodes[0].implicit = true, RestoreError::ImplicitNoFilter(0));
    refuse(|s| s.nodes[1].stored_backing = Some("x".into()), RestoreError::StoredName(1));
    refuse(|s| s.nodes[1].inherits = Some(4), RestoreError::Inherits(1));
    refuse(|s| s.nodes[1].inherits = Some(1), RestoreError::Inherits(1));
    refuse(|s| s.nodes[1].inherits_read_only = true, RestoreError::Inherits(1));
    let round = |s: &mut blockgraph::SavedGraph<Preset>| {
        (s.nodes[0].inherits, s.nodes[1].inherits, s.nodes[2].inherits) = (Some(1), Some(2), Some(1));
    };
    refuse(round, RestoreError::Inherits(0));
    refuse(|s| s.edges[1].kept = Some(Pair::NOTHING), RestoreError::KeptPair(1));
    refuse(|s| s.edges[0].kept = Some(Pair::NOTHING), RestoreError::KeptPair(0));
    refuse(|s| eject(s, 2, |_| {}), RestoreError::KeptPair(2));
    refuse(|s| eject(s, 2, |shape| shape.takes_children = false), RestoreError::BadShape(2));
    refuse(|s| eject(s, 2, |shape| shape.supports_backing = true), RestoreError::BadShape(2));
    refuse(|s| s.parent_lists[0] = s.parent_lists[1], RestoreError::ParentLists);
    refuse(|s| s.parent_lists[0] = u32::MAX, RestoreError::ParentLists);
    refuse(|s| s.parent_lists.clear(), RestoreError::ParentLists);
    refuse(|s| s.edges[1].child = 1, RestoreError::Cycle);
    refuse(|s| (s.nodes[0].read_only, s.users[0].pair) = (true, WRITER), RestoreError::ReadOnly(0));
    refuse(|s| crowd(s, 3), RestoreError::DuplicateChild(4));
    refuse(|s| crowd(s, 50), RestoreError::DuplicateChild(4));
    refuse(without_edge, RestoreError::UserEdges(0));
    let nobodys = |s: &mut blockgraph::SavedGraph<Preset>| {
        without_edge(s);
        s.users.clear();
        s.nodes[3].monitor = false;
    };
    refuse(nobodys, RestoreError::Unreferenced(3));
}

/// A node loses its driver, but its edges have no pairs to keep.
fn eject(snapshot: &mut blockgraph::SavedGraph<Preset>, node: usize, spoil: fn(&mut Shape)) {
    let mut shape = Shape {
        filter: Some(Slot::File),
        supports_backing: false,
        takes_children: true,
        children_replaceable: false,
        takes_filtered: false,
        live_children: false,
    };
    spoil(&mut shape);
    snapshot.nodes[node].driver = SavedDriver::Ejected { name: "filter".into(), shape };
}

/// The user of [`chain`] loses its edge.
fn without_edge(snapshot: &mut blockgraph::SavedGraph<Preset>) {
    snapshot.edges.remove(0);
    snapshot.parent_lists = (0..3).collect();
}

#[test]
fn graphs_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Graph>();
    crosses::<Graph<Preset>>();
    crosses::<blockgraph::Error>();
}

/// So many more edges with names of their own; the last two share one.
fn crowd(snapshot: &mut blockgraph::SavedGraph<Preset>, more: u32) {
    for i in 0..more {
        let name = format!("x{}", i.max(1)).into();
        let (parent, role) = (blockgraph::ParentIndex::Node(1), Role::DATA);
        snapshot.parent_lists.push(4 + i);
        snapshot.edges.push(blockgraph::SavedEdge { parent, child: 0, name, role, frozen: false, kept: None });
    }
}
