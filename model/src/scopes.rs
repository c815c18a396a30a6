//! The named scopes: which facets are explored, with which bounds, and how many states each must have.
//!
//! A pinned count changes exactly when the meaning of something changes. Then the new count is examined, understood,
//! and written down here.

mod activity;
mod blockers;
pub(crate) mod common;
mod jobs;
mod life;
mod presets;
mod reopen;

use crate::menu::{Compounds, Facet, MAX_OPS, Small};
use crate::op::{ChildName, Kind, NodeId, Op, Opt, Role, Spec, UserFlags, UserId};
use crate::perm::{ALL, G, NONE, Pair, Perms, R, U, W, Z};
use arrayvec::ArrayVec;
use common::*;

/// A scope: facets with their pinned counts.
#[derive(Clone, Debug)]
pub struct Scope {
    /// `smoke`, `small`, `medium`.
    pub name: &'static str,
    /// The facets, and the number of unique canonical states of each.
    pub facets: Vec<(Facet, usize)>,
}

/// Permissions flow down and meet: users with every wish over filters, formats and protocols, read-only and writable.
fn permissions(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "permissions",
        about: "cumulative pairs, conflicts of every bit in both directions, read-only, roles",
        nodes,
        edges,
        users,
        verbs: &["add", "release", "attach-user", "detach-user", "set-user", "attach", "detach", "set-read-only"],
        specs: &[PROTOCOL, FILTER, FORMAT],
        pairs: &EVERY_BIT,
        roles: &[(FILE, FILTERED), (FILE, STORAGE), (BACKING, Role::COW)],
        ..BLANK
    }
}

/// Everything that changes the shape, list orders and closing included.
fn shape(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "shape",
        about: "replace, append, insert, drop filter, set backing and file, list orders, doomed nodes, auto-skip",
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
            "set-backing",
            "set-file",
            "replace-node",
            "replace-child",
            "replace-user-child",
            "append",
            "insert",
            "drop-filter",
        ],
        specs: &[BACKING_FILTER, NO_PERMISSION, EXCLUSIVE],
        pairs: const { &[Pair::new(W, ALL), Pair::new(G, but(Perms(W.0 | G.0)))] },
        user_flags: &[UserFlags::NONE, UserFlags::STAY],
        roles: &[(FILE, Role::DATA), (BACKING, Role::COW)],
        ..BLANK
    }
}

/// Every driver kind with every option, over and under the others.
fn drivers(nodes: u8, edges: usize, users: u8) -> Facet {
    const SEALED: Spec = PROTOCOL.read_only();
    const EVERY_KIND: [Spec; 11] = [
        PROTOCOL,
        FILTER,
        BACKING_FILTER,
        FORMAT,
        EXCLUSIVE,
        NO_PERMISSION,
        Spec::plain(Kind::WriteToSelected),
        Spec::plain(Kind::Blkdebug),
        Spec::plain(Kind::Quorum),
        MISMATCHED,
        SEALED,
    ];
    Facet {
        name: "drivers",
        about: "the rule of every driver kind in every role, options and their refresh, refused roles and slots",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "attach", "set-option", "set-file", "set-backing", "append", "insert"],
        specs: &EVERY_KIND,
        pairs: const { &[Pair::new(Perms(R.0 | U.0), but(Z)), Pair::new(Perms(W.0 | G.0), but(Perms(R.0 | G.0)))] },
        roles: &[
            (FILE, FILTERED),
            (FILE, STORAGE),
            (FILE, Role::DATA),
            (BACKING, Role::DATA),
            (OTHER, Role(Role::METADATA.0 | Role::PRIMARY.0)),
            (OTHER, Role::COW),
            (OTHER, Role(Role::FILTERED.0 | Role::DATA.0)),
            (OTHER, Role(Role::COW.0 | Role::PRIMARY.0)),
            (OTHER, Role::PRIMARY),
        ],
        opts: &[
            Opt::None,
            Opt::Debug { take: W, unshare: Perms(U.0 | G.0) },
            Opt::Rewrite(true),
            Opt::Select(Some(FILE)),
            Opt::Select(Some(OTHER)),
        ],
        ..BLANK
    }
}

