//! Facets of contexts, drained sections and activity, alone and in combination.

use super::common::*;
use crate::menu::{Compounds, Facet, Small};
use crate::op::{Below, Context, Entry, Flags, Kind, NodeId, Op, Opt, Queue, Role, Spec, UserFlags, UserId};
use crate::perm::{ALL, NONE, Pair, R, W};

const QUIET: Pair = Pair::new(NONE, ALL);
const FIXED: UserFlags = UserFlags { fixed: true, ..UserFlags::NONE };
const AT_ONE: Option<Context> = Some(Context(1));

const fn inactive(kind: Kind) -> Spec {
    let flags = Flags { inactive: true, ..Flags::NONE };
    Spec { kind, opt: kind.default_opt(), flags }
}

/// Components that are joined and split, with fixed and movable users.
pub(super) fn contexts(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "contexts",
        about: "contexts of components, fixed users, orphans that move to the main context, refusals of both",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "detach-user",
            "attach",
            "detach",
            "replace-node",
            "replace-child",
            "replace-user-child",
            "move-context",
            "delete",
        ],
        specs: const { &[NO_PERMISSION] },
        pairs: const { &[QUIET] },
        user_flags: const { &[UserFlags::NONE, FIXED] },
        user_contexts: const { &[None, AT_ONE] },
        moves: const { &[Context::MAIN, Context(1)] },
        roles: &[(BACKING, Role::COW)],
        compounds: Compounds::Menu(moves),
        ..BLANK
    }
}

/// Users that come, go and move within one transaction, and nodes that are made and joined.
fn moves(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let free = (0..6).map(NodeId).find(|n| !used.contains(n)).unwrap_or(NodeId(0));
    let user = UserId(0);
    let mut all = Transactions::new();
    for &a in &used {
        let second =
            |user_flags, context| Op::AttachUser { user: UserId(1), node: a, pair: QUIET, user_flags, context };
        all.push([second(FIXED, AT_ONE), second(FIXED, None)].into_iter().collect());
        all.push([second(FIXED, AT_ONE), Op::MoveContext { node: a, to: Context::MAIN }].into_iter().collect());
        let to = |to| Op::MoveContext { node: a, to: Context(to) };
        all.push([to(1), to(0)].into_iter().collect());
        all.push([Op::DetachUser { user }, to(1)].into_iter().collect());
        let attach = |user_flags, context| Op::AttachUser { user, node: a, pair: QUIET, user_flags, context };
        all.push([Op::DetachUser { user }, attach(FIXED, None)].into_iter().collect());
        all.push([attach(FIXED, AT_ONE), to(0)].into_iter().collect());
        // Only where there is one node, because every step would multiply the states.
        if used.len() == 1 {
            let add = Op::Add { node: free, spec: NO_PERMISSION };
            let attach = |parent, child, role| Op::Attach { parent, child, name: BACKING, role };
            all.push([add, attach(free, a, Role::COW)].into_iter().collect());
            all.push([add, attach(a, free, Role::DATA)].into_iter().collect());
            let user = Op::AttachUser { user, node: free, pair: QUIET, user_flags: FIXED, context: None };
            all.push([add, user].into_iter().collect());
            all.push([add, attach(free, a, Role::COW), Op::Release { node: free }].into());
        }
    }
    for (a, b) in pairs_of(&used) {
        let out = Op::SetBacking { node: a, to: None };
        all.push([out, Op::MoveContext { node: b, to: Context(1) }].into_iter().collect());
        all.push([out, Op::SetBacking { node: a, to: Some(b) }].into_iter().collect());
    }
    all
}

/// The other operations that make and move edges, between nodes in different contexts.
pub(super) fn context_chains(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "context-chains",
        about: "contexts × chains and reopen: every operation that joins two components, or cuts one in two",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "attach-user",
            "set-backing",
            "set-file",
            "append",
            "snapshot",
            "open-child",
            "add-child",
            "move-context",
            "reopen",
            "open",
        ],
        specs: const { &[NO_PERMISSION, Spec::plain(Kind::Quorum)] },
        moves: const { &[Context(1)] },
        pairs: const { &[QUIET] },
        user_flags: const { &[FIXED] },
        user_contexts: const { &[None, AT_ONE] },
        openings: joined,
        roles: &[(FILE, Role::DATA)],
        opens: const { &[(PROTOCOL, FILE, Role::DATA)] },
        reopens: rewired,
        ..BLANK
    }
}

