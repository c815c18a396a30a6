//! Refusals of starting and ending jobs, by preconditions, the judgement and the drivers; and operations that are
//! refused while a job runs (J1, J2, J6).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{Filter, Format, Protocol};
use blockgraph::jobs::{Job, Work};
use blockgraph::{
    Error, ErrorKind, Graph, NodeKey, NodeSpec, OpKind, OpKinds, Pair, Permissions, PlanStep, Role, Transaction,
};
use common::jobs::{all_jobs, driver, images, start};
use common::{Behaviour, Injected, READER, WRITER, add, behave};

fn job(work: Work) -> Job {
    Job::new("job", "f", work)
}

/// Starts a job that must be refused with this kind of error, and returns the text.
macro_rules! start_refused {
    ($graph:expr, $kind:ident, $job:expr) => {{
        let job = $job;
        refused!($graph, $kind, t => t.start_job(&job, driver(&job)))
    }};
}

/// Attaches a user that blocks kinds of operations on a node, with a reason.
fn block(graph: &mut Graph<Injected>, node: NodeKey, kinds: OpKinds, reason: &str) {
    let user = graph.attach_user(format!("blocker {reason}"), node, Pair::NOTHING, false).unwrap();
    graph.block(user, kinds, reason).unwrap();
}

#[test]
fn a_stream_tests_its_conditions_in_order() {
    let (mut graph, n, target) = images(5);
    let nowhere = NodeKey::default();
    let stream = |node, bottom| job(Work::Stream { node, bottom });
    start_refused!(graph, NodeNotFound, stream(nowhere, target));
    start_refused!(graph, NodeNotFound, stream(target, nowhere));
    block(&mut graph, n[1], OpKinds::STREAM, "low");
    block(&mut graph, target, OpKinds::STREAM, "aside");
    let text = start_refused!(graph, NotInChain, stream(n[3], target));
    assert_eq!(text, "Node 't' is not in the backing chain of 'n3'");
    start_refused!(graph, NotInChain, stream(n[2], n[3]));
    assert_eq!(start_refused!(graph, Blocked, stream(n[4], n[1])), "Node 'n1' is busy: low");
    block(&mut graph, n[3], OpKinds::STREAM, "middle");
    assert_eq!(start_refused!(graph, Blocked, stream(n[4], n[1])), "Node 'n3' is busy: middle");
    block(&mut graph, n[4], OpKinds::STREAM, "high");
    assert_eq!(start_refused!(graph, Blocked, stream(n[4], n[1])), "Node 'n4' is busy: high");
    assert_eq!(start_refused!(graph, Blocked, stream(n[4], n[4])), "Node 'n4' is busy: high");
    // Nodes below the bottom do not matter, nor do blockers of other kinds.
    block(&mut graph, n[2], OpKinds::all() - OpKinds::STREAM, "others");
    start(&mut graph, &stream(n[2], n[2])).unwrap();
}

#[test]
fn commits_test_their_conditions_in_order() {
    for active in [false, true] {
        let (mut graph, n, target) = images(5);
        let nowhere = NodeKey::default();
        let commit = |top, base| {
            job(if active { Work::CommitActive { top, base } } else { Work::Commit { top, base, stored: None } })
        };
        start_refused!(graph, NodeNotFound, commit(nowhere, nowhere));
        start_refused!(graph, NodeNotFound, commit(n[4], nowhere));
        block(&mut graph, n[1], OpKinds::COMMIT_TARGET, "low");
        start_refused!(graph, SameNode, commit(n[1], n[1]));
        start_refused!(graph, NotInChain, commit(n[1], n[3]));
        start_refused!(graph, NotInChain, commit(n[1], target));
        assert_eq!(start_refused!(graph, Blocked, commit(n[4], n[1])), "Node 'n1' is busy: low");
        block(&mut graph, n[2], OpKinds::COMMIT_TARGET, "middle");
        assert_eq!(start_refused!(graph, Blocked, commit(n[4], n[1])), "Node 'n2' is busy: middle");
        block(&mut graph, n[4], OpKinds::COMMIT_TARGET, "high");
        assert_eq!(start_refused!(graph, Blocked, commit(n[4], n[1])), "Node 'n4' is busy: high");
        // A chain ends at a node without its driver.
        graph.eject_driver(n[3]).unwrap();
        start_refused!(graph, NotInChain, commit(n[4], n[1]));
    }
}

