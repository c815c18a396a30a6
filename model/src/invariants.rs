//! What holds in every state between two operations. Each invariant is recomputed from the sentences, not from the code
//! that maintains it.

use crate::judge::{self, Outcome};
use crate::op::{Act, NodeId, Op, OpKinds, Refusal, Role, Slot, UserFlags};
use crate::perm::Pair;
use crate::state::{Edge, Node, Parent, State};
use crate::{derived, orders, rules};

/// The name of a broken invariant.
pub type Broken = &'static str;

/// All invariants of a state, in the order in which they are tested.
pub const NAMES: [Broken; 14] = [
    "every edge joins living ends (S0)",
    "acyclic",
    "no conflict between two parents (P3)",
    "no write on read-only (V3.3)",
    "every name in use has a reference (L2.1)",
    "ranks number each parents list from 0 (S1)",
    "roles fit drivers, slots and names are filled once (S2, S3)",
    "force-share nodes are read-only (P8)",
    "inherits-from names an existing node, and no node inherits from itself (S8)",
    "only a filter is implicit, only what has backing stores a name (S0, S6)",
    "only users' edges block by wish, only theirs and those of nodes without a driver have a pair of their own (L3, L4)",
    "no active node is the parent of an inactive one (A4)",
    "no parent needs more than R of an inactive node (A4)",
    "both ends of an edge are in one context (C1)",
];

/// Returns the first invariant that the state breaks.
pub fn broken<const N: usize, const M: usize>(s: &State<N, M>) -> Option<Broken> {
    let derived = derived::derive(s);
    let holds = [
        s.edges().iter().all(|e| lives(s, e.child.0) && !matches!(e.parent, Parent::Node(p) if !lives(s, p.0))),
        derived.is_some(),
        derived.as_ref().is_none_or(|d| {
            let edges = s.edges().iter().enumerate();
            edges.clone().all(|(i, a)| {
                edges.clone().all(|(j, b)| i == j || a.child != b.child || !rules::conflict(d.edges[i], d.edges[j]))
            })
        }),
        derived.as_ref().is_none_or(|d| {
            s.names()
                .all(|n| !rules::writes_read_only(d.nodes[n.0 as usize].need, s.nodes[n.0 as usize].flags.read_only))
        }),
        s.names().all(|n| s.references(n) > 0),
        s.names().all(|n| {
            let stands = |(rank, edge): (usize, &Edge)| edge.child == n && usize::from(edge.rank) == rank;
            s.parents(n).map(|i| &s.edges()[i]).enumerate().all(stands)
        }),
        s.edges().iter().enumerate().all(|(i, _)| edge_fits(s, i)),
        s.nodes.iter().all(|n| n.kind.is_none() || !n.flags.force_share || n.flags.read_only),
        s.names().all(|n| heritage_is_sound(s, n)),
        s.nodes.iter().all(|n| {
            n.kind.is_none_or(|kind| {
                (!n.flags.implicit || kind.filter_slot().is_some()) && (n.stored.is_none() || kind.supports_cow())
            })
        }),
        s.edges().iter().all(|e| match e.parent {
            Parent::User(_) => true,
            Parent::Node(p) => {
                let own = e.blocks != OpKinds::NONE || e.user_flags != UserFlags::NONE;
                !own && (s.nodes[p.0 as usize].ejected || e.wanted == Pair::FREE)
            }
        }),
        s.edges().iter().all(|e| !judge::over_inactive(s, e)),
        derived.as_ref().is_none_or(|d| {
            let inactive = |n: NodeId| s.nodes[n.0 as usize].flags.inactive;
            s.names().all(|n| !rules::disturbs_inactive(d.nodes[n.0 as usize].need, inactive(n)))
        }),
        s.edges().iter().all(|e| match e.parent {
            Parent::Node(p) => s.nodes[p.0 as usize].context == s.nodes[e.child.0 as usize].context,
            Parent::User(_) => true,
        }),
    ];
    holds.iter().position(|holds| !holds).map(|i| NAMES[i])
}

