//! What was met when turns were compared, counted.

use crate::compare::answer::TurnAnswer;
use crate::compare::verdict::{ComparedTurn, Verdict};
use crate::deviations::Rule;
use blockgraph_model::Op;
use blockgraph_story::turn::Turn;
use std::collections::BTreeMap;

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Episodes.
    pub episodes: u64,
    /// Compared turns.
    pub turns: u64,
    /// Compared operations.
    pub ops: u64,
    /// Turns of which nothing differs.
    pub alike: u64,
    /// Turns by the verb of their main operation, and by how they ended: `done`, a class of refusal, a deviation.
    pub matrix: BTreeMap<(&'static str, String), u64>,
    /// Deviations by rule.
    pub deviations: BTreeMap<Rule, u64>,
    /// Differences that no rule explains, by what differs (without the numbers in it): how many, and the first.
    pub unexplained: BTreeMap<String, (u64, Example)>,
    /// What turns that were chosen and not played needed, and this version of QEMU has not: how many.
    pub lacking: BTreeMap<String, u64>,
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
    /// One turn more.
    pub(super) fn note<const N: usize, const E: usize>(
        &mut self,
        ops: &[Op],
        told: &TurnAnswer,
        judged: &ComparedTurn<N, E>,
    ) {
        self.turns += 1;
        self.ops += ops.len() as u64;
        *self.matrix.entry((verb(ops), end(told, judged))).or_default() += 1;
        match judged.verdict {
            Verdict::Same => self.alike += 1,
            Verdict::Deviation(rule) => *self.deviations.entry(rule).or_default() += 1,
            Verdict::Differs(_) => {}
        }
    }

    /// Those of other episodes as well.
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

    /// Turns that differ as a rule says.
    pub fn explained(&self) -> u64 {
        self.deviations.values().sum()
    }
}

/// What differs, without the numbers in it.
pub(super) fn kind(story: &[Turn], what: &str) -> String {
    let verb = story.last().map_or("", |turn| verb(&turn.ops));
    format!("{verb}: {}", what.replace(|c: char| c.is_ascii_digit(), ""))
}

/// The verb that a turn is counted under: the last of a transaction that adds or exports, else the first.
fn verb(ops: &[Op]) -> &'static str {
    let main = if let [Op::Activate { .. }, user @ Op::AttachUser { .. }] = ops { Some(user) } else { ops.first() };
    main.map_or("nothing", |op| Op::VERBS[op.index()])
}

/// How it ended, in a word.
fn end<const N: usize, const E: usize>(told: &TurnAnswer, judged: &ComparedTurn<N, E>) -> String {
    match (&judged.verdict, told, judged.class) {
        (Verdict::Deviation(rule), ..) => rule.name().to_owned(),
        (_, TurnAnswer::Done, _) => "done".to_owned(),
        (_, TurnAnswer::Lost(_), _) => "lost".to_owned(),
        (_, TurnAnswer::Refused(..), class) => class.map_or_else(|| "refused".to_owned(), |class| format!("{class:?}")),
    }
}