#[test]
fn copies_test_their_conditions_in_order() {
    let mirror = |source, target| job(Work::Mirror { source, target });
    let backup = |source, target| job(Work::Backup { source, target });
    let (from, to) = (OpKinds::MIRROR_SOURCE, OpKinds::MIRROR_TARGET);
    copy_conditions(mirror, from, to);
    copy_conditions(backup, OpKinds::BACKUP_SOURCE, OpKinds::BACKUP_TARGET);
    // A backing file may be the source and the target of a backup, but not of a mirror (L4.1).
    let (mut graph, n, target) = images(3);
    let text = start_refused!(graph, Blocked, mirror(n[0], target));
    assert_eq!(text, "Node 'n0' is busy: node is used as backing hd of 'n1'");
    start_refused!(graph, Blocked, mirror(target, n[0]));
    start(&mut graph, &backup(n[0], target)).unwrap();
}

fn copy_conditions(copy: impl Fn(NodeKey, NodeKey) -> Job, from: OpKinds, to: OpKinds) {
    let (mut graph, n, target) = images(1);
    let (source, nowhere) = (n[0], NodeKey::default());
    start_refused!(graph, NodeNotFound, copy(nowhere, nowhere));
    start_refused!(graph, NodeNotFound, copy(source, nowhere));
    block(&mut graph, target, to, "target");
    assert_eq!(start_refused!(graph, Blocked, copy(source, target)), "Node 't' is busy: target");
    block(&mut graph, source, from, "source");
    start_refused!(graph, SameNode, copy(source, source));
    assert_eq!(start_refused!(graph, Blocked, copy(source, target)), "Node 'n0' is busy: source");
    // In the other direction nothing is blocked.
    graph.detach_user(graph.user("guest").unwrap()).unwrap();
    start(&mut graph, &copy(target, source)).unwrap();
}

/// The steps of a start after its preconditions: filter, chain and users, for each of the five kinds.
#[test]
fn a_start_fails_with_its_first_failing_step() {
    let (graph, n, target) = images(5);
    for (job, _) in all_jobs(&n, target) {
        let mut graph = graph.clone();
        let further = if matches!(job.work, Work::Backup { .. }) { "job#1" } else { "job#2" };
        let last = graph.attach_user(further, target, Pair::NOTHING, false).unwrap();
        assert_eq!(
            start_refused!(graph, DuplicateUser, job.clone()),
            format!("Device with id '{further}' already exists")
        );
        graph.attach_user("job", target, Pair::NOTHING, false).unwrap();
        assert_eq!(start_refused!(graph, DuplicateUser, job.clone()), "Device with id 'job' already exists");
        if job.kind() == "stream" || job.kind() == "commit" {
            graph.freeze(n[3], Some(n[2])).unwrap();
            start_refused!(graph, Frozen, job.clone());
            graph.thaw(n[3], Some(n[2])).unwrap();
        }
        let no_filter = || Injected::new(Format, Behaviour::Accept);
        refused!(graph, NotAFilter, t => t.start_job(&job, no_filter()));
        add(&mut graph, "f", Protocol);
        refused!(graph, DuplicateNode, t => t.start_job(&job, no_filter()));
        graph.detach_user(last).unwrap();
    }
    let (mut graph, n, target) = images(1);
    let never = graph.add(NodeSpec::new("never").never_freeze(true), Injected::new(Format, Behaviour::Accept)).unwrap();
    graph.set_backing(n[0], Some(never)).unwrap();
    for (work, frozen) in [
        (Work::Stream { node: n[0], bottom: never }, true),
        (Work::Commit { top: n[0], base: never, stored: None }, true),
        (Work::CommitActive { top: n[0], base: never }, true),
        (Work::Backup { source: never, target }, false),
    ] {
        if frozen {
            start_refused!(graph, NeverFreeze, job(work));
        } else {
            start(&mut graph, &job(work)).unwrap();
        }
    }
}

/// The parents of the node cannot be moved to the filter.
#[test]
fn a_start_below_a_frozen_edge() {
    let (mut graph, n, target) = images(5);
    let stream = job(Work::Stream { node: n[3], bottom: n[2] });
    let jobs =
        [stream, job(Work::Commit { top: n[3], base: n[1], stored: None }), job(Work::Backup { source: n[3], target })];
    graph.freeze(n[4], Some(n[3])).unwrap();
    for job in jobs {
        let text = start_refused!(graph, Frozen, job);
        assert_eq!(text, "Cannot change frozen 'backing' link from 'n4' to 'n3'");
    }
}

