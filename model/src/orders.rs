//! R4: the result of a reopen of several nodes does not depend on the order of its list.

use crate::judge::{Outcome, execute};
use crate::op::{NodeId, Op, Queue};
use crate::state::{Edge, Node, State};
use crate::step::Work;

/// Returns whether the entries are of different nodes, none of which is queued for another one (R4).
pub fn is_orderless<const N: usize, const M: usize>(before: &State<N, M>, queue: &Queue) -> bool {
    let entries = queue.entries();
    let work = Work::new(before);
    entries.iter().enumerate().all(|(i, entry)| {
        // A missing node queues no other node.
        let taken = if before.node(entry.node).is_some() { work.queue(&[*entry]) } else { Default::default() };
        entries
            .iter()
            .enumerate()
            .all(|(j, other)| i == j || entry.node != other.node && !taken.iter().any(|(node, _)| *node == other.node))
    })
}

/// Returns the lists with the same entries in all other orders.
pub fn other_orders(queue: &Queue) -> Vec<Queue> {
    let mut all = vec![Vec::new()];
    for entry in queue.entries() {
        let inserted = |list: &Vec<_>| {
            (0..=list.len()).map(|at| [&list[..at], &[*entry], &list[at..]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(inserted).collect();
    }
    let lists = all.iter().filter_map(|list| Queue::new(list));
    lists.filter(|list| list.entries() != queue.entries()).collect()
}

/// Returns the edges of a state without the orders of its lists.
pub(crate) fn unranked<const N: usize, const M: usize>(s: &State<N, M>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = s.edges().iter().map(|e| Edge { rank: 0, ..*e }).collect();
    edges.sort_unstable();
    edges
}

/// Returns what R4 is about: a state without the orders of its lists.
fn unordered<const N: usize, const M: usize>(s: &State<N, M>) -> ([Node; N], Vec<Edge>) {
    let edges = unranked(s);
    let mut nodes = s.nodes;
    // R4 does not promise from which node a node inherits.
    nodes.iter_mut().flat_map(|node| &mut node.inherits).for_each(|inherits| inherits.from = NodeId(0));
    (nodes, edges)
}

/// Returns whether the two outcomes have the same verdict, and the same result except for what R4 does not promise.
pub fn alike<const N: usize, const M: usize>(a: &Outcome<N, M>, b: &Outcome<N, M>) -> bool {
    match (a, b) {
        (Outcome::Done { next: a, .. }, Outcome::Done { next: b, .. }) => unordered(a) == unordered(b),
        (Outcome::Failed { .. }, Outcome::Failed { .. }) => true,
        (Outcome::Violates { graph: a, kinds: x, .. }, Outcome::Violates { graph: b, kinds: y, .. }) => {
            x == y && unordered(a) == unordered(b)
        }
        _ => false,
    }
}

/// Tries the operation in all other orders and returns how many there are; `None` if one of them has another result.
/// Returns zero if R4 is not about the operation.
pub fn tried<const N: usize, const M: usize>(before: &State<N, M>, op: &Op, outcome: &Outcome<N, M>) -> Option<usize> {
    let Op::Reopen { queue } = op else { return Some(0) };
    if queue.entries().len() < 2 || !is_orderless(before, queue) {
        return Some(0);
    }
    let orders = other_orders(queue);
    let same = |queue: &Queue| alike(outcome, &execute(before, &[Op::Reopen { queue: *queue }], &[]));
    orders.iter().all(same).then_some(orders.len())
}
