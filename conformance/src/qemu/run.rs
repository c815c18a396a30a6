//! Episode after episode against a real QEMU.

use super::choose::{Setup, choose};
use super::deviations::Rule;
use super::judge::{Told, Verdict};
use super::trace::Again;
use super::witness::{Image, Turned, Witness};
use crate::fuzz::simplify::simplify;
use crate::replay::shrink::shrink;
use crate::story::Turn;
use blockgraph_model::Op;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The most nodes of an episode.
pub const NODES: usize = 16;
/// The most edges of an episode.
pub const EDGES: usize = 64;
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

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Episodes.
    pub episodes: u64,
    /// Compared turns.
    pub turns: u64,
    /// Compared operations.
    pub ops: u64,
    /// Turns by the verb of their main operation, and by how they ended: `done`, a class of refusal, a deviation.
    pub matrix: BTreeMap<(&'static str, String), u64>,
    /// Deviations by rule.
    pub deviations: BTreeMap<Rule, u64>,
    /// Differences that no rule explains, by what differs (without the numbers in it): how many, and the first.
    pub unexplained: BTreeMap<String, (u64, Example)>,
}

/// An episode that shows a difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// Its number.
    pub episode: u64,
    /// What differs.
    pub what: String,
    /// What was done, the difference last.
    pub story: Vec<Turn>,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.episodes += other.episodes;
        self.turns += other.turns;
        self.ops += other.ops;
        other.matrix.iter().for_each(|(key, count)| *self.matrix.entry(key.clone()).or_default() += count);
        for (kind, (count, first)) in &other.unexplained {
            self.unexplained.entry(kind.clone()).or_insert_with(|| (0, first.clone())).0 += count;
        }
        other.deviations.iter().for_each(|(rule, count)| *self.deviations.entry(*rule).or_default() += count);
    }
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
    pub kept: Vec<super::trace::Episode>,
}

/// The episodes of one run, whoever plays them.
struct Run<'a> {
    options: &'a Options,
    image: Image,
    next: AtomicU64,
    ops: AtomicU64,
    stop: AtomicBool,
    total: Mutex<(Counts, Option<Found>, Vec<super::trace::Episode>, String)>,
}