/// J7, and users of the target that read data that is not copied yet.
#[test]
fn the_judgement_refuses_a_start() {
    let (mut graph, n, target) = images(4);
    graph.set_read_only(n[1], true).unwrap();
    graph.attach_user("reader", target, READER, false).unwrap();
    let before = graph.save();
    for (work, read_only) in [
        (Work::Commit { top: n[2], base: n[1], stored: None }, true),
        (Work::CommitActive { top: n[3], base: n[1] }, true),
        (Work::Mirror { source: n[3], target }, false),
    ] {
        let error = start(&mut graph, &job(work)).unwrap_err();
        assert_eq!(error.step(), None);
        assert_eq!(matches!(error.kind(), ErrorKind::ReadOnly { .. }), read_only, "{error}");
        assert_eq!(matches!(error.kind(), ErrorKind::Conflict { .. }), !read_only, "{error}");
        assert_eq!((graph.save(), graph.inconsistencies()), (before.clone(), vec![]));
    }
    // A backup of a node with a parent that resizes: the filter does not share Z.
    let resizer = Pair::new(Permissions::RESIZE, Permissions::ALL);
    let lone = add(&mut graph, "lone", Protocol);
    graph.attach_user("resizer", lone, resizer, true).unwrap();
    assert!(matches!(
        start(&mut graph, &job(Work::Backup { source: lone, target })).unwrap_err().kind(),
        ErrorKind::Conflict { .. }
    ));
}

