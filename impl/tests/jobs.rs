//! Jobs: what start, finish and cancel do (J1 to J6, O42 to O46), and the pairs of common users (J8).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{BackingFilter, Filter, Format, Protocol};
use blockgraph::jobs::{Job, Work};
use blockgraph::{ErrorKind, Graph, NodeSpec, Pair, Role, common_users};
use common::jobs::{all_jobs, chain_of, driver, frozen, images, name, node_of, picture, start, stored, users};
use common::{Behaviour, Injected, READER, add, parents};

/// Checks the filter of a job: implicit, held by a caller, writable, without other flags (J4).
fn assert_filter(graph: &Graph<Injected>, job: &Job, kind: &str, above: &str) {
    let view = graph.get(graph.node(&job.filter).unwrap()).unwrap();
    assert_eq!((view.driver_name(), view.implicit(), view.writable()), (Some(kind), true, true));
    assert_eq!((view.holders(), view.is_monitor_owned()), (1, false));
    assert!(!view.force_share() && !view.no_io() && !view.never_freeze());
    let filtered = view.children().map(|edge| graph.edge(edge).unwrap()).find(|edge| edge.role() == Role::FILTER);
    assert_eq!(name(graph, filtered.unwrap().child()), above);
}

/// The column "start" of the table: the filter, the users, the frozen edges.
#[test]
fn start_does_what_the_table_says() {
    let expected: [(&str, &str, &[&str], &[&str]); 5] = [
        (
            "copy-on-read",
            "stream",
            &["job on f: R / RWUG", "job#1 on n4: - / RWUG", "job#2 on n3: - / RUG", "job#3 on n2: - / RUG"],
            &["n3>n2", "n4>n3"],
        ),
        (
            "commit-top",
            "commit",
            &["job on f: - / RWUZG", "job#1 on n3: - / WUG", "job#2 on n2: - / WUG", "job#3 on n1: RWZ / RUG"],
            &["f>n3", "n2>n1", "n3>n2"],
        ),
        (
            "mirror-top",
            "commit",
            &["job on f: R / RWUG", "job#1 on n4: - / RWUG", "job#2 on n3: - / WUG", "job#3 on n2: WZ / RWUG"],
            &["f>n4", "n3>n2", "n4>n3"],
        ),
        ("mirror-top", "mirror", &["job on f: R / RWUG", "job#1 on n4: - / RWUG", "job#2 on t: W / UG"], &[]),
        ("copy-before-write", "backup", &["job on f: - / RWUZG", "job#1 on t: - / RWUZG"], &[]),
    ];
    let (graph, n, target) = images(5);
    for ((job, above), (filter, kind, listed, edges)) in all_jobs(&n, target).into_iter().zip(expected) {
        let mut graph = graph.clone();
        let key = start(&mut graph, &job).unwrap();
        assert_eq!((graph.node("f"), job.kind()), (Some(key), kind));
        assert_filter(&graph, &job, filter, above);
        assert_eq!((users(&graph, kind), frozen(&graph)), (listed.map_to_strings(), edges.map_to_strings()));
        let top = if above == "n4" { "f>n4>n3>n2>n1>n0" } else { "n4>f>n3>n2>n1>n0" };
        assert_eq!((chain_of(&graph, node_of(&graph, "guest")), graph.inconsistencies()), (top.into(), vec![]));
    }
}

trait MapToStrings {
    fn map_to_strings(&self) -> Vec<String>;
}

