//! Jobs and opening (O41 to O46), plausible and hostile.

use crate::generate::entropy::{Entropy, existing_nodes};

use blockgraph_model::op::Flags;
use blockgraph_model::{Act, Below, Context, EdgeId, Kind, Layer, NodeId, Op, OpKind, State, UserId};

/// The operands of a job: two nodes, the name of the job, and its filter.
#[derive(Clone, Copy)]
struct Work {
    act: Act,
    job: UserId,
    a: NodeId,
    b: NodeId,
    filter: NodeId,
}

/// Makes the operation of this verb.
fn job(verb: usize, Work { act, job, a, b, filter }: Work, name: Option<NodeId>) -> Op {
    match verb {
        41 => Op::Stream { act, job, node: a, bottom: b, filter },
        42 => Op::Commit { act, job, top: a, base: b, filter, name },
        43 => Op::CommitActive { act, job, top: a, base: b, filter },
        44 => Op::Mirror { act, job, source: a, target: b, filter },
        _ => Op::Backup { act, job, source: a, target: b, filter },
    }
}

/// Makes any of these operations on any names.
pub(super) fn hostile(
    verb: usize,
    d: &mut Entropy<'_>,
    node: &dyn Fn(&mut Entropy<'_>) -> NodeId,
    job_name: UserId,
    known: Option<(UserId, NodeId)>,
) -> Op {
    let any = |d: &mut Entropy<'_>| d.any_node();
    if verb > 40 {
        let act = Act::EVERY[d.below(3)];
        let filter = if act == Act::Start { any(d) } else { node(d) };
        // In most cases the operation names an existing job of any kind, so that jobs are also ended wrongly.
        let (job_name, filter) = known.filter(|_| act != Act::Start && !d.one_in(3)).unwrap_or((job_name, filter));
        let a = node(d);
        // The end of a job that has another kind, or names the wrong lower node.
        let b = if d.one_in(5) { a } else { node(d) };
        let work = Work { act, job: job_name.main(), a, b, filter };
        return job(verb, work, d.one_in(3).then(|| any(d)));
    }
    let layer = |d: &mut Entropy<'_>| Layer { kind: Kind::EVERY[d.below(Kind::EVERY.len())], flags: flags(d, 3) };
    let file = match d.below(3) {
        0 => None,
        1 => Some(Below { node: node(d), opened: None }),
        _ => Some(Below { node: any(d), opened: Some(layer(d)) }),
    };
    let (backing, overlay) = (d.one_in(3).then(|| node(d)), d.one_in(3).then(|| any(d)));
    Op::Open { node: any(d), layer: layer(d), file, backing, overlay, probe: d.one_in(2) }
}

/// Makes an operation that can be expected to succeed.
pub(super) fn plausible<const N: usize, const E: usize>(
    verb: usize,
    entropy: &mut Entropy<'_>,
    state: &State<N, E>,
) -> Option<Op> {
    if verb == 40 {
        return open(entropy, state);
    }
    // If a job of this kind exists, in most cases it ends, or there would be more and more jobs.
    if !entropy.one_in(4)
        && let Some(op) = end(verb, entropy, state)
    {
        return Some(op);
    }
    let free = |kind: OpKind| existing_nodes(state).into_iter().filter(move |id| state.blocker(*id, kind).is_none());
    let (from, to) = match verb {
        41 => (OpKind::STREAM, OpKind::STREAM),
        44 => (OpKind::MIRROR_SOURCE, OpKind::MIRROR_TARGET),
        45 => (OpKind::BACKUP_SOURCE, OpKind::BACKUP_TARGET),
        _ => (OpKind::COMMIT_TARGET, OpKind::COMMIT_TARGET),
    };
    // A chain without a frozen edge, whose base can be written if the job writes to it.
    let thawed = |id: &NodeId| state.chain_edge(*id).is_some_and(|edge| !state.edges()[edge].frozen);
    let fits = |id: &NodeId| verb > 43 || thawed(id);
    let a = entropy.pick(&free(from).filter(fits).collect::<Vec<_>>())?;
    let writable = |id: &NodeId| verb == 41 || state.nodes[usize::from(id.0)].writable();
    let others: Vec<NodeId> = match verb {
        // Only nodes of the chain.
        41..=43 => state.chain(a).skip(usize::from(verb != 41)).filter(writable).collect(),
        _ => free(to).filter(|id| *id != a).collect(),
    };
    let user = entropy.pick(&entropy.users(state, false))?;
    let work = Work { act: Act::Start, job: user, a, b: entropy.pick(&others)?, filter: entropy.unused(state).next()? };
    Some(job(verb, work, None))
}

/// Returns the users that are main users of jobs, and their nodes.
pub(super) fn known<const N: usize, const E: usize>(users: &[UserId], state: &State<N, E>) -> Vec<(UserId, NodeId)> {
    let at = |user: UserId| Some(state.edges()[state.edge_index(EdgeId::User(user))?].child);
    users.iter().filter(|user| at(user.further(1)).is_some()).filter_map(|user| Some((*user, at(*user)?))).collect()
}

/// Makes the end of a job, with operands guessed from the nodes of its users.
fn end<const N: usize, const E: usize>(verb: usize, entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    let at = |user: UserId| Some(state.edges()[state.edge_index(EdgeId::User(user))?].child);
    let kind = |id: NodeId| state.nodes[id.0 as usize].kind;
    let filters = match verb {
        41 => Kind::CopyOnRead,
        42 => Kind::CommitTop,
        45 => Kind::CopyBeforeWrite,
        _ => Kind::MirrorTop,
    };
    let mut jobs = known(&entropy.users(state, true), state);
    jobs.retain(|(_, filter)| kind(*filter) == Some(filters));
    let (main, filter) = entropy.pick(&jobs)?;
    let last = (1..=u8::MAX).map_while(|part| at(main.further(part))).last()?;
    let (a, b) = match verb {
        45 => (state.edges()[state.chain_edge(filter)?].child, last),
        _ => (at(main.further(1))?, last),
    };
    let act = if entropy.one_in(3) { Act::Cancel } else { Act::Finish };
    Some(job(verb, Work { act, job: main, a, b, filter }, None))
}

fn open<const N: usize, const E: usize>(entropy: &mut Entropy<'_>, state: &State<N, E>) -> Option<Op> {
    const ABOVE: [Kind; 6] =
        [Kind::Format, Kind::Format, Kind::Raw, Kind::Filter, Kind::CopyOnRead, Kind::BackingFilter];
    const BELOW: [Kind; 3] = [Kind::Protocol, Kind::File, Kind::Format];
    let mut free = entropy.unused(state);
    let (node, below, above) = (free.next()?, free.next()?, free.next()?);
    let kind = ABOVE[entropy.below(ABOVE.len())];
    let existing_nodes = existing_nodes(state);
    let file = match entropy.below(4) {
        // What a slot held before it was filled again moves to the main context, if it lives elsewhere.
        0 if kind == Kind::BackingFilter => {
            let abroad = |id: &NodeId| state.nodes[usize::from(id.0)].context != Context::MAIN;
            let some: Vec<NodeId> = existing_nodes.iter().copied().filter(abroad).collect();
            entropy.pick(if some.is_empty() { &existing_nodes } else { &some }).map(|node| Below { node, opened: None })
        }
        0 => None,
        1 => entropy.pick(&existing_nodes).map(|node| Below { node, opened: None }),
        _ => {
            let layer = Layer { kind: BELOW[entropy.below(BELOW.len())], flags: flags(entropy, 12) };
            Some(Below { node: below, opened: Some(layer) })
        }
    };
    let takes = kind == Kind::Format || kind == Kind::BackingFilter;
    let backing = if takes && entropy.one_in(2) { entropy.pick(&existing_nodes) } else { None };
    let overlay = entropy.one_in(4).then_some(above);
    let layer = Layer { kind, flags: Flags { implicit: false, ..flags(entropy, 12) } };
    Some(Op::Open { node, layer, file, backing, overlay, probe: entropy.one_in(3) })
}

/// Returns flags, each set in one of `seldom` cases. Force-share seldom comes without read-only.
fn flags(entropy: &mut Entropy<'_>, seldom: u8) -> Flags {
    let mut flags = Flags { read_only: entropy.one_in(seldom), no_io: entropy.one_in(seldom), ..Flags::NONE };
    flags.force_share = flags.read_only && entropy.one_in(2) || seldom < 6 && entropy.one_in(6);
    flags.never_freeze = entropy.one_in(seldom);
    flags.implicit = entropy.one_in(seldom);
    flags.inactive = entropy.one_in(seldom);
    flags
}
