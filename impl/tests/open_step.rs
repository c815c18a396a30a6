//! O41 with drivers that are already open: preconditions in order, results, drivers that are closed on failure, and
//! parents that deny probing.
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

const DENIES_WRITE: Pair = Pair::new(Permissions::NONE, Permissions::WRITE);
const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

/// A preset that records its closing, and may refuse its check.
#[derive(Clone, Debug)]
struct ClosingLog {
    preset: Preset,
    refuses: bool,
    panics: bool,
    closed: Arc<Mutex<Vec<String>>>,
}

impl PartialEq for ClosingLog {
    fn eq(&self, other: &Self) -> bool {
        (&self.preset, self.refuses) == (&other.preset, other.refuses)
    }
}

impl Policy for ClosingLog {
    fn name(&self) -> &str {
        self.preset.name()
    }
    shape_of_preset!();
}

impl Driver for ClosingLog {
    fn check_permissions(&mut self, _: &NodeView<'_>, _: Grant) -> Result<(), Refusal> {
        if self.refuses { Err(Refusal::new("check refused")) } else { Ok(()) }
    }
    fn close(&mut self, name: &str) {
        assert!(!self.panics, "close panics");
        self.closed.lock().unwrap().push(name.into());
    }
}

/// A graph with `base` (a protocol), `image` (a format) and a user `guest` of `base`; and the log of closed drivers.
struct Fixture {
    graph: Graph<ClosingLog>,
    closed: Arc<Mutex<Vec<String>>>,
    base: NodeKey,
    image: NodeKey,
}

impl Fixture {
    fn new() -> Self {
        let closed = Arc::default();
        let mut graph = Graph::new();
        let mut add = |name, preset: Preset| {
            let driver = ClosingLog { preset, refuses: false, panics: false, closed: Arc::clone(&closed) };
            graph.add(NodeSpec::new(name), driver).unwrap()
        };
        let (base, image) = (add("base", Protocol.into()), add("image", Format.into()));
        graph.attach_user("guest", base, Pair::NOTHING, false).unwrap();
        Self { graph, closed, base, image }
    }

    fn driver(&self, preset: impl Into<Preset>) -> ClosingLog {
        ClosingLog { preset: preset.into(), refuses: false, panics: false, closed: Arc::clone(&self.closed) }
    }

    fn spec(&self, name: &str, preset: impl Into<Preset>) -> OpenSpec<ClosingLog> {
        OpenSpec::new(NodeSpec::new(name), self.driver(preset))
    }

    /// An image over a file, with an overlay.
    fn disk(&self) -> OpenSpec<ClosingLog> {
        let spec = self.spec("disk", Format).file(NodeSpec::new("file"), self.driver(Protocol));
        spec.overlay("overlay", self.driver(Format))
    }

    /// Runs an operation that must fail and leave nothing; returns the error, and the closed drivers in order.
    fn assert_fails(&mut self, spec: OpenSpec<ClosingLog>) -> (ErrorKind, Vec<String>) {
        let before = self.graph.save();
        let error = self.graph.open(spec).unwrap_err();
        assert_eq!((self.graph.save(), self.graph.inconsistencies()), (before, vec![]), "{error}");
        (error.into_kind(), std::mem::take(&mut *self.closed.lock().unwrap()))
    }
}

macro_rules! fails {
    ($fixture:expr, $spec:expr, $kind:ident, $closed:expr) => {{
        let spec = $spec;
        let (kind, closed) = $fixture.assert_fails(spec);
        assert!(matches!(kind, ErrorKind::$kind { .. }), "{kind:?}");
        let expected: &[&str] = &$closed;
        assert_eq!(closed, expected);
        Error::from(kind).to_string()
    }};
}

