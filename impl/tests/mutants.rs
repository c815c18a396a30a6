//! What changed lines of the crate got away with: each test stands for some that no other test noticed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{BackingFilter, Blkdebug, Format, Protocol, Quorum};
use blockgraph::{
    Driver, DriverOption, ErrorKind, Graph, Hook, NodeKey, NodeSpec, OpKind, OpKinds, Pair, Permissions, PlanStep,
    Policy, Refusal, Reopen, RestoreError, Role, SavedDriver, UnknownOpKind,
};
use common::{Behaviour, Injected, READER, WRITER, add};

const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

fn accepting(preset: impl Into<blockgraph::Preset>) -> Injected {
    Injected::new(preset, Behaviour::Accept)
}

/// Of everything one: an heir with and one without the flag, an implicit filter, a stored name, a lost driver.
fn of_everything_one() -> Graph<Injected> {
    let mut graph = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let own = NodeSpec::new("own").read_only(true);
    graph.open_child(disk, NodeSpec::new("file"), accepting(Protocol), "file", IMAGE).unwrap();
    graph.open_child(disk, own, accepting(Protocol), "own", Role::DATA).unwrap();
    let overlay = add(&mut graph, "overlay", Format);
    graph.append_and_store(overlay, disk).unwrap();
    let hidden = graph.add(NodeSpec::new("hidden").implicit(true), accepting(BackingFilter)).unwrap();
    graph.append(hidden, overlay).unwrap();
    let quorum = add(&mut graph, "quorum", Quorum { rewrite: true });
    graph.attach(quorum, hidden, "child", Role::DATA).unwrap();
    graph.eject_driver(quorum).unwrap();
    let user = graph.attach_user("user", quorum, READER, true).unwrap();
    graph.block(user, OpKinds::RESIZE, "a job").unwrap();
    graph
}

#[test]
fn a_snapshot_has_everything() {
    let graph = of_everything_one();
    let snapshot = graph.save();
    let nodes: Vec<_> = snapshot.nodes.iter().map(|node| (&*node.name, node)).collect();
    let of = |name: &str| nodes.iter().find(|(known, _)| *known == name).unwrap().1;
    let flags = |name: &str| {
        let node = of(name);
        (node.implicit, node.monitor, node.holders, node.inherits, node.inherits_read_only)
    };
    assert_eq!(flags("disk"), (false, true, 0, None, false));
    assert_eq!(flags("file"), (false, false, 0, Some(0), true));
    assert_eq!(flags("own"), (false, false, 0, Some(0), false));
    assert_eq!(flags("hidden"), (true, false, 1, None, false));
    assert_eq!((of("overlay").stored_backing.as_deref(), &of("disk").stored_backing), (Some("disk"), &None));
    let SavedDriver::Ejected { name, shape } = &of("quorum").driver else { panic!("a driver") };
    assert!(&**name == "quorum" && shape.children_replaceable && shape.takes_children);
    let kept: Vec<_> = snapshot.edges.iter().filter_map(|edge| edge.kept.map(|pair| (&*edge.name, pair))).collect();
    assert!(matches!(kept[..], [("child", pair)] if pair.need.contains(Permissions::WRITE)));
    assert_eq!((snapshot.users[0].blocks, snapshot.users[0].block_reason.as_deref()), (OpKinds::RESIZE, Some("a job")));
    assert!(snapshot.users[0].stays);
}

#[test]
fn a_restored_graph_has_everything() {
    let graph = of_everything_one();
    let restored = Graph::restore(&graph.save()).unwrap();
    assert_eq!(restored.inconsistencies(), []);
    let node = |name: &str| restored.get(restored.node(name).unwrap()).unwrap();
    let (file, own, hidden, quorum) = (node("file"), node("own"), node("hidden"), node("quorum"));
    assert!(file.inherits_read_only() && !own.inherits_read_only() && own.inherits_from() == restored.node("disk"));
    assert!(hidden.implicit() && !hidden.is_monitor_owned() && quorum.is_monitor_owned());
    assert_eq!(node("overlay").stored_backing().map(|name| &**name), Some("disk"));
    assert_eq!((quorum.has_driver(), quorum.driver_name()), (false, Some("quorum")));
    let edge = restored.edge(quorum.children().next().unwrap()).unwrap();
    assert!(edge.pair().need.contains(Permissions::WRITE));
    assert_eq!(restored.is_blocked(quorum.key(), OpKind::Resize).unwrap().reason.as_deref(), Some("a job"));
}

