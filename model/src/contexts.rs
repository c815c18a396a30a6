//! The contexts in which nodes and users live after an operation (C2, C3), worked out once on the final graph.

use crate::op::{Context, EdgeId, NodeId, UserId, Violation};
use crate::state::{Edge, Parent, State};
use crate::step::Work;

/// The contexts of an operation's final graph.
#[derive(Clone, Debug)]
pub struct Settled<const N: usize> {
    /// The context of each node.
    pub to: [Context; N],
    /// The number of its component for each node that moves only if all its drivers agree (C3).
    pub wish: [Option<u8>; N],
    /// The nodes that C2 looks at.
    looked: [bool; N],
}

/// Returns the number of each node's component (the nodes that edges connect), which is the name of its first node.
pub fn components<const N: usize, const M: usize>(graph: &State<N, M>) -> [u8; N] {
    let mut number: [u8; N] = std::array::from_fn(|i| i as u8);
    let mut merged = true;
    while merged {
        merged = false;
        for edge in graph.edges() {
            let Parent::Node(parent) = edge.parent else { continue };
            let (a, b) = (number[parent.0 as usize], number[edge.child.0 as usize]);
            if a != b {
                number.iter_mut().filter(|n| **n == a.max(b)).for_each(|n| *n = a.min(b));
                merged = true;
            }
        }
    }
    number
}

/// Returns the numbers of the components.
fn heads<const N: usize, const M: usize>(graph: &State<N, M>, number: &[u8; N]) -> impl Iterator<Item = u8> {
    graph.names().map(|id| id.0).filter(|name| number[usize::from(*name)] == *name)
}

/// Returns the context to which a user is fixed: for a user that existed before, its node's context; for a new one, the
/// context that it was given.
fn fixed_to<const N: usize, const M: usize>(work: &Work<'_, N, M>, user: UserId) -> Context {
    match work.users.iter().find(|(made, _)| *made == user) {
        Some((_, said)) => said.unwrap_or(Context::MAIN),
        None => old_context(work, user).unwrap_or(Context::MAIN),
    }
}

fn old_context<const N: usize, const M: usize>(work: &Work<'_, N, M>, user: UserId) -> Option<Context> {
    let edge = &work.before.edges()[work.before.edge_index(EdgeId::User(user))?];
    Some(work.before.nodes[edge.child.0 as usize].context)
}

/// Returns a node's vote in C2.2: its context before the operation, if it existed.
fn vote<const N: usize, const M: usize>(work: &Work<'_, N, M>, node: NodeId) -> Option<Context> {
    let node = &work.before.nodes[node.0 as usize];
    node.kind.map(|_| node.context)
}

/// Returns the vote of an edge's parent end in C2.2.
fn vote_above<const N: usize, const M: usize>(work: &Work<'_, N, M>, edge: &Edge) -> Option<Context> {
    match edge.parent {
        Parent::Node(parent) => vote(work, parent),
        Parent::User(user) => match work.users.iter().find(|(made, _)| *made == user) {
            Some((_, said)) => *said,
            None => old_context(work, user),
        },
    }
}

/// Returns the one context that all votes name, or the main context if they differ. Returns `None` without a vote.
fn agreed(votes: impl Iterator<Item = Option<Context>>) -> Option<Context> {
    votes.flatten().reduce(|a, b| if a == b { a } else { Context::MAIN })
}

/// Returns whether every node lives in the main context and no vote names another one. Then there is nothing to settle.
fn all_in_main<const N: usize, const M: usize>(work: &Work<'_, N, M>) -> bool {
    work.graph.nodes.iter().all(|node| node.context == Context::MAIN)
        && work.users.iter().all(|(_, said)| said.is_none_or(|said| said == Context::MAIN))
        && work.asked.is_empty()
}

/// Settles the contexts (C2).
///
/// # Errors
/// All violations of V3.7.
pub fn settle<const N: usize, const M: usize>(work: &Work<'_, N, M>) -> Result<Settled<N>, Vec<Violation>> {
    let graph = &work.graph;
    let to = std::array::from_fn(|i| graph.nodes[i].context);
    let mut settled = Settled { to, wish: [None; N], looked: [false; N] };
    if all_in_main(work) {
        return Ok(settled);
    }
    let component = components(graph);
    let mut violations = Vec::new();
    for number in heads(graph, &component) {
        let here = |node: NodeId| component[node.0 as usize] == number;
        let new = || graph.edges().iter().filter(|e| here(e.child) && work.placed.contains(&e.id()));
        let request = work.asked.iter().rfind(|(node, _)| here(*node) && graph.nodes[node.0 as usize].kind.is_some());
        if new().next().is_none() && request.is_none() {
            continue;
        }
        let fixed = || {
            graph.edges().iter().filter(|e| here(e.child) && e.user_flags.fixed).filter_map(|e| match e.parent {
                Parent::User(user) => Some((user, fixed_to(work, user))),
                Parent::Node(_) => None,
            })
        };
        for (user, home) in fixed() {
            let apart = fixed().filter(|(other, there)| user < *other && home != *there);
            violations.extend(apart.map(|(other, _)| Violation::ContextClash { user, other }));
            if let Some(&(node, to)) = request
                && to != home
            {
                violations.push(Violation::ContextFixed { node, user });
            }
        }
        let above = || agreed(new().map(|e| vote_above(work, e)));
        let below = || agreed(new().map(|e| vote(work, e.child)));
        let place = fixed().next().map(|(_, home)| home).or(request.map(|(_, to)| *to)).or_else(above).or_else(below);
        for node in (0..N).filter(|&i| component[i] == number) {
            settled.to[node] = place.unwrap_or(Context::MAIN);
            settled.looked[node] = true;
        }
    }
    if violations.is_empty() { Ok(settled) } else { Err(violations) }
}

impl<const N: usize> Settled<N> {
    /// Moves orphaned components to the main context (C3), after the doomed nodes are closed.
    pub fn move_orphans_to_main<const M: usize>(&mut self, work: &Work<'_, N, M>) {
        if self.to.iter().all(|context| *context == Context::MAIN) {
            return;
        }
        let component = components(&work.graph);
        for number in heads(&work.graph, &component) {
            let here = |i: usize| component[i] == number && work.graph.nodes[i].kind.is_some();
            let orphan = work.left.iter().any(|node| here(node.0 as usize));
            let user = |e: &Edge| matches!(e.parent, Parent::User(_)) && here(e.child.0 as usize);
            let looked = (0..N).any(|i| here(i) && self.looked[i]);
            if orphan && !looked && !work.graph.edges().iter().any(user) {
                for (i, to) in self.to.iter_mut().enumerate().filter(|(i, to)| here(*i) && **to != Context::MAIN) {
                    *to = Context::MAIN;
                    self.wish[i] = Some(number);
                }
            }
        }
    }
}
