//! One random story. It depends on the seed and its number alone.

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

/// After this many turns the pairs are recomputed from scratch.
const DEEP: usize = 64;

/// The properties of a random story. As in swarm testing, each story excludes some verbs and has others more often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Episode {
    /// The number of the episode.
    pub index: u64,
    /// The names, users, excluded verbs and hot names.
    pub setup: Setup,
    /// How many of 256 turns have a driver that refuses.
    pub refused: u8,
    /// How many of 256 turns are transactions of several operations.
    pub joined: u8,
    /// The episode ends after this many operations.
    pub ops: u64,
    seed: u64,
}

/// A story after whose last turn model and crate differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The turns.
    pub story: Vec<Turn>,
    /// What differs.
    pub what: String,
}

/// The numbers of node names: three to twelve, up to 48, up to two hundred. The small ones come first, because a
/// difference in a small graph is the easiest to read.
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
    /// Returns the episode with this number.
    pub fn of(seed: u64, mode: Mode, index: u64) -> Episode {
        let mut bytes = bytes(seed, mode, index, true);
        let (least, most, ops) = SIZES[(index % SIZES.len() as u64) as usize];
        let mut setup = Setup::new(mode, least + (bytes.next_u32() % u32::from(most - least + 1)) as u8);
        setup.users = (2 + setup.names / 2).min(24);
        // Some nodes get many children.
        setup.children = 6 + setup.names / 5;
        setup.hot = [0, 128, 192, 192, 240][bytes.next_u32() as usize % 5];
        let (a, b, c) = (bytes.next_u64(), bytes.next_u64(), bytes.next_u64());
        // All verbs, or each verb is excluded with the probability 1/4 or 5/8.
        setup.excluded = ExcludedVerbs([0, 0, a & b, a | b & c][bytes.next_u32() as usize % 4]);
        let refused = [0, 16, 32, 128][bytes.next_u32() as usize % 4];
        let joined = [0, 32, 64, 192][bytes.next_u32() as usize % 4];
        Episode { index, setup, refused, joined, ops, seed }
    }

    /// Plays the episode on model and crate, compares after every turn, and counts what happens. `go_on` is called now
    /// and then and can end the episode.
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
        // The bound on turns ends the episode even if there is never room for an operation.
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

    /// Returns the index of the first turn of a story after which model and crate differ, and how. The bounds are those
    /// of this episode's names.
    pub fn differs(&self, story: &[Turn]) -> Option<(usize, String)> {
        match self.setup.names {
            0..=12 => differs::<12, 32>(story),
            13..=48 => differs::<48, 128>(story),
            _ => differs::<MOST_NODES, MOST_EDGES>(story),
        }
    }
}

/// Returns the random numbers of an episode. Its properties and its turns use different streams.
fn bytes(seed: u64, mode: Mode, index: u64, about: bool) -> ChaCha8Rng {
    let mut bytes = ChaCha8Rng::seed_from_u64(seed);
    bytes.set_stream(index << 2 | u64::from(mode == Mode::Hostile) << 1 | u64::from(about));
    bytes
}

/// Random bytes, one at a time.
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