/// The flags: read-only, force-share, no-io.
fn flags(nodes: u8, edges: usize, users: u8) -> Facet {
    const FLAGGED: [Spec; 5] = [
        FORMAT,
        flagged(Kind::Format, false, false, true, false),
        flagged(Kind::Protocol, true, true, false, false),
        flagged(Kind::Format, true, true, true, false),
        flagged(Kind::Protocol, false, true, false, false),
    ];
    Facet {
        name: "flags",
        about: "force-share, no-io, read-only and back",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "set-user", "attach", "detach", "set-read-only", "insert", "release"],
        specs: &FLAGGED,
        pairs: const { &[Pair::new(R, but(W)), Pair::new(W, ALL), Pair::new(U, but(U))] },
        roles: &[(FILE, STORAGE), (BACKING, Role::COW)],
        ..BLANK
    }
}

/// Frozen chains under everything that could change them.
fn freezing(nodes: u8, edges: usize, users: u8) -> Facet {
    const SPECS: [Spec; 4] =
        [BACKING_FILTER, NO_PERMISSION, FILTER, flagged(Kind::NoPermission, true, false, false, true)];
    Facet {
        name: "freezing",
        about: "freeze and thaw of chains, and every explicit change of a frozen edge",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "detach",
            "set-backing",
            "set-file",
            "replace-node",
            "replace-child",
            "append",
            "insert",
            "drop-filter",
            "freeze",
            "thaw",
        ],
        specs: &SPECS,
        pairs: const { &[Pair::new(W, ALL)] },
        roles: &[(FILE, STORAGE)],
        ..BLANK
    }
}

/// Drivers that refuse, and what is left behind.
fn refusals(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "refusals",
        about: "refused hooks: rolled back, or tolerated and the driver lags until a later judgement (V7)",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "detach-user",
            "set-user",
            "attach",
            "set-read-only",
            "set-option",
            "append",
            "drop-filter",
            "freeze",
            "thaw",
        ],
        specs: &[PROTOCOL, BACKING_FILTER],
        pairs: const { &[Pair::new(R, but(G)), Pair::new(Perms(R.0 | W.0 | G.0), but(W))] },
        roles: &[(BACKING, FILTERED)],
        opts: &[Opt::Rewrite(true)],
        lags: true,
        ..BLANK
    }
}

/// Every ordered pair of operations as one transaction.
fn pairs(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "pairs",
        about: "all ordered pairs of operations as one transaction: intermediate graphs, doomed names, cycles",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "detach-user",
            "set-user",
            "attach",
            "detach",
            "set-backing",
            "replace-node",
            "replace-child",
            "replace-user-child",
            "append",
            "drop-filter",
            "freeze",
            "thaw",
            "set-read-only",
        ],
        specs: &[BACKING_FILTER, NO_PERMISSION],
        pairs: const { &[Pair::new(W, but(W))] },
        roles: &[(BACKING, Role::COW), (FILE, Role::DATA)],
        compounds: Compounds::Pairs,
        ..BLANK
    }
}

/// Longer transactions, written by hand for what happens between their steps.
fn compounds(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "compounds",
        about: "transactions of three: cycles and conflicts that are gone at the end, doomed names, double reopen",
        nodes,
        edges,
        users,
        verbs: &["add", "release", "attach-user", "detach-user", "append", "detach", "set-read-only"],
        specs: const { &[PROTOCOL, BACKING_FILTER, flagged(Kind::NoPermission, false, false, false, true)] },
        pairs: const { &[Pair::new(W, but(W))] },
        compounds: Compounds::Menu(triples),
        ..BLANK
    }
}