/// Plays; `progress` is told the operations so far.
///
/// # Errors
/// If a daemon cannot be started.
pub fn run(options: &Options, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Report> {
    run_watched(options, progress, &|_: &mut (), _: &Again<'_>| {})
}

/// Plays; `watch` is shown every compared turn, with a value that starts anew with each episode.
///
/// # Errors
/// If a daemon cannot be started.
pub fn run_watched<W: Default>(
    options: &Options,
    progress: &(dyn Fn(u64) + Sync),
    watch: &(impl Fn(&mut W, &Again<'_>) + Sync),
) -> io::Result<Report> {
    let start = Instant::now();
    let run = Run {
        options,
        image: Image::make()?,
        next: AtomicU64::new(0),
        ops: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        total: Mutex::default(),
    };
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
    let (counts, found, kept, version) = run.total.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let found = found.map(|found| shorten(options, &run.image, found));
    let mut counts = counts;
    for (kind_of, (_, example)) in counts.unexplained.iter_mut().take(SHORTENED) {
        let same = |story: &[Turn]| {
            differs(options, &run.image, story).filter(|(at, what)| kind(&story[..=*at], what) == *kind_of)
        };
        if let (story, Some(what)) = shrink(&example.story, same) {
            (example.story, example.what) = (story, what);
        }
    }
    Ok(Report { version, counts, time, found, kept })
}

impl Run<'_> {
    fn work<W: Default>(&self, progress: &(dyn Fn(u64) + Sync), watch: &impl Fn(&mut W, &Again<'_>)) -> io::Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let played = play(self.options, &self.image, number, watch)?;
            let done = self.ops.fetch_add(played.counts.ops, Ordering::Relaxed) + played.counts.ops;
            progress(done);
            if done >= self.options.ops || played.found.is_some() {
                self.stop.store(true, Ordering::Relaxed);
            }
            let differs_here = played.found.is_some() || !played.counts.unexplained.is_empty();
            let mut total = self.total.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            total.0.add(&played.counts);
            if total.1.is_none() {
                total.1 = played.found;
            }
            // One that differs is no episode to keep.
            if total.2.len() < self.options.keep && !differs_here {
                total.2.push(played.kept);
            }
            total.3 = played.version;
        }
        Ok(())
    }
}

/// One episode.
struct Played {
    counts: Counts,
    found: Option<Found>,
    kept: super::trace::Episode,
    version: String,
}

fn play<W: Default>(
    options: &Options,
    image: &Image,
    number: u64,
    watch: &impl Fn(&mut W, &Again<'_>),
) -> io::Result<Played> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    random.set_stream(number);
    let setup = Setup::new(&mut random);
    let mut witness = Witness::<NODES, EDGES>::start(&options.program, image, options.patience)?;
    witness.thorough = options.keep > 0;
    let mut played = Played {
        counts: Counts { episodes: 1, ..Counts::default() },
        found: None,
        kept: super::trace::Episode::new(witness.version()),
        version: witness.version().to_owned(),
    };
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
        played.counts.turns += 1;
        played.counts.ops += turn.ops.len() as u64;
        *played.counts.matrix.entry((verb(&turn.ops), end(&turned))).or_default() += 1;
        played.kept.push(&turn.ops, &turned.heard);
        story.push(turn);
        match &turned.judged.verdict {
            Verdict::Same => {}
            Verdict::Deviation(rule) => *played.counts.deviations.entry(*rule).or_default() += 1,
            Verdict::Differs(what) if options.survey => {
                let kind = kind(&story, what);
                let example = Example { episode: number, what: what.clone(), story: story.clone() };
                played.counts.unexplained.entry(kind).or_insert((0, example)).0 += 1;
            }
            Verdict::Differs(what) => {
                played.found = Some(Found { episode: number, met: story.clone(), story, what: what.clone() });
                return Ok(played);
            }
        }
        if turned.judged.next.is_none() {
            break;
        }
    }
    Ok(played)
}

/// What differs, without the numbers in it.
fn kind(story: &[Turn], what: &str) -> String {
    let verb = story.last().map_or("", |turn| verb(&turn.ops));
    format!("{verb}: {}", what.replace(|c: char| c.is_ascii_digit(), ""))
}

/// The verb that a turn is counted under: the last of a transaction that adds or exports, else the first.
fn verb(ops: &[Op]) -> &'static str {
    let main = if let [Op::Activate { .. }, user @ Op::AttachUser { .. }] = ops { Some(user) } else { ops.first() };
    main.map_or("nothing", |op| Op::VERBS[op.index()])
}

/// How it ended, in a word.
fn end<const N: usize, const E: usize>(turned: &Turned<N, E>) -> String {
    match (&turned.judged.verdict, &turned.heard.told, turned.judged.class) {
        (Verdict::Deviation(rule), ..) => rule.name().to_owned(),
        (_, Told::Done, _) => "done".to_owned(),
        (_, Told::Lost(_), _) => "lost".to_owned(),
        (_, Told::Refused(..), class) => class.map_or_else(|| "refused".to_owned(), |class| format!("{class:?}")),
    }
}

/// Plays a story on a fresh daemon; the first turn after which it differs, and how. Turns that QMP does not reach are left out.
pub fn differs(options: &Options, image: &Image, story: &[Turn]) -> Option<(usize, String)> {
    let mut witness = Witness::<NODES, EDGES>::start(&options.program, image, options.patience).ok()?;
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

fn shorten(options: &Options, image: &Image, found: Found) -> Found {
    let (short, what) = shrink(&found.story, |story| differs(options, image, story));
    let Some(what) = what else { return found };
    let (story, what) = simplify(short, what, |story| differs(options, image, story));
    Found { story, what, ..found }
}