#[test]
fn preconditions_are_tested_in_order() {
    let mut fixture = Fixture::new();
    let gone = fixture.image;
    fixture.graph.release(gone).unwrap();
    fixture.closed.lock().unwrap().clear();
    let all = ["overlay", "disk", "file"];
    // 1. before everything else, the file first.
    fails!(fixture, fixture.spec("base", Format).existing_file(gone).backing(gone), NodeNotFound, ["base"]);
    fails!(fixture, fixture.disk().backing(gone), NodeNotFound, all);
    // 2. before 4.
    let mut spec = fixture.disk();
    spec.node.name = "base".into();
    let twice = spec.file(NodeSpec::new("base"), fixture.driver(Protocol));
    fails!(fixture, twice, DuplicateNode, ["overlay", "base", "base"]);
    let shared = NodeSpec::new("file").force_share(true);
    fails!(fixture, fixture.disk().file(shared, fixture.driver(Protocol)), ForceShareWritable, all);
    // 3. before 4.
    fixture.graph.attach_user("mean", fixture.base, DENIES_WRITE, false).unwrap();
    let probing = fixture.spec("base", Format).existing_file(fixture.base).probe(true);
    fails!(fixture, probing.clone(), ProbeDenied, ["base"]);
    // 4. before 5.
    fails!(fixture, probing.probe(false), DuplicateNode, ["base"]);
    let wrong = NodeSpec::new("disk").force_share(true);
    fails!(
        fixture,
        OpenSpec::new(wrong, fixture.driver(Protocol)).existing_file(fixture.base),
        ForceShareWritable,
        ["disk"]
    );
    let implicit = NodeSpec::new("disk").implicit(true);
    fails!(
        fixture,
        OpenSpec::new(implicit, fixture.driver(Protocol)).existing_file(fixture.base),
        NotAFilter,
        ["disk"]
    );
    // 5. before 6.
    let childless = fixture.spec("disk", Protocol).existing_file(fixture.base).backing(fixture.base);
    fails!(fixture, childless, NoChildren, ["disk"]);
    // 6. before 7.
    let spec = fixture.spec("disk", Raw).existing_file(fixture.base).backing(fixture.base);
    fails!(fixture, spec.overlay("base", fixture.driver(Format)), BackingUnsupported, ["base", "disk"]);
    // 7.
    let spec = fixture.disk().overlay("base", fixture.driver(Format));
    fails!(fixture, spec, DuplicateNode, ["base", "disk", "file"]);
    let spec = fixture.disk().overlay("file", fixture.driver(Format));
    fails!(fixture, spec, DuplicateNode, ["file", "disk", "file"]);
    fails!(fixture, fixture.disk().overlay("overlay", fixture.driver(Quorum::default())), BackingUnsupported, all);
}

#[test]
fn the_file_inherits_and_has_no_holder() {
    let mut fixture = Fixture::new();
    for (read_only, own) in [(false, false), (true, false), (false, true), (true, true)] {
        let node = NodeSpec::new("disk").read_only(read_only);
        let file = NodeSpec::new("file").read_only(own);
        let opened = fixture
            .graph
            .open(OpenSpec::new(node, fixture.driver(Quorum::default())).file(file, fixture.driver(Protocol)))
            .unwrap();
        let graph = &fixture.graph;
        let (disk, file) = (graph.get(opened.node).unwrap(), graph.get(opened.file.unwrap()).unwrap());
        assert_eq!((file.read_only(), disk.read_only()), (read_only || own, read_only));
        assert_eq!((file.inherits_from(), file.inherits_read_only()), (Some(opened.node), !own));
        assert_eq!((file.is_monitor_owned(), file.holders(), disk.is_monitor_owned()), (false, 0, true));
        let edge = graph.edge(disk.file().unwrap()).unwrap();
        assert_eq!((&**edge.name(), edge.role(), edge.child()), ("file", IMAGE, file.key()));
        assert_eq!((opened.overlay, opened.top()), (None, opened.node));
        let node = opened.node;
        fixture.graph.delete(node).unwrap();
        assert_eq!(std::mem::take(&mut *fixture.closed.lock().unwrap()), ["disk", "file"]);
        assert_eq!(fixture.graph.inconsistencies(), []);
    }
}

