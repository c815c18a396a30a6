//! Plays random episodes against a real QEMU.

use crate::compare::verdict::Verdict;
use crate::episodes::counts::{Counts, Example, kind};
use crate::episodes::generator::{Setup, choose_turn};
use crate::episodes::trace::{EDGES, Episode, NODES, ReplayedTurn};
use crate::session::{DaemonSetup, Session};
use blockgraph_story::shrink::shrink;
use blockgraph_story::simplify::simplify;
use blockgraph_story::turn::Turn;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An episode ends after this many turns.
const TURNS: usize = 60;
/// An episode is given up if no turn is found after this many choices.
const TRIES: usize = 200;
/// A survey shrinks this many kinds of differences.
const SHORTENED: usize = 12;

/// The size of a thread's stack. Some machines of the museum call themselves recursively until they meet their own
/// bound.
const STACK: usize = 64 << 20;

/// The arguments of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The run ends after this many compared operations.
    pub ops: u64,
    /// The number of daemons at once.
    pub threads: usize,
    /// The path of `qemu-storage-daemon`.
    pub program: PathBuf,
    /// How long an answer may take.
    pub patience: Duration,
    /// The number of episodes to keep.
    pub keep: usize,
    /// Whether to count all differences instead of stopping at the first.
    pub survey: bool,
}

/// A difference that no rule explains.
#[derive(Clone, Debug)]
pub struct Found {
    /// The number of the episode.
    pub episode: u64,
    /// The turns as they were met.
    pub met: Vec<Turn>,
    /// The turns after shrinking.
    pub story: Vec<Turn>,
    /// What differs.
    pub what: String,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// QEMU's version.
    pub version: String,
    /// The counts.
    pub counts: Counts,
    /// The duration.
    pub time: Duration,
    /// The first difference.
    pub found: Option<Found>,
    /// The episodes that were kept.
    pub kept: Vec<Episode>,
}

/// The episodes of one run, shared by all threads.
struct Run<'a> {
    options: &'a Options,
    setup: &'a DaemonSetup,
    next: AtomicU64,
    stop: AtomicBool,
    total: Mutex<Total>,
}

/// What was played so far.
#[derive(Default)]
struct Total {
    counts: Counts,
    found: Option<Found>,
    kept: Vec<Episode>,
    /// The episodes that were played before their predecessors.
    early: BTreeMap<u64, Played>,
}

impl Total {
    /// Counts episodes in the order of their numbers, so that the end of the run does not depend on the speed of the
    /// threads. Returns whether the run is over.
    fn take(&mut self, number: u64, played: Played, options: &Options) -> bool {
        self.early.insert(number, played);
        while !self.is_over(options)
            && let Some(played) = self.early.remove(&self.counts.episodes)
        {
            // An episode that differs is not kept.
            let differs = played.found.is_some() || !played.counts.unexplained.is_empty();
            if self.kept.len() < options.keep && !differs {
                self.kept.push(played.kept);
            }
            self.counts.add(&played.counts);
            self.found = played.found;
        }
        self.is_over(options)
    }

    fn is_over(&self, options: &Options) -> bool {
        self.found.is_some() || self.counts.ops >= options.ops
    }
}

