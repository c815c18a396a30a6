//! Differential fuzzing: random stories on model and crate side by side.
//!
//! A story ([`Episode`]) depends on the seed, the generator and its number alone. Threads take the numbers in turn, and
//! of several differences the one with the lowest number is reported, so the same seed gives the same result on any
//! machine.

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

/// The budget and the generator of a run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The generator.
    pub mode: Mode,
    /// The number of the first story.
    pub first: u64,
    /// The run ends after this many operations. It may execute a few more, because transactions are not cut.
    pub ops: u64,
    /// The run ends after this time, even in the middle of a story. How far it gets depends on the machine.
    pub time: Option<Duration>,
    /// The number of worker threads.
    pub threads: usize,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// Statistics over all stories.
    pub made: Statistics,
    /// The duration of the run.
    pub time: Duration,
    /// The difference in the story with the lowest number.
    pub found: Option<Found>,
}

/// A difference.
#[derive(Debug)]
pub struct Found {
    /// The story in which it was met.
    pub episode: Episode,
    /// The difference as it was met.
    pub met: Difference,
    /// The difference after shrinking.
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
    /// Returns the next story, or `None` if the budget is used up.
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

/// Plays stories until the budget is used up or model and crate differ. `progress` is called with the number of
/// operations done so far.
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
                    // A story with a lower number than that of a known difference is played to its end.
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

/// Shrinks a story and simplifies what is left.
fn shorten(episode: &Episode, met: &Difference) -> Difference {
    let differs = |story: &[Turn]| episode.differs(story);
    let (story, what) = shrink(&met.story, differs);
    // The plain comparison does not show differences that only the full check finds; such a story stays as it is.
    let Some(what) = what else { return met.clone() };
    let (story, what) = simplify(story, what, differs);
    Difference { story, what }
}
