//! What drivers are told, word for word and in order: by a driver itself and by one in a box.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::{
    ChildContext, ContextId, Driver, Grant, Graph, NodeKey, NodeSpec, NodeView, Pair, Permissions, Policy, Refusal,
    Reopen, Role, UserSpec,
};
use common::READER;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

const WRITER: Pair = Pair::new(Permissions::WRITE, Permissions::ALL);

type Log = Arc<Mutex<Vec<String>>>;

/// Takes what was heard since the last time.
fn take_log(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

/// Writes down every call, in a diary that outlives it and that several share.
#[derive(Clone, Default)]
struct LoggingDriver {
    log: Log,
    refuses_checks: bool,
    refuses_activation: bool,
    panics_in_close: bool,
    panics_in_post_commit: bool,
    panics_in_commit: bool,
    panics_in_resume: bool,
    refuses_contexts: bool,
}

impl LoggingDriver {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), ..Self::default() }
    }

    fn write(&self, entry: String) {
        self.log.lock().unwrap().push(entry);
    }
}

impl Policy for LoggingDriver {
    fn name(&self) -> &str {
        "diarist"
    }

    fn supports_backing(&self) -> bool {
        true
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        Pair::new(context.parent.need & Permissions::PASS_THROUGH, Permissions::ALL)
    }
}

impl Driver for LoggingDriver {
    fn flush(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.write(format!("flush {}", view.name()));
        Ok(())
    }

    fn rename(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.write(format!("rename {} {:?}", view.name(), view.stored_backing()));
        Ok(())
    }

    fn commit_rename(&mut self, view: &NodeView<'_>) {
        self.write(format!("commit_rename {} {:?}", view.name(), view.stored_backing()));
    }

    fn abort_rename(&mut self, view: &NodeView<'_>) {
        self.write(format!("abort_rename {}", view.name()));
    }

    fn post_commit(&mut self, view: &NodeView<'_>) {
        assert!(!self.panics_in_post_commit, "post_commit panics");
        self.write(format!("post_commit {}", view.name()));
    }

    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        assert_eq!(view.read_only(), read_only, "the view shows the state to come");
        self.write(format!("prepare {} {read_only}", view.name()));
        Ok(())
    }

    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        assert!(!self.panics_in_commit, "commit_prepare panics");
        self.write(format!("commit_prepare {} {read_only}", view.name()));
    }

    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.write(format!("abort_prepare {} {read_only}", view.name()));
    }

    fn inactivate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.write(format!("inactivate {} {}", view.name(), view.inactive()));
        Ok(())
    }

    fn commit_inactivate(&mut self, view: &NodeView<'_>) {
        self.write(format!("commit_inactivate {}", view.name()));
    }

    fn abort_inactivate(&mut self, view: &NodeView<'_>) {
        self.write(format!("abort_inactivate {}", view.name()));
    }

    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        if self.refuses_activation {
            return Err(Refusal::new("no"));
        }
        self.write(format!("activate {} {}", view.name(), view.inactive()));
        Ok(())
    }

    fn commit_activate(&mut self, view: &NodeView<'_>) {
        self.write(format!("commit_activate {}", view.name()));
    }

    fn abort_activate(&mut self, view: &NodeView<'_>) {
        self.write(format!("abort_activate {}", view.name()));
    }

    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        if self.refuses_checks {
            return Err(Refusal::new("no"));
        }
        self.write(format!("check {} {new:?}", view.name()));
        Ok(())
    }

    fn set_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        self.write(format!("set {} {new:?}", view.name()));
    }

    fn abort_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        self.write(format!("abort {} {new:?}", view.name()));
    }

    fn change_context(&mut self, view: &NodeView<'_>, to: ContextId) -> Result<(), Refusal> {
        self.write(format!("context {} {to}", view.name()));
        if self.refuses_contexts { Err(Refusal::new("no")) } else { Ok(()) }
    }

    fn commit_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        assert!(!self.panics_in_commit, "commit_context panics");
        self.write(format!("commit_context {} {to}", view.name()));
    }

    fn abort_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        self.write(format!("abort_context {} {to}", view.name()));
    }

    fn quiesce(&mut self, view: &NodeView<'_>) {
        self.write(format!("quiesce {}", view.name()));
    }

    fn resume(&mut self, view: &NodeView<'_>) {
        assert!(!self.panics_in_resume, "resume panics");
        self.write(format!("resume {}", view.name()));
    }

    fn close(&mut self, name: &str) {
        assert!(!self.panics_in_close, "close panics");
        self.write(format!("close {name}"));
    }
}

