//! What holds in every state between two operations, each recomputed from the sentences and not from the code that
//! keeps it.

use crate::judge::{self, Outcome};
use crate::op::{Op, Role, Slot};
use crate::rules;
use crate::state::{Edge, Parent, State};

/// A broken invariant, by name.
pub type Broken = &'static str;

/// All invariants of a state, in the order in which they are tested.
pub const NAMES: [Broken; 9] = [
    "acyclic",
    "no conflict between two parents (P3)",
    "no write on read-only (V3.3)",
    "every name in use has a reference (L2.1)",
    "every edge joins living ends (S0)",
    "ranks number each parents list from 0 (S1)",
    "roles fit drivers, slots and names are filled once (S3)",
    "a filter has at most one filtered child (S2)",
    "force-share nodes are read-only (P8)",
];

/// The first invariant that the state breaks.
pub fn broken<const N: usize, const M: usize>(s: &State<N, M>) -> Option<Broken> {
    let derived = judge::derive(s);
    let holds = [
        derived.is_some(),
        derived.as_ref().is_none_or(|d| {
            let edges = s.edges().iter().enumerate();
            edges.clone().all(|(i, a)| {
                edges.clone().all(|(j, b)| {
                    i == j || a.child != b.child || !rules::conflict(d.edges[i], d.edges[j])
                })
            })
        }),
        derived.as_ref().is_none_or(|d| {
            s.names().all(|n| {
                !rules::writes_read_only(
                    d.nodes[n.0 as usize].need,
                    s.nodes[n.0 as usize].writable(),
                )
            })
        }),
        s.names().all(|n| s.references(n) > 0),
        s.edges()
            .iter()
            .all(|e| lives(s, e.child.0) && !matches!(e.parent, Parent::Node(p) if !lives(s, p.0))),
        s.names()
            .all(|n| s.parents(n).count() == s.edges().iter().filter(|e| e.child == n).count()),
        s.edges().iter().enumerate().all(|(i, _)| edge_fits(s, i)),
        s.names()
            .all(|n| s.children(n).filter(|e| e.role.has(Role::FILTERED)).count() <= 1),
        s.nodes
            .iter()
            .all(|n| n.kind.is_none() || !n.flags.force_share || n.flags.read_only),
    ];
    holds.iter().position(|holds| !holds).map(|i| NAMES[i])
}

fn lives<const N: usize, const M: usize>(s: &State<N, M>, node: u8) -> bool {
    s.nodes[node as usize].kind.is_some()
}

/// S3.1 to S3.4 and unique names, for one edge.
fn edge_fits<const N: usize, const M: usize>(s: &State<N, M>, index: usize) -> bool {
    let edge = &s.edges()[index];
    let twice = s.edges().iter().filter(|e| e.id() == edge.id()).count() != 1;
    let Parent::Node(parent) = edge.parent else {
        return !twice && !edge.frozen;
    };
    let Some(kind) = s.nodes[parent.0 as usize].kind else {
        return false;
    };
    let slot_once = [Slot::File, Slot::Backing].iter().all(|slot| {
        let fills = s
            .children(parent)
            .filter(|e| State::<N, M>::slot_of(kind, e.role) == Some(*slot));
        fills.count() <= 1
    });
    !twice
        && slot_once
        && kind.takes_children()
        && rules::well_formed(edge.role)
        && rules::fits(edge.role, kind)
}

/// What holds of a step: V8 and S2. (That a refused operation changes nothing is the type of [`Outcome`]; that the crate
/// changes nothing is what the replay compares.)
pub fn broken_step<const N: usize, const M: usize>(
    before: &State<N, M>,
    ops: &[Op],
    outcome: &Outcome<N, M>,
) -> Option<Broken> {
    if let Outcome::Violates { .. } = outcome
        && ops.iter().all(|op| loosens(before, op))
    {
        return Some("a loosening is never refused by the pure part (V8)");
    }
    let Outcome::Done { next, .. } = outcome else {
        return None;
    };
    let kept = |n: crate::op::NodeId| {
        let filtered = |s: &State<N, M>| s.children(n).any(|e| e.role.has(Role::FILTERED));
        // One operation can free a name, none can free and take it.
        ops.len() > 1 || !filtered(before) || !lives(next, n.0) || filtered(next)
    };
    if !before.names().all(kept) {
        return Some("a filter that has had a child has one (S2)");
    }
    // Its place in the child's parents list may change with the others'.
    let same =
        |e: &Edge, f: &Edge| f.id() == e.id() && f.child == e.child && f.role == e.role && f.frozen;
    let unfrozen = |e: &Edge| e.frozen && !next.edges().iter().any(|f| same(e, f));
    let mut frozen = before
        .edges()
        .iter()
        .filter(|e| matches!(e.parent, Parent::Node(p) if lives(next, p.0)));
    if ops.len() == 1 && !matches!(ops[0], Op::Thaw { .. }) && frozen.any(unfrozen) {
        return Some("a frozen edge stays as it is (S7)");
    }
    None
}

/// The operations of V8.
fn loosens<const N: usize, const M: usize>(before: &State<N, M>, op: &Op) -> bool {
    match *op {
        Op::Release { .. }
        | Op::DetachUser { .. }
        | Op::Detach { .. }
        | Op::Freeze { .. }
        | Op::Thaw { .. } => true,
        Op::SetUser { user, pair } => before
            .edge_index(crate::op::EdgeId::User(user))
            .is_some_and(|i| pair.loosens(before.edges()[i].wanted)),
        _ => false,
    }
}
