//! Whether a refusal of QEMU's is true, even if the model reports another one. The truth is looked up in the state,
//! never in the words of the error.

use crate::compare::case::Case;
use crate::state::queries::without_filters;
use crate::state::{jobs, reopen_queue};
use crate::wire::errors::{self, ErrorClass, QemuError};
use crate::wire::names;
use blockgraph_model::op::{Entry, Flags};
use blockgraph_model::perm::R;
use blockgraph_model::step::Work;
use blockgraph_model::{
    Act, ChildName, EdgeId, Kind, NodeId, Op, OpKind, OpKinds, Outcome, Pair, Parent, Queue, Role, Spec, State,
    StepError, UserFlags, UserId, Violation, derived, execute, judge,
};

/// Returns whether the refusal is true of the state before the turn: names that are missing, taken, in use, busy, the
/// same, and so on.
pub fn of_state<const N: usize, const E: usize>(case: &Case<'_, N, E>, qemu_error: &QemuError) -> bool {
    let (state, ops) = (case.before, case.ops);
    let there = |id: &NodeId| state.node(*id).is_some();
    let has_user = |id: NodeId| state.parents(id).any(|i| matches!(state.edges()[i].parent, Parent::User(_)));
    let overlay = |is: &dyn Fn(NodeId) -> bool| {
        ops.iter().any(|op| matches!(*op, Op::Snapshot { overlay, .. } if there(&overlay) && is(overlay)))
    };
    match qemu_error.class {
        ErrorClass::NotFound => qemu_error.nodes.iter().any(|id| !there(id)),
        ErrorClass::Duplicate => qemu_error.nodes.iter().any(there),
        ErrorClass::NoUser => qemu_error.users.iter().any(|user| state.edge_index(EdgeId::User(*user)).is_none()),
        ErrorClass::DuplicateUser => {
            qemu_error.users.iter().any(|user| state.edge_index(EdgeId::User(*user)).is_some())
        }
        ErrorClass::InUse => {
            qemu_error.nodes.iter().any(|id| there(id) && state.references(*id) > usize::from(is_held(state, *id)))
        }
        // QEMU asks whether a parent needs to read the overlay.
        ErrorClass::HasUser => {
            let derived = derived::derive(state);
            let read = |id: NodeId| derived.as_ref().is_some_and(|d| d.nodes[usize::from(id.0)].need.meets(R));
            overlay(&|id| read(id) || has_user(id))
        }
        ErrorClass::Backing => {
            overlay(&|id| state.node(id).and_then(|n| n.kind).is_some_and(|kind| !kind.supports_cow()))
        }
        ErrorClass::SlotTaken => overlay(&|id| state.children(id).any(|e| e.name == ChildName::BACKING)),
        ErrorClass::Busy => qemu_error.nodes.iter().any(|id| is_busy(state, *id)),
        ErrorClass::SameNode => ops.iter().any(|op| is_twice(state, op)),
        ErrorClass::OptionStuck => entries(ops).iter().any(|entry| is_stuck(case, entry.node)),
        ErrorClass::NotInChain => ops.iter().any(|op| is_out_of_chain(state, op)),
        ErrorClass::NotRoot => ops.iter().any(|op| source(op).is_some_and(|id| !is_root(state, id))),
        ErrorClass::BackingMissing => entries(ops).iter().any(|entry| {
            let backed = state.children(entry.node).any(|e| e.name == ChildName::BACKING);
            entry.backing.is_none() && backed
        }),
        ErrorClass::Cycle => {
            ops.iter().any(is_own_child) || entries(ops).iter().any(|entry| is_own_entry(state, entry))
        }
        ErrorClass::ForceShare => ops.iter().any(is_shared_writable),
        ErrorClass::Inactive => {
            entries(ops).iter().any(|entry| is_over_inactive(state, entry))
                || ops.iter().any(|op| is_under_active(state, op))
        }
        ErrorClass::Aborted => ops.iter().any(|op| matches!(op, Op::CheckOp { node, .. } if !there(node))),
        _ => false,
    }
}

/// Returns whether the refusal is true of a state in the middle of a transaction.
pub fn of_middle<const N: usize, const E: usize>(case: &Case<'_, N, E>, qemu_error: &QemuError) -> bool {
    let mut work = Work::new(case.before);
    case.ops.iter().any(|op| {
        let done = work.step(*op).is_ok();
        done && of_state(&Case { before: &work.graph, ..*case }, qemu_error)
    })
}

fn is_held<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    state.node(id).is_some_and(|node| node.monitor)
}

fn is_busy<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    state.node(id).is_some()
        && state.parents(id).any(|i| {
            let edge = &state.edges()[i];
            edge.name == ChildName::BACKING || edge.blocks != OpKinds::NONE
        })
        && (0..16).any(|kind| state.blocker(id, OpKind(kind)).is_some())
}

