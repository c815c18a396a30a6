//! O41 with drivers that are ready: preconditions in order, what results, who is closed when it fails, and who is in
//! the way of probing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[macro_use]
#[path = "common/shape.rs"]
mod shape;

use blockgraph::drivers::{BackingFilter, Filter, Format, Protocol, Quorum, Raw};
use blockgraph::open::OpenSpec;
use blockgraph::{
    Driver, Error, ErrorKind, Grant, Graph, Inconsistency, NodeKey, NodeSpec, NodeView, Pair, Permissions, Policy,
    Preset, Refusal, Role, Slot,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

const MEAN: Pair = Pair::new(Permissions::NONE, Permissions::WRITE);
const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

/// A preset that writes down when it is closed, and may refuse its check.
#[derive(Clone, Debug)]
struct Diary {
    preset: Preset,
    refuses: bool,
    panics: bool,
    closed: Arc<Mutex<Vec<String>>>,
}

impl PartialEq for Diary {
    fn eq(&self, other: &Self) -> bool {
        (&self.preset, self.refuses) == (&other.preset, other.refuses)
    }
}

impl Policy for Diary {
    fn name(&self) -> &str {
        self.preset.name()
    }
    shape_of_preset!();
}

impl Driver for Diary {
    fn check(&mut self, _: &NodeView<'_>, _: Grant) -> Result<(), Refusal> {
        if self.refuses { Err(Refusal::new("check refused")) } else { Ok(()) }
    }
    fn close(&mut self, name: &str) {
        assert!(!self.panics, "close panics");
        self.closed.lock().unwrap().push(name.into());
    }
}

/// A graph with `base` (a protocol), `image` (a format) and a user `guest` of `base`; and what was closed.
struct Room {
    graph: Graph<Diary>,
    closed: Arc<Mutex<Vec<String>>>,
    base: NodeKey,
    image: NodeKey,
}

impl Room {
    fn new() -> Self {
        let closed = Arc::default();
        let mut graph = Graph::new();
        let mut add = |name, preset: Preset| {
            let driver = Diary { preset, refuses: false, panics: false, closed: Arc::clone(&closed) };
            graph.add(NodeSpec::new(name), driver).unwrap()
        };
        let (base, image) = (add("base", Protocol.into()), add("image", Format.into()));
        graph.attach_user("guest", base, Pair::NOTHING, false).unwrap();
        Self { graph, closed, base, image }
    }

    fn driver(&self, preset: impl Into<Preset>) -> Diary {
        Diary { preset: preset.into(), refuses: false, panics: false, closed: Arc::clone(&self.closed) }
    }

    fn spec(&self, name: &str, preset: impl Into<Preset>) -> OpenSpec<Diary> {
        OpenSpec::new(NodeSpec::new(name), self.driver(preset))
    }

    /// An image on a file, with an overlay.
    fn disk(&self) -> OpenSpec<Diary> {
        let spec = self.spec("disk", Format).file(NodeSpec::new("file"), self.driver(Protocol));
        spec.overlay("overlay", self.driver(Format))
    }

    /// An operation that must fail leaves nothing; the error, and who was closed in which order.
    fn fails(&mut self, spec: OpenSpec<Diary>) -> (ErrorKind, Vec<String>) {
        let before = self.graph.snapshot();
        let error = self.graph.open(spec).unwrap_err();
        assert_eq!((self.graph.snapshot(), self.graph.check()), (before, vec![]), "{error}");
        (error.into_kind(), std::mem::take(&mut *self.closed.lock().unwrap()))
    }
}

macro_rules! fails {
    ($room:expr, $spec:expr, $kind:ident, $closed:expr) => {{
        let spec = $spec;
        let (kind, closed) = $room.fails(spec);
        assert!(matches!(kind, ErrorKind::$kind { .. }), "{kind:?}");
        let expected: &[&str] = &$closed;
        assert_eq!(closed, expected);
        Error::from(kind).to_string()
    }};
}

#[test]
fn preconditions_are_tested_in_order() {
    let mut room = Room::new();
    let gone = room.image;
    room.graph.release(gone).unwrap();
    room.closed.lock().unwrap().clear();
    let all = ["overlay", "disk", "file"];
    // 1. before everything else, the file first.
    fails!(room, room.spec("base", Format).file_reference(gone).backing(gone), NodeNotFound, ["base"]);
    fails!(room, room.disk().backing(gone), NodeNotFound, all);
    // 2. before 4.
    let mut spec = room.disk();
    spec.node.name = "base".into();
    let twice = spec.file(NodeSpec::new("base"), room.driver(Protocol));
    fails!(room, twice, DuplicateNode, ["overlay", "base", "base"]);
    let shared = NodeSpec::new("file").force_share(true);
    fails!(room, room.disk().file(shared, room.driver(Protocol)), ForceShareWritable, all);
    // 3. before 4.
    room.graph.attach_user("mean", room.base, MEAN, false).unwrap();
    let probing = room.spec("base", Format).file_reference(room.base).probe(true);
    fails!(room, probing.clone(), ProbeDenied, ["base"]);
    // 4. before 5.
    fails!(room, probing.probe(false), DuplicateNode, ["base"]);
    let wrong = NodeSpec::new("disk").force_share(true);
    fails!(room, OpenSpec::new(wrong, room.driver(Protocol)).file_reference(room.base), ForceShareWritable, ["disk"]);
    let implicit = NodeSpec::new("disk").implicit(true);
    fails!(room, OpenSpec::new(implicit, room.driver(Protocol)).file_reference(room.base), NotAFilter, ["disk"]);
    // 5. before 6.
    let childless = room.spec("disk", Protocol).file_reference(room.base).backing(room.base);
    fails!(room, childless, NoChildren, ["disk"]);
    // 6. before 7.
    let spec = room.spec("disk", Raw).file_reference(room.base).backing(room.base);
    fails!(room, spec.overlay("base", room.driver(Format)), BackingUnsupported, ["base", "disk"]);
    // 7.
    let spec = room.disk().overlay("base", room.driver(Format));
    fails!(room, spec, DuplicateNode, ["base", "disk", "file"]);
    let spec = room.disk().overlay("file", room.driver(Format));
    fails!(room, spec, DuplicateNode, ["file", "disk", "file"]);
    fails!(room, room.disk().overlay("overlay", room.driver(Quorum::default())), BackingUnsupported, all);
}

#[test]
fn the_file_inherits_and_is_held_by_nobody() {
    let mut room = Room::new();
    for (read_only, own) in [(false, false), (true, false), (false, true), (true, true)] {
        let node = NodeSpec::new("disk").read_only(read_only);
        let file = NodeSpec::new("file").read_only(own);
        let opened = room
            .graph
            .open(OpenSpec::new(node, room.driver(Quorum::default())).file(file, room.driver(Protocol)))
            .unwrap();
        let graph = &room.graph;
        let (disk, file) = (graph.get(opened.node).unwrap(), graph.get(opened.file.unwrap()).unwrap());
        assert_eq!((file.read_only(), disk.read_only()), (read_only || own, read_only));
        assert_eq!((file.inherits_from(), file.inherits_read_only()), (Some(opened.node), !own));
        assert_eq!((file.is_monitor_owned(), file.holders(), disk.is_monitor_owned()), (false, 0, true));
        let edge = graph.edge(disk.file().unwrap()).unwrap();
        assert_eq!((&**edge.name(), edge.role(), edge.child()), ("file", IMAGE, file.key()));
        assert_eq!((opened.overlay, opened.top()), (None, opened.node));
        let node = opened.node;
        room.graph.delete(node).unwrap();
        assert_eq!(std::mem::take(&mut *room.closed.lock().unwrap()), ["disk", "file"]);
        assert_eq!(room.graph.check(), []);
    }
}

#[test]
fn inactivity_is_inherited_too() {
    let mut room = Room::new();
    let mut spec = room.disk();
    spec.node.inactive = true;
    let opened = room.graph.open(spec).unwrap();
    for node in [opened.node, opened.file.unwrap(), opened.overlay.unwrap()] {
        assert!(room.graph.get(node).unwrap().inactive());
    }
    // But of an active image the file may be inactive: that is for the judgement.
    let spec = room.spec("b", Format).file(NodeSpec::new("c").inactive(true), room.driver(Protocol));
    fails!(room, spec, InactiveChild, ["b", "c"]);
}

#[test]
fn roles_follow_the_driver() {
    let cases: [(Preset, Role, Slot); 5] = [
        (Filter.into(), Role::FILTER, Slot::File),
        (BackingFilter.into(), Role::FILTER, Slot::Backing),
        (Raw.into(), Role::FILTER, Slot::File),
        (Format.into(), IMAGE, Slot::File),
        (Quorum::default().into(), IMAGE, Slot::File),
    ];
    for (preset, role, slot) in cases {
        let mut room = Room::new();
        let spec = room.spec("disk", preset).file_reference(room.base);
        let opened = room.graph.open(spec).unwrap();
        let disk = room.graph.get(opened.node).unwrap();
        let edge = if slot == Slot::File { disk.file() } else { disk.backing() };
        let edge = room.graph.edge(edge.unwrap()).unwrap();
        assert_eq!((&**edge.name(), edge.role(), edge.child()), ("file", role, room.base));
        let base = room.graph.get(room.base).unwrap();
        assert_eq!((base.inherits_from(), base.is_monitor_owned()), (None, true), "a reference stays what it was");
        assert_eq!(room.graph.check(), []);
    }
}

#[test]
fn the_monitor_holds_the_overlay_instead() {
    let mut room = Room::new();
    let opened = room.graph.open(room.disk().backing(room.image)).unwrap();
    let overlay = room.graph.get(opened.overlay.unwrap()).unwrap();
    let disk = room.graph.get(opened.node).unwrap();
    assert_eq!((overlay.is_monitor_owned(), disk.is_monitor_owned()), (true, false));
    assert_eq!(common_parents(&room.graph, opened.node), ["overlay"]);
    let backing = room.graph.edge(disk.backing().unwrap()).unwrap();
    assert_eq!((backing.role(), backing.child()), (Role::COW, room.image));
    assert_eq!(opened.top(), overlay.key());
    let top = opened.top();
    room.graph.delete(top).unwrap();
    assert_eq!(*room.closed.lock().unwrap(), ["overlay", "disk", "file"]);
    assert_eq!((room.graph.node_count(), room.graph.check()), (2, vec![]));
}

fn common_parents(graph: &Graph<Diary>, node: NodeKey) -> Vec<String> {
    let edges = graph.get(node).unwrap().parents().map(|edge| graph.edge(edge).unwrap().parent());
    let names = edges.map(|parent| match parent {
        blockgraph::Parent::Node(node) => graph.get(node).unwrap().name().to_string(),
        blockgraph::Parent::User(user) => graph.user_view(user).unwrap().name().to_string(),
    });
    names.collect()
}

#[test]
fn a_refusal_closes_what_was_opened_last_first() {
    let mut room = Room::new();
    let all = ["overlay", "disk", "file"];
    // A hook.
    let spec = room.disk().file(NodeSpec::new("file"), Diary { refuses: true, ..room.driver(Protocol) });
    assert_eq!(fails!(room, spec, Refused, all), "check refused");
    // The judgement.
    let writer = Pair::new(Permissions::WRITE, Permissions::ALL);
    let lonely = Pair::new(Permissions::NONE, Permissions::READ);
    let guest = room.graph.user("guest").unwrap();
    room.graph.set_user(guest, lonely).unwrap();
    let spec = room.spec("disk", Format).file_reference(room.base).overlay("overlay", room.driver(Format));
    fails!(room, spec, Conflict, ["overlay", "disk"]);
    // A later step, a dropped transaction, a savepoint; but not what other operations added.
    let mut t = room.graph.transaction();
    let other = Diary { preset: Format.into(), refuses: false, panics: false, closed: Arc::clone(&room.closed) };
    t.add(NodeSpec::new("other"), other.clone()).unwrap();
    let point = t.savepoint();
    let file = Diary { preset: Protocol.into(), ..other.clone() };
    let spec = || OpenSpec::new(NodeSpec::new("disk"), other.clone()).file(NodeSpec::new("file"), file.clone());
    t.open(spec()).unwrap();
    t.rollback_to(point).unwrap();
    assert_eq!(std::mem::take(&mut *room.closed.lock().unwrap()), ["disk", "file"]);
    let opened = t.open(spec()).unwrap();
    let error = t.open(spec().overlay("overlay", other.clone())).unwrap_err();
    assert_eq!((error.step(), error.to_string().as_str()), (Some(2), "Duplicate nodes with node-name='file'"));
    assert_eq!(std::mem::take(&mut *room.closed.lock().unwrap()), all);
    t.attach_user("user", opened.node, writer, false).unwrap();
    drop(t);
    assert_eq!(std::mem::take(&mut *room.closed.lock().unwrap()), ["disk", "file"]);
    assert_eq!((room.graph.node_count(), room.graph.check()), (2, vec![]));
}

/// The graph is whole before a driver is closed, and who comes after one that panics is closed when the next
/// transaction begins.
#[test]
fn a_panic_while_closing_leaves_a_whole_graph() {
    let mut room = Room::new();
    let before = room.graph.snapshot();
    let mut spec = room.disk();
    spec.driver.panics = true;
    let mut t = room.graph.transaction();
    t.open(spec).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(t))).is_err());
    assert_eq!(*room.closed.lock().unwrap(), ["overlay"]);
    assert_eq!((room.graph.snapshot(), room.graph.check()), (before.clone(), vec![Inconsistency::Leftover]));
    drop(room.graph.transaction());
    assert_eq!(*room.closed.lock().unwrap(), ["overlay", "file"]);
    assert_eq!((room.graph.snapshot(), room.graph.check()), (before, vec![]));
}