impl MapToStrings for [&str] {
    fn map_to_strings(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

/// The column "finish": the chain that is left below the guest, and the nodes that are gone. The column "cancel":
/// everything is as before.
#[test]
fn finish_and_cancel_do_what_the_table_says() {
    let expected = [
        ("n4>n1>n0", ["n4", "n1", "-"]),
        ("n4>n1>n0", ["n4", "n1", "-"]),
        ("n2>n1>n0", ["-", "-", "-"]),
        ("t", ["-", "-", "-"]),
        ("n4>n3>n2>n1>n0", ["-", "-", "-"]),
    ];
    let (graph, n, target) = images(5);
    let before = picture(&graph);
    for ((job, _), (left, [renamed, name, other])) in all_jobs(&n, target).into_iter().zip(expected) {
        let mut graph = graph.clone();
        start(&mut graph, &job).unwrap();
        let mut cancelled = graph.clone();
        cancelled.cancel_job(&job).unwrap();
        assert_eq!((picture(&cancelled), cancelled.inconsistencies()), (before.clone(), vec![]), "{job:?}");
        graph.finish_job(&job).unwrap();
        assert_eq!(chain_of(&graph, node_of(&graph, "guest")), left);
        assert_eq!((graph.users().count(), frozen(&graph), graph.inconsistencies()), (1, vec![], vec![]));
        assert_eq!((graph.node("f"), graph.node_count()), (None, 6), "the filter is gone, and no image");
        for (node, stored_name) in n.iter().map(|node| (*node, stored(&graph, *node))) {
            let expected = if common::jobs::name(&graph, node) == renamed { name } else { other };
            assert_eq!(stored_name.as_deref().unwrap_or("-"), expected, "{job:?}");
        }
    }
}

#[test]
fn a_stream_from_the_end_of_the_chain_leaves_no_backing_name() {
    let (mut graph, n, _) = images(3);
    graph.drop_intermediate_as(n[1], n[0], "some").unwrap();
    assert_eq!(stored(&graph, n[2]).as_deref(), Some("some"));
    let job = Job::new("job", "f", Work::Stream { node: n[2], bottom: n[0] });
    start(&mut graph, &job).unwrap();
    // The driver's hook `rename` may refuse.
    common::behave(&mut graph, n[2], Behaviour::RefuseRename);
    let before = graph.save();
    assert_eq!(graph.finish_job(&job).unwrap_err().to_string(), "rename refused");
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    common::behave(&mut graph, n[2], Behaviour::Accept);
    graph.finish_job(&job).unwrap();
    assert_eq!((chain_of(&graph, n[2]), stored(&graph, n[2]), graph.inconsistencies()), ("n2".into(), None, vec![]));
}

/// J2: the three operations of a job, composed of public steps as the table describes them.
mod by_hand {
    use super::{Injected, Job, Work};
    use blockgraph::{DriverOption, Error, MirrorPhase, NodeKey, NodeSpec, OpKinds, Pair, Role, Transaction, UserSpec};

    type T<'a> = Transaction<'a, Injected>;

    /// Performs the start with the given users, the filter's first.
    pub fn start(t: &mut T<'_>, job: &Job, driver: Injected, users: &[(NodeKey, Pair)]) -> Result<(), Error> {
        let spec = NodeSpec::new("f").implicit(true);
        let filter = match job.work {
            Work::Stream { node, bottom } => {
                let filter = t.insert(spec, driver, node)?;
                t.freeze(node, Some(bottom))?;
                filter
            }
            Work::Commit { top, base, .. } | Work::CommitActive { top, base } => {
                let filter = t.insert(spec, driver, top)?;
                t.freeze(filter, Some(base))?;
                filter
            }
            Work::Mirror { source, .. } => t.insert(spec, driver, source)?,
            Work::Backup { source, target } => {
                let filter = t.add(spec, driver)?;
                t.attach(filter, target, "target", Role::DATA)?;
                t.append(filter, source)?;
                filter
            }
            _ => unreachable!(),
        };
        for (number, (node, pair)) in users.iter().enumerate() {
            let node = if number == 0 { filter } else { *node };
            let spec = UserSpec::new(job.user_name(number), *pair).stays(true);
            let user = t.attach_user_as(spec, node)?;
            let reason = format!("block device is in use by block job: {}", job.kind());
            t.block(user, OpKinds::all() - OpKinds::DATAPLANE, reason)?;
        }
        Ok(())
    }

    /// Performs a finish, except that a stream stores a name, or a cancel.
    pub fn end(t: &mut T<'_>, job: &Job, filter: NodeKey, finish: bool, extra: usize) -> Result<(), Error> {
        match job.work {
            Work::Stream { node, bottom } => {
                t.thaw(node, Some(bottom))?;
                let base = super::common::jobs::below(t, bottom);
                if finish {
                    t.set_backing(node, base)?;
                }
            }
            Work::Commit { base, .. } | Work::CommitActive { base, .. } => t.thaw(filter, Some(base))?,
            _ => {}
        }
        for number in 0..=extra {
            t.detach_user(t.user(&job.user_name(number)).unwrap())?;
        }
        match job.work {
            Work::Commit { base, .. } if finish => {
                t.drop_intermediate(filter, base)?;
                return t.release(filter);
            }
            Work::CommitActive { top: from, base: copy } | Work::Mirror { source: from, target: copy } if finish => {
                t.set_option(filter, DriverOption::Phase(MirrorPhase::Stopped))?;
                t.replace_node(from, copy)?;
            }
            _ => {}
        }
        t.drop_filter(filter)
    }
}

#[test]
fn jobs_equal_their_public_steps() {
    let (graph, n, target) = images(5);
    for (job, _) in all_jobs(&n, target) {
        let (mut one, mut other) = (graph.clone(), graph.clone());
        start(&mut one, &job).unwrap();
        let users = one.users().filter_map(|user| one.user_view(user)).filter(|user| **user.name() != *"guest");
        let users: Vec<_> = users.map(|user| (user.node(), user.pair())).collect();
        let mut t = other.transaction();
        by_hand::start(&mut t, &job, driver(&job), &users).unwrap();
        t.commit().unwrap();
        assert_eq!(one.save(), other.save(), "{job:?}");
        let filter = other.node("f").unwrap();
        for finish in [false, true] {
            let (mut one, mut other) = (one.clone(), other.clone());
            if finish {
                one.finish_job(&job).unwrap()
            } else {
                one.cancel_job(&job).unwrap()
            }
            let mut t = other.transaction();
            by_hand::end(&mut t, &job, filter, finish, users.len() - 1).unwrap();
            t.commit().unwrap();
            let (mut one, other) = (one.save(), other.save());
            if let (Work::Stream { .. }, true) = (&job.work, finish) {
                // The stored name of the last node, which no public step writes.
                assert_eq!(one.nodes[4].stored_backing.take().as_deref(), Some("n1"));
                let blockgraph::SavedDriver::Present(driver) = &mut one.nodes[4].driver else { panic!() };
                driver.stored = None;
            }
            assert_eq!(one, other, "{job:?} {finish}");
        }
    }
}

/// A stream with an empty range freezes nothing and has two users; the same child is set again.
#[test]
fn a_stream_of_nothing() {
    let (mut graph, n, _) = images(2);
    let job = Job::new("job", "f", Work::Stream { node: n[1], bottom: n[1] });
    start(&mut graph, &job).unwrap();
    assert_eq!((users(&graph, "stream").len(), frozen(&graph)), (2, vec![]));
    graph.finish_job(&job).unwrap();
    assert_eq!((chain_of(&graph, n[1]), stored(&graph, n[1]).as_deref()), ("n1>n0".into(), Some("n0")));
    assert_eq!((graph.users().count(), graph.inconsistencies()), (1, vec![]));
}

/// A node without its driver ends the chain (S4). If it is the bottom of a stream, it has nothing below it.
#[test]
fn a_stream_whose_bottom_has_lost_its_driver() {
    let (mut graph, n, _) = images(5);
    let job = Job::new("job", "f", Work::Stream { node: n[4], bottom: n[2] });
    start(&mut graph, &job).unwrap();
    graph.eject_driver(n[2]).unwrap();
    graph.finish_job(&job).unwrap();
    assert_eq!((chain_of(&graph, n[4]), stored(&graph, n[4]), graph.inconsistencies()), ("n4".into(), None, vec![]));
}

/// The stored name is that of the explicit node (S4): an implicit filter is not a file.
#[test]
fn a_stream_stores_the_name_of_the_explicit_node() {
    let (mut graph, n, _) = images(3);
    let implicit = Injected::new(Filter, Behaviour::Accept);
    let hidden = graph.insert(NodeSpec::new("hidden").implicit(true), implicit, n[0]).unwrap();
    let job = Job::new("job", "f", Work::Stream { node: n[2], bottom: n[1] });
    start(&mut graph, &job).unwrap();
    graph.finish_job(&job).unwrap();
    assert_eq!((common::jobs::below(&graph, n[2]), stored(&graph, n[2]).as_deref()), (Some(hidden), Some("n0")));
}

/// A stream into a filter on backing, which stores no name.
#[test]
fn a_stream_into_a_filter() {
    let (mut graph, n, _) = images(3);
    // A writing guest would write to the node below, which the job's user there does not share.
    graph.detach_user(graph.user("guest").unwrap()).unwrap();
    let filter = add(&mut graph, "filter", BackingFilter);
    graph.append(filter, n[2]).unwrap();
    let job = Job::new("job", "f", Work::Stream { node: filter, bottom: n[1] });
    start(&mut graph, &job).unwrap();
    graph.finish_job(&job).unwrap();
    assert_eq!((chain_of(&graph, filter), stored(&graph, filter)), ("filter>n0".into(), None));
}

/// A commit below two overlays, which both store the given name; a node between stays if it has a holder.
#[test]
fn a_commit_below_two_overlays() {
    let (mut graph, n, _) = images(4);
    let second = add(&mut graph, "second", Format);
    graph.set_backing(second, Some(n[2])).unwrap();
    let job = Job::new("job", "f", Work::Commit { top: n[2], base: n[0], stored: Some("given".into()) });
    let filter = start(&mut graph, &job).unwrap();
    assert_eq!(parents(&graph, filter), ["job", "n3", "second"]);
    let mut t = graph.transaction();
    t.finish_job(&job).unwrap();
    t.release(n[2]).unwrap();
    t.release(n[1]).unwrap();
    let closed = t.commit().unwrap().closed;
    let names: Vec<_> = closed.iter().map(|closed| closed.name.to_string()).collect();
    assert_eq!(names, ["f", "n2", "n1"], "what is released goes with the filter");
    for overlay in [n[3], second] {
        assert_eq!(stored(&graph, overlay).as_deref(), Some("given"));
    }
    assert_eq!((parents(&graph, n[0]), graph.inconsistencies()), (vec!["second".into(), "n3".into()], vec![]));
}

/// H47: the base of a stream is determined when the stream ends. Its old base goes while it runs.
#[test]
fn a_stream_finds_the_base_that_is_there_in_the_end() {
    let (mut graph, n, _) = images(5);
    let stream = Job::new("stream", "cor", Work::Stream { node: n[4], bottom: n[3] });
    let commit = Job::new("commit", "top", Work::Commit { top: n[2], base: n[0], stored: None });
    start(&mut graph, &stream).unwrap();
    start(&mut graph, &commit).unwrap();
    assert_eq!(chain_of(&graph, node_of(&graph, "guest")), "cor>n4>n3>top>n2>n1>n0");
    let mut t = graph.transaction();
    t.finish_job(&commit).unwrap();
    t.release(n[2]).unwrap();
    t.release(n[1]).unwrap();
    t.commit().unwrap();
    assert_eq!(chain_of(&graph, node_of(&graph, "guest")), "cor>n4>n3>n0");
    graph.finish_job(&stream).unwrap();
    assert_eq!((chain_of(&graph, node_of(&graph, "guest")), graph.inconsistencies()), ("n4>n0".into(), vec![]));
    assert_eq!((stored(&graph, n[4]), stored(&graph, n[3])), (Some("n0".into()), Some("n0".into())));
}

/// The same while a commit still runs: the base is then the commit's filter, and the name is that of the image below.
#[test]
fn a_stream_ends_while_its_base_commits() {
    let (mut graph, n, _) = images(5);
    let stream = Job::new("stream", "cor", Work::Stream { node: n[4], bottom: n[3] });
    let commit = Job::new("commit", "top", Work::Commit { top: n[2], base: n[0], stored: None });
    start(&mut graph, &stream).unwrap();
    start(&mut graph, &commit).unwrap();
    graph.finish_job(&stream).unwrap();
    assert_eq!(chain_of(&graph, n[4]), "n4>top>n2>n1>n0");
    assert_eq!(stored(&graph, n[4]).as_deref(), Some("n2"));
    graph.finish_job(&commit).unwrap();
    assert_eq!((chain_of(&graph, n[4]), stored(&graph, n[4]).as_deref()), ("n4>n0".into(), Some("n0")));
    assert_eq!(graph.inconsistencies(), []);
}

/// Edges that are moved to the filter and back keep their order among the parents (S1), but come after the edges that
/// stayed; the edge of a parent comes first among its children.
#[test]
fn what_a_cancelled_job_does_to_the_lists() {
    let (mut graph, n, target) = images(2);
    let file = add(&mut graph, "file", Protocol);
    graph.attach(n[1], file, "file", Role::DATA | Role::PRIMARY).unwrap();
    graph.attach_user("stays", n[0], Pair::NOTHING, true).unwrap();
    graph.attach_user("late", n[0], Pair::NOTHING, false).unwrap();
    let children = |graph: &Graph<Injected>| {
        let view = graph.get(n[1]).unwrap();
        view.children().map(|edge| graph.edge(edge).unwrap().name().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (parents(&graph, n[0]).join(" "), children(&graph).join(" ")),
        ("late stays n1".into(), "file backing".into())
    );
    let job = Job::new("job", "f", Work::Backup { source: n[0], target });
    let filter = start(&mut graph, &job).unwrap();
    assert_eq!(
        (parents(&graph, filter).join(" "), parents(&graph, n[0]).join(" ")),
        ("job n1 late".into(), "f stays".into())
    );
    graph.cancel_job(&job).unwrap();
    assert_eq!(
        (parents(&graph, n[0]).join(" "), children(&graph).join(" ")),
        ("late n1 stays".into(), "backing file".into())
    );
    assert_eq!(graph.inconsistencies(), []);
}

/// Jobs one after the other in one transaction, each start and end as one step.
#[test]
fn jobs_in_a_transaction() {
    let (mut graph, n, target) = images(3);
    let mirror = Job::new("mirror", "f", Work::Mirror { source: n[2], target });
    let commit = Job::new("commit", "g", Work::Commit { top: n[1], base: n[0], stored: None });
    let before = picture(&graph);
    let mut t = graph.transaction();
    t.start_job(&mirror, driver(&mirror)).unwrap();
    t.start_job(&commit, driver(&commit)).unwrap();
    t.finish_job(&commit).unwrap();
    t.cancel_job(&mirror).unwrap();
    assert_eq!(t.steps(), 4);
    let error = t.cancel_job(&mirror).unwrap_err();
    assert_eq!((error.step(), error.to_string().as_str()), (Some(4), "Device 'mirror' not found"));
    let savepoint = t.savepoint();
    // The name of the filter is free after the transaction (L2).
    let error = t.start_job(&mirror, driver(&mirror)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::DuplicateNode { .. }));
    t.rollback_to(savepoint).unwrap();
    t.commit().unwrap();
    assert_eq!((chain_of(&graph, n[2]), graph.users().count(), graph.inconsistencies()), ("n2>n0".into(), 1, vec![]));
    let mut t = graph.transaction();
    t.start_job(&mirror, driver(&mirror)).unwrap();
    drop(t);
    graph.set_backing(n[2], Some(n[1])).unwrap();
    assert_eq!(graph.node("f"), None);
    assert_eq!(picture(&graph).users, before.users);
}

/// The graph stores nothing about a job (J2), so a saved and restored graph has everything that a finish needs.
#[test]
fn a_job_outlives_the_daemon() {
    let (mut graph, n, target) = images(5);
    for (job, _) in all_jobs(&n, target) {
        let mut graph = graph.clone();
        start(&mut graph, &job).unwrap();
        let mut restored = Graph::restore(&graph.save()).unwrap();
        let keys: Vec<_> = n.iter().map(|node| restored.node(&name(&graph, *node)).unwrap()).collect();
        let copies = all_jobs(&keys, restored.node("t").unwrap()).map(|(job, _)| job);
        let copy =
            copies.into_iter().find(|copy| core::mem::discriminant(&copy.work) == core::mem::discriminant(&job.work));
        restored.finish_job(&copy.unwrap()).unwrap();
        graph.finish_job(&job).unwrap();
        assert_eq!((restored.save(), restored.inconsistencies()), (graph.save(), vec![]));
    }
    start(&mut graph, &Job::new("job", "f", Work::Backup { source: n[0], target })).unwrap();
}

#[test]
fn job_users_are_named_by_numbers() {
    let job = Job::new("job", "f", Work::Mirror { source: Default::default(), target: Default::default() });
    assert_eq!([0, 1, 12].map(|number| job.user_name(number).to_string()), ["job", "job#1", "job#12"]);
}

/// J8: which of the common users can share a node.
#[test]
fn common_users_of_one_node() {
    let pairs = [
        common_users::NBD_READER,
        common_users::NBD_WRITER,
        common_users::VHOST_USER_READER,
        common_users::VHOST_USER_WRITER,
        common_users::GUEST_READER,
        common_users::GUEST,
        common_users::SHARED_GUEST_READER,
        common_users::SHARED_GUEST,
    ];
    let expected = ["........", "....xx..", "........", "....xx..", ".x.x.x.x", ".x.xxx.x", "........", "....xx.."];
    for (first, row) in pairs.into_iter().zip(expected) {
        for (second, mark) in pairs.into_iter().zip(row.chars()) {
            let mut graph: Graph<Injected> = Graph::new();
            let disk = add(&mut graph, "disk", Protocol);
            graph.attach_user("first", disk, first, false).unwrap();
            let together = graph.attach_user("second", disk, second, false).is_ok();
            assert_eq!(together, mark == '.', "{first:?} {second:?}");
            assert_eq!(!together, first.conflicts_with(second));
        }
    }
    // A user that resizes: only vhost-user-blk and shared guests accept it.
    let shares_resize = pairs.map(|pair| pair.share.contains(blockgraph::Permissions::RESIZE));
    assert_eq!(shares_resize, [false, false, true, true, false, false, true, true]);
    assert!(!READER.conflicts_with(common_users::GUEST));
}
