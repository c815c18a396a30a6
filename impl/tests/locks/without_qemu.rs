//! Tests without QEMU: two openers with this crate, locks during a pending change, locks of other programs, and paths
//! that are not image files.

use crate::images::{Holder, Image, READ, READER, READER_WITHOUT_WRITERS, WRITE, WRITER, byte_in_use, saved};
use blockgraph::drivers::Blkdebug;
use blockgraph::posix::{FileError, PosixFile};
use blockgraph::{
    ChildContext, Driver, DriverOption, ErrorKind, Grant, Graph, Hook, NodeSpec, NodeView, Pair, Permissions, PlanStep,
    Policy, Refusal, Role, common_users,
};
use std::sync::{Arc, Mutex};

#[test]
fn two_processes_with_this_crate() {
    let image = Image::plain();
    let holder = Holder::start(&image.path);
    assert_eq!(image.held(), [100, 101, 201, 203]);
    let (mut graph, node) = image.graph();
    let before = saved(&graph);
    let error = graph.attach_user("guest", node, common_users::GUEST, false).unwrap_err();
    assert_eq!((byte_in_use(&error), saved(&graph)), (101, before));
    assert!(error.to_string().ends_with(&image.hint()), "{error}");
    let error = graph.attach_user("backup", node, READER_WITHOUT_WRITERS, false).unwrap_err();
    assert_eq!(byte_in_use(&error), 201, "{error}");
    graph.attach_user("export", node, common_users::NBD_READER, false).unwrap();
    holder.kill();
    graph.attach_user("guest", node, common_users::GUEST, false).unwrap();
}

#[test]
fn two_nodes_of_one_process_are_two_openers() {
    let image = Image::plain();
    let mut graph: Graph<PosixFile> = Graph::new();
    let open = |name| (NodeSpec::new(name), PosixFile::open(&image.path, false).unwrap());
    let [a, b] = ["a", "b"].map(open).map(|(spec, driver)| graph.add(spec, driver).unwrap());
    graph.attach_user("first", a, READER_WITHOUT_WRITERS, false).unwrap();
    let second = graph.attach_user("second", b, READER_WITHOUT_WRITERS, false).unwrap();
    let before = saved(&graph);
    assert_eq!(byte_in_use(&graph.set_user(second, WRITER).unwrap_err()), 101);
    assert_eq!(saved(&graph), before);
    // Both in one transaction: the first locked its bytes and releases them again.
    let mut t = graph.transaction();
    t.set_user(second, Pair::new(READ, Permissions::ALL - READ)).unwrap();
    assert_eq!(byte_in_use(&t.commit().unwrap_err()), 200);
    assert_eq!((saved(&graph), image.held()), (before, vec![100, 201]));

    // A node that is deleted unlocks everything; so does a driver that is dropped.
    graph.detach_user(second).unwrap();
    let mut t = graph.transaction();
    let first = t.user("first").unwrap();
    t.detach_user(first).unwrap();
    t.delete(a).unwrap();
    let closed = t.commit().unwrap().closed;
    assert!(closed.first().unwrap().driver.as_ref().unwrap().held().is_empty());
    let user = graph.attach_user("third", b, WRITER, false).unwrap();
    assert_eq!(image.held(), [100, 101]);
    graph.eject_driver(b).unwrap();
    assert_eq!(graph.user_view(user).map(|user| user.node()), Some(b));
    assert_eq!(image.held(), [0_i64; 0], "the caller did not take the ejected driver, so it was dropped");
}

/// K9: a copy of the descriptor, which a child process that was forked a moment ago has too, keeps no lock alive.
#[test]
fn a_dropped_driver_unlocks_although_its_description_lives_on() {
    let image = Image::plain();
    let (mut graph, node) = image.graph_as(NodeSpec::new("file").read_only(true));
    graph.attach_user("reader", node, READER_WITHOUT_WRITERS, false).unwrap();
    let _copy = graph.driver(node).unwrap().file().try_clone().unwrap();
    assert_eq!(image.held(), [100, 201]);
    drop(graph);
    assert_eq!(image.held(), [0_i64; 0]);
}

type LockLog = Arc<Mutex<Vec<(&'static str, Vec<i64>)>>>;

/// Logs the locked bytes after a check, before and after a set, and after an abort.
struct LoggedFile {
    file: PosixFile,
    image: Arc<Image>,
    diary: LockLog,
}

impl LoggedFile {
    fn note(&self, when: &'static str) {
        self.diary.lock().unwrap().push((when, self.image.held()));
    }
}

impl Policy for LoggedFile {
    fn name(&self) -> &str {
        self.file.name()
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        self.file.child_pair(context)
    }
}

impl Driver for LoggedFile {
    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        self.file.prepare(view, read_only)
    }

    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.file.commit_prepare(view, read_only);
        self.note("reopened");
    }

    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.file.abort_prepare(view, read_only);
        self.note("not reopened");
    }

    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        let answer = self.file.check_permissions(view, new);
        self.note(if answer.is_ok() { "checked" } else { "refused" });
        answer
    }

    fn set_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        self.file.set_permissions(view, new);
        self.note("set");
    }

    fn abort_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        self.file.abort_permissions(view, new);
        self.note("aborted");
    }
}

