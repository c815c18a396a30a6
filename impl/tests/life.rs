//! Holders, delete, nodes that lose their driver, children opened (L1, L3, O20 to O23, S8).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{BackingFilter, Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol};
use blockgraph::{
    DriverOption, ErrorKind, Graph, NodeKey, NodeSpec, OpKinds, Pair, Permissions, Preset, Reopen, Role, SavedDriver,
};
use common::{Behaviour, Injected, READER, WRITER, add, behave, chain, parents};

const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

fn driver(preset: impl Into<Preset>) -> Injected {
    Injected::new(preset, Behaviour::Accept)
}

fn open(graph: &mut Graph<Injected>, parent: NodeKey, name: &str, preset: impl Into<Preset>, role: Role) -> NodeKey {
    let edge = if role == Role::COW { "backing" } else { name };
    graph.open_child(parent, NodeSpec::new(name), driver(preset), edge, role).unwrap()
}

#[test]
fn holders() {
    let mut graph: Graph<Injected> = Graph::new();
    let a = add(&mut graph, "a", Protocol);
    let holders = |graph: &Graph<Injected>, node| graph.get(node).map(|view| (view.is_monitor_owned(), view.holders()));
    assert_eq!(holders(&graph, a), Some((true, 0)));
    let spec = |name| NodeSpec::new(name).implicit(true);
    let filter = graph.add(spec("filter"), driver(Filter)).unwrap();
    assert_eq!((holders(&graph, filter), graph.get(filter).unwrap().implicit()), (Some((false, 1)), true));
    let inserted = graph.insert(spec("inserted"), driver(Filter), a).unwrap();
    assert_eq!(holders(&graph, inserted), Some((false, 1)));
    let child = open(&mut graph, inserted, "child", Protocol, Role::DATA);
    assert_eq!(holders(&graph, child), Some((false, 0)));
    // O1.4 comes last.
    refused!(graph, DuplicateNode, t => t.add(spec("a").force_share(true), driver(Format)));
    refused!(graph, ForceShareWritable, t => t.add(spec("x").force_share(true), driver(Format)));
    refused!(graph, NotAFilter, t => t.add(spec("x"), driver(Format)));
    refused!(graph, NotAFilter, t => t.insert(spec("x"), driver(Format), NodeKey::default()));
    refused!(graph, NodeNotFound, t => t.hold(NodeKey::default()));
    // A caller's first.
    graph.hold(a).unwrap();
    graph.hold(a).unwrap();
    graph.release(a).unwrap();
    assert_eq!(holders(&graph, a), Some((true, 1)));
    graph.release(a).unwrap();
    graph.release(a).unwrap();
    assert_eq!(holders(&graph, a), Some((false, 0)), "the edge from the filter is left");
    refused!(graph, NoHolder, t => t.release(a));
    graph.hold(inserted).unwrap();
    graph.drop_filter(inserted).unwrap();
    assert_eq!(holders(&graph, inserted), Some((false, 1)));
    graph.drop_filter(inserted).unwrap();
    assert_eq!((holders(&graph, inserted), graph.inconsistencies()), (None, vec![]));
}

/// Nobody holds a node four billion times; a snapshot may say so.
#[test]
fn the_count_of_holders_ends() {
    let mut graph: Graph<Injected> = Graph::new();
    add(&mut graph, "a", Protocol);
    let mut snapshot = graph.save();
    snapshot.nodes[0].holders = u32::MAX;
    let mut graph = Graph::restore(&snapshot).unwrap();
    let a = graph.node("a").unwrap();
    graph.hold(a).unwrap();
    assert_eq!(graph.save(), snapshot);
}

