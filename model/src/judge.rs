//! The judgement: derived pairs, the set of violations, closing (`specs/transactions.md`).

use crate::contexts::{self, Settled};
use crate::derived::{Derived, derive};
use crate::op::{EdgeId, Entry, NodeId, Op, Refusal, StepError, Violation};
use crate::perm::Pair;
use crate::plan::{DrainNotices, Plan, drain_notices, plan, run};
use crate::rules;
use crate::state::{Edge, Grant, Parent, State};
use crate::step::{Names, Work};

/// Returns the violations that a graph shows (V3, V4), sorted. [`Outcome::Violates`] also has those that the graph does
/// not show.
pub fn violations<const N: usize, const M: usize>(graph: &State<N, M>) -> Vec<Violation> {
    let Some(derived) = derive(graph) else {
        return cycles(graph);
    };
    let mut found = Vec::new();
    for node in graph.names() {
        let (need, flags) = (derived.nodes[node.0 as usize].need, graph.nodes[node.0 as usize].flags);
        if rules::writes_read_only(need, flags.read_only) {
            found.push(Violation::ReadOnly { node });
        }
        if rules::disturbs_inactive(need, flags.inactive) {
            found.push(Violation::InactiveNode { node });
        }
        let parents: Vec<usize> = graph.parents(node).collect();
        for &a in &parents {
            if over_inactive(graph, &graph.edges()[a]) {
                found.push(Violation::InactiveChild { edge: graph.edges()[a].id() });
            }
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

/// V3.5: returns whether the edge leads from an active node to an inactive one.
pub fn over_inactive<const N: usize, const M: usize>(graph: &State<N, M>, edge: &Edge) -> bool {
    let inactive = |node: NodeId| graph.nodes[node.0 as usize].flags.inactive;
    matches!(edge.parent, Parent::Node(parent) if inactive(edge.child) && !inactive(parent))
}

/// V3.1: returns the edges from whose child the parent can be reached.
fn cycles<const N: usize, const M: usize>(graph: &State<N, M>) -> Vec<Violation> {
    let closes = |e: &&Edge| matches!(e.parent, Parent::Node(p) if graph.reach(e.child)[p.0 as usize]);
    let mut found: Vec<_> = graph.edges().iter().filter(closes).map(|e| Violation::Cycle { edge: e.id() }).collect();
    found.sort_unstable();
    found
}

/// The kinds of violation that a graph has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kinds {
    /// V3.1
    pub cycle: bool,
    /// V3.2
    pub conflict: bool,
    /// V3.3
    pub read_only: bool,
    /// V3.5
    pub inactive_child: bool,
    /// V3.6
    pub inactive_node: bool,
    /// V3.7: two fixed users.
    pub context_clash: bool,
    /// V3.7: a fixed user, and a node that was asked to move.
    pub context_fixed: bool,
}

impl Kinds {
    fn add(&mut self, violation: &Violation) {
        let kind = match violation {
            Violation::Cycle { .. } => &mut self.cycle,
            Violation::Conflict { .. } => &mut self.conflict,
            Violation::ReadOnly { .. } => &mut self.read_only,
            Violation::InactiveChild { .. } => &mut self.inactive_child,
            Violation::InactiveNode { .. } => &mut self.inactive_node,
            Violation::ContextClash { .. } => &mut self.context_clash,
            Violation::ContextFixed { .. } => &mut self.context_fixed,
        };
        *kind = true;
    }

    /// Returns whether there is any violation.
    pub fn any(self) -> bool {
        self != Kinds::default()
    }
}

/// Returns the kinds of [`violations`] without building the list.
fn violated<const N: usize, const M: usize>(graph: &State<N, M>, derived: &Derived<N, M>) -> Kinds {
    let mut kinds = Kinds::default();
    for node in graph.names() {
        let pair = derived.nodes[node.0 as usize];
        let flags = graph.nodes[node.0 as usize].flags;
        kinds.read_only |= rules::writes_read_only(pair.need, flags.read_only);
        kinds.inactive_node |= rules::disturbs_inactive(pair.need, flags.inactive);
        kinds.inactive_child |=
            flags.inactive && graph.edges().iter().any(|e| e.child == node && over_inactive(graph, e));
        // If everything needed is shared by all, there is no pair to look for.
        kinds.conflict |= !pair.need.within(pair.share) && conflicts_at(graph, derived, node);
    }
    kinds
}

/// Returns whether this is one of the [`violations`] of the graph. This is cheaper than building the list.
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
            found.kind.is_some() && rules::writes_read_only(derived.nodes[node.0 as usize].need, found.flags.read_only)
        }
        (Some(derived), Violation::InactiveNode { node }) => graph.nodes.get(node.0 as usize).is_some_and(|found| {
            let need = derived.nodes[node.0 as usize].need;
            found.kind.is_some() && rules::disturbs_inactive(need, found.flags.inactive)
        }),
        (Some(_), Violation::InactiveChild { edge }) => {
            index(edge).is_some_and(|i| over_inactive(graph, &graph.edges()[i]))
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

/// The outcome of an operation.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "made once an operation, never stored in numbers")]
pub enum Outcome<const N: usize, const M: usize> {
    /// It took effect.
    Done {
        /// The state after it.
        next: State<N, M>,
        /// What the drivers are asked.
        plan: Plan<N>,
        /// The nodes that become quiet and go on.
        drain_notices: DrainNotices<N>,
        /// The nodes that were closed, in order.
        closed: Names<N>,
    },
    /// A step failed (V2).
    Failed {
        /// The index of the failed operation in the transaction.
        index: usize,
        /// The error.
        error: StepError,
    },
    /// The final graph breaks the rules (V3); [`Outcome::violations`] lists how.
    Violates {
        /// The graph as judged.
        graph: State<N, M>,
        /// The kinds of violation that it has.
        kinds: Kinds,
        /// The violations that the graph alone does not show: contexts that cannot be settled, inactive nodes that are
        /// to be renamed.
        besides: Vec<Violation>,
    },
    /// A driver refused, and the refusal is not tolerated (V7).
    Refused {
        /// The node and the hook.
        by: Refusal,
    },
}

/// Executes the operations as one transaction, while the drivers named in `refusals` refuse. A single operation is a
/// transaction of one.
pub fn execute<const N: usize, const M: usize>(
    before: &State<N, M>,
    ops: &[Op],
    refusals: &[Refusal],
) -> Outcome<N, M> {
    let mut work = Work::new(before);
    // The pairs of its edges matter only for a node that loses its driver (L3.1).
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
    let Some(derived) = derive(&work.graph) else {
        return Outcome::cyclic(work.graph);
    };
    let mut kinds = violated(&work.graph, &derived);
    let (settled, besides) = match contexts::settle(&work) {
        Ok(settled) => (Some(settled), renamed_inactive(&work)),
        Err(clashes) => (None, renamed_inactive(&work).into_iter().chain(clashes).collect()),
    };
    besides.iter().for_each(|violation| kinds.add(violation));
    let Some(settled) = settled.filter(|_| !kinds.any()) else {
        return Outcome::Violates { graph: work.graph, kinds, besides };
    };
    if let Some(graph) = with_renamed_writable(&work)
        && let Some(derived) = derive(&graph)
    {
        let kinds = violated(&graph, &derived);
        if kinds.any() {
            return Outcome::Violates { graph, kinds, besides };
        }
    }
    finish(work, derived, settled, refusals)
}

/// Finishes an operation whose graph is accepted: closes the doomed nodes and asks the drivers.
pub(crate) fn finish<const N: usize, const M: usize>(
    mut work: Work<'_, N, M>,
    derived: Derived<N, M>,
    mut settled: Settled<N>,
    refusals: &[Refusal],
) -> Outcome<N, M> {
    let closed = work.close();
    let derived = if closed.is_empty() { Some(derived) } else { derive(&work.graph) };
    // Closing only takes edges away, so it cannot make a cycle.
    let Some(derived) = derived else {
        return Outcome::cyclic(work.graph);
    };
    settled.move_orphans_to_main(&work);
    let plan = plan(&work, &derived, &settled);
    if let Some(by) = run(&mut work.graph, &plan, &derived, &settled, refusals) {
        return Outcome::Refused { by };
    }
    let drain_notices = drain_notices(work.before, &work.graph);
    Outcome::Done { next: work.graph, plan, drain_notices, closed }
}

impl<const N: usize, const M: usize> Outcome<N, M> {
    fn cyclic(graph: State<N, M>) -> Self {
        Outcome::Violates { graph, kinds: Kinds { cycle: true, ..Kinds::default() }, besides: Vec::new() }
    }

    /// Returns all violations, sorted; empty unless the outcome is [`Outcome::Violates`].
    pub fn violations(&self) -> Vec<Violation> {
        let Outcome::Violates { graph, besides, .. } = self else {
            return Vec::new();
        };
        let mut all = violations(graph);
        all.extend(besides);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Returns whether this is one of the [`Outcome::violations`]. This is cheaper than building the list.
    pub fn has_violation(&self, violation: Violation) -> bool {
        match self {
            Outcome::Violates { graph, besides, .. } => besides.contains(&violation) || is_violation(graph, violation),
            _ => false,
        }
    }
}

/// L3.1: writes the present pairs into the edges.
fn remember_pairs<const N: usize, const M: usize>(graph: &mut State<N, M>) {
    let Some(derived) = derive(graph) else { return };
    for index in 0..graph.edges().len() {
        // A user's edge has a pair of its own, which may differ from the effective pair (A3).
        if let Parent::Node(_) = graph.edges()[index].parent {
            graph.edge_mut(index).wanted = derived.edges[index];
        }
    }
}

/// Clears the pairs of edges, except those of users and of nodes without a driver, which have pairs of their own.
fn forget_pairs<const N: usize, const M: usize>(graph: &mut State<N, M>) {
    for index in 0..graph.edges().len() {
        if let Parent::Node(parent) = graph.edges()[index].parent
            && !graph.nodes[parent.0 as usize].ejected
        {
            graph.edge_mut(index).wanted = Pair::FREE;
        }
    }
}

/// V3.6, second half: returns the inactive nodes whose image would have to be written for a rename.
fn renamed_inactive<const N: usize, const M: usize>(work: &Work<'_, N, M>) -> Vec<Violation> {
    let node = |n: &NodeId| &work.graph.nodes[n.0 as usize];
    let inactive = |n: &&NodeId| node(n).flags.inactive && node(n).has_driver() && !work.doomed.contains(n);
    work.renamed.iter().filter(inactive).map(|&node| Violation::InactiveNode { node }).collect()
}

/// V3.4: returns the graph in which the renamed read-only nodes are writable, with the nodes that become writable with
/// them; `None` if there are none.
fn with_renamed_writable<const N: usize, const M: usize>(work: &Work<'_, N, M>) -> Option<State<N, M>> {
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

/// V7.1: returns the nodes with a stale driver.
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

/// Returns the pair of one edge, looked up by name.
pub fn pair_of<const N: usize, const M: usize>(graph: &State<N, M>, edge: EdgeId) -> Option<Pair> {
    Some(derive(graph)?.edges[graph.edge_index(edge)?])
}