/// The transactions of [`compounds`], for every two names in use or the first free one.
fn triples(s: &Small) -> Vec<ArrayVec<Op, MAX_OPS>> {
    let used: Vec<NodeId> = s.names().collect();
    let free = (0..6).map(NodeId).find(|n| !used.contains(n)).unwrap_or(NodeId(0));
    let names = || used.iter().copied().chain([free]);
    let user = UserId(0);
    let greedy =
        |node| Op::AttachUser { user, node, pair: Pair::new(W, but(W)), user_flags: UserFlags::NONE, context: None };
    let read_only = |node, on| Op::SetReadOnly { node, on };
    let force_share = flagged(Kind::Protocol, false, true, false, false);
    let mut all = Vec::new();
    for (a, b) in names().flat_map(|a| names().map(move |b| (a, b))) {
        let attach = |parent, child, name, role| Op::Attach { parent, child, name, role };
        let menu: [[Op; MAX_OPS]; 12] = [
            [greedy(a), Op::Release { node: b }, Op::Add { node: free, spec: force_share }],
            [Op::Release { node: a }, Op::Release { node: b }, Op::SetOption { node: b, opt: Opt::Rewrite(true) }],
            [Op::Release { node: a }, read_only(b, true), attach(b, a, FILE, STORAGE)],
            [attach(a, b, BACKING, Role::COW), attach(b, a, FILE, Role::DATA), Op::Detach { parent: a, name: BACKING }],
            [greedy(a), Op::DetachUser { user }, attach(a, b, FILE, Role::PRIMARY)],
            [
                Op::Append { new: a, top: b, store: false },
                Op::Freeze { top: a, base: Some(b) },
                Op::Release { node: b },
            ],
            [Op::Release { node: b }, read_only(a, false), Op::SetFile { node: a, to: b }],
            [
                Op::Add { node: free, spec: BACKING_FILTER },
                Op::Append { new: free, top: a, store: false },
                Op::Release { node: free },
            ],
            [
                Op::Insert { new: free, spec: BACKING_FILTER, top: a },
                Op::DropFilter { filter: free },
                Op::Add { node: free, spec: PROTOCOL },
            ],
            [greedy(a), Op::Append { new: b, top: a, store: false }, Op::DetachUser { user }],
            [read_only(a, true), greedy(a), read_only(a, false)],
            [read_only(a, true), read_only(b, true), read_only(a, false)],
        ];
        all.extend(menu.map(ArrayVec::from));
    }
    all
}

/// What a step must see in a graph that the steps before it have changed.
fn reach(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "reach",
        about: "steps over edges of the same transaction: what replace-node skips, the order of judging, diamonds",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "attach"],
        specs: &[FILTER, NO_PERMISSION],
        pairs: const { &[Pair::new(NONE, ALL), Pair::new(W, but(W))] },
        roles: &[(FILE, FILTERED), (OTHER, Role::DATA)],
        compounds: Compounds::Menu(entangled),
        ..BLANK
    }
}

/// The transactions of [`reach`]: two changes of the graph and a replace-node that must see both; two users at once.
fn entangled(s: &Small) -> Vec<ArrayVec<Op, MAX_OPS>> {
    let used: Vec<NodeId> = s.names().collect();
    let pairs = || used.iter().flat_map(|a| used.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b);
    let attach = |parent, child, name| Op::Attach { parent, child, name, role: Role::DATA };
    let mut all: Vec<ArrayVec<Op, MAX_OPS>> = Vec::new();
    for (a, b) in pairs() {
        for (c, d) in pairs() {
            let replace = Op::ReplaceNode { from: b, to: c };
            all.push([attach(a, b, OTHER), attach(c, d, ChildName(3)), replace].into());
            all.push([Op::ReplaceChild { parent: a, name: OTHER, to: b }, attach(c, d, ChildName(3)), replace].into());
        }
    }
    for wish in [Pair::new(NONE, ALL), Pair::new(W, but(W))] {
        let other = if wish.need == NONE { Pair::new(W, but(W)) } else { Pair::new(NONE, ALL) };
        let set = |user, pair| Op::SetUser { user: UserId(user), pair };
        all.push([set(0, wish), set(1, other)].into_iter().collect());
    }
    all
}

/// The scopes in the order of their size.
pub const SCOPES: [&str; 3] = ["smoke", "small", "medium"];

/// Makes a facet from the most nodes, edges and users.
type Make = fn(u8, usize, u8) -> Facet;

/// For each scope the most nodes, edges and users, and the number of unique canonical states.
type Sizes = [(u8, usize, u8, usize); SCOPES.len()];

