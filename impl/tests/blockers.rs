//! Blockers, and the operations that test for them (L4, O26 to O30).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{BackingFilter, Filter, Format, Protocol, Quorum};
use blockgraph::{ErrorKind, Graph, NodeKey, NodeSpec, OpKind, OpKinds, Role, UserKey};
use common::{Behaviour, Injected, READER, add, parents};

fn blocked(graph: &Graph<Injected>, node: NodeKey) -> OpKinds {
    let kinds = OpKind::ALL.into_iter().filter(|kind| graph.is_blocked(node, *kind).is_some());
    kinds.collect()
}

#[test]
fn blockers_go_with_their_edge() {
    let mut graph: Graph<Injected> = Graph::new();
    let (a, b, above) = (add(&mut graph, "a", Format), add(&mut graph, "b", Format), add(&mut graph, "above", Format));
    let user = graph.attach_user("u", a, READER, false).unwrap();
    assert_eq!(blocked(&graph, a), OpKinds::empty());
    graph.block(user, OpKinds::RESIZE | OpKinds::EJECT, "moving").unwrap();
    graph.block(user, OpKinds::STREAM, "streaming").unwrap();
    assert_eq!(blocked(&graph, a), OpKinds::RESIZE | OpKinds::EJECT | OpKinds::STREAM);
    let blocker = graph.is_blocked(a, OpKind::Resize).unwrap();
    assert_eq!((&*blocker.by.parent_name, blocker.to_string()), ("u", "streaming".into()), "the reason given last");
    graph.replace_edge(graph.user_view(user).unwrap().edge(), b).unwrap();
    assert_eq!((blocked(&graph, a).is_empty(), blocked(&graph, b).bits().count_ones()), (true, 3));
    graph.set_backing(above, Some(a)).unwrap();
    let free = OpKinds::COMMIT_TARGET | OpKinds::STREAM | OpKinds::BACKUP_SOURCE | OpKinds::BACKUP_TARGET;
    assert_eq!(blocked(&graph, a), OpKinds::all() - free);
    assert_eq!(graph.is_blocked(a, OpKind::Resize).unwrap().to_string(), "node is used as backing hd of 'above'");
    // The first in list order.
    graph.replace_edge(graph.user_view(user).unwrap().edge(), a).unwrap();
    assert_eq!(graph.is_blocked(a, OpKind::Resize).unwrap().reason.as_deref(), Some("streaming"));
    assert_eq!(graph.is_blocked(a, OpKind::Change).unwrap().reason, None);
    graph.attach(above, b, "x", Role::DATA).unwrap();
    assert!(blocked(&graph, b).is_empty(), "other edges block nothing");
    let snapshot = graph.save();
    let restored = Graph::restore(&snapshot).unwrap();
    assert_eq!((restored.save(), restored.inconsistencies()), (snapshot, vec![]));
    graph.detach_user(user).unwrap();
    assert_eq!((graph.is_blocked(a, OpKind::Stream), graph.inconsistencies()), (None, vec![]));
    assert_eq!(graph.is_blocked(NodeKey::default(), OpKind::Stream), None);
}

