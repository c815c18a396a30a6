//! How long and what to measure.

use crate::Built;
use blockgraph::Pair;
use criterion::{Bencher, Criterion};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Short measurements: there are many benches, and of each the fastest sample counts.
#[must_use]
pub fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .sample_size(20)
}

/// For what takes up to a second.
#[must_use]
pub fn slow() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(4)).sample_size(10)
}

/// Attaches and detaches one more user on top.
///
/// # Panics
/// If the graph refuses.
#[allow(clippy::expect_used, reason = "a benchmark of what fails measures nothing")]
pub fn attach_detach(built: &mut Built, name: &Arc<str>, pair: Pair) {
    let user = built.graph.attach_user(name.clone(), built.top, pair, false).expect("attached");
    built.graph.detach_user(black_box(user)).expect("detached");
}

/// Measures `first` alone, of which each is to be followed by a `second`: so many of the one, then so many of the other.
/// Both get the number within the batch.
pub fn first_of_two<C, T>(
    bencher: &mut Bencher<'_>,
    batch: usize,
    context: &mut C,
    mut first: impl FnMut(&mut C, usize) -> T,
    mut second: impl FnMut(&mut C, usize, T),
) {
    bencher.iter_custom(|iterations| {
        let mut time = Duration::ZERO;
        let mut left = usize::try_from(iterations).unwrap_or(usize::MAX);
        let mut results = Vec::with_capacity(batch);
        while left > 0 {
            let now = left.min(batch);
            let start = Instant::now();
            results.extend((0..now).map(|number| first(context, number)));
            time += start.elapsed();
            results.drain(..).enumerate().for_each(|(number, result)| second(context, number, result));
            left -= now;
        }
        time
    });
}