/// A driver that refuses activation. Its node is beside the file and takes part in the same transactions.
struct RefusesActivation;

impl Policy for RefusesActivation {
    fn name(&self) -> &str {
        "moody"
    }

    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for RefusesActivation {
    fn activate(&mut self, _: &NodeView<'_>) -> Result<(), Refusal> {
        Err(Refusal::new("not now"))
    }
}

/// K4, K5, K7: from the check until the decision, both the old and the new bytes are locked.
#[test]
fn there_is_no_gap_when_the_locks_change() {
    let image = Arc::new(Image::plain());
    let diary = LockLog::default();
    let mut graph: Graph = Graph::new();
    let file = PosixFile::open(&image.path, true).unwrap();
    let watched = LoggedFile { file, image: image.clone(), diary: diary.clone() };
    let node = graph.add(NodeSpec::new("file").read_only(true), Box::new(watched)).unwrap();
    let moody = graph.add(NodeSpec::new("moody").inactive(true), Box::new(RefusesActivation)).unwrap();
    let user = graph.attach_user("user", node, READER, false).unwrap();
    let took = |expected: &[(&'static str, &[i64])]| {
        let notes = std::mem::take(&mut *diary.lock().unwrap());
        let expected: Vec<_> = expected.iter().map(|(when, held)| (*when, held.to_vec())).collect();
        assert_eq!(notes, expected);
    };
    took(&[("checked", &[100]), ("set", &[100])]);

    // From one set to a disjoint one, and the node becomes writable at the same time.
    let writer = Pair::new(WRITE, Permissions::ALL - READ);
    let mut t = graph.transaction();
    t.set_user(user, writer).unwrap();
    t.set_read_only(node, false).unwrap();
    t.commit().unwrap();
    took(&[("checked", &[100, 101, 200]), ("set", &[101, 200]), ("reopened", &[101, 200])]);

    // Back again; but a driver that is called later refuses.
    let mut t = graph.transaction();
    t.set_user(user, READER).unwrap();
    t.set_read_only(node, true).unwrap();
    t.activate(moody).unwrap();
    assert_eq!(t.commit().err().unwrap().to_string(), "not now");
    took(&[("checked", &[100, 101, 200]), ("aborted", &[101, 200]), ("not reopened", &[101, 200])]);

    // The lock test refuses: the new locks are released at once.
    let intruder = image.lock_byte(203);
    graph.set_user(user, Pair::new(WRITE | Permissions::RESIZE, Permissions::ALL - READ)).unwrap_err();
    took(&[("refused", &[101, 200, 203])]);
    drop(intruder);

    // A change that only unlocks takes no new lock.
    graph.set_user(user, Pair::new(WRITE, Permissions::ALL)).unwrap();
    took(&[("checked", &[101, 200]), ("set", &[101])]);
}

/// K6: a program that ignores the protocol holds a byte. Then no new permission is granted, but every permission can be
/// given up, and the driver is not stale.
#[test]
fn unlocking_is_never_refused() {
    let image = Image::plain();
    let (mut graph, node) = image.graph();
    let user = graph.attach_user("guest", node, common_users::GUEST, false).unwrap();
    let _intruders = [200, 201, 203, 101, 103].map(|byte| image.lock_byte(byte));
    graph.set_user(user, Pair::new(READ | WRITE, Permissions::ALL - WRITE)).unwrap();
    graph.set_user(user, READER).unwrap();
    assert_eq!(graph.driver(node).unwrap().held().pair(), READER);
    assert_eq!(graph.stale_nodes().count(), 0);
    assert_eq!(byte_in_use(&graph.set_user(user, WRITER).unwrap_err()), 100);
    graph.detach_user(user).unwrap();
    assert!(graph.driver(node).unwrap().held().is_empty());
}

/// K8 for a node whose pair does not change. If the node is read-only there is no check; if it is writable, the refusal
/// of the check is tolerated, because the pair only loosens what was granted (V7). In both cases its locks are released
/// and taken again, and the image cannot be activated without them.
#[test]
fn a_node_that_becomes_inactive_with_the_same_pair_holds_nothing() {
    for read_only in [true, false] {
        let image = Image::plain();
        let mut graph: Graph = Graph::new();
        let file = PosixFile::open(&image.path, read_only).unwrap();
        let file = graph.add(NodeSpec::new("file").read_only(read_only), Box::new(file)).unwrap();
        let debug = Box::new(Blkdebug { take: READ, unshare: Permissions::NONE });
        let debug = graph.add(NodeSpec::new("debug").read_only(read_only), debug).unwrap();
        graph.attach(debug, file, "image", Role::FILTERED | Role::PRIMARY).unwrap();
        assert_eq!(image.held(), [100]);
        let asks = |plan: &[PlanStep]| plan.iter().any(|step| step.node() == file && step.hook() == Hook::Check);

        let mut t = graph.transaction();
        t.inactivate(debug).unwrap();
        let committed = t.commit().ok().unwrap();
        assert_eq!(asks(&committed.plan), !read_only);
        assert_eq!(image.held(), [0_i64; 0]);
        assert_eq!(graph.get(file).map(|file| file.pair()), Some(READER));

        let intruder = image.lock_byte(200);
        let error = graph.activate(debug).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Refused { hook: Hook::Activate, .. }), "{error}");
        assert_eq!((byte_in_use(&error), image.held()), (100, vec![200]));
        drop(intruder);
        let mut t = graph.transaction();
        t.activate(debug).unwrap();
        let committed = t.commit().ok().unwrap();
        assert_eq!(asks(&committed.plan), !read_only);
        assert_eq!(image.held(), [100]);
        assert_eq!(graph.stale_nodes().count(), 0);

        // Locks that were taken by the activation stay when another operation is refused.
        let _writer = image.lock_byte(101);
        assert_eq!(byte_in_use(&graph.attach_user("user", file, READER_WITHOUT_WRITERS, false).unwrap_err()), 201);
        assert_eq!(image.held(), [100, 101]);
    }
}

