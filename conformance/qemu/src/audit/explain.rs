//! Who blocks what, and why (D18–D20): from an edge up to the root user, or to the driver's rule, that a need or a refusal
//! to share comes from.
//!
//! The question at each edge is put to the rule itself: would the edge need the bit, or refuse it, if nothing came from above?
//! If so the rule is the reason; if not, which single bit from above is enough to make it so?

use crate::audit::graph::{AuditGraph, EdgeParent, bits, permission_list};
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
    Observed(usize),
}

/// One reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// Needs or refuses?
    pub side: Side,
    /// What, at the lower end of the path.
    pub bits: Perms,
    /// Where it begins.
    pub origin: Origin,
    /// Needs or refuses it, at the upper end?
    pub origin_side: Side,
    /// What, at the upper end of the path.
    pub origin_bits: Perms,
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
pub fn refusal_reasons(graph: &AuditGraph, node: usize, bits: Perms) -> Vec<Reason> {
    node_reasons(graph, node, Side::Refuses, bits)
}

/// Why something is needed of the node.
pub fn need_reasons(graph: &AuditGraph, node: usize) -> Vec<Reason> {
    node_reasons(graph, node, Side::Needs, ALL)
}

fn node_reasons(graph: &AuditGraph, node: usize, side: Side, bits: Perms) -> Vec<Reason> {
    graph.parent_edges(node).iter().flat_map(|&edge| edge_reasons(graph, edge, side, bits)).collect()
}

/// Why an edge needs, or refuses, those of the bits that it does; for each origin the shortest way, several bits of one way
/// together. Costs O(edges × bits).
pub fn edge_reasons(graph: &AuditGraph, edge: usize, side: Side, perms: Perms) -> Vec<Reason> {
    let mut all: Vec<Reason> = Vec::new();
    for bit in bits(perms).filter(|bit| holds(graph.edges[edge].pair(), *bit, side)) {
        for reason in bit_reasons(graph, edge, bit, side) {
            let same = |other: &&mut Reason| {
                (other.origin, other.origin_side, &other.path) == (reason.origin, reason.origin_side, &reason.path)
            };
            match all.iter_mut().find(same) {
                Some(other) => {
                    other.bits = other.bits | reason.bits;
                    other.origin_bits = other.origin_bits | reason.origin_bits;
                }
                None => all.push(reason),
            }
        }
    }
    all
}

fn bit_reasons(graph: &AuditGraph, edge: usize, bit: Perms, side: Side) -> Vec<Reason> {
    let first = (edge, bit, side);
    let mut predecessors: HashMap<Question, Option<Question>> = HashMap::from([(first, None)]);
    let mut queue = VecDeque::from([first]);
    let mut found: Vec<Reason> = Vec::new();
    while let Some(at) = queue.pop_front() {
        let above = match causes_above(graph, at) {
            Ok(above) => above,
            Err(origin) => {
                if found.iter().all(|reason| reason.origin != origin) {
                    let back = std::iter::successors(Some(at), |at| predecessors.get(at).copied().flatten());
                    let path = back.map(|(edge, ..)| edge).collect();
                    found.push(Reason { side, bits: bit, origin, origin_side: at.2, origin_bits: at.1, path });
                }
                continue;
            }
        };
        for next in above {
            if let std::collections::hash_map::Entry::Vacant(place) = predecessors.entry(next) {
                place.insert(Some(at));
                queue.push_back(next);
            }
        }
    }
    found
}

