//! Long chains.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::{ExclusiveWriter, Filter};
use blockgraph::{Driver, Graph, NodeSpec, Pair, Permissions, Preset, Reopen, Role};
use blockgraph_benches::{Built, Listener, READER, WRITER, attach_detach, chain, chain_of, quick};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

fn on_top(c: &mut Criterion) {
    let name: Arc<str> = "another".into();
    let mut group = c.benchmark_group("attach + detach on top of a chain of");
    for length in [100, 1_000, 5_000, 10_000] {
        let mut built = chain(length).unwrap();
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| attach_detach(&mut built, &name, READER));
        });
    }
    group.finish();
}

fn flip<D: Driver>(c: &mut Criterion, name: &str, build: impl Fn(usize) -> Built<D>) {
    let mut group = c.benchmark_group(name);
    for length in [100_u32, 1_000, 10_000] {
        let mut built = build(length as usize);
        group.throughput(Throughput::Elements(length.into()));
        let mut writes = false;
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                writes = !writes;
                built.graph.set_user(built.user, if writes { WRITER } else { READER }).unwrap();
            });
        });
    }
    group.finish();
}

fn flips(c: &mut Criterion) {
    flip(c, "flip a permission down a chain of", |length| chain(length).unwrap());
    let boxed = |driver: Listener| -> Box<dyn Driver> { Box::new(driver) };
    flip(c, "flip a permission, with hooks, down a chain of", |length| {
        chain_of(length, boxed(Listener::protocol()), || boxed(Listener::filter())).unwrap()
    });
    let mut group = c.benchmark_group("refused at the bottom of a chain of");
    for length in [100_u32, 1_000, 10_000] {
        let mut built = chain(length as usize).unwrap();
        let exclusive = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
        built.graph.attach_user("guard", built.bottom, exclusive, false).unwrap();
        group.throughput(Throughput::Elements(length.into()));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| built.graph.set_user(built.user, WRITER).unwrap_err());
        });
    }
    group.finish();
}

/// Inserts a filter above a node, and drops it.
fn insert_drop(built: &mut Built, name: &Arc<str>, above: blockgraph::NodeKey) {
    let filter = built.graph.insert(NodeSpec::new(name.clone()), Filter.into(), above).unwrap();
    built.graph.drop_filter(black_box(filter)).unwrap();
}

fn appends(c: &mut Criterion) {
    let filter: Arc<str> = "filter".into();
    let mut group = c.benchmark_group("append + drop in the middle of a chain of");
    for length in [100, 1_000, 10_000] {
        let mut built = chain(length).unwrap();
        let middle = built.graph.node(&format!("n{}", length / 2)).unwrap();
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| insert_drop(&mut built, &filter, middle));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("append + drop at the bottom of a chain of");
    for length in [100, 1_000, 10_000] {
        let mut built = chain(length).unwrap();
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            let bottom = built.bottom;
            b.iter(|| insert_drop(&mut built, &filter, bottom));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("append refused at the bottom of a chain of");
    for length in [100, 1_000, 10_000] {
        let mut built = chain(length).unwrap();
        let exclusive = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
        built.graph.attach_user_as(blockgraph::UserSpec::new("guard", exclusive).stays(true), built.bottom).unwrap();
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                let spec = NodeSpec::new(filter.clone());
                built.graph.insert(spec, ExclusiveWriter.into(), built.bottom).unwrap_err()
            });
        });
    }
    group.finish();
}

fn building(c: &mut Criterion) {
    let mut group = c.benchmark_group("build from the bottom a chain of");
    for length in [100_u32, 1_000, 10_000] {
        group.throughput(Throughput::Elements(length.into()));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter_batched(|| (), |()| chain(length as usize).unwrap(), BatchSize::PerIteration);
        });
    }
    group.finish();
    let mut group = c.benchmark_group("freeze + thaw a chain of");
    for length in [100_u32, 1_000, 10_000] {
        let mut built = chain(length as usize).unwrap();
        group.throughput(Throughput::Elements(length.into()));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                built.graph.freeze(built.top, None).unwrap();
                built.graph.thaw(built.top, None).unwrap();
            });
        });
    }
    group.finish();
}

/// Reopens the top of a chain in which each node was opened for the one above, so that all go along.
fn reopens(c: &mut Criterion) {
    let mut group = c.benchmark_group("reopen with all that inherit, a chain of");
    for count in [1, 100, 1_000, 10_000] {
        let mut graph: Graph<Preset> = Graph::new();
        let top = graph.add(NodeSpec::new("top"), Filter.into()).unwrap();
        (1..count).fold(top, |parent, i| {
            let spec = NodeSpec::new(format!("n{i}"));
            graph.open_child(parent, spec, Filter.into(), "file", Role::FILTERED | Role::PRIMARY).unwrap()
        });
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            let mut on = false;
            b.iter(|| {
                on = !on;
                graph.reopen(&[Reopen::new(top).keep(true).read_only(on)]).unwrap();
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = quick();
    targets = on_top, flips, appends, building, reopens
}
criterion_main!(benches);
