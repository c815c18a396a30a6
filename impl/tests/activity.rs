//! Active and inactive nodes (A1 to A5; O36, O37; V3.5, V3.6): which nodes are covered, what users get, what is
//! forbidden, which drivers are asked.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol};
use blockgraph::{
    Committed, ErrorKind, Graph, Hook, NodeKey, NodeSpec, Pair, Parent, Permissions, PlanStep, Reopen, RestoreError,
    Role, UserSpec,
};
use common::{Behaviour, Injected, READER, Rng, WRITER, add, behave, parents};

const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

fn accepting(preset: impl Into<blockgraph::Preset>) -> Injected {
    Injected::new(preset, Behaviour::Accept)
}

/// Nodes without permissions, and edges between them by their names' letters.
fn web(nodes: &str, edges: &[&str]) -> Graph<Injected> {
    let mut graph = Graph::new();
    nodes.chars().for_each(|name| _ = add(&mut graph, &name.to_string(), NoPermission));
    for (number, ends) in edges.iter().enumerate() {
        let [parent, child] = [0, 1].map(|end| graph.node(&ends[end..=end]).unwrap());
        graph.attach(parent, child, format!("e{number}"), Role::DATA).unwrap();
    }
    graph
}

fn node(graph: &Graph<Injected>, name: &str) -> NodeKey {
    graph.node(name).unwrap()
}

/// The names of the inactive nodes, in the order in which they were added.
fn inactive(graph: &Graph<Injected>) -> String {
    graph.nodes().filter_map(|key| graph.get(key)).filter(|node| node.inactive()).map(|node| &**node.name()).collect()
}

fn inactivate(graph: &mut Graph<Injected>, name: &str) -> String {
    graph.inactivate(node(graph, name)).unwrap();
    assert_eq!(graph.inconsistencies(), []);
    inactive(graph)
}

fn hooks(committed: &Committed<Injected>, graph: &Graph<Injected>) -> Vec<String> {
    let name = |step: &PlanStep| format!("{:?} {}", step.hook(), graph.get(step.node()).unwrap().name());
    committed.plan.iter().map(name).collect()
}

/// A1: a descendant is covered once all of its parents are, over however many edges and ways.
#[test]
fn inactivating_covers_what_has_no_active_parent_left() {
    assert_eq!(inactivate(&mut web("abcd", &["ab", "ac", "bd", "cd", "cd"]), "a"), "abcd");
    assert_eq!(inactivate(&mut web("abcdx", &["ab", "ac", "bd", "cd", "xd"]), "a"), "abc", "x is active");
    // d waits for c, which is looked at after b, and c for d's sake twice.
    assert_eq!(inactivate(&mut web("abcde", &["ad", "ac", "ab", "bd", "cd", "bc", "de"]), "a"), "abcde");
    let mut graph = web("abc", &["ac", "bc"]);
    assert_eq!(inactivate(&mut graph, "a"), "a", "b is active");
    assert_eq!(inactivate(&mut graph, "b"), "abc", "a is inactive already");
    assert_eq!(inactivate(&mut graph, "c"), "abc", "no error, and changes nothing");
}

#[test]
fn a_node_without_its_driver_is_not_covered_nor_what_is_below() {
    let mut graph = web("abc", &["ab", "bc"]);
    graph.eject_driver(node(&graph, "b")).unwrap();
    assert_eq!(inactivate(&mut graph, "a"), "a");
    let b = node(&graph, "b");
    refused!(graph, NodeCorrupted, t => t.inactivate(b));
    refused!(graph, NodeCorrupted, t => t.activate(b));
    refused!(graph, NodeNotFound, t => t.inactivate(NodeKey::default()));
    refused!(graph, NodeNotFound, t => t.activate(NodeKey::default()));
}