#[test]
fn a_driver_is_closed_once_even_if_it_was_ejected() {
    let mut room = Room::new();
    let spec = room.disk();
    let mut t = room.graph.transaction();
    let opened = t.open(spec).unwrap();
    t.eject_driver(opened.node).unwrap();
    drop(t);
    assert_eq!(*room.closed.lock().unwrap(), ["overlay", "disk", "file"]);
    assert_eq!(room.graph.check(), []);
}

/// Who denies probing `base` in a transaction, after these steps.
fn denied(room: &mut Room, steps: impl FnOnce(&mut blockgraph::Transaction<'_, Diary>)) -> Option<String> {
    let before = room.graph.snapshot();
    let spec = room.spec("disk", Format).file_reference(room.base).probe(true);
    let mut t = room.graph.transaction();
    steps(&mut t);
    let denies = match t.open(spec).map_err(Error::into_kind) {
        Ok(_) => None,
        Err(ErrorKind::ProbeDenied { node, denies }) => {
            assert_eq!((&*node.name, &*denies.child_name), ("base", "base"));
            Some(denies.parent_name.to_string())
        }
        Err(other) => panic!("{other:?}"),
    };
    drop(t);
    assert_eq!((room.graph.snapshot(), room.graph.check()), (before, vec![]));
    denies
}

/// L5.11: pairs count as they were before the operation.
#[test]
fn probing_is_denied_by_who_did_not_share_before() {
    let mut room = Room::new();
    let (base, image) = (room.base, room.image);
    let guest = room.graph.user("guest").unwrap();
    assert_eq!(denied(&mut room, |_| ()), None);
    // Who becomes mean in the same operation was not so before; who is made in it was not there.
    assert_eq!(denied(&mut room, |t| t.set_user(guest, MEAN).unwrap()), None);
    assert_eq!(denied(&mut room, |t| _ = t.attach_user("new", base, MEAN, false).unwrap()), None);
    // Two who are mean: the first in list order. Kindness comes too late, but not leaving.
    let [a, b] = ["a", "b"].map(|name| room.graph.attach_user(name, base, MEAN, false).unwrap());
    assert_eq!(denied(&mut room, |_| ()).as_deref(), Some("b"));
    let kind = |t: &mut blockgraph::Transaction<'_, Diary>| {
        t.set_user(b, Pair::NOTHING).unwrap();
        t.set_user(b, MEAN).unwrap();
        t.set_user(b, Pair::NOTHING).unwrap();
    };
    assert_eq!(denied(&mut room, kind).as_deref(), Some("b"));
    assert_eq!(denied(&mut room, |t| t.detach_user(b).unwrap()).as_deref(), Some("a"));
    // A user that moves here brings what it had.
    room.graph.detach_user(a).unwrap();
    let edge = room.graph.user_view(b).unwrap().edge();
    room.graph.replace_edge(edge, image).unwrap();
    assert_eq!(denied(&mut room, |_| ()), None);
    assert_eq!(denied(&mut room, |t| t.replace_edge(edge, base).unwrap()).as_deref(), Some("b"));
    // A savepoint that was returned to leaves nothing behind.
    let there_and_back = |t: &mut blockgraph::Transaction<'_, Diary>| {
        let point = t.savepoint();
        t.replace_edge(edge, base).unwrap();
        t.rollback_to(point).unwrap();
    };
    assert_eq!(denied(&mut room, there_and_back), None);
}