#[test]
fn delete_in_the_order_of_its_conditions() {
    let mut graph: Graph<Injected> = Graph::new();
    let (a, above) = (add(&mut graph, "a", Format), add(&mut graph, "above", Format));
    refused!(graph, NodeNotFound, t => t.delete(NodeKey::default()));
    graph.set_backing(above, Some(a)).unwrap();
    let [one, two] = ["one", "two"].map(|name| graph.attach_user(name, a, READER, false).unwrap());
    graph.block(one, OpKinds::DRIVE_DEL, "busy").unwrap();
    graph.release(a).unwrap();
    let text = refused!(graph, HasUser, t => t.delete(a));
    assert_eq!(text, "Node a is in use");
    let kind = common::refused(&mut graph, |t| t.delete(a));
    assert!(matches!(kind, ErrorKind::HasUser { user, .. } if &*user.parent_name == "two"), "the first in list order");
    graph.detach_user(one).unwrap();
    graph.detach_user(two).unwrap();
    let text = refused!(graph, Blocked, t => t.delete(a));
    assert_eq!(text, "Node 'a' is busy: node is used as backing hd of 'above'");
    let b = add(&mut graph, "b", Protocol);
    graph.attach(above, b, "x", Role::DATA).unwrap();
    graph.hold(b).unwrap();
    let text = refused!(graph, InUse, t => t.delete(b));
    assert_eq!(text, "Block device b is in use");
    graph.detach(graph.child(above, "x").unwrap()).unwrap();
    refused!(graph, InUse, t => t.delete(b));
    graph.release(b).unwrap();
    let mut t = graph.transaction();
    t.delete(b).unwrap();
    assert!(t.get(b).unwrap().is_doomed());
    assert_eq!(t.commit().unwrap().closed.len(), 1);
    let c = graph.add(NodeSpec::new("c").implicit(true), driver(Filter)).unwrap();
    let text = refused!(graph, NotMonitorOwned, t => t.delete(c));
    assert_eq!(text, "Node c is not owned by the monitor");
}

/// `top` over `corrupt` over `bottom`, with a user that writes; `corrupt` is about to be.
fn corruptible() -> (Graph<Injected>, [NodeKey; 3]) {
    let (mut graph, nodes) = chain(3);
    graph.set_user(graph.user("u").unwrap(), WRITER).unwrap();
    (graph, [nodes[2], nodes[1], nodes[0]])
}

#[test]
fn an_ejected_driver_is_handed_back() {
    let (mut graph, [top, corrupt, bottom]) = corruptible();
    refused!(graph, NodeNotFound, t => t.eject_driver(NodeKey::default()));
    let mut t = graph.transaction();
    t.eject_driver(corrupt).unwrap();
    assert!(t.driver(corrupt).is_none());
    assert!(matches!(t.eject_driver(corrupt).unwrap_err().kind(), ErrorKind::NodeCorrupted { .. }));
    drop(t);
    assert!(graph.driver(corrupt).is_some() && graph.get(corrupt).unwrap().has_driver());
    let mut t = graph.transaction();
    t.eject_driver(corrupt).unwrap();
    t.eject_driver(top).unwrap();
    t.release(top).unwrap();
    t.detach_user(t.user("u").unwrap()).unwrap();
    t.release(corrupt).unwrap();
    let committed = t.commit().unwrap();
    let names: Vec<_> = committed.ejected.iter().map(|ejected| (ejected.key, &*ejected.name)).collect();
    assert_eq!(names, [(corrupt, "n1"), (top, "n2")]);
    assert!(committed.ejected[0].driver.granted.is_some(), "the driver itself");
    let closed: Vec<_> = committed.closed.iter().map(|closed| (&*closed.name, closed.driver.is_some())).collect();
    assert_eq!(closed, [("n2", false), ("n1", false)]);
    assert_eq!((graph.inconsistencies(), graph.get(bottom).unwrap().pair()), (vec![], Pair::NOTHING));
}

