//! Falsified answers: a rule that explains one of them is too wide.

use crate::compare::answer::{TurnAnswer, TurnResult};
use crate::compare::shown_graph::{ShownGraph, ShownNode};
use crate::compare::verdict::{Verdict, compare_turn};
use crate::deviations::Rule;
use crate::episodes::trace::ReplayedTurn;
use crate::wire::names;
use std::collections::BTreeMap;

/// How an answer is falsified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Falsification {
    /// Refused instead of done, or done instead of refused, with the graph as it was shown.
    Inverted,
    /// The daemon hangs, or has died.
    Lost,
    /// One bit of the need or the share of an edge is changed.
    Bit,
    /// One bit of what root users need or share is changed.
    UserBit,
    /// An edge is missing.
    Edge,
    /// Read-only or active is inverted.
    Flag,
}

impl Falsification {
    /// All ways.
    pub const EVERY: [Falsification; 6] = [
        Falsification::Inverted,
        Falsification::Lost,
        Falsification::Bit,
        Falsification::UserBit,
        Falsification::Edge,
        Falsification::Flag,
    ];

    /// Returns the way in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Falsification::Inverted => "turned",
            Falsification::Lost => "lost",
            Falsification::Bit => "bit",
            Falsification::UserBit => "user bit",
            Falsification::Edge => "edge",
            Falsification::Flag => "flag",
        }
    }
}

/// The results for falsified answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How many were tried, without those that equal the model's outcome.
    pub tried: u64,
    /// How many of them a rule explains.
    pub accepted: u64,
}

/// The results for all falsified answers: by the rule that explains the true answer (`None` if it agrees with the
/// model), by the way of falsifying, and by the rule that explains the false answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tallies {
    /// How many were tried.
    pub tried: BTreeMap<(Option<Rule>, Falsification), u64>,
    /// How many of them the last rule explains.
    pub accepted: BTreeMap<(Option<Rule>, Falsification, Rule), u64>,
    /// The number of turns.
    pub turns: BTreeMap<Option<Rule>, u64>,
}

impl Tallies {
    /// Falsifies one answer in all ways.
    pub fn add(&mut self, turn: &ReplayedTurn<'_>) {
        let by = match turn.comparison.verdict {
            Verdict::Same => None,
            Verdict::Deviation(rule) => Some(rule),
            Verdict::Differs(_) => return,
        };
        *self.turns.entry(by).or_default() += 1;
        for (falsification, result) in falsifications(turn.result) {
            match compare_turn(turn.before, turn.memory, turn.ops, &result).verdict {
                // The change has made the answer equal to the model's outcome.
                Verdict::Same => continue,
                Verdict::Deviation(rule) => *self.accepted.entry((by, falsification, rule)).or_default() += 1,
                Verdict::Differs(_) => {}
            }
            *self.tried.entry((by, falsification)).or_default() += 1;
        }
    }

    /// Returns the results at turns that this rule explains.
    pub fn at(&self, by: Option<Rule>, falsification: Option<Falsification>) -> Tally {
        let is = |of: Falsification| falsification.is_none_or(|falsification| falsification == of);
        Tally {
            tried: self.tried.iter().filter(|((b, l), _)| *b == by && is(*l)).map(|(_, n)| n).sum(),
            accepted: self.accepted.iter().filter(|((b, l, _), _)| *b == by && is(*l)).map(|(_, n)| n).sum(),
        }
    }
}

/// Returns all falsified answers.
pub fn falsifications(result: &TurnResult) -> Vec<(Falsification, TurnResult)> {
    let mut all = Vec::new();
    let answer = |answer: TurnAnswer| TurnResult { answer, shown: result.shown.clone() };
    let no = |text: &str| TurnAnswer::Refused("GenericError".to_owned(), text.to_owned());
    match result.answer {
        TurnAnswer::Done => {
            let sentences = ["Block node is read-only", "Cannot change iothread of active block backend", "No."];
            all.extend(sentences.map(|text| (Falsification::Inverted, answer(no(text)))));
        }
        TurnAnswer::Refused(..) => all.push((Falsification::Inverted, answer(TurnAnswer::Done))),
        TurnAnswer::Lost(_) => return all,
    }
    for what in ["hangs", "has died of signal 6"] {
        all.push((Falsification::Lost, TurnResult { answer: TurnAnswer::Lost(what.to_owned()), shown: None }));
    }
    let Some(shown) = &result.shown else { return all };
    let mut with = |falsification: Falsification, id: u8, change: &dyn Fn(&mut ShownNode)| {
        let mut other: ShownGraph = shown.clone();
        if let Some(node) = other.nodes.get_mut(&id) {
            change(node);
        }
        if other != *shown {
            all.push((falsification, TurnResult { answer: result.answer.clone(), shown: Some(other) }));
        }
    };
    let bits = || (0..u8::BITS).map(|bit| 1u8 << bit).filter(|bit| names::QEMU_BITS.0 & bit != 0);
    for (&id, node) in &shown.nodes {
        for name in node.edges.keys() {
            with(Falsification::Edge, id, &|node| _ = node.edges.remove(name));
            for bit in bits() {
                let flip = |need: u8, share: u8| {
                    move |node: &mut ShownNode| {
                        if let Some(edge) = node.edges.get_mut(name) {
                            *edge = (edge.0, edge.1 ^ need, edge.2 ^ share);
                        }
                    }
                };
                with(Falsification::Bit, id, &flip(bit, 0));
                with(Falsification::Bit, id, &flip(0, bit));
            }
        }
        for bit in bits() {
            with(Falsification::UserBit, id, &|node| user_bit(node, bit, 0));
            with(Falsification::UserBit, id, &|node| user_bit(node, 0, bit));
        }
        with(Falsification::Flag, id, &|node| node.flags.iter_mut().for_each(|flags| flags.1 = !flags.1));
        with(Falsification::Flag, id, &|node| node.flags.iter_mut().for_each(|flags| flags.2 = !flags.2));
    }
    all
}

/// Inverts one bit of the first user, and updates what all users need and share together.
fn user_bit(node: &mut ShownNode, need: u8, share: u8) {
    match &mut node.each {
        Some(each) => {
            if let Some(first) = each.first_mut() {
                *first = (first.0 ^ need, first.1 ^ share);
            }
            each.sort_unstable();
            let together = each.iter().fold((0, names::QEMU_BITS.0), |all, one| (all.0 | one.0, all.1 & one.1));
            node.users = node.users.map(|_| together);
        }
        None => node.users = node.users.map(|all| (all.0 ^ need, all.1 ^ share)),
    }
}
