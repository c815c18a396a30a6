//! The judgement: derived pairs, the set of violations, closing, the plan, the drivers' answers (`specs/transactions.md`).

use crate::op::{EdgeId, Entry, Hook, NodeId, Op, Refusal, StepError, Violation};
use crate::perm::Pair;
use crate::rules::{self, Input};
use crate::state::{Edge, Grant, Parent, State};
use crate::step::{Names, Work};
use arrayvec::ArrayVec;

/// The pairs of a graph, computed from nothing but its shape, flags, options and wishes (P4).
#[derive(Clone, Debug)]
pub struct Derived<const N: usize, const M: usize> {
    /// The cumulative pair of each node (P2).
    pub nodes: [Pair; N],
    /// The pair of each edge, in the order of [`State::edges`].
    pub edges: [Pair; M],
    /// The nodes in an order in which parents come before children.
    pub order: Names<N>,
}

/// Derives all pairs, parents before children; `None` if the graph has a cycle.
pub fn derive<const N: usize, const M: usize>(graph: &State<N, M>) -> Option<Derived<N, M>> {
    let mut waiting = [0u16; N];
    let mut first = [0u16; N];
    let mut d = Derived { nodes: [Pair::FREE; N], edges: [Pair::FREE; M], order: Names::new() };
    for (i, edge) in graph.edges().iter().enumerate().rev() {
        let child = edge.child.0 as usize;
        match edge.parent {
            Parent::Node(parent) => {
                waiting[child] += 1;
                first[parent.0 as usize] = i as u16;
            }
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
            let pair = edge_pair(graph, edge, d.nodes[parent.0 as usize]);
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

/// The rule's input for one edge of a node whose cumulative pair is known.
fn edge_pair<const N: usize, const M: usize>(graph: &State<N, M>, edge: &Edge, above: Pair) -> Pair {
    let Parent::Node(parent) = edge.parent else {
        return edge.wanted;
    };
    let node = &graph.nodes[parent.0 as usize];
    // L3.1
    let Some(kind) = node.kind.filter(|_| !node.ejected) else {
        return edge.wanted;
    };
    rules::child_pair(Input {
        parent: above,
        writable: node.writable(),
        no_io: node.flags.no_io,
        kind,
        opt: node.opt,
        role: edge.role,
        name: edge.name,
        force_share: graph.nodes[edge.child.0 as usize].flags.force_share,
    })
}

/// The set of violations of a graph (V3, V4), sorted.
pub fn violations<const N: usize, const M: usize>(graph: &State<N, M>) -> Vec<Violation> {
    let Some(derived) = derive(graph) else {
        return cycles(graph);
    };
    let mut found = Vec::new();
    for node in graph.names() {
        let writable = graph.nodes[node.0 as usize].writable();
        if rules::writes_read_only(derived.nodes[node.0 as usize].need, writable) {
            found.push(Violation::ReadOnly { node });
        }
        let parents: Vec<usize> = graph.parents(node).collect();
        for &a in &parents {
            for &b in &parents {
                if a != b && rules::conflict(derived.edges[a], derived.edges[b]) {
                    let (needs, denies) = (graph.edges()[a].id(), graph.edges()[b].id());
                    found.push(Violation::Conflict { node, needs, denies });
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// V3.1: the edges from whose child the parent can be reached.
fn cycles<const N: usize, const M: usize>(graph: &State<N, M>) -> Vec<Violation> {
    let closes = |e: &&Edge| matches!(e.parent, Parent::Node(p) if graph.reach(e.child)[p.0 as usize]);
    let mut found: Vec<_> = graph.edges().iter().filter(closes).map(|e| Violation::Cycle { edge: e.id() }).collect();
    found.sort_unstable();
    found
}

/// Which kinds of violation a graph has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kinds {
    /// V3.1
    pub cycle: bool,
    /// V3.2
    pub conflict: bool,
    /// V3.3
    pub read_only: bool,
}

impl Kinds {
    const CYCLE: Kinds = Kinds { cycle: true, conflict: false, read_only: false };

    /// Any at all?
    pub fn any(self) -> bool {
        self != Kinds::default()
    }
}

/// The kinds of [`violations`], without the list.
fn violated<const N: usize, const M: usize>(graph: &State<N, M>, derived: &Derived<N, M>) -> Kinds {
    let mut kinds = Kinds::default();
    for node in graph.names() {
        let pair = derived.nodes[node.0 as usize];
        kinds.read_only |= rules::writes_read_only(pair.need, graph.nodes[node.0 as usize].writable());
        // Where everything needed is shared by all there is no pair to look for.
        kinds.conflict |= !pair.need.within(pair.share) && conflicts_at(graph, derived, node);
    }
    kinds
}

/// Is this one of [`violations`]? Cheaper than the list.
pub fn is_violation<const N: usize, const M: usize>(graph: &State<N, M>, violation: Violation) -> bool {
    let index = |edge| graph.edge_index(edge);
    match (derive(graph), violation) {
        (None, Violation::Cycle { .. }) => cycles(graph).contains(&violation),
        (Some(derived), Violation::Conflict { node, needs, denies }) => {
            let (Some(a), Some(b)) = (index(needs), index(denies)) else {
                return false;
            };
            let here = |i: usize| graph.edges()[i].child == node;
            a != b && here(a) && here(b) && rules::conflict(derived.edges[a], derived.edges[b])
        }
        (Some(derived), Violation::ReadOnly { node }) => {
            let Some(found) = graph.nodes.get(node.0 as usize) else {
                return false;
            };
            found.kind.is_some() && rules::writes_read_only(derived.nodes[node.0 as usize].need, found.writable())
        }
        _ => false,
    }
}

fn conflicts_at<const N: usize, const M: usize>(graph: &State<N, M>, derived: &Derived<N, M>, node: NodeId) -> bool {
    let here = |i: &usize| graph.edges()[*i].child == node;
    let count = graph.edges().len();
    (0..count)
        .filter(here)
        .any(|a| (0..count).filter(here).any(|b| a != b && rules::conflict(derived.edges[a], derived.edges[b])))
}

/// What the drivers are asked (V5.3).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan<const N: usize> {
    /// The nodes to be flushed and prepared, in order.
    pub prepare: Names<N>,
    /// The nodes whose stored backing name changes, in order (S6).
    pub rename: Names<N>,
    /// The nodes to be checked, each with what it is asked to grant; sorted by name, since only parents before children is
    /// specified.
    pub check: ArrayVec<(NodeId, Grant), N>,
}

impl<const N: usize> Plan<N> {
    /// Every place where a driver can refuse.
    pub fn hooks(&self) -> impl Iterator<Item = Refusal> + '_ {
        let all = |nodes: &'_ Names<N>, hook| nodes.clone().into_iter().map(move |node| Refusal { node, hook });
        let prepares = all(&self.prepare, Hook::Flush).chain(all(&self.prepare, Hook::Prepare));
        let checks = self.check.iter().map(|&(node, _)| Refusal { node, hook: Hook::Check });
        prepares.chain(all(&self.rename, Hook::Rename)).chain(checks)
    }
}

/// What comes of an operation.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "made once an operation, never stored in numbers")]
pub enum Outcome<const N: usize, const M: usize> {
    /// It took effect.
    Done {
        /// The state after it.
        next: State<N, M>,
        /// What the drivers were asked.
        plan: Plan<N>,
        /// The nodes that were closed, in order.
        closed: Names<N>,
    },
    /// A step failed (V2).
    Failed {
        /// Which operation of the transaction.
        index: usize,
        /// Why.
        error: StepError,
    },
    /// The final graph breaks the rules (V3); [`violations`] of `graph` lists how.
    Violates {
        /// The graph as judged.
        graph: State<N, M>,
        /// Which kinds of violation it has.
        kinds: Kinds,
    },
    /// A driver refused, and it was no loosening (V7).
    Refused {
        /// Whose driver, in which hook.
        by: Refusal,
    },
}

/// Executes the operations as one transaction (a single operation is a transaction of one), while the drivers named in
/// `refusals` say no.
pub fn execute<const N: usize, const M: usize>(
    before: &State<N, M>,
    ops: &[Op],
    refusals: &[Refusal],
) -> Outcome<N, M> {
    let mut work = Work::new(*before);
    // Only a node that loses its driver needs to know which pairs its edges had (L3.1).
    let ejects = ops.iter().any(|op| matches!(op, Op::Eject { .. }));
    if ejects {
        remember_pairs(&mut work.graph);
    }
    for (index, &op) in ops.iter().enumerate() {
        if let Err(error) = work.step(op) {
            return Outcome::Failed { index, error };
        }
    }
    if ejects {
        forget_pairs(&mut work.graph);
    }
    let cyclic = |graph| Outcome::Violates { graph, kinds: Kinds::CYCLE };
    let Some(derived) = derive(&work.graph) else {
        return cyclic(work.graph);
    };
    let kinds = violated(&work.graph, &derived);
    if kinds.any() {
        return Outcome::Violates { graph: work.graph, kinds };
    }
    if let Some(graph) = with_renamed_writable(&work)
        && let Some(derived) = derive(&graph)
    {
        let kinds = violated(&graph, &derived);
        if kinds.any() {
            return Outcome::Violates { graph, kinds };
        }
    }
    let closed = work.close();
    let derived = if closed.is_empty() { Some(derived) } else { derive(&work.graph) };
    // Closing only takes edges away, so it cannot make a cycle.
    let Some(derived) = derived else {
        return cyclic(work.graph);
    };
    let plan = plan(&work, &derived);
    match run(&mut work.graph, &plan, &derived, refusals) {
        Some(by) => Outcome::Refused { by },
        None => Outcome::Done { next: work.graph, plan, closed },
    }
}

/// L3.1: writes the present pairs into the edges.
fn remember_pairs<const N: usize, const M: usize>(graph: &mut State<N, M>) {
    let Some(derived) = derive(graph) else { return };
    for index in 0..graph.edges().len() {
        graph.edge_mut(index).wanted = derived.edges[index];
    }
}

/// Only the edges of users and of nodes without a driver have a pair of their own.
fn forget_pairs<const N: usize, const M: usize>(graph: &mut State<N, M>) {
    for index in 0..graph.edges().len() {
        if let Parent::Node(parent) = graph.edges()[index].parent
            && !graph.nodes[parent.0 as usize].ejected
        {
            graph.edge_mut(index).wanted = Pair::FREE;
        }
    }
}

/// V3.4: the graph in which the renamed read-only nodes are writable, and who goes with them; `None` if there are none.
fn with_renamed_writable<const N: usize, const M: usize>(work: &Work<N, M>) -> Option<State<N, M>> {
    let mut graph = work.graph;
    let sealed = |n: &NodeId| graph.nodes[n.0 as usize].flags.read_only && graph.nodes[n.0 as usize].has_driver();
    let renamed: Names<N> = work.renamed.iter().copied().filter(|n| !work.doomed.contains(n) && sealed(n)).collect();
    for &node in &renamed {
        for (taken, read_only) in work.queue(&[Entry { read_only: Some(false), ..Entry::new(node, true) }]) {
            let flags = &mut graph.nodes[taken.0 as usize].flags;
            flags.read_only = read_only || flags.force_share;
        }
    }
    renamed.iter().for_each(|node| graph.nodes[node.0 as usize].flags.read_only = false);
    (!renamed.is_empty()).then_some(graph)
}

/// V5.1, V5.2.
fn plan<const N: usize, const M: usize>(work: &Work<N, M>, derived: &Derived<N, M>) -> Plan<N> {
    let mut plan = Plan::default();
    let asked = |n: &NodeId| work.graph.nodes[n.0 as usize].has_driver();
    plan.prepare.extend(work.reopened.iter().copied().filter(asked));
    plan.rename.extend(work.renamed.iter().copied().filter(asked));
    for id in work.graph.names().filter(asked) {
        let node = &work.graph.nodes[id.0 as usize];
        let now = Grant { pair: derived.nodes[id.0 as usize], writable: node.writable() };
        if now != node.granted || plan.prepare.contains(&id) {
            plan.check.push((id, now));
        }
    }
    plan
}

/// V7: the drivers answer; the first refusal that is not tolerated is returned.
fn run<const N: usize, const M: usize>(
    graph: &mut State<N, M>,
    plan: &Plan<N>,
    derived: &Derived<N, M>,
    refusals: &[Refusal],
) -> Option<Refusal> {
    let refuses = |node, hook| refusals.contains(&Refusal { node, hook });
    for (nodes, hook) in [(&plan.prepare, Hook::Flush), (&plan.prepare, Hook::Prepare), (&plan.rename, Hook::Rename)] {
        if let Some(&node) = nodes.iter().find(|&&n| refuses(n, hook)) {
            return Some(Refusal { node, hook });
        }
    }
    // In the order of the hooks, so that the first refusal is one that can come first.
    for &node in &derived.order {
        let Some(&(_, grant)) = plan.check.iter().find(|(n, _)| *n == node) else {
            continue;
        };
        let granted = &mut graph.nodes[node.0 as usize].granted;
        if !refuses(node, Hook::Check) {
            *granted = grant;
        } else if !grant.pair.loosens(granted.pair) {
            return Some(Refusal { node, hook: Hook::Check });
        }
    }
    None
}

/// V7.1: the nodes whose driver lags behind.
pub fn stale<const N: usize, const M: usize>(graph: &State<N, M>) -> Vec<NodeId> {
    let Some(derived) = derive(graph) else {
        return Vec::new();
    };
    let lags = |n: &NodeId| {
        let node = &graph.nodes[n.0 as usize];
        node.has_driver() && node.granted != Grant { pair: derived.nodes[n.0 as usize], writable: node.writable() }
    };
    graph.names().filter(lags).collect()
}

/// The pair of one edge, looked up by name.
pub fn pair_of<const N: usize, const M: usize>(graph: &State<N, M>, edge: EdgeId) -> Option<Pair> {
    Some(derive(graph)?.edges[graph.edge_index(edge)?])
}
