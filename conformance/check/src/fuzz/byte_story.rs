//! A story from plain bytes: what a coverage-guided fuzzer writes, and what its corpus keeps.

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

/// The bounds of a tale's graphs.
type Graph = State<16, 48>;

/// Bytes that are read as a story: what is left out and how many names there are, then one move after another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ByteStory {
    setup: Setup,
    moves: Vec<Move>,
}

impl ByteStory {
    /// Any bytes mean something; what is too short for another move is left over.
    pub fn read(mode: Mode, bytes: &[u8]) -> ByteStory {
        let mut bytes = bytes.iter().copied();
        let mut next = || bytes.next().unwrap_or_default();
        let excluded: [u8; 8] = std::array::from_fn(|_| next());
        let names = 3 + next() % 14;
        let setup =
            Setup { excluded: ExcludedVerbs(u64::from_le_bytes(excluded)), hot: next(), ..Setup::new(mode, names) };
        ByteStory { setup, moves: std::iter::from_fn(|| Move::read(&mut bytes)).collect() }
    }

    /// Plays it on model and crate; the first difference ends it.
    pub fn play(&self) -> Option<Difference> {
        self.play_with(|_, _| Vec::new()).err()
    }

    /// The same, and every turn is tried before it is done: with each refusal that the plan has room for, and with one more
    /// operation, which fails, after each of its operations. All of it must leave no trace.
    pub fn play_injected(&self) -> Option<Difference> {
        self.play_with(|turn, outcome| {
            let mut tried = Vec::new();
            if let Outcome::Done { plan, .. } = outcome {
                tried.extend(plan.hooks().map(|hook: Refusal| Turn { refusals: vec![hook], ..turn.clone() }));
            }
            // No name of these graphs.
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
                // A refusal that is tolerated takes effect (V7), and that is not what is tried here.
                if !matches!(outcome, Outcome::Done { .. }) {
                    both.turn(tried, &outcome)?;
                }
            }
            both.turn(next.turn, &next.outcome)?;
        }
        both.end()
    }
}

/// Model and crate, and what was done with both.
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

/// Reads a text as a scenario, and what can be read must print and parse back to the same, as text and as JSON; then plays it
/// on model and crate, which must not differ.
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
        if report.parted {
            return Err(report.faults.join("\n"));
        }
    }
    Ok(())
}

/// A tale as the targets of a coverage-guided fuzzer get it.
#[cfg(feature = "arbitrary")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FuzzInput<const HOSTILE: bool>(pub ByteStory);

#[cfg(feature = "arbitrary")]
impl<'a, const HOSTILE: bool> arbitrary::Arbitrary<'a> for FuzzInput<HOSTILE> {
    fn arbitrary(bytes: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mode = if HOSTILE { Mode::Hostile } else { Mode::Plausible };
        // The length of the story is that of the bytes, so nothing of it is left over.
        Ok(FuzzInput(ByteStory::read(mode, bytes.bytes(bytes.len())?)))
    }
}
