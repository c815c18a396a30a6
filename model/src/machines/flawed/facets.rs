//! The facet in which each defect is searched for: the smallest bounds in which it can be met, with other operations
//! besides.

use super::case::Flawed;
use crate::machines::{Defect, Hall};
use crate::menu::{Action, Facet};
use crate::op::{
    ChildName, Context, Entry, Flags, Kind, NodeId, Op, OpKind, OpKinds, Queue, Role, Spec, UserFlags, UserId,
};
use crate::perm::{ALL, NONE, Pair, R, W};
use crate::scopes::common::{BLANK, FILTERED, STORAGE, but, flagged, implicit};

const QUIET: Pair = Pair::FREE;
const READS: Pair = Pair::new(R, ALL);
const WRITES: Pair = Pair::new(W, ALL);
const EXCLUSIVE: Pair = Pair::new(W, but(W));
const DENIES: Pair = Pair::new(NONE, but(R));
const FIXED: UserFlags = UserFlags { fixed: true, ..UserFlags::NONE };
const FILE: ChildName = ChildName::FILE;
const PROTOCOL: Spec = Spec::plain(Kind::Protocol);
const FORMAT: Spec = Spec::plain(Kind::Format);
const FILTER: Spec = Spec::plain(Kind::Filter);
const CBW: Spec = Spec::plain(Kind::CopyBeforeWrite);
const ANY: Spec = Spec::plain(Kind::NoPermission);
const SLEEPER: Spec = Spec { flags: Flags { inactive: true, ..Flags::NONE }, ..FORMAT };
const UNASKED: Spec = implicit(Kind::BackingFilter);
const NEVER: Spec = flagged(Kind::BackingFilter, false, false, false, true);
const SHARED: Spec = flagged(Kind::Protocol, true, true, false, false);

/// Returns all defects with the facet that finds each.
pub fn rooms() -> Vec<(Flawed, Facet)> {
    let here = Defect::ALL.iter().copied().filter(|defect| defect.about().hall == Hall::Flawed);
    here.map(|defect| (Flawed(defect), Facet { name: defect.id(), about: defect.about().title, ..room(defect) }))
        .collect()
}

/// Returns what exists before the exploration starts.
pub(super) fn opening(defect: Defect) -> Vec<Action> {
    let (source, filter, guest) = (NodeId(0), NodeId(1), UserId(0));
    let ops: &[Op] = match defect {
        // A guest on a source with a copy-before-write filter whose target is still to be attached.
        Defect::H24 => &[
            Op::Add { node: source, spec: PROTOCOL },
            Op::AttachUser { user: guest, node: source, pair: READS, user_flags: UserFlags::NONE, context: None },
            Op::Insert { new: filter, spec: CBW, top: source },
        ],
        _ => &[],
    };
    ops.iter().map(|&op| Action::single(op)).collect()
}

fn room(defect: Defect) -> Facet {
    match defect {
        Defect::H14 | Defect::N41 | Defect::N45 | Defect::N46 | Defect::N50 => permissions(defect),
        Defect::H33a | Defect::H33b | Defect::H33c | Defect::H33d => chains(defect),
        Defect::H34 | Defect::H35 | Defect::N49 | Defect::N54 => contexts(defect),
        Defect::H40 | Defect::H40b | Defect::H42 | Defect::H44 | Defect::H44b | Defect::H61 | Defect::N52 => {
            sections(defect)
        }
        Defect::H24 | Defect::H63 | Defect::N48 | Defect::N51 => activity(defect),
        Defect::N42 | Defect::N43 | Defect::N44 | Defect::N47 | Defect::N53 => life(defect),
        _ => BLANK,
    }
}

