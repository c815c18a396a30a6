//! Facets of the driver kinds of QEMU that the first facets do not have, of sizes, and of a quorum's children.

use super::common::*;
use crate::menu::{Compounds, Facet, Small};
use crate::op::{ChildName, Flags, Kind, NodeId, Op, Opt, Phase, Role, Spec, UserFlags, UserId};
use crate::perm::{ALL, NONE, Pair, Perms, R, U, W, Z};

/// The rules P6.6 to P6.14, above and below other nodes.
pub(super) fn presets(nodes: u8, edges: usize, users: u8) -> Facet {
    const KINDS: [Spec; 12] = [
        Spec::plain(Kind::Raw),
        Spec::plain(Kind::CopyOnRead),
        Spec::plain(Kind::CopyBeforeWrite),
        Spec::plain(Kind::SnapshotAccess),
        Spec::plain(Kind::Preallocate),
        Spec::plain(Kind::CommitTop),
        Spec::plain(Kind::MirrorTop),
        Spec::plain(Kind::Blkverify),
        Spec::plain(Kind::Replication),
        Spec::plain(Kind::Vvfat),
        Spec::plain(Kind::File),
        Spec { flags: Flags { inactive: true, ..Flags::NONE }, ..Spec::plain(Kind::CopyOnRead) },
    ];
    Facet {
        name: "presets",
        about: "QEMU's own rules: raw, copy-on-read, copy-before-write, mirror-top and others, with every option",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "attach-user",
            "detach-user",
            "attach",
            "detach",
            "set-option",
            "set-read-only",
            "set-file",
            "drop-filter",
        ],
        specs: &KINDS,
        pairs: const {
            &[Pair::new(NONE, ALL), Pair::new(Perms(R.0 | W.0 | Z.0), but(R)), Pair::new(U, but(Perms(W.0 | Z.0)))]
        },
        roles: &[
            (FILE, FILTERED),
            (BACKING, FILTERED),
            (OTHER, Role::DATA),
            (FILE, Role(Role::DATA.0 | Role::PRIMARY.0)),
        ],
        opts: const {
            &[Opt::Phase(Phase::Mirror), Opt::Phase(Phase::Commit), Opt::Phase(Phase::Stopped), Opt::Unaligned(true)]
        },
        ..BLANK
    }
}

/// P9 and O38: images that have to grow to be written to their end.
pub(super) fn sizes(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "sizes",
        about: "truncate; drivers that refuse a write without resize, and become stale when a user stops resizing",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "attach-user",
            "detach-user",
            "set-user",
            "attach",
            "insert",
            "drop-filter",
            "truncate",
            "set-option",
            "inactivate",
            "activate",
            "eject",
        ],
        specs: const { &[Spec::plain(Kind::File), Spec::plain(Kind::Raw), FILTER] },
        pairs: const { &[Pair::new(W, ALL), Pair::new(Perms(W.0 | Z.0), ALL), Pair::new(Z, ALL)] },
        user_flags: const { &[UserFlags { may_inactivate: true, ..UserFlags::NONE }] },
        roles: &[(FILE, FILTERED)],
        opts: const { &[Opt::Unaligned(true)] },
        compounds: Compounds::Menu(grow),
        ..BLANK
    }
}

/// Whether a user may resize is judged before the operation, and for a new user by what it wants.
fn grow(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let user = UserId(0);
    let (small, large) = (Pair::new(W, ALL), Pair::new(Perms(W.0 | Z.0), ALL));
    let set = |pair| Op::SetUser { user, pair };
    let truncate = |unaligned| Op::Truncate { user, unaligned };
    let mut all = Transactions::new();
    for pair in [small, large] {
        all.push([set(pair), truncate(true)].into_iter().collect());
        all.push([truncate(false), set(pair)].into_iter().collect());
        for &node in &used {
            let attach = Op::AttachUser { user, node, pair, user_flags: UserFlags::NONE, context: None };
            all.push([attach, truncate(true)].into_iter().collect());
            all.push([Op::DetachUser { user }, attach, truncate(true)].into());
        }
    }
    all
}

/// Children that come to a live quorum and go.
pub(super) fn quorums(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "quorums",
        about: "children added to a live quorum and removed, under writers, frozen, without a driver",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "set-user",
            "attach",
            "add-child",
            "remove-child",
            "set-option",
            "eject",
        ],
        specs: const { &[Spec::plain(Kind::Quorum), FILTER, PROTOCOL.read_only()] },
        pairs: const { &[Pair::new(R, ALL), Pair::new(W, but(W))] },
        roles: &[(FILE, FILTERED), (OTHER, Role::DATA)],
        opts: const { &[Opt::Rewrite(true)] },
        compounds: Compounds::Menu(repairs),
        ..BLANK
    }
}

/// Exchanges a child of a quorum.
fn repairs(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    for (parent, child) in pairs_of(&used) {
        let name = ChildName(3);
        let (add, remove) = (Op::AddChild { parent, child, name }, Op::RemoveChild { parent, name });
        all.push([add, remove].into_iter().collect());
        all.push([remove, add].into_iter().collect());
        all.push([add, add].into_iter().collect());
    }
    all
}
