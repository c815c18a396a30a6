//! Facets of opening and of jobs.

use super::common::*;
use crate::menu::{Compounds, Facet, Small};
use crate::op::{Act, Below, Context, Flags, Kind, NodeId, Op, OpKind, OpKinds, Role, Spec, UserFlags, UserId};
use crate::perm::{ALL, NONE, Pair, Perms, R, W, Z};

const READS: Pair = Pair::new(R, ALL);

/// The nodes that an open makes of layers, old and new.
pub(super) fn opening(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "opening",
        about: "open: a layer below that is new or there, backing, probing, a temporary snapshot",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "release", "open", "set-read-only", "inactivate"],
        specs: const { &[PROTOCOL, FORMAT] },
        pairs: const { &[READS, Pair::new(W, but(Perms(R.0 | W.0)))] },
        user_flags: const { &[UserFlags { may_inactivate: true, ..UserFlags::NONE }] },
        openings,
        compounds: Compounds::Menu(|s| {
            let used: Vec<NodeId> = s.names().collect();
            let probe = |node, a| Op::Open {
                node,
                layer: layer(FORMAT),
                file: Some(Below { node: a, opened: None }),
                backing: None,
                overlay: None,
                probe: true,
            };
            let set = Op::SetUser { user: UserId(0), pair: READS };
            let free = (0..6).map(NodeId).find(|n| !used.contains(n)).unwrap_or(NodeId(0));
            used.iter().map(|&a| [set, probe(free, a)].into_iter().collect()).collect()
        }),
        ..BLANK
    }
}

fn openings(used: &[NodeId], [node, below, overlay]: [NodeId; 3]) -> Vec<Op> {
    let plain = |spec| Op::Open { node, layer: layer(spec), file: None, backing: None, overlay: None, probe: false };
    let with =
        |spec, file, backing, overlay, probe| Op::Open { node, layer: layer(spec), file, backing, overlay, probe };
    let new = |spec| Some(Below { node: below, opened: Some(layer(spec)) });
    let old = |node| Some(Below { node, opened: None });
    let mut all = vec![
        plain(PROTOCOL),
        plain(flagged(Kind::Protocol, false, true, false, false)),
        plain(implicit(Kind::Protocol)),
        with(FORMAT, new(PROTOCOL), None, None, true),
        with(FORMAT.read_only(), new(PROTOCOL), None, Some(overlay), false),
        with(implicit(Kind::Filter), new(PROTOCOL.read_only()), None, None, false),
        with(PROTOCOL, new(PROTOCOL), None, None, false),
        with(FORMAT, new(flagged(Kind::Protocol, false, true, false, false)), None, None, false),
        with(
            Spec { flags: Flags { inactive: true, ..Flags::NONE }, ..FORMAT },
            new(PROTOCOL),
            None,
            Some(overlay),
            false,
        ),
        with(Spec::plain(Kind::Raw), new(PROTOCOL), Some(below), None, false),
        with(FORMAT, old(below), Some(overlay), None, true),
    ];
    for &a in used {
        all.push(Op::Open { node: a, layer: layer(FORMAT), file: None, backing: None, overlay: None, probe: false });
        all.push(with(Spec::plain(Kind::Raw), old(a), None, None, true));
        all.push(with(FORMAT, old(a), Some(a), Some(overlay), false));
        all.push(with(FORMAT, new(PROTOCOL), Some(a), Some(a), false));
        all.push(with(EXCLUSIVE, None, Some(a), None, false));
        all.push(with(Spec::plain(Kind::Raw), None, Some(a), None, false));
        all.push(with(BACKING_FILTER, new(PROTOCOL), Some(a), None, false));
        all.push(with(FILTER, old(a), None, Some(overlay), true));
    }
    all
}

/// The verbs of all jobs, behind others.
macro_rules! jobs_and {
    ($($verb:literal),*) => {
        &["add", "attach", $($verb,)* "stream", "commit", "commit-active", "mirror", "backup"]
    };
}

/// What all facets of jobs have in common: any job over any chain.
fn job(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet { nodes, edges, users, specs: const { &[FORMAT] }, roles: &[(BACKING, Role::COW)], ..BLANK }
}

/// O42 to O46 over images of every sort.
pub(super) fn jobs(nodes: u8, edges: usize, users: u8) -> Facet {
    const SEALED: Spec = FORMAT.read_only();
    const LOOSE: Spec = flagged(Kind::Format, false, false, false, true);
    Facet {
        name: "jobs",
        about: "stream, commit, mirror, backup: start, finish, cancel at any time, over images of every sort",
        verbs: jobs_and!(),
        specs: const { &[FORMAT, SEALED, LOOSE, BACKING_FILTER] },
        ..job(nodes, edges, users)
    }
}

/// Jobs and guests, several jobs at once.
pub(super) fn guests(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "job-guests",
        about: "jobs × users: users that may read and resize meanwhile, users that stay, a second job",
        verbs: jobs_and!("attach-user", "detach-user", "block"),
        pairs: const { &[Pair::new(Perms(R.0 | Z.0), ALL)] },
        user_flags: const { &[UserFlags::NONE, UserFlags::STAY] },
        kinds: const { &[OpKinds::of(OpKind::BACKUP_SOURCE)] },
        compounds: Compounds::Menu(streams),
        ..job(nodes, edges, users)
    }
}

fn streams(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let free = (0..6).map(NodeId).find(|n| !used.contains(n)).unwrap_or(NodeId(0));
    let mut all = Transactions::new();
    for (node, bottom) in used.iter().flat_map(|&a| used.iter().map(move |&b| (a, b))) {
        let stream = |act| Op::Stream { act, job: UserId(0), node, bottom, filter: free };
        all.push([stream(Act::Start), stream(Act::Finish)].into_iter().collect());
        all.push([stream(Act::Start), stream(Act::Cancel)].into_iter().collect());
        all.push([stream(Act::Start), Op::Delete { node: bottom }].into_iter().collect());
    }
    all
}

/// Jobs while other operations change the graph under them.
pub(super) fn changes(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "job-changes",
        about: "jobs × life, freezing, snapshots: what can and cannot be done to a chain while a job is held",
        verbs: jobs_and!("release", "freeze", "snapshot"),
        ..job(nodes, edges, users)
    }
}

/// Jobs whose nodes lose their drivers.
pub(super) fn ejected(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "job-ejected",
        about: "jobs × lost drivers: what can still be ended, and what not",
        verbs: jobs_and!("eject"),
        ..job(nodes, edges, users)
    }
}

/// Jobs where nodes live in other contexts and users are fixed.
pub(super) fn contexts(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "job-contexts",
        about: "jobs × contexts: filters that follow, copies that bring fixed users together, orphans of cancelled jobs",
        verbs: jobs_and!("attach-user", "move-context"),
        pairs: const { &[Pair::new(NONE, ALL)] },
        user_flags: const { &[UserFlags { fixed: true, ..UserFlags::NONE }] },
        user_contexts: const { &[None, Some(Context(1))] },
        moves: const { &[Context(1)] },
        ..job(nodes, edges, users)
    }
}

/// Jobs where nodes are inactive.
pub(super) fn inactive(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "job-inactive",
        about: "jobs × activity: filters over inactive nodes, names in inactive images",
        verbs: jobs_and!("inactivate", "activate"),
        ..job(nodes, edges, users)
    }
}