#[test]
fn a_node_without_driver_keeps_pairs_and_shape() {
    let (mut graph, [top, corrupt, bottom]) = corruptible();
    graph.eject_driver(corrupt).unwrap();
    let view = graph.get(corrupt).unwrap();
    assert_eq!((view.driver_name(), view.has_driver(), view.filter_slot().is_some()), (Some("filter"), false, true));
    let edge = view.file().unwrap();
    let pair = graph.edge(edge).unwrap().pair();
    assert!(pair.need.contains(Permissions::WRITE));
    let user = graph.user("u").unwrap();
    let mut t = graph.transaction();
    t.set_user(user, Pair::NOTHING).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!(committed.plan.iter().map(|step| step.node()).collect::<Vec<_>>(), [top], "nothing comes below");
    assert_eq!((graph.edge(edge).unwrap().pair(), graph.stale_nodes().count()), (pair, 0));
    // It is moved, and no parent may conflict with it nor make its child read-only.
    let other = add(&mut graph, "other", Protocol);
    graph.replace_edge(edge, other).unwrap();
    assert_eq!((graph.get(other).unwrap().pair(), graph.edge(edge).unwrap().pair()), (pair, pair));
    let exclusive = Pair::new(Permissions::NONE, Permissions::READ);
    let error = graph.attach_user("x", other, exclusive, false).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { .. }));
    assert!(matches!(graph.set_read_only(other, true).unwrap_err().kind(), ErrorKind::ReadOnly { .. }));
    graph.replace_edge(edge, bottom).unwrap();
    graph.set_user(user, WRITER).unwrap();
    assert_eq!(graph.inconsistencies(), []);
    // A snapshot has all of it.
    let snapshot = graph.save();
    let corrupted = snapshot.nodes.iter().find(|node| &*node.name == "n1").unwrap();
    assert!(matches!(&corrupted.driver, SavedDriver::Ejected { name, .. } if &**name == "filter"));
    let restored = Graph::restore(&snapshot).unwrap();
    assert_eq!((restored.save(), restored.inconsistencies()), (snapshot, vec![]));
}

/// It is judged itself: a parent that writes to it while it is read-only is refused.
#[test]
fn a_node_without_driver_is_judged() {
    let mut graph: Graph<Injected> = Graph::new();
    let a = graph.add(NodeSpec::new("a").read_only(true), driver(Protocol)).unwrap();
    graph.eject_driver(a).unwrap();
    assert!(matches!(graph.attach_user("u", a, WRITER, false).unwrap_err().kind(), ErrorKind::ReadOnly { .. }));
    graph.attach_user("v", a, Pair::new(Permissions::READ, Permissions::NONE), false).unwrap();
    assert!(matches!(graph.attach_user("u", a, READER, false).unwrap_err().kind(), ErrorKind::Conflict { .. }));
}

#[test]
fn an_edge_of_the_same_transaction_has_nothing() {
    let mut graph: Graph<Injected> = Graph::new();
    let (a, b) = (add(&mut graph, "a", ExclusiveWriter), add(&mut graph, "b", Protocol));
    let mut t = graph.transaction();
    t.attach(a, b, "backing", Role::FILTER).unwrap();
    t.eject_driver(a).unwrap();
    t.commit().unwrap();
    assert_eq!((graph.get(b).unwrap().pair(), graph.inconsistencies()), (Pair::NOTHING, vec![]));
}