/// Plays episodes. `progress` is called with the number of operations so far. The run depends on the seed and the
/// number of operations alone, except for answers that come too late.
///
/// # Errors
/// If a daemon cannot be started or queried.
pub fn run(options: &Options, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Report> {
    run_with(options, &DaemonSetup::make(&options.program, options.patience)?, progress)
}

/// Plays episodes like [`run`], with daemons of this kit.
///
/// # Errors
/// If a daemon cannot be started.
pub fn run_with(options: &Options, setup: &DaemonSetup, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Report> {
    run_watched(options, setup, progress, &|_: &mut (), _: &ReplayedTurn<'_>| {})
}

/// Plays episodes like [`run_with`]. `watch` is called with every compared turn, and with a value that starts anew with
/// each episode.
///
/// # Errors
/// If a daemon cannot be started.
pub fn run_watched<W: Default>(
    options: &Options,
    setup: &DaemonSetup,
    progress: &(dyn Fn(u64) + Sync),
    watch: &(impl Fn(&mut W, &ReplayedTurn<'_>) + Sync),
) -> io::Result<Report> {
    let start = Instant::now();
    let run = Run { options, setup, next: AtomicU64::new(0), stop: AtomicBool::new(false), total: Mutex::default() };
    let ended: Vec<io::Result<()>> = std::thread::scope(|scope| {
        let worker = || std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || run.work(progress, watch));
        let workers: Vec<_> = (0..options.threads).map(|_| worker()).collect();
        let joined = |worker: std::thread::ScopedJoinHandle<'_, io::Result<()>>| {
            worker.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
        };
        workers.into_iter().map(|worker| joined(worker?)).collect()
    });
    let time = start.elapsed();
    ended.into_iter().collect::<io::Result<()>>()?;
    let Total { mut counts, found, kept, .. } = run.total.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let found = found.map(|found| shorten(setup, found));
    for (kind_of, (_, example)) in counts.unexplained.iter_mut().take(SHORTENED) {
        let same = |story: &[Turn]| differs(setup, story).filter(|(at, what)| kind(&story[..=*at], what) == *kind_of);
        if let (story, Some(what)) = shrink(&example.story, same) {
            (example.story, example.what) = (story, what);
        }
    }
    Ok(Report { version: setup.version.clone(), counts, time, found, kept })
}

impl Run<'_> {
    fn work<W: Default>(
        &self,
        progress: &(dyn Fn(u64) + Sync),
        watch: &impl Fn(&mut W, &ReplayedTurn<'_>),
    ) -> io::Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            // Without this episode, no later one counts.
            let played = play(self.options, self.setup, number, watch)
                .inspect_err(|_| self.stop.store(true, Ordering::Relaxed))?;
            let mut total = self.total.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if total.take(number, played, self.options) {
                self.stop.store(true, Ordering::Relaxed);
            }
            progress(total.counts.ops);
        }
        Ok(())
    }
}

/// One episode.
struct Played {
    counts: Counts,
    found: Option<Found>,
    kept: Episode,
}

fn play<W: Default>(
    options: &Options,
    setup: &DaemonSetup,
    number: u64,
    watch: &impl Fn(&mut W, &ReplayedTurn<'_>),
) -> io::Result<Played> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    random.set_stream(number);
    let choices = Setup::new(&mut random);
    let mut witness = Session::<NODES, EDGES>::start(setup)?;
    witness.thorough = options.keep > 0;
    let mut played =
        Played { counts: Counts { episodes: 1, ..Counts::default() }, found: None, kept: Episode::new(&setup.version) };
    let mut story: Vec<Turn> = Vec::new();
    let (mut tries, mut watched) = (0, W::default());
    while story.len() < TURNS && tries < TRIES {
        tries += 1;
        let Some(ops) = choose_turn(&mut random, choices, &witness.state, &witness.memory) else { continue };
        let turn = Turn { ops, refusals: Vec::new() };
        if !turn.fits(&witness.state) {
            continue;
        }
        let (before, memory) = (witness.state, witness.memory.clone());
        let Some(turned) = witness.take(&turn.ops)? else { continue };
        let played_turn = ReplayedTurn {
            before: &before,
            memory: &memory,
            ops: &turn.ops,
            result: &turned.result,
            comparison: &turned.comparison,
        };
        watch(&mut watched, &played_turn);
        tries = 0;
        played.counts.note(&turn.ops, &turned.result.answer, &turned.comparison);
        played.kept.push(&turn.ops, &turned.result);
        story.push(turn);
        match turned.comparison.verdict {
            Verdict::Differs(what) if options.survey => {
                let example = Example { episode: number, what, story: story.clone() };
                let kind = kind(&story, &example.what);
                played.counts.unexplained.entry(kind).or_insert((0, example)).0 += 1;
            }
            Verdict::Differs(what) => {
                played.found = Some(Found { episode: number, met: story.clone(), story, what });
                break;
            }
            Verdict::Same | Verdict::Deviation(_) => {}
        }
        if turned.comparison.next.is_none() {
            break;
        }
    }
    played.counts.lacking = witness.lacking;
    Ok(played)
}

/// Plays a story on a fresh daemon. Returns the index of the first turn that differs, and how. Turns that QMP cannot
/// express are left out.
pub fn differs(setup: &DaemonSetup, story: &[Turn]) -> Option<(usize, String)> {
    let mut witness = Session::<NODES, EDGES>::start(setup).ok()?;
    for (place, turn) in story.iter().enumerate() {
        if !turn.fits(&witness.state) {
            continue;
        }
        let Some(turned) = witness.take(&turn.ops).ok()? else { continue };
        if let Verdict::Differs(what) = turned.comparison.verdict {
            return Some((place, what));
        }
        turned.comparison.next?;
    }
    None
}

fn shorten(setup: &DaemonSetup, found: Found) -> Found {
    let (short, what) = shrink(&found.story, |story| differs(setup, story));
    let Some(what) = what else { return found };
    let (story, what) = simplify(short, what, |story| differs(setup, story));
    Found { story, what, ..found }
}
