//! Jobs (O42 to O46), as QEMU sees them.

use blockgraph_model::op::{Act, Opt};
use blockgraph_model::{ChildName, Edge, Kind, NodeId, Op, Outcome, Parent, Role, State, UserId, execute};

/// An operation on a job, whichever kind the job is.
#[derive(Clone, Copy, Debug)]
pub struct JobOperation {
    /// Whether the job is started, finished or cancelled.
    pub act: Act,
    /// The job.
    pub job: UserId,
    /// The job's filter.
    pub filter: NodeId,
    /// The upper end of its chain, or the source of a copy.
    pub upper: NodeId,
    /// The lower end of its chain, or the target of a copy.
    pub lower: NodeId,
}

/// Returns what an operation does to a job, or `None` if it is not about a job.
pub fn job_operation(op: &Op) -> Option<JobOperation> {
    let (act, job, filter, upper, lower) = match *op {
        Op::Stream { act, job, filter, node, bottom } => (act, job, filter, node, bottom),
        Op::Commit { act, job, filter, top, base, .. } | Op::CommitActive { act, job, filter, top, base } => {
            (act, job, filter, top, base)
        }
        Op::Mirror { act, job, filter, source, target } | Op::Backup { act, job, filter, source, target } => {
            (act, job, filter, source, target)
        }
        _ => return None,
    };
    Some(JobOperation { act, job, filter, upper, lower })
}

/// Returns the topmost node of a chain in which `top` has an overlay. Of several overlays it takes the one with the
/// lowest number, whatever their order.
pub fn uppermost<const N: usize, const E: usize>(state: &State<N, E>, top: NodeId) -> Option<NodeId> {
    let mut found = None;
    let mut at = top;
    for _ in 0..N {
        let above = state.parents(at).filter_map(|i| match state.edges()[i].parent {
            Parent::Node(parent) if state.chain_edge(parent) == Some(i) => Some(parent),
            _ => None,
        });
        let Some(above) = above.min() else { break };
        (found, at) = (Some(above), above);
    }
    found
}

/// Returns the filters of commits.
fn commits<const N: usize, const E: usize>(state: &State<N, E>) -> impl Iterator<Item = NodeId> {
    state.names().filter(|id| state.node(*id).and_then(|node| node.kind) == Some(Kind::CommitTop))
}

/// Returns the images on which QEMU has the main users of commits.
pub fn devices<const N: usize, const E: usize>(state: &State<N, E>) -> Vec<NodeId> {
    commits(state).filter_map(|filter| uppermost(state, filter)).collect()
}

/// Returns whether another image would become the uppermost one above a commit that goes on.
pub fn changes_device<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op]) -> bool {
    commits(state).next().is_some()
        && matches!(execute(state, ops, &[]), Outcome::Done { next, .. } if commits(state)
            .filter(|filter| next.node(*filter).is_some())
            .any(|filter| uppermost(&next, filter) != uppermost(state, filter)))
}

/// What a job writes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// The files that will no longer contain an image.
    pub spoiled: Vec<NodeId>,
    /// The files that will grow, because an image in them is written.
    pub grown: Vec<NodeId>,
    /// Whether an image is written whose file cannot grow.
    pub fixed: bool,
}

/// Returns what the job that this operation starts may write to: everything below its target, and what a quorum
/// corrects while it is read.
pub fn writes<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> Written {
    let mut found = Written::default();
    let Some(JobOperation { act: Act::Start, upper, lower, .. }) = job_operation(op) else { return found };
    // A stream writes to its upper end.
    let (from, to) = if matches!(op, Op::Stream { .. }) { (lower, upper) } else { (upper, lower) };
    let mut left = vec![(from, false, false), (to, true, false)];
    while let Some((id, written, in_image)) = left.pop() {
        let Some(node) = state.node(id) else { continue };
        match node.kind {
            Some(Kind::File) if written && in_image => found.grown.push(id),
            Some(Kind::File) if written => found.spoiled.push(id),
            // A raw node with a size cannot grow.
            Some(Kind::Raw) if written && in_image => {
                found.fixed |= state.children(id).any(|edge| !edge.role.has(Role::FILTERED));
            }
            _ => {}
        }
        let written_below = written || node.opt == Opt::Rewrite(true);
        let in_image = in_image || node.kind == Some(Kind::Format);
        let below = state.children(id).filter(|edge| !written || edge.name != ChildName::BACKING);
        left.extend(below.map(|edge| (edge.child, written_below, written_below && in_image)));
    }
    found
}

/// Returns the file that determines the length of this node, if a file does.
pub fn measured<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> Option<NodeId> {
    let file = |at: &NodeId| {
        let image = matches!(state.node(*at)?.kind?, Kind::Format | Kind::Quorum | Kind::Protocol);
        // A raw node with a size has that size, whatever is below it.
        let raw = state.node(*at).is_some_and(|n| n.kind == Some(Kind::Raw));
        let sized = |edge: &&Edge| edge.name != ChildName::TARGET && (!raw || edge.role.has(Role::FILTERED));
        let below = state.children(*at).find(sized);
        below.filter(|_| !image).map(|edge| edge.child)
    };
    let last = std::iter::successors(Some(id), file).take(N).last()?;
    state.node(last).filter(|node| node.kind == Some(Kind::File)).map(|_| last)
}

/// Returns what an operation does to a job: start, finish, cancel.
pub fn job_act(op: &Op) -> Option<Act> {
    job_operation(op).map(|operation| operation.act)
}
