//! P3, enumerated: all 2²⁰ ways in which two parents of one node can need and share, against the sentence bit by bit.

use crate::{every_pair, every_two};
use blockgraph::drivers::Protocol;
use blockgraph::{ErrorKind, Graph, NodeSpec, Permissions, Preset};
use blockgraph_check::translate::{pair, pair_back};
use blockgraph_model::derived::derive;
use blockgraph_model::rules::conflict;
use blockgraph_model::{
    EdgeId, Kind, NodeId, Op, Outcome, Pair, Perms, Spec, State, UserFlags, UserId, Violation, execute,
};

/// In so many ways there is no conflict either way.
const PEACE: u32 = 9_u32.pow(5);

/// The bits that *a* needs and *b* does not share.
fn missing(a: Pair, b: Pair) -> u8 {
    let mut bits = 0;
    for bit in [1, 2, 4, 8, 16] {
        let needed = a.need.0 & bit != 0;
        let shared = b.share.0 & bit != 0;
        if needed && !shared {
            bits |= bit;
        }
    }
    bits
}

/// The relation as such. A bit stands in *a* and *b* in one of 16 ways; 12 of them are no conflict of *a* with *b*, and 9 none
/// either way.
#[test]
fn the_relation_is_its_definition() {
    let (mut one_way, mut either_way) = (0, 0);
    for (a, b) in every_two() {
        let defined = (missing(a, b) != 0, missing(b, a) != 0);
        assert_eq!((conflict(a, b), conflict(b, a)), defined, "{a:?} {b:?}");
        let either = defined.0 || defined.1;
        assert_eq!(pair(a).conflicts_with(pair(b)), either, "{a:?} {b:?}");
        assert_eq!(pair(b).conflicts_with(pair(a)), either, "{a:?} {b:?}");
        one_way += u32::from(defined.0);
        either_way += u32::from(either);
    }
    assert_eq!((one_way, either_way), ((1 << 20) - 12_u32.pow(5), (1 << 20) - PEACE));
}

/// P3 and P10: giving something up causes no conflict. The test covers all pairs of pairs, loosened by one bit.
#[test]
fn loosening_never_makes_a_conflict() {
    for (a, b) in every_two() {
        if pair(a).conflicts_with(pair(b)) {
            continue;
        }
        for bit in (0..5).map(|bit| Perms(1 << bit)) {
            for looser in [Pair::new(a.need - bit, a.share), Pair::new(a.need, a.share | bit)] {
                let peace = !conflict(looser, b) && !conflict(b, looser) && !pair(looser).conflicts_with(pair(b));
                assert!(peace, "{a:?} {b:?} {looser:?}");
            }
        }
    }
}

const NODE: NodeId = NodeId(0);
const USERS: [UserId; 2] = [UserId(0), UserId(1)];

/// A node of the model with two users.
fn two_users() -> State<1, 2> {
    let attach =
        |user| Op::AttachUser { user, node: NODE, pair: Pair::FREE, user_flags: UserFlags::NONE, context: None };
    let add = Op::Add { node: NODE, spec: Spec::plain(Kind::Protocol) };
    match execute(&State::default(), &[add, attach(USERS[0]), attach(USERS[1])], &[]) {
        Outcome::Done { next, .. } => next,
        _ => panic!("two users of a node"),
    }
}

/// V3.2, V4 of the model: exactly the directions in which something is missing are named, and without any the sums are
/// those of P2.
#[test]
fn the_model_names_the_directions() {
    let state = two_users();
    let mut peace = 0;
    for (a, b) in every_two() {
        let ops = [(USERS[0], a), (USERS[1], b)].map(|(user, pair)| Op::SetUser { user, pair });
        let named = |[needs, denies]: [UserId; 2]| {
            let (needs, denies) = (EdgeId::User(needs), EdgeId::User(denies));
            Violation::Conflict { node: NODE, needs, denies }
        };
        let directions = [(missing(a, b), USERS), (missing(b, a), [USERS[1], USERS[0]])];
        let expected: Vec<_> =
            directions.into_iter().filter(|(bits, _)| *bits != 0).map(|(_, way)| named(way)).collect();
        match execute(&state, &ops, &[]) {
            Outcome::Done { next, .. } if expected.is_empty() => {
                assert_eq!(derive(&next).unwrap().nodes[0], a.with(b));
                peace += 1;
            }
            outcome => assert_eq!(outcome.violations(), expected, "{a:?} {b:?}"),
        }
    }
    assert_eq!(peace, PEACE);
}

/// The parties of the error: the user that needs the bits and the user that does not share them.
fn parties(verdict: Result<(), blockgraph::Error>) -> Option<(String, String, Permissions)> {
    let error = verdict.err()?;
    let ErrorKind::Conflict { needs, denies, missing, .. } = error.kind() else { panic!("{error:?}") };
    Some((needs.parent_name.to_string(), denies.parent_name.to_string(), *missing))
}

/// V3.2, V4 of the crate: the second user is refused exactly then, when it comes and when it changes its mind, and alike; the
/// error names a direction in which something is missing, and all that is. What is refused changes nothing; what is not adds up
/// (P2), and is gone when the user is.
#[test]
fn the_crate_names_one_direction() {
    let mut graph: Graph<Preset> = Graph::new();
    let [coming, changing] =
        ["coming", "changing"].map(|name| graph.add(NodeSpec::new(name), Protocol.into()).unwrap());
    let firsts = [coming, changing].map(|node| {
        let name = if node == coming { "a" } else { "A" };
        graph.attach_user(name, node, blockgraph::Pair::NOTHING, false).unwrap()
    });
    let second = graph.attach_user("B", changing, blockgraph::Pair::NOTHING, false).unwrap();
    let sum = |graph: &Graph<Preset>, node| pair_back(graph.get(node).unwrap().pair());
    let mut peace = 0;
    for a in every_pair() {
        graph.set_user(second, blockgraph::Pair::NOTHING).unwrap();
        firsts.iter().for_each(|user| graph.set_user(*user, pair(a)).unwrap());
        let mut present = a;
        for b in every_pair() {
            let came = graph.attach_user("b", coming, pair(b), false);
            assert_eq!(sum(&graph, coming), if came.is_ok() { a.with(b) } else { a }, "{a:?} {b:?}");
            if let Ok(user) = came {
                graph.detach_user(user).unwrap();
                assert_eq!(sum(&graph, coming), a, "{a:?} {b:?}");
            }
            let changed = graph.set_user(second, pair(b));
            if changed.is_ok() {
                (present, peace) = (a.with(b), peace + 1);
            }
            assert_eq!(sum(&graph, changing), present, "{a:?} {b:?}");
            let named = parties(came.map(drop));
            let loud = named.clone().map(|(needs, denies, bits)| (needs.to_uppercase(), denies.to_uppercase(), bits));
            assert_eq!(parties(changed), loud, "{a:?} {b:?}");
            let directions = [(missing(a, b), ["a", "b"]), (missing(b, a), ["b", "a"])].into_iter();
            let mut directions = directions.filter(|(bits, _)| *bits != 0);
            let right = match &named {
                Some((needs, denies, bits)) => directions.any(|way| way == (bits.bits(), [needs, denies])),
                None => directions.next().is_none(),
            };
            assert!(right, "{a:?} {b:?}: {named:?}");
        }
    }
    assert_eq!((peace, graph.inconsistencies()), (PEACE, vec![]));
}