/// Every hook is called with its arguments and in its place (V6); a box passes every one of them on.
fn every_hook<D: Driver>(wrap: fn(LoggingDriver) -> D) {
    let log = Log::default();
    let mut graph: Graph<D> = Graph::new();
    let a = graph.add(NodeSpec::new("a"), wrap(LoggingDriver::new(&log))).unwrap();
    let b = graph
        .add(NodeSpec::new("b"), wrap(LoggingDriver { refuses_checks: true, ..LoggingDriver::new(&log) }))
        .unwrap();
    take_log(&log);
    graph.set_read_only(a, true).unwrap();
    let grant = Grant { pair: Pair::NOTHING, writable: false };
    let told = [format!("check a {grant:?}"), format!("set a {grant:?}")];
    let order = ["flush a", "prepare a true", &told[0], &told[1], "commit_prepare a true", "post_commit a"];
    assert_eq!(take_log(&log), order);
    let mut t = graph.transaction();
    t.attach(a, b, "x", Role::DATA).unwrap();
    t.set_read_only(a, false).unwrap();
    t.attach_user("u", a, READER, false).unwrap();
    assert!(t.commit().is_err(), "b refuses");
    let grant = Grant { pair: READER, writable: true };
    let told = [format!("check a {grant:?}"), format!("abort a {grant:?}")];
    assert_eq!(take_log(&log), ["flush a", "prepare a false", &told[0], &told[1], "abort_prepare a false"]);
    let mut t = graph.transaction();
    t.append_and_store(a, b).unwrap();
    t.attach_user("u", b, READER, true).unwrap();
    assert!(t.commit().is_err(), "b refuses");
    assert_eq!(take_log(&log), ["rename a Some(\"b\")", "abort_rename a"]);
    graph.append_and_store(a, b).unwrap();
    assert_eq!(take_log(&log), ["rename a Some(\"b\")", "commit_rename a Some(\"b\")"]);
    graph.set_backing(a, None).unwrap();
    let mut t = graph.transaction();
    t.release(b).unwrap();
    t.release(a).unwrap();
    t.commit().unwrap();
    assert_eq!(take_log(&log), ["close b", "close a"]);
    let a = graph.add(NodeSpec::new("a"), wrap(LoggingDriver::new(&log))).unwrap();
    graph.drain_begin(a).unwrap();
    graph.drain_end(a).unwrap();
    assert_eq!(take_log(&log), ["quiesce a", "resume a"]);
    graph.move_context(a, ContextId(7)).unwrap();
    assert_eq!(take_log(&log), ["context a 7", "quiesce a", "commit_context a 7", "resume a"]);
    let refusing = graph
        .add(NodeSpec::new("b"), wrap(LoggingDriver { refuses_contexts: true, ..LoggingDriver::new(&log) }))
        .unwrap();
    let mut t = graph.transaction();
    t.move_context(a, ContextId(8)).unwrap();
    t.move_context(refusing, ContextId(8)).unwrap();
    assert_eq!(t.commit().map(drop).unwrap_err().to_string(), "no");
    assert_eq!(take_log(&log), ["context a 8", "context b 8", "abort_context a 8"]);
}

