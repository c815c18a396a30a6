//! The comparisons can fail: everything that can be seen of a graph is altered, one thing at a time, and every answer is
//! made wrong in one respect at a time. A comparison that overlooks any of it is found here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

use blockgraph_conformance::compare::{agrees, check_step, difference, same};
use blockgraph_conformance::impl_subject::ImplSubject;
use blockgraph_conformance::model_subject::{self, observe};
use blockgraph_conformance::restore::restore_into;
use blockgraph_conformance::subject::{Answer, Subject};
use blockgraph_conformance::text::record::Record;
use blockgraph_conformance::text::{Names, Step, parse, seen};
use blockgraph_model::op::Opt;
use blockgraph_model::step::Work;
use blockgraph_model::{
    ChildName, EdgeId, Grant, Hook, Kind, Node, NodeId, Outcome, Perms, Refusal, State, StepError, UserId, Violation,
    execute,
};
use std::collections::BTreeSet;

type Graph = State<24, 24>;
type Checks = Vec<(NodeId, Grant)>;

/// Every kind of thing, most of them alone, so that each of their features can be altered without any other.
const BASE: &str = "
add node=lone kind=protocol
add node=seal kind=protocol flags=ro
add node=idle kind=blkdebug take=w unshare=g
add node=quo kind=quorum rewrite=on
add node=sel kind=write-to-selected select=one
add node=x kind=protocol
add node=y kind=protocol
add node=np kind=no-permission
attach parent=np child=x name=one role=d
attach parent=np child=y name=two role=d
add node=z kind=protocol
add node=twice kind=no-permission
attach parent=twice child=z name=one role=d
attach parent=twice child=z name=two role=d
add node=other kind=no-permission
attach parent=other child=z name=one role=d
add node=disk kind=protocol
add node=image kind=format
attach parent=image child=disk name=file role=dmp
add node=throttle kind=filter
append new=throttle top=image
attach-user user=guest node=throttle need=rw share=all-w
attach-user user=job node=image need=- share=all stay=on
add node=debugged kind=protocol
add node=dbg kind=blkdebug take=w unshare=g
attach parent=dbg child=debugged name=file role=fp
attach-user user=wide node=debugged need=w share=all-g
add node=base kind=no-permission
add node=overlay kind=no-permission
add node=mirror kind=backing-filter
append new=overlay top=base
append new=mirror top=overlay
freeze top=mirror base=overlay
add node=lag kind=protocol
attach-user user=late node=lag need=w share=all
refuse node=lag hook=check
set-user user=late need=- share=all
";

/// The lines after [`BASE`], in its names.
fn after_base(lines: &str) -> (Vec<Step>, Names) {
    let (scenario, _) = parse(&format!("{BASE}{lines}")).unwrap_or_else(|problem| panic!("{lines}: {problem}"));
    let skipped = BASE.lines().filter(|line| !line.is_empty() && !line.starts_with("refuse")).count();
    (scenario.steps().skip(skipped).cloned().collect(), scenario.names)
}

fn base() -> Graph {
    let mut state = Graph::default();
    for step in parse(BASE).unwrap().0.steps() {
        match execute(&state, step.body.ops(), &step.refusals) {
            Outcome::Done { next, .. } => state = next,
            other => panic!("{step:?}: {other:?}"),
        }
    }
    state
}

/// The state after these lines, without any judgement: drivers have granted what they had granted before.
fn altered(lines: &str) -> Graph {
    let mut work = Work::new(base());
    for op in after_base(lines).0.iter().flat_map(|step| step.body.ops()) {
        work.step(*op).unwrap_or_else(|error| panic!("{lines}: {error:?}"));
    }
    work.close();
    work.graph
}

fn node(name: &str) -> NodeId {
    after_base("").1.known_node(name).unwrap()
}

fn changed(name: &str, change: impl FnOnce(&mut Node)) -> Graph {
    let mut state = base();
    change(&mut state.nodes[usize::from(node(name).0)]);
    state
}

fn restored(state: &Graph) -> ImplSubject {
    let mut subject = ImplSubject::new();
    restore_into(&mut subject, state).unwrap();
    subject
}