/// A1: the order is that of a queue; of each node the children in list order, which the last attached heads.
#[test]
fn the_first_user_in_the_order_of_covering_is_named() {
    let mut graph = web("abcd", &["ac", "ab", "bd"]);
    for (user, name) in [("far", "d"), ("right", "c"), ("late", "b"), ("left", "b")] {
        graph.attach_user(user, node(&graph, name), WRITER, false).unwrap();
    }
    let a = node(&graph, "a");
    let named = |graph: &mut Graph<Injected>| match common::refused(graph, |t| t.inactivate(a)) {
        ErrorKind::UserActive { node, user } => format!("{} {}", node.name, user.parent_name),
        kind => panic!("{kind:?}"),
    };
    for expected in ["b left", "b late", "c right", "d far"] {
        assert_eq!(named(&mut graph), expected);
        let user = graph.user(&expected[2..]).unwrap();
        graph.detach_user(user).unwrap();
    }
    // Whoever only reads, or may be inactivated, is not in the way.
    graph.attach_user("reader", a, READER, false).unwrap();
    graph.attach_user_as(UserSpec::new("guest", WRITER).may_inactivate(true), a).unwrap();
    let graph_mod = Pair::new(Permissions::GRAPH_MOD, Permissions::ALL);
    let job = graph.attach_user("job", a, graph_mod, false).unwrap();
    let text = refused!(graph, UserActive, t => t.inactivate(a));
    assert_eq!(text, "Cannot inactivate node 'a', which block device 'job' wants to do more with than read");
    graph.detach_user(job).unwrap();
    assert_eq!(inactivate(&mut graph, "a"), "abcd");
}

/// O36.3, the first in list order; a parent that is doomed has its edge until it is closed.
#[test]
fn an_active_parent_is_in_the_way() {
    let mut graph = web("abcx", &["ac", "xc", "bc"]);
    inactivate(&mut graph, "b");
    let c = node(&graph, "c");
    assert_eq!(parents(&graph, c), ["b", "x", "a"]);
    let ErrorKind::ActiveParent { node: named, parent } = common::refused(&mut graph, |t| t.inactivate(c)) else {
        panic!("another error")
    };
    assert_eq!((&*named.name, &*parent.parent_name, &*parent.name), ("c", "x", "e1"));
    let (a, x) = (node(&graph, "a"), node(&graph, "x"));
    let mut t = graph.transaction();
    t.release(a).unwrap();
    t.release(x).unwrap();
    let text = t.inactivate(c).unwrap_err().to_string();
    assert_eq!(text, "Node has active parent node");
}

/// A2: through those that are active, too.
#[test]
fn activating_covers_all_that_is_below() {
    let mut graph = web("abcde", &["ab", "bc", "cd", "de"]);
    for name in ["a", "b"] {
        inactivate(&mut graph, name);
    }
    graph.activate(node(&graph, "c")).unwrap();
    assert_eq!((inactive(&graph), graph.inconsistencies()), ("ab".into(), vec![]));
    graph.activate(node(&graph, "e")).unwrap();
    assert_eq!(inactive(&graph), "ab", "it was active");
    graph.inactivate(node(&graph, "c")).unwrap();
    let mut t = graph.transaction();
    // While it lasts, an active node is above an inactive one.
    t.attach(node(&t, "c"), node(&t, "e"), "again", Role::DATA).unwrap();
    t.activate(node(&t, "a")).unwrap();
    t.commit().unwrap();
    assert_eq!((inactive(&graph), graph.inconsistencies()), (String::new(), vec![]));
}

/// A3: only its owner changes what a user wants.
#[test]
fn a_user_of_an_inactive_node_has_nothing_and_wants_the_same() {
    let mut graph = web("abx", &["ab"]);
    let (a, x) = (node(&graph, "a"), node(&graph, "x"));
    let guest = graph.attach_user_as(UserSpec::new("guest", WRITER).may_inactivate(true), a).unwrap();
    let seen = |graph: &Graph<Injected>| {
        assert_eq!(graph.inconsistencies(), []);
        let user = graph.user_view(guest).unwrap();
        (user.wanted(), user.pair())
    };
    inactivate(&mut graph, "a");
    assert_eq!(seen(&graph), (WRITER, Pair::NOTHING));
    assert_eq!(graph.get(a).unwrap().pair(), Pair::NOTHING);
    let alone = Pair::new(Permissions::WRITE, Permissions::NONE);
    graph.set_user(guest, alone).unwrap();
    assert_eq!(seen(&graph), (alone, Pair::NOTHING));
    // It is moved away by itself, back by a replacement of its node, and stays there.
    let edge = graph.user_view(guest).unwrap().edge();
    graph.replace_edge(edge, x).unwrap();
    assert_eq!(seen(&graph), (alone, alone));
    graph.replace_node(x, a).unwrap();
    assert_eq!(seen(&graph), (alone, Pair::NOTHING));
    // Another one comes, whose wish does not count either: together they would conflict.
    let other = graph.attach_user("other", a, WRITER, false).unwrap();
    assert_eq!(graph.user_view(other).map(|user| (user.wanted(), user.pair())), Some((WRITER, Pair::NOTHING)));
    let before = graph.save();
    let error = graph.activate(a).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { .. }));
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    graph.detach_user(other).unwrap();
    graph.activate(a).unwrap();
    assert_eq!(seen(&graph), (alone, alone));
    assert_eq!(graph.get(a).unwrap().pair(), alone);
}