/// The same of the hooks about activity.
fn every_hook_of_activity<D: Driver>(wrap: fn(LoggingDriver) -> D) {
    let log = Log::default();
    let mut graph: Graph<D> = Graph::new();
    let a = graph
        .add(NodeSpec::new("a"), wrap(LoggingDriver { refuses_activation: true, ..LoggingDriver::new(&log) }))
        .unwrap();
    let b = graph.add(NodeSpec::new("b"), wrap(LoggingDriver::new(&log))).unwrap();
    graph.attach(a, b, "x", Role::DATA).unwrap();
    let guest = UserSpec::new("guest", READER).may_inactivate(true);
    let mut t = graph.transaction();
    t.attach_user_as(guest, a).unwrap();
    t.commit().unwrap();
    take_log(&log);
    let told = |verb: &str, name: &str, pair: Pair, writable| format!("{verb} {name} {:?}", Grant { pair, writable });
    let none = |verb, name| told(verb, name, Pair::NOTHING, false);
    let read = |verb, name| told(verb, name, READER, true);
    graph.inactivate(a).unwrap();
    let order = ["inactivate a true", "inactivate b true", &none("check", "a"), &none("check", "b")];
    let commits = [&none("set", "b"), &none("set", "a"), "commit_inactivate a", "commit_inactivate b"];
    assert_eq!(take_log(&log), [order, commits].concat());
    assert!(graph.activate(a).is_err(), "a refuses");
    let order = [&read("check", "a"), &read("check", "b"), "activate b false"];
    let aborts = ["abort_activate b", &read("abort", "b"), &read("abort", "a")];
    assert_eq!(take_log(&log), [order, aborts].concat());
    graph.activate(b).unwrap();
    let told = |verb| told(verb, "b", Pair::NOTHING, true);
    assert_eq!(take_log(&log), [&told("check"), "activate b false", &told("set"), "commit_activate b"]);
    let mut t = graph.transaction();
    t.inactivate(b).unwrap_or_else(|error| panic!("{error}"));
    t.activate(a).unwrap();
    assert!(t.commit().is_err(), "a refuses");
    take_log(&log);
    let mut t = graph.transaction();
    let c =
        t.add(NodeSpec::new("c"), wrap(LoggingDriver { refuses_checks: true, ..LoggingDriver::new(&log) })).unwrap();
    t.inactivate(b).unwrap();
    t.attach(a, c, "y", Role::DATA).unwrap();
    t.attach_user("reader", c, READER, false).unwrap();
    assert!(t.commit().is_err(), "c refuses");
    let take_log = take_log(&log);
    assert_eq!((&*take_log[0], take_log.last().map(String::as_str)), ("inactivate b true", Some("abort_inactivate b")));
}

#[test]
fn every_hook_of_a_driver() {
    every_hook(|driver| driver);
    every_hook_of_activity(|driver| driver);
}

#[test]
fn every_hook_of_a_driver_in_a_box() {
    every_hook(|driver| -> Box<dyn Driver> { Box::new(driver) });
    every_hook_of_activity(|driver| -> Box<dyn Driver> { Box::new(driver) });
}

/// `n0` at the top, with a user `u` that writes; and a plan for a reader of which two steps were done.
fn half_done(log: &Log) -> (Graph<LoggingDriver>, Vec<NodeKey>) {
    let mut graph: Graph<LoggingDriver> = Graph::new();
    let mut add = |i| graph.add(NodeSpec::new(format!("n{i}")), LoggingDriver::new(log)).unwrap();
    let nodes: Vec<_> = (0..3).map(&mut add).collect();
    for ends in nodes.windows(2) {
        graph.attach(ends[0], ends[1], "x", Role::DATA).unwrap();
    }
    graph.attach_user("u", nodes[0], WRITER, false).unwrap();
    begin(&mut graph, 2);
    (graph, nodes)
}

/// Leaves a plan behind of which so many steps were done.
fn begin(graph: &mut Graph<LoggingDriver>, done: usize) {
    let user = graph.user("u").unwrap();
    let mut t = graph.transaction();
    t.set_user(user, READER).unwrap();
    let mut judged = t.begin_commit().unwrap();
    (0..done).for_each(|_| judged.done());
}

#[test]
fn pending_aborts_are_newest_first_and_copied() {
    let log = Log::default();
    let (mut graph, nodes) = half_done(&log);
    let mut copy = graph.clone();
    assert_eq!(copy.pending_aborts(), graph.pending_aborts());
    take_log(&log);
    copy.run_pending_aborts();
    let order: Vec<_> = take_log(&log).iter().map(|entry| entry[..8].to_string()).collect();
    assert_eq!(order, ["abort n1", "abort n0"]);
    // A leaked plan adds its own: it is undone before the aborts are run.
    let mut t = graph.transaction();
    t.detach_user(t.user("u").unwrap()).unwrap();
    let mut judged = t.begin_commit().unwrap();
    assert_eq!(judged.next_step().map(|step| step.node()), Some(nodes[0]));
    judged.done();
    std::mem::forget(judged);
    graph.run_pending_aborts();
    assert_eq!((take_log(&log).len(), graph.inconsistencies()), (3, vec![]));
}