#[test]
fn inactivity_is_inherited_too() {
    let mut fixture = Fixture::new();
    let mut spec = fixture.disk();
    spec.node.inactive = true;
    let opened = fixture.graph.open(spec).unwrap();
    for node in [opened.node, opened.file.unwrap(), opened.overlay.unwrap()] {
        assert!(fixture.graph.get(node).unwrap().inactive());
    }
    // The file of an active image may be inactive: that is for the judgement.
    let spec = fixture.spec("b", Format).file(NodeSpec::new("c").inactive(true), fixture.driver(Protocol));
    fails!(fixture, spec, InactiveChild, ["b", "c"]);
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
        let mut fixture = Fixture::new();
        let spec = fixture.spec("disk", preset).existing_file(fixture.base);
        let opened = fixture.graph.open(spec).unwrap();
        let disk = fixture.graph.get(opened.node).unwrap();
        let edge = if slot == Slot::File { disk.file() } else { disk.backing() };
        let edge = fixture.graph.edge(edge.unwrap()).unwrap();
        assert_eq!((&**edge.name(), edge.role(), edge.child()), ("file", role, fixture.base));
        let base = fixture.graph.get(fixture.base).unwrap();
        assert_eq!((base.inherits_from(), base.is_monitor_owned()), (None, true), "a reference stays what it was");
        assert_eq!(fixture.graph.inconsistencies(), []);
    }
}

#[test]
fn the_monitor_holds_the_overlay_instead() {
    let mut fixture = Fixture::new();
    let opened = fixture.graph.open(fixture.disk().backing(fixture.image)).unwrap();
    let overlay = fixture.graph.get(opened.overlay.unwrap()).unwrap();
    let disk = fixture.graph.get(opened.node).unwrap();
    assert_eq!((overlay.is_monitor_owned(), disk.is_monitor_owned()), (true, false));
    assert_eq!(common_parents(&fixture.graph, opened.node), ["overlay"]);
    let backing = fixture.graph.edge(disk.backing().unwrap()).unwrap();
    assert_eq!((backing.role(), backing.child()), (Role::COW, fixture.image));
    assert_eq!(opened.top(), overlay.key());
    let top = opened.top();
    fixture.graph.delete(top).unwrap();
    assert_eq!(*fixture.closed.lock().unwrap(), ["overlay", "disk", "file"]);
    assert_eq!((fixture.graph.node_count(), fixture.graph.inconsistencies()), (2, vec![]));
}

fn common_parents(graph: &Graph<ClosingLog>, node: NodeKey) -> Vec<String> {
    let edges = graph.get(node).unwrap().parents().map(|edge| graph.edge(edge).unwrap().parent());
    let names = edges.map(|parent| match parent {
        blockgraph::Parent::Node(node) => graph.get(node).unwrap().name().to_string(),
        blockgraph::Parent::User(user) => graph.user_view(user).unwrap().name().to_string(),
    });
    names.collect()
}