/// Of every change within a transaction nothing is left when it is rolled back.
#[test]
fn savepoints_bring_activity_and_wishes_back() {
    let mut graph = web("abx", &["ab"]);
    let a = node(&graph, "a");
    let guest = graph.attach_user_as(UserSpec::new("guest", WRITER).may_inactivate(true), a).unwrap();
    let before = graph.save();
    let mut t = graph.transaction();
    let first = t.savepoint();
    t.inactivate(a).unwrap();
    t.set_user(guest, READER).unwrap();
    let (second, between) = (t.savepoint(), t.save());
    t.activate(a).unwrap();
    t.replace_node(a, node(&t, "x")).unwrap();
    t.set_user(guest, Pair::NOTHING).unwrap();
    t.rollback_to(second).unwrap();
    assert_eq!(t.save(), between);
    assert_eq!(t.user_view(guest).map(|user| (user.wanted(), user.pair())), Some((READER, Pair::NOTHING)));
    t.rollback_to(first).unwrap();
    assert_eq!(t.save(), before);
    assert!(t.commit().unwrap().plan.is_empty());
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
}

/// A4, whatever the operation: an edge attached, one moved by replace-node, one by append.
#[test]
fn no_active_node_above_an_inactive_one() {
    let mut graph = web("abr", &["ab"]);
    let [a, r] = ["a", "r"].map(|name| node(&graph, name));
    inactivate(&mut graph, "r");
    let violated = |graph: &mut Graph<Injected>, step: &dyn Fn(&mut Graph<Injected>) -> blockgraph::Error| {
        let before = graph.save();
        let error = step(graph);
        assert_eq!((graph.save(), graph.inconsistencies(), error.step()), (before, vec![], None));
        let ErrorKind::InactiveChild { edge } = error.kind() else { panic!("{error}") };
        assert!(error.kind().is_violation());
        (edge.name.to_string(), error.to_string())
    };
    let attached = violated(&mut graph, &|graph| graph.attach(a, r, "x", Role::DATA).unwrap_err());
    assert_eq!(attached.1, "Inactive 'r' can't be a x child of active 'a'");
    let b = node(&graph, "b");
    assert_eq!(violated(&mut graph, &|graph| graph.replace_node(b, r).unwrap_err()).0, "e0");
    let inserted = violated(&mut graph, &|graph| {
        graph.insert(NodeSpec::new("f").inactive(true), accepting(Filter), b).unwrap_err()
    });
    assert_eq!(inserted.1, "Inactive 'f' can't be a e0 child of active 'a'");
    // A doomed parent is judged like any other (V3).
    let doomed = violated(&mut graph, &|graph| {
        let mut t = graph.transaction();
        t.attach(a, r, "x", Role::DATA).unwrap();
        t.release(a).unwrap();
        t.commit().unwrap_err()
    });
    assert_eq!(doomed.0, "x");
    // Below an inactive one all is well, and a parent that is activated alone is found, too.
    graph.attach(r, b, "x", Role::DATA).unwrap();
    let both = violated(&mut graph, &|graph| {
        let mut t = graph.transaction();
        t.detach(t.child(a, "e0").unwrap()).unwrap();
        t.activate(r).unwrap();
        t.inactivate(r).unwrap();
        t.attach(a, b, "y", Role::DATA).unwrap();
        t.commit().unwrap_err()
    });
    assert_eq!(both.0, "y");
}