/// What is seen differently, as `thing.field`, or `-thing` and `+thing`.
fn changes(before: &Graph, after: &Graph, names: &Names) -> Vec<String> {
    let all = |state| seen::seen_records(&observe(state));
    let name = |record: &Record| match record.verb {
        "graph" => "graph".to_owned(),
        _ => format!("{} {}", record.verb, record.fields[0].1.print(names)),
    };
    let (before, after) = (all(before), all(after));
    let find = |records: &[Record], wanted: &str| records.iter().find(|r| name(r) == wanted).cloned();
    let mut found = Vec::new();
    for old in &before {
        let Some(new) = find(&after, &name(old)) else {
            found.push(format!("-{}", name(old)));
            continue;
        };
        let keys = old.fields.iter().map(|(key, _)| *key);
        let differing = keys.filter(|key| old.get(key) != new.get(key));
        found.extend(differing.map(|key| format!("{}.{key}", name(old))));
    }
    let added = after.iter().filter(|new| find(&before, &name(new)).is_none());
    found.extend(added.map(|new| format!("+{}", name(new))));
    found
}

/// Every alteration, and everything that is then seen differently.
fn alterations() -> Vec<(Graph, &'static str)> {
    let flag = |name, flag: fn(&mut Node) -> &mut bool| changed(name, |n| *flag(n) ^= true);
    vec![
        (changed("lone", |n| n.kind = Some(Kind::NoPermission)), "node lone.kind"),
        (changed("idle", |n| n.opt = Opt::Debug { take: Perms(3), unshare: Perms(16) }), "node idle.take"),
        (changed("idle", |n| n.opt = Opt::Debug { take: Perms(2), unshare: Perms(0) }), "node idle.unshare"),
        (changed("quo", |n| n.opt = Opt::Rewrite(false)), "node quo.rewrite"),
        (changed("sel", |n| n.opt = Opt::Select(None)), "node sel.select"),
        (altered("set-option node=sel select=two"), "node sel.select"),
        (flag("lone", |n| &mut n.flags.read_only), "node lone.flags, node lone.stale"),
        (flag("seal", |n| &mut n.flags.force_share), "node seal.flags"),
        (flag("lone", |n| &mut n.flags.no_io), "node lone.flags"),
        (flag("lone", |n| &mut n.flags.never_freeze), "node lone.flags"),
        (changed("lone", |n| n.holders = 2), "node lone.holders"),
        (changed("x", |n| n.holders = 0), "node x.holders"),
        (changed("lone", |n| n.granted.pair.need = Perms(1)), "node lone.stale, node lone.granted-need"),
        (changed("lone", |n| n.granted.pair.share = Perms(30)), "node lone.stale, node lone.granted-share"),
        (changed("lone", |n| n.granted.writable = false), "node lone.stale, node lone.granted-writable"),
        (changed("lag", |n| n.granted.pair.need = Perms(0)), "node lag.stale, node lag.granted-need"),
        (altered("add node=new kind=protocol"), "graph.nodes, +node new"),
        (altered("release node=lone"), "graph.nodes, -node lone"),
        (altered("attach-user user=new node=lone need=- share=all"), "graph.users, node lone.parents, +user new"),
        (altered("detach-user user=job"), "graph.users, -user job, node image.parents"),
        (
            altered("detach-user user=job\nattach-user user=new node=image need=- share=all stay=on"),
            "graph.users, -user job, node image.parents, +user new",
        ),
        (altered("detach-user user=job\nattach-user user=job node=image need=- share=all"), "user job.stay"),
        (altered("replace-user-child user=job to=lone"), "user job.node, node lone.parents, node image.parents"),
        (altered("set-user user=wide need=- share=all-g"), "user wide.need"),
        (altered("set-user user=wide need=w share=all"), "user wide.share"),
        (altered("set-user user=job need=g share=all"), "user job.need, node image.need, node image.stale"),
        (altered("set-user user=late need=- share=w"), "user late.share, node lag.share"),
        (altered("detach parent=np name=two\nattach parent=np child=y name=two role=m"), "edge np/two.role"),
        (
            altered("detach parent=np name=two\nattach parent=np child=y name=three role=d"),
            "node y.parents, node np.children, -edge np/two, +edge np/three",
        ),
        (altered("replace-child parent=np name=two to=lone"), "node lone.parents, node y.parents, edge np/two.to"),
        (altered("detach parent=np name=two"), "node y.parents, node np.children, -edge np/two"),
        (altered("detach parent=twice name=one"), "node z.parents, node twice.children, -edge twice/one"),
        (
            altered("attach parent=np child=lone name=three role=d"),
            "node lone.parents, node np.children, +edge np/three",
        ),
        (altered("thaw top=mirror base=overlay"), "edge mirror/backing.frozen"),
        (altered("freeze top=overlay base=base"), "edge overlay/backing.frozen"),
        (altered("set-option node=dbg take=- unshare=g"), "node dbg.take, edge dbg/file.need"),
        (altered("set-option node=dbg take=w unshare=-"), "node dbg.unshare, edge dbg/file.share"),
        // The order of two children, of two parents, of a user and a parent, of two edges between the same nodes.
        (altered("detach parent=np name=one\nattach parent=np child=x name=one role=d"), "node np.children"),
        (altered("detach parent=twice name=two\nattach parent=twice child=z name=two role=d"), "node z.parents"),
        (altered("set-file node=throttle to=image"), "node image.parents"),
        (
            altered("detach parent=twice name=one\nattach parent=twice child=z name=one role=d"),
            "node z.parents, node twice.children",
        ),
    ]
}

