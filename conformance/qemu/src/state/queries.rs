//! Queries on a state of the model that several parts of the comparison need.

use blockgraph_model::step::Work;
use blockgraph_model::{NodeId, Op, Parent, State, UserId, contexts};
use blockgraph_story::text::columns::Declared;
use blockgraph_story::text::scenario::mentioned;
use std::collections::BTreeSet;

/// Returns the nodes that the operations name.
pub fn named_nodes(ops: &[Op]) -> Vec<NodeId> {
    let node = |declared| match declared {
        Declared::Node(id) => Some(id),
        _ => None,
    };
    ops.iter().flat_map(mentioned).filter_map(node).collect()
}

/// Returns whether a filter has this name.
pub fn is_filter<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    state.node(id).and_then(|node| node.kind).is_some_and(|kind| kind.filter_slot().is_some())
}

/// Returns the first node of the chain that is not a filter, or the last filter.
pub fn without_filters<const N: usize, const E: usize>(state: &State<N, E>, from: NodeId) -> Option<NodeId> {
    state.chain(from).find(|id| !is_filter(state, *id)).or_else(|| state.chain(from).last())
}

/// Returns whether the node exists and is inactive.
pub fn is_inactive<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    state.node(id).is_some_and(|node| node.flags.inactive)
}

/// Returns whether a job has a root user on the node.
pub fn has_job<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    state.parents(id).any(|i| state.edges()[i].user_flags.stay && matches!(state.edges()[i].parent, Parent::User(_)))
}

/// Returns the nodes that can be reached downwards from these, themselves included, as a table by name.
pub fn reach_of<const N: usize, const E: usize>(
    state: &State<N, E>,
    from: impl IntoIterator<Item = NodeId>,
) -> [bool; N] {
    let mut reached = [false; N];
    for id in from {
        reached.iter_mut().zip(state.reach(id)).for_each(|(known, below)| *known |= below);
    }
    reached
}

/// Returns the nodes that edges connect with this one, and those that a job moves together with them.
pub fn connected<const N: usize, const E: usize>(state: &State<N, E>, node: NodeId) -> Vec<NodeId> {
    let component = contexts::components(state);
    let number = |id: NodeId| component[usize::from(id.0)];
    let of_jobs = state.edges().iter().filter_map(|edge| match edge.parent {
        Parent::User(user) if edge.user_flags.stay => Some((user.main(), number(edge.child))),
        _ => None,
    });
    let of_jobs: Vec<(UserId, u8)> = of_jobs.collect();
    let mut known = BTreeSet::from([number(node)]);
    for _ in 0..of_jobs.len() {
        let jobs: Vec<UserId> = of_jobs.iter().filter(|(_, at)| known.contains(at)).map(|(job, _)| *job).collect();
        known.extend(of_jobs.iter().filter(|(job, _)| jobs.contains(job)).map(|(_, at)| *at));
    }
    state.names().filter(|id| known.contains(&number(*id))).collect()
}

/// Returns the graph in which every overlay stands above its node, whatever parents the overlay had before.
pub fn with_overlays<const N: usize, const E: usize>(before: &State<N, E>, ops: &[Op]) -> Option<State<N, E>> {
    let mut work = Work::new(before);
    for op in ops {
        let Op::Snapshot { node, overlay } = *op else { return None };
        // The overlay holds the node while its parents leave it.
        work.step(Op::SetBacking { node: overlay, to: Some(node) }).ok()?;
        work.step(Op::ReplaceNode { from: node, to: overlay }).ok()?;
    }
    Some(work.graph)
}
