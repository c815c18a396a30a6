//! One place of a graph that is small, large and very large: what is done there must cost the same.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::Filter;
use blockgraph::{ContextId, NodeSpec, Pair, Permissions, Reopen};
use blockgraph_benches::{Built, READER, WRITER, attach_detach, forest, quick};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

const SIZES: [usize; 3] = [10, 10_000, 1_000_000];
/// The pair of a user that writes and shares only reading.
const EXCLUSIVE: Pair = Pair::new(Permissions::READ, Permissions::ALL.difference(Permissions::WRITE));

fn permissions(group: &mut BenchmarkGroup<'_, WallTime>, built: &mut Built, size: usize) {
    let name: Arc<str> = "another".into();
    group.bench_function(BenchmarkId::new("look up a name", size), |b| {
        b.iter(|| built.graph.node(black_box("overlay")).unwrap());
    });
    group.bench_function(BenchmarkId::new("attach + detach a user", size), |b| {
        b.iter(|| attach_detach(built, &name, READER));
    });
    group.bench_function(BenchmarkId::new("refused attach", size), |b| {
        b.iter(|| built.graph.attach_user(name.clone(), built.top, EXCLUSIVE, false).unwrap_err());
    });
    group.bench_function(BenchmarkId::new("flip a permission", size), |b| {
        let mut writes = true;
        b.iter(|| {
            writes = !writes;
            built.graph.set_user(built.user, if writes { WRITER } else { READER }).unwrap();
        });
    });
    built.graph.set_user(built.user, WRITER).unwrap();
}

fn shape(group: &mut BenchmarkGroup<'_, WallTime>, built: &mut Built, size: usize, place: &str) {
    let name: Arc<str> = "another".into();
    group.bench_function(BenchmarkId::new(format!("append + drop a filter{place}"), size), |b| {
        b.iter(|| {
            let filter = built.graph.insert(NodeSpec::new(name.clone()), Filter.into(), built.top).unwrap();
            built.graph.drop_filter(filter).unwrap();
        });
    });
    group.bench_function(BenchmarkId::new(format!("add + delete a node{place}"), size), |b| {
        b.iter(|| {
            let node = built.graph.add(NodeSpec::new(name.clone()), Filter.into()).unwrap();
            built.graph.delete(node).unwrap();
        });
    });
    group.bench_function(BenchmarkId::new(format!("section at the bottom{place}"), size), |b| {
        b.iter(|| {
            built.graph.drain_begin(built.bottom).unwrap();
            built.graph.drain_end(built.bottom).unwrap();
        });
    });
}

fn the_rest(group: &mut BenchmarkGroup<'_, WallTime>, built: &mut Built, size: usize) {
    group.bench_function(BenchmarkId::new("move to another context and back", size), |b| {
        b.iter(|| {
            built.graph.move_context(built.bottom, ContextId(1)).unwrap();
            built.graph.move_context(built.bottom, ContextId::MAIN).unwrap();
        });
    });
    group.bench_function(BenchmarkId::new("freeze + thaw", size), |b| {
        b.iter(|| {
            built.graph.freeze(built.top, None).unwrap();
            built.graph.thaw(built.top, None).unwrap();
        });
    });
    built.graph.set_user(built.user, READER).unwrap();
    group.bench_function(BenchmarkId::new("inactivate + activate", size), |b| {
        b.iter(|| {
            built.graph.inactivate(built.top).unwrap();
            built.graph.activate(built.top).unwrap();
        });
    });
    group.bench_function(BenchmarkId::new("reopen the top read-only, and writable", size), |b| {
        let mut on = false;
        b.iter(|| {
            on = !on;
            built.graph.reopen(&[Reopen::new(built.top).keep(true).read_only(on)]).unwrap();
        });
    });
    let exclusive = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::RESIZE);
    let name: Arc<str> = "another".into();
    built.graph.drain_begin(built.top).unwrap();
    group.bench_function(BenchmarkId::new("attach + detach a user where a section is open", size), |b| {
        b.iter(|| attach_detach(built, &name, exclusive));
    });
    built.graph.drain_end(built.top).unwrap();
}

fn places(c: &mut Criterion) {
    let mut group = c.benchmark_group("one place of a graph of nodes");
    for size in SIZES {
        let mut built = forest(size).unwrap();
        permissions(&mut group, &mut built, size);
        shape(&mut group, &mut built, size, "");
        the_rest(&mut group, &mut built, size);
        built.graph.move_context(built.bottom, ContextId(1)).unwrap();
        shape(&mut group, &mut built, size, ", not in main");
        assert!(built.graph.recompute().is_ok());
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = quick();
    targets = places
}
criterion_main!(benches);
