//! Is a refusal of QEMU's true, whatever the model names instead? Looked up in the state, never in the sentence's words.

use crate::answer::{Class, Said};
use crate::judge::{Case, same_violation};
use crate::{handed, job, words};
use blockgraph_model::op::{Entry, Flags};
use blockgraph_model::perm::R;
use blockgraph_model::step::Work;
use blockgraph_model::{
    Act, ChildName, EdgeId, Kind, NodeId, Op, OpKind, OpKinds, Outcome, Pair, Parent, Queue, Role, Spec, State, UserId,
    Violation, Ways, execute, judge,
};
use blockgraph_story::text::columns::Declared;

/// Is it true of the state before the turn that these names are missing, taken, in use, busy, the same, …?
pub fn of_state<const N: usize, const E: usize>(case: &Case<'_, N, E>, said: &Said) -> bool {
    let (state, ops) = (case.before, case.ops);
    let there = |id: &NodeId| state.node(*id).is_some();
    let has_user = |id: NodeId| state.parents(id).any(|i| matches!(state.edges()[i].parent, Parent::User(_)));
    let overlay = |is: &dyn Fn(NodeId) -> bool| {
        ops.iter().any(|op| matches!(*op, Op::Snapshot { overlay, .. } if there(&overlay) && is(overlay)))
    };
    match said.class {
        Class::NotFound => said.nodes.iter().any(|id| !there(id)),
        Class::Duplicate => said.nodes.iter().any(there),
        Class::NoUser => said.users.iter().any(|user| state.edge_index(EdgeId::User(*user)).is_none()),
        Class::DuplicateUser => said.users.iter().any(|user| state.edge_index(EdgeId::User(*user)).is_some()),
        Class::InUse => {
            said.nodes.iter().any(|id| there(id) && state.references(*id) > usize::from(is_held(state, *id)))
        }
        // QEMU asks whether somebody needs to read it.
        Class::HasUser => {
            let derived = judge::derive(state);
            let read = |id: NodeId| derived.as_ref().is_some_and(|d| d.nodes[usize::from(id.0)].need.meets(R));
            overlay(&|id| read(id) || has_user(id))
        }
        Class::Backing => overlay(&|id| state.node(id).and_then(|n| n.kind).is_some_and(|kind| !kind.supports_cow())),
        Class::SlotTaken => overlay(&|id| state.children(id).any(|e| e.name == ChildName::BACKING)),
        Class::Busy => said.nodes.iter().any(|id| is_busy(state, *id)),
        Class::SameNode => ops.iter().any(|op| is_twice(state, op)),
        Class::OptionStuck => entries(ops).iter().any(|entry| is_stuck(case, entry.node)),
        Class::NotInChain => ops.iter().any(|op| is_out_of_chain(state, op)),
        Class::NotRoot => ops.iter().any(|op| source(op).is_some_and(|id| !is_root(state, id))),
        Class::BackingMissing => entries(ops).iter().any(|entry| {
            let backed = state.children(entry.node).any(|e| e.name == ChildName::BACKING);
            entry.backing.is_none() && backed
        }),
        Class::Cycle => ops.iter().any(is_own_child) || entries(ops).iter().any(|entry| is_own_entry(state, entry)),
        Class::ForceShare => ops.iter().any(is_shared_writable),
        Class::Inactive => {
            entries(ops).iter().any(|entry| is_over_inactive(state, entry))
                || ops.iter().any(|op| is_under_active(state, op))
        }
        Class::Aborted => ops.iter().any(|op| matches!(op, Op::CheckOp { node, .. } if !there(node))),
        _ => false,
    }
}

