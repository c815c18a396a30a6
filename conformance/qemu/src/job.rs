//! Jobs (O42 to O46): started with `auto-finalize` off, so that each stays where its work is done until it is told.

use crate::map::{Memory, Step};
use crate::{truth, words};
use blockgraph_model::op::{Act, Opt, Phase};
use blockgraph_model::{ChildName, Edge, Kind, NodeId, Op, Outcome, Parent, Role, State, UserId, execute};
use serde_json::{Value, json};

/// What is done to a job, whichever it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doing {
    pub act: Act,
    pub job: UserId,
    pub filter: NodeId,
    /// The upper end of its chain, or the source of a copy.
    pub upper: NodeId,
    /// The lower end, or the target.
    pub lower: NodeId,
}

/// What an operation does to a job, if it is one of those.
pub(super) fn doing(op: &Op) -> Option<Doing> {
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
    Some(Doing { act, job, filter, upper, lower })
}

/// The commands of one act of a job.
pub(super) fn steps<const N: usize, const E: usize>(
    state: &State<N, E>,
    memory: &Memory,
    op: &Op,
) -> Option<Vec<Step>> {
    let Doing { act, job, filter, upper, lower } = doing(op)?;
    match act {
        Act::Start => {
            let export = state.edges().iter().any(|e| e.parent == Parent::User(job) && !e.ways.stay);
            // To QEMU a copy is as long as what is copied, and where there is no room it fails.
            let grown = |id| memory.is_long(state, id);
            let copied = !matches!(op, Op::Stream { .. }) && (grown(upper) || grown(lower));
            if export || is_unreadable(state, [upper, lower]) || writes(state, op).fixed || copied {
                return None;
            }
            let (command, mut arguments) = start(state, op)?;
            arguments["job-id"] = json!(words::user(job));
            arguments["filter-node-name"] = json!(words::node(filter));
            arguments["auto-finalize"] = json!(false);
            let ready = if copies(op) { "ready" } else { "pending" };
            Some(vec![Step::Ask(command, arguments), Step::JobIs(job, ready)])
        }
        Act::Finish => {
            is_as_started(state, op).then_some(())?;
            let mut all = Vec::new();
            if copies(op) {
                all.extend([ask("job-complete", job), Step::JobIs(job, "pending")]);
            }
            all.extend([ask("job-finalize", job), Step::JobEnds(job)]);
            Some(all)
        }
        Act::Cancel => {
            is_as_started(state, op).then_some(())?;
            Some(vec![
                Step::Ask("block-job-cancel", json!({"device": words::user(job), "force": true})),
                Step::JobEnds(job),
            ])
        }
    }
}

fn ask(command: &'static str, job: UserId) -> Step {
    Step::Ask(command, json!({"id": words::user(job)}))
}

/// A job that goes on copying until it is told to complete.
fn copies(op: &Op) -> bool {
    matches!(op, Op::Mirror { .. } | Op::CommitActive { .. })
}

fn start<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> Option<(&'static str, Value)> {
    let name = words::node;
    Some(match *op {
        Op::Stream { node, bottom, .. } => {
            // QEMU reopens a read-only node by itself, streams into what is below a filter, and ends above none.
            let is = |id: NodeId| state.node(id).is_none_or(|n| n.kind == Some(Kind::Format) && !n.flags.read_only);
            if !is(node) || truth::is_filter(state, bottom) || node == bottom {
                return None;
            }
            ("block-stream", json!({"device": name(node), "bottom": name(bottom)}))
        }
        Op::Commit { top, base, name: stored, .. } => {
            // Else it is an active commit; and a read-only base QEMU reopens by itself (J7).
            let above = uppermost(state, top).filter(|above| is_overlay(state, *above, top))?;
            if stored.is_some() || state.node(base).is_some_and(|n| n.flags.read_only) {
                return None;
            }
            ("block-commit", json!({"device": name(above), "top-node": name(top), "base-node": name(base)}))
        }
        Op::CommitActive { top, base, .. } => {
            if state.node(base).is_some_and(|n| n.flags.read_only) {
                return None;
            }
            ("block-commit", json!({"device": name(top), "base-node": name(base)}))
        }
        Op::Mirror { source, target, .. } => {
            ("blockdev-mirror", json!({"device": name(source), "target": name(target), "sync": "full"}))
        }
        Op::Backup { source, target, .. } => {
            ("blockdev-backup", json!({"device": name(source), "target": name(target), "sync": "full"}))
        }
        _ => return None,
    })
}

/// Is one of its nodes above one of kind `snapshot-access`, from which nothing can be read, or `blkverify`, which ends QEMU when its
/// two sides differ?
fn is_unreadable<const N: usize, const E: usize>(state: &State<N, E>, ends: [NodeId; 2]) -> bool {
    ends.into_iter().filter(|id| state.node(*id).is_some()).any(|id| {
        let below = state.reach(id);
        state.names().any(|id| {
            below[usize::from(id.0)]
                && matches!(state.nodes[usize::from(id.0)].kind, Some(Kind::SnapshotAccess | Kind::Blkverify))
        })
    })
}