#[test]
fn every_alteration_is_seen() {
    let base = base();
    let subject = restored(&base);
    assert!(same(&subject, &base));
    assert_eq!(difference(&observe(&base), &subject.observe()), Vec::<String>::new());
    let names = parse(&format!(
        "{BASE}add node=new kind=protocol\nattach-user user=new node=x need=- share=-\nname child=three"
    ))
    .unwrap()
    .0
    .names;
    let mut covered = BTreeSet::new();
    for (altered, expected) in alterations() {
        let found = changes(&base, &altered, &names);
        let mut wanted: Vec<&str> = expected.split(", ").collect();
        wanted.sort_unstable();
        let mut sorted: Vec<&str> = found.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        assert_eq!(sorted, wanted);
        assert!(!same(&subject, &altered), "overlooked: {expected}");
        assert!(!difference(&observe(&altered), &subject.observe()).is_empty(), "overlooked: {expected}");
        // The other way round.
        let other = restored(&altered);
        assert!(same(&other, &altered) && !same(&other, &base), "overlooked: {expected}");
        covered.extend(found.iter().filter_map(|change| {
            let (thing, field) = change.rsplit_once('.')?;
            Some(format!("{} {field}", thing.split(' ').next()?))
        }));
    }
    let fields = seen::seen_records(&observe(&base)).into_iter().flat_map(|record| {
        let named = usize::from(record.verb != "graph");
        record.fields.into_iter().skip(named).map(move |(key, _)| format!("{} {key}", record.verb))
    });
    let missed: BTreeSet<String> = fields.filter(|field| !covered.contains(field) && field != "node options").collect();
    assert_eq!(missed, BTreeSet::new(), "nothing above alters these");
}

/// A crate whose drivers changed behind its back has pairs that are not theirs: only the pair of one edge is wrong then.
#[test]
fn a_wrong_pair_is_seen() {
    for lines in ["set-option node=dbg take=- unshare=g", "set-option node=dbg take=w unshare=-"] {
        let altered = altered(lines);
        let mut subject = restored(&base());
        let (key, right) = (subject.keys.node(node("dbg")), restored(&altered));
        let preset = right.graph.driver(right.keys.node(node("dbg"))).unwrap().preset.clone();
        subject.graph.driver_mut(key).unwrap().preset = preset;
        assert!(!same(&subject, &altered), "overlooked after {lines}");
        assert!(subject.fault().is_some(), "the crate itself does not notice");
    }
}

/// Names that stand for other nodes and users than they should.
#[test]
fn swapped_names_are_seen() {
    let base = base();
    let (x, y) = (node("x"), node("y"));
    let mut subject = restored(&base);
    let (key_x, key_y) = (subject.keys.node(x), subject.keys.node(y));
    subject.graph.driver_mut(key_x).unwrap().id = y;
    assert!(!same(&subject, &base));

    let mut subject = restored(&base);
    subject.keys.set_node(x, key_y);
    assert!(!same(&subject, &base));

    let mut subject = restored(&base);
    subject.keys.set_user(UserId(2), subject.keys.user(UserId(3)));
    assert!(!same(&subject, &base));
}

/// A node and a user that are called otherwise in the crate, and like all the others in everything else.
#[test]
fn wrong_names_are_seen() {
    let (base, names) = (base(), after_base("name node=new\nname user=new").1);
    let (lone, new) = (node("lone"), names.known_node("new").unwrap());
    let mut subject = restored(&altered("release node=lone\nadd node=new kind=protocol"));
    let key = subject.keys.node(new);
    subject.keys.set_node(lone, key);
    subject.graph.driver_mut(key).unwrap().id = lone;
    assert!(!same(&subject, &base));

    let (job, new) = (names.known_user("job").unwrap(), names.known_user("new").unwrap());
    let lines = "detach-user user=job\nattach-user user=new node=image need=- share=all stay=on";
    let mut subject = restored(&altered(lines));
    subject.keys.set_user(job, subject.keys.user(new));
    assert!(!same(&subject, &base));
}

