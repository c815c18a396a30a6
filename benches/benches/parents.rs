//! A node with many parents, and one with many children.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::{Filter, Format, Protocol};
use blockgraph::{NodeSpec, Role};
use blockgraph_benches::{Built, PresetGraph, READER, attach_detach, crowd, first_of_two, quick, quorum};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::sync::Arc;

fn one_more_parent(c: &mut Criterion) {
    let mut group = c.benchmark_group("one more parent on a node with");
    let names: Vec<Arc<str>> = (0..64).map(|number| format!("another{number}").into()).collect();
    for count in [1, 100, 1_000, 10_000] {
        let mut built = crowd(count).unwrap();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            let attach = |built: &mut Built, number: usize| {
                built.graph.attach_user(names[number].clone(), built.top, READER, false).unwrap()
            };
            first_of_two(b, names.len(), &mut built, attach, |built, _, user| built.graph.detach_user(user).unwrap());
        });
    }
    group.finish();
    let mut group = c.benchmark_group("one more parent, and one less, on a node with");
    for count in [1, 100, 1_000, 10_000] {
        let mut built = crowd(count).unwrap();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| attach_detach(&mut built, &names[0], READER));
        });
    }
    group.finish();
}

fn replace(c: &mut Criterion) {
    let mut group = c.benchmark_group("replace a node with parents");
    for count in [100_u32, 1_000, 10_000] {
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

fn children(c: &mut Criterion) {
    let mut group = c.benchmark_group("one more child, and one less, of a node with");
    let name: Arc<str> = "another".into();
    for count in [1, 100, 1_000, 10_000] {
        let mut built = quorum(count).unwrap();
        let child = built.graph.add(NodeSpec::new("another"), Protocol.into()).unwrap();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                let edge = built.graph.attach(built.top, child, name.clone(), Role::DATA).unwrap();
                built.graph.detach(edge).unwrap();
            });
        });
    }
    group.finish();
}

fn overlays(c: &mut Criterion) {
    let mut group = c.benchmark_group("append, drop-intermediate and delete below overlays:");
    for count in [1, 100, 1_000] {
        let mut graph = PresetGraph::new();
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

criterion_group! {
    name = benches;
    config = quick();
    targets = one_more_parent, replace, children, overlays
}
criterion_main!(benches);