/// Returns the node that a job reads.
fn source(op: &Op) -> Option<NodeId> {
    match *op {
        Op::Mirror { source, .. } | Op::Backup { source, .. } => Some(source),
        Op::CommitActive { top, .. } | Op::Commit { top, .. } => Some(top),
        _ => None,
    }
}

/// Returns whether an entry makes a node its own child, directly or through other nodes.
fn is_own_entry<const N: usize, const E: usize>(state: &State<N, E>, entry: &Entry) -> bool {
    let reaches = |to: NodeId| state.node(to).is_some() && state.reach(to)[usize::from(entry.node.0)];
    entry.backing.flatten().into_iter().chain(entry.file).any(|to| to == entry.node || reaches(to))
}

/// Returns whether a node is to be force-share and writable.
fn is_shared_writable(op: &Op) -> bool {
    let is = |flags: Flags| flags.force_share && !flags.read_only;
    match op {
        Op::Add { spec, .. } => is(spec.flags),
        Op::Open { layer, file, .. } => {
            is(layer.flags) || file.is_some_and(|file| file.opened.is_some_and(|own| is(own.flags)))
        }
        _ => false,
    }
}

/// Returns whether a node is to be its own child.
fn is_own_child(op: &Op) -> bool {
    match *op {
        Op::Snapshot { node, overlay } => node == overlay,
        Op::Open { node, backing, .. } => backing == Some(node),
        _ => false,
    }
}

/// Returns whether an entry would put an active node above an inactive one.
fn is_over_inactive<const N: usize, const E: usize>(state: &State<N, E>, entry: &Entry) -> bool {
    let inactive = |id: NodeId| state.node(id).is_some_and(|n| n.flags.inactive);
    !inactive(entry.node) && entry.backing.flatten().into_iter().chain(entry.file).any(inactive)
}

/// Returns whether an overlay with active parents is to become inactive, as the node below it is.
fn is_under_active<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> bool {
    let Op::Snapshot { node, overlay } = *op else { return false };
    let inactive = |id: NodeId| state.node(id).is_some_and(|n| n.flags.inactive);
    let active_above = |i: usize| matches!(state.edges()[i].parent, Parent::Node(parent) if !inactive(parent));
    inactive(node) && state.parents(overlay).any(active_above)
}

/// Returns whether the node has no node and no job above it. A commit has a user on the uppermost image above it.
fn is_root<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    if jobs::devices(state).contains(&id) {
        return false;
    }
    state.parents(id).all(|i| matches!(state.edges()[i].parent, Parent::User(_)) && !state.edges()[i].user_flags.stay)
}

/// Returns whether the node, or a node that inherits from it, has an option that QEMU does not let a reopen repeat or
/// leave out.
fn is_stuck<const N: usize, const E: usize>(case: &Case<'_, N, E>, id: NodeId) -> bool {
    let places = reopen_queue::queue(case.before, &case.memory.options, &[Entry::new(id, false)]);
    places.iter().any(|place| case.memory.options.is_stuck(place.node()))
}

/// Returns whether the two nodes of an operation are the same except for filters.
fn is_twice<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> bool {
    match *op {
        Op::Snapshot { node, overlay } => node == overlay,
        Op::Commit { top: a, base: b, .. }
        | Op::CommitActive { top: a, base: b, .. }
        | Op::Mirror { source: a, target: b, .. }
        | Op::Backup { source: a, target: b, .. } => {
            state.node(a).is_some() && state.node(b).is_some() && without_filters(state, a) == without_filters(state, b)
        }
        _ => false,
    }
}

fn is_out_of_chain<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> bool {
    let (Op::Stream { node: top, bottom: base, .. }
    | Op::Commit { top, base, .. }
    | Op::CommitActive { top, base, .. }) = *op
    else {
        return false;
    };
    !state.chain(top).skip(1).any(|id| id == base)
}

/// Returns the entries of a reopen.
fn entries(ops: &[Op]) -> &[Entry] {
    match ops {
        [Op::Reopen { queue }] => queue.entries(),
        _ => &[],
    }
}

/// Returns whether the refusal is true of the graph that a part of the turn would lead to. QEMU executes the operations
/// of a transaction and the entries of a reopen one after another, and judges in between.
pub fn of_a_part<const N: usize, const E: usize>(case: &Case<'_, N, E>, qemu_error: &QemuError) -> bool {
    parts(case.ops).iter().any(|ops| {
        let outcome = execute(case.before, ops, &[]);
        let Outcome::Violates { graph, .. } = &outcome else { return false };
        names_violation(&outcome.violations(), graph, qemu_error)
    })
}

