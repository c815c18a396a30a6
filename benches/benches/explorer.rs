//! The explorer and the replay: transitions in a second on one core.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph_benches::slow;
use blockgraph_check::replay::star::Star;
use blockgraph_check::replay::walk::walk;
use blockgraph_model::explore::{Exploration, explore};
use blockgraph_model::menu::Facet;
use blockgraph_model::scopes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A facet of the scope `smoke`.
fn facet(name: &str) -> Facet {
    let scope = scopes::scope("smoke").unwrap();
    scope.facets.into_iter().map(|(facet, _)| facet).find(|facet| facet.name == name).unwrap()
}

/// All of it, on one thread.
fn explored(facet: &Facet) -> Exploration {
    explore(facet, 1, || (), &|_, _| {}).0
}

fn exploring(c: &mut Criterion) {
    let mut group = c.benchmark_group("explore");
    for name in ["permissions", "flags", "pairs", "sections"] {
        let facet = facet(name);
        let all = explored(&facet);
        group.throughput(Throughput::Elements(all.transitions + all.injections));
        group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(|| explored(&facet).unique()));
    }
    group.finish();
}

fn replaying(c: &mut Criterion) {
    let mut group = c.benchmark_group("replay");
    for name in ["flags", "lagging", "inactive-chains"] {
        let facet = facet(name);
        let all = explored(&facet);
        group.throughput(Throughput::Elements(all.transitions + all.injections));
        group.bench_function(BenchmarkId::new("star", name), |b| {
            b.iter(|| {
                let (explored, stars) = explore(&facet, 1, Star::default, &|_, _| {});
                assert!(stars.iter().all(|star| star.found.is_none()));
                explored.unique()
            });
        });
        let (tally, found) = walk(&facet, &all, 1, &|_| {});
        assert_eq!(found, None);
        group.throughput(Throughput::Elements(tally.total()));
        group.bench_function(BenchmarkId::new("walk", name), |b| {
            b.iter(|| {
                let (tally, found) = walk(&facet, &all, 1, &|_| {});
                assert_eq!(found, None);
                tally.total()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = slow();
    targets = exploring, replaying
}
criterion_main!(benches);