/// What is given to a node without driver, at each operation's place in the order.
#[test]
fn corrupted_nodes_take_nothing() {
    let mut graph: Graph<Injected> = Graph::new();
    let [n, f, p] = [("n", Preset::from(Format)), ("f", Filter.into()), ("p", Protocol.into())]
        .map(|(name, preset)| add(&mut graph, name, preset));
    let base = add(&mut graph, "base", Format);
    let blkdebug = add(&mut graph, "blkdebug", Blkdebug::default());
    graph.set_backing(n, Some(base)).unwrap();
    [n, f, p, blkdebug].into_iter().for_each(|node| graph.eject_driver(node).unwrap());
    let nowhere = NodeKey::default();
    refused!(graph, NodeNotFound, t => t.attach(p, nowhere, "x", Role::DATA));
    refused!(graph, NodeCorrupted, t => t.attach(p, base, "x", Role::DATA));
    refused!(graph, NodeNotFound, t => t.set_backing(p, Some(nowhere)));
    refused!(graph, NodeCorrupted, t => t.set_backing(p, None));
    refused!(graph, NodeNotFound, t => t.set_file(n, nowhere));
    refused!(graph, NodeCorrupted, t => t.set_file(n, p));
    refused!(graph, SameNode, t => t.append(p, p));
    refused!(graph, NodeCorrupted, t => t.append(p, base));
    refused!(graph, NodeCorrupted, t => t.append_and_store(p, base));
    refused!(graph, NodeCorrupted, t => t.drop_filter(n));
    refused!(graph, NodeCorrupted, t => t.set_option(n, DriverOption::Rewrite(true)));
    refused!(graph, NodeCorrupted, t => t.refresh(n));
    refused!(graph, NodeCorrupted, t => t.set_read_only(n, true));
    refused!(graph, NodeCorrupted, t => t.reopen(&[Reopen::new(n)]));
    refused!(graph, NodeNotFound, t => t.open_child(nowhere, NodeSpec::new("n"), driver(Format), "x", Role::DATA));
    refused!(graph, NodeCorrupted, t => t.open_child(p, NodeSpec::new("n"), driver(Format), "x", Role::DATA));
    let text = refused!(graph, NodeCorrupted, t => t.snapshot_node(f, n));
    assert_eq!(text, "Node corrupted: 'n'");
    // Its own edges may go; it ends a chain.
    refused!(graph, NotInChain, t => t.freeze(n, Some(base)));
    graph.freeze(n, None).unwrap();
    assert!(!graph.edge(graph.child(n, "backing").unwrap()).unwrap().is_frozen());
    graph.detach(graph.child(n, "backing").unwrap()).unwrap();
    graph.release(n).unwrap();
    assert_eq!((graph.node("n"), graph.inconsistencies()), (None, vec![]));
}

/// Stale, reopened and renamed nodes are not asked once they have lost their driver.
#[test]
fn a_node_that_loses_its_driver_is_in_no_plan() {
    let (mut graph, [top, corrupt, _]) = corruptible();
    behave(&mut graph, corrupt, Behaviour::RefuseCheck);
    graph.set_user(graph.user("u").unwrap(), READER).unwrap();
    assert_eq!(graph.stale_nodes().collect::<Vec<_>>(), [corrupt]);
    let overlay = add(&mut graph, "overlay", Format);
    let before = graph.save();
    let mut t = graph.transaction();
    t.append_and_store(overlay, top).unwrap();
    t.set_read_only(overlay, true).unwrap();
    t.eject_driver(overlay).unwrap();
    t.eject_driver(corrupt).unwrap();
    t.set_read_only(top, true).unwrap();
    drop(t);
    assert_eq!((graph.save(), graph.stale_nodes().count()), (before, 1));
    let mut t = graph.transaction();
    t.append_and_store(overlay, top).unwrap();
    t.set_read_only(overlay, true).unwrap();
    t.eject_driver(overlay).unwrap();
    t.eject_driver(corrupt).unwrap();
    let committed = t.commit().unwrap();
    assert!(committed.plan.iter().all(|step| step.node() == top), "{:?}", committed.plan);
    assert_eq!((committed.stale, graph.stale_nodes().count(), graph.inconsistencies()), (vec![], 0, vec![]));
    assert_eq!(graph.get(overlay).unwrap().stored_backing().map(|name| &**name), Some("n2"));
}

