//! Any operation, in any order.

use crate::generate::entropy::{Entropy, existing_nodes};
use crate::generate::jobs;
use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, Edge, Entry, Kind, NodeId, Op, OpKinds, Pair, Parent, Queue, Role, Spec, State, UserId,
};

/// The nodes, users, children and jobs that an operation can name.
struct Candidates {
    nodes: Vec<NodeId>,
    users: Vec<UserId>,
    /// The children of quorums.
    parts: Vec<(NodeId, ChildName)>,
    /// The jobs and their filters.
    jobs: Vec<(UserId, NodeId)>,
}

impl Candidates {
    /// Returns an existing node in most cases. The others, if they ever existed, are stale keys for the crate.
    fn node(&self, entropy: &mut Entropy<'_>) -> NodeId {
        match entropy.pick(&self.nodes) {
            Some(id) if !entropy.one_in(6) => id,
            _ => entropy.any_node(),
        }
    }

    fn user(&self, entropy: &mut Entropy<'_>) -> UserId {
        match entropy.even(&self.users) {
            Some(id) if entropy.one_in(2) => id,
            _ => {
                let user = entropy.any_user();
                if entropy.one_in(5) { user.further(1 + entropy.below(3) as u8) } else { user }
            }
        }
    }
}

/// Returns any operation on any names.
pub(super) fn op<const N: usize, const E: usize>(mut entropy: Entropy<'_>, state: &State<N, E>) -> Op {
    let excluded = entropy.setup.excluded;
    let verb = entropy.below(Op::VERBS.len());
    let verb = (verb..Op::VERBS.len()).find(|&verb| !excluded.has(verb)).unwrap_or(0);
    let quorum = |parent: NodeId| state.nodes[usize::from(parent.0)].kind == Some(Kind::Quorum);
    let part = |e: &Edge| match e.parent {
        Parent::Node(parent) if quorum(parent) => Some((parent, e.name)),
        _ => None,
    };
    let parts = state.edges().iter().filter_map(part).collect();
    let users = entropy.users(state, true);
    let jobs = jobs::known(&users, state);
    let candidates = Candidates { nodes: existing_nodes(state), users, parts, jobs };
    let d = &mut entropy;
    match verb {
        1 => Op::Release { node: candidates.node(d) },
        2 => Op::AttachUser {
            user: candidates.user(d),
            node: candidates.node(d),
            pair: pair(d),
            user_flags: d.user_flags(),
            context: context(d),
        },
        3 => Op::DetachUser { user: candidates.user(d) },
        4 => Op::SetUser { user: candidates.user(d), pair: pair(d) },
        5 => Op::Attach { parent: candidates.node(d), child: candidates.node(d), name: child(d), role: role(d) },
        6 => Op::Detach { parent: candidates.node(d), name: child(d) },
        7 => Op::SetBacking { node: candidates.node(d), to: maybe(candidates.node(d), d) },
        8 => Op::SetFile { node: candidates.node(d), to: candidates.node(d) },
        9 => Op::ReplaceNode { from: candidates.node(d), to: candidates.node(d) },
        10 => Op::ReplaceChild { parent: candidates.node(d), name: child(d), to: candidates.node(d) },
        11 => Op::ReplaceUserChild { user: candidates.user(d), to: candidates.node(d) },
        12 => Op::Append { new: candidates.node(d), top: candidates.node(d), store: d.one_in(2) },
        13 => Op::Insert { new: d.any_node(), spec: spec(d), top: candidates.node(d) },
        14 => Op::DropFilter { filter: candidates.node(d) },
        15 => Op::Freeze { top: candidates.node(d), base: maybe(candidates.node(d), d) },
        16 => Op::Thaw { top: candidates.node(d), base: maybe(candidates.node(d), d) },
        17 => {
            let node = candidates.node(d);
            let kind = kind(d);
            Op::SetOption { node, opt: d.opt(kind) }
        }
        18 => Op::SetReadOnly { node: candidates.node(d), on: d.one_in(2) },
        // Open drain-alls must end, or nothing else would ever be done.
        32 if state.drain_alls > 1 => Op::DrainAllEnd {},
        19.. => later(verb, d, &candidates),
        _ => Op::Add { node: d.any_node(), spec: spec(d) },
    }
}

