//! The comparisons can fail: everything that can be seen of a graph is altered, one thing at a time, and every answer is
//! made wrong in one respect at a time. A comparison that overlooks any of it is found here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

mod answers;
mod graphs;

use blockgraph_check::impl_subject::ImplSubject;
use blockgraph_check::restore::restore_into;
use blockgraph_model::step::Work;
use blockgraph_model::{Node, NodeId, Outcome, State, execute};
use blockgraph_story::model_subject::observe;
use blockgraph_story::text::value::Record;
use blockgraph_story::text::{Names, Step, parse, results};

type Graph = State<40, 40>;

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

/// Request is seen differently, as `thing.field`, or `-thing` and `+thing`.
fn changes(before: &Graph, after: &Graph, names: &Names) -> Vec<String> {
    let all = |state| results::observation_records(&observe(state));
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
