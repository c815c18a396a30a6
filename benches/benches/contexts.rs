//! Contexts, drained sections, activity: on chains, where all of a chain is concerned, and where only a place is.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::Filter;
use blockgraph::{ContextId, NodeSpec, Role};
use blockgraph_benches::{Built, READER, attach_detach, chain, forest, quick};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::sync::Arc;

const SIZES: [u32; 4] = [100, 1_000, 5_000, 10_000];
const AWAY: ContextId = ContextId(1);

/// Something is done with chains of all sizes. `whole`: it concerns all of the chain.
fn on_chains(c: &mut Criterion, name: &str, whole: bool, prepare: fn(&mut Built), mut work: impl FnMut(&mut Built)) {
    let mut group = c.benchmark_group(name);
    for length in SIZES {
        let mut built = chain(length as usize).unwrap();
        prepare(&mut built);
        if whole {
            group.throughput(Throughput::Elements(length.into()));
        }
        group.bench_function(BenchmarkId::from_parameter(length), |b| b.iter(|| work(&mut built)));
    }
    group.finish();
}

fn nothing(_: &mut Built) {}

fn go_away(built: &mut Built) {
    built.graph.move_context(built.bottom, AWAY).unwrap();
}

fn contexts(c: &mut Criterion) {
    on_chains(c, "move to another context a chain of", true, nothing, |built| {
        let here = built.graph.get(built.bottom).unwrap().context();
        let to = if here == AWAY { ContextId::MAIN } else { AWAY };
        built.graph.move_context(built.bottom, to).unwrap();
    });
    let name: Arc<str> = "another".into();
    on_chains(c, "attach + detach on top, not in main, of a chain of", false, go_away, |built| {
        attach_detach(built, &name, READER);
    });
    on_chains(c, "attach + detach at the bottom, not in main, of a chain of", false, go_away, |built| {
        let user = built.graph.attach_user(name.clone(), built.bottom, READER, false).unwrap();
        built.graph.detach_user(user).unwrap();
    });
    on_chains(c, "append + drop at the bottom, not in main, of a chain of", false, go_away, |built| {
        let filter = built.graph.insert(NodeSpec::new(name.clone()), Filter.into(), built.bottom).unwrap();
        built.graph.drop_filter(filter).unwrap();
    });
    on_chains(c, "add a node on top + delete it, not in main, of a chain of", false, go_away, |built| {
        let mut t = built.graph.transaction();
        let filter = t.add(NodeSpec::new(name.clone()), Filter.into()).unwrap();
        t.attach(filter, built.top, "file", Role::FILTER).unwrap();
        t.commit().unwrap();
        built.graph.release(filter).unwrap();
    });
}

fn sections(c: &mut Criterion) {
    let section = |built: &mut Built, node| {
        built.graph.drain_begin(node).unwrap();
        built.graph.drain_end(node).unwrap();
    };
    on_chains(c, "drained section at the bottom of a chain of", true, nothing, |built| section(built, built.bottom));
    on_chains(c, "drained section on top of a chain of", false, nothing, |built| section(built, built.top));
    let name: Arc<str> = "another".into();
    let quiet = |built: &mut Built| built.graph.drain_begin(built.bottom).unwrap();
    on_chains(c, "attach + detach on top of a drained chain of", false, quiet, |built| {
        attach_detach(built, &name, READER);
    });
    let mut group = c.benchmark_group("drain all + end it, nodes:");
    for nodes in [100_u32, 1_000, 10_000] {
        let mut built = forest(nodes as usize).unwrap();
        group.throughput(Throughput::Elements(nodes.into()));
        group.bench_function(BenchmarkId::from_parameter(nodes), |b| {
            b.iter(|| {
                built.graph.drain_all_begin().unwrap();
                built.graph.drain_all_end().unwrap();
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("attach + detach while all is drained, nodes:");
    for nodes in [100, 1_000, 10_000] {
        let mut built = forest(nodes).unwrap();
        built.graph.drain_all_begin().unwrap();
        group.bench_function(BenchmarkId::from_parameter(nodes), |b| {
            b.iter(|| attach_detach(&mut built, &name, READER));
        });
    }
    group.finish();
}

fn activity(c: &mut Criterion) {
    on_chains(c, "inactivate + activate a chain of", true, nothing, |built| {
        built.graph.inactivate(built.top).unwrap();
        built.graph.activate(built.top).unwrap();
    });
    let name: Arc<str> = "another".into();
    let rest = |built: &mut Built| built.graph.inactivate(built.top).unwrap();
    on_chains(c, "attach + detach on top of an inactive chain of", false, rest, |built| {
        attach_detach(built, &name, READER);
    });
}

criterion_group! {
    name = benches;
    config = quick();
    targets = contexts, sections, activity
}
criterion_main!(benches);