/// Makes operations about holding, chains, blockers and reopen.
fn later(verb: usize, d: &mut Entropy<'_>, candidates: &Candidates) -> Op {
    match verb {
        19 => Op::Hold { node: candidates.node(d) },
        20 => Op::Delete { node: candidates.node(d) },
        21 => Op::Eject { node: candidates.node(d) },
        22 => {
            let (parent, new) = (candidates.node(d), d.any_node());
            Op::OpenChild { parent, node: new, spec: spec(d), name: child(d), role: role(d) }
        }
        23 => {
            let (top, base) = (candidates.node(d), candidates.node(d));
            Op::DropIntermediate { top, base, name: d.one_in(3).then(|| d.any_node()) }
        }
        24 => {
            let count = 1 + d.below(Queue::MOST);
            let entries: Vec<Entry> = (0..count).map(|_| entry(d, candidates)).collect();
            let one = || Queue::one(Entry::new(NodeId(0), true));
            Op::Reopen { queue: Queue::new(&entries).unwrap_or_else(one) }
        }
        25 => Op::Snapshot { node: candidates.node(d), overlay: candidates.node(d) },
        26 => Op::Block { user: candidates.user(d), kinds: kinds(d) },
        27 => Op::Unblock { user: candidates.user(d), kinds: kinds(d) },
        28 => Op::CheckOp { node: candidates.node(d), kind: d.op_kind() },
        29 => Op::CheckReplace { parent: candidates.node(d), node: candidates.node(d) },
        _ => section_op(verb, d, candidates),
    }
}

/// Makes operations about sections, contexts, activity, sizes and the children of a quorum.
fn section_op(verb: usize, d: &mut Entropy<'_>, candidates: &Candidates) -> Op {
    match verb {
        30 => Op::DrainBegin { node: candidates.node(d) },
        31 => Op::DrainEnd { node: candidates.node(d) },
        32 => Op::DrainAllBegin {},
        33 => Op::DrainAllEnd {},
        34 => Op::MoveContext { node: candidates.node(d), to: d.context() },
        35 => Op::Inactivate { node: candidates.node(d) },
        36 => Op::Activate { node: candidates.node(d) },
        37 => Op::Truncate { user: candidates.user(d), unaligned: d.one_in(2) },
        38 => Op::AddChild { parent: candidates.node(d), child: candidates.node(d), name: child(d) },
        39 => match d.even(&candidates.parts) {
            Some((parent, name)) if d.one_in(2) => Op::RemoveChild { parent, name },
            _ => Op::RemoveChild { parent: candidates.node(d), name: child(d) },
        },
        _ => {
            let job = candidates.user(d);
            let known = d.even(&candidates.jobs);
            jobs::hostile(verb, d, &|d| candidates.node(d), job, known)
        }
    }
}

fn context(d: &mut Entropy<'_>) -> Option<Context> {
    d.one_in(2).then(|| d.context())
}

/// Makes an entry of a reopen with any fields, options of any kind included.
fn entry(d: &mut Entropy<'_>, candidates: &Candidates) -> Entry {
    let mut entry = Entry::new(candidates.node(d), false);
    let says = d.byte();
    let has = |bit: u8| says >> bit & 1 == 1;
    entry.keep = has(0);
    entry.read_only = has(1).then(|| has(2));
    if has(3) && has(4) {
        let of = kind(d);
        entry.opt = Some(d.opt(of));
    }
    entry.backing = has(5).then(|| has(6).then(|| candidates.node(d)));
    entry.file = (has(7) && has(4)).then(|| candidates.node(d));
    entry
}

fn kinds(d: &mut Entropy<'_>) -> OpKinds {
    let two = OpKinds::of(d.op_kind()).0 | OpKinds::of(d.op_kind()).0;
    OpKinds(if d.one_in(8) { 0 } else { two })
}

fn maybe(node: NodeId, entropy: &mut Entropy<'_>) -> Option<NodeId> {
    (!entropy.one_in(3)).then_some(node)
}

fn child(entropy: &mut Entropy<'_>) -> ChildName {
    ChildName(entropy.below(usize::from(entropy.setup.children).max(2) - 1) as u8)
}

fn pair(entropy: &mut Entropy<'_>) -> Pair {
    Pair::new(entropy.perms(), entropy.perms())
}

fn kind(entropy: &mut Entropy<'_>) -> Kind {
    Kind::EVERY[entropy.below(Kind::EVERY.len())]
}

/// Returns any set of bits, or in half of the cases a role that some driver accepts.
fn role(entropy: &mut Entropy<'_>) -> Role {
    let any = entropy.byte();
    let liked = [Role::DATA, Role::FILTERED | Role::PRIMARY, Role::COW, Role::METADATA | Role::PRIMARY];
    if any >= 128 { Role(any & 31) } else { liked[any as usize % liked.len()] }
}

/// Returns any kind and flags, now and then with options of another kind.
fn spec(entropy: &mut Entropy<'_>) -> Spec {
    let kind = kind(entropy);
    let bits = entropy.byte();
    let flag = |bit: u8| bits >> bit & 1 == 1;
    let (implicit, inactive) = (bits >> 5 == 5, bits >> 5 == 6);
    let (read_only, force_share, no_io, never_freeze) = (flag(0), flag(1), flag(2), flag(3));
    let flags = Flags { read_only, force_share, no_io, never_freeze, implicit, inactive };
    let of = if bits >> 4 == 15 { Kind::Quorum } else { kind };
    Spec { kind, opt: entropy.opt(of), flags }
}
