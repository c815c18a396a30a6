//! Facets of op blockers and of chains that are shortened.

use super::common::*;
use crate::menu::{Compounds, Facet, Small};
use crate::op::{Kind, NodeId, Op, OpKind, OpKinds, Role, Spec, UserFlags, UserId};
use crate::perm::{ALL, NONE, Pair, Perms, R, W};

const JOB: OpKinds = OpKinds(OpKinds::of(OpKind::DRIVE_DEL).0 | OpKinds::of(OpKind::EXTERNAL_SNAPSHOT).0);
const REPLACE: OpKinds = OpKinds::of(OpKind::REPLACE);

/// Blockers, and the commands that ask for them.
pub(super) fn blockers(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "blockers",
        about: "op blockers of users and COW edges, and delete, snapshot, check-op, check-replace that test them",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
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
            "open-child",
        ],
        specs: const { &[NO_PERMISSION, FILTER, Spec::plain(Kind::Quorum)] },
        opens: const { &[(PROTOCOL, FILE, STORAGE), (PROTOCOL, OTHER, STORAGE)] },
        pairs: const { &[Pair::new(R, ALL)] },
        roles: &[(FILE, FILTERED), (BACKING, Role::COW), (BACKING, Role::DATA)],
        kinds: const { &[JOB, REPLACE] },
        compounds: Compounds::Menu(jobs),
        ..BLANK
    }
}

/// The beginnings and ends of jobs.
fn jobs(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let (user, pair) = (UserId(0), Pair::new(R, ALL));
    let mut all = Transactions::new();
    for &a in &used {
        let delete = Op::Delete { node: a };
        let block = Op::Block { user, kinds: JOB };
        all.push(
            [Op::AttachUser { user, node: a, pair, user_flags: UserFlags::STAY, context: None }, block, delete].into(),
        );
        all.push([block, Op::CheckOp { node: a, kind: OpKind::EXTERNAL_SNAPSHOT }].into_iter().collect());
        all.push([block, Op::Unblock { user, kinds: JOB }, Op::DetachUser { user }].into());
        all.push([Op::Unblock { user, kinds: JOB }, delete].into_iter().collect());
        all.push([Op::Release { node: a }, delete].into_iter().collect());
        for &b in used.iter().filter(|b| **b != a) {
            all.push([Op::Attach { parent: b, child: a, name: FILE, role: FILTERED }, delete].into_iter().collect());
            // The second ejection is refused, so it makes no states.
            let (eject, check) = (Op::Eject { node: b }, Op::CheckReplace { parent: a, node: b });
            all.push([eject, check, eject].into());
            all.push([check, Op::ReplaceNode { from: b, to: a }].into_iter().collect());
        }
    }
    all
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
            "open-child",
            "append",
            "drop-intermediate",
            "drop-filter",
            "set-read-only",
            "freeze",
            "thaw",
            "snapshot",
        ],
        specs: const { &[FORMAT, implicit(Kind::BackingFilter)] },
        pairs: const { &[Pair::new(Perms(R.0 | W.0), but(W)), Pair::new(NONE, but(R))] },
        user_flags: &[UserFlags::NONE, UserFlags::STAY],
        roles: &[(FILE, STORAGE)],
        opens: const { &[(NO_PERMISSION, FILE, STORAGE)] },
        stores: true,
        compounds: Compounds::Menu(shortened),
        ..BLANK
    }
}

/// Chains that grow and shrink in one transaction.
fn shortened(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    for (top, base) in pairs_of(&used) {
        let drop = |name| Op::DropIntermediate { top, base, name };
        let append = Op::Append { new: top, top: base, store: true };
        all.push([append, drop(None)].into_iter().collect());
        all.push([drop(Some(top)), append].into_iter().collect());
        all.push([append, Op::Release { node: top }].into_iter().collect());
    }
    all
}

/// Drop-intermediate where users block and chains are frozen.
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
            "append",
            "attach",
            "drop-intermediate",
            "freeze",
            "thaw",
            "delete",
            "snapshot",
        ],
        specs: const { &[FORMAT, BACKING_FILTER] },
        pairs: const { &[Pair::new(Perms(R.0 | W.0), but(W)), Pair::new(NONE, but(R))] },
        user_flags: &[UserFlags::NONE, UserFlags::STAY],
        roles: &[(FILE, STORAGE)],
        kinds: const { &[JOB] },
        compounds: Compounds::Menu(commits),
        ..BLANK
    }
}

/// The steps of a commit job's end: thaw, drop, release.
fn commits(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    for (top, base) in pairs_of(&used) {
        let drop = Op::DropIntermediate { top, base, name: None };
        all.push([Op::Thaw { top, base: Some(base) }, drop, Op::Delete { node: top }].into());
        all.push([drop, Op::DetachUser { user: UserId(0) }].into_iter().collect());
        all.push([Op::Release { node: top }, drop].into_iter().collect());
        // A node without a driver cannot be renamed (O24.8); the second ejection keeps the number of states small.
        all.extend(used.iter().map(|&node| [Op::Eject { node }, drop, Op::Eject { node }].into()));
    }
    all
}
