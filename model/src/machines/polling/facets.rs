//! The facet in which each defect of the machine must be met: the smallest bounds, and the other operations within
//! them.

use super::config::{Order, Polling, Start};
use crate::menu::{Action, Compounds, Facet, MAX_OPS, Small};
use crate::op::{Act, Context, EdgeId, Kind, NodeId, Op, Role, UserFlags, UserId};
use crate::perm::Pair;
use crate::scopes::common::{BACKING, BACKING_FILTER, BLANK, FORMAT, implicit};
use arrayvec::ArrayVec;

/// The common part of the facets: users that want nothing, so that permissions never refuse an operation.
const PEACE: Facet = Facet { specs: &[FORMAT], pairs: &[Pair::FREE], roles: &[(BACKING, Role::COW)], ..BLANK };

/// O10 and O14.
const REPLACE: Facet = Facet {
    name: "polling-replace",
    about: "replace-node and drop-filter, and what happens while they drain",
    nodes: 3,
    edges: 3,
    users: 1,
    verbs: &[
        "add",
        "release",
        "attach-user",
        "detach-user",
        "append",
        "set-backing",
        "replace-node",
        "replace-user-child",
        "drop-filter",
    ],
    specs: &[FORMAT, BACKING_FILTER],
    ..PEACE
};

/// O24.
const INTERMEDIATE: Facet = Facet {
    name: "polling-intermediate",
    about: "drop-intermediate, and what happens while it drains and writes names",
    nodes: 3,
    edges: 3,
    users: 1,
    verbs: &["add", "release", "attach-user", "detach-user", "append", "set-backing", "drop-intermediate"],
    ..PEACE
};

/// O42.
const STREAM: Facet = Facet {
    name: "polling-stream",
    about: "the end of a stream, while the chain below and above it changes",
    nodes: 3,
    edges: 6,
    users: 1,
    verbs: &["add", "append", "set-backing", "drop-intermediate", "stream"],
    ..PEACE
};

/// O42, over a commit. A stream is in progress; it can be ended, and no other one can be started.
const JOBS: Facet = Facet {
    name: "polling-jobs",
    about: "the end of a stream, while a commit below it ends",
    nodes: 5,
    edges: 7,
    users: 1,
    verbs: &["release", "drop-intermediate", "drop-filter"],
    compounds: Compounds::Menu(ends),
    ..PEACE
};

/// Returns the finish and the cancel of u0's stream, with the operands of its start, because its users are on those
/// nodes.
fn ends(s: &Small) -> Vec<ArrayVec<Op, MAX_OPS>> {
    let job = UserId(0);
    let on = |part| s.edge_index(EdgeId::User(job.further(part))).map(|edge| s.edges()[edge].child);
    let last = (1..).map_while(on).last();
    let (Some(filter), Some(node), Some(bottom)) = (on(0), on(1), last) else {
        return Vec::new();
    };
    let end = |act| [Op::Stream { act, job, node, bottom, filter }].into_iter().collect();
    [Act::Finish, Act::Cancel].map(end).into()
}

/// O35.
const CONTEXT: Facet = Facet {
    name: "polling-context",
    about: "a move of contexts, while nodes come to the component and leave it",
    nodes: 3,
    edges: 4,
    users: 1,
    verbs: &["add", "release", "attach-user", "detach-user", "append", "attach", "detach", "move-context"],
    user_flags: &[UserFlags::NONE, UserFlags { fixed: true, ..UserFlags::NONE }],
    moves: &[Context(1), Context::MAIN],
    ..PEACE
};

/// O33.
const ITERATE: Facet = Facet {
    name: "polling-iterate",
    about: "a loop over all nodes, whose body changes the graph",
    nodes: 3,
    edges: 4,
    users: 2,
    verbs: &[
        "add",
        "release",
        "delete",
        "attach-user",
        "detach-user",
        "replace-user-child",
        "replace-node",
        "append",
        "drain-all-begin",
        "drain-all-end",
    ],
    specs: &[FORMAT],
    ..PEACE
};

/// Returns the explorations with the defects in.
pub fn rooms() -> Vec<(Polling, Facet)> {
    let machine = |start| Polling { order: Order::AsInSeed, start };
    let jobs = (machine(Start::Streaming), JOBS);
    let empty = [REPLACE, INTERMEDIATE, STREAM, CONTEXT, ITERATE].map(|facet| (machine(Start::Empty), facet));
    empty.into_iter().chain([jobs]).collect()
}

/// Returns the actions that lead to a start.
pub(super) fn opening(start: Start) -> Vec<Action> {
    let [n0, n1, n2, above_n2, above_n1] = [0, 1, 2, 3, 4].map(NodeId);
    let add = |node| Op::Add { node, spec: FORMAT };
    let over = |new, top| Op::Append { new, top, store: true };
    let ops: &[Op] = match start {
        Start::Empty => &[],
        Start::Streaming => &[
            add(n0),
            add(n1),
            over(n1, n0),
            add(n2),
            over(n2, n1),
            Op::Stream { act: Act::Start, job: UserId(0), node: n2, bottom: n2, filter: above_n2 },
            Op::Insert { new: above_n1, spec: implicit(Kind::CommitTop), top: n1 },
        ],
    };
    ops.iter().copied().map(Action::single).collect()
}
