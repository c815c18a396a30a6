//! All orders of one pass over all small graphs, and how often a walk along every path visits.

use crate::page;

/// Edges between four nodes that lead to a higher number.
const EDGES: [(usize, usize); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

/// Returns the nodes that can be reached from node 0 along these edges, in the order of their numbers.
fn reached(nodes: usize, edges: &[(usize, usize)]) -> [bool; 4] {
    let mut reached = [true, false, false, false];
    for node in 1..nodes {
        reached[node] = edges.iter().any(|(parent, child)| *child == node && reached[*parent]);
    }
    reached
}

fn permutations(nodes: usize) -> Vec<Vec<usize>> {
    (0..nodes).fold(vec![Vec::new()], |lists, node| {
        let put = |list: &Vec<usize>| {
            (0..=list.len()).map(|at| [&list[..at], &[node], &list[at..]].concat()).collect::<Vec<_>>()
        };
        lists.iter().flat_map(put).collect()
    })
}

/// Node 0 begins to write. `passes` says along which edges the rules hand that down. One pass in this order: is every node judged
/// with what it will have?
fn is_right(order: &[usize], edges: &[(usize, usize)], passes: usize) -> bool {
    let handed = |i: &usize| passes >> i & 1 == 1;
    let passing: Vec<(usize, usize)> = (0..edges.len()).filter(handed).map(|i| edges[i]).collect();
    let right = reached(4, &passing);
    let mut written = vec![false; passing.len()];
    order.iter().all(|&node| {
        let above = (0..passing.len()).any(|i| passing[i].1 == node && written[i]);
        let writes = node == 0 || above;
        (0..passing.len()).filter(|i| passing[*i].0 == node).for_each(|i| written[i] = writes);
        writes == right[node]
    })
}

/// Counts graphs and orders, and holds: an order is right for all rules exactly if parents come before children.
pub fn every_order() -> String {
    let rows = (2..=4).map(|nodes| {
        let within: Vec<_> = EDGES.into_iter().filter(|(_, child)| *child < nodes).collect();
        let mut counts = [0u64; 4];
        for chosen in 0..1usize << within.len() {
            let edges: Vec<_> = (0..within.len()).filter(|i| chosen >> i & 1 == 1).map(|i| within[i]).collect();
            if !reached(nodes, &edges)[..nodes].iter().all(|reached| *reached) {
                continue;
            }
            counts[0] += 1;
            for order in permutations(nodes) {
                let place = |node: usize| order.iter().position(|at| *at == node);
                let parents_first = edges.iter().all(|(parent, child)| place(*parent) < place(*child));
                let wrong = (0..1usize << edges.len()).filter(|rules| !is_right(&order, &edges, *rules)).count() as u64;
                assert_eq!(parents_first, wrong == 0, "{edges:?} {order:?}");
                counts[1] += u64::from(parents_first);
                counts[2] += u64::from(!parents_first);
                counts[3] += wrong;
            }
        }
        let [graphs, first, others, wrong] = counts.map(page::grouped);
        [nodes.to_string(), graphs, first, others, wrong]
    });
    page::table(
        [
            "nodes",
            "graphs",
            "orders with parents first: all right",
            "other orders: all wrong for some rules",
            "wrong (order, rules)",
        ],
        rows,
    )
}

/// A ladder: each node is the child of the one above by two edges.
fn ladder(rungs: usize) -> Vec<Vec<usize>> {
    (0..=rungs).map(|node| if node < rungs { vec![node + 1; 2] } else { Vec::new() }).collect()
}

/// Visits along every path.
fn walk(graph: &[Vec<usize>], node: usize, visits: &mut [u64]) {
    visits[node] += 1;
    graph[node].iter().for_each(|child| walk(graph, *child, visits));
}

/// Visits of nodes that were not visited yet, last of all the top: the order read backwards has parents first.
fn post_order(graph: &[Vec<usize>], node: usize, visits: &mut [u64], order: &mut Vec<usize>) {
    visits[node] += 1;
    for child in &graph[node] {
        if visits[*child] == 0 {
            post_order(graph, *child, visits, order);
        }
    }
    order.push(node);
}

/// How many nodes are visited on ladders.
pub fn ladders() -> String {
    let rows = (1..=12).map(|rungs| {
        let graph = ladder(rungs);
        let (mut paths, mut once, mut order) = (vec![0; rungs + 1], vec![0; rungs + 1], Vec::new());
        walk(&graph, 0, &mut paths);
        post_order(&graph, 0, &mut once, &mut order);
        assert!(order.iter().rev().copied().eq(0..=rungs), "parents first");
        assert_eq!((paths[rungs], paths.iter().sum()), (1u64 << rungs, (2u64 << rungs) - 1));
        [rungs as u64, rungs as u64 + 1, once.iter().sum(), paths[rungs], paths.iter().sum()].map(page::grouped)
    });
    page::table(
        ["rungs", "nodes", "visits, parents first", "visits of the lowest node, all paths", "visits, all paths"],
        rows,
    )
}