/// Users with every wish that matters on two nodes, and moves of edges.
fn permissions(defect: Defect) -> Facet {
    let users = Facet { nodes: 2, edges: 3, users: 3, specs: const { &[PROTOCOL] }, ..BLANK };
    match defect {
        Defect::H14 => Facet {
            verbs: &["add", "attach-user", "detach-user", "replace-node"],
            pairs: const { &[EXCLUSIVE, DENIES, READS] },
            ..users
        },
        Defect::N41 => Facet {
            verbs: &["add", "attach-user", "detach-user", "replace-user-child", "replace-node"],
            specs: const { &[PROTOCOL, PROTOCOL.read_only()] },
            pairs: const { &[WRITES, READS] },
            ..users
        },
        Defect::N45 => Facet {
            verbs: &["add", "attach-user", "detach-user", "set-user"],
            pairs: const { &[EXCLUSIVE, READS] },
            nodes: 1,
            edges: 2,
            users: 2,
            lags: true,
            ..users
        },
        Defect::N50 => Facet {
            verbs: &["add", "append", "attach-user", "detach-user", "set-user"],
            specs: const { &[PROTOCOL, FILTER] },
            pairs: const { &[WRITES, READS] },
            nodes: 3,
            lags: true,
            ..users
        },
        _ => Facet {
            nodes: 3,
            edges: 3,
            users: 1,
            verbs: &["add", "attach", "detach", "attach-user", "detach-user"],
            specs: const { &[FORMAT.read_only(), SHARED] },
            pairs: const { &[READS] },
            roles: &[(FILE, STORAGE)],
            ..BLANK
        },
    }
}

/// Chains that are frozen and thawed, in whole and in part.
fn chains(defect: Defect) -> Facet {
    let specs: &[Spec] = match defect {
        Defect::H33b => const { &[FORMAT, FILTER] },
        Defect::H33d => const { &[FORMAT, NEVER] },
        _ => const { &[FORMAT] },
    };
    Facet { nodes: 3, edges: 2, verbs: &["add", "append", "set-backing", "freeze", "thaw"], specs, ..BLANK }
}

/// Components that are joined, split and moved, with fixed and movable users.
fn contexts(defect: Defect) -> Facet {
    let blank = Facet {
        edges: 3,
        verbs: &["add", "attach", "detach", "attach-user", "detach-user", "move-context"],
        specs: const { &[ANY] },
        pairs: const { &[QUIET] },
        user_flags: const { &[FIXED, UserFlags::NONE] },
        moves: const { &[Context::MAIN, Context(1)] },
        roles: &[(ChildName::BACKING, Role::COW)],
        ..BLANK
    };
    match defect {
        Defect::H34 => Facet {
            nodes: 2,
            users: 2,
            verbs: &["add", "attach", "detach", "attach-user", "detach-user"],
            user_contexts: const { &[None, Some(Context(1))] },
            ..blank
        },
        Defect::H35 => Facet { nodes: 3, users: 1, ..blank },
        Defect::N54 => Facet {
            nodes: 3,
            users: 1,
            verbs: &["add", "insert", "attach-user", "detach-user", "move-context"],
            specs: const { &[PROTOCOL, FILTER] },
            ..blank
        },
        _ => Facet { nodes: 2, users: 1, ..blank },
    }
}

/// Sections, and edges and nodes that come and go within them.
fn sections(defect: Defect) -> Facet {
    let blank = Facet { nodes: 3, edges: 2, specs: const { &[ANY] }, roles: &[(FILE, Role::DATA)], ..BLANK };
    match defect {
        Defect::H40 | Defect::H40b => {
            Facet { verbs: &["add", "attach", "detach", "replace-child", "drain-begin", "drain-end"], ..blank }
        }
        Defect::H42 | Defect::N52 => Facet {
            verbs: &["add", "attach", "detach", "replace-child", "replace-node", "drain-begin", "drain-end"],
            ..blank
        },
        Defect::H61 => Facet {
            verbs: &["add", "open-child", "reopen", "drain-begin", "drain-end"],
            specs: const { &[FORMAT] },
            opens: const { &[(PROTOCOL, FILE, STORAGE)] },
            reopens: listed,
            ..blank
        },
        _ => Facet { verbs: &["add", "release", "attach", "detach", "drain-all-begin", "drain-all-end"], ..blank },
    }
}