/// An open that brings two nodes together, and one below a single node.
fn joined(used: &[NodeId], [node, _, overlay]: [NodeId; 3]) -> Vec<Op> {
    let below = |node| Some(Below { node, opened: None });
    let open = |file, backing, overlay| Op::Open { node, layer: layer(FORMAT), file, backing, overlay, probe: false };
    let lost = |(a, b)| Op::Open {
        node,
        layer: layer(BACKING_FILTER),
        file: below(a),
        backing: Some(b),
        overlay: None,
        probe: false,
    };
    let pairs = pairs_of(used).flat_map(|(a, b)| [open(below(a), Some(b), None), lost((a, b))]);
    pairs.chain(used.iter().map(|&a| open(below(a), None, Some(overlay)))).collect()
}

/// Reopens that take a child away or add one, of one node and of two.
fn rewired(names: &[NodeId]) -> Vec<Queue> {
    let mut all = Vec::new();
    for &a in names {
        let keep = |node| Entry::new(node, true);
        all.push(Queue::one(Entry { backing: Some(None), ..keep(a) }));
        for &b in names {
            all.push(Queue::one(Entry { backing: Some(Some(b)), ..keep(a) }));
            all.push(Queue::one(Entry { file: Some(b), ..keep(a) }));
            // In one order only: the explorer tries all others (R4).
            let other = names.iter().filter(|c| **c > a && **c != b);
            let both = other.filter_map(|&c| {
                Queue::new(&[Entry { backing: Some(Some(b)), ..keep(a) }, Entry { backing: Some(Some(b)), ..keep(c) }])
            });
            all.extend(both);
        }
    }
    all
}

/// Sections on nodes and on all nodes, under everything that moves edges and adds or removes nodes.
pub(super) fn sections(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "sections",
        about: "drained sections × everything that moves edges: quiesced nodes, notified nodes, references of sections",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "delete",
            "drain-begin",
            "drain-end",
            "drain-all-begin",
            "drain-all-end",
            "attach-user",
            "detach-user",
            "attach",
            "detach",
            "replace-node",
            "append",
            "drop-filter",
        ],
        specs: const { &[BACKING_FILTER, NO_PERMISSION] },
        pairs: const { &[QUIET] },
        roles: &[(FILE, Role::DATA)],
        compounds: Compounds::Menu(between),
        ..BLANK
    }
}

/// Changes between the begin and the end of a section, and sections that open and close at once.
fn between(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    let (all_begin, all_end) = (Op::DrainAllBegin {}, Op::DrainAllEnd {});
    for &a in &used {
        let (begin, end) = (Op::DrainBegin { node: a }, Op::DrainEnd { node: a });
        all.push([begin, end].into_iter().collect());
        all.push([end, begin].into_iter().collect());
        all.push([all_begin, end].into_iter().collect());
        all.push([begin, all_end].into_iter().collect());
        all.push([end, Op::Release { node: a }].into_iter().collect());
        all.push([end, Op::DetachUser { user: UserId(0) }].into_iter().collect());
        for &b in used.iter().filter(|b| **b != a) {
            all.push([end, Op::Detach { parent: b, name: FILE }].into_iter().collect());
            all.push([end, Op::DrainBegin { node: b }, Op::ReplaceNode { from: a, to: b }].into());
            let attach = Op::Attach { parent: b, child: a, name: FILE, role: Role::DATA };
            all.push([begin, attach, end].into());
        }
    }
    all.push([all_begin, all_end].into_iter().collect());
    all
}

/// A section and a context in one operation: a node that moves is quiesced meanwhile.
pub(super) fn quiet_moves(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "quiet-moves",
        about: "contexts × sections: a node that moves is told to quiesce, unless a section has done so",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "attach-user",
            "attach",
            "add-child",
            "release",
            "insert",
            "drop-filter",
            "drop-intermediate",
            "remove-child",
            "move-context",
            "drain-begin",
            "drain-end",
        ],
        specs: const { &[Spec::plain(Kind::Quorum), BACKING_FILTER] },
        pairs: const { &[QUIET] },
        user_contexts: const { &[AT_ONE] },
        moves: const { &[Context(1)] },
        roles: &[(FILE, Role::DATA)],
        ..BLANK
    }
}

/// Inactive nodes, and everything that can put an active one above them.
pub(super) fn activity(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "activity",
        about: "inactivate and activate, whole or not at all; wanted and effective pairs; active above inactive",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "set-user",
            "attach",
            "detach",
            "replace-child",
            "replace-node",
            "replace-user-child",
            "inactivate",
            "activate",
            "set-read-only",
        ],
        specs: const { &[NO_PERMISSION, inactive(Kind::NoPermission), EXCLUSIVE] },
        pairs: const { &[Pair::new(R, ALL), Pair::new(W, but(W))] },
        user_flags: const { &[UserFlags::NONE, UserFlags { may_inactivate: true, ..UserFlags::NONE }] },
        roles: &[(BACKING, FILTERED), (FILE, Role::DATA)],
        compounds: Compounds::Menu(hand_over),
        ..BLANK
    }
}

