//! Episode after episode against a real QEMU.

use crate::compare::verdict::Verdict;
use crate::episodes::counts::{Counts, Example, kind};
use crate::episodes::generator::{Setup, choose};
use crate::episodes::trace::{Again, EDGES, Episode, NODES};
use crate::session::{Kit, Session};
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

/// An episode ends after so many turns.
const TURNS: usize = 60;
/// A turn is chosen so often before the episode is given up.
const TRIES: usize = 200;
/// So many kinds of difference are made short in a survey.
const SHORTENED: usize = 12;

/// The stack of a thread: some machines of the museum call themselves until they meet their own bound.
const STACK: usize = 64 << 20;

/// How much, of what.
#[derive(Clone, Debug)]
pub struct Options {
    /// What all random numbers follow from.
    pub seed: u64,
    /// Ends after so many compared operations.
    pub ops: u64,
    /// So many daemons at once.
    pub threads: usize,
    /// The program.
    pub program: PathBuf,
    /// How long an answer may take.
    pub patience: Duration,
    /// Episodes are kept, up to so many.
    pub keep: usize,
    /// Does not stop at a difference, but counts all of them.
    pub survey: bool,
}

/// A difference that no rule explains.
#[derive(Clone, Debug)]
pub struct Found {
    /// In which episode.
    pub episode: u64,
    /// As it was met.
    pub met: Vec<Turn>,
    /// As short as could be made.
    pub story: Vec<Turn>,
    /// What differs.
    pub what: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// QEMU's version.
    pub version: String,
    /// What happened.
    pub counts: Counts,
    /// How long it took.
    pub time: Duration,
    /// The first difference.
    pub found: Option<Found>,
    /// The episodes that were kept.
    pub kept: Vec<Episode>,
}

/// The episodes of one run, whoever plays them.
struct Run<'a> {
    options: &'a Options,
    kit: &'a Kit,
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
    /// Those that were played before the ones before them.
    early: BTreeMap<u64, Played>,
}

impl Total {
    /// Counts what was played in the order of the episodes, so that where it ends does not depend on which thread is faster;
    /// is it the end?
    fn take(&mut self, number: u64, played: Played, options: &Options) -> bool {
        self.early.insert(number, played);
        while !self.is_over(options)
            && let Some(played) = self.early.remove(&self.counts.episodes)
        {
            // One that differs is no episode to keep.
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

/// Plays; `progress` is told the operations so far. What is played follows from seed and number of operations alone, but for
/// answers that come too late.
///
/// # Errors
/// If a daemon cannot be started or asked.
pub fn run(options: &Options, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Report> {
    run_with(options, &Kit::make(&options.program, options.patience)?, progress)
}

/// The same with a kit that is there already.
///
/// # Errors
/// If a daemon cannot be started.
pub fn run_with(options: &Options, kit: &Kit, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Report> {
    run_watched(options, kit, progress, &|_: &mut (), _: &Again<'_>| {})
}

/// The same; `watch` is shown every compared turn, with a value that starts anew with each episode.
///
/// # Errors
/// If a daemon cannot be started.
pub fn run_watched<W: Default>(
    options: &Options,
    kit: &Kit,
    progress: &(dyn Fn(u64) + Sync),
    watch: &(impl Fn(&mut W, &Again<'_>) + Sync),
) -> io::Result<Report> {
    let start = Instant::now();
    let run = Run { options, kit, next: AtomicU64::new(0), stop: AtomicBool::new(false), total: Mutex::default() };
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
    let found = found.map(|found| shorten(kit, found));
    for (kind_of, (_, example)) in counts.unexplained.iter_mut().take(SHORTENED) {
        let same = |story: &[Turn]| differs(kit, story).filter(|(at, what)| kind(&story[..=*at], what) == *kind_of);
        if let (story, Some(what)) = shrink(&example.story, same) {
            (example.story, example.what) = (story, what);
        }
    }
    Ok(Report { version: kit.version.clone(), counts, time, found, kept })
}

impl Run<'_> {
    fn work<W: Default>(&self, progress: &(dyn Fn(u64) + Sync), watch: &impl Fn(&mut W, &Again<'_>)) -> io::Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            // Without this one nothing that comes after it counts.
            let played = play(self.options, self.kit, number, watch)
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
    kit: &Kit,
    number: u64,
    watch: &impl Fn(&mut W, &Again<'_>),
) -> io::Result<Played> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    random.set_stream(number);
    let setup = Setup::new(&mut random);
    let mut witness = Session::<NODES, EDGES>::start(kit)?;
    witness.thorough = options.keep > 0;
    let mut played =
        Played { counts: Counts { episodes: 1, ..Counts::default() }, found: None, kept: Episode::new(&kit.version) };
    let mut story: Vec<Turn> = Vec::new();
    let (mut tries, mut watched) = (0, W::default());
    while story.len() < TURNS && tries < TRIES {
        tries += 1;
        let Some(ops) = choose(&mut random, setup, &witness.state, &witness.memory) else { continue };
        let turn = Turn { ops, refusals: Vec::new() };
        if !turn.fits(&witness.state) {
            continue;
        }
        let (before, memory) = (witness.state, witness.memory.clone());
        let Some(turned) = witness.take(&turn.ops)? else { continue };
        let again =
            Again { before: &before, memory: &memory, ops: &turn.ops, heard: &turned.heard, judged: &turned.judged };
        watch(&mut watched, &again);
        tries = 0;
        played.counts.note(&turn.ops, &turned.heard.told, &turned.judged);
        played.kept.push(&turn.ops, &turned.heard);
        story.push(turn);
        match turned.judged.verdict {
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
        if turned.judged.next.is_none() {
            break;
        }
    }
    played.counts.lacking = witness.lacking;
    Ok(played)
}

/// Plays a story on a fresh daemon; the first turn after which it differs, and how. Turns that QMP does not reach are left out.
pub fn differs(kit: &Kit, story: &[Turn]) -> Option<(usize, String)> {
    let mut witness = Session::<NODES, EDGES>::start(kit).ok()?;
    for (place, turn) in story.iter().enumerate() {
        if !turn.fits(&witness.state) {
            continue;
        }
        let Some(turned) = witness.take(&turn.ops).ok()? else { continue };
        if let Verdict::Differs(what) = turned.judged.verdict {
            return Some((place, what));
        }
        turned.judged.next?;
    }
    None
}

fn shorten(kit: &Kit, found: Found) -> Found {
    let (short, what) = shrink(&found.story, |story| differs(kit, story));
    let Some(what) = what else { return found };
    let (story, what) = simplify(short, what, |story| differs(kit, story));
    Found { story, what, ..found }
}