/// Every list of one entry and of two.
fn listed(names: &[NodeId]) -> Vec<Queue> {
    let entry = |node| Entry::new(node, true);
    let pairs = names.iter().flat_map(|&a| names.iter().map(move |&b| [entry(a), entry(b)]));
    names.iter().map(|&a| Queue::one(entry(a))).chain(pairs.filter_map(|pair| Queue::new(&pair))).collect()
}

/// Nodes that become inactive and active, and the nodes above them.
fn activity(defect: Defect) -> Facet {
    match defect {
        Defect::H24 => Facet {
            nodes: 3,
            edges: 3,
            users: 1,
            verbs: &["add", "attach", "detach", "inactivate", "activate"],
            specs: const { &[PROTOCOL, CBW] },
            roles: &[(ChildName::TARGET, Role::DATA), (FILE, FILTERED)],
            ..BLANK
        },
        Defect::H63 => Facet {
            nodes: 3,
            edges: 2,
            verbs: &["add", "snapshot", "append", "inactivate", "activate"],
            specs: const { &[PROTOCOL, FILTER, SLEEPER] },
            ..BLANK
        },
        Defect::N51 => Facet {
            nodes: 2,
            edges: 3,
            users: 2,
            verbs: &["add", "attach", "detach", "attach-user", "detach-user", "inactivate", "activate"],
            specs: const { &[ANY] },
            pairs: const { &[EXCLUSIVE, READS] },
            user_flags: const { &[UserFlags { may_inactivate: true, ..UserFlags::NONE }] },
            roles: &[(FILE, Role::DATA)],
            ..BLANK
        },
        _ => Facet {
            nodes: 3,
            edges: 3,
            users: 1,
            verbs: &["add", "attach", "detach", "attach-user", "detach-user", "inactivate", "activate"],
            specs: const { &[ANY] },
            pairs: const { &[WRITES, READS] },
            roles: &[(FILE, Role::DATA)],
            ..BLANK
        },
    }
}

/// Names, pointers, blockers, implicit nodes.
fn life(defect: Defect) -> Facet {
    match defect {
        Defect::N42 => Facet {
            nodes: 4,
            edges: 3,
            verbs: &["add", "set-backing", "drop-intermediate"],
            specs: const { &[FORMAT] },
            ..BLANK
        },
        Defect::N53 => Facet {
            nodes: 3,
            edges: 2,
            verbs: &["add", "append", "set-backing", "drop-intermediate"],
            specs: const { &[FORMAT] },
            stores: true,
            ..BLANK
        },
        Defect::N43 => Facet {
            nodes: 3,
            edges: 2,
            verbs: &["add", "open-child", "hold", "release", "detach", "replace-child"],
            specs: const { &[FORMAT] },
            opens: const { &[(PROTOCOL, FILE, STORAGE)] },
            holders: 1,
            ..BLANK
        },
        Defect::N44 => Facet {
            nodes: 2,
            edges: 2,
            users: 2,
            verbs: &["add", "attach-user", "detach-user", "replace-user-child", "block", "unblock", "check-op"],
            specs: const { &[PROTOCOL] },
            pairs: const { &[QUIET] },
            kinds: const { &[OpKinds(1 << OpKind::DRIVE_DEL.0)] },
            ..BLANK
        },
        _ => Facet {
            nodes: 3,
            edges: 2,
            verbs: &["add", "append", "set-backing", "reopen"],
            specs: const { &[FORMAT, UNASKED] },
            reopens: |names| {
                let entry = |a, b| Entry { backing: Some(Some(b)), ..Entry::new(a, true) };
                let pairs = names.iter().flat_map(|&a| names.iter().map(move |&b| entry(a, b)));
                pairs.map(Queue::one).collect()
            },
            ..BLANK
        },
    }
}
