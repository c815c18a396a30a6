//! Whatever is altered in a graph is seen.

use super::{BASE, Graph, after_base, altered, base, changed, changes, done, node, restored};
use blockgraph_check::compare::{difference, graph_matches};
use blockgraph_check::translate::node_name;
use blockgraph_model::op::Opt;
use blockgraph_model::{Context, Inherits, Kind, Node, Perms, Phase, UserId};
use blockgraph_story::model_subject::observe;
use blockgraph_story::subject::Subject;
use blockgraph_story::text::{parse, results};
use std::collections::BTreeSet;

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
        // (ExcludedVerbs a judgement the pair that stays is that of an edge made in the same transaction.)
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
        // Requests that a user of an inactive node wants something, which no other node shows.
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
    assert!(graph_matches(&subject, &base));
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
        assert!(!graph_matches(&subject, &altered), "overlooked: {expected}");
        assert!(!difference(&observe(&altered), &subject.observe()).is_empty(), "overlooked: {expected}");
        // The other way round.
        let other = restored(&altered);
        assert!(graph_matches(&other, &altered) && !graph_matches(&other, &base), "overlooked: {expected}");
        covered.extend(found.iter().filter_map(|change| {
            let (thing, field) = change.rsplit_once('.')?;
            Some(format!("{} {field}", thing.split(' ').next()?))
        }));
    }
    let fields = results::observation_records(&observe(&base)).into_iter().flat_map(|record| {
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
        assert!(graph_matches(&subject, &with(right)) && !graph_matches(&subject, &with(wrong)));
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
        assert!(!graph_matches(&subject, &altered), "overlooked after {lines}");
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
    assert!(!graph_matches(&subject, &base));

    let mut subject = restored(&base);
    subject.keys.set_node(x, key_y);
    assert!(!graph_matches(&subject, &base));

    let mut subject = restored(&base);
    subject.keys.set_user(UserId(2), subject.keys.user(UserId(3)));
    assert!(!graph_matches(&subject, &base));
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
    assert!(!graph_matches(&subject, &base));

    let (job, new) = (names.known_user("job").unwrap(), names.known_user("new").unwrap());
    let lines = "detach-user user=job\nattach-user user=new node=image need=- share=all stay=on";
    let mut subject = restored(&altered(lines));
    subject.keys.set_user(job, subject.keys.user(new));
    assert!(!graph_matches(&subject, &base));
}

/// The reason that a user gave, and what is kept beside the graph of drivers that are gone.
#[test]
fn what_is_beside_the_records_is_seen() {
    let base = base();
    let mut subject = restored(&base);
    let job = subject.keys.user(after_base("").1.known_user("job").unwrap());
    subject.graph.block(job, blockgraph::OpKinds::RESIZE, "for no reason").unwrap();
    assert!(!graph_matches(&subject, &base), "another reason");

    let mut subject = restored(&base);
    subject.ejected.clear();
    assert!(!graph_matches(&subject, &base));
    assert!(!difference(&observe(&base), &subject.observe()).is_empty());

    let mut subject = restored(&base);
    subject.ejected[0].1 = subject.ejected[1].1.clone();
    assert!(!graph_matches(&subject, &base));
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
        assert_eq!(graph_matches(&subject, &state), name == &*node_name(node("seal")));
        assert!(!graph_matches(&subject, &nameless));
    }
}
