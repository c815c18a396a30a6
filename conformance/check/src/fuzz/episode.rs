//! One random story: from a seed and a number, always the same, whoever plays it and whenever.

use crate::compare::compare_step;
use crate::full_check;
use crate::fuzz::statistics::Statistics;
use crate::generate::{self, ExcludedVerbs, Mode, Move, Setup};
use crate::impl_subject::ImplSubject;
use crate::replay::differs::differs;
use crate::replay::guarded;
use blockgraph_model::{Outcome, State};
use blockgraph_story::text::scenario::{MOST_EDGES, MOST_NODES};
use blockgraph_story::turn::Turn;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The most nodes of an episode.
pub const MOST_NAMES: u8 = 200;

/// After so many turns everything is computed from scratch once more.
const DEEP: usize = 64;

/// What an episode is like (swarm testing: each leaves something out, or has it more often than others).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Episode {
    /// Its number.
    pub index: u64,
    /// Names, users, verbs, heat.
    pub setup: Setup,
    /// So many of 256 turns have a driver that refuses.
    pub refused: u8,
    /// So many of 256 turns are transactions of several operations.
    pub joined: u8,
    /// It ends after so many operations.
    pub ops: u64,
    seed: u64,
}

/// A story after whose last turn model and crate differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What was done.
    pub story: Vec<Turn>,
    /// What differs.
    pub what: String,
}

/// How many names of nodes: three to twelve, to 48, to two hundred. The small ones come first, since what shows there is
/// the easiest to read.
const SIZES: [(u8, u8, u64); 10] = [
    (3, 6, 200),
    (7, 12, 400),
    (13, 24, 800),
    (7, 12, 400),
    (25, 48, 2_000),
    (3, 12, 400),
    (13, 24, 800),
    (49, MOST_NAMES, 6_000),
    (13, 48, 1_000),
    (7, 12, 8_000),
];

impl Episode {
    /// The episode of that number.
    pub fn of(seed: u64, mode: Mode, index: u64) -> Episode {
        let mut bytes = bytes(seed, mode, index, true);
        let (least, most, ops) = SIZES[(index % SIZES.len() as u64) as usize];
        let mut setup = Setup::new(mode, least + (bytes.next_u32() % u32::from(most - least + 1)) as u8);
        setup.users = (2 + setup.names / 2).min(24);
        // So that some nodes have many children.
        setup.children = 6 + setup.names / 5;
        setup.hot = [0, 128, 192, 192, 240][bytes.next_u32() as usize % 5];
        let (a, b, c) = (bytes.next_u64(), bytes.next_u64(), bytes.next_u64());
        // All verbs; without a quarter of them; without three quarters.
        setup.excluded = ExcludedVerbs([0, 0, a & b, a | b & c][bytes.next_u32() as usize % 4]);
        let refused = [0, 16, 32, 128][bytes.next_u32() as usize % 4];
        let joined = [0, 32, 64, 192][bytes.next_u32() as usize % 4];
        Episode { index, setup, refused, joined, ops, seed }
    }

    /// Plays it on model and crate and compares after every turn; counts what happens. `go_on` is asked now and then.
    pub fn play(&self, made: &mut Statistics, go_on: &dyn Fn() -> bool) -> Option<Difference> {
        match self.setup.names {
            0..=12 => self.play_in::<12, 32>(made, go_on),
            13..=48 => self.play_in::<48, 128>(made, go_on),
            _ => self.play_in::<MOST_NODES, MOST_EDGES>(made, go_on),
        }
    }

    fn play_in<const N: usize, const E: usize>(
        &self,
        made: &mut Statistics,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Difference> {
        let mut random = bytes(self.seed, self.setup.mode, self.index, false);
        let mut buffer = Buffer::default();
        let mut bytes = std::iter::from_fn(|| Some(buffer.next(&mut random)));
        let mut state = State::<N, E>::default();
        let mut subject = ImplSubject::new();
        let (mut story, mut ops) = (Vec::new(), 0);
        // (So that it ends even where there is never room for anything.)
        let more = |ops, turns: &[Turn]| ops < self.ops && (turns.len() as u64) < 4 * self.ops;
        while let Some(chosen) = Move::read_as(&mut bytes, self.refused, self.joined).filter(|_| more(ops, &story)) {
            let next = generate::step(self.setup, &chosen, &state);
            made.turn(&state, &next);
            ops += next.turn.ops.len() as u64;
            let after = if let Outcome::Done { next, .. } = &next.outcome { next } else { &state };
            let mut what = guarded(&mut subject, &next.turn.ops, &next.turn.refusals, |subject, answer| {
                compare_step(&next.outcome, answer, subject, after)
            });
            story.push(next.turn);
            if what.is_none() && story.len().is_multiple_of(DEEP) {
                made.look(after);
                what = full_check::full_check(&subject, after);
                if !go_on() {
                    return None;
                }
            }
            if let Some(what) = what {
                return Some(Difference { story, what });
            }
            if let Outcome::Done { next, .. } = next.outcome {
                state = next;
            }
        }
        made.end(&state);
        full_check::full_check(&subject, &state).map(|what| Difference { story, what })
    }

    /// After which turn of a story on these names model and crate differ.
    pub fn differs(&self, story: &[Turn]) -> Option<(usize, String)> {
        match self.setup.names {
            0..=12 => differs::<12, 32>(story),
            13..=48 => differs::<48, 128>(story),
            _ => differs::<MOST_NODES, MOST_EDGES>(story),
        }
    }
}

/// The random numbers of an episode: one stream for what it is like, one for what happens in it.
fn bytes(seed: u64, mode: Mode, index: u64, about: bool) -> ChaCha8Rng {
    let mut bytes = ChaCha8Rng::seed_from_u64(seed);
    bytes.set_stream(index << 2 | u64::from(mode == Mode::Hostile) << 1 | u64::from(about));
    bytes
}

/// Random bytes one at a time.
struct Buffer {
    bytes: [u8; 256],
    at: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Buffer { bytes: [0; 256], at: 256 }
    }
}

impl Buffer {
    fn next(&mut self, random: &mut ChaCha8Rng) -> u8 {
        if self.at == self.bytes.len() {
            random.fill_bytes(&mut self.bytes);
            self.at = 0;
        }
        self.at += 1;
        self.bytes[self.at - 1]
    }
}