/// The topmost node of a chain in which `top` has an overlay; of several overlays the one with the lowest number, whatever the order.
pub(super) fn uppermost<const N: usize, const E: usize>(state: &State<N, E>, top: NodeId) -> Option<NodeId> {
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

/// The filters of commits.
fn commits<const N: usize, const E: usize>(state: &State<N, E>) -> impl Iterator<Item = NodeId> {
    state.names().filter(|id| state.node(*id).and_then(|node| node.kind) == Some(Kind::CommitTop))
}

/// The images on which QEMU has the main users of commits.
pub(super) fn devices<const N: usize, const E: usize>(state: &State<N, E>) -> Vec<NodeId> {
    commits(state).filter_map(|filter| uppermost(state, filter)).collect()
}

/// Would another image be the uppermost one above a commit that goes on?
pub(super) fn changes_device<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op]) -> bool {
    commits(state).next().is_some()
        && matches!(execute(state, ops, &[]), Outcome::Done { next, .. } if commits(state)
            .filter(|filter| next.node(*filter).is_some())
            .any(|filter| uppermost(&next, filter) != uppermost(state, filter)))
}

/// Is there an image between the two, the lower one not counted? What has only filters above is the active one to QEMU.
fn is_overlay<const N: usize, const E: usize>(state: &State<N, E>, above: NodeId, top: NodeId) -> bool {
    state.chain(above).take_while(|id| *id != top).any(|id| !truth::is_filter(state, id))
}

/// Is there such a job, with this filter, and of this kind? To QEMU its name says all.
fn is_as_started<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> bool {
    let Some(Doing { job, filter, upper, lower, .. }) = doing(op) else { return false };
    let kind = match op {
        Op::Stream { .. } => Kind::CopyOnRead,
        Op::Commit { .. } => Kind::CommitTop,
        Op::Backup { .. } => Kind::CopyBeforeWrite,
        _ => Kind::MirrorTop,
    };
    let stands_on =
        |user: UserId, node| state.edges().iter().any(|e| e.parent == Parent::User(user) && e.child == node);
    let parts = state.edges().iter().filter(|e| matches!(e.parent, Parent::User(u) if u.main() == job)).count();
    let last = job.further(u8::try_from(parts.saturating_sub(1)).unwrap_or(u8::MAX));
    let phase = match op {
        Op::CommitActive { .. } => Opt::Phase(Phase::Commit),
        Op::Mirror { .. } => Opt::Phase(Phase::Mirror),
        _ => Opt::None,
    };
    let as_made = state.node(filter).is_some_and(|n| n.kind == Some(kind) && n.opt == phase);
    let upper_too = matches!(op, Op::Backup { .. }) || stands_on(job.further(1), upper);
    as_made && upper_too && stands_on(job, filter) && stands_on(last, lower)
}

/// What a job writes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Written {
    /// Files that will hold something else than an image.
    pub spoiled: Vec<NodeId>,
    /// Files that will be longer, since an image in them is written to.
    pub grown: Vec<NodeId>,
    /// Is there an image whose file cannot grow?
    pub fixed: bool,
}

/// What the job that this starts may write to: all that is below where it copies to, and what a quorum sets right while it is read.
pub(super) fn writes<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> Written {
    let mut found = Written::default();
    let Some(Doing { act: Act::Start, upper, lower, .. }) = doing(op) else { return found };
    // A stream fills its upper end.
    let (from, to) = if matches!(op, Op::Stream { .. }) { (lower, upper) } else { (upper, lower) };
    let mut left = vec![(from, false, false), (to, true, false)];
    while let Some((id, written, in_image)) = left.pop() {
        let Some(node) = state.node(id) else { continue };
        match node.kind {
            Some(Kind::File) if written && in_image => found.grown.push(id),
            Some(Kind::File) if written => found.spoiled.push(id),
            // It says its size.
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

/// The file that says how long this node is, if one does.
pub(super) fn measured<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> Option<NodeId> {
    let file = |at: &NodeId| {
        let image = matches!(state.node(*at)?.kind?, Kind::Format | Kind::Quorum | Kind::Protocol);
        // A raw node that says its size has it, whatever is below.
        let raw = state.node(*at).is_some_and(|n| n.kind == Some(Kind::Raw));
        let sized = |edge: &&Edge| edge.name != ChildName::TARGET && (!raw || edge.role.has(Role::FILTERED));
        let below = state.children(*at).find(sized);
        below.filter(|_| !image).map(|edge| edge.child)
    };
    let last = std::iter::successors(Some(id), file).take(N).last()?;
    state.node(last).filter(|node| node.kind == Some(Kind::File)).map(|_| last)
}