/// Finish and cancel of every kind of job, if it was never started or lacks something that it needs.
#[test]
fn ending_a_job_fails_with_its_first_failing_step() {
    type End = fn(&mut Transaction<'_, Injected>, &Job) -> Result<(), Error>;
    let ends: [End; 2] = [|t, job| t.finish_job(job), |t, job| t.cancel_job(job)];
    let (graph, n, target) = images(5);
    for ((job, _), end) in all_jobs(&n, target).into_iter().flat_map(|job| ends.map(|end| (job.clone(), end))) {
        let mut never = graph.clone();
        let chain = matches!(job.kind(), "stream" | "commit");
        match job.work {
            Work::Stream { .. } => refused!(never, NotFrozen, t => end(t, &job)),
            Work::Commit { .. } | Work::CommitActive { .. } => refused!(never, NodeNotFound, t => end(t, &job)),
            _ => refused!(never, UserNotFound, t => end(t, &job)),
        };
        let mut graph = graph.clone();
        let filter = start(&mut graph, &job).unwrap();
        for number in [1, 0] {
            let name = job.user_name(number);
            let mut copy = graph.clone();
            copy.detach_user(copy.user(&name).unwrap()).unwrap();
            assert_eq!(refused!(copy, UserNotFound, t => end(t, &job)), format!("Device '{name}' not found"));
        }
        if chain {
            let mut copy = graph.clone();
            copy.thaw(n[3], Some(n[2])).unwrap();
            copy.detach_user(copy.user("job").unwrap()).unwrap();
            refused!(copy, NotFrozen, t => end(t, &job));
            copy.eject_driver(n[3]).unwrap();
            refused!(copy, NotInChain, t => end(t, &job));
        }
        // A filter that has lost its driver cannot be dropped, or fails earlier when its option is set; but it can be
        // replaced.
        graph.eject_driver(filter).unwrap();
        match job.work {
            Work::Commit { .. } | Work::CommitActive { .. } => refused!(graph, NotInChain, t => end(t, &job)),
            _ => refused!(graph, NodeCorrupted, t => end(t, &job)),
        };
    }
}

/// Nodes of the job that are gone or never existed.
#[test]
fn ending_a_job_without_its_nodes() {
    let (mut graph, n, target) = images(3);
    let nowhere = NodeKey::default();
    for (node, bottom) in [(nowhere, n[0]), (n[1], nowhere)] {
        let jobs = [
            job(Work::Stream { node, bottom }),
            job(Work::Commit { top: node, base: bottom, stored: None }),
            job(Work::CommitActive { top: node, base: bottom }),
        ];
        for job in jobs {
            refused!(graph, NodeNotFound, t => t.finish_job(&job));
            refused!(graph, NodeNotFound, t => t.cancel_job(&job));
        }
    }
    // A target that only the job holds survives when the job's users are detached, because no node becomes doomed in
    // the middle of a step (L2).
    let mirror = job(Work::Mirror { source: n[2], target });
    start(&mut graph, &mirror).unwrap();
    graph.release(target).unwrap();
    let mut copy = graph.clone();
    copy.finish_job(&mirror).unwrap();
    assert_eq!((copy.node("t"), copy.inconsistencies()), (Some(target), vec![]));
    graph.cancel_job(&mirror).unwrap();
    assert_eq!((graph.node("t"), graph.inconsistencies()), (None, vec![]));
}

/// Preconditions of the steps of a finish that the job itself does not guarantee.
#[test]
fn finish_fails_where_cancel_succeeds() {
    let (mut graph, n, target) = images(4);
    let (top, base) = (n[2], n[0]);
    let commit = job(Work::Commit { top, base, stored: None });
    let filter = start(&mut graph, &commit).unwrap();
    let mut copy = graph.clone();
    copy.attach_user("stays", filter, Pair::NOTHING, true).unwrap();
    refused!(copy, ShouldNotChange, t => t.finish_job(&commit));
    copy.cancel_job(&commit).unwrap();
    copy = graph.clone();
    copy.freeze(n[3], Some(filter)).unwrap();
    refused!(copy, Frozen, t => t.finish_job(&commit));
    refused!(copy, Frozen, t => t.cancel_job(&commit));
    copy = graph.clone();
    copy.hold(filter).unwrap();
    copy.eject_driver(base).unwrap();
    refused!(copy, NodeCorrupted, t => t.finish_job(&commit));
    copy.cancel_job(&commit).unwrap();
    assert_eq!(
        (copy.get(filter).unwrap().holders(), copy.inconsistencies()),
        (1, vec![]),
        "the filter has another holder"
    );
    // A filter of another kind has no phase.
    graph.cancel_job(&commit).unwrap();
    for work in [Work::Mirror { source: n[3], target }, Work::CommitActive { top: n[3], base: n[1] }] {
        let mirror = job(work);
        graph.start_job(&mirror, Injected::new(mirror.filter_driver(), Behaviour::Accept)).unwrap();
        graph.cancel_job(&mirror).unwrap();
    }
    let mirror = job(Work::Mirror { source: n[3], target });
    graph.start_job(&mirror, Injected::new(Filter, Behaviour::Accept)).unwrap();
    refused!(graph, OptionUnsupported, t => t.finish_job(&mirror));
    graph.cancel_job(&mirror).unwrap();
    assert_eq!((graph.users().count(), graph.inconsistencies()), (1, vec![]));
}

/// Operations that would disturb a running job are refused by frozen edges, blockers and users (J1).
#[test]
fn what_is_refused_while_a_job_is_held() {
    let (graph, n, target) = images(5);
    for (job, _) in all_jobs(&n, target) {
        let mut graph = graph.clone();
        let filter = start(&mut graph, &job).unwrap();
        let overlay = add(&mut graph, "overlay", Format);
        let held: Vec<_> = graph.users().filter_map(|user| graph.user_view(user)).map(|user| user.node()).collect();
        for node in held.into_iter().filter(|node| *node != filter) {
            refused!(graph, HasUser, t => t.delete(node));
        }
        let (work, other) = (job.work.clone(), |work| Job::new("other", "g", work));
        let chain = matches!(job.kind(), "stream" | "commit");
        if chain {
            refused!(graph, Blocked, t => t.snapshot_node(n[3], overlay));
            refused!(graph, Frozen, t => t.set_backing(n[3], None));
            refused!(graph, Frozen, t => t.set_backing(n[3], Some(overlay)));
            refused!(graph, Frozen, t => t.replace_node(n[2], overlay));
            let edge = graph.get(n[3]).unwrap().backing().unwrap();
            refused!(graph, Frozen, t => t.detach(edge));
            refused!(graph, Frozen, t => t.replace_edge(edge, overlay));
            refused!(graph, ShouldNotChange, t => t.drop_intermediate(n[2], n[1]));
            refused!(graph, Frozen, t => t.append(overlay, n[2]));
            start_refused!(graph, Blocked, other(Work::Stream { node: n[3], bottom: n[2] }));
            start_refused!(graph, Blocked, other(Work::Commit { top: n[3], base: n[1], stored: None }));
            start_refused!(graph, Blocked, other(Work::Backup { source: n[3], target }));
        } else {
            refused!(graph, Blocked, t => t.snapshot_node(target, overlay));
            start_refused!(graph, Blocked, other(Work::Backup { source: overlay, target }));
            start_refused!(graph, Blocked, other(Work::Mirror { source: overlay, target }));
        }
        start_refused!(graph, Blocked, other(work.clone()));
        assert!(graph.is_blocked(filter, OpKind::Stream).is_some());
        // The monitor does not hold the filter, and a caller cannot take it from the job.
        let text = refused!(graph, HasUser, t => t.delete(filter));
        assert_eq!(text, "Node f is in use");
        // A writer that bypasses a job that copies what it reads.
        let writer = match work {
            Work::Stream { bottom, .. } => Some(bottom),
            Work::Commit { base, .. } => Some(base),
            _ => None,
        };
        if let Some(node) = writer {
            let error = graph.attach_user("writer", node, WRITER, false).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Conflict { .. }), "{error}");
        }
        graph.detach_user(graph.user("job").unwrap()).unwrap();
        assert_eq!(graph.inconsistencies(), []);
    }
}

