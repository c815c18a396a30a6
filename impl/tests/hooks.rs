//! What drivers are told, word for word and in order: by a driver itself and by one in a box.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::{
    ChildContext, Driver, Grant, Graph, NodeKey, NodeSpec, NodeView, Pair, Permissions, Policy, Refusal, Role,
};
use common::READER;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

const WRITER: Pair = Pair::new(Permissions::WRITE, Permissions::ALL);

type Log = Arc<Mutex<Vec<String>>>;

/// Takes what was heard since the last time.
fn heard(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

/// Writes down every call, in a diary that outlives it and that several share.
#[derive(Clone, Default)]
struct Diarist {
    log: Log,
    refuses_checks: bool,
    panics_in_close: bool,
}

impl Diarist {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), ..Self::default() }
    }

    fn write(&self, entry: String) {
        self.log.lock().unwrap().push(entry);
    }
}

impl Policy for Diarist {
    fn name(&self) -> &str {
        "diarist"
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        Pair::new(context.parent.need & Permissions::PASS_THROUGH, Permissions::ALL)
    }
}

impl Driver for Diarist {
    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        assert_eq!(view.read_only(), read_only, "the view shows the state to come");
        self.write(format!("prepare {} {read_only}", view.name()));
        Ok(())
    }

    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.write(format!("commit_prepare {} {read_only}", view.name()));
    }

    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.write(format!("abort_prepare {} {read_only}", view.name()));
    }

    fn check(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        if self.refuses_checks {
            return Err(Refusal::new("no"));
        }
        self.write(format!("check {} {new:?}", view.name()));
        Ok(())
    }

    fn set(&mut self, view: &NodeView<'_>, new: Grant) {
        self.write(format!("set {} {new:?}", view.name()));
    }

    fn abort(&mut self, view: &NodeView<'_>, new: Grant) {
        self.write(format!("abort {} {new:?}", view.name()));
    }

    fn close(&mut self, name: &str) {
        assert!(!self.panics_in_close, "close panics");
        self.write(format!("close {name}"));
    }
}

/// Every hook is called with its arguments and in its place (V6); a box passes every one of them on.
fn every_hook<D: Driver>(wrap: fn(Diarist) -> D) {
    let log = Log::default();
    let mut graph: Graph<D> = Graph::new();
    let a = graph.add(NodeSpec::new("a"), wrap(Diarist::new(&log))).unwrap();
    let b = graph.add(NodeSpec::new("b"), wrap(Diarist { refuses_checks: true, ..Diarist::new(&log) })).unwrap();
    heard(&log);
    graph.set_read_only(a, true).unwrap();
    let grant = Grant { pair: Pair::NOTHING, writable: false };
    let told = [format!("check a {grant:?}"), format!("set a {grant:?}")];
    assert_eq!(heard(&log), ["prepare a true", &told[0], &told[1], "commit_prepare a true"]);
    let mut t = graph.transaction();
    t.attach(a, b, "x", Role::DATA).unwrap();
    t.set_read_only(a, false).unwrap();
    t.attach_user("u", a, READER, false).unwrap();
    assert!(t.commit().is_err(), "b refuses");
    let grant = Grant { pair: READER, writable: true };
    let told = [format!("check a {grant:?}"), format!("abort a {grant:?}")];
    assert_eq!(heard(&log), ["prepare a false", &told[0], &told[1], "abort_prepare a false"]);
    let mut t = graph.transaction();
    t.release(b).unwrap();
    t.release(a).unwrap();
    t.commit().unwrap();
    assert_eq!(heard(&log), ["close b", "close a"]);
}

#[test]
fn every_hook_of_a_driver() {
    every_hook(|driver| driver);
}

#[test]
fn every_hook_of_a_driver_in_a_box() {
    every_hook(|driver| -> Box<dyn Driver> { Box::new(driver) });
}

/// `n0` at the top, with a user `u` that writes; and a plan for a reader of which two steps were done.
fn half_done(log: &Log) -> (Graph<Diarist>, Vec<NodeKey>) {
    let mut graph: Graph<Diarist> = Graph::new();
    let mut add = |i| graph.add(NodeSpec::new(format!("n{i}")), Diarist::new(log)).unwrap();
    let nodes: Vec<_> = (0..3).map(&mut add).collect();
    for ends in nodes.windows(2) {
        graph.attach(ends[0], ends[1], "x", Role::DATA).unwrap();
    }
    graph.attach_user("u", nodes[0], WRITER, false).unwrap();
    begin(&mut graph, 2);
    (graph, nodes)
}

/// Leaves a plan behind of which so many steps were done.
fn begin(graph: &mut Graph<Diarist>, done: usize) {
    let user = graph.user("u").unwrap();
    let mut t = graph.transaction();
    t.set_user(user, READER).unwrap();
    let mut judged = t.judge().unwrap();
    (0..done).for_each(|_| judged.done());
}

#[test]
fn pending_aborts_are_newest_first_and_copied() {
    let log = Log::default();
    let (mut graph, nodes) = half_done(&log);
    let mut copy = graph.clone();
    assert_eq!(copy.pending_aborts(), graph.pending_aborts());
    heard(&log);
    copy.run_pending_aborts();
    let order: Vec<_> = heard(&log).iter().map(|entry| entry[..8].to_string()).collect();
    assert_eq!(order, ["abort n1", "abort n0"]);
    // A leaked plan adds its own: it is undone before the aborts are run.
    let mut t = graph.transaction();
    t.detach_user(t.user("u").unwrap()).unwrap();
    let mut judged = t.judge().unwrap();
    assert_eq!(judged.next_step().map(|step| step.node()), Some(nodes[0]));
    judged.done();
    std::mem::forget(judged);
    graph.run_pending_aborts();
    assert_eq!((heard(&log).len(), graph.check()), (3, vec![]));
}

/// Their keys are of nodes that are gone: kept, they would be somebody's to perform for ever, and nobody could.
#[test]
fn clear_forgets_pending_aborts() {
    let (mut graph, _) = half_done(&Log::default());
    let snapshot = graph.snapshot();
    graph.restore_from(&snapshot, |_, driver| driver.clone()).unwrap();
    assert_eq!(graph.pending_aborts(), []);
    begin(&mut graph, 1);
    assert_eq!(graph.pending_aborts().len(), 1);
    graph.clear();
    assert_eq!((graph.pending_aborts().len(), graph.node_count(), graph.check()), (0, 0, vec![]));
}

/// The transaction is in effect by then: nothing is undone, and nothing stays in the graph half closed.
#[test]
fn a_panic_in_close_closes_the_nodes_all_the_same() {
    let log = Log::default();
    let mut graph: Graph<Diarist> = Graph::new();
    for name in ["a", "b", "c"] {
        let driver = Diarist { panics_in_close: name == "b", ..Diarist::new(&log) };
        graph.add(NodeSpec::new(name), driver).unwrap();
    }
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut t = graph.transaction();
        ["a", "b", "c"].iter().for_each(|name| t.release(t.node(name).unwrap()).unwrap());
        t.commit()
    }));
    assert!(result.is_err());
    assert_eq!(heard(&log), ["close a"], "c is dropped");
    assert_eq!((graph.node_count(), graph.check()), (0, vec![]));
    assert_eq!(Arc::strong_count(&log), 1, "no driver is left");
    graph.add(NodeSpec::new("b"), Diarist::new(&log)).unwrap();
}
