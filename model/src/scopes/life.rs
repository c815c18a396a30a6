//! Facets of life: holders and closing, nodes without a driver, inheritance.

use super::common::*;
use crate::menu::{Compounds, Facet, MAX_OPS, Small};
use crate::op::{Entry, Kind, NodeId, Op, OpKind, OpKinds, Opt, Queue, Role, Spec, UserId};
use crate::perm::{ALL, Pair, R, W};
use arrayvec::ArrayVec;

/// Holders of a node, and what happens when there is none.
pub(super) fn life(nodes: u8, edges: usize, users: u8) -> Facet {
    const SPECS: [Spec; 2] = [NO_PERMISSION, implicit(Kind::Filter)];
    Facet {
        name: "life",
        about: "holders of the monitor and of callers, release and delete, children without a holder, closing",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "hold",
            "release",
            "delete",
            "open-child",
            "attach-user",
            "detach-user",
            "attach",
            "detach",
            "drop-filter",
            "insert",
        ],
        specs: const { &[SPECS[0], SPECS[1], implicit(Kind::Protocol)] },
        pairs: const { &[Pair::new(W, but(W))] },
        roles: &[(FILE, FILTERED), (BACKING, Role::COW)],
        opens: const {
            &[
                (EXCLUSIVE, FILE, STORAGE),
                (flagged(Kind::Protocol, false, true, false, false), FILE, FILTERED),
                (implicit(Kind::Protocol), BACKING, Role::COW),
                (MISMATCHED, OTHER, STORAGE),
                (PROTOCOL, OTHER, Role::PRIMARY),
                (PROTOCOL, OTHER, Role(Role::DATA.0 | Role::PRIMARY.0)),
            ]
        },
        holders: 1,
        ..BLANK
    }
}

/// The same operations, and those of blockers, while a driver is stale.
pub(super) fn lagging(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "lagging",
        about: "life and blockers while a driver lags: every operation asks it again (V5.4)",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "hold",
            "delete",
            "eject",
            "open-child",
            "attach-user",
            "detach-user",
            "block",
            "unblock",
            "check-op",
            "check-replace",
            "drop-intermediate",
            "snapshot",
            "reopen",
        ],
        specs: const { &[NO_PERMISSION] },
        pairs: const { &[Pair::new(W, but(W))] },
        opens: const { &[(FORMAT, BACKING, Role::COW)] },
        holders: 1,
        kinds: const { &[OpKinds::of(OpKind::REPLACE)] },
        reopens: |names| names.iter().map(|&node| Queue::one(Entry::new(node, true))).collect(),
        lags: true,
        ..BLANK
    }
}

/// Nodes that have lost their driver under everything that could still ask for it.
pub(super) fn ejected(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "ejected",
        about: "nodes without a driver: pairs that stay, nodes that are not asked, what is refused",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "eject",
            "attach-user",
            "set-user",
            "attach",
            "detach",
            "replace-child",
            "replace-node",
            "set-backing",
            "set-file",
            "append",
            "drop-filter",
            "freeze",
            "snapshot",
            "check-replace",
            "set-option",
            "set-read-only",
            "drop-intermediate",
            "open-child",
        ],
        specs: &[BACKING_FILTER, NO_PERMISSION],
        pairs: const { &[Pair::new(W, but(W)), Pair::new(R, ALL)] },
        roles: &[(BACKING, Role::COW)],
        opens: const { &[(PROTOCOL, FILE, Role::DATA)] },
        opts: &[Opt::Rewrite(true)],
        compounds: Compounds::Menu(ejections),
        ..BLANK
    }
}

/// What happens to a node around its ejection in one transaction.
fn ejections(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    let (user, pair) = (UserId(0), Pair::new(W, but(W)));
    for &a in &used {
        let eject = Op::Eject { node: a };
        let read_only = Op::SetReadOnly { node: a, on: true };
        all.push([Op::SetUser { user, pair }, eject].into_iter().collect());
        all.push([eject, Op::SetUser { user, pair }].into_iter().collect());
        all.push([read_only, eject].into_iter().collect());
        all.push([eject, Op::Release { node: a }].into_iter().collect());
        all.push([eject, eject].into_iter().collect());
        for &b in &used {
            let attach = Op::Attach { parent: a, child: b, name: OTHER, role: Role::DATA };
            let replace = Op::ReplaceChild { parent: a, name: BACKING, to: b };
            all.push([attach, eject].into_iter().collect());
            all.push([replace, eject].into_iter().collect());
            all.push([eject, Op::ReplaceNode { from: a, to: b }, Op::Detach { parent: a, name: BACKING }].into());
            all.push([Op::Append { new: a, top: b, store: true }, eject].into_iter().collect());
        }
    }
    all
}

/// From which node a node inherits, when edges come, go and move.
pub(super) fn inheritance(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "heritage",
        about: "inherits-from: set, cleared, re-pointed (S8), and the nodes that a reopen includes",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "open-child",
            "attach",
            "detach",
            "set-backing",
            "set-file",
            "append",
            "drop-filter",
            "drop-intermediate",
            "replace-child",
            "set-read-only",
        ],
        specs: const { &[NO_PERMISSION, implicit(Kind::BackingFilter)] },
        roles: &[(FILE, Role::DATA)],
        opens: const { &[(NO_PERMISSION, BACKING, Role::COW), (NO_PERMISSION.read_only(), FILE, STORAGE)] },
        compounds: Compounds::Menu(reunions),
        ..BLANK
    }
}

/// A node leaves, and a node that inherited through it comes back.
fn reunions(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    for (a, b) in pairs_of(&used) {
        let back = Op::SetBacking { node: a, to: Some(b) };
        all.extend(
            used.iter().map(|&filter| [Op::DropFilter { filter }, back].into_iter().collect::<ArrayVec<_, MAX_OPS>>()),
        );
        all.push([Op::SetBacking { node: a, to: None }, back].into_iter().collect());
    }
    all
}
