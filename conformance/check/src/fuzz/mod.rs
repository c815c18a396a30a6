//! Differential fuzzing: random stories on model and crate side by side, as many and as large as there is time for.
//!
//! A story ([`Episode`]) follows from the seed, the generator and its number alone. Threads take the numbers in turn, and of
//! several differences the one with the lowest number is reported, so the same seed gives the same run on any machine.

pub mod byte_story;
mod episode;
mod statistics;
pub mod unmet;

pub use episode::{Difference, Episode, MOST_NAMES};
pub use statistics::{DRIVERS, Statistics, driver_name};

use crate::generate::Mode;
use blockgraph_story::shrink::shrink;
use blockgraph_story::simplify::simplify;
use blockgraph_story::turn::Turn;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much, of what.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What all random numbers follow from.
    pub seed: u64,
    /// Which generator.
    pub mode: Mode,
    /// The number of the first story.
    pub first: u64,
    /// Ends after so many operations (a little more: transactions are not cut).
    pub ops: u64,
    /// Ends after that time, in the middle of a story; what was done by then depends on the machine.
    pub time: Option<Duration>,
    /// Worker threads.
    pub threads: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// What was made, in all stories.
    pub made: Statistics,
    /// How long it took.
    pub time: Duration,
    /// The first story, by number, in which model and crate differ.
    pub found: Option<Found>,
}

/// A difference.
#[derive(Debug)]
pub struct Found {
    /// In which story.
    pub episode: Episode,
    /// As it was met.
    pub met: Difference,
    /// As short as could be made.
    pub short: Difference,
}

/// What all threads share.
struct Shared {
    options: Options,
    start: Instant,
    /// The number of the next story, and how many operations are left.
    next: Mutex<(u64, u64)>,
    /// The lowest number of a story with a difference.
    lowest: AtomicU64,
    found: Mutex<Option<(Episode, Difference)>>,
    done: AtomicU64,
}

impl Shared {
    /// The next story; `None`: that was all.
    fn take(&self) -> Option<Episode> {
        let mut next = self.next.lock().unwrap_or_else(|e| e.into_inner());
        let (index, left) = *next;
        if left == 0 || index > self.lowest.load(Ordering::Relaxed) || self.is_over() {
            return None;
        }
        let mut episode = Episode::of(self.options.seed, self.options.mode, index);
        episode.ops = episode.ops.min(left);
        *next = (index + 1, left - episode.ops);
        Some(episode)
    }

    fn is_over(&self) -> bool {
        self.options.time.is_some_and(|time| self.start.elapsed() >= time)
    }

    fn report(&self, episode: Episode, difference: Difference) {
        let mut found = self.found.lock().unwrap_or_else(|e| e.into_inner());
        if found.as_ref().is_none_or(|(other, _)| episode.index < other.index) {
            self.lowest.store(episode.index, Ordering::Relaxed);
            *found = Some((episode, difference));
        }
    }
}

/// Plays stories until the budget is used up or model and crate differ. `progress` hears how many operations were done.
pub fn run(options: Options, progress: &(dyn Fn(u64) + Sync)) -> Report {
    let shared = Shared {
        options,
        start: Instant::now(),
        next: Mutex::new((options.first, options.ops)),
        lowest: AtomicU64::new(u64::MAX),
        found: Mutex::new(None),
        done: AtomicU64::new(0),
    };
    let total = Mutex::new(Statistics::default());
    std::thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(|| {
                let mut made = Statistics::default();
                while let Some(episode) = shared.take() {
                    let before = made.ops;
                    // A story with a lower number than that of a known difference is played on.
                    let go_on = || episode.index < shared.lowest.load(Ordering::Relaxed) && !shared.is_over();
                    if let Some(difference) = episode.play(&mut made, &go_on) {
                        shared.report(episode, difference);
                    }
                    progress(shared.done.fetch_add(made.ops - before, Ordering::Relaxed) + made.ops - before);
                }
                total.lock().unwrap_or_else(|e| e.into_inner()).add(made);
            });
        }
    });
    let time = shared.start.elapsed();
    let found = shared.found.into_inner().unwrap_or_else(|e| e.into_inner());
    let found = found.map(|(episode, met)| Found { episode, short: shorten(&episode, &met), met });
    Report { made: total.into_inner().unwrap_or_else(|e| e.into_inner()), time, found }
}

/// The story without what is not needed, and what is left as plain as it can be.
fn shorten(episode: &Episode, met: &Difference) -> Difference {
    let differs = |story: &[Turn]| episode.differs(story);
    let (story, what) = shrink(&met.story, differs);
    // What only a look from scratch shows is not shown by the plain comparison.
    let Some(what) = what else { return met.clone() };
    let (story, what) = simplify(story, what, differs);
    Difference { story, what }
}