/// V3.6: with nothing but R. An exclusive writer needs W of its child whatever it is itself (P5.5).
#[test]
fn an_inactive_node_is_only_read() {
    let mut graph: Graph<Injected> = Graph::new();
    let top = add(&mut graph, "top", ExclusiveWriter);
    let file = add(&mut graph, "file", Protocol);
    graph.attach(top, file, "backing", Role::FILTER).unwrap();
    let before = graph.save();
    let error = graph.inactivate(top).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::InactiveNode { node } if node.key == file && error.kind().is_violation())
    );
    assert_eq!(error.to_string(), "Inactive block node 'file' can only be read");
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    let reader = Blkdebug { take: Permissions::READ, unshare: Permissions::NONE };
    let debug = add(&mut graph, "debug", reader);
    let other = add(&mut graph, "other", Protocol);
    graph.attach(debug, other, "file", Role::FILTER).unwrap();
    graph.inactivate(debug).unwrap();
    assert_eq!(graph.get(other).map(|node| (node.inactive(), node.pair().need)), Some((true, Permissions::READ)));
    for bit in (Permissions::ALL - Permissions::READ).iter() {
        let option = blockgraph::DriverOption::Debug { take: bit, unshare: Permissions::NONE };
        let error = graph.set_option(debug, option).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InactiveNode { .. }), "{error}");
    }
    assert_eq!(graph.inconsistencies(), []);
}

/// P5.3, P5.5 and P7 on an image with a user that writes.
#[test]
fn the_pairs_below_an_inactive_image() {
    use Permissions as P;
    let mut graph: Graph<Injected> = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let (file, base) = (add(&mut graph, "file", Protocol), add(&mut graph, "base", Format));
    let file_edge = graph.attach(disk, file, "file", IMAGE).unwrap();
    let base_edge = graph.attach(disk, base, "backing", Role::COW).unwrap();
    let wants = Pair::new(P::READ | P::WRITE, P::READ);
    let guest = graph.attach_user_as(UserSpec::new("guest", wants).may_inactivate(true), disk).unwrap();
    let pairs = |graph: &Graph<Injected>| [file_edge, base_edge].map(|edge| graph.edge(edge).unwrap().pair());
    let active = [
        Pair::new(P::READ | P::WRITE | P::RESIZE, P::READ | P::GRAPH_MOD),
        Pair::new(P::READ, P::READ | P::WRITE_UNCHANGED | P::GRAPH_MOD),
    ];
    assert_eq!(pairs(&graph), active);
    graph.inactivate(disk).unwrap();
    // The metadata is read even so; W and Z are shared.
    let everything = Pair::new(P::READ, P::ALL);
    assert_eq!(pairs(&graph), [everything, Pair::NOTHING]);
    let granted = graph.get(disk).map(|node| (node.writable(), node.read_only(), node.granted()));
    assert_eq!(granted, Some((false, false, blockgraph::Grant { pair: Pair::NOTHING, writable: false })));
    graph.activate(disk).unwrap();
    assert_eq!(
        (pairs(&graph), graph.user_view(guest).unwrap().pair(), graph.inconsistencies()),
        (active, wants, vec![])
    );
}

/// S6, V3.6: its image cannot be written.
#[test]
fn an_inactive_node_is_not_renamed() {
    let mut graph: Graph<Injected> = Graph::new();
    let [base, middle, top] = ["base", "middle", "top"].map(|name| add(&mut graph, name, Format));
    graph.set_backing(middle, Some(base)).unwrap();
    graph.set_backing(top, Some(middle)).unwrap();
    graph.inactivate(top).unwrap();
    let before = graph.save();
    let error = graph.drop_intermediate(middle, base).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InactiveNode { node } if node.key == top));
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    // Whoever has lost its driver by then has no image to be written.
    let mut t = graph.transaction();
    t.drop_intermediate(middle, base).unwrap();
    t.eject_driver(top).unwrap();
    t.commit().unwrap();
    // A node that is active by then is renamed.
    let overlay = graph.add(NodeSpec::new("overlay").inactive(true), accepting(Format)).unwrap();
    let mut t = graph.transaction();
    t.append_and_store(overlay, middle).unwrap();
    t.activate(overlay).unwrap();
    assert_eq!(hooks(&t.commit().unwrap(), &graph)[0], "Rename overlay");
    assert_eq!(graph.inconsistencies(), []);
}