#[test]
fn open_child_in_the_order_of_its_conditions() {
    let mut graph: Graph<Injected> = Graph::new();
    let (p, f) = (add(&mut graph, "p", Protocol), add(&mut graph, "f", Format));
    let file = graph.open_child(f, NodeSpec::new("file"), driver(Protocol), "file", IMAGE).unwrap();
    let shared = |name| NodeSpec::new(name).force_share(true);
    refused!(graph, DuplicateNode, t => t.open_child(p, shared("p").implicit(true), driver(Format), "x", Role::DATA));
    refused!(graph, ForceShareWritable, t => t.open_child(p, shared("x").implicit(true), driver(Format), "x", Role::DATA));
    let implicit = || NodeSpec::new("x").implicit(true);
    refused!(graph, NotAFilter, t => t.open_child(p, implicit(), driver(Format), "x", Role::DATA));
    let mut refuse = |parent, edge: &str, role, kind: fn(&ErrorKind) -> bool| {
        let error = common::refused(&mut graph, |t| {
            t.open_child(parent, NodeSpec::new("x"), driver(Format), edge, role).map(drop)
        });
        assert!(kind(&error), "{error:?}");
    };
    refuse(p, "x", Role::empty(), |kind| matches!(kind, ErrorKind::NoChildren { .. }));
    refuse(f, "file", Role::empty(), |kind| matches!(kind, ErrorKind::DuplicateChild { .. }));
    refuse(f, "x", Role::PRIMARY, |kind| matches!(kind, ErrorKind::BadRole { .. }));
    refuse(f, "x", Role::FILTER, |kind| matches!(kind, ErrorKind::RoleUnsupported { .. }));
    refuse(f, "x", IMAGE, |kind| matches!(kind, ErrorKind::SlotTaken { .. }));
    // Force-share is judged by the flag that results.
    let base = graph.open_child(f, shared("base"), driver(Format), "backing", Role::COW).unwrap();
    let view = |graph: &Graph<Injected>, node| {
        let view = graph.get(node).unwrap();
        (view.read_only(), view.inherits_read_only(), view.inherits_from())
    };
    assert_eq!(view(&graph, file), (false, true, Some(f)));
    assert_eq!(view(&graph, base), (true, true, Some(f)));
    graph.set_read_only(f, true).unwrap();
    let more = open(&mut graph, f, "more", Protocol, Role::DATA);
    assert_eq!(view(&graph, more), (true, true, Some(f)));
    let own = graph.open_child(f, NodeSpec::new("own").read_only(true), driver(Protocol), "own", Role::DATA).unwrap();
    assert_eq!((view(&graph, own), graph.inconsistencies()), ((true, false, Some(f)), vec![]));
    graph.release(f).unwrap();
    assert_eq!((graph.node_count(), graph.inconsistencies()), (1, vec![]), "they lived by its edges");
}

/// S8.2: it covers all nodes below, except nodes with another edge and nodes that inherit from others.
#[test]
fn detaching_ends_inheritance_below() {
    let mut graph: Graph<Injected> = Graph::new();
    let p = add(&mut graph, "p", NoPermission);
    let names = ["a", "b", "c", "d"];
    let [a, b, c, d] = names.map(|name| open(&mut graph, p, name, NoPermission, Role::DATA));
    // a is over b, b over c. b and c remain heirs of p without an edge of their own. d is also the child of another
    // node.
    graph.attach(a, b, "b", Role::DATA).unwrap();
    graph.attach(b, c, "c", Role::DATA).unwrap();
    graph.attach(b, d, "d", Role::DATA).unwrap();
    let lower = open(&mut graph, b, "lower", Protocol, Role::DATA);
    let from = |graph: &Graph<Injected>, node| graph.get(node).unwrap().inherits_from();
    let edge = |graph: &Graph<Injected>, name| graph.child(p, name).unwrap();
    graph.hold(a).unwrap();
    // A move is no removal: the edge to c becomes one to `elsewhere`.
    let elsewhere = add(&mut graph, "elsewhere", Protocol);
    graph.replace_edge(edge(&graph, "c"), elsewhere).unwrap();
    assert_eq!(from(&graph, c), Some(p));
    let mut t = graph.transaction();
    t.detach(edge(&t, "a")).unwrap();
    drop(t);
    assert_eq!((from(&graph, a), from(&graph, c), graph.inconsistencies()), (Some(p), Some(p), vec![]));
    graph.detach(edge(&graph, "a")).unwrap();
    assert_eq!([a, b, c, d].map(|node| from(&graph, node)), [None, Some(p), None, Some(p)]);
    graph.detach(edge(&graph, "b")).unwrap();
    assert_eq!((from(&graph, b), from(&graph, lower), from(&graph, d)), (None, Some(b), Some(p)));
    graph.hold(d).unwrap();
    graph.detach(graph.child(b, "d").unwrap()).unwrap();
    graph.detach(edge(&graph, "d")).unwrap();
    assert_eq!((from(&graph, d), graph.inconsistencies()), (None, vec![]));
}

