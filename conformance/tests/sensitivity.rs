//! The comparisons can fail: everything that can be seen of a graph is altered, one thing at a time, and every answer is
//! made wrong in one respect at a time. A comparison that overlooks any of it is found here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

use blockgraph_conformance::compare::{agrees, check_step, difference, same};
use blockgraph_conformance::impl_subject::ImplSubject;
use blockgraph_conformance::model_subject::{self, observe};
use blockgraph_conformance::restore::restore_into;
use blockgraph_conformance::subject::{Answer, Effects, Subject};
use blockgraph_conformance::text::record::Record;
use blockgraph_conformance::text::{Names, Step, parse, seen};
use blockgraph_conformance::translate::node_name;
use blockgraph_model::op::Opt;
use blockgraph_model::step::Work;
use blockgraph_model::{
    ChildName, Context, EdgeId, Grant, Hook, Inherits, Kind, Node, NodeId, OpKind, Outcome, Perms, Phase, Refusal,
    State, StepError, UserId, Violation, execute,
};
use std::collections::BTreeSet;

type Graph = State<40, 40>;
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
add node=home kind=no-permission
open-child parent=home node=heir kind=protocol name=one role=d
add node=keeper kind=no-permission
add node=kept kind=no-permission
append new=keeper top=kept store=on
block user=job kinds=resize
add node=deep kind=protocol
add node=dead kind=format
attach parent=dead child=deep name=file role=dmp
add node=gone kind=quorum rewrite=on
transaction { eject node=dead; eject node=gone }
add node=mt kind=mirror-top phase=commit
add node=fl kind=file unaligned=on
add node=rest kind=protocol flags=inactive
attach-user user=sleeper node=rest need=rw share=all-w may-inactivate=on
add node=far kind=protocol
attach-user user=mover node=far need=- share=all fixed=on context=2
add node=calm kind=no-permission
drain-begin node=calm
add node=it kind=filter
add node=ib kind=protocol
append new=it top=ib
add node=ab kind=protocol flags=inactive
add node=at kind=filter flags=inactive
append new=at top=ab
add node=s1 kind=format
add node=s2 kind=format
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
        state = done(&state, step);
    }
    state
}

fn done(state: &Graph, step: &Step) -> Graph {
    match execute(state, step.body.ops(), &step.refusals) {
        Outcome::Done { next, .. } => next,
        other => panic!("{step:?}: {other:?}"),
    }
}

/// The state after these lines, without any judgement: drivers have granted what they had granted before.
fn altered(lines: &str) -> Graph {
    let base = base();
    let mut work = Work::new(&base);
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

/// Every alteration of what a node says of itself, and everything that is then seen differently.
fn alterations_of_nodes() -> Vec<(Graph, &'static str)> {
    let flag = |name, flag: fn(&mut Node) -> &mut bool| changed(name, |n| *flag(n) ^= true);
    let (np, home) = (node("np"), node("home"));
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
        (changed("x", |n| n.monitor = false), "node x.monitor"),
        (changed("home", |n| (n.monitor, n.holders) = (false, 1)), "node home.monitor, node home.holders"),
        (flag("throttle", |n| &mut n.flags.implicit), "node throttle.flags"),
        (changed("heir", |n| n.inherits = None), "node heir.inherits, node heir.own-read-only"),
        (changed("heir", |n| n.inherits = Some(Inherits { from: np, read_only: true })), "node heir.inherits"),
        (changed("heir", |n| n.inherits = Some(Inherits { from: home, read_only: false })), "node heir.own-read-only"),
        (changed("lone", |n| n.inherits = Some(Inherits { from: np, read_only: false })), "node lone.inherits"),
        (changed("keeper", |n| n.stored = None), "node keeper.stored"),
        (changed("keeper", |n| n.stored = Some(np)), "node keeper.stored"),
        (changed("image", |n| n.stored = Some(np)), "node image.stored"),
        // A node without its driver shows what it had.
        (changed("dead", |n| n.kind = Some(Kind::NoPermission)), "node dead.kind"),
        (changed("gone", |n| n.opt = Opt::Rewrite(false)), "node gone.rewrite"),
        (changed("dead", |n| n.granted.writable = false), "node dead.granted-writable"),
        (changed("mt", |n| n.opt = Opt::Phase(Phase::Stopped)), "node mt.phase"),
        (changed("fl", |n| n.opt = Opt::Unaligned(false)), "node fl.unaligned"),
        (changed("far", |n| n.context = Context(1)), "node far.context, user mover.context"),
        (changed("lone", |n| n.context = Context(3)), "node lone.context"),
        (changed("calm", |n| n.sections = 2), "node calm.sections, node calm.quiesce"),
        (altered("drain-end node=calm"), "node calm.sections, node calm.quiesce"),
        (altered("drain-begin node=throttle"), "node throttle.sections, node throttle.quiesce, user guest.quiesced"),
        // From below only the counts change.
        (altered("drain-begin node=y"), "node y.sections, node y.quiesce, node np.quiesce"),
        (altered("drain-begin node=z"), "node z.sections, node z.quiesce, node twice.quiesce, node other.quiesce"),
        (flag("lone", |n| &mut n.flags.inactive), "node lone.flags, node lone.stale"),
        (
            flag("rest", |n| &mut n.flags.inactive),
            "node rest.flags, node rest.need, node rest.share, node rest.stale, user sleeper.need, user sleeper.share",
        ),
        (altered("eject node=lone"), "node lone.driver"),
        (altered("eject node=lag"), "node lag.driver, node lag.stale"),
        // (Without a judgement the pair that stays is that of an edge made in the same transaction.)
        (altered("eject node=dbg"), "node dbg.driver, edge dbg/file.need, edge dbg/file.share"),
        (altered("unblock user=job kinds=resize"), "user job.blocks"),
        (altered("block user=job kinds=stream"), "user job.blocks"),
        (altered("block user=wide kinds=replace"), "user wide.blocks"),
        (changed("lone", |n| n.granted.pair.need = Perms(1)), "node lone.stale, node lone.granted-need"),
        (changed("lone", |n| n.granted.pair.share = Perms(30)), "node lone.stale, node lone.granted-share"),
        (changed("lone", |n| n.granted.writable = false), "node lone.stale, node lone.granted-writable"),
        (changed("lag", |n| n.granted.pair.need = Perms(0)), "node lag.stale, node lag.granted-need"),
    ]
}