/// The same for edges of nodes, whose pairs only the judgement writes.
#[test]
fn probing_is_denied_by_nodes_as_judged_before() {
    let mut room = Room::new();
    let (base, image) = (room.base, room.image);
    let guest = room.graph.user("guest").unwrap();
    room.graph.detach_user(guest).unwrap();
    let filter = room.driver(Filter);
    let filter = room.graph.insert(NodeSpec::new("filter"), filter, base).unwrap();
    assert_eq!(denied(&mut room, |_| ()), None);
    assert_eq!(denied(&mut room, |t| _ = t.attach_user("mean", filter, MEAN, false).unwrap()), None);
    let mean = room.graph.attach_user("mean", filter, MEAN, false).unwrap();
    assert_eq!(denied(&mut room, |_| ()).as_deref(), Some("filter"));
    assert_eq!(denied(&mut room, |t| t.detach_user(mean).unwrap()).as_deref(), Some("filter"));
    // An edge that is made anew has not been judged; one that comes back has.
    let edge = room.graph.get(filter).unwrap().file().unwrap();
    assert_eq!(denied(&mut room, |t| t.set_file(filter, base).unwrap()), None);
    let there_and_back = |t: &mut blockgraph::Transaction<'_, Diary>| {
        t.replace_edge(edge, image).unwrap();
        t.replace_edge(edge, base).unwrap();
    };
    assert_eq!(denied(&mut room, there_and_back).as_deref(), Some("filter"));
}

#[test]
fn sentences_about_probing() {
    let spec = || OpenSpec::new(NodeSpec::new("disk"), Format.into());
    let mut graph: Graph<Preset> = Graph::new();
    let base = graph.add(NodeSpec::new("base"), Protocol.into()).unwrap();
    graph.attach_user("mean", base, MEAN, false).unwrap();
    let error = graph.open(spec().file_reference(base).probe(true)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Permission conflict on node 'base': permissions 'consistent read' are both required by an unnamed block \
         device (uses node 'base' as 'root' child) and unshared by block device 'mean' (uses node 'base' as 'root' \
         child)."
    );
    let short = "Conflicts with use by block device 'mean' as 'root', which does not allow 'consistent read' on base";
    assert_eq!(format!("{error:#}"), short);
    assert!(!error.kind().is_violation());
}
