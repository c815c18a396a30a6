//! Finds equivalent operations that QMP has commands for, since a scenario may express a turn in other operations.
//!
//! Two turns count as equivalent only if the model executes both and the results are the same (N11).

use crate::commands::of_operations;
use crate::state::memory::Memory;
use blockgraph_model::op::Slot;
use blockgraph_model::{Below, ChildName, Entry, Kind, Layer, NodeId, Op, Outcome, Queue, Role, Spec, State, execute};
use blockgraph_story::turn::Turn;

/// Returns operations that QMP reaches and that lead from QEMU's state to the same result as `ops` in the model's run,
/// which is `wanted`. The state of the model's run is QEMU's state after the operations in `held`.
pub fn reachable_ops<const N: usize, const E: usize>(
    state: &State<N, E>,
    memory: &Memory,
    ops: &[Op],
    held: &[Op],
    wanted: &Outcome<N, E>,
) -> Option<Vec<Op>> {
    equivalents(state, ops).into_iter().find(|ops| {
        let turn = Turn { ops: ops.clone(), refusals: Vec::new() };
        of_operations::commands(state, memory, ops).is_some()
            && turn.fits(state)
            && is_same(wanted, &execute(state, ops, &[]), held)
    })
}

/// Returns the state after these operations, if the model accepts them.
pub fn state_after<const N: usize, const E: usize>(state: &State<N, E>, held: &[Op]) -> Option<State<N, E>> {
    if held.is_empty() {
        return Some(*state);
    }
    match execute(state, held, &[]) {
        Outcome::Done { next, .. } => Some(next),
        _ => None,
    }
}

/// Returns whether two results are the same: one state, after the held operations are applied to the second, or one
/// refusal.
fn is_same<const N: usize, const E: usize>(wanted: &Outcome<N, E>, other: &Outcome<N, E>, held: &[Op]) -> bool {
    match (wanted, other) {
        (Outcome::Done { next, .. }, Outcome::Done { next: other, .. }) => {
            state_after(other, held).as_ref() == Some(next)
        }
        (Outcome::Failed { error, .. }, Outcome::Failed { error: other, .. }) => error == other,
        (Outcome::Violates { .. }, Outcome::Violates { .. }) => wanted.violations() == other.violations(),
        (Outcome::Refused { by }, Outcome::Refused { by: other }) => by == other,
        _ => false,
    }
}

/// Returns the operations as they are, followed by their equivalents.
fn equivalents<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op]) -> Vec<Vec<Op>> {
    let mut all = vec![ops.to_vec()];
    let attached: Vec<Op> = ops.iter().flat_map(|op| as_attachments(state, ops, op)).collect();
    if attached != ops {
        all.push(attached);
    }
    if let [Op::Add { node, spec }, Op::OpenChild { parent, node: below, spec: own, name: ChildName::FILE, .. }] = *ops
        && parent == node
        && [spec, own].iter().all(|spec| spec.opt == spec.kind.default_opt())
    {
        let layer = |spec: Spec| Layer { kind: spec.kind, flags: spec.flags };
        let file = Some(Below { node: below, opened: Some(layer(own)) });
        all.push(vec![Op::Open { node, layer: layer(spec), file, backing: None, overlay: None, probe: false }]);
    }
    if let [op] = ops {
        all.extend(single_op_equivalent(state, op).map(|op| vec![op]));
    }
    all
}

/// Returns an operation that gives a node a child as an attachment, which is equivalent if the child has no parents.
fn as_attachments<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op], op: &Op) -> Vec<Op> {
    let added = |id: NodeId| {
        ops.iter().find_map(|op| match *op {
            Op::Add { node, spec } if node == id => Some(spec.kind),
            _ => None,
        })
    };
    let kind = |id: NodeId| added(id).or_else(|| state.node(id).and_then(|node| node.kind));
    match *op {
        Op::Append { new, top, store: false } => {
            kind(new).map_or_else(|| vec![*op], |kind| vec![attach_above(new, kind, top)])
        }
        Op::Insert { new, spec, top } => vec![Op::Add { node: new, spec }, attach_above(new, spec.kind, top)],
        Op::SetBacking { node, to: Some(to) } => {
            vec![Op::Attach { parent: node, child: to, name: ChildName::BACKING, role: Role::COW }]
        }
        Op::SetFile { node, to } => {
            let filters = kind(node).is_some_and(Kind::takes_filtered);
            let role = if filters { Role::FILTERED } else { Role::DATA | Role::METADATA };
            vec![Op::Attach { parent: node, child: to, name: ChildName::FILE, role: role | Role::PRIMARY }]
        }
        op => vec![op],
    }
}