/// O1, O23.
#[test]
fn opened_below_an_inactive_parent() {
    let mut graph: Graph<Injected> = Graph::new();
    let disk = graph.add(NodeSpec::new("disk").inactive(true), accepting(Format)).unwrap();
    let granted = graph.get(disk).map(|node| (node.inactive(), node.granted().writable, node.is_stale()));
    assert_eq!(granted, Some((true, false, false)));
    graph.open_child(disk, NodeSpec::new("file"), accepting(Protocol), "file", IMAGE).unwrap();
    assert_eq!(inactive(&graph), "diskfile");
    graph.activate(disk).unwrap();
    let spec = NodeSpec::new("late").inactive(true);
    let mut t = graph.transaction();
    t.open_child(disk, spec, accepting(Protocol), "late", Role::DATA).unwrap();
    assert!(matches!(t.commit().unwrap_err().kind(), ErrorKind::InactiveChild { .. }));
    assert_eq!(graph.inconsistencies(), []);
}

/// A5, V5: parents first, before the checks; children first, after them. V6: set, activations, inactivations, the rest.
#[test]
fn drivers_are_asked_in_order() {
    let mut graph: Graph<Injected> = Graph::new();
    let [disk, file, other, below] = ["disk", "file", "other", "below"].map(|name| add(&mut graph, name, Format));
    graph.attach(disk, file, "file", IMAGE).unwrap();
    graph.attach(other, below, "file", IMAGE).unwrap();
    graph.inactivate(other).unwrap();
    let mut t = graph.transaction();
    t.reopen(&[Reopen::new(disk).keep(true).read_only(true)]).unwrap();
    t.activate(other).unwrap();
    t.inactivate(disk).unwrap();
    t.append_and_store(other, disk).unwrap();
    t.detach(t.child(other, "backing").unwrap()).unwrap();
    let committed = t.commit().unwrap();
    let order = [
        "Flush disk",
        "Prepare disk",
        "Rename other",
        "Inactivate disk",
        "Inactivate file",
        "Activate below",
        "Activate other",
    ];
    let (checks, rest): (Vec<_>, Vec<_>) =
        hooks(&committed, &graph).into_iter().partition(|step| step.starts_with("Check"));
    assert_eq!((rest, checks.len()), (order.map(String::from).to_vec(), 4));
    let place = |hook| committed.plan.iter().position(|step| step.hook() == hook).unwrap();
    assert!(place(Hook::Inactivate) < place(Hook::Check) && place(Hook::Check) < place(Hook::Activate));
    let commits: Vec<_> = committed.commits().map(|step| step.hook()).collect();
    let tail = [Hook::Activate, Hook::Activate, Hook::Inactivate, Hook::Inactivate, Hook::Rename, Hook::Prepare];
    assert_eq!((&commits[..4], &commits[4..]), (&[Hook::Check; 4][..], &tail[..]));
    let last: Vec<_> = committed.commits().skip(4).take(4).map(|step| step.node()).collect();
    assert_eq!((last, graph.inconsistencies()), (vec![below, other, disk, file], vec![]));
}

/// A node that ends as it began is not asked. A new node began as it was opened.
#[test]
fn a_change_and_its_inverse_ask_no_driver() {
    let mut graph = web("ab", &["ab"]);
    let (a, b) = (node(&graph, "a"), node(&graph, "b"));
    let mut t = graph.transaction();
    t.inactivate(a).unwrap();
    t.activate(a).unwrap();
    assert!(t.commit().unwrap().plan.is_empty());
    let mut t = graph.transaction();
    t.inactivate(a).unwrap();
    t.activate(b).unwrap();
    assert_eq!(hooks(&t.commit().unwrap(), &graph), ["Inactivate a", "Check a"]);
    let mut t = graph.transaction();
    let new = t.add(NodeSpec::new("new"), accepting(Format)).unwrap();
    t.inactivate(new).unwrap();
    assert_eq!(hooks(&t.commit().unwrap(), &graph), ["Inactivate new", "Check new"]);
    let mut t = graph.transaction();
    t.activate(new).unwrap();
    t.release(new).unwrap();
    assert!(t.commit().unwrap().plan.is_empty(), "a closed one is asked nothing");
    assert_eq!(graph.inconsistencies(), []);
}

