//! Falsified answers: a rule that explains one of them is too wide.

use crate::compare::answer::{TurnAnswer, TurnResult};
use crate::compare::shown_graph::{ShownGraph, ShownNode};
use crate::compare::verdict::{Verdict, judge};
use crate::deviations::Rule;
use crate::episodes::trace::Again;
use crate::wire::names;
use std::collections::BTreeMap;

/// How an answer is falsified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lie {
    /// Refused instead of done, or done instead of refused, with the graph as it was shown.
    PlayedTurn,
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

impl Lie {
    /// All ways.
    pub const EVERY: [Lie; 6] = [Lie::PlayedTurn, Lie::Lost, Lie::Bit, Lie::UserBit, Lie::Edge, Lie::Flag];

    /// Returns the way in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Lie::PlayedTurn => "turned",
            Lie::Lost => "lost",
            Lie::Bit => "bit",
            Lie::UserBit => "user bit",
            Lie::Edge => "edge",
            Lie::Flag => "flag",
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
    pub tried: BTreeMap<(Option<Rule>, Lie), u64>,
    /// How many of them the last rule explains.
    pub accepted: BTreeMap<(Option<Rule>, Lie, Rule), u64>,
    /// The number of turns.
    pub turns: BTreeMap<Option<Rule>, u64>,
}

impl Tallies {
    /// Falsifies one answer in all ways.
    pub fn add(&mut self, again: &Again<'_>) {
        let by = match again.judged.verdict {
            Verdict::Same => None,
            Verdict::Deviation(rule) => Some(rule),
            Verdict::Differs(_) => return,
        };
        *self.turns.entry(by).or_default() += 1;
        for (lie, heard) in lies(again.heard) {
            match judge(again.before, again.memory, again.ops, &heard).verdict {
                // The change has made the answer equal to the model's outcome.
                Verdict::Same => continue,
                Verdict::Deviation(rule) => *self.accepted.entry((by, lie, rule)).or_default() += 1,
                Verdict::Differs(_) => {}
            }
            *self.tried.entry((by, lie)).or_default() += 1;
        }
    }

    /// Returns the results at turns that this rule explains.
    pub fn at(&self, by: Option<Rule>, lie: Option<Lie>) -> Tally {
        let is = |of: Lie| lie.is_none_or(|lie| lie == of);
        Tally {
            tried: self.tried.iter().filter(|((b, l), _)| *b == by && is(*l)).map(|(_, n)| n).sum(),
            accepted: self.accepted.iter().filter(|((b, l, _), _)| *b == by && is(*l)).map(|(_, n)| n).sum(),
        }
    }
}

/// Returns all falsified answers.
pub fn lies(heard: &TurnResult) -> Vec<(Lie, TurnResult)> {
    let mut all = Vec::new();
    let told = |told: TurnAnswer| TurnResult { told, shown: heard.shown.clone() };
    let no = |text: &str| TurnAnswer::Refused("GenericError".to_owned(), text.to_owned());
    match heard.told {
        TurnAnswer::Done => {
            let sentences = ["Block node is read-only", "Cannot change iothread of active block backend", "No."];
            all.extend(sentences.map(|text| (Lie::PlayedTurn, told(no(text)))));
        }
        TurnAnswer::Refused(..) => all.push((Lie::PlayedTurn, told(TurnAnswer::Done))),
        TurnAnswer::Lost(_) => return all,
    }
    for what in ["hangs", "has died of signal 6"] {
        all.push((Lie::Lost, TurnResult { told: TurnAnswer::Lost(what.to_owned()), shown: None }));
    }
    let Some(shown) = &heard.shown else { return all };
    let mut with = |lie: Lie, id: u8, change: &dyn Fn(&mut ShownNode)| {
        let mut other: ShownGraph = shown.clone();
        if let Some(node) = other.nodes.get_mut(&id) {
            change(node);
        }
        if other != *shown {
            all.push((lie, TurnResult { told: heard.told.clone(), shown: Some(other) }));
        }
    };
    let bits = || (0..u8::BITS).map(|bit| 1u8 << bit).filter(|bit| names::QEMU_BITS.0 & bit != 0);
    for (&id, node) in &shown.nodes {
        for name in node.edges.keys() {
            with(Lie::Edge, id, &|node| _ = node.edges.remove(name));
            for bit in bits() {
                let flip = |need: u8, share: u8| {
                    move |node: &mut ShownNode| {
                        if let Some(edge) = node.edges.get_mut(name) {
                            *edge = (edge.0, edge.1 ^ need, edge.2 ^ share);
                        }
                    }
                };
                with(Lie::Bit, id, &flip(bit, 0));
                with(Lie::Bit, id, &flip(0, bit));
            }
        }
        for bit in bits() {
            with(Lie::UserBit, id, &|node| user_bit(node, bit, 0));
            with(Lie::UserBit, id, &|node| user_bit(node, 0, bit));
        }
        with(Lie::Flag, id, &|node| node.flags.iter_mut().for_each(|flags| flags.1 = !flags.1));
        with(Lie::Flag, id, &|node| node.flags.iter_mut().for_each(|flags| flags.2 = !flags.2));
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