/// Is it true of the state in the middle of a transaction?
pub fn of_middle<const N: usize, const E: usize>(case: &Case<'_, N, E>, said: &Said) -> bool {
    let mut work = Work::new(case.before);
    case.ops.iter().any(|op| {
        let done = work.step(*op).is_ok();
        done && of_state(&Case { before: &work.graph, ..*case }, said)
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

/// What a job reads.
fn source(op: &Op) -> Option<NodeId> {
    match *op {
        Op::Mirror { source, .. } | Op::Backup { source, .. } => Some(source),
        Op::CommitActive { top, .. } | Op::Commit { top, .. } => Some(top),
        _ => None,
    }
}

/// The same, in a reopen: itself, or one from which it can be reached.
fn is_own_entry<const N: usize, const E: usize>(state: &State<N, E>, entry: &Entry) -> bool {
    let reaches = |to: NodeId| state.node(to).is_some() && state.reach(to)[usize::from(entry.node.0)];
    entry.backing.flatten().into_iter().chain(entry.file).any(|to| to == entry.node || reaches(to))
}

/// Is a node to be force-share and writable?
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

/// Is a node to be its own child?
fn is_own_child(op: &Op) -> bool {
    match *op {
        Op::Snapshot { node, overlay } => node == overlay,
        Op::Open { node, backing, .. } => backing == Some(node),
        _ => false,
    }
}

/// Would an entry put an active node over an inactive one?
fn is_over_inactive<const N: usize, const E: usize>(state: &State<N, E>, entry: &Entry) -> bool {
    let inactive = |id: NodeId| state.node(id).is_some_and(|n| n.flags.inactive);
    !inactive(entry.node) && entry.backing.flatten().into_iter().chain(entry.file).any(inactive)
}

/// The nodes that the operations name.
pub fn named(ops: &[Op]) -> Vec<NodeId> {
    let node = |declared| match declared {
        Declared::Node(id) => Some(id),
        _ => None,
    };
    ops.iter().flat_map(blockgraph_story::text::scenario::mentioned).filter_map(node).collect()
}

/// Is an overlay that has active nodes above to be inactive, as the node below is?
fn is_under_active<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> bool {
    let Op::Snapshot { node, overlay } = *op else { return false };
    let inactive = |id: NodeId| state.node(id).is_some_and(|n| n.flags.inactive);
    let active_above = |i: usize| matches!(state.edges()[i].parent, Parent::Node(parent) if !inactive(parent));
    inactive(node) && state.parents(overlay).any(active_above)
}

/// Has it no node and no job above? On the uppermost image above a commit there is one.
fn is_root<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    if job::devices(state).contains(&id) {
        return false;
    }
    state.parents(id).all(|i| matches!(state.edges()[i].parent, Parent::User(_)) && !state.edges()[i].ways.stay)
}

/// Has it, or who inherits from it, an option that QEMU lets nobody repeat, and nobody leave out?
fn is_stuck<const N: usize, const E: usize>(case: &Case<'_, N, E>, id: NodeId) -> bool {
    let places = handed::queue(case.before, case.memory, &[Entry::new(id, false)]);
    places.iter().any(|place| case.memory.is_stuck(place.node()))
}

/// Is there a filter of that name?
pub fn is_filter<const N: usize, const E: usize>(state: &State<N, E>, id: NodeId) -> bool {
    state.node(id).and_then(|node| node.kind).is_some_and(|kind| kind.filter_slot().is_some())
}

/// The node seen through filters; of filters alone the last.
pub fn bare<const N: usize, const E: usize>(state: &State<N, E>, from: NodeId) -> Option<NodeId> {
    state.chain(from).find(|id| !is_filter(state, *id)).or_else(|| state.chain(from).last())
}

/// Are its two nodes one, but for filters?
fn is_twice<const N: usize, const E: usize>(state: &State<N, E>, op: &Op) -> bool {
    match *op {
        Op::Snapshot { node, overlay } => node == overlay,
        Op::Commit { top: a, base: b, .. }
        | Op::CommitActive { top: a, base: b, .. }
        | Op::Mirror { source: a, target: b, .. }
        | Op::Backup { source: a, target: b, .. } => {
            state.node(a).is_some() && state.node(b).is_some() && bare(state, a) == bare(state, b)
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

/// The entries of a reopen.
fn entries(ops: &[Op]) -> &[Entry] {
    match ops {
        [Op::Reopen { queue }] => queue.entries(),
        _ => &[],
    }
}

/// Is the refusal true of the graph as a part of the turn alone would leave it? QEMU does one thing after the other and
/// judges in between: the operations of a transaction, the entries of a reopen.
pub fn of_a_part<const N: usize, const E: usize>(case: &Case<'_, N, E>, said: &Said) -> bool {
    parts(case.ops).iter().any(|ops| {
        let outcome = execute(case.before, ops, &[]);
        let Outcome::Violates { graph, .. } = &outcome else { return false };
        is_said(&outcome.violations(), graph, said)
    })
}

/// Is the refusal true of this graph?
pub fn of_graph<const N: usize, const E: usize>(graph: &State<N, E>, said: &Said) -> bool {
    is_said(&judge::violations(graph), graph, said)
}

/// Is it one of these violations of this graph?
pub(super) fn is_said<const N: usize, const E: usize>(
    violations: &[Violation],
    graph: &State<N, E>,
    said: &Said,
) -> bool {
    let child = |edge: EdgeId| match edge {
        EdgeId::Child(parent, name) => Some(words::child(graph.node(parent)?.kind?, name)),
        EdgeId::User(_) => None,
    };
    violations.iter().any(|violation| same_violation(violation, said, child))
}

/// What of a turn QEMU may have done when it judges.
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

/// What happens first when a node is opened: a user for probing stands on the layer below, then come the children.
fn opened_first(op: &Op) -> Vec<Vec<Op>> {
    let probing = |node| {
        let user = UserId(u16::from(u8::MAX));
        vec![Op::AttachUser { user, node, pair: Pair::FREE, ways: Ways::NONE, context: None }]
    };
    match *op {
        Op::Open { file, .. } => {
            let mut bare = *op;
            if let Op::Open { backing, .. } = &mut bare {
                *backing = None;
            }
            file.map(|file| probing(file.node)).into_iter().chain([vec![bare]]).collect()
        }
        // The filter is opened above both before it is inserted.
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
