//! Recorded episodes: the operations and QEMU's answers, which can be compared again without QEMU.

use crate::compare::answer::{TurnAnswer, TurnResult};
use crate::compare::shown_graph::{Change, ShownGraph};
use crate::compare::verdict::{ComparedTurn, Verdict, compare_turn};
use crate::episodes::counts::Counts;
use crate::state::memory::Memory;
use blockgraph_model::{Op, State};
use blockgraph_story::text::{Body, Item, Names, json as text};
use blockgraph_story::turn::Turn;
use serde::{Deserialize, Serialize};

/// The most nodes of an episode.
pub const NODES: usize = 16;
/// The most edges of an episode.
pub const EDGES: usize = 64;

/// One episode, from the empty graph.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Episode {
    /// The version of QEMU that played it.
    pub qemu: String,
    /// The turns.
    pub turns: Vec<Recorded>,
    /// The graph after the last turn.
    #[serde(skip)]
    last: ShownGraph,
}

/// A turn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// The operations, as `blockgraph run` reads them, in the names of [`Names::numbered`].
    #[serde(rename = "o")]
    pub ops: String,
    /// QEMU's answer.
    #[serde(rename = "t")]
    pub answer: TurnAnswer,
    /// What changed in QEMU's graph; `None` if the daemon was lost.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

impl Episode {
    /// Makes an episode without turns.
    pub fn new(version: &str) -> Episode {
        Episode { qemu: version.to_owned(), turns: Vec::new(), last: ShownGraph::default() }
    }
}

/// The number of turns of an episode that are kept, so that the files stay small.
const KEPT: usize = 24;

impl Episode {
    /// Adds a turn.
    pub fn push(&mut self, ops: &[Op], result: &TurnResult) {
        if self.turns.len() == KEPT {
            return;
        }
        let body = match ops {
            [op] => Body::Single(*op),
            _ => Body::Transaction(ops.to_vec()),
        };
        // The operations consist of words and numbers, which can always be written.
        let line = serde_json::to_string(&text::body(&body, &Names::numbered())).unwrap_or_default();
        let change = result.shown.as_ref().map(|shown| Change::between(&self.last, shown));
        self.last = result.shown.clone().unwrap_or_default();
        self.turns.push(Recorded { ops: line, answer: result.answer.clone(), change });
    }

    /// Compares every turn again, and counts.
    ///
    /// # Errors
    /// The first turn that cannot be read, or that differs without a rule.
    pub fn check(&self) -> Result<Counts, String> {
        self.walk(|turn| match &turn.comparison.verdict {
            Verdict::Differs(what) => Err(what.clone()),
            _ => Ok(()),
        })
    }

    /// Compares every turn again, and calls `each` with every compared turn. Returns the counts.
    ///
    /// # Errors
    /// The first turn that cannot be read, or after which the episode should have ended, or that `each` rejects.
    pub fn walk(&self, mut each: impl FnMut(&ReplayedTurn<'_>) -> Result<(), String>) -> Result<Counts, String> {
        let mut reader = text::Reader::numbered();
        let mut state = State::<NODES, EDGES>::default();
        let mut memory = Memory::default();
        let mut counts = Counts { episodes: 1, ..Counts::default() };
        let mut last = ShownGraph::default();
        for (number, Recorded { ops: line, answer, change }) in self.turns.iter().enumerate() {
            let shown = change.as_ref().map(|change| change.of(std::mem::take(&mut last)));
            let result = TurnResult { answer: answer.clone(), shown };
            let place = |what: &dyn std::fmt::Display| format!("turn {}: {line}: {what}", number + 1);
            let item = reader.line(line).map_err(|problem| place(&problem.message))?;
            let Item::Step(step) = item else { return Err(place(&"no operation")) };
            let turn = Turn { ops: step.body.ops().to_vec(), refusals: Vec::new() };
            if !turn.fits(&state) {
                return Err(place(&"no room"));
            }
            let comparison = compare_turn(&state, &memory, &turn.ops, &result);
            let replayed = ReplayedTurn {
                before: &state,
                memory: &memory,
                ops: &turn.ops,
                result: &result,
                comparison: &comparison,
            };
            each(&replayed).map_err(|what| place(&what))?;
            memory.after(&state, &turn.ops, &result.answer);
            counts.note(&turn.ops, &result.answer, &comparison);
            last = result.shown.unwrap_or_default();
            match comparison.next {
                Some(next) => state = next,
                None if number + 1 == self.turns.len() => {}
                None => return Err(place(&"the episode should have ended here")),
            }
        }
        Ok(counts)
    }
}

/// A turn as it is compared again.
#[derive(Clone, Copy, Debug)]
pub struct ReplayedTurn<'a> {
    /// The state before it.
    pub before: &'a State<NODES, EDGES>,
    /// What QEMU keeps and the model does not.
    pub memory: &'a Memory,
    /// The operations.
    pub ops: &'a [Op],
    /// QEMU's answer and graph.
    pub result: &'a TurnResult,
    /// The result of the comparison.
    pub comparison: &'a ComparedTurn<NODES, EDGES>,
}
