//! Explains each need and each missing share of an edge (D18–D20): the path from the edge up to the root user or to the
//! driver's rule that is its origin.
//!
//! At each edge the search evaluates the rule of the parent's driver itself. If the edge would need the bit, or not
//! share it, with a parent's pair of nothing needed and everything shared, the rule is the origin. If not, the search
//! looks for a single need or missing share of the parent that suffices, and continues with the parent edges that have
//! it.

use crate::audit::graph::{AuditGraph, EdgeParent, bits, permission_list};
use blockgraph_model::perm::{ALL, G, NONE, R, U, W, Z};
use blockgraph_model::{Pair, Perms};
use blockgraph_story::text::value::print_perms;
use std::collections::{HashMap, VecDeque};

/// The half of an edge's pair that is explained.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// The edge needs the bits.
    Needs,
    /// The edge does not share the bits.
    Refuses,
}

/// Where a need or a missing share originates.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// A root user asked for it.
    User(usize),
    /// The rule of this node's driver adds it, whatever the parents need and share.
    Rule(usize),
    /// The path ends at this node: its driver is unknown, or the edge does not have the pair that the rule gives.
    Observed(usize),
}

/// One reason for a need or a missing share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// Whether the reason explains a need or a missing share, at the lower end of the path.
    pub side: Side,
    /// The explained permissions, at the lower end of the path.
    pub bits: Perms,
    /// Where the reason originates.
    pub origin: Origin,
    /// Whether the origin needs or does not share, at the upper end of the path.
    pub origin_side: Side,
    /// The permissions that the origin needs or does not share, at the upper end of the path.
    pub origin_bits: Perms,
    /// The edges from the upper end to the lower one.
    pub path: Vec<usize>,
}

/// A bit of an edge that is to be explained, as an edge, the bit, and the half of the pair.
type Question = (usize, Perms, Side);

fn holds(pair: Pair, bit: Perms, side: Side) -> bool {
    match side {
        Side::Needs => pair.need.meets(bit),
        Side::Refuses => !pair.share.meets(bit),
    }
}

/// Returns the reasons why the parent edges of the node do not share those of the bits.
pub fn refusal_reasons(graph: &AuditGraph, node: usize, bits: Perms) -> Vec<Reason> {
    node_reasons(graph, node, Side::Refuses, bits)
}

/// Returns the reasons for everything that the parent edges of the node need.
pub fn need_reasons(graph: &AuditGraph, node: usize) -> Vec<Reason> {
    node_reasons(graph, node, Side::Needs, ALL)
}

fn node_reasons(graph: &AuditGraph, node: usize, side: Side, bits: Perms) -> Vec<Reason> {
    graph.parent_edges(node).iter().flat_map(|&edge| edge_reasons(graph, edge, side, bits)).collect()
}

/// Returns the reasons why an edge needs, or does not share, those of the bits. For each origin the result has the
/// shortest path only, and several bits with the same path are one reason. Costs O(edges × bits).
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

/// Returns the bits of parent edges that cause this bit, or the origin if the path ends here.
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
    // The same bit on the same side first, because a filter passes its parent's bits on unchanged.
    causes.sort_by_key(|cause| *cause != (bit, side));
    let suffices = |&(cause, on): &(Perms, Side)| match on {
        Side::Needs => rule(Pair::new(cause, ALL)),
        Side::Refuses => rule(Pair::new(NONE, ALL - cause)),
    };
    // If no single bit suffices, all of them are the cause.
    let causes: Vec<_> = causes.iter().copied().find(suffices).map_or(causes, |one| vec![one]);
    let mut next = Vec::new();
    for (cause, on) in causes {
        let has = |edge: &&usize| holds(graph.edges[**edge].pair(), cause, on);
        next.extend(graph.parent_edges(parent).iter().filter(has).map(|edge| (*edge, cause, on)));
    }
    Ok(next)
}

/// Formats need and share as `rw/rwu`, without graph-mod.
pub fn format_pair(pair: Pair) -> String {
    let four = R | W | U | Z;
    let share = if four.within(pair.share) { "all".to_owned() } else { print_perms(pair.share & four) };
    format!("{}/{share}", print_perms(pair.need & four))
}

/// Formats a reason as a clause: `export e does not share write, through e → a → x`.
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
            format!("{} {verb} {what} of its {child} by its own rule, even without parents", graph.node_title(node))
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

/// The largest number of names with which a path is printed in full.
const MAX_PATH_NAMES: usize = 16;

/// Returns the names along the path: `e → a → x`. A longer path is cut in the middle.
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

/// Returns what cannot be done to a node without these permissions: `cannot be written or resized`.
pub fn cannot_text(what: Perms) -> String {
    const DONE: [(Perms, &str); 4] =
        [(R, "read consistently"), (W, "written"), (U, "rewritten unchanged"), (Z, "resized")];
    let words: Vec<&str> = DONE.iter().filter(|(bit, _)| bit.within(what)).map(|(_, word)| *word).collect();
    format!("cannot be {}", words.join(" or "))
}