// ---- answers

/// What these lines do in the base state.
fn outcome(line: &str) -> Outcome<24, 24> {
    let (steps, _) = after_base(line);
    let [step] = steps.as_slice() else { panic!("one step: {line}") };
    execute(&base(), step.body.ops(), &step.refusals)
}

/// The right answer agrees; the wrong ones do not.
fn refuses(outcome: &Outcome<24, 24>, right: &Answer, wrong: &[Answer]) {
    assert_eq!(agrees(outcome, right), None);
    for answer in wrong {
        assert_ne!(answer, right, "not wrong at all");
        assert!(agrees(outcome, answer).is_some(), "overlooked: {answer:?} instead of {right:?}");
    }
}

const DONE: &str = "transaction { set-read-only node=overlay value=on; set-read-only node=base value=on; \
                    set-read-only node=lone value=on; release node=quo; release node=sel }";
const FAILED: &str = "transaction { release node=lone; detach parent=np name=file }";
const VIOLATES: &str = "attach-user user=new node=debugged need=g share=r";
const REFUSED: &str = "refuse node=lone hook=check\nattach-user user=new node=lone need=r share=all";

#[test]
fn wrong_effects_are_refused() {
    let outcome = outcome(DONE);
    let Answer::Done { prepare, check, closed } = model_subject::answer(&outcome) else { panic!("{outcome:?}") };
    assert_eq!((prepare.len(), closed.len()), (3, 2));
    let check = right_order(check);
    let first = check.iter().position(|(id, _)| *id == node("lone")).unwrap();
    let with_prepare = |change: &dyn Fn(&mut Vec<NodeId>)| {
        let mut prepare = prepare.clone();
        change(&mut prepare);
        Answer::Done { prepare, check: check.clone(), closed: closed.clone() }
    };
    let with_closed = |change: &dyn Fn(&mut Vec<NodeId>)| {
        let mut closed = closed.clone();
        change(&mut closed);
        Answer::Done { prepare: prepare.clone(), check: check.clone(), closed }
    };
    let with_check = |change: &dyn Fn(&mut Checks)| {
        let mut check = check.clone();
        change(&mut check);
        Answer::Done { prepare: prepare.clone(), check, closed: closed.clone() }
    };
    let right = with_check(&|_| {});
    let wrong = [
        with_prepare(&|p| p.swap(0, 1)),
        with_prepare(&|p| p.truncate(2)),
        with_prepare(&|p| p.push(node("x"))),
        with_prepare(&|p| p.push(p[0])),
        with_closed(&|c| c.swap(0, 1)),
        with_closed(&|c| c.truncate(1)),
        with_closed(&|c| c.push(node("x"))),
        // Upwards: the child before its parent.
        with_check(&|c| c.reverse()),
        with_check(&|c| c.retain(|(id, _)| *id != node("lone"))),
        with_check(&|c| c.push(c[0])),
        with_check(&|c| c[first].0 = node("x")),
        with_check(&|c| c[first].1.pair.need = Perms(1)),
        with_check(&|c| c[first].1.pair.share = Perms(1)),
        with_check(&|c| c[first].1.writable ^= true),
    ];
    refuses(&outcome, &right, &wrong);
    // The order of unrelated nodes is free (V5.2).
    assert_eq!(agrees(&outcome, &with_check(&|c| c.rotate_right(1))), None);
}

/// The plan as the crate may go through it: parents before children (`base` has a smaller number than `overlay`).
fn right_order(mut check: Checks) -> Checks {
    let (above, below) = (node("overlay"), node("base"));
    let place = |check: &[(NodeId, _)], id| check.iter().position(|(other, _)| *other == id).unwrap();
    let (a, b) = (place(&check, above), place(&check, below));
    assert!(b < a);
    check.swap(a, b);
    check
}