/// Their keys name nodes that are gone. If they were kept, they would have to be performed and could not be.
#[test]
fn clear_forgets_pending_aborts() {
    let (mut graph, _) = half_done(&Log::default());
    let snapshot = graph.save();
    graph.restore_from(&snapshot, |_, driver| driver.clone()).unwrap();
    assert_eq!(graph.pending_aborts(), []);
    begin(&mut graph, 1);
    assert_eq!(graph.pending_aborts().len(), 1);
    graph.clear();
    assert_eq!((graph.pending_aborts().len(), graph.node_count(), graph.inconsistencies()), (0, 0, vec![]));
}

/// The transaction is in effect by then: nothing is undone, and nothing stays in the graph half closed.
#[test]
fn a_panic_in_close_closes_the_nodes_all_the_same() {
    let log = Log::default();
    let mut graph: Graph<LoggingDriver> = Graph::new();
    for name in ["a", "b", "c"] {
        let driver = LoggingDriver { panics_in_close: name == "b", ..LoggingDriver::new(&log) };
        graph.add(NodeSpec::new(name), driver).unwrap();
    }
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut t = graph.transaction();
        ["a", "b", "c"].iter().for_each(|name| t.release(t.node(name).unwrap()).unwrap());
        t.commit()
    }));
    assert!(result.is_err());
    assert_eq!(take_log(&log), ["close a"], "c is dropped");
    assert_eq!((graph.node_count(), graph.inconsistencies()), (0, vec![]));
    assert_eq!(Arc::strong_count(&log), 1, "no driver is left");
    graph.add(NodeSpec::new("b"), LoggingDriver::new(&log)).unwrap();
}

/// `top` over `middle` over `bottom`, of which only the ends are written by the user; and `aside`.
fn tower(log: &Log) -> (Graph<LoggingDriver>, [NodeKey; 4]) {
    let mut graph: Graph<LoggingDriver> = Graph::new();
    let nodes = ["top", "middle", "bottom", "aside"].map(|name| {
        let node = graph.add(NodeSpec::new(name), LoggingDriver::new(log)).unwrap();
        graph.set_read_only(node, true).unwrap();
        node
    });
    graph.set_backing(nodes[1], Some(nodes[2])).unwrap();
    graph.set_backing(nodes[0], Some(nodes[1])).unwrap();
    take_log(log);
    (graph, nodes)
}

/// Words only; of a check and a set without what was granted.
fn take_call_names(log: &Log) -> Vec<String> {
    take_log(log).iter().map(|entry| entry.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// V6 in full: several nodes reopened, the child first, the parent first; two renamed; one closed.
#[test]
fn everything_in_its_order() {
    let log = Log::default();
    let (mut graph, [top, middle, bottom, aside]) = tower(&log);
    let mut t = graph.transaction();
    let entry = |node| Reopen::new(node).keep(true).read_only(false);
    t.reopen(&[entry(bottom), entry(top)]).unwrap();
    t.reopen(&[entry(middle), entry(bottom)]).unwrap();
    t.append_and_store(aside, top).unwrap();
    t.drop_intermediate(middle, bottom).unwrap();
    t.release(middle).unwrap();
    t.commit().unwrap();
    let order = [
        ["flush bottom", "flush top"],
        ["prepare bottom", "prepare top"],
        ["rename aside", "rename top"],
        // `aside` has no check: nothing about it is new.
        ["check top", "check bottom"],
        ["set bottom", "set top"],
        ["commit_rename top", "commit_rename aside"],
        ["commit_prepare bottom", "commit_prepare top"],
        ["post_commit bottom", "post_commit top"],
    ];
    let take_log = take_call_names(&log);
    assert!(take_log.iter().eq(order.as_flattened().iter().chain(&["close middle"])), "{take_log:#?}");
    let names = [aside, top, bottom].map(|node| graph.get(node).unwrap().stored_backing().map(ToString::to_string));
    assert_eq!((names, graph.inconsistencies()), ([Some("top".into()), Some("bottom".into()), None], vec![]));
}

/// The transaction is in effect by then.
#[test]
fn a_panic_in_post_commit_undoes_nothing() {
    let log = Log::default();
    let (mut graph, [top, middle, bottom, aside]) = tower(&log);
    graph.driver_mut(middle).unwrap().panics_in_post_commit = true;
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut t = graph.transaction();
        t.reopen(&[top, middle, bottom].map(|node| Reopen::new(node).keep(true).read_only(false))).unwrap();
        t.release(aside).unwrap();
        t.commit()
    }));
    assert!(result.is_err());
    assert!([top, middle, bottom].iter().all(|node| graph.get(*node).unwrap().writable()));
    assert_eq!((graph.get(aside).is_none(), graph.pending_aborts(), graph.inconsistencies()), (true, &[][..], vec![]));
    assert_eq!(
        take_call_names(&log).last().map(String::as_str),
        Some("post_commit top"),
        "bottom and the closed one are not told"
    );
}