/// Every driver refuses, one after the other, in each of the three operations of each job. Either the refusal is
/// tolerated, because the change only loosens (V7), or nothing has changed.
#[test]
fn a_refusal_at_any_step_of_any_plan_undoes_the_job() {
    let (graph, n, target) = images(5);
    let mut graph = graph;
    for (i, node) in n.iter().enumerate() {
        let file = add(&mut graph, &format!("file{i}"), Protocol);
        graph.attach(*node, file, "file", Role::DATA | Role::METADATA | Role::PRIMARY).unwrap();
    }
    let (mut refused, mut tolerated) = ([0; 3], 0);
    for (job, _) in all_jobs(&n, target) {
        let new = |behaviour| Injected::new(job.filter_driver(), behaviour);
        let mut counts = |at: usize, graph: &Graph<Injected>, step: &Step<'_>| {
            let (no, yes) = each_refusal(graph, step);
            (refused[at], tolerated) = (refused[at] + no, tolerated + yes);
        };
        counts(0, &graph, &|t, behaviour| t.start_job(&job, new(behaviour)).map(drop));
        let mut held = graph.clone();
        held.start_job(&job, new(Behaviour::Accept)).unwrap();
        counts(1, &held, &|t, _| t.finish_job(&job));
        counts(2, &held, &|t, _| t.cancel_job(&job));
    }
    assert!(refused.iter().all(|count| *count >= 3) && tolerated > 10, "{refused:?} {tolerated}");
}

type Step<'a> = dyn Fn(&mut Transaction<'_, Injected>, Behaviour) -> Result<(), Error> + 'a;

/// Returns how many refusals undid the step, and how many were tolerated.
fn each_refusal(graph: &Graph<Injected>, step: &Step<'_>) -> (usize, usize) {
    let mut copy = graph.clone();
    let mut t = copy.transaction();
    step(&mut t, Behaviour::Accept).unwrap();
    let plan = t.begin_commit().unwrap().plan().to_vec();
    assert!(!plan.is_empty());
    let (mut refused, mut tolerated) = (0, 0);
    for plan_step in plan {
        let behaviour = match plan_step {
            PlanStep::Rename { .. } => Behaviour::RefuseRename,
            PlanStep::Check { .. } => Behaviour::RefuseCheck,
            _ => panic!("a job calls no other hook: {plan_step:?}"),
        };
        let mut copy = graph.clone();
        let old = copy.get(plan_step.node()).is_some();
        if old {
            behave(&mut copy, plan_step.node(), behaviour);
        }
        let before = copy.save();
        let mut t = copy.transaction();
        step(&mut t, if old { Behaviour::Accept } else { behaviour }).unwrap();
        match t.commit() {
            Ok(_) => {
                assert!(copy.stale_nodes().any(|node| node == plan_step.node()));
                tolerated += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Refused { .. }), "{error}");
                assert_eq!(copy.save(), before, "{plan_step:?}");
                refused += 1;
            }
        }
        assert!(copy.nodes().all(|node| copy.driver(node).unwrap().is_settled()));
        assert_eq!(copy.inconsistencies(), []);
    }
    (refused, tolerated)
}
