//! Stories from plain bytes, as a coverage-guided fuzzer writes them and its corpus keeps them.

use crate::compare::compare_step;
use crate::full_check;
use crate::fuzz::Difference;
use crate::generate::{self, ExcludedVerbs, Mode, Move, Setup};
use crate::impl_subject::ImplSubject;
use crate::replay::guarded;
use crate::stages::stage;
use blockgraph_model::{NodeId, Op, Outcome, Refusal, State, execute};
use blockgraph_story::text::{json, parse, print};
use blockgraph_story::turn::Turn;

/// The bounds of the graphs of such a story.
type Graph = State<16, 48>;

/// A story read from bytes: first the excluded verbs and the number of names, then one move after another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ByteStory {
    setup: Setup,
    moves: Vec<Move>,
}

impl ByteStory {
    /// Reads a story. All bytes mean something; bytes that are too few for another move are left over.
    pub fn read(mode: Mode, bytes: &[u8]) -> ByteStory {
        let mut bytes = bytes.iter().copied();
        let mut next = || bytes.next().unwrap_or_default();
        let excluded: [u8; 8] = std::array::from_fn(|_| next());
        let names = 3 + next() % 14;
        let setup =
            Setup { excluded: ExcludedVerbs(u64::from_le_bytes(excluded)), hot: next(), ..Setup::new(mode, names) };
        ByteStory { setup, moves: std::iter::from_fn(|| Move::read(&mut bytes)).collect() }
    }

    /// Plays the story on model and crate, up to the first difference.
    pub fn play(&self) -> Option<Difference> {
        self.play_with(|_, _| Vec::new()).err()
    }

    /// Plays the story like [`play`](Self::play), and tries every turn before it is done: with each refusal that its
    /// plan has room for, and cut off after each of its operations by an operation that fails. All of this must leave
    /// no trace.
    pub fn play_injected(&self) -> Option<Difference> {
        self.play_with(|turn, outcome| {
            let mut tried = Vec::new();
            if let Outcome::Done { plan, .. } = outcome {
                tried.extend(plan.hooks().map(|hook: Refusal| Turn { refusals: vec![hook], ..turn.clone() }));
            }
            // No node of these graphs has this name.
            let fails = Op::Release { node: NodeId(u8::MAX) };
            tried.extend((1..=turn.ops.len()).map(|end| Turn {
                ops: turn.ops[..end].iter().copied().chain([fails]).collect(),
                refusals: Vec::new(),
            }));
            tried
        })
        .err()
    }

    fn play_with(&self, tries: impl Fn(&Turn, &Outcome<16, 48>) -> Vec<Turn>) -> Result<(), Difference> {
        let mut both = Both::default();
        for chosen in &self.moves {
            let next = generate::step(self.setup, chosen, &both.state);
            for tried in tries(&next.turn, &next.outcome) {
                let outcome = execute(&both.state, &tried.ops, &tried.refusals);
                // A tolerated refusal takes effect (V7), so it is not a rollback to try.
                if !matches!(outcome, Outcome::Done { .. }) {
                    both.turn(tried, &outcome)?;
                }
            }
            both.turn(next.turn, &next.outcome)?;
        }
        both.end()
    }
}

/// Model and crate, with the turns that both executed.
#[derive(Default)]
struct Both {
    state: Graph,
    subject: ImplSubject,
    story: Vec<Turn>,
}

impl Both {
    fn turn(&mut self, turn: Turn, outcome: &Outcome<16, 48>) -> Result<(), Difference> {
        let after = if let Outcome::Done { next, .. } = outcome { *next } else { self.state };
        let what = guarded(&mut self.subject, &turn.ops, &turn.refusals, |subject, answer| {
            compare_step(outcome, answer, subject, &after)
        });
        self.story.push(turn);
        self.state = after;
        match what {
            Some(what) => Err(Difference { story: std::mem::take(&mut self.story), what }),
            None => Ok(()),
        }
    }

    fn end(self) -> Result<(), Difference> {
        match full_check::full_check(&self.subject, &self.state) {
            Some(what) => Err(Difference { story: self.story, what }),
            None => Ok(()),
        }
    }
}

/// Reads a text as a scenario. What can be read must print and parse back to the same, as text and as JSON, and must
/// play on model and crate without a difference.
///
/// # Errors
/// What does not hold.
pub fn check_scenario(text: &str) -> Result<(), String> {
    let Ok((scenario, _)) = parse(text) else { return Ok(()) };
    let printed = print(&scenario);
    let again = parse(&printed).map_err(|problem| format!("printed, and then refused: {problem}\n{printed}"))?;
    if again.0 != scenario {
        return Err(format!("printed and parsed it is another:\n{printed}"));
    }
    let object = json::print(&scenario).map_err(|error| error.to_string())?;
    let again = json::parse(&object).map_err(|problem| format!("as JSON it is refused: {problem}\n{object}"))?;
    if again != scenario {
        return Err(format!("as JSON it is another:\n{object}"));
    }
    let mut stage = stage(None);
    for step in scenario.steps() {
        let Ok(report) = stage.play(step, &scenario.names) else { return Ok(()) };
        if report.diverged {
            return Err(report.faults.join("\n"));
        }
    }
    Ok(())
}

/// The input of a coverage-guided fuzz target.
#[cfg(feature = "arbitrary")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FuzzInput<const HOSTILE: bool>(pub ByteStory);

#[cfg(feature = "arbitrary")]
impl<'a, const HOSTILE: bool> arbitrary::Arbitrary<'a> for FuzzInput<HOSTILE> {
    fn arbitrary(bytes: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mode = if HOSTILE { Mode::Hostile } else { Mode::Plausible };
        // The story is as long as the bytes, so no bytes are left over.
        Ok(FuzzInput(ByteStory::read(mode, bytes.bytes(bytes.len())?)))
    }
}