/// What has been made permanent by then is beyond aborting; the rest is to be aborted, in reverse order of the plan.
#[test]
fn a_panic_in_commit_leaves_the_rest_to_be_aborted() {
    let log = Log::default();
    let (mut graph, [top, middle, bottom, _]) = tower(&log);
    let before = graph.save_with(|_, _| ());
    graph.driver_mut(middle).unwrap().panics_in_commit = true;
    let result = catch_unwind(AssertUnwindSafe(|| {
        graph.reopen(&[middle, bottom, top].map(|node| Reopen::new(node).keep(true).read_only(false)))
    }));
    assert!(result.is_err());
    let aborts: Vec<_> = graph.pending_aborts().iter().map(|step| step.node()).collect();
    assert_eq!(aborts, [top, middle], "bottom has been told");
    assert_eq!(graph.stale_nodes().count(), 3, "all three have been granted what did not come");
    assert_eq!(graph.inconsistencies(), []);
    graph.run_pending_aborts();
    assert_eq!(take_call_names(&log).split_off(13), ["abort_prepare top", "abort_prepare middle"]);
    drop(graph.transaction().commit().unwrap());
    assert_eq!(graph.save_with(|_, _| ()), before);
}

/// DrainCounts before anything takes effect, going on after all else but the closing (Q4, V6).
#[test]
fn quiesced_first_and_resumed_last() {
    let log = Log::default();
    let (mut graph, [top, middle, bottom, aside]) = tower(&log);
    graph.drain_begin(aside).unwrap();
    assert_eq!(take_call_names(&log), ["quiesce aside"]);
    let mut t = graph.transaction();
    t.reopen(&[Reopen::new(top).keep(true).read_only(false)]).unwrap();
    t.set_backing(aside, Some(top)).unwrap();
    t.drain_end(aside).unwrap();
    t.drain_begin(top).unwrap();
    t.set_backing(top, None).unwrap();
    t.release(middle).unwrap();
    t.commit().unwrap();
    let expected = ["flush top", "prepare top", "check top", "quiesce top", "set top", "commit_prepare top"];
    let heard_first = take_call_names(&log);
    // `aside` is quiesced by its section before, and by its child after.
    assert!(heard_first.iter().eq(expected.iter().chain(&["post_commit top", "close middle"])), "{heard_first:?}");
    let mut t = graph.transaction();
    t.reopen(&[Reopen::new(top).keep(true).read_only(true)]).unwrap();
    t.drain_end(top).unwrap();
    t.release(bottom).unwrap();
    t.commit().unwrap();
    let mut heard_then = take_call_names(&log).split_off(5);
    assert_eq!(heard_then.pop().as_deref(), Some("close bottom"));
    heard_then.sort();
    assert_eq!(heard_then, ["post_commit top", "resume aside", "resume top"]);
}