/// S8: following the pointers ends at a node that does not inherit.
fn heritage_is_sound<const N: usize, const M: usize>(s: &State<N, M>, node: NodeId) -> bool {
    let mut at = node;
    for _ in 0..=N {
        match s.nodes[at.0 as usize].inherits {
            Some(inherits) if lives(s, inherits.from.0) => at = inherits.from,
            Some(_) => return false,
            None => return true,
        }
    }
    false
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
        let fills = s.children(parent).filter(|e| State::<N, M>::slot_of(kind, e.role) == Some(*slot));
        fills.count() <= 1
    });
    !twice && slot_once && kind.takes_children() && rules::well_formed(edge.role) && rules::fits(edge.role, kind)
}

/// Returns the first property of a step that does not hold: R4, V8, S2, S7, S6, L3, C1, C4, Q3, A5. That a refused
/// operation changes nothing follows from the type of [`Outcome`]; the replay compares that the crate changes nothing
/// either.
pub fn broken_step<const N: usize, const M: usize>(
    before: &State<N, M>,
    ops: &[Op],
    refusals: &[Refusal],
    outcome: &Outcome<N, M>,
) -> Option<Broken> {
    // Refusals do not depend on the order of a reopen, and there are many of them.
    if let ([op], []) = (ops, refusals)
        && orders::tried(before, op, outcome).is_none()
    {
        return Some("the order of a reopen's list does not matter (R4)");
    }
    if let Outcome::Violates { .. } = outcome
        && ops.iter().all(|op| loosens(before, op))
    {
        return Some("a loosening is never refused by the pure part (V8)");
    }
    let Outcome::Done { next, plan, .. } = outcome else {
        return None;
    };
    let kept = |n: NodeId| {
        let filtered = |s: &State<N, M>| s.children(n).any(|e| e.role.has(Role::FILTERED));
        // One operation can free a name, but none can free a name and take it again.
        ops.len() > 1 || !filtered(before) || !lives(next, n.0) || filtered(next)
    };
    if !before.names().all(kept) {
        return Some("a filter that has had a child has one (S2)");
    }
    // An edge's place in the child's parents list may change with the other edges.
    let same = |e: &Edge, f: &Edge| f.id() == e.id() && f.child == e.child && f.role == e.role && f.frozen;
    let unfrozen = |e: &Edge| e.frozen && !next.edges().iter().any(|f| same(e, f));
    let mut frozen = before.edges().iter().filter(|e| matches!(e.parent, Parent::Node(p) if lives(next, p.0)));
    if ops.len() == 1 && !thaws(&ops[0]) && frozen.any(unfrozen) {
        return Some("a frozen edge stays as it is (S7)");
    }
    let lives_on = |n: &NodeId| lives(next, n.0) && !ops.iter().any(|op| op.makes().contains(n));
    let names = || before.names().filter(lives_on);
    let renamed = |n: NodeId| before.nodes[n.0 as usize].stored != next.nodes[n.0 as usize].stored;
    if names().any(|n| renamed(n) && next.nodes[n.0 as usize].has_driver() && !plan.rename.contains(&n)) {
        return Some("a stored name changes only by the driver's rename (S6)");
    }
    let kept = |e: &Edge| next.edges().iter().all(|f| f.id() != e.id() || f.wanted == e.wanted);
    let orphaned =
        |e: &&Edge| matches!(e.parent, Parent::Node(p) if before.nodes[p.0 as usize].ejected && lives_on(&p));
    if !before.edges().iter().filter(orphaned).all(kept) {
        return Some("the edges of a node without a driver keep their pairs (L3)");
    }
    let changed = |n: &NodeId, of: fn(&Node) -> u16| of(&before.nodes[n.0 as usize]) != of(&next.nodes[n.0 as usize]);
    let asked = |n: &NodeId| next.nodes[n.0 as usize].has_driver();
    let moves = |n: &NodeId| plan.context.iter().any(|(moved, _)| moved == n);
    if names().any(|n| changed(&n, |node| node.context.0.into()) && asked(&n) && !moves(&n)) {
        return Some("a context changes only by asking the driver (C4)");
    }
    let told = |n: &NodeId| plan.inactivate.contains(n) || plan.activate.contains(n);
    if names().any(|n| changed(&n, |node| node.flags.inactive.into()) && asked(&n) && !told(&n)) {
        return Some("a node becomes active or inactive only by asking the driver (A5)");
    }
    if !ops.iter().any(is_about_sections)
        && (before.drain_alls != next.drain_alls || names().any(|n| changed(&n, |node| node.sections)))
    {
        return Some("only the operations on sections open and end them (Q3)");
    }
    let moved = |e: &Edge| {
        let place = |s: &State<N, M>, child: NodeId| s.nodes[child.0 as usize].context;
        let after = next.edges().iter().find(|f| f.id() == e.id());
        after.is_some_and(|f| place(before, e.child) != place(next, f.child))
    };
    let detaches = ops.iter().any(|op| matches!(op, Op::DetachUser { .. }));
    if !detaches && before.edges().iter().any(|e| e.user_flags.fixed && moved(e)) {
        return Some("the context of a fixed user never changes (C1)");
    }
    None
}