#[test]
fn a_kept_pair_has_no_bits_that_mean_nothing() {
    let mut snapshot = of_everything_one().save();
    let index = snapshot.edges.iter().position(|edge| edge.kept.is_some()).unwrap();
    snapshot.edges[index].kept = Some(Pair::new(Permissions::from_bits_retain(0x80), Permissions::ALL));
    assert_eq!(Graph::restore(&snapshot).err(), Some(RestoreError::KeptPair(index)));
}

#[test]
fn a_box_says_what_is_in_it() {
    let quorum: Box<dyn Driver> = Box::new(Quorum { rewrite: true });
    let debug = Blkdebug { take: Permissions::WRITE, unshare: Permissions::NONE };
    let debug: Box<dyn Driver> = Box::new(debug);
    assert!(quorum.children_replaceable() && !debug.children_replaceable());
    let mut graph: Graph = Graph::new();
    for (driver, name) in [(quorum, "quorum"), (debug, "debug")] {
        let child = graph.add(NodeSpec::new(format!("{name}'s child")), Box::new(Format)).unwrap();
        let parent = graph.add(NodeSpec::new(name), driver).unwrap();
        let role = if name == "quorum" { Role::DATA } else { Role::FILTER };
        let edge = graph.attach(parent, child, "file", role).unwrap();
        let writes = |graph: &Graph| graph.edge(edge).unwrap().pair().need.contains(Permissions::WRITE);
        assert!(writes(&graph) && graph.can_replace(parent, child));
        graph.reopen(&[Reopen::new(parent)]).unwrap();
        assert!(!writes(&graph), "{name} has its defaults");
    }
    assert_eq!(Driver::default_option(&Box::new(Protocol)), None);
}

#[test]
fn a_quorum_forgets_to_rewrite() {
    for (keep, rewrite) in [(true, true), (false, false)] {
        let mut graph: Graph<Injected> = Graph::new();
        let quorum = add(&mut graph, "quorum", Quorum { rewrite: true });
        graph.reopen(&[Reopen::new(quorum).keep(keep)]).unwrap();
        assert_eq!(graph.driver(quorum).unwrap().preset, Quorum { rewrite }.into());
    }
    assert_eq!(Quorum { rewrite: true }.default_option(), Some(DriverOption::Rewrite(false)));
}

#[test]
fn kinds_of_operation_in_words() {
    let words: Vec<_> = OpKind::ALL.iter().map(ToString::to_string).collect();
    let expected = "backup-source backup-target change commit-source commit-target dataplane drive-del eject \
                    external-snapshot internal-snapshot internal-snapshot-delete mirror-source mirror-target resize \
                    stream replace";
    assert_eq!(words.join(" "), expected);
    assert_eq!("resize".parse(), Ok(OpKind::Resize));
    assert_eq!(OpKinds::RESIZE.kinds().collect::<Vec<_>>(), [OpKind::Resize]);
    assert_eq!(UnknownOpKind.to_string(), "Unknown kind of operation");
}

/// Checks, renames, prepares: two renamed nodes, one of them reopened.
#[test]
fn commits_in_their_order() {
    let mut graph: Graph<Injected> = Graph::new();
    let nodes = ["a", "b", "c"].map(|name| add(&mut graph, name, Format));
    let [a, b, c] = nodes;
    graph.attach_user("user", a, READER, false).unwrap();
    let mut t = graph.transaction();
    t.append_and_store(b, a).unwrap();
    t.append_and_store(c, b).unwrap();
    t.set_read_only(b, false).unwrap();
    let mut judged = t.begin_commit().unwrap();
    while judged.next_step().is_some() {
        judged.done();
    }
    let committed = judged.accept().unwrap();
    let words = committed.commits().map(|step| (step.hook(), step.node()));
    let words: Vec<_> = words.skip_while(|(hook, _)| *hook == Hook::Check).collect();
    assert_eq!(words, [(Hook::Rename, c), (Hook::Rename, b), (Hook::Prepare, b)]);
    assert!(committed.commits().any(|step| matches!(step, PlanStep::Check { .. })), "{words:?}");
    assert!(committed.post_commits().eq([b]));
}