#[test]
fn block_and_unblock() {
    let mut graph: Graph<Injected> = Graph::new();
    let a = add(&mut graph, "a", Format);
    let user = graph.attach_user("u", a, READER, false).unwrap();
    let view = |graph: &Graph<Injected>| {
        let view = graph.user_view(user).unwrap();
        (view.blocks(), view.block_reason().map(ToString::to_string))
    };
    refused!(graph, UserNotFound, t => t.block(UserKey::default(), OpKinds::all(), ""));
    refused!(graph, UserNotFound, t => t.unblock(UserKey::default(), OpKinds::all()));
    graph.block(user, OpKinds::empty(), "nothing").unwrap();
    assert_eq!(view(&graph), (OpKinds::empty(), None));
    graph.block(user, OpKinds::from_bits_retain(u16::MAX), "all").unwrap();
    graph.unblock(user, OpKinds::empty()).unwrap();
    assert_eq!(view(&graph), (OpKinds::all(), Some("all".into())));
    graph.unblock(user, OpKinds::all() - OpKinds::RESIZE).unwrap();
    assert_eq!(view(&graph), (OpKinds::RESIZE, Some("all".into())));
    let text = refused!(graph, NotBlocked, t => t.unblock(user, OpKinds::STREAM | OpKinds::RESIZE | OpKinds::EJECT));
    assert_eq!(text, "Block device 'u' does not block eject");
    let before = graph.save();
    let mut t = graph.transaction();
    t.block(user, OpKinds::EJECT, "other").unwrap();
    t.unblock(user, OpKinds::EJECT | OpKinds::RESIZE).unwrap();
    assert_eq!(view(&t), (OpKinds::empty(), None));
    t.block(user, OpKinds::CHANGE, "third").unwrap();
    let second = t.attach_user("v", a, READER, false).unwrap();
    t.block(second, OpKinds::CHANGE, "fourth").unwrap();
    t.detach_user(user).unwrap();
    assert!(matches!(t.unblock(user, OpKinds::CHANGE).unwrap_err().kind(), ErrorKind::UserNotFound { .. }));
    drop(t);
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    graph.unblock(user, OpKinds::RESIZE).unwrap();
    assert_eq!((view(&graph), graph.inconsistencies()), ((OpKinds::empty(), None), vec![]));
}

#[test]
fn check_op_changes_nothing() {
    let mut graph: Graph<Injected> = Graph::new();
    let a = add(&mut graph, "a", Format);
    let user = graph.attach_user("u", a, READER, false).unwrap();
    graph.block(user, OpKinds::MIRROR_SOURCE, "block device is in use by a job").unwrap();
    refused!(graph, NodeNotFound, t => t.ensure_not_blocked(NodeKey::default(), OpKind::Stream));
    let text = refused!(graph, Blocked, t => t.ensure_not_blocked(a, OpKind::MirrorSource));
    assert_eq!(text, "Node 'a' is busy: block device is in use by a job");
    let before = graph.save();
    graph.ensure_not_blocked(a, OpKind::MirrorTarget).unwrap();
    assert_eq!(graph.save(), before);
}

#[test]
fn check_replace_walks_over_filters_and_quorums() {
    let mut graph: Graph<Injected> = Graph::new();
    let nowhere = NodeKey::default();
    let quorum = add(&mut graph, "quorum", Quorum::default());
    let (one, two, file) =
        (add(&mut graph, "one", Filter), add(&mut graph, "two", Format), add(&mut graph, "f", Protocol));
    graph.attach(quorum, one, "one", Role::DATA).unwrap();
    graph.attach(quorum, two, "two", Role::DATA).unwrap();
    graph.set_file(one, file).unwrap();
    graph.attach(two, file, "file", Role::DATA | Role::PRIMARY).unwrap();
    refused!(graph, NodeNotFound, t => t.check_replace(nowhere, nowhere));
    refused!(graph, NodeNotFound, t => t.check_replace(quorum, nowhere));
    for node in [quorum, one, two] {
        graph.check_replace(quorum, node).unwrap();
    }
    refused!(graph, CannotReplace, t => t.check_replace(quorum, file));
    let above = add(&mut graph, "above", Filter);
    graph.set_file(above, quorum).unwrap();
    graph.check_replace(above, two).unwrap();
    graph.check_replace(one, file).unwrap();
    let text = refused!(graph, CannotReplace, t => t.check_replace(two, file));
    assert_eq!(
        text,
        "Cannot replace 'f' by a node mirrored from 'two', because it cannot be guaranteed that doing so would not lead to an abrupt change of visible data"
    );
    refused!(graph, CannotReplace, t => t.check_replace(file, quorum));
    assert!(!graph.can_replace(nowhere, nowhere));
    let user = graph.attach_user("u", two, READER, false).unwrap();
    refused!(graph, CannotReplace, t => t.check_replace(quorum, two));
    graph.block(user, OpKinds::REPLACE, "no").unwrap();
    refused!(graph, Blocked, t => t.check_replace(file, two));
    assert!(graph.can_replace(two, two), "blockers are another question");
    // A node without driver is not met, and ends the walk; but a quorum's broken child may be replaced.
    graph.eject_driver(one).unwrap();
    graph.check_replace(quorum, one).unwrap();
    refused!(graph, CannotReplace, t => t.check_replace(quorum, file));
    refused!(graph, CannotReplace, t => t.check_replace(one, one));
    refused!(graph, CannotReplace, t => t.check_replace(one, file));
    // Round and round, in the midst of a transaction.
    let mut t = graph.transaction();
    let filter = t.add(NodeSpec::new("filter"), Injected::new(Filter, Behaviour::Accept)).unwrap();
    t.set_file(filter, above).unwrap();
    t.set_file(above, filter).unwrap();
    assert!(matches!(t.check_replace(filter, file).unwrap_err().kind(), ErrorKind::CannotReplace { .. }));
}