#[test]
fn a_refusal_closes_what_was_opened_last_first() {
    let mut fixture = Fixture::new();
    let all = ["overlay", "disk", "file"];
    // A refusal by a hook.
    let spec = fixture.disk().file(NodeSpec::new("file"), ClosingLog { refuses: true, ..fixture.driver(Protocol) });
    assert_eq!(fails!(fixture, spec, Refused, all), "check refused");
    // A refusal by the judgement.
    let writer = Pair::new(Permissions::WRITE, Permissions::ALL);
    let lonely = Pair::new(Permissions::NONE, Permissions::READ);
    let guest = fixture.graph.user("guest").unwrap();
    fixture.graph.set_user(guest, lonely).unwrap();
    let spec = fixture.spec("disk", Format).existing_file(fixture.base).overlay("overlay", fixture.driver(Format));
    fails!(fixture, spec, Conflict, ["overlay", "disk"]);
    // A later step, a dropped transaction, a savepoint; nodes that other operations added are not affected.
    let mut t = fixture.graph.transaction();
    let other =
        ClosingLog { preset: Format.into(), refuses: false, panics: false, closed: Arc::clone(&fixture.closed) };
    t.add(NodeSpec::new("other"), other.clone()).unwrap();
    let point = t.savepoint();
    let file = ClosingLog { preset: Protocol.into(), ..other.clone() };
    let spec = || OpenSpec::new(NodeSpec::new("disk"), other.clone()).file(NodeSpec::new("file"), file.clone());
    t.open(spec()).unwrap();
    t.rollback_to(point).unwrap();
    assert_eq!(std::mem::take(&mut *fixture.closed.lock().unwrap()), ["disk", "file"]);
    let opened = t.open(spec()).unwrap();
    let error = t.open(spec().overlay("overlay", other.clone())).unwrap_err();
    assert_eq!((error.step(), error.to_string().as_str()), (Some(2), "Duplicate nodes with node-name='file'"));
    assert_eq!(std::mem::take(&mut *fixture.closed.lock().unwrap()), all);
    t.attach_user("user", opened.node, writer, false).unwrap();
    drop(t);
    assert_eq!(std::mem::take(&mut *fixture.closed.lock().unwrap()), ["disk", "file"]);
    assert_eq!((fixture.graph.node_count(), fixture.graph.inconsistencies()), (2, vec![]));
}

/// The graph is consistent before a driver is closed. If closing panics, the remaining drivers are closed when the next
/// transaction begins.
#[test]
fn a_panic_while_closing_leaves_a_whole_graph() {
    let mut fixture = Fixture::new();
    let before = fixture.graph.save();
    let mut spec = fixture.disk();
    spec.driver.panics = true;
    let mut t = fixture.graph.transaction();
    t.open(spec).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(t))).is_err());
    assert_eq!(*fixture.closed.lock().unwrap(), ["overlay"]);
    assert_eq!(
        (fixture.graph.save(), fixture.graph.inconsistencies()),
        (before.clone(), vec![Inconsistency::Leftover])
    );
    drop(fixture.graph.transaction());
    assert_eq!(*fixture.closed.lock().unwrap(), ["overlay", "file"]);
    assert_eq!((fixture.graph.save(), fixture.graph.inconsistencies()), (before, vec![]));
}

#[test]
fn a_driver_is_closed_once_even_if_it_was_ejected() {
    let mut fixture = Fixture::new();
    let spec = fixture.disk();
    let mut t = fixture.graph.transaction();
    let opened = t.open(spec).unwrap();
    t.eject_driver(opened.node).unwrap();
    drop(t);
    assert_eq!(*fixture.closed.lock().unwrap(), ["overlay", "disk", "file"]);
    assert_eq!(fixture.graph.inconsistencies(), []);
}