/// S8.3 and S8.5.
#[test]
fn heirs_inherit_from_their_new_parent() {
    let mut graph: Graph<Injected> = Graph::new();
    let top = add(&mut graph, "top", Format);
    let middle = open(&mut graph, top, "middle", Format, Role::COW);
    let base = graph.open_child(middle, NodeSpec::new("base").read_only(true), driver(Format), "backing", Role::COW);
    let base = base.unwrap();
    graph.hold(middle).unwrap();
    let view = |graph: &Graph<Injected>, node| {
        let view = graph.get(node).unwrap();
        (view.inherits_from(), view.inherits_read_only())
    };
    assert_eq!(view(&graph, base), (Some(middle), false));
    graph.set_backing(top, Some(base)).unwrap();
    assert_eq!((view(&graph, base), view(&graph, middle)), ((Some(top), false), (None, false)));
    // The present child again: removed and put back.
    graph.set_backing(top, Some(base)).unwrap();
    assert_eq!(view(&graph, base), (Some(top), false));
    // Of a stranger nothing becomes an heir.
    let other = add(&mut graph, "other", Format);
    graph.set_backing(other, Some(middle)).unwrap();
    assert_eq!(view(&graph, middle), (None, false));
    graph.hold(base).unwrap();
    graph.release(top).unwrap();
    assert_eq!((view(&graph, base), graph.node("top"), graph.inconsistencies()), ((None, false), None, vec![]));
    let restored = Graph::restore(&graph.save()).unwrap();
    assert_eq!((restored.save(), restored.inconsistencies()), (graph.save(), vec![]));
}

/// Appending to one of its own heirs, which it has lost sight of.
#[test]
fn append_takes_its_heirs_back() {
    let mut graph: Graph<Injected> = Graph::new();
    let top = add(&mut graph, "top", Format);
    let a = open(&mut graph, top, "a", Format, Role::DATA);
    let b = open(&mut graph, a, "b", Protocol, Role::DATA);
    graph.hold(b).unwrap();
    graph.detach(graph.child(a, "b").unwrap()).unwrap();
    assert_eq!(graph.get(b).unwrap().inherits_from(), None);
    let c = open(&mut graph, a, "c", Format, Role::DATA);
    // The edge to c becomes one to b; c inherits from a still, and a from top.
    graph.hold(c).unwrap();
    graph.replace_edge(graph.child(a, "c").unwrap(), b).unwrap();
    graph.append(top, c).unwrap();
    assert_eq!((graph.get(c).unwrap().inherits_from(), parents(&graph, c)), (Some(top), vec!["top".to_string()]));
    assert_eq!(graph.inconsistencies(), []);
}

/// The filter's children go as by detaches, so they cease to inherit from it at once.
#[test]
fn a_dropped_filter_has_no_heirs() {
    let mut graph: Graph<Injected> = Graph::new();
    let filter = add(&mut graph, "filter", BackingFilter);
    let child = open(&mut graph, filter, "child", Protocol, Role::FILTER);
    graph.hold(child).unwrap();
    let mut t = graph.transaction();
    t.drop_filter(filter).unwrap();
    assert_eq!(t.get(child).unwrap().inherits_from(), None);
    t.commit().unwrap();
    assert_eq!((graph.get(child).unwrap().inherits_from(), graph.inconsistencies()), (None, vec![]));
}