/// The edges above that are asked next, or where it begins.
fn causes_above(graph: &AuditGraph, (edge, bit, side): Question) -> Result<Vec<Question>, Origin> {
    let parent = match graph.edges[edge].parent {
        EdgeParent::User(user) => return Err(Origin::User(user)),
        EdgeParent::Node(parent) => parent,
    };
    let has_parents = !graph.parent_edges(parent).is_empty();
    let above = graph.cumulative(parent);
    let rule = |pair: Pair| graph.pair_by_rule(edge, pair, has_parents).is_some_and(|ruled| holds(ruled, bit, side));
    if !rule(above) {
        return Err(Origin::Observed(parent));
    }
    if rule(Pair::FREE) {
        return Err(Origin::Rule(parent));
    }
    let mut causes: Vec<(Perms, Side)> = bits(above.need).map(|need| (need, Side::Needs)).collect();
    causes.extend(bits(ALL - above.share - G).map(|share| (share, Side::Refuses)));
    // The same bit on the same side first: that is what comes through a filter.
    causes.sort_by_key(|cause| *cause != (bit, side));
    let suffices = |&(cause, on): &(Perms, Side)| match on {
        Side::Needs => rule(Pair::new(cause, ALL)),
        Side::Refuses => rule(Pair::new(NONE, ALL - cause)),
    };
    // Where no single bit is enough all of them are the cause.
    let causes: Vec<_> = causes.iter().copied().find(suffices).map_or(causes, |one| vec![one]);
    let mut next = Vec::new();
    for (cause, on) in causes {
        let has = |edge: &&usize| holds(graph.edges[**edge].pair(), cause, on);
        next.extend(graph.parent_edges(parent).iter().filter(has).map(|edge| (*edge, cause, on)));
    }
    Ok(next)
}

/// Need and share as a person reads them: `rw/rwu`, graph-mod left out.
pub fn format_pair(pair: Pair) -> String {
    let four = R | W | U | Z;
    let share = if four.within(pair.share) { "all".to_owned() } else { print_perms(pair.share & four) };
    format!("{}/{share}", print_perms(pair.need & four))
}

/// A reason as the second half of a sentence: `export e does not share write, through e → a → x`.
pub fn reason_text(graph: &AuditGraph, reason: &Reason) -> String {
    let verb = match reason.origin_side {
        Side::Needs => "needs",
        Side::Refuses => "does not share",
    };
    let (top, what) = (reason.path.first().copied(), permission_list(reason.origin_bits));
    let child = top.map_or(String::new(), |edge| graph.edges[edge].name.clone());
    let mut text = match reason.origin {
        Origin::User(user) => format!("{} {verb} {what}", graph.users[user].label),
        Origin::Rule(node) => {
            format!("{} {verb} {what} of its {child} by its own rule, even with nobody above", graph.node_title(node))
        }
        Origin::Observed(node) => match graph.nodes[node].kind {
            None => {
                format!("{} {verb} {what} of its {child}, as seen: its driver is not known", graph.node_title(node))
            }
            Some(_) => {
                format!("{} {verb} {what} of its {child}, which is not what its rule gives", graph.node_title(node))
            }
        },
    };
    if reason.path.len() > 1 || !matches!(reason.origin, Origin::User(_)) {
        text.push_str(&format!(", through {}", path_text(graph, reason)));
    }
    text
}

/// The most names that a way is told with.
const MAX_PATH_NAMES: usize = 16;

/// The names along the way: `e → a → x`; of a very long one both ends.
pub fn path_text(graph: &AuditGraph, reason: &Reason) -> String {
    let start = reason.path.first().map(|&edge| match graph.edges[edge].parent {
        EdgeParent::Node(node) => graph.nodes[node].name.as_str(),
        EdgeParent::User(user) => graph.users[user].name.as_str(),
    });
    let rest = reason.path.iter().map(|&edge| graph.nodes[graph.edges[edge].child].name.as_str());
    let names: Vec<&str> = start.into_iter().chain(rest).collect();
    match names.len().checked_sub(MAX_PATH_NAMES) {
        None | Some(0) => names.join(" → "),
        Some(more) => {
            let (head, tail) =
                (names[..MAX_PATH_NAMES / 2].join(" → "), names[MAX_PATH_NAMES / 2 + more..].join(" → "));
            format!("{head} → … {more} more … → {tail}")
        }
    }
}

/// What cannot be done to a node: `cannot be written or resized`.
pub fn cannot_text(what: Perms) -> String {
    const DONE: [(Perms, &str); 4] =
        [(R, "read consistently"), (W, "written"), (U, "rewritten unchanged"), (Z, "resized")];
    let words: Vec<&str> = DONE.iter().filter(|(bit, _)| bit.within(what)).map(|(_, word)| *word).collect();
    format!("cannot be {}", words.join(" or "))
}
