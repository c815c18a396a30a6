//! Who blocks what, and why (D18–D20): from an edge up to the root user, or to the driver's rule, that a need or a refusal
//! to share comes from.
//!
//! The question at each edge is put to the rule itself: would the edge need the bit, or refuse it, if nothing came from above?
//! If so the rule is the reason; if not, which single bit from above is enough to make it so?

use crate::audit::graph::{AuditGraph, Upper, bits, said};
use blockgraph_model::perm::{ALL, G, NONE, R, U, W, Z};
use blockgraph_model::{Pair, Perms};
use blockgraph_story::text::value::print_perms;
use std::collections::{HashMap, VecDeque};

/// What is to be explained of an edge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// That it needs something.
    Needs,
    /// That it does not share something.
    Refuses,
}

/// Where a need or a refusal begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// A root user wants it so.
    User(usize),
    /// The driver of this node adds it, whoever is above.
    Rule(usize),
    /// The driver of this node is not known, or the edge has not the pair of the rule.
    Seen(usize),
}

/// One reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// Needs or refuses?
    pub side: Side,
    /// What, at the lower end of the path.
    pub what: Perms,
    /// Where it begins.
    pub origin: Origin,
    /// Needs or refuses it, at the upper end?
    pub cause: Side,
    /// What, at the upper end of the path.
    pub because: Perms,
    /// The edges from the upper end to the lower one.
    pub path: Vec<usize>,
}

/// A bit of an edge that is to be explained.
type Question = (usize, Perms, Side);

fn holds(pair: Pair, bit: Perms, side: Side) -> bool {
    match side {
        Side::Needs => pair.need.meets(bit),
        Side::Refuses => !pair.share.meets(bit),
    }
}

/// Why nobody else may have those of the bits that a parent edge of the node does not share.
pub fn refused(web: &AuditGraph, node: usize, bits: Perms) -> Vec<Why> {
    of_node(web, node, Side::Refuses, bits)
}

/// Why something is needed of the node.
pub fn needed(web: &AuditGraph, node: usize) -> Vec<Why> {
    of_node(web, node, Side::Needs, ALL)
}

fn of_node(web: &AuditGraph, node: usize, side: Side, bits: Perms) -> Vec<Why> {
    web.above(node).iter().flat_map(|&edge| of_edge(web, edge, side, bits)).collect()
}

/// Why an edge needs, or refuses, those of the bits that it does; for each origin the shortest way, several bits of one way
/// together. Costs O(edges × bits).
pub fn of_edge(web: &AuditGraph, edge: usize, side: Side, wanted: Perms) -> Vec<Why> {
    let mut all: Vec<Why> = Vec::new();
    for bit in bits(wanted).filter(|bit| holds(web.edges[edge].pair(), *bit, side)) {
        for why in of_bit(web, edge, bit, side) {
            let same =
                |other: &&mut Why| (other.origin, other.cause, &other.path) == (why.origin, why.cause, &why.path);
            match all.iter_mut().find(same) {
                Some(other) => {
                    other.what = other.what | why.what;
                    other.because = other.because | why.because;
                }
                None => all.push(why),
            }
        }
    }
    all
}

fn of_bit(web: &AuditGraph, edge: usize, bit: Perms, side: Side) -> Vec<Why> {
    let first = (edge, bit, side);
    let mut from: HashMap<Question, Option<Question>> = HashMap::from([(first, None)]);
    let mut left = VecDeque::from([first]);
    let mut found: Vec<Why> = Vec::new();
    while let Some(at) = left.pop_front() {
        let above = match asked(web, at) {
            Ok(above) => above,
            Err(origin) => {
                if found.iter().all(|why| why.origin != origin) {
                    let ways = std::iter::successors(Some(at), |at| from.get(at).copied().flatten());
                    let path = ways.map(|(edge, ..)| edge).collect();
                    found.push(Why { side, what: bit, origin, cause: at.2, because: at.1, path });
                }
                continue;
            }
        };
        for next in above {
            if let std::collections::hash_map::Entry::Vacant(place) = from.entry(next) {
                place.insert(Some(at));
                left.push_back(next);
            }
        }
    }
    found
}

