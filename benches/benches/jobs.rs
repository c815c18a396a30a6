//! Jobs: over a chain, and where they concern a few nodes only; and opening, deleting and undoing much at once.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::Format;
use blockgraph::jobs::{Job, Work};
use blockgraph::{ContextId, Graph, NodeSpec, Preset};
use blockgraph_benches::{Built, images, quick};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZES: [u32; 3] = [100, 1_000, 10_000];

fn stream_of(built: &Built) -> Job {
    Job::new("job", "job-filter", Work::Stream { node: built.top, bottom: built.graph.node("n1").unwrap() })
}

fn streams(c: &mut Criterion) {
    let mut group = c.benchmark_group("start + cancel a stream over a chain of");
    for length in SIZES {
        let mut built = images(length as usize).unwrap();
        let job = stream_of(&built);
        group.throughput(Throughput::Elements(length.into()));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                built.graph.start_job(&job, job.filter_driver()).unwrap();
                built.graph.cancel_job(&job).unwrap();
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("start + finish a stream over a chain of");
    for length in SIZES {
        let built = images(length as usize).unwrap();
        let job = stream_of(&built);
        group.throughput(Throughput::Elements(length.into()));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            let run = |mut graph: Graph<Preset>| {
                graph.start_job(&job, job.filter_driver()).unwrap();
                graph.finish_job(&job).unwrap();
                graph
            };
            b.iter_batched(|| built.graph.clone(), run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// A mirror of the topmost image to one beside: permissions of the chain below do not change by it.
fn mirrors(c: &mut Criterion) {
    for (name, away) in [("main", ContextId::MAIN), ("another context", ContextId(1))] {
        let mut group = c.benchmark_group(format!("start + cancel a mirror in {name}, on top of a chain of"));
        for length in SIZES {
            let mut built = images(length as usize).unwrap();
            let copy = built.graph.add(NodeSpec::new("copy"), Format.into()).unwrap();
            built.graph.move_context(built.bottom, away).unwrap();
            let job = Job::new("job", "job-filter", Work::Mirror { source: built.top, target: copy });
            group.bench_function(BenchmarkId::from_parameter(length), |b| {
                b.iter(|| {
                    built.graph.start_job(&job, job.filter_driver()).unwrap();
                    built.graph.cancel_job(&job).unwrap();
                });
            });
        }
        group.finish();
    }
}

fn at_once(c: &mut Criterion) {
    let mut group = c.benchmark_group("one transaction that adds, undone, nodes:");
    for length in SIZES {
        let mut graph: Graph<Preset> = Graph::with_capacity(length as usize, length as usize);
        let names: Vec<std::sync::Arc<str>> = (0..length).map(|number| format!("n{number}").into()).collect();
        group.throughput(Throughput::Elements(length.into()));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                let mut t = graph.transaction();
                let mut below = None;
                for name in &names {
                    let node = t.add(NodeSpec::new(name.clone()), Format.into()).unwrap();
                    t.set_backing(node, below).unwrap();
                    below = Some(node);
                }
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("release the only holder on top, all are closed, a chain of");
    for length in SIZES {
        let mut built = images(length as usize).unwrap();
        built.graph.detach_user(built.user).unwrap();
        for number in 0..length - 1 {
            let node = built.graph.node(&format!("n{number}")).unwrap();
            built.graph.release(node).unwrap();
        }
        group.throughput(Throughput::Elements(length.into()));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            let close = |mut graph: Graph<Preset>| {
                graph.release(built.top).unwrap();
                assert_eq!(graph.node_count(), 0);
                graph
            };
            b.iter_batched(|| built.graph.clone(), close, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = quick();
    targets = streams, mirrors, at_once
}
criterion_main!(benches);