#[test]
fn a_driver_refuses_to_change_hands() {
    let mut graph = web("ab", &["ab"]);
    let (a, b) = (node(&graph, "a"), node(&graph, "b"));
    let refuses = |graph: &mut Graph<Injected>, activate: bool| {
        let before = graph.save();
        let error = if activate { graph.activate(a) } else { graph.inactivate(a) }.unwrap_err();
        let ErrorKind::Refused { node, hook, .. } = error.kind() else { panic!("{error}") };
        assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
        (node.key, *hook)
    };
    behave(&mut graph, b, Behaviour::RefuseInactivate);
    assert_eq!(refuses(&mut graph, false), (b, Hook::Inactivate));
    behave(&mut graph, b, Behaviour::RefuseActivate);
    inactivate(&mut graph, "a");
    assert_eq!(refuses(&mut graph, true), (b, Hook::Activate), "what was checked and activated is aborted");
    behave(&mut graph, b, Behaviour::Accept);
    behave(&mut graph, a, Behaviour::RefuseActivate);
    assert_eq!(refuses(&mut graph, true), (a, Hook::Activate));
    assert!(graph.nodes().all(|key| graph.driver(key).unwrap().is_settled()));
}

/// The caller runs the plan itself.
#[test]
fn the_manual_protocol() {
    let mut graph = web("ab", &["ab"]);
    let (a, b) = (node(&graph, "a"), node(&graph, "b"));
    let mut t = graph.transaction();
    t.inactivate(a).unwrap();
    let mut judged = t.begin_commit().unwrap();
    let mut done = Vec::new();
    while let Some(step) = judged.next_step() {
        done.push((step.hook(), step.node()));
        judged.done();
    }
    let asked = [(Hook::Inactivate, a), (Hook::Inactivate, b), (Hook::Check, a), (Hook::Check, b)];
    assert_eq!(done, asked);
    let committed = judged.accept().unwrap();
    let commits: Vec<_> = committed.commits().map(|step| (step.hook(), step.node())).collect();
    assert_eq!(commits, [asked[3], asked[2], asked[0], asked[1]]);
    let mut t = graph.transaction();
    t.activate(a).unwrap();
    let mut judged = t.begin_commit().unwrap();
    (0..3).for_each(|_| judged.done());
    let refused = judged.refuse(&blockgraph::Refusal::new("no")).unwrap_err();
    let aborts: Vec<_> = refused.aborts.iter().map(|step| (step.hook(), step.node())).collect();
    assert_eq!(aborts, [(Hook::Activate, b), (Hook::Check, b), (Hook::Check, a)]);
    assert_eq!((inactive(&graph), graph.inconsistencies()), ("ab".into(), vec![]));
}

#[test]
fn snapshots_have_activity_and_what_is_wanted() {
    let mut graph = web("abx", &["ab", "xb"]);
    let a = node(&graph, "a");
    graph.attach_user_as(UserSpec::new("guest", WRITER).may_inactivate(true), a).unwrap();
    inactivate(&mut graph, "a");
    let snapshot = graph.save();
    let user = &snapshot.users[0];
    assert_eq!((user.pair, user.may_inactivate, snapshot.nodes[0].inactive), (WRITER, true, true));
    let mut restored = Graph::restore(&snapshot).unwrap();
    assert_eq!((restored.save(), restored.inconsistencies()), (snapshot.clone(), vec![]));
    restored.activate(node(&restored, "a")).unwrap();
    assert_eq!(restored.user_view(restored.user("guest").unwrap()).unwrap().pair(), WRITER);
    let mut bad = snapshot.clone();
    bad.nodes[1].inactive = true;
    let edge = bad.edges.iter().position(|edge| &*edge.name == "e1").unwrap();
    assert_eq!(Graph::restore(&bad).unwrap_err(), RestoreError::InactiveChild(edge));
    let mut graph: Graph<Injected> = Graph::new();
    let spec = |name: &str| NodeSpec::new(name).inactive(true);
    let top = graph.add(spec("top"), accepting(Blkdebug::default())).unwrap();
    let file = graph.add(spec("file"), accepting(Protocol)).unwrap();
    graph.attach(top, file, "file", Role::FILTER).unwrap();
    let mut bad = graph.save();
    bad.nodes[0].driver =
        blockgraph::SavedDriver::Present(accepting(Blkdebug { take: Permissions::RESIZE, unshare: Permissions::NONE }));
    assert_eq!(Graph::restore(&bad).unwrap_err(), RestoreError::InactiveNode(1));
}

