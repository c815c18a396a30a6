//! Fuzzing itself: the same seed is the same run, whatever the threads; what is made is worth its time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

use blockgraph_check::fuzz::{self, DRIVERS, Episode, MOST_NAMES, Options, Report, unmet};
use blockgraph_check::generate::Mode;
use blockgraph_model::table::{COLUMNS, ROWS};
use std::collections::BTreeSet;

fn run(mode: Mode, seed: u64, ops: u64, threads: usize) -> Report {
    let report = fuzz::run(Options { seed, mode, first: 0, ops, time: None, threads }, &|_| {});
    if let Some(found) = &report.found {
        panic!("{} {:#?}", found.short.what, found.short.story);
    }
    report
}

/// Everything that a report counts.
fn counts(report: &Report) -> Vec<u64> {
    let made = &report.made;
    let cells =
        (0..ROWS * COLUMNS * DRIVERS).map(|i| made.cell(i / DRIVERS / COLUMNS, i / DRIVERS % COLUMNS, i % DRIVERS));
    let (states, shapes) = made.distinct();
    let sums = [made.episodes, made.turns, made.ops, made.skipped, states as u64, shapes as u64];
    let most = [made.most.0 as u64, made.most.1 as u64];
    cells.chain(made.ends).chain(made.sizes).chain(sums).chain(most).collect()
}

/// F1
#[test]
fn the_same_seed_is_the_same_run() {
    for mode in [Mode::Plausible, Mode::Hostile] {
        let one = counts(&run(mode, 11, 4_000, 1));
        assert_eq!(one, counts(&run(mode, 11, 4_000, 3)), "{mode:?}");
        assert_ne!(one, counts(&run(mode, 12, 4_000, 1)), "{mode:?}");
    }
}

/// F4, F6
#[test]
fn the_generators_are_worth_their_time() {
    let plausible = run(Mode::Plausible, 1, 12_000, 2).made;
    let hostile = run(Mode::Hostile, 1, 12_000, 2).made;
    assert!(plausible.ends[0] * 100 > plausible.turns * 45, "{:?}", plausible.ends);
    assert!(
        hostile.ends[0] * 100 > hostile.turns * 20 && hostile.ends[1] * 100 > hostile.turns * 25,
        "{:?}",
        hostile.ends
    );
    for made in [plausible, hostile] {
        let holes = unmet::of(&made);
        assert_eq!(holes.wrong, Vec::<String>::new());
        assert!(holes.outcomes_met > 220 && holes.drivers_met > 650, "{} {}", holes.outcomes_met, holes.drivers_met);
        let (states, shapes) = made.distinct();
        assert!(states >= shapes && shapes * 10 > states * 8 && shapes > 100, "{states} {shapes}");
        assert!(made.ends.iter().all(|count| *count > 0), "{:?}", made.ends);
    }
}

/// F5
#[test]
fn episodes_differ() {
    let episodes: Vec<Episode> = (0..400).map(|index| Episode::of(3, Mode::Plausible, index)).collect();
    let all = |of: &dyn Fn(&Episode) -> u64| episodes.iter().map(of).collect::<BTreeSet<u64>>();
    let names = all(&|e| e.setup.names.into());
    assert!(names.first() == Some(&3) && names.last().is_some_and(|most| *most > 190 && *most <= MOST_NAMES.into()));
    assert_eq!(all(&|e| e.setup.hot.into()).len(), 4);
    assert_eq!(all(&|e| e.refused.into()).len(), 4);
    assert_eq!(all(&|e| e.joined.into()).len(), 4);
    assert!(all(&|e| e.setup.excluded.0).len() > 150);
    assert!(all(&|e| e.ops).len() > 4);
    assert_eq!(episodes[7], Episode::of(3, Mode::Plausible, 7));
    assert_ne!(episodes[7], Episode::of(4, Mode::Plausible, 7));
}
