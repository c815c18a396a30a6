//! The commands that start, finish and cancel jobs (O42 to O46). Jobs are started with `auto-finalize` off, so that each stays where
//! its work is done until it is finalized.

use crate::commands::command::Command;
use crate::state::jobs::{JobOperation, job_operation, uppermost, writes};
use crate::state::memory::Memory;
use crate::state::queries::is_filter;
use crate::wire::names;
use blockgraph_model::op::{Act, Opt, Phase};
use blockgraph_model::{Kind, NodeId, Op, Parent, State, UserId};
use serde_json::{Value, json};

/// Returns the commands that start, finish or cancel a job, or `None` if QMP cannot do just that.
pub fn commands<const N: usize, const E: usize>(state: &State<N, E>, memory: &Memory, op: &Op) -> Option<Vec<Command>> {
    let JobOperation { act, job, filter, upper, lower } = job_operation(op)?;
    match act {
        Act::Start => {
            let export = state.edges().iter().any(|e| e.parent == Parent::User(job) && !e.user_flags.stay);
            // QEMU makes a copy as long as its source, and fails if there is no room.
            let grown = |id| memory.is_long(state, id);
            let copied = !matches!(op, Op::Stream { .. }) && (grown(upper) || grown(lower));
            if export || is_unreadable(state, [upper, lower]) || writes(state, op).fixed || copied {
                return None;
            }
            let (command, mut arguments) = start(state, op)?;
            arguments["job-id"] = json!(names::user(job));
            arguments["filter-node-name"] = json!(names::node(filter));
            arguments["auto-finalize"] = json!(false);
            let ready = if copies(op) { "ready" } else { "pending" };
            Some(vec![Command::Ask(command, arguments), Command::JobIs(job, ready)])
        }
        Act::Finish => {
            is_as_started(state, op).then_some(())?;
            let mut all = Vec::new();
            if copies(op) {
                all.extend([ask("job-complete", job), Command::JobIs(job, "pending")]);
            }
            all.extend([ask("job-finalize", job), Command::JobEnds(job)]);
            Some(all)
        }
        Act::Cancel => {
            is_as_started(state, op).then_some(())?;
            Some(vec![
                Command::Ask("block-job-cancel", json!({"device": names::user(job), "force": true})),
                Command::JobEnds(job),
            ])
        }
    }
}

fn ask(command: &'static str, job: UserId) -> Command {
    Command::Ask(command, json!({"id": names::user(job)}))
}

/// Returns whether the job goes on copying until it is told to complete.
fn copies(op: &Op) -> bool {
    matches!(op, Op::Mirror { .. } | Op::CommitActive { .. })
}

fn start<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> Option<(&'static str, Value)> {
    let name = names::node;
    Some(match *op {
        Op::Stream { node, bottom, .. } => {
            // QEMU reopens a read-only node by itself, streams into the image below a filter, and never ends above a
            // filter.
            let is = |id: NodeId| state.node(id).is_none_or(|n| n.kind == Some(Kind::Format) && !n.flags.read_only);
            if !is(node) || is_filter(state, bottom) || node == bottom {
                return None;
            }
            ("block-stream", json!({"device": name(node), "bottom": name(bottom)}))
        }
        Op::Commit { top, base, name: stored, .. } => {
            // Without an overlay the job is an active commit. QEMU reopens a read-only base by itself (J7).
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

/// Returns whether one of the nodes is above a node of kind `snapshot-access`, from which nothing can be read, or
/// `blkverify`, which ends QEMU when its two sides differ.
fn is_unreadable<const N: usize, const E: usize>(state: &State<N, E>, ends: [NodeId; 2]) -> bool {
    ends.into_iter().filter(|id| state.node(*id).is_some()).any(|id| {
        let below = state.reach(id);
        state.names().any(|id| {
            below[usize::from(id.0)]
                && matches!(state.nodes[usize::from(id.0)].kind, Some(Kind::SnapshotAccess | Kind::Blkverify))
        })
    })
}

/// Returns whether such a job runs, with this filter and of this kind. QEMU looks only at its name.
fn is_as_started<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> bool {
    let Some(JobOperation { job, filter, upper, lower, .. }) = job_operation(op) else { return false };
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

/// Returns whether an image is between the two nodes, the lower one not counted. QEMU treats an image with only filters
/// above as the active one.
fn is_overlay<const N: usize, const E: usize>(state: &State<N, E>, above: NodeId, top: NodeId) -> bool {
    state.chain(above).take_while(|id| *id != top).any(|id| !is_filter(state, id))
}
