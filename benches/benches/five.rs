//! Small graphs: what one operation costs where nothing is large.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::BackingFilter;
use blockgraph::{NodeSpec, Pair, Permissions};
use blockgraph_benches::{Built, READER, WRITER, attach_detach, first_of_two, five_nodes, ladder, quick};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

fn five(c: &mut Criterion) {
    let mut group = c.benchmark_group("five nodes");
    let name: Arc<str> = "another".into();
    let mut built = five_nodes().unwrap();
    let names: Vec<Arc<str>> = (0..64).map(|number| format!("another{number}").into()).collect();
    group.bench_function("attach a user", |b| {
        let attach = |built: &mut Built, number: usize| {
            built.graph.attach_user(names[number].clone(), built.top, READER, false).unwrap()
        };
        first_of_two(b, names.len(), &mut built, attach, |built, _, user| built.graph.detach_user(user).unwrap());
    });
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
    group.bench_function("append + drop a filter", |b| {
        b.iter(|| {
            let spec = NodeSpec::new(filter.clone());
            let filter = built.graph.insert(spec, BackingFilter.into(), built.top).unwrap();
            built.graph.drop_filter(black_box(filter)).unwrap();
        });
    });
    let exclusive = Pair::new(Permissions::READ, Permissions::ALL - Permissions::WRITE);
    let refused = |built: &mut Built| built.graph.attach_user(name.clone(), built.top, exclusive, false).unwrap_err();
    built.graph.set_user(built.user, WRITER).unwrap();
    group.bench_function("refused attach", |b| b.iter(|| refused(&mut built)));
    group.bench_function("refused attach with its message", |b| b.iter(|| refused(&mut built).to_string()));
    group.bench_function("begin + end a section at the bottom", |b| {
        b.iter(|| {
            built.graph.drain_begin(built.bottom).unwrap();
            built.graph.drain_end(built.bottom).unwrap();
        });
    });
    let mut copy = built.graph.clone();
    group.bench_function("clone_from", |b| b.iter(|| copy.clone_from(&built.graph)));
    let snapshot = built.graph.save();
    group.bench_function("restore_from", |b| {
        b.iter(|| copy.restore_from(&snapshot, |_, driver| driver.clone()).unwrap());
    });
    group.bench_function("check", |b| b.iter(|| assert!(copy.inconsistencies().is_empty())));
    group.finish();
}

fn ladders(c: &mut Criterion) {
    let mut group = c.benchmark_group("ladder of 26 double edges");
    let mut built = ladder(26).unwrap();
    let name: Arc<str> = "another".into();
    group.bench_function("attach + detach", |b| b.iter(|| attach_detach(&mut built, &name, READER)));
    group.bench_function("drained section at the bottom", |b| {
        b.iter(|| {
            built.graph.drain_begin(built.bottom).unwrap();
            built.graph.drain_end(built.bottom).unwrap();
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = quick();
    targets = five, ladders
}
criterion_main!(benches);