/// A1 word by word, with every parent asked again each time a child is looked at.
fn covered(graph: &Graph<Injected>, from: NodeKey) -> Vec<NodeKey> {
    let mut queue = vec![from];
    let mut index = 0;
    while let Some(key) = queue.get(index).copied() {
        index += 1;
        for child in graph.get(key).unwrap().children().map(|edge| graph.edge(edge).unwrap().child()) {
            let view = graph.get(child).unwrap();
            let rests = |parent: &Parent| match parent {
                Parent::Node(parent) => queue.contains(parent) || graph.get(*parent).unwrap().inactive(),
                Parent::User(_) => true,
            };
            let qualifies = view.parents().all(|edge| rests(&graph.edge(edge).unwrap().parent()));
            if qualifies && !view.inactive() && view.has_driver() && !queue.contains(&child) {
                queue.push(child);
            }
        }
    }
    queue
}

/// Random graphs: which nodes are covered, and, if every node has a user that prevents it, which node is covered first.
#[test]
fn covering_is_its_sentence() {
    let (mut several, mut left_out, mut named) = (0, 0, 0);
    for seed in 0..600 {
        let rng = &mut Rng::new(seed);
        let mut graph = web("abcdefgh", &[]);
        let nodes: Vec<_> = graph.nodes().collect();
        for number in 0..6 + rng.below(14) {
            let (one, two) = (rng.below(8), rng.below(8));
            if one != two {
                let (parent, child) = (nodes[one.min(two)], nodes[one.max(two)]);
                graph.attach(parent, child, format!("{number}"), Role::DATA).unwrap();
            }
        }
        if rng.below(3) == 0 {
            graph.eject_driver(nodes[3 + rng.below(4)]).unwrap();
        }
        for (first, top) in nodes.iter().copied().take(3).enumerate() {
            let view = graph.get(top).unwrap();
            let active_parent = |edge| match graph.edge(edge).unwrap().parent() {
                Parent::Node(parent) => !graph.get(parent).unwrap().inactive(),
                Parent::User(_) => false,
            };
            if view.inactive() || view.parents().any(active_parent) {
                continue;
            }
            let expected = covered(&graph, top);
            let before: Vec<_> = graph.nodes().filter(|key| graph.get(*key).unwrap().inactive()).collect();
            let mut t = graph.transaction();
            let start = rng.below(expected.len());
            for (number, key) in expected[start..].iter().rev().enumerate() {
                t.attach_user(format!("u{number}"), *key, WRITER, false).unwrap();
            }
            match t.inactivate(top).unwrap_err().kind() {
                ErrorKind::UserActive { node, .. } => assert_eq!(node.key, expected[start], "seed {seed}"),
                kind => panic!("{kind:?}"),
            }
            drop(t);
            named += 1;
            graph.inactivate(top).unwrap();
            let is = |key: &NodeKey| graph.get(*key).unwrap().inactive() && !before.contains(key);
            let now: Vec<_> = graph.nodes().filter(is).collect();
            assert!(now.len() == expected.len() && now.iter().all(|key| expected.contains(key)), "seed {seed}");
            assert_eq!(graph.inconsistencies(), []);
            several += usize::from(now.len() > 3);
            left_out += usize::from(now.len() < 8 - first);
        }
    }
    assert!(several > 100 && left_out > 100 && named > 600, "{several} {left_out} {named}");
}