/// What a migration does on both sides, and what may come between.
fn hand_over(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    for &a in &used {
        let (off, on) = (Op::Inactivate { node: a }, Op::Activate { node: a });
        all.push([off, on].into_iter().collect());
        all.push([on, off].into_iter().collect());
        all.push([Op::DetachUser { user: UserId(0) }, off].into_iter().collect());
        all.push([off, Op::Release { node: a }].into_iter().collect());
        for &b in used.iter().filter(|b| **b != a) {
            all.push([off, Op::Inactivate { node: b }].into_iter().collect());
            all.push([off, Op::Activate { node: b }].into_iter().collect());
            all.push([Op::Detach { parent: b, name: BACKING }, off].into_iter().collect());
        }
    }
    all
}

/// The chain operations where nodes are inactive.
pub(super) fn inactive_chains(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "inactive-chains",
        about: "activity × chains: snapshots over inactive overlays (H63), names in inactive images, closing",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "append",
            "insert",
            "drop-filter",
            "drop-intermediate",
            "snapshot",
            "inactivate",
            "activate",
        ],
        specs: const { &[FORMAT, EXCLUSIVE, inactive(Kind::BackingFilter)] },
        compounds: Compounds::Menu(stored),
        ..BLANK
    }
}

/// Appends that store a name, which cannot be written into an inactive image.
fn stored(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let store = |(new, top)| Op::Append { new, top, store: true };
    pairs_of(&used).map(|pair| [Op::Inactivate { node: pair.0 }, store(pair)].into_iter().collect()).collect()
}

/// Single edges and names where nodes are inactive.
pub(super) fn inactive_edges(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "inactive-edges",
        about: "activity × reopen, open, options, a quorum's children: an active parent above an inactive child",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "set-backing",
            "set-file",
            "append",
            "drop-intermediate",
            "open-child",
            "add-child",
            "set-option",
            "eject",
            "inactivate",
            "activate",
            "reopen",
            "open",
        ],
        specs: const { &[FORMAT, inactive(Kind::Blkdebug), inactive(Kind::Quorum), inactive(Kind::ExclusiveWriter)] },
        opens: const { &[(inactive(Kind::Protocol), FILE, STORAGE), (NO_PERMISSION, FILE, FILTERED)] },
        opts: const { &[Opt::Debug { take: W, unshare: NONE }, Opt::Rewrite(true)] },
        openings: doubtful,
        reopens: |names| {
            let entry = |(a, b): (NodeId, NodeId)| Entry { file: Some(b), ..Entry::new(a, true) };
            let backing = |(a, b): (NodeId, NodeId)| Entry { backing: Some(Some(b)), ..Entry::new(a, true) };
            let both = pairs_of(names).flat_map(|pair| [entry(pair), backing(pair)]);
            both.map(Queue::one).collect()
        },
        stores: true,
        ..BLANK
    }
}

/// Opens over nodes that may be inactive, of nodes that are inactive and need more than they get.
fn doubtful(used: &[NodeId], [node, _, overlay]: [NodeId; 3]) -> Vec<Op> {
    let kinds = [NO_PERMISSION, inactive(Kind::ExclusiveWriter)];
    let open =
        |spec, a, overlay| Op::Open { node, layer: layer(spec), file: None, backing: Some(a), overlay, probe: false };
    let all = used
        .iter()
        .flat_map(|&a| kinds.map(|spec| open(spec, a, None)).into_iter().chain([open(FORMAT, a, Some(overlay))]));
    all.collect()
}

/// Drivers that refuse to change their context or activity, and become stale.
pub(super) fn reluctant(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "reluctant",
        about: "contexts, sections, activity while a driver lags or stays where it is",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "attach",
            "detach",
            "attach-user",
            "detach-user",
            "move-context",
            "inactivate",
            "activate",
            "drain-begin",
            "drain-end",
            "drain-all-begin",
            "drain-all-end",
            "add-child",
            "remove-child",
            "open",
            "truncate",
        ],
        specs: const { &[FILTER, Spec::plain(Kind::Quorum)] },
        openings: |used, [node, _, _]| {
            let open =
                |a| Op::Open { node, layer: layer(FORMAT), file: None, backing: Some(a), overlay: None, probe: false };
            used.iter().map(|a| open(*a)).collect()
        },
        pairs: const { &[Pair::new(W, but(W))] },
        user_flags: const { &[UserFlags { may_inactivate: true, ..UserFlags::NONE }] },
        moves: const { &[Context(1)] },
        roles: &[(FILE, FILTERED)],
        lags: true,
        ..BLANK
    }
}
