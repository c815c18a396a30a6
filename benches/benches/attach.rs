//! What one operation costs, and what it depends on; the front page of the crate says what it must cost.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::{BackingFilter, Filter, Format};
use blockgraph::{Graph, NodeSpec, Pair, Permissions, Preset, Reopen, Role};
use blockgraph_benches::{Built, READER, WRITER, chain, crowd, five_nodes, ladder};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// Attaches and detaches one more user on top.
fn attach_detach(built: &mut Built, name: &Arc<str>, pair: Pair) {
    let user = built.graph.attach_user(name.clone(), built.top, pair, false).unwrap();
    built.graph.detach_user(black_box(user)).unwrap();
}

fn five(c: &mut Criterion) {
    let mut group = c.benchmark_group("five nodes");
    let name: Arc<str> = "another".into();
    let mut built = five_nodes().unwrap();
    group.bench_function("attach + detach a user", |b| b.iter(|| attach_detach(&mut built, &name, READER)));
    group.bench_function("attach + detach a user, noticed below", |b| {
        let unchanged = Pair::new(Permissions::READ | Permissions::WRITE_UNCHANGED, Permissions::ALL);
        b.iter(|| attach_detach(&mut built, &name, unchanged));
    });
    group.bench_function("flip a permission", |b| {
        let mut writes = true;
        b.iter(|| {
            writes = !writes;
            built.graph.set_user(built.user, if writes { WRITER } else { READER }).unwrap();
        });
    });
    let filter: Arc<str> = "filter".into();
    group.bench_function("insert + drop a filter", |b| {
        b.iter(|| {
            let spec = NodeSpec::new(filter.clone());
            let filter = built.graph.insert(spec, BackingFilter.into(), built.top).unwrap();
            built.graph.drop_filter(black_box(filter)).unwrap();
        });
    });
    let exclusive = Pair::new(Permissions::READ, Permissions::ALL - Permissions::WRITE);
    let refused = |built: &mut Built| built.graph.attach_user(name.clone(), built.top, exclusive, false).unwrap_err();
    group.bench_function("refused attach", |b| b.iter(|| refused(&mut built)));
    group.bench_function("refused attach with its message", |b| b.iter(|| refused(&mut built).to_string()));
    let mut copy = built.graph.clone();
    group.bench_function("clone_from", |b| b.iter(|| copy.clone_from(&built.graph)));
    let snapshot = built.graph.snapshot();
    group.bench_function("restore_from", |b| {
        b.iter(|| copy.restore_from(&snapshot, |_, driver| driver.clone()).unwrap());
    });
    group.bench_function("check", |b| b.iter(|| assert!(copy.check().is_empty())));
    group.finish();
}

fn parents(c: &mut Criterion) {
    let mut group = c.benchmark_group("one more parent on a node with");
    let name: Arc<str> = "another".into();
    for count in [1, 100, 1_000, 10_000] {
        let mut built = crowd(count).unwrap();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| attach_detach(&mut built, &name, READER));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("replace a node with parents");
    for count in [1_000_u32, 10_000] {
        let mut built = crowd(count as usize).unwrap();
        let other = built.graph.add(NodeSpec::new("other"), Filter.into()).unwrap();
        let mut ends = (built.top, other);
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                built.graph.replace_node(ends.0, ends.1).unwrap();
                ends = (ends.1, ends.0);
            });
        });
    }
    group.finish();
}

fn chains(c: &mut Criterion) {
    let name: Arc<str> = "another".into();
    let mut group = c.benchmark_group("attach + detach on top of a chain of");
    for length in [100, 1_000, 5_000] {
        let mut built = chain(length).unwrap();
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| attach_detach(&mut built, &name, READER));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("flip a permission down a chain of");
    for length in [100_u32, 1_000, 10_000] {
        let mut built = chain(length as usize).unwrap();
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
    let mut group = c.benchmark_group("insert + drop in the middle of a chain of");
    let filter: Arc<str> = "filter".into();
    for length in [100, 1_000, 10_000] {
        let mut built = chain(length).unwrap();
        let middle = built.graph.node(&format!("n{}", length / 2)).unwrap();
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                let spec = NodeSpec::new(filter.clone());
                let filter = built.graph.insert(spec, Filter.into(), middle).unwrap();
                built.graph.drop_filter(black_box(filter)).unwrap();
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("refused at the bottom of a chain of");
    for length in [100, 1_000] {
        let mut built = chain(length).unwrap();
        let exclusive = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
        built.graph.attach_user("guard", built.bottom, exclusive, false).unwrap();
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| built.graph.set_user(built.user, WRITER).unwrap_err());
        });
    }
    group.finish();
}

fn shapes(c: &mut Criterion) {
    let mut group = c.benchmark_group("shapes");
    let mut built = ladder(26).unwrap();
    let writer = Pair::new(Permissions::READ, Permissions::ALL);
    let name: Arc<str> = "another".into();
    group.bench_function("ladder of 26 double edges: attach + detach", |b| {
        b.iter(|| attach_detach(&mut built, &name, writer));
    });
    group.bench_function("build a chain of 10,000 from the bottom", |b| {
        b.iter_batched(|| (), |()| chain(10_000).unwrap(), BatchSize::PerIteration);
    });
    group.finish();
}

/// Reopens the top of a chain in which each node was opened for the one above, so that all go along.
fn reopens(c: &mut Criterion) {
    let mut group = c.benchmark_group("reopen with all that inherit, a chain of");
    for count in [1, 100, 1_000] {
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
    let mut group = c.benchmark_group("append, drop-intermediate and delete below overlays:");
    for count in [1, 100, 1_000] {
        let mut graph: Graph<Preset> = Graph::new();
        let base = graph.add(NodeSpec::new("base"), Format.into()).unwrap();
        for i in 0..count {
            let overlay = graph.add(NodeSpec::new(format!("overlay{i}")), Format.into()).unwrap();
            graph.set_backing(overlay, Some(base)).unwrap();
        }
        let name: Arc<str> = "between".into();
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                let between = graph.insert(NodeSpec::new(name.clone()), Format.into(), base).unwrap();
                graph.drop_intermediate(between, base).unwrap();
                graph.delete(between).unwrap();
            });
        });
    }
    group.finish();
}

fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .sample_size(20)
}

criterion_group! {
    name = benches;
    config = quick();
    targets = five, parents, chains, shapes, reopens
}
criterion_main!(benches);
