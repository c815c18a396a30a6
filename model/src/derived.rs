//! The pairs of a graph, derived from its shape, flags, options and wishes (P4).

use crate::perm::Pair;
use crate::rules::{self, Input};
use crate::state::{Edge, Node, Parent, State};
use crate::step::Names;

/// The pairs of a graph, computed from its shape, flags, options and wishes alone (P4).
#[derive(Clone, Debug)]
pub struct Derived<const N: usize, const M: usize> {
    /// The cumulative pair of each node (P2).
    pub nodes: [Pair; N],
    /// The pair of each edge, in the order of [`State::edges`].
    pub edges: [Pair; M],
    /// The nodes in an order in which parents come before children.
    pub order: Names<N>,
}

/// Derives all pairs, parents before children. Returns `None` if the graph has a cycle.
pub fn derive<const N: usize, const M: usize>(graph: &State<N, M>) -> Option<Derived<N, M>> {
    let mut waiting = [0u16; N];
    let mut has_parents = [false; N];
    let mut first = [0u16; N];
    let mut d = Derived { nodes: [Pair::FREE; N], edges: [Pair::FREE; M], order: Names::new() };
    for (i, edge) in graph.edges().iter().enumerate().rev() {
        let child = edge.child.0 as usize;
        has_parents[child] = true;
        match edge.parent {
            Parent::Node(parent) => {
                waiting[child] += 1;
                first[parent.0 as usize] = i as u16;
            }
            // A3
            Parent::User(_) if graph.nodes[child].flags.inactive => {}
            Parent::User(_) => {
                d.edges[i] = edge.wanted;
                d.nodes[child] = d.nodes[child].with(edge.wanted);
            }
        }
    }
    d.order.extend(graph.names().filter(|n| waiting[n.0 as usize] == 0));
    let mut done = 0;
    while done < d.order.len() {
        let parent = d.order[done];
        done += 1;
        let start = first[parent.0 as usize] as usize;
        for (i, edge) in graph.edges().iter().enumerate().skip(start) {
            if edge.parent != Parent::Node(parent) {
                break;
            }
            let pair = edge_pair(graph, edge, d.nodes[parent.0 as usize], has_parents[parent.0 as usize]);
            let child = edge.child.0 as usize;
            d.edges[i] = pair;
            d.nodes[child] = d.nodes[child].with(pair);
            waiting[child] -= 1;
            if waiting[child] == 0 {
                d.order.push(edge.child);
            }
        }
    }
    (done == graph.names().count()).then_some(d)
}

/// Returns the pair of an edge whose parent's cumulative pair is known.
fn edge_pair<const N: usize, const M: usize>(graph: &State<N, M>, edge: &Edge, above: Pair, has_parents: bool) -> Pair {
    let Parent::Node(parent) = edge.parent else {
        return edge.wanted;
    };
    let force_share = graph.nodes[edge.child.0 as usize].flags.force_share;
    pair_below(&graph.nodes[parent.0 as usize], edge, above, has_parents, force_share)
}

/// Returns the pair of an edge of a node with this cumulative pair.
pub(crate) fn pair_below(node: &Node, edge: &Edge, above: Pair, has_parents: bool, force_share: bool) -> Pair {
    // L3.1
    let Some(kind) = node.kind.filter(|_| !node.ejected) else {
        return edge.wanted;
    };
    rules::child_pair(Input {
        parent: above,
        has_parents,
        writable: node.writable(),
        inactive: node.flags.inactive,
        no_io: node.flags.no_io,
        kind,
        opt: node.opt,
        role: edge.role,
        name: edge.name,
        force_share,
    })
}