/// A node that was told to quiesce must be told to resume, wherever another hook panics (Q4).
#[test]
fn a_panic_leaves_resumes_owed() {
    let log = Log::default();
    let (mut graph, [top, middle, _, _]) = tower(&log);
    graph.driver_mut(top).unwrap().panics_in_commit = true;
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut t = graph.transaction();
        t.reopen(&[Reopen::new(top).keep(true).read_only(false)]).unwrap();
        t.drain_begin(middle).unwrap();
        t.commit()
    }));
    assert!(result.is_err());
    let mut owed = graph.pending_resumes().to_vec();
    owed.sort();
    assert_eq!(owed, [top, middle], "all is as before, so they are to go on");
    assert_eq!((graph.get(top).unwrap().quiesce_count(), graph.inconsistencies()), (0, vec![]));
    take_call_names(&log);
    let copy = graph.clone();
    assert_eq!(copy.pending_resumes(), graph.pending_resumes());
    graph.run_pending_aborts();
    let told = take_call_names(&log);
    assert_eq!(told[0], "abort_prepare top", "first it is as before, then they go on");
    assert_eq!((told.len(), graph.pending_resumes()), (3, &[][..]));

    graph.drain_begin(middle).unwrap();
    graph.driver_mut(top).unwrap().panics_in_resume = true;
    assert!(catch_unwind(AssertUnwindSafe(|| graph.drain_end(middle))).is_err());
    assert_eq!((graph.get(middle).unwrap().sections(), graph.inconsistencies()), (0, vec![]), "that is in effect");
    assert!(graph.pending_resumes().len() <= 1, "a hook that has panicked is not called again");
    graph.driver_mut(top).unwrap().panics_in_resume = false;
    graph.take_pending_resumes();
}

/// H37: all are asked, then all are quiet, then all change, then all go on; and where contexts stand among the rest.
#[test]
fn contexts_change_while_all_is_quiet() {
    let log = Log::default();
    let (mut graph, [top, middle, bottom, aside]) = tower(&log);
    graph.drain_begin(bottom).unwrap();
    graph.drain_begin(aside).unwrap();
    graph.set_backing(aside, Some(top)).unwrap();
    take_log(&log);
    let mut t = graph.transaction();
    t.reopen(&[Reopen::new(top).keep(true).read_only(false)]).unwrap();
    t.move_context(bottom, ContextId(3)).unwrap();
    t.drop_intermediate(top, middle).unwrap();
    t.drain_end(bottom).unwrap();
    t.commit().unwrap();
    let mut take_log = take_call_names(&log);
    let mut sorted = |range: core::ops::Range<usize>, word: &str| {
        let part = &mut take_log[range];
        part.sort();
        assert!(part.iter().all(|entry| entry.starts_with(word)), "{word}: {part:?}");
        part.len()
    };
    // flush, prepare, rename, four contexts, check; all are quiet already; set, four commits, and the rest.
    assert_eq!(sorted(3..7, "context"), 4);
    assert_eq!(sorted(9..13, "commit_context"), 4);
    assert_eq!(sorted(16..19, "resume"), 3);
    let rest: Vec<_> = [0, 1, 2, 7, 8, 13, 14, 15].map(|i| take_log[i].as_str()).to_vec();
    let expected = ["flush top", "prepare top", "rename aside", "check top", "set top", "commit_rename aside"];
    assert_eq!(rest, [&expected[..], &["commit_prepare top", "post_commit top"]].concat());
    assert_eq!(take_log.len(), 19, "aside is still quiet by its own section");
}

/// What has changed its context by then is beyond aborting.
#[test]
fn a_panic_in_commit_context() {
    let log = Log::default();
    let (mut graph, [top, middle, bottom, _]) = tower(&log);
    graph.driver_mut(middle).unwrap().panics_in_commit = true;
    let before = graph.save_with(|_, _| ());
    let result = catch_unwind(AssertUnwindSafe(|| graph.move_context(top, ContextId(1))));
    assert!(result.is_err());
    assert_eq!((graph.save_with(|_, _| ()), graph.inconsistencies()), (before, vec![]));
    let told = take_call_names(&log).iter().filter(|entry| entry.starts_with("commit_context")).count();
    assert_eq!(graph.pending_aborts().len(), 3 - told);
    let mut owed = graph.pending_resumes().to_vec();
    owed.sort();
    assert_eq!(owed, [top, middle, bottom]);
    graph.run_pending_aborts();
    let told: Vec<_> = take_call_names(&log).iter().map(|entry| entry.split(' ').next().unwrap().to_string()).collect();
    assert_eq!(told[told.len() - 3..], ["resume", "resume", "resume"]);
}