/// Nodes that are not above one another: the newest is made permanent first.
#[test]
fn unrelated_prepares_newest_first() {
    let mut graph: Graph<Injected> = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let [a, b] = ["a", "b"]
        .map(|name| graph.open_child(disk, NodeSpec::new(name), accepting(Protocol), name, Role::DATA).unwrap());
    let mut t = graph.transaction();
    t.reopen(&[Reopen::new(a).keep(true), Reopen::new(b).keep(true), Reopen::new(disk).keep(true)]).unwrap();
    let committed = t.commit().unwrap();
    let prepares = committed.commits().filter(|step| matches!(step, PlanStep::Prepare { .. }));
    assert_eq!(prepares.map(|step| step.node()).collect::<Vec<_>>(), [b, a, disk]);
}

#[test]
fn a_refusal_hands_over_its_own_aborts_only() {
    let mut graph: Graph<Injected> = Graph::new();
    let a = add(&mut graph, "a", Format);
    let b = add(&mut graph, "b", Format);
    let user = graph.attach_user("user", b, READER, false).unwrap();
    let mut t = graph.transaction();
    t.set_read_only(a, true).unwrap();
    let mut judged = t.begin_commit().unwrap();
    judged.done();
    judged.done();
    drop(judged);
    assert_eq!(graph.pending_aborts(), [PlanStep::Prepare { node: a, read_only: true }]);
    let mut t = graph.transaction();
    t.set_read_only(b, true).unwrap();
    t.set_user(user, Pair::new(Permissions::READ, Permissions::READ)).unwrap();
    let mut judged = t.begin_commit().unwrap();
    judged.done();
    judged.done();
    let refused = judged.refuse(&Refusal::new("no")).unwrap_err();
    assert_eq!(refused.aborts, [PlanStep::Prepare { node: b, read_only: true }]);
    assert_eq!(graph.pending_aborts(), [PlanStep::Prepare { node: a, read_only: true }]);
}

#[test]
fn a_deletion_that_is_blocked_says_so() {
    let mut graph: Graph<Injected> = Graph::new();
    let [base, overlay] = ["base", "overlay"].map(|name| add(&mut graph, name, Format));
    graph.append(overlay, base).unwrap();
    let kind = common::refused(&mut graph, |t| t.delete(base));
    assert!(matches!(kind, ErrorKind::Blocked { kind: OpKind::DriveDel, reason: None, .. }), "{kind:?}");
}

/// Of two nodes that are not there the first is told.
#[test]
fn the_first_that_is_gone_is_told() {
    let mut graph: Graph<Injected> = Graph::new();
    let gone = ["a", "b"].map(|name| {
        let node = add(&mut graph, name, Format);
        graph.delete(node).unwrap();
        node
    });
    let [a, b] = gone;
    let here = add(&mut graph, "here", Format);
    let told = |kind: ErrorKind| match kind {
        ErrorKind::NodeNotFound { node, .. } => node,
        kind => panic!("{kind:?}"),
    };
    let mut first = |step: &dyn Fn(&mut blockgraph::Transaction<'_, Injected>) -> Result<(), blockgraph::Error>| {
        told(common::refused(&mut graph, |t| step(t)))
    };
    assert_eq!(first(&|t| t.check_replace(a, b)), a);
    assert_eq!(first(&|t| t.snapshot_node(a, b)), a);
    assert_eq!(first(&|t| t.reopen(&[Reopen::new(here).backing(Some(a)).file(b)])), a);
    assert_eq!(first(&|t| t.reopen(&[Reopen::new(b).backing(Some(a))])), b);
    assert_eq!(first(&|t| t.drop_intermediate(a, b)), a);
    assert_ne!(first(&|t| t.attach(b, a, "x", Role::DATA).map(drop)), NodeKey::default());
}