/// Returns whether the refusal is true of this graph.
pub fn of_graph<const N: usize, const E: usize>(graph: &State<N, E>, qemu_error: &QemuError) -> bool {
    names_violation(&judge::violations(graph), graph, qemu_error)
}

/// Returns whether QEMU's error names one of these violations of this graph.
pub(super) fn names_violation<const N: usize, const E: usize>(
    violations: &[Violation],
    graph: &State<N, E>,
    qemu_error: &QemuError,
) -> bool {
    let child = |edge: EdgeId| match edge {
        EdgeId::Child(parent, name) => Some(names::child(graph.node(parent)?.kind?, name)),
        EdgeId::User(_) => None,
    };
    violations.iter().any(|violation| same_violation(violation, qemu_error, child))
}

/// Returns the parts of a turn that QEMU may have executed when it judges.
pub fn parts(ops: &[Op]) -> Vec<Vec<Op>> {
    let mut all: Vec<Vec<Op>> = (1..ops.len()).map(|length| ops[..length].to_vec()).collect();
    all.extend(ops.iter().flat_map(opened_first));
    let entries = entries(ops);
    let some = (1..1usize << entries.len()).map(|set| {
        entries.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, entry)| *entry).collect::<Vec<Entry>>()
    });
    all.extend(some.filter_map(|list| Queue::new(&list)).map(|queue| vec![Op::Reopen { queue }]));
    all
}

/// Returns what QEMU does first when it opens a node: a probing user stands on the layer below, then the children are
/// attached.
fn opened_first(op: &Op) -> Vec<Vec<Op>> {
    let probing = |node| {
        let user = UserId(u16::from(u8::MAX));
        vec![Op::AttachUser { user, node, pair: Pair::FREE, user_flags: UserFlags::NONE, context: None }]
    };
    match *op {
        Op::Open { file, .. } => {
            let mut bare = *op;
            if let Op::Open { backing, .. } = &mut bare {
                *backing = None;
            }
            file.map(|file| probing(file.node)).into_iter().chain([vec![bare]]).collect()
        }
        // The filter is opened above both nodes before it is inserted.
        Op::Backup { act: Act::Start, source, target, filter, .. } => {
            let (name, role) = (ChildName::FILE, Role::FILTERED | Role::PRIMARY);
            let file = Op::Attach { parent: filter, child: source, name, role };
            let target = Op::Attach { parent: filter, child: target, name: ChildName::TARGET, role: Role::DATA };
            let add = Op::Add { node: filter, spec: Spec::plain(Kind::CopyBeforeWrite) };
            vec![vec![add, file], vec![add, file, target]]
        }
        Op::Stream { act: Act::Start, node, filter, .. } => {
            let (name, role) = (ChildName::FILE, Role::FILTERED | Role::PRIMARY);
            let add = Op::Add { node: filter, spec: Spec::plain(Kind::CopyOnRead) };
            vec![vec![add, Op::Attach { parent: filter, child: node, name, role }]]
        }
        Op::Attach { child, name: ChildName::FILE, .. } => vec![probing(child)],
        _ => Vec::new(),
    }
}

/// Returns whether QEMU's error is this error of the model, with the same parties.
pub fn same_error(error: &StepError, qemu_error: &QemuError) -> bool {
    let (class, node, user) = errors::class_of_error(error);
    let aborted = qemu_error.class == ErrorClass::Aborted && class == ErrorClass::NotFound;
    let deleted = matches!(error, StepError::HasUser { node, .. } if qemu_error.class == ErrorClass::InUse && qemu_error.nodes.contains(node));
    let named =
        node.is_none_or(|node| qemu_error.nodes.contains(&node)) && user.is_none_or(|u| qemu_error.users.contains(&u));
    aborted || deleted || class == qemu_error.class && class != ErrorClass::Other && named
}

/// Returns whether QEMU's error names this violation, with the same parties.
pub fn same_violation(violation: &Violation, qemu_error: &QemuError, child: impl Fn(EdgeId) -> Option<String>) -> bool {
    // QEMU reports an inactive node as one that cannot be written.
    let sealed = matches!(violation, Violation::InactiveNode { .. }) && qemu_error.class == ErrorClass::ReadOnly;
    if sealed {
        return true;
    }
    if errors::class_of_violation(violation) != qemu_error.class {
        return false;
    }
    match violation {
        Violation::Conflict { node, needs, denies } => qemu_error.parties.as_ref().is_none_or(|(a, b)| {
            let is = |edge: EdgeId, party| errors::matches_party(edge, party, |_| child(edge));
            qemu_error.nodes.contains(node) && is(*needs, a) && is(*denies, b)
        }),
        Violation::ReadOnly { node } => qemu_error.nodes.is_empty() || qemu_error.nodes.contains(node),
        _ => true,
    }
}