const SIZES: [(Make, Sizes); 37] = [
    (permissions, [(2, 3, 2, 15_778), (3, 2, 2, 35_352), (3, 3, 2, 240_444)]),
    (shape, [(3, 2, 2, 5_564), (3, 3, 1, 24_428), (3, 4, 1, 77_708)]),
    (drivers, [(2, 3, 1, 15_019), (2, 4, 1, 21_905), (3, 2, 1, 201_043)]),
    (flags, [(2, 3, 1, 1_552), (3, 2, 1, 12_300), (3, 3, 1, 62_328)]),
    (freezing, [(3, 3, 1, 8_697), (4, 2, 1, 12_976), (4, 3, 1, 90_936)]),
    (refusals, [(2, 3, 2, 6_001), (2, 4, 3, 10_617), (3, 3, 2, 147_141)]),
    (pairs, [(2, 2, 1, 427), (2, 2, 1, 427), (3, 1, 1, 575)]),
    (reach, [(4, 3, 2, 7_010), (4, 3, 2, 7_010), (4, 4, 2, 63_572)]),
    (compounds, [(2, 3, 1, 1_472), (3, 2, 1, 5_860), (3, 3, 1, 37_372)]),
    (life::life, [(3, 2, 1, 10_226), (3, 3, 1, 37_912), (3, 4, 1, 69_736)]),
    (life::lagging, [(2, 2, 1, 660), (2, 3, 1, 660), (3, 2, 1, 20_951)]),
    (life::ejected, [(2, 2, 1, 29_500), (2, 2, 1, 29_500), (2, 3, 1, 49_052)]),
    (life::inheritance, [(2, 3, 0, 147), (3, 2, 0, 46_902), (3, 2, 0, 46_902)]),
    (blockers::blockers, [(3, 2, 1, 3_548), (3, 3, 1, 27_298), (3, 3, 2, 57_970)]),
    (blockers::chains, [(3, 2, 0, 17_273), (3, 2, 1, 34_895), (3, 2, 2, 37_715)]),
    (blockers::dropping, [(3, 3, 1, 8_314), (3, 3, 2, 17_522), (3, 4, 2, 65_346)]),
    (reopen::reopen, [(3, 2, 1, 3_586), (3, 2, 1, 3_586), (3, 4, 1, 12_599)]),
    (reopen::frozen_reopen, [(2, 3, 1, 214), (3, 2, 1, 4_969), (3, 3, 1, 26_548)]),
    (reopen::mortal_reopen, [(3, 1, 1, 2_145), (3, 2, 0, 8_677), (3, 2, 1, 20_420)]),
    (activity::contexts, [(3, 4, 2, 5_706), (3, 4, 2, 5_706), (3, 5, 2, 5_706)]),
    (activity::context_chains, [(3, 4, 2, 45_004), (3, 4, 2, 45_004), (3, 4, 2, 45_004)]),
    (activity::sections, [(3, 2, 1, 16_232), (3, 2, 1, 16_232), (3, 3, 1, 84_264)]),
    (activity::quiet_moves, [(3, 2, 1, 20_527), (3, 2, 1, 20_527), (3, 3, 1, 76_607)]),
    (activity::activity, [(3, 2, 1, 18_349), (3, 2, 1, 18_349), (3, 3, 1, 42_413)]),
    (activity::inactive_chains, [(3, 2, 0, 2_304), (3, 2, 0, 2_304), (3, 3, 0, 2_304)]),
    (activity::inactive_edges, [(2, 2, 0, 3_115), (2, 2, 0, 3_115), (2, 3, 0, 32_641)]),
    (activity::reluctant, [(2, 2, 1, 17_058), (2, 2, 1, 17_058), (2, 3, 1, 17_058)]),
    (presets::presets, [(2, 3, 1, 33_899), (2, 3, 1, 33_899), (2, 4, 1, 33_905)]),
    (presets::sizes, [(2, 2, 1, 12_979), (2, 3, 1, 12_979), (2, 3, 1, 12_979)]),
    (presets::quorums, [(2, 3, 1, 10_904), (3, 2, 0, 96_126), (3, 2, 0, 96_126)]),
    (jobs::opening, [(3, 2, 1, 32_081), (3, 2, 1, 32_081), (3, 2, 1, 32_081)]),
    (jobs::jobs, [(3, 5, 1, 1_760), (3, 5, 1, 1_760), (3, 6, 1, 2_004)]),
    (jobs::guests, [(3, 5, 2, 12_153), (3, 6, 2, 15_660), (3, 7, 2, 17_188)]),
    (jobs::changes, [(3, 5, 1, 2_636), (3, 5, 1, 2_636), (3, 6, 1, 3_084)]),
    (jobs::ejected, [(3, 5, 1, 9_060), (3, 5, 1, 9_060), (3, 6, 1, 14_219)]),
    (jobs::contexts, [(3, 6, 3, 23_633), (3, 6, 3, 23_633), (3, 7, 3, 31_838)]),
    (jobs::inactive, [(3, 5, 1, 475), (3, 5, 1, 475), (3, 6, 1, 531)]),
];

/// The scope of that name.
pub fn scope(name: &str) -> Option<Scope> {
    let place = SCOPES.iter().position(|known| *known == name)?;
    let sized = |(make, sizes): &(Make, Sizes)| {
        let (nodes, edges, users, pinned) = sizes[place];
        (make(nodes, edges, users), pinned)
    };
    Some(Scope { name: SCOPES[place], facets: SIZES.iter().map(sized).collect() })
}