#[test]
fn wrong_errors_are_refused() {
    let outcome = outcome(FAILED);
    let right = model_subject::answer(&outcome);
    let (parent, file) = (node("np"), ChildName::FILE);
    let failed = |index, error| Answer::Failed { index, error };
    assert_eq!(right, failed(1, StepError::ChildNotFound { parent, name: file }));
    let wrong = [
        failed(0, StepError::ChildNotFound { parent, name: file }),
        failed(2, StepError::ChildNotFound { parent, name: file }),
        failed(1, StepError::DuplicateChild { parent, name: file }),
        failed(1, StepError::ChildNotFound { parent: node("x"), name: file }),
        failed(1, StepError::ChildNotFound { parent, name: ChildName::BACKING }),
        failed(1, StepError::NodeNotFound { node: parent }),
    ];
    refuses(&outcome, &right, &wrong);
}

#[test]
fn wrong_violations_are_refused() {
    let outcome = outcome(VIOLATES);
    let Answer::Violates(all) = model_subject::answer(&outcome) else { panic!("{outcome:?}") };
    assert!(all.len() >= 3, "{all:?}");
    let one = |violation| Answer::Violates(vec![violation]);
    let Violation::Conflict { node: at, needs, denies } = all[0] else { panic!("{all:?}") };
    let elsewhere = EdgeId::User(UserId(0));
    let wrong = [
        Answer::Violates(Vec::new()),
        Answer::Violates(all.clone()),
        Answer::Violates(vec![all[0], all[1]]),
        Answer::Violates(vec![all[0], all[0]]),
        one(Violation::Conflict { node: node("x"), needs, denies }),
        one(Violation::Conflict { node: at, needs, denies: needs }),
        one(Violation::Conflict { node: at, needs: elsewhere, denies }),
        one(Violation::Conflict { node: at, needs, denies: elsewhere }),
        one(Violation::ReadOnly { node: at }),
        one(Violation::Cycle { edge: needs }),
    ];
    // V4: any one of the set is right.
    all.iter().for_each(|&violation| refuses(&outcome, &one(violation), &wrong));
    cycles_and_read_only();
}

fn cycles_and_read_only() {
    let cyclic = outcome("attach parent=base child=overlay name=two role=d");
    let Answer::Violates(all) = model_subject::answer(&cyclic) else { panic!("{cyclic:?}") };
    assert_eq!(all.len(), 2, "{all:?}");
    let off = EdgeId::Child(node("mirror"), ChildName::BACKING);
    let one = |violation| Answer::Violates(vec![violation]);
    refuses(
        &cyclic,
        &one(all[1]),
        &[one(Violation::Cycle { edge: off }), one(Violation::ReadOnly { node: node("base") })],
    );

    let read_only = outcome("set-read-only node=debugged value=on");
    let right = one(Violation::ReadOnly { node: node("debugged") });
    refuses(&read_only, &right, &[one(Violation::ReadOnly { node: node("dbg") }), one(all[0])]);
}

#[test]
fn wrong_refusals_are_refused() {
    let outcome = outcome(REFUSED);
    let refused = |name, hook| Answer::Refused(Refusal { node: node(name), hook });
    let wrong = [refused("lone", Hook::Prepare), refused("x", Hook::Check)];
    refuses(&outcome, &refused("lone", Hook::Check), &wrong);
}

/// No answer of one sort will do for another.
#[test]
fn sorts_are_not_mixed_up() {
    let outcomes = [DONE, FAILED, VIOLATES, REFUSED].map(outcome);
    let nothing = Answer::Done { prepare: Vec::new(), check: Vec::new(), closed: Vec::new() };
    for (i, outcome) in outcomes.iter().enumerate() {
        assert!(agrees(outcome, &nothing).is_some());
        for (_, other) in outcomes.iter().enumerate().filter(|(j, _)| *j != i) {
            assert!(agrees(outcome, &model_subject::answer(other)).is_some());
        }
    }
}

/// The comparison after a step looks at all three: the answer, the graph, what the crate says of itself.
#[test]
fn a_step_is_looked_at_from_all_sides() {
    let (before, outcome) = (base(), outcome(DONE));
    let Outcome::Done { next, .. } = &outcome else { panic!("{outcome:?}") };
    let mut subject = restored(&before);
    let answer = subject.apply(after_base(DONE).0[0].body.ops(), &[]);
    assert_eq!(check_step(&outcome, &answer, &subject, next), None);
    assert!(check_step(&outcome, &answer, &subject, &before).is_some(), "the graph");
    let refused = Answer::Violates(Vec::new());
    assert!(check_step(&outcome, &refused, &subject, next).is_some(), "the answer");
    subject.fault = Some("left something".to_owned());
    assert_eq!(check_step(&outcome, &answer, &subject, next).as_deref(), Some("left something"));
}
