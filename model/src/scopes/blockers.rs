//! Facets of op blockers and of chains that are shortened.

use super::*;
use crate::op::{OpKind, OpKinds};

const JOB: OpKinds = OpKinds(OpKinds::of(OpKind::DRIVE_DEL).0 | OpKinds::of(OpKind::EXTERNAL_SNAPSHOT).0);
const REPLACE: OpKinds = OpKinds::of(OpKind::REPLACE);
const STREAM: OpKinds = OpKinds(1 << 14);

/// Who blocks what, and the commands that ask.
pub(super) fn blockers(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "blockers",
        about: "op blockers of users and COW edges, and delete, snapshot, check-op, check-replace that test them",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "eject",
            "attach-user",
            "detach-user",
            "attach",
            "detach",
            "block",
            "unblock",
            "delete",
            "snapshot",
            "check-op",
            "check-replace",
            "freeze",
        ],
        specs: const { &[NO_PERMISSION, FILTER, Spec::plain(Kind::Quorum)] },
        pairs: const { &[Pair::new(R, ALL)] },
        roles: &[(FILE, FILTERED), (BACKING, Role::COW), (FILE, Role::DATA)],
        kinds: const { &[JOB, REPLACE, STREAM] },
        ..BLANK
    }
}

/// Drop-intermediate and append with a stored name, under writers, read-only overlays and implicit tops.
pub(super) fn chains(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "chains",
        about: "drop-intermediate, append with a stored name, renames refused and judged as writable",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "attach",
            "append",
            "drop-intermediate",
            "drop-filter",
            "set-read-only",
            "freeze",
            "thaw",
        ],
        specs: const { &[FORMAT, implicit(Kind::BackingFilter)] },
        pairs: const { &[Pair::new(Perms(R.0 | W.0), but(W))] },
        stays: &[false, true],
        roles: &[(FILE, STORAGE)],
        stores: true,
        ..BLANK
    }
}

/// Drop-intermediate where others block and freeze.
pub(super) fn dropping(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "dropping",
        about: "drop-intermediate × op blockers × frozen edges: the graph's own functions ignore the blockers",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "attach-user",
            "block",
            "unblock",
            "append",
            "attach",
            "drop-intermediate",
            "freeze",
            "thaw",
            "delete",
            "release",
            "eject",
            "snapshot",
        ],
        specs: const { &[NO_PERMISSION, BACKING_FILTER] },
        pairs: const { &[Pair::new(W, ALL)] },
        roles: &[(FILE, Role::DATA)],
        kinds: const { &[JOB] },
        compounds: Compounds::Menu(commits),
        ..BLANK
    }
}

/// The steps of a commit job's end: thaw, drop, let go.
fn commits(s: &Small) -> Vec<ArrayVec<Op, MAX_OPS>> {
    let used: Vec<NodeId> = s.names().collect();
    let mut all: Vec<ArrayVec<Op, MAX_OPS>> = Vec::new();
    for &top in &used {
        for &base in used.iter().filter(|base| **base != top) {
            let drop = Op::DropIntermediate { top, base, name: None };
            all.push([Op::Thaw { top, base: Some(base) }, drop, Op::Delete { node: top }].into());
            all.push([drop, Op::DetachUser { user: UserId(0) }].into_iter().collect());
            all.push([Op::Release { node: top }, drop].into_iter().collect());
        }
    }
    all
}