/// K8, and K5 for an activation: permissions checked for an inactive node are not locked, and locks taken for an
/// activation are released if another node, called later, refuses.
#[test]
fn an_aborted_activation_locks_nothing() {
    for read_only in [true, false] {
        let image = Image::plain();
        let mut graph: Graph = Graph::new();
        let spec = |name| NodeSpec::new(name).read_only(read_only).inactive(true);
        let file = graph.add(spec("file"), Box::new(PosixFile::open(&image.path, read_only).unwrap())).unwrap();
        let debug = Blkdebug { take: READ, unshare: Permissions::NONE };
        let debug = graph.add(spec("debug"), Box::new(debug)).unwrap();
        let moody = graph.add(spec("moody"), Box::new(RefusesActivation)).unwrap();
        graph.attach(moody, debug, "data", Role::DATA).unwrap();
        graph.attach(debug, file, "image", Role::FILTERED | Role::PRIMARY).unwrap();
        assert_eq!((graph.get(file).map(|file| file.pair()), image.held()), (Some(READER), vec![]));

        let error = graph.activate(moody).unwrap_err();
        assert_eq!((error.to_string(), image.held()), (String::from("not now"), vec![]));
        graph.activate(debug).unwrap();
        assert_eq!(image.held(), [100]);
    }
}

#[test]
fn paths_that_are_no_image_or_were_replaced() {
    let image = Image::plain();
    let missing = PosixFile::open(image.dir.path().join("none"), true).unwrap_err();
    assert!(matches!(&missing, FileError::Open { .. }) && missing.to_string().contains("Could not open '"));
    assert!(matches!(PosixFile::open(image.dir.path(), true).unwrap_err(), FileError::NotAnImage { .. }));

    let (mut graph, node) = image.graph_as(NodeSpec::new("file").read_only(true));
    graph.attach_user("reader", node, READER, false).unwrap();
    let before = saved(&graph);
    std::fs::rename(&image.path, image.dir.path().join("moved")).unwrap();
    let error = graph.set_read_only(node, false).unwrap_err();
    assert!(matches!(error.cause(), Some(FileError::Open { .. })), "{error}");
    std::fs::write(&image.path, "another file").unwrap();
    let error = graph.set_read_only(node, false).unwrap_err();
    assert!(matches!(error.cause(), Some(FileError::Replaced { path }) if **path == image.path), "{error}");
    assert_eq!(saved(&graph), before);
    std::fs::rename(image.dir.path().join("moved"), &image.path).unwrap();
    graph.set_read_only(node, false).unwrap();
}

#[test]
fn a_file_opened_for_reading_is_not_written_by_a_writable_node() {
    let image = Image::plain();
    let mut graph: Graph<PosixFile> = Graph::new();
    let node = graph.add(NodeSpec::new("file"), PosixFile::open(&image.path, true).unwrap()).unwrap();
    let error = graph.attach_user("writer", node, WRITER, false).unwrap_err();
    assert!(matches!(error.cause(), Some(FileError::ReadOnly { .. })), "{error}");
    assert_eq!(image.held(), [0_i64; 0]);
    // A reopen corrects this.
    graph.set_read_only(node, false).unwrap();
    graph.attach_user("writer", node, WRITER, false).unwrap();
}

/// P9, like [`blockgraph::drivers::File`].
#[test]
fn an_unaligned_file_is_not_written_without_resizing() {
    let image = Image::plain();
    let (mut graph, node) = image.graph();
    graph.set_option(node, DriverOption::Unaligned(true)).unwrap();
    let error = graph.attach_user("writer", node, WRITER, false).unwrap_err();
    assert!(error.to_string().contains("without 'resize'"), "{error}");
    assert_eq!(graph.driver(node).and_then(Policy::filename), Some(image.text()));
}
