//! Counts over compared turns.

use crate::compare::answer::TurnAnswer;
use crate::compare::verdict::{ComparedTurn, Verdict};
use crate::deviations::Rule;
use blockgraph_model::Op;
use blockgraph_story::turn::Turn;
use std::collections::BTreeMap;

/// Counts of a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// The episodes.
    pub episodes: u64,
    /// The compared turns.
    pub turns: u64,
    /// The compared operations.
    pub ops: u64,
    /// The turns in which nothing differs.
    pub alike: u64,
    /// The turns by the verb of their main operation and by how they ended: `done`, an error class, or a deviation.
    pub matrix: BTreeMap<(&'static str, String), u64>,
    /// The deviations by rule.
    pub deviations: BTreeMap<Rule, u64>,
    /// The differences that no rule explains, by what differs (without the numbers in it): how many there are, and the
    /// first one.
    pub unexplained: BTreeMap<String, (u64, Example)>,
    /// How many chosen turns were not played because this version of QEMU lacks something, by what it lacks.
    pub lacking: BTreeMap<String, u64>,
}

/// An episode that shows a difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// The number of the episode.
    pub episode: u64,
    /// What differs.
    pub what: String,
    /// The turns; the last one differs.
    pub story: Vec<Turn>,
}

impl Counts {
    /// Counts one more turn.
    pub(super) fn note<const N: usize, const E: usize>(
        &mut self,
        ops: &[Op],
        answer: &TurnAnswer,
        comparison: &ComparedTurn<N, E>,
    ) {
        self.turns += 1;
        self.ops += ops.len() as u64;
        *self.matrix.entry((verb(ops), end(answer, comparison))).or_default() += 1;
        match comparison.verdict {
            Verdict::Same => self.alike += 1,
            Verdict::Deviation(rule) => *self.deviations.entry(rule).or_default() += 1,
            Verdict::Differs(_) => {}
        }
    }

    /// Adds the counts of other episodes.
    pub(super) fn add(&mut self, other: &Counts) {
        self.episodes += other.episodes;
        self.turns += other.turns;
        self.ops += other.ops;
        self.alike += other.alike;
        other.matrix.iter().for_each(|(key, count)| *self.matrix.entry(key.clone()).or_default() += count);
        for (kind, (count, first)) in &other.unexplained {
            self.unexplained.entry(kind.clone()).or_insert_with(|| (0, first.clone())).0 += count;
        }
        other.deviations.iter().for_each(|(rule, count)| *self.deviations.entry(*rule).or_default() += count);
        other.lacking.iter().for_each(|(what, count)| *self.lacking.entry(what.clone()).or_default() += count);
    }

    /// Returns how many turns differ as a rule says.
    pub fn explained(&self) -> u64 {
        self.deviations.values().sum()
    }
}

/// Returns what differs, without the numbers in it.
pub(super) fn kind(story: &[Turn], what: &str) -> String {
    let verb = story.last().map_or("", |turn| verb(&turn.ops));
    format!("{verb}: {}", what.replace(|c: char| c.is_ascii_digit(), ""))
}

/// Returns the verb under which a turn is counted: the last one of a transaction that adds or exports, otherwise the
/// first.
fn verb(ops: &[Op]) -> &'static str {
    let main = if let [Op::Activate { .. }, user @ Op::AttachUser { .. }] = ops { Some(user) } else { ops.first() };
    main.map_or("nothing", |op| Op::VERBS[op.index()])
}

/// Returns how a turn ended, in a word.
fn end<const N: usize, const E: usize>(answer: &TurnAnswer, comparison: &ComparedTurn<N, E>) -> String {
    match (&comparison.verdict, answer, comparison.class) {
        (Verdict::Deviation(rule), ..) => rule.name().to_owned(),
        (_, TurnAnswer::Done, _) => "done".to_owned(),
        (_, TurnAnswer::Lost(_), _) => "lost".to_owned(),
        (_, TurnAnswer::Refused(..), class) => class.map_or_else(|| "refused".to_owned(), |class| format!("{class:?}")),
    }
}