/// The same of users and edges, and of what there is at all.
fn alterations_around() -> Vec<(Graph, &'static str)> {
    vec![
        (altered("add node=new kind=protocol"), "graph.nodes, +node new"),
        (altered("release node=lone"), "graph.nodes, -node lone"),
        (altered("attach-user user=new node=lone need=- share=all"), "graph.users, node lone.parents, +user new"),
        (altered("detach-user user=job"), "graph.users, -user job, node image.parents"),
        (
            altered("detach-user user=job\nattach-user user=new node=image need=- share=all stay=on"),
            "graph.users, -user job, node image.parents, +user new",
        ),
        (
            altered("detach-user user=job\nattach-user user=job node=image need=- share=all"),
            "user job.stay, user job.blocks",
        ),
        (
            altered("detach-user user=sleeper\nattach-user user=sleeper node=rest need=rw share=all-w"),
            "user sleeper.may-inactivate",
        ),
        (altered("detach-user user=mover\nattach-user user=mover node=far need=- share=all"), "user mover.fixed"),
        // What a user of an inactive node wants nobody else sees.
        (altered("set-user user=sleeper need=w share=all-w"), "user sleeper.wanted-need"),
        (altered("set-user user=sleeper need=rw share=all"), "user sleeper.wanted-share"),
        (altered("replace-user-child user=job to=lone"), "user job.node, node lone.parents, node image.parents"),
        (altered("set-user user=wide need=- share=all-g"), "user wide.need, user wide.wanted-need"),
        (altered("set-user user=wide need=w share=all"), "user wide.share, user wide.wanted-share"),
        (
            altered("set-user user=job need=g share=all"),
            "user job.need, user job.wanted-need, node image.need, node image.stale",
        ),
        (altered("set-user user=late need=- share=w"), "user late.share, user late.wanted-share, node lag.share"),
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
    for (altered, expected) in alterations_of_nodes().into_iter().chain(alterations_around()) {
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
    // Open drain-alls are a test of their own: they are seen of every node.
    let others = ["node options", "graph drain-alls"];
    let missed: BTreeSet<String> =
        fields.filter(|field| !covered.contains(field) && !others.contains(&field.as_str())).collect();
    assert_eq!(missed, BTreeSet::new(), "nothing above alters these");
}

/// A drain-all more or less is seen of the graph, of every node and of every user.
#[test]
fn drain_alls_are_seen() {
    let (none, names) = (base(), after_base("").1);
    let with = |drain_alls| {
        let mut state = none;
        state.drain_alls = drain_alls;
        state
    };
    let seen = changes(&none, &with(1), &names);
    assert!(seen.contains(&"graph.drain-alls".to_owned()));
    let quiet = |thing: &str| seen.contains(&format!("node {thing}.quiesce"));
    assert!(none.names().all(|id| quiet(names.node(id))), "{seen:?}");
    assert!(seen.contains(&"user wide.quiesced".to_owned()), "{seen:?}");
    for (right, wrong) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let subject = restored(&with(right));
        assert!(same(&subject, &with(right)) && !same(&subject, &with(wrong)));
        let lines = difference(&observe(&with(wrong)), &subject.observe());
        assert!(lines.contains(&format!("graph: drain-alls={wrong} against drain-alls={right}")), "{lines:?}");
    }
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

/// The reason that a user gave, and what is kept beside the graph of drivers that are gone.
#[test]
fn what_is_beside_the_records_is_seen() {
    let base = base();
    let mut subject = restored(&base);
    let job = subject.keys.user(after_base("").1.known_user("job").unwrap());
    subject.graph.block(job, blockgraph::OpKinds::RESIZE, "for no reason").unwrap();
    assert!(!same(&subject, &base), "another reason");

    let mut subject = restored(&base);
    subject.ejected.clear();
    assert!(!same(&subject, &base));
    assert!(!difference(&observe(&base), &subject.observe()).is_empty());

    let mut subject = restored(&base);
    subject.ejected[0].1 = subject.ejected[1].1.clone();
    assert!(!same(&subject, &base));
    assert!(!difference(&observe(&base), &subject.observe()).is_empty());

    // A text that is no node's name is not the same as none.
    let mut state = base;
    for step in after_base("append new=s1 top=seal\nappend new=s2 top=s1\ndrop-intermediate top=s1 base=seal").0 {
        state = done(&state, &step);
    }
    for name in [&*node_name(node("seal")), "no node at all"] {
        let mut subject = restored(&base);
        let [top, bottom, over] = ["s1", "seal", "s2"].map(|name| subject.keys.node(node(name)));
        subject.graph.append(top, bottom).unwrap();
        subject.graph.append(over, top).unwrap();
        subject.graph.drop_intermediate_as(top, bottom, name).unwrap();
        let mut nameless = state;
        nameless.nodes[usize::from(node("s2").0)].stored = None;
        assert_eq!(same(&subject, &state), name == &*node_name(node("seal")));
        assert!(!same(&subject, &nameless));
    }
}

// ---- answers

/// What these lines do in the base state.
fn outcome(line: &str) -> Outcome<40, 40> {
    let (steps, _) = after_base(line);
    let [step] = steps.as_slice() else { panic!("one step: {line}") };
    execute(&base(), step.body.ops(), &step.refusals)
}

/// The right answer agrees; the wrong ones do not.
fn refuses(outcome: &Outcome<40, 40>, right: &Answer, wrong: &[Answer]) {
    assert_eq!(agrees(outcome, right), None);
    for answer in wrong {
        assert_ne!(answer, right, "not wrong at all");
        assert!(agrees(outcome, answer).is_some(), "overlooked: {answer:?} instead of {right:?}");
    }
}

const DONE: &str = "transaction { set-read-only node=overlay value=on; set-read-only node=base value=on; \
                    set-read-only node=lone value=on; release node=quo; release node=sel; \
                    append new=s1 top=seal store=on; append new=s2 top=x store=on; \
                    inactivate node=it; activate node=at; move-context node=twice to=1; \
                    drain-begin node=x; drain-end node=calm; drain-begin node=disk }";
const FAILED: &str = "transaction { release node=lone; detach parent=np name=file }";
const VIOLATES: &str = "attach-user user=new node=debugged need=g share=r";
const REFUSED: &str = "refuse node=lone hook=check\nattach-user user=new node=lone need=r share=all";

#[test]
fn wrong_effects_are_refused() {
    let outcome = outcome(DONE);
    let Answer::Done(model) = model_subject::answer(&outcome) else { panic!("{outcome:?}") };
    assert_eq!((model.prepare.len(), model.rename.len(), model.closed.len()), (3, 2, 2));
    assert_eq!((model.inactivate.len(), model.activate.len(), model.context.len()), (2, 2, 3));
    assert!(model.quiesce.len() > 3 && model.resume.len() == 4, "{model:?}");
    let effects = Effects { check: right_order(model.check.clone()), ..model };
    let first = effects.check.iter().position(|(id, _)| *id == node("lone")).unwrap();
    let with = |change: &dyn Fn(&mut Effects)| {
        let mut other = effects.clone();
        change(&mut other);
        Answer::Done(other)
    };
    let mut wrong = vec![
        // Upwards: the child before its parent.
        with(&|e| e.check.reverse()),
        with(&|e| e.check.retain(|(id, _)| *id != node("lone"))),
        with(&|e| e.check.push(e.check[0])),
        with(&|e| e.check[first].0 = node("x")),
        with(&|e| e.check[first].1.pair.need = Perms(1)),
        with(&|e| e.check[first].1.pair.share = Perms(1)),
        with(&|e| e.check[first].1.writable ^= true),
        // Who moves to another place, twice, not at all, though it is not asked to.
        with(&|e| e.context[0].1 = Context(2)),
        with(&|e| e.context[0].0 = node("lone")),
        with(&|e| e.context.push(e.context[0])),
        with(&|e| e.context.truncate(2)),
        with(&|e| e.context.push((node("lone"), Context(1)))),
        with(&|e| e.inactivate.swap(0, 1)),
        with(&|e| e.activate.swap(0, 1)),
        with(&|e| std::mem::swap(&mut e.prepare, &mut e.rename)),
        with(&|e| std::mem::swap(&mut e.inactivate, &mut e.activate)),
        with(&|e| std::mem::swap(&mut e.quiesce, &mut e.resume)),
        with(&|e| e.prepare.swap(0, 1)),
        with(&|e| e.rename.swap(0, 1)),
        with(&|e| e.closed.swap(0, 1)),
    ];
    type List = fn(&mut Effects) -> &mut Vec<NodeId>;
    let lists: [List; 7] = [
        |e| &mut e.prepare,
        |e| &mut e.rename,
        |e| &mut e.closed,
        |e| &mut e.inactivate,
        |e| &mut e.activate,
        |e| &mut e.quiesce,
        |e| &mut e.resume,
    ];
    for list in lists {
        wrong.push(with(&|e| list(e).truncate(1)));
        wrong.push(with(&|e| list(e).clear()));
        wrong.push(with(&|e| list(e).push(node("lone"))));
        wrong.push(with(&|e| {
            let first = list(e)[0];
            list(e).push(first);
        }));
        wrong.push(with(&|e| list(e)[1] = node("lone")));
    }
    refuses(&outcome, &Answer::Done(effects.clone()), &wrong);
    // The order of unrelated nodes is free (V5.2), that of contexts and of quiet ones altogether.
    let free: [&dyn Fn(&mut Effects); 4] =
        [&|e| e.check.rotate_right(1), &|e| e.context.reverse(), &|e| e.quiesce.reverse(), &|e| e.resume.reverse()];
    free.iter().for_each(|change| assert_eq!(agrees(&outcome, &with(change)), None));
}

/// C3: where one refuses a mere wish its component stays, and who is asked no more is not missed.
#[test]
fn wishes_may_be_asked_in_part() {
    let alone = "transaction { detach parent=np name=one; attach-user user=new node=np need=- share=all context=1 }";
    let mut state = base();
    for step in after_base(alone).0 {
        state = done(&state, &step);
    }
    let names = after_base("name user=new").1;
    let ops = [blockgraph_model::Op::DetachUser { user: names.known_user("new").unwrap() }];
    let refusal = Refusal { node: node("np"), hook: Hook::Context };
    let (np, y) = ((node("np"), Context::MAIN), (node("y"), Context::MAIN));
    let answer =
        |context: &[(NodeId, Context)]| Answer::Done(Effects { context: context.to_vec(), ..Effects::default() });
    let stays = execute(&state, &ops, &[refusal]);
    for asked in [&[np, y][..], &[y, np], &[np]] {
        assert_eq!(agrees(&stays, &answer(asked)), None);
    }
    for asked in [&[np, np][..], &[np, (node("x"), Context::MAIN)], &[np, (node("y"), Context(2))]] {
        assert!(agrees(&stays, &answer(asked)).is_some(), "{asked:?}");
    }
    // Where nobody refuses all are asked.
    let goes = execute(&state, &ops, &[]);
    let Answer::Done(effects) = model_subject::answer(&goes) else { panic!("{goes:?}") };
    assert!(effects.context.len() == 2 && effects.context.contains(&np) && effects.context.contains(&y));
    assert!(agrees(&goes, &Answer::Done(Effects { context: vec![np], ..effects })).is_some());
}

/// The plan as the crate may go through it: parents before children (those below have the smaller numbers here).
fn right_order(mut check: Checks) -> Checks {
    for (above, below) in [("overlay", "base"), ("at", "ab")] {
        let place = |check: &[(NodeId, _)], id| check.iter().position(|(other, _)| *other == id).unwrap();
        let (a, b) = (place(&check, node(above)), place(&check, node(below)));
        assert!(b < a);
        check.swap(a, b);
    }
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

/// What these lines fail with agrees; the same with another party, and other errors, do not.
fn fails(lines: &str, right: StepError, wrong: &[StepError]) {
    let outcome = outcome(lines);
    let Outcome::Failed { index, error } = outcome else { panic!("{lines}: {outcome:?}") };
    assert_eq!(error, right, "{lines}");
    let failed = |error| Answer::Failed { index, error };
    let wrong: Vec<Answer> = wrong.iter().map(|error| failed(*error)).collect();
    refuses(&outcome, &failed(right), &wrong);
}

#[test]
fn wrong_parties_are_refused() {
    use StepError as E;
    let n = node;
    let u = |name: &str| after_base("").1.known_user(name).unwrap();
    let child = |parent, name| EdgeId::Child(n(parent), name);
    let corrupted = |name| E::NodeCorrupted { node: n(name) };
    fails(
        "set-option node=gone rewrite=off",
        corrupted("gone"),
        &[corrupted("x"), E::NodeNotFound { node: n("gone") }],
    );
    let has_user = |node, user| E::HasUser { node: n(node), user: u(user) };
    let wrong = [has_user("x", "guest"), has_user("throttle", "job"), E::InUse { node: n("throttle") }];
    fails("delete node=throttle", has_user("throttle", "guest"), &wrong);
    let (resize, stream) = (OpKind(13), OpKind(14));
    let blocked = |node, kind, by| E::Blocked { node: n(node), kind, by };
    let (job, guest) = (EdgeId::User(u("job")), EdgeId::User(u("guest")));
    let wrong = [blocked("x", resize, job), blocked("image", stream, job), blocked("image", resize, guest)];
    fails("check-op node=image kind=resize", blocked("image", resize, job), &wrong);
    let cow = child("overlay", ChildName::BACKING);
    let wrong = [blocked("base", resize, child("overlay", ChildName::FILE)), blocked("base", resize, job)];
    fails("check-op node=base kind=resize", blocked("base", resize, cow), &wrong);
    let not_blocked = |user| E::NotBlocked { user: u(user) };
    let wrong = [not_blocked("job"), E::UserNotFound { user: u("guest") }];
    fails("unblock user=guest kinds=resize", not_blocked("guest"), &wrong);
    let (unowned, in_use) = (|name| E::NotMonitorOwned { node: n(name) }, |name| E::InUse { node: n(name) });
    fails("delete node=heir", unowned("heir"), &[unowned("x"), in_use("heir")]);
    fails("delete node=x", in_use("x"), &[in_use("y"), unowned("x")]);
    let fixed = |edge| E::ShouldNotChange { edge };
    let new = EdgeId::User(after_base("name user=new").1.known_user("new").unwrap());
    let wrong = [fixed(job), fixed(child("mirror", ChildName::BACKING)), E::Frozen { edge: new }];
    let stay = "attach-user user=new node=overlay need=- share=all stay=on";
    fails(&format!("transaction {{ {stay}; drop-intermediate top=overlay base=base }}"), fixed(new), &wrong);
    let missing = |name| E::BackingMissing { node: n(name) };
    fails("reopen { node=overlay }", missing("overlay"), &[missing("base"), in_use("overlay")]);
    let implicit = |edge| E::ImplicitChild { edge };
    let insert = "insert new=new kind=backing-filter flags=implicit top=base";
    let reopen = "reopen { node=overlay keep=on backing=lone }";
    let wrong = [implicit(child("overlay", ChildName::FILE)), implicit(job), E::Frozen { edge: cow }];
    fails(&format!("transaction {{ {insert}; {reopen} }}"), implicit(cow), &wrong);
    let cannot = |parent, node| E::CannotReplace { parent: n(parent), node: n(node) };
    let wrong = [cannot("disk", "image"), cannot("image", "x"), cannot("x", "disk")];
    fails("check-replace parent=image node=disk", cannot("image", "disk"), &wrong);
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
    let others = [Hook::Prepare, Hook::Flush, Hook::Rename, Hook::Inactivate, Hook::Context, Hook::Activate];
    let wrong = others.map(|hook| refused("lone", hook));
    refuses(&outcome, &refused("lone", Hook::Check), &[&wrong[..], &[refused("x", Hook::Check)]].concat());
}

/// No answer of one sort will do for another.
#[test]
fn sorts_are_not_mixed_up() {
    let outcomes = [DONE, FAILED, VIOLATES, REFUSED].map(outcome);
    let nothing = Answer::Done(Effects::default());
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