#[test]
fn a_snapshot_has_its_own_conditions() {
    let mut graph: Graph<Injected> = Graph::new();
    let (disk, overlay) = (add(&mut graph, "disk", Format), add(&mut graph, "overlay", Format));
    let nowhere = NodeKey::default();
    let guest = graph.attach_user("guest", disk, READER, false).unwrap();
    refused!(graph, NodeNotFound, t => t.snapshot_node(nowhere, overlay));
    refused!(graph, NodeNotFound, t => t.snapshot_node(disk, nowhere));
    graph.block(guest, OpKinds::EXTERNAL_SNAPSHOT, "job").unwrap();
    refused!(graph, Blocked, t => t.snapshot_node(disk, disk));
    graph.unblock(guest, OpKinds::EXTERNAL_SNAPSHOT).unwrap();
    refused!(graph, HasUser, t => t.snapshot_node(disk, disk));
    let export = graph.attach_user("export", overlay, READER, false).unwrap();
    graph.block(export, OpKinds::EXTERNAL_SNAPSHOT, "job").unwrap();
    let text = refused!(graph, HasUser, t => t.snapshot_node(disk, overlay));
    assert_eq!(text, "Node overlay is in use");
    graph.detach_user(export).unwrap();
    let above = add(&mut graph, "above", Format);
    graph.set_backing(above, Some(overlay)).unwrap();
    assert!(graph.is_blocked(overlay, OpKind::ExternalSnapshot).is_some(), "no operation tests the overlay");
    graph.set_backing(above, None).unwrap();
    refused!(graph, SameNode, t => t.snapshot_node(overlay, overlay));
    let (filter, protocol) = (add(&mut graph, "filter", BackingFilter), add(&mut graph, "p", Protocol));
    refused!(graph, BackingUnsupported, t => t.snapshot_node(disk, filter));
    let extra = graph.attach(overlay, protocol, "backing", Role::DATA).unwrap();
    refused!(graph, DuplicateChild, t => t.snapshot_node(disk, overlay));
    graph.detach(extra).unwrap();
    graph.set_backing(overlay, Some(protocol)).unwrap();
    refused!(graph, SlotTaken, t => t.snapshot_node(disk, overlay));
    graph.set_backing(overlay, None).unwrap();
    graph.set_backing(filter, Some(disk)).unwrap();
    graph.freeze(filter, Some(disk)).unwrap();
    refused!(graph, Frozen, t => t.snapshot_node(disk, overlay));
    graph.thaw(filter, Some(disk)).unwrap();
    graph.snapshot_node(disk, overlay).unwrap();
    assert_eq!(
        (parents(&graph, disk), parents(&graph, overlay)),
        (vec!["overlay".into()], vec!["guest".into(), "filter".into()])
    );
    assert_eq!((graph.get(overlay).unwrap().stored_backing(), graph.inconsistencies()), (None, vec![]));
}