/// Returns the attachment of a new node of that kind above another node.
fn attach_above(new: NodeId, kind: Kind, top: NodeId) -> Op {
    let (name, role) = match kind.filter_slot() {
        Some(slot) => (slot.name(), Role::FILTERED | Role::PRIMARY),
        None => (Slot::Backing.name(), Role::COW),
    };
    Op::Attach { parent: new, child: top, name, role }
}

/// Returns another operation that may be equivalent to a single one.
fn single_op_equivalent<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> Option<Op> {
    let quorum = |id: NodeId| state.node(id).is_some_and(|node| node.kind == Some(Kind::Quorum));
    let change = |node: NodeId, change: &dyn Fn(&mut Entry)| {
        let mut entry = of_operations::whole(state, node)?;
        change(&mut entry);
        Some(Op::Reopen { queue: Queue::one(entry) })
    };
    match *op {
        Op::Release { node } => Some(Op::Delete { node }),
        Op::Attach { parent, child, name, .. } if quorum(parent) => Some(Op::AddChild { parent, child, name }),
        Op::Detach { parent, name } if quorum(parent) => Some(Op::RemoveChild { parent, name }),
        Op::Detach { parent, name: ChildName::BACKING } => change(parent, &|entry| entry.backing = Some(None)),
        Op::Attach { parent, child, name: ChildName::BACKING, .. } => {
            change(parent, &|entry| entry.backing = Some(Some(child)))
        }
        Op::SetBacking { node, to } => change(node, &|entry| entry.backing = Some(to)),
        Op::SetFile { node, to } => change(node, &|entry| entry.file = Some(to)),
        Op::ReplaceChild { parent, name: ChildName::FILE, to } => change(parent, &|entry| entry.file = Some(to)),
        Op::ReplaceChild { parent, name: ChildName::BACKING, to } => {
            change(parent, &|entry| entry.backing = Some(Some(to)))
        }
        Op::SetReadOnly { node, on } => change(node, &|entry| entry.read_only = Some(on)),
        Op::Reopen { queue } => {
            let with_all_options = |entry: &Entry| {
                let whole = of_operations::whole(state, entry.node).filter(|_| entry.keep)?;
                Some(Entry {
                    read_only: entry.read_only.or(whole.read_only),
                    opt: entry.opt.or(whole.opt),
                    backing: entry.backing.or(whole.backing),
                    file: entry.file.or(whole.file),
                    ..whole
                })
            };
            let entries: Vec<Entry> =
                queue.entries().iter().map(|entry| with_all_options(entry).unwrap_or(*entry)).collect();
            Queue::new(&entries).map(|queue| Op::Reopen { queue })
        }
        _ => None,
    }
}

/// Returns whether an operation only creates nodes or gives new nodes their children. QEMU does that when it opens the
/// node, so the scenario may do the rest of it in later steps.
pub fn only_builds<const N: usize, const E: usize>(qemu: &State<N, E>, op: &Op) -> bool {
    let new = |id: NodeId| qemu.node(id).is_none();
    // The parents of `top` would move to the new node.
    let free = |id: NodeId| qemu.parents(id).next().is_none();
    match *op {
        Op::Add { .. } => true,
        Op::Attach { parent, .. } | Op::OpenChild { parent, .. } => new(parent),
        Op::SetBacking { node, .. } | Op::SetFile { node, .. } => new(node),
        Op::Append { new: node, top, .. } => new(node) && free(top),
        Op::Insert { top, .. } => free(top),
        _ => false,
    }
}

/// Returns the one node that all these operations create or give children, if there is one.
pub fn built_node(ops: &[Op]) -> Option<NodeId> {
    let of = |op: &Op| match *op {
        Op::Add { node, .. } | Op::SetBacking { node, .. } | Op::SetFile { node, .. } => Some(node),
        Op::Attach { parent, .. } | Op::OpenChild { parent, .. } => Some(parent),
        Op::Append { new, .. } | Op::Insert { new, .. } => Some(new),
        _ => None,
    };
    let first = ops.first().and_then(of);
    first.filter(|_| ops.iter().all(|op| of(op) == first))
}
