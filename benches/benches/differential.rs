//! Differential fuzzing: operations in a second on one core, by the number of names of nodes.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph_benches::slow;
use blockgraph_check::fuzz::{Episode, Options, run};
use blockgraph_check::generate::Mode;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SEED: u64 = 1;

/// The first episode with about so many names that has all verbs, and few refusals: what it is like must not hide its size.
fn episode(mode: Mode, names: std::ops::Range<u8>) -> Episode {
    let fits =
        |e: &Episode| names.contains(&e.setup.names) && e.setup.excluded.0 == 0 && e.refused < 64 && e.ops < 8_000;
    (0..10_000).map(|index| Episode::of(SEED, mode, index)).find(fits).unwrap()
}

fn differential(c: &mut Criterion) {
    let mut group = c.benchmark_group("differential");
    for (name, mode) in [("plausible", Mode::Plausible), ("hostile", Mode::Hostile)] {
        for (label, names) in [("8", 7..10), ("20", 18..23), ("40", 36..45), ("150", 140..160)] {
            let episode = episode(mode, names);
            let ops = episode.ops.min(2_000);
            let options = Options { seed: SEED, mode, first: episode.index, ops, time: None, threads: 1 };
            group.throughput(Throughput::Elements(ops));
            group.bench_function(BenchmarkId::new(name, label), |b| {
                b.iter(|| {
                    let report = run(options, &|_| {});
                    assert!(report.found.is_none());
                    report.made.ops
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = slow();
    targets = differential
}
criterion_main!(benches);
