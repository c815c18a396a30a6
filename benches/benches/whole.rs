//! What concerns the whole graph: copies, snapshots, and the checks.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph_benches::{Built, chain, crowd, forest, quick, quorum};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZES: [u32; 3] = [100, 1_000, 10_000];

fn whole(c: &mut Criterion, name: &str, build: fn(usize) -> Built) {
    let mut group = c.benchmark_group(name);
    for size in SIZES {
        let built = build(size as usize);
        group.throughput(Throughput::Elements(size.into()));
        let mut copy = built.graph.clone();
        group.bench_function(BenchmarkId::new("clone_from", size), |b| b.iter(|| copy.clone_from(&built.graph)));
        group.bench_function(BenchmarkId::new("snapshot", size), |b| b.iter(|| built.graph.save()));
        let snapshot = built.graph.save();
        group.bench_function(BenchmarkId::new("restore_from", size), |b| {
            b.iter(|| copy.restore_from(&snapshot, |_, driver| driver.clone()).unwrap());
        });
        group.bench_function(BenchmarkId::new("recompute", size), |b| b.iter(|| built.graph.recompute().unwrap()));
        group.bench_function(BenchmarkId::new("check", size), |b| {
            b.iter(|| assert!(built.graph.inconsistencies().is_empty()))
        });
    }
    group.finish();
}

fn all(c: &mut Criterion) {
    whole(c, "all of a chain", |size| chain(size).unwrap());
    whole(c, "all of many machines", |size| forest(size).unwrap());
    whole(c, "all of a node with parents", |size| crowd(size).unwrap());
    whole(c, "all of a node with children", |size| quorum(size).unwrap());
}

criterion_group! {
    name = benches;
    config = quick();
    targets = all
}
criterion_main!(benches);