/// Returns whether the operation thaws: thaw, and the ends of jobs that freeze a chain.
fn thaws(op: &Op) -> bool {
    match op {
        Op::Thaw { .. } => true,
        Op::Stream { act, .. } | Op::Commit { act, .. } | Op::CommitActive { act, .. } => *act != Act::Start,
        _ => false,
    }
}

fn is_about_sections(op: &Op) -> bool {
    matches!(op, Op::DrainBegin { .. } | Op::DrainEnd { .. } | Op::DrainAllBegin {} | Op::DrainAllEnd {})
}

/// Returns whether this is one of the operations of V8, which only take something away.
pub fn loosens<const N: usize, const M: usize>(before: &State<N, M>, op: &Op) -> bool {
    match *op {
        Op::Release { .. } | Op::DetachUser { .. } | Op::Detach { .. } | Op::Freeze { .. } | Op::Thaw { .. } => true,
        Op::Hold { .. } | Op::Delete { .. } | Op::Eject { .. } | Op::Block { .. } | Op::Unblock { .. } => true,
        Op::CheckOp { .. } | Op::CheckReplace { .. } | Op::RemoveChild { .. } | Op::Truncate { .. } => true,
        op if is_about_sections(&op) => true,
        Op::SetUser { user, pair } => {
            before.edge_index(crate::op::EdgeId::User(user)).is_some_and(|i| pair.loosens(before.edges()[i].wanted))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMES, broken, broken_step};
    use crate::judge::Outcome;
    use crate::op::{ChildName, Context, EdgeId, Kind, NodeId, Op, Role, Spec, UserId};
    use crate::perm::{ALL, NONE, Pair, W};
    use crate::state::{Edge, Inherits, Node, Parent, State};

    type S = State<3, 4>;
    const FILTERED: Role = Role(Role::FILTERED.0 | Role::PRIMARY.0);

    fn edge(parent: u8, child: u8, role: Role) -> Edge {
        Edge { parent: Parent::Node(NodeId(parent)), child: NodeId(child), role, ..Edge::NONE }
    }

    fn user(user: u8, child: u8, wanted: Pair) -> Edge {
        Edge { parent: Parent::User(UserId(user.into())), child: NodeId(child), wanted, ..Edge::NONE }
    }

    /// Builds n0 as a filter over n1, and n2 without edges.
    fn sound() -> S {
        let mut s = S::default();
        s.nodes = [Kind::Filter, Kind::NoPermission, Kind::NoPermission].map(|kind| Node::open(Spec::plain(kind)));
        s.insert(edge(0, 1, FILTERED));
        s
    }

    /// A check must be able to fail. For each invariant there is a state that breaks it and no earlier one.
    #[test]
    fn each_invariant_can_be_broken() {
        assert_eq!(broken(&sound()), None);
        let breaks: [fn(&mut S); 14] = [
            |s| s.nodes[1] = Node::NONE,
            |s| s.insert(edge(1, 0, Role::COW)),
            |s| {
                s.insert(user(0, 1, Pair::new(W, ALL)));
                s.insert(user(1, 1, Pair::new(NONE, ALL - W)));
            },
            |s| {
                s.insert(user(0, 2, Pair::new(W, ALL)));
                s.nodes[2].flags.read_only = true;
            },
            |s| s.nodes[2].monitor = false,
            |s| s.edge_mut(0).rank = 1,
            |s| s.insert(Edge { name: ChildName(2), ..edge(0, 2, FILTERED) }),
            |s| s.nodes[2].flags.force_share = true,
            |s| s.nodes[2].inherits = Some(Inherits { from: NodeId(2), read_only: true }),
            |s| s.nodes[2].flags.implicit = true,
            |s| s.edge_mut(0).wanted = Pair::new(W, ALL),
            |s| s.nodes[1].flags.inactive = true,
            |s| {
                s.nodes = [Kind::ExclusiveWriter, Kind::NoPermission, Kind::NoPermission]
                    .map(|kind| Node::open(Spec::plain(kind)));
                (s.nodes[0].flags.inactive, s.nodes[1].flags.inactive) = (true, true);
            },
            |s| s.nodes[1].context = Context(1),
        ];
        for (place, spoil) in breaks.iter().enumerate() {
            let mut s = sound();
            spoil(&mut s);
            let found = broken(&s).unwrap_or_else(|| panic!("not noticed: {}", NAMES[place]));
            assert_eq!(found, NAMES[place]);
        }
    }

    #[test]
    fn each_invariant_of_steps_can_be_broken() {
        let mut frozen = sound();
        frozen.edge_mut(0).frozen = true;
        let done = |next| {
            let (plan, drain_notices, closed) = Default::default();
            Outcome::<3, 4>::Done { next, plan, drain_notices, closed }
        };
        let mut lost = sound();
        lost.remove(0);
        let release = [Op::Release { node: NodeId(2) }];
        let kinds = Default::default();
        assert!(
            broken_step(&sound(), &release, &[], &Outcome::Violates { graph: sound(), kinds, besides: Vec::new() })
                .is_some()
        );
        assert!(broken_step(&sound(), &release, &[], &done(lost)).is_some());
        assert!(broken_step(&frozen, &release, &[], &done(sound())).is_some());
        assert!(broken_step(&frozen, &[Op::Thaw { top: NodeId(0), base: None }], &[], &done(sound())).is_none());
        assert!(broken_step(&frozen, &release, &[], &done(frozen)).is_none());
        assert!(sound().edge_index(EdgeId::Child(NodeId(0), ChildName::FILE)).is_some());
        // S6: the stored name changes, and the driver is not asked.
        let mut renamed = sound();
        renamed.nodes[1].stored = Some(NodeId(0));
        assert!(broken_step(&sound(), &release, &[], &done(renamed)).is_some_and(|broken| broken.contains("S6")));
        // L3: the driver is gone, but the pair changes.
        let mut ejected = sound();
        ejected.nodes[0].ejected = true;
        let mut other = ejected;
        other.edge_mut(0).wanted = Pair::new(W, ALL);
        assert!(broken_step(&ejected, &release, &[], &done(other)).is_some_and(|broken| broken.contains("L3")));
        assert!(broken_step(&ejected, &release, &[], &done(ejected)).is_none());
        let breaks = |before: S, spoil: fn(&mut S)| {
            let mut next = before;
            spoil(&mut next);
            broken_step(&before, &release, &[], &done(next)).unwrap_or("nothing")
        };
        assert!(breaks(sound(), |s| s.nodes[2].context = Context(1)).contains("C4"));
        assert!(breaks(sound(), |s| s.nodes[2].flags.inactive = true).contains("A5"));
        assert!(breaks(sound(), |s| s.nodes[2].sections = 1).contains("Q3"));
        assert!(breaks(sound(), |s| s.drain_alls = 1).contains("Q3"));
        let mut fixed = sound();
        fixed.nodes[2].ejected = true;
        fixed.insert(user(0, 2, Pair::FREE));
        let place = fixed.edge_index(EdgeId::User(UserId(0))).unwrap();
        fixed.edge_mut(place).user_flags.fixed = true;
        assert!(breaks(fixed, |s| s.nodes[2].context = Context(1)).contains("C1"));
    }
}