/// The edges above that are asked next, or where it begins.
fn asked(web: &AuditGraph, (edge, bit, side): Question) -> Result<Vec<Question>, Origin> {
    let parent = match web.edges[edge].upper {
        Upper::User(user) => return Err(Origin::User(user)),
        Upper::Node(parent) => parent,
    };
    let has_parents = !web.above(parent).is_empty();
    let above = web.cumulative(parent);
    let rule = |pair: Pair| web.rule(edge, pair, has_parents).is_some_and(|ruled| holds(ruled, bit, side));
    if !rule(above) {
        return Err(Origin::Seen(parent));
    }
    if rule(Pair::FREE) {
        return Err(Origin::Rule(parent));
    }
    let mut causes: Vec<(Perms, Side)> = bits(above.need).map(|need| (need, Side::Needs)).collect();
    causes.extend(bits(ALL - above.share - G).map(|share| (share, Side::Refuses)));
    // The same bit on the same side first: that is what comes through a filter.
    causes.sort_by_key(|cause| *cause != (bit, side));
    let alone = |&(cause, on): &(Perms, Side)| match on {
        Side::Needs => rule(Pair::new(cause, ALL)),
        Side::Refuses => rule(Pair::new(NONE, ALL - cause)),
    };
    // Where no single bit is enough all of them are the cause.
    let causes: Vec<_> = causes.iter().copied().find(alone).map_or(causes, |one| vec![one]);
    let mut next = Vec::new();
    for (cause, on) in causes {
        let has = |edge: &&usize| holds(web.edges[**edge].pair(), cause, on);
        next.extend(web.above(parent).iter().filter(has).map(|edge| (*edge, cause, on)));
    }
    Ok(next)
}

/// Need and share as a person reads them: `rw/rwu`, graph-mod left out.
pub fn pair(pair: Pair) -> String {
    let four = R | W | U | Z;
    let share = if four.within(pair.share) { "all".to_owned() } else { print_perms(pair.share & four) };
    format!("{}/{share}", print_perms(pair.need & four))
}

/// A reason as the second half of a sentence: `export e does not share write, through e → a → x`.
pub fn sentence(web: &AuditGraph, why: &Why) -> String {
    let verb = match why.cause {
        Side::Needs => "needs",
        Side::Refuses => "does not share",
    };
    let (top, what) = (why.path.first().copied(), said(why.because));
    let child = top.map_or(String::new(), |edge| web.edges[edge].name.clone());
    let mut text = match why.origin {
        Origin::User(user) => format!("{} {verb} {what}", web.users[user].label),
        Origin::Rule(node) => {
            format!("{} {verb} {what} of its {child} by its own rule, even with nobody above", web.titled(node))
        }
        Origin::Seen(node) => match web.nodes[node].kind {
            None => format!("{} {verb} {what} of its {child}, as seen: its driver is not known", web.titled(node)),
            Some(_) => format!("{} {verb} {what} of its {child}, which is not what its rule gives", web.titled(node)),
        },
    };
    if why.path.len() > 1 || !matches!(why.origin, Origin::User(_)) {
        text.push_str(&format!(", through {}", route(web, why)));
    }
    text
}

/// The most names that a way is told with.
const LONG: usize = 16;

/// The names along the way: `e → a → x`; of a very long one both ends.
pub fn route(web: &AuditGraph, why: &Why) -> String {
    let start = why.path.first().map(|&edge| match web.edges[edge].upper {
        Upper::Node(node) => web.nodes[node].name.as_str(),
        Upper::User(user) => web.users[user].name.as_str(),
    });
    let rest = why.path.iter().map(|&edge| web.nodes[web.edges[edge].child].name.as_str());
    let names: Vec<&str> = start.into_iter().chain(rest).collect();
    match names.len().checked_sub(LONG) {
        None | Some(0) => names.join(" → "),
        Some(more) => {
            let (head, tail) = (names[..LONG / 2].join(" → "), names[LONG / 2 + more..].join(" → "));
            format!("{head} → … {more} more … → {tail}")
        }
    }
}

/// What cannot be done to a node: `cannot be written or resized`.
pub fn cannot(what: Perms) -> String {
    const DONE: [(Perms, &str); 4] =
        [(R, "read consistently"), (W, "written"), (U, "rewritten unchanged"), (Z, "resized")];
    let words: Vec<&str> = DONE.iter().filter(|(bit, _)| bit.within(what)).map(|(_, word)| *word).collect();
    format!("cannot be {}", words.join(" or "))
}