/// S8.2 where the child has another edge from its parent, and where the parent has children that are no heirs.
#[test]
fn an_heir_below_that_is_no_child() {
    let mut graph: Graph<Injected> = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let spec = NodeSpec::new;
    let filter = graph.open_child(disk, spec("filter"), accepting(BackingFilter), "x", Role::DATA).unwrap();
    let image = graph.open_child(disk, spec("image"), accepting(Format), "backing", Role::COW).unwrap();
    graph.append(filter, image).unwrap();
    let copy = Graph::restore(&graph.save()).unwrap();
    graph.reopen(&[Reopen::new(disk).keep(true).backing(None)]).unwrap();
    let inherits = |graph: &Graph<Injected>, name: &str| graph.get(graph.node(name).unwrap()).unwrap().inherits_from();
    assert_eq!(
        (inherits(&graph, "filter"), inherits(&graph, "image"), graph.inconsistencies()),
        (Some(disk), None, vec![])
    );
    let mut graph = copy;
    let (disk, image) = (graph.node("disk").unwrap(), graph.node("image").unwrap());
    graph.hold(image).unwrap();
    graph.hold(graph.node("filter").unwrap()).unwrap();
    let other = add(&mut graph, "other", Protocol);
    graph.attach(disk, other, "other", Role::DATA).unwrap();
    let edges: Vec<_> = graph.get(disk).unwrap().children().collect();
    let edges: Vec<_> = edges.into_iter().filter(|edge| &**graph.edge(*edge).unwrap().name() != "other").collect();
    for (edge, left) in edges.into_iter().zip([Some(disk), None]) {
        graph.detach(edge).unwrap();
        assert_eq!((inherits(&graph, "filter"), inherits(&graph, "image")), (left, None));
    }
    // Nobody but `low` inherits, and a stranger stands beside the edge.
    let low = graph.open_child(disk, spec("low"), accepting(Protocol), "low", Role::DATA).unwrap();
    let between = graph.insert(spec("between"), accepting(Format), low).unwrap();
    graph.hold(low).unwrap();
    let edge = graph.get(between).unwrap().parents().next().unwrap();
    assert_eq!(inherits(&graph, "low"), Some(disk));
    graph.detach(edge).unwrap();
    assert_eq!((inherits(&graph, "low"), graph.inconsistencies()), (None, vec![]));
}

/// What is said later of a node counts, and what is said earlier if nothing is said later (R1.1).
#[test]
fn children_said_twice() {
    let mut graph: Graph<Injected> = Graph::new();
    let [disk, a, b, c] = ["disk", "a", "b", "c"].map(|name| add(&mut graph, name, Format));
    graph.attach(disk, c, "file", IMAGE).unwrap();
    let entry = || Reopen::new(disk).keep(true);
    let children = |graph: &Graph<Injected>| {
        let view = graph.get(disk).unwrap();
        [view.backing(), view.file()].map(|edge| edge.map(|edge| graph.edge(edge).unwrap().child()))
    };
    graph.reopen(&[entry().backing(Some(a)), entry().backing(Some(b))]).unwrap();
    assert_eq!(children(&graph), [Some(b), Some(c)]);
    graph.reopen(&[entry().file(b), entry().file(a), entry()]).unwrap();
    assert_eq!(children(&graph), [Some(b), Some(a)]);
    graph.reopen(&[entry().backing(None), entry().file(c)]).unwrap();
    assert_eq!(children(&graph), [None, Some(c)]);
}

#[test]
fn a_tolerated_refusal_is_not_aborted() {
    let mut graph: Graph<Injected> = Graph::new();
    let a = add(&mut graph, "a", Protocol);
    let user = graph.attach_user("user", a, WRITER, false).unwrap();
    let mut t = graph.transaction();
    t.set_user(user, READER).unwrap();
    let judged = t.begin_commit().unwrap().refuse(&Refusal::new("no")).unwrap();
    assert_eq!(judged.next_step(), None);
    drop(judged);
    assert_eq!((graph.pending_aborts(), graph.inconsistencies()), (&[][..], vec![]));
}

/// V3.4 is judged with all renamed nodes writable, not with one of them.
#[test]
fn every_renamed_node_is_written() {
    for held in [0, 1] {
        let mut graph: Graph<Injected> = Graph::new();
        let base = add(&mut graph, "base", Format);
        let middle = graph.insert(NodeSpec::new("middle"), accepting(Format), base).unwrap();
        let files = [0, 1].map(|i| {
            let overlay = NodeSpec::new(format!("overlay{i}")).read_only(true);
            let overlay = graph.add(overlay, accepting(Format)).unwrap();
            graph.set_backing(overlay, Some(middle)).unwrap();
            let file = add(&mut graph, &format!("file{i}"), Protocol);
            graph.attach(overlay, file, "file", IMAGE).unwrap();
            file
        });
        let only = Pair::new(Permissions::READ, Permissions::READ);
        let user = graph.attach_user("user", files[held], only, false).unwrap();
        assert!(matches!(graph.drop_intermediate(middle, base).unwrap_err().kind(), ErrorKind::Conflict { .. }));
        graph.detach_user(user).unwrap();
        graph.drop_intermediate(middle, base).unwrap();
        assert_eq!(graph.inconsistencies(), []);
    }
}