/// Returns the parent that denies probing `base` in a transaction after these steps.
fn denying_parent(
    fixture: &mut Fixture,
    steps: impl FnOnce(&mut blockgraph::Transaction<'_, ClosingLog>),
) -> Option<String> {
    let before = fixture.graph.save();
    let spec = fixture.spec("disk", Format).existing_file(fixture.base).probe(true);
    let mut t = fixture.graph.transaction();
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
    assert_eq!((fixture.graph.save(), fixture.graph.inconsistencies()), (before, vec![]));
    denies
}

/// L5.11: the pairs before the operation count.
#[test]
fn probing_is_denied_by_users_that_did_not_share_before() {
    let mut fixture = Fixture::new();
    let (base, image) = (fixture.base, fixture.image);
    let guest = fixture.graph.user("guest").unwrap();
    assert_eq!(denying_parent(&mut fixture, |_| ()), None);
    // An edge that stops sharing in the same operation did not deny before; an edge created in it did not exist.
    assert_eq!(denying_parent(&mut fixture, |t| t.set_user(guest, DENIES_WRITE).unwrap()), None);
    assert_eq!(denying_parent(&mut fixture, |t| _ = t.attach_user("new", base, DENIES_WRITE, false).unwrap()), None);
    // Of two edges that deny, the first in list order is reported. Starting to share does not help within the
    // transaction, but detaching does.
    let [a, b] = ["a", "b"].map(|name| fixture.graph.attach_user(name, base, DENIES_WRITE, false).unwrap());
    assert_eq!(denying_parent(&mut fixture, |_| ()).as_deref(), Some("b"));
    let kind = |t: &mut blockgraph::Transaction<'_, ClosingLog>| {
        t.set_user(b, Pair::NOTHING).unwrap();
        t.set_user(b, DENIES_WRITE).unwrap();
        t.set_user(b, Pair::NOTHING).unwrap();
    };
    assert_eq!(denying_parent(&mut fixture, kind).as_deref(), Some("b"));
    assert_eq!(denying_parent(&mut fixture, |t| t.detach_user(b).unwrap()).as_deref(), Some("a"));
    // A user that moves here keeps the pair it had.
    fixture.graph.detach_user(a).unwrap();
    let edge = fixture.graph.user_view(b).unwrap().edge();
    fixture.graph.replace_edge(edge, image).unwrap();
    assert_eq!(denying_parent(&mut fixture, |_| ()), None);
    assert_eq!(denying_parent(&mut fixture, |t| t.replace_edge(edge, base).unwrap()).as_deref(), Some("b"));
    // A rollback to a savepoint leaves nothing behind.
    let there_and_back = |t: &mut blockgraph::Transaction<'_, ClosingLog>| {
        let point = t.savepoint();
        t.replace_edge(edge, base).unwrap();
        t.rollback_to(point).unwrap();
    };
    assert_eq!(denying_parent(&mut fixture, there_and_back), None);
}

/// The same for edges of nodes; only the judgement writes their pairs.
#[test]
fn probing_is_denied_by_nodes_as_judged_before() {
    let mut fixture = Fixture::new();
    let (base, image) = (fixture.base, fixture.image);
    let guest = fixture.graph.user("guest").unwrap();
    fixture.graph.detach_user(guest).unwrap();
    let filter = fixture.driver(Filter);
    let filter = fixture.graph.insert(NodeSpec::new("filter"), filter, base).unwrap();
    assert_eq!(denying_parent(&mut fixture, |_| ()), None);
    assert_eq!(denying_parent(&mut fixture, |t| _ = t.attach_user("mean", filter, DENIES_WRITE, false).unwrap()), None);
    let mean = fixture.graph.attach_user("mean", filter, DENIES_WRITE, false).unwrap();
    assert_eq!(denying_parent(&mut fixture, |_| ()).as_deref(), Some("filter"));
    assert_eq!(denying_parent(&mut fixture, |t| t.detach_user(mean).unwrap()).as_deref(), Some("filter"));
    // A new edge has not been judged; an edge that is moved away and back has.
    let edge = fixture.graph.get(filter).unwrap().file().unwrap();
    assert_eq!(denying_parent(&mut fixture, |t| t.set_file(filter, base).unwrap()), None);
    let there_and_back = |t: &mut blockgraph::Transaction<'_, ClosingLog>| {
        t.replace_edge(edge, image).unwrap();
        t.replace_edge(edge, base).unwrap();
    };
    assert_eq!(denying_parent(&mut fixture, there_and_back).as_deref(), Some("filter"));
}

#[test]
fn texts_of_denied_probing() {
    let spec = || OpenSpec::new(NodeSpec::new("disk"), Format.into());
    let mut graph: Graph<Preset> = Graph::new();
    let base = graph.add(NodeSpec::new("base"), Protocol.into()).unwrap();
    graph.attach_user("mean", base, DENIES_WRITE, false).unwrap();
    let error = graph.open(spec().existing_file(base).probe(true)).unwrap_err();
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