#[test]
fn no_node_inherits_from_a_doomed_node() {
    let mut graph: Graph<Injected> = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let file = graph.open_child(disk, NodeSpec::new("file"), accepting(Protocol), "file", IMAGE).unwrap();
    graph.hold(file).unwrap();
    let mut t = graph.transaction();
    assert_eq!(t.get(file).unwrap().inherits_from(), Some(disk));
    t.release(disk).unwrap();
    let view = t.get(file).unwrap();
    assert_eq!((view.inherits_from(), view.inherits_read_only()), (None, false));
}

/// A node that inherited from a dropped filter does not inherit any more, also for the rest of the transaction.
#[test]
fn heirs_of_a_dropped_filter() {
    let mut graph: Graph<Injected> = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let filter = graph.open_child(disk, NodeSpec::new("filter"), accepting(BackingFilter), "backing", Role::COW);
    let filter = filter.unwrap();
    let base = graph.open_child(filter, NodeSpec::new("base"), accepting(Format), "backing", Role::FILTER).unwrap();
    let mut t = graph.transaction();
    t.drop_filter(filter).unwrap();
    t.set_backing(disk, Some(base)).unwrap();
    t.commit().unwrap();
    assert_eq!((graph.get(base).unwrap().inherits_from(), graph.inconsistencies()), (None, vec![]));
}

/// O24.7 of all overlays comes before O24.8 of any.
#[test]
fn overlays_frozen_or_without_driver() {
    for corrupted in [0, 1] {
        let mut graph: Graph<Injected> = Graph::new();
        let base = add(&mut graph, "base", Format);
        let middle = graph.insert(NodeSpec::new("middle"), accepting(Format), base).unwrap();
        let overlays = [0, 1].map(|i| {
            let overlay = add(&mut graph, &format!("overlay{i}"), Format);
            graph.set_backing(overlay, Some(middle)).unwrap();
            overlay
        });
        graph.eject_driver(overlays[corrupted]).unwrap();
        let kind = common::refused(&mut graph, |t| t.drop_intermediate(middle, base));
        assert!(matches!(kind, ErrorKind::NodeCorrupted { node } if node.key == overlays[corrupted]));
        graph.freeze(overlays[1 - corrupted], Some(middle)).unwrap();
        refused!(graph, Frozen, t => t.drop_intermediate(middle, base));
    }
}

/// S8.2 is decided when the edge goes, S8.3 may have come before in the same reopen.
#[test]
fn an_heir_taken_over_in_the_same_reopen() {
    let mut graph: Graph<Injected> = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let middle = graph.open_child(disk, NodeSpec::new("middle"), accepting(Format), "backing", Role::COW).unwrap();
    let base = graph.open_child(middle, NodeSpec::new("base"), accepting(Format), "backing", Role::COW).unwrap();
    graph.hold(middle).unwrap();
    let short = Reopen::new(disk).keep(true).backing(Some(base));
    graph.reopen(&[short, Reopen::new(middle).keep(true).backing(None)]).unwrap();
    let inherits = |node| graph.get(node).unwrap().inherits_from();
    assert_eq!((inherits(middle), inherits(base), graph.inconsistencies()), (None, Some(disk), vec![]));
}

/// Of several reasons the first in the order of the specification (O24.1 to O24.4, R3.2, O25.2).
#[test]
fn the_first_reason_is_told() {
    let mut graph: Graph<Injected> = Graph::new();
    let [disk, base, gone] = ["disk", "base", "gone"].map(|name| add(&mut graph, name, Format));
    graph.delete(gone).unwrap();
    let hidden = graph.add(NodeSpec::new("hidden").implicit(true), accepting(BackingFilter)).unwrap();
    graph.set_backing(hidden, Some(base)).unwrap();
    graph.set_backing(disk, Some(hidden)).unwrap();
    graph.freeze(disk, Some(hidden)).unwrap();
    refused!(graph, ImplicitChild, t => t.reopen(&[Reopen::new(disk).keep(true).backing(None)]));
    let option = DriverOption::Rewrite(true);
    refused!(graph, OptionUnsupported, t => t.reopen(&[Reopen::new(disk).option(option.clone())]));
    graph.eject_driver(base).unwrap();
    refused!(graph, NodeNotFound, t => t.drop_intermediate(base, gone));
    refused!(graph, SameNode, t => t.drop_intermediate(base, base));
}
