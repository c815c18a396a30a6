//! Contexts (C1 to C5, O35).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::drivers::{Filter, Format, NoPermission};
use blockgraph::{
    Committed, ContextId, ErrorKind, Graph, NodeKey, NodeSpec, Pair, PlanStep, Refusal, RestoreError, Role, UserKey,
    UserSpec,
};
use common::{Behaviour, Injected, add, behave, chain};

const MAIN: ContextId = ContextId::MAIN;
const ONE: ContextId = ContextId(1);
const TWO: ContextId = ContextId(2);

fn context(graph: &Graph<Injected>, node: NodeKey) -> ContextId {
    graph.get(node).unwrap().context()
}

fn user(name: &str) -> UserSpec {
    UserSpec::new(name, Pair::NOTHING)
}

fn fixed(name: &str, context: ContextId) -> UserSpec {
    user(name).fixed(true).context(context)
}

/// `names` without edges.
fn nodes<const N: usize>(names: [&str; N]) -> (Graph<Injected>, [NodeKey; N]) {
    let mut graph = Graph::new();
    let nodes = names.map(|name| add(&mut graph, name, NoPermission));
    (graph, nodes)
}

/// A node in this context, by a movable user that is called like it.
fn place(graph: &mut Graph<Injected>, node: NodeKey, context: ContextId) -> UserKey {
    let name = graph.get(node).unwrap().name().clone();
    graph.attach_user_as(UserSpec::new(name, Pair::NOTHING).context(context), node).unwrap()
}

/// Returns the nodes that were asked to move, with the contexts.
fn asked(committed: &Committed<Injected>) -> Vec<(NodeKey, ContextId, bool)> {
    let mut asked: Vec<_> = committed
        .plan
        .iter()
        .filter_map(|step| match *step {
            PlanStep::Context { node, to, wish } => Some((node, to, wish)),
            _ => None,
        })
        .collect();
    asked.sort();
    asked
}

/// C1: main to begin with; users are where their nodes are.
#[test]
fn everything_begins_in_main() {
    let (mut graph, [a, b]) = nodes(["a", "b"]);
    let guest = graph.attach_user_as(user("guest"), a).unwrap();
    let view = graph.user_view(guest).unwrap();
    assert_eq!((context(&graph, a), view.context(), view.is_fixed()), (MAIN, MAIN, false));
    graph.move_context(a, ONE).unwrap();
    assert_eq!((context(&graph, a), graph.user_view(guest).unwrap().context()), (ONE, ONE));
    // A fixed user that says nothing is fixed to where the node is before the operation.
    let mut t = graph.transaction();
    t.attach_user_as(user("stuck").fixed(true), a).unwrap();
    t.move_context(a, TWO).unwrap();
    let error = t.commit().unwrap_err();
    let ErrorKind::ContextFixed { node, to, user: edge, context: lives } = error.kind() else { panic!("{error}") };
    assert_eq!((node.key, *to, &*edge.parent_name, *lives), (a, TWO, "stuck", ONE));
    let stuck = graph.attach_user_as(user("stuck").fixed(true), a).unwrap();
    assert!(graph.user_view(stuck).unwrap().is_fixed());
    graph.move_context(a, TWO).unwrap_err();
    // On a node that the operation makes, that is main.
    let mut t = graph.transaction();
    let new = t.add(NodeSpec::new("new"), Injected::no_permission()).unwrap();
    t.attach_user_as(user("new").fixed(true), new).unwrap();
    t.attach(new, b, "x", Role::DATA).unwrap();
    t.move_context(b, ONE).unwrap();
    assert!(matches!(t.commit().unwrap_err().kind(), ErrorKind::ContextFixed { context: MAIN, .. }));
    assert_eq!(graph.inconsistencies(), []);
}

/// H34: if one side cannot move, the other one does. If neither can, nothing moves.
#[test]
fn attaching_aligns_contexts() {
    let (mut graph, [a, b]) = nodes(["a", "b"]);
    graph.attach_user_as(fixed("blk", ONE), a).unwrap();
    let mut t = graph.transaction();
    t.attach(a, b, "x", Role::DATA).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((context(&graph, b), asked(&committed)), (ONE, vec![(b, ONE, false)]));

    let (mut graph, [a, b]) = nodes(["a", "b"]);
    graph.attach_user_as(fixed("blk", ONE), a).unwrap();
    graph.attach_user_as(user("other").fixed(true), b).unwrap();
    let before = graph.save();
    let error = graph.attach(a, b, "x", Role::DATA).unwrap_err();
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    let ErrorKind::ContextClash { user: blk, context: one, other, other_context } = error.kind() else {
        panic!("{error}")
    };
    assert_eq!((&*blk.parent_name, *one, &*other.parent_name, *other_context), ("blk", ONE, "other", MAIN));
    assert!(error.kind().is_violation() && error.step().is_none());
    assert_eq!(error.to_string(), "Cannot change iothread of active block backend 'blk' from 1 to 0, where 'other' is");
    assert_eq!(format!("{error:#}"), "Cannot change iothread of active block backend");

    let (mut graph, [a, b]) = nodes(["a", "b"]);
    place(&mut graph, a, ONE);
    graph.attach_user_as(user("other").fixed(true), b).unwrap();
    graph.attach(a, b, "x", Role::DATA).unwrap();
    assert_eq!((context(&graph, a), context(&graph, b), graph.inconsistencies()), (MAIN, MAIN, vec![]));
}

/// The two users of a clash are in the order of their names, whichever is found first.
#[test]
fn a_clash_is_named_in_order() {
    for names in [["x", "y"], ["y", "x"]] {
        let (mut graph, [a, b]) = nodes(["a", "b"]);
        graph.attach_user_as(fixed(names[0], ONE), a).unwrap();
        graph.attach_user_as(fixed(names[1], TWO), b).unwrap();
        let error = graph.attach(a, b, "x", Role::DATA).unwrap_err();
        let ErrorKind::ContextClash { user, context, other, other_context } = error.kind() else { panic!("{error}") };
        assert_eq!((&*user.parent_name, &*other.parent_name), ("x", "y"));
        let lives = if names[0] == "x" { (ONE, TWO) } else { (TWO, ONE) };
        assert_eq!((*context, *other_context), lives);
    }
}

/// H35: a move asks all that is connected, upwards and downwards.
#[test]
fn a_move_heeds_other_parents() {
    let (mut graph, [a, b, c, d]) = nodes(["a", "b", "c", "d"]);
    graph.attach(a, c, "x", Role::DATA).unwrap();
    graph.attach(b, c, "x", Role::DATA).unwrap();
    graph.attach(b, d, "y", Role::DATA).unwrap();
    let guest = graph.attach_user_as(user("guest").fixed(true), b).unwrap();
    let before = graph.save();
    let error = graph.move_context(a, ONE).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ContextFixed { .. }));
    assert_eq!(
        error.to_string(),
        "Cannot change iothread of active block backend 'guest' from 0 to 1 together with node 'a'"
    );
    assert_eq!(graph.save(), before);
    graph.detach_user(guest).unwrap();
    let mut t = graph.transaction();
    t.move_context(a, ONE).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!(asked(&committed), [a, b, c, d].map(|node| (node, ONE, false)));
    // A move to the present context asks no driver.
    let mut t = graph.transaction();
    t.move_context(d, ONE).unwrap();
    assert_eq!(asked(&t.commit().unwrap()), []);
    refused!(graph, NodeNotFound, t => t.move_context(NodeKey::default(), ONE));
}

/// C2.1: of several requests the last one counts, also if they name different nodes, and it is the one that is named.
#[test]
fn the_last_request_counts() {
    let (mut graph, nodes) = chain(2);
    let mut t = graph.transaction();
    t.move_context(nodes[0], ONE).unwrap();
    let savepoint = t.savepoint();
    t.move_context(nodes[1], ContextId(9)).unwrap();
    t.rollback_to(savepoint).unwrap();
    assert_eq!(context(&t, nodes[0]), MAIN, "the judgement decides");
    t.move_context(nodes[1], TWO).unwrap();
    t.commit().unwrap();
    assert_eq!(context(&graph, nodes[0]), TWO);
    graph.attach_user_as(user("stuck").fixed(true), nodes[0]).unwrap();
    let mut t = graph.transaction();
    t.move_context(nodes[0], ONE).unwrap();
    t.move_context(nodes[1], TWO).unwrap();
    t.commit().unwrap();
    let mut t = graph.transaction();
    t.move_context(nodes[0], TWO).unwrap();
    t.move_context(nodes[1], ONE).unwrap();
    let error = t.commit().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ContextFixed { node, to: ONE, .. } if node.key == nodes[1]));
    // A fixed user that agrees goes before what an edge says.
    let aside = add(&mut graph, "aside", NoPermission);
    place(&mut graph, aside, ONE);
    let mut t = graph.transaction();
    t.attach(aside, nodes[1], "x", Role::DATA).unwrap();
    t.move_context(aside, TWO).unwrap();
    t.commit().unwrap();
    assert_eq!((context(&graph, aside), graph.inconsistencies()), (TWO, vec![]));
}

/// C2.2: a request goes before edges; then the parent end of the first new edge decides.
#[test]
fn a_request_then_the_parent_ends() {
    for request in [None, Some(ContextId(5))] {
        let (mut graph, [a, b, c]) = nodes(["a", "b", "c"]);
        for (node, context) in [(a, ONE), (b, TWO)] {
            place(&mut graph, node, context);
        }
        let mut t = graph.transaction();
        t.attach(b, c, "x", Role::DATA).unwrap();
        t.attach(a, c, "x", Role::DATA).unwrap();
        if let Some(to) = request {
            t.move_context(a, to).unwrap();
        }
        t.commit().unwrap();
        // They differ.
        let to = request.unwrap_or(ContextId::MAIN);
        assert_eq!([a, b, c].map(|node| context(&graph, node)), [to; 3]);
        assert_eq!(graph.inconsistencies(), []);
    }
}

/// An edge counts with the target that it got last, whatever the order; one that is gone is none.
#[test]
fn the_order_does_not_matter() {
    for turned in [false, true] {
        let (mut graph, [a, b, c, d]) = nodes(["a", "b", "c", "d"]);
        place(&mut graph, a, ONE);
        place(&mut graph, b, TWO);
        place(&mut graph, d, ONE);
        let mut t = graph.transaction();
        let gone = t.attach(b, c, "gone", Role::DATA).unwrap();
        let edge = t.attach(a, d, "x", Role::DATA).unwrap();
        if turned {
            t.replace_edge(edge, c).unwrap();
            t.attach(d, c, "x", Role::DATA).unwrap();
        } else {
            t.attach(d, c, "x", Role::DATA).unwrap();
            t.replace_edge(edge, c).unwrap();
        }
        t.detach(gone).unwrap();
        t.commit().unwrap();
        assert_eq!([a, b, c, d].map(|node| context(&graph, node)), [ONE, TWO, ONE, ONE]);
        assert_eq!(graph.inconsistencies(), []);
    }
    // Two that differ: main, in any order.
    for turned in [false, true] {
        let (mut graph, [a, b, c]) = nodes(["a", "b", "c"]);
        place(&mut graph, a, ONE);
        place(&mut graph, b, TWO);
        let mut t = graph.transaction();
        for parent in if turned { [b, a] } else { [a, b] } {
            t.attach(parent, c, "x", Role::DATA).unwrap();
        }
        t.commit().unwrap();
        assert_eq!([a, b, c].map(|node| context(&graph, node)), [ContextId::MAIN; 3]);
    }
}

/// What the operation makes has no context of its own: a filter put in goes where its node is, a new user says nothing.
#[test]
fn what_is_new_has_no_say() {
    let (mut graph, nodes) = chain(2);
    graph.move_context(nodes[0], ONE).unwrap();
    let mut t = graph.transaction();
    let filter = t.insert(NodeSpec::new("f"), Injected::new(Filter, Behaviour::Accept), nodes[1]).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!(asked(&committed), [(filter, ONE, false)], "it begins in main");
    let mut t = graph.transaction();
    let top = t.add(NodeSpec::new("top"), Injected::no_permission()).unwrap();
    let guest = t.attach_user_as(user("guest"), top).unwrap();
    t.attach(top, filter, "x", Role::DATA).unwrap();
    t.commit().unwrap();
    assert_eq!((context(&graph, top), graph.user_view(guest).unwrap().context()), (ONE, ONE));
    // If all nodes are new, they are in the main context, and no driver is asked.
    let mut t = graph.transaction();
    let [a, b] = ["a", "b"].map(|name| t.add(NodeSpec::new(name), Injected::no_permission()).unwrap());
    t.attach(a, b, "x", Role::DATA).unwrap();
    t.attach_user_as(user("new"), a).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((context(&graph, a), asked(&committed)), (MAIN, vec![]));
    // A new node between two old ones: its edge has no say, theirs has.
    let mut t = graph.transaction();
    let between = t.add(NodeSpec::new("between"), Injected::no_permission()).unwrap();
    t.attach(between, top, "x", Role::DATA).unwrap();
    t.attach(a, between, "y", Role::DATA).unwrap();
    t.commit().unwrap();
    assert_eq!([between, top, nodes[0]].map(|node| context(&graph, node)), [MAIN; 3]);
    assert_eq!(graph.inconsistencies(), []);
}

/// The child ends are asked only if no parent end has a context; a new user that says one is asked.
#[test]
fn child_ends_come_last() {
    let (mut graph, [a, b]) = nodes(["a", "b"]);
    place(&mut graph, a, TWO);
    place(&mut graph, b, TWO);
    let mut t = graph.transaction();
    let top = t.add(NodeSpec::new("top"), Injected::no_permission()).unwrap();
    t.attach(top, b, "x", Role::DATA).unwrap();
    t.attach(top, a, "y", Role::DATA).unwrap();
    let before = t.savepoint();
    t.attach_user_as(user("guest").context(ContextId(3)), top).unwrap();
    t.rollback_to(before).unwrap();
    t.commit().unwrap();
    assert_eq!([a, b, top].map(|node| context(&graph, node)), [TWO; 3]);
    let mut t = graph.transaction();
    let guest = t.attach_user_as(user("guest").context(ContextId(3)), b).unwrap();
    t.commit().unwrap();
    assert_eq!([a, b, top].map(|node| context(&graph, node)), [ContextId(3); 3]);
    // What it said then means nothing later.
    graph.move_context(a, ONE).unwrap();
    assert_eq!(graph.user_view(guest).unwrap().context(), ONE);
    let c = add(&mut graph, "c", NoPermission);
    graph.replace_edge(graph.user_view(guest).unwrap().edge(), c).unwrap();
    assert_eq!((context(&graph, c), graph.inconsistencies()), (ONE, vec![]));
}

/// A user that moves has the context of its node of before the operation, wherever it was in between; a fixed one
/// takes everything along, or is in the way.
#[test]
fn users_that_move() {
    let (mut graph, [a, b, c]) = nodes(["a", "b", "c"]);
    let guest = place(&mut graph, a, ONE);
    place(&mut graph, b, TWO);
    let edge = graph.user_view(guest).unwrap().edge();
    let mut t = graph.transaction();
    t.replace_edge(edge, b).unwrap();
    t.replace_edge(edge, c).unwrap();
    t.commit().unwrap();
    assert_eq!([a, b, c].map(|node| context(&graph, node)), [MAIN, TWO, ONE], "a is an orphan");
    let stuck = graph.attach_user_as(user("stuck").fixed(true), a).unwrap();
    let mut t = graph.transaction();
    t.replace_edge(edge, a).unwrap();
    let committed = t.commit().unwrap();
    // Nothing about the node changes but that it has one more user, which has gone to where the fixed one is.
    assert_eq!((context(&graph, a), graph.user_view(guest).unwrap().context()), (MAIN, MAIN));
    assert_eq!(committed.quiesced_users(), [guest]);
    assert_eq!(committed.resumed_users(), [guest]);
    assert!(!committed.quiesced().contains(&a));
    let edge = graph.user_view(stuck).unwrap().edge();
    graph.replace_edge(edge, b).unwrap();
    assert_eq!(context(&graph, b), MAIN);
    graph.attach_user_as(user("other").fixed(true).context(ONE), c).unwrap();
    assert!(matches!(graph.replace_edge(edge, c).unwrap_err().kind(), ErrorKind::ContextClash { .. }));
    assert_eq!(graph.inconsistencies(), []);
}

/// C2 is about the final graph, doomed nodes included: what one of them connects is one component.
#[test]
fn doomed_nodes_connect() {
    let (mut graph, [a, b, c]) = nodes(["a", "b", "c"]);
    place(&mut graph, a, ONE);
    graph.attach_user_as(user("stuck").fixed(true), b).unwrap();
    let mut t = graph.transaction();
    t.attach(c, a, "x", Role::DATA).unwrap();
    t.attach(c, b, "y", Role::DATA).unwrap();
    t.release(c).unwrap();
    t.commit().unwrap();
    assert_eq!((context(&graph, a), context(&graph, b)), (MAIN, MAIN));
    // What was taken apart before the end is none.
    let d = add(&mut graph, "d", NoPermission);
    place(&mut graph, d, TWO);
    let mut t = graph.transaction();
    let edge = t.attach(d, b, "x", Role::DATA).unwrap();
    t.detach(edge).unwrap();
    assert_eq!(asked(&t.commit().unwrap()), []);
    assert_eq!((context(&graph, d), graph.inconsistencies()), (TWO, vec![]));
}

/// Two components outside main, `a` over `b` and `c` alone, each with a user.
fn two_components() -> (Graph<Injected>, [NodeKey; 3], [UserKey; 2]) {
    let (mut graph, [a, b, c]) = nodes(["a", "b", "c"]);
    graph.attach(a, b, "x", Role::DATA).unwrap();
    let users = [place(&mut graph, a, ONE), place(&mut graph, c, TWO)];
    (graph, [a, b, c], users)
}

/// C3: a component without users goes back to main; with one it stays.
#[test]
fn orphans_go_home() {
    let (mut graph, [a, b, c], [guest, other]) = two_components();
    let second = graph.attach_user_as(user("second"), b).unwrap();
    graph.detach_user(guest).unwrap();
    assert_eq!([a, b, c].map(|node| context(&graph, node)), [ONE, ONE, TWO]);
    let mut t = graph.transaction();
    t.detach_user(second).unwrap();
    t.detach_user(other).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!(asked(&committed), [a, b, c].map(|node| (node, MAIN, true)));
    assert_eq!([a, b, c].map(|node| context(&graph, node)), [MAIN; 3]);
    assert_eq!((committed.aborts().count(), committed.stayed().count(), graph.inconsistencies()), (0, 0, vec![]));
    // Without a lost parent edge, no component is an orphan.
    graph.move_context(a, ONE).unwrap();
    let new = graph.attach_user_as(user("new"), b).unwrap();
    graph.set_user(new, common::READER).unwrap();
    graph.hold(a).unwrap();
    assert_eq!(context(&graph, a), ONE);
}

/// C3: an edge that moves away, and one that goes with a closed parent, are lost, too.
#[test]
fn orphans_by_moving_and_closing() {
    let (mut graph, [a, b, c], [guest, _]) = two_components();
    graph.replace_edge(graph.user_view(guest).unwrap().edge(), c).unwrap();
    assert_eq!([a, b, c].map(|node| context(&graph, node)), [MAIN, MAIN, ONE]);
    graph.move_context(a, TWO).unwrap();
    graph.release(a).unwrap();
    assert!(graph.get(a).is_none());
    assert_eq!((context(&graph, b), graph.inconsistencies()), (MAIN, vec![]));
}

/// C3: what C2 looked at in the same operation is where C2 put it.
#[test]
fn a_settled_component_is_no_orphan() {
    let (mut graph, [a, b, _], [guest, _]) = two_components();
    let mut t = graph.transaction();
    t.detach_user(guest).unwrap();
    t.move_context(b, ContextId(4)).unwrap();
    t.commit().unwrap();
    assert_eq!([a, b].map(|node| context(&graph, node)), [ContextId(4); 2]);
    // A new edge within the context is considered, although nothing moves.
    let guest = graph.attach_user_as(user("guest"), a).unwrap();
    let mut t = graph.transaction();
    t.detach_user(guest).unwrap();
    t.attach(a, b, "second", Role::DATA).unwrap();
    assert_eq!(asked(&t.commit().unwrap()), []);
    assert_eq!(context(&graph, a), ContextId(4));
    // The doomed node was part of it.
    let mut t = graph.transaction();
    t.attach(a, b, "third", Role::DATA).unwrap();
    t.release(a).unwrap();
    t.commit().unwrap();
    assert_eq!((context(&graph, b), graph.inconsistencies()), (ContextId(4), vec![]));
}

/// C3: a refusal keeps the component where it is, the others are not touched, and that is no error.
#[test]
fn a_refused_wish() {
    let (mut graph, [a, b, c], users) = two_components();
    behave(&mut graph, b, Behaviour::RefuseContext);
    let mut t = graph.transaction();
    users.iter().for_each(|user| t.detach_user(*user).unwrap());
    let committed = t.commit().unwrap();
    assert_eq!([a, b, c].map(|node| context(&graph, node)), [ONE, ONE, MAIN]);
    assert_eq!(committed.stayed().collect::<Vec<_>>(), [b]);
    assert_eq!((committed.quiesced(), committed.resumed()), (&[c][..], &[c][..]));
    let (aborts, unasked) = (committed.aborts().count(), committed.unasked().count());
    assert_eq!(aborts + unasked, 1, "a was asked before, or not at all");
    let drivers = [a, b, c].map(|node| graph.driver(node).unwrap());
    assert!(drivers.iter().all(|driver| driver.is_settled()));
    assert_eq!(drivers.map(|driver| driver.context), [ONE, ONE, MAIN]);
    assert_eq!((committed.refused, graph.inconsistencies()), (vec![], vec![]));
    // Of C2 a refusal undoes all.
    let before = graph.save();
    let error = graph.move_context(a, TWO).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused { hook: blockgraph::Hook::Context, node, .. } if node.key == b));
    assert_eq!(graph.save(), before);
}

/// A later refusal undoes what was tolerated before.
#[test]
fn a_refused_wish_and_a_refused_check() {
    let (mut graph, [a, b, c], users) = two_components();
    behave(&mut graph, b, Behaviour::RefuseContext);
    let d = add(&mut graph, "d", NoPermission);
    behave(&mut graph, d, Behaviour::RefuseCheck);
    let before = graph.save();
    let mut t = graph.transaction();
    users.iter().for_each(|user| t.detach_user(*user).unwrap());
    t.attach_user("reader", d, common::READER, false).unwrap();
    assert!(matches!(t.commit().unwrap_err().kind(), ErrorKind::Refused { hook: blockgraph::Hook::Check, .. }));
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    assert!([a, b, c].iter().all(|node| graph.driver(*node).unwrap().is_settled()));
}

/// By hand: after the refusal the next step is beyond that component, and what was agreed to in it is to be aborted.
#[test]
fn a_refused_wish_by_hand() {
    for refused_at in 0..3 {
        let (mut graph, nodes) = chain(3);
        let users = [graph.user("u").unwrap(), place(&mut graph, nodes[0], ONE)];
        let c = add(&mut graph, "c", NoPermission);
        let other = place(&mut graph, c, TWO);
        let mut t = graph.transaction();
        users.iter().for_each(|user| t.detach_user(*user).unwrap());
        t.detach_user(other).unwrap();
        let mut judged = t.begin_commit().unwrap();
        let plan: Vec<_> = judged.plan().to_vec();
        let steps: Vec<_> = plan.iter().filter(|step| matches!(step, PlanStep::Context { .. })).copied().collect();
        assert_eq!((steps.len(), steps[3].node()), (4, c));
        assert_eq!(plan[..4], steps, "before the checks");
        (0..refused_at).for_each(|_| judged.done());
        let mut judged = judged.refuse(&Refusal::new("no")).unwrap();
        assert_eq!(judged.next_step(), Some(steps[3]));
        assert!(nodes.iter().all(|node| context(&judged, *node) == ONE));
        while judged.next_step().is_some() {
            judged.done();
        }
        let committed = judged.accept().unwrap();
        let aborts: Vec<_> = committed.aborts().collect();
        assert_eq!(aborts, steps[..refused_at].iter().rev().copied().collect::<Vec<_>>());
        assert!(committed.unasked().eq(steps[refused_at + 1..3].iter().copied()));
        assert!(committed.stayed().eq([steps[refused_at].node()]));
        let contexts = committed.commits().filter(|step| matches!(step, PlanStep::Context { .. }));
        assert!(contexts.eq([steps[3]]));
        assert_eq!((committed.quiesced(), graph.inconsistencies()), (&[c][..], vec![]));
    }
}

/// What is to be aborted when all is given up after a tolerated refusal: what succeeded, newest first.
#[test]
fn giving_up_after_a_refused_wish() {
    let (mut graph, [_, b, c], users) = two_components();
    let mut t = graph.transaction();
    users.iter().for_each(|user| t.detach_user(*user).unwrap());
    let mut judged = t.begin_commit().unwrap();
    let plan = judged.plan().to_vec();
    assert_eq!(plan.iter().map(PlanStep::node).collect::<Vec<_>>().len(), 3);
    judged.done();
    let mut judged = judged.refuse(&Refusal::new("no")).unwrap();
    judged.done();
    drop(judged);
    assert_eq!(graph.pending_aborts(), [plan[2], plan[0]]);
    assert_eq!((context(&graph, b), context(&graph, c), graph.inconsistencies()), (ONE, TWO, vec![]));
}

/// C5: a node without a driver moves with the others and is not asked.
#[test]
fn without_a_driver() {
    let (mut graph, nodes) = chain(3);
    graph.eject_driver(nodes[1]).unwrap();
    let mut t = graph.transaction();
    t.move_context(nodes[2], ONE).unwrap();
    let committed = t.commit().unwrap();
    assert!(nodes.iter().all(|node| context(&graph, *node) == ONE));
    assert_eq!(asked(&committed), [nodes[0], nodes[2]].map(|node| (node, ONE, false)));
    assert_eq!(committed.quiesced().len(), 2, "nor is it told");
}

/// Q4: nodes that were quiesced before are told nothing. The others are quiesced while they move, and so are users.
#[test]
fn moving_is_quiet() {
    let (mut graph, nodes) = chain(3);
    let guest = graph.user("u").unwrap();
    graph.drain_begin(nodes[1]).unwrap();
    let mut t = graph.transaction();
    t.move_context(nodes[0], ONE).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.quiesced(), committed.resumed()), (&nodes[..1], &nodes[..1]));
    assert_eq!((committed.quiesced_users(), committed.resumed_users()), (&[][..], &[][..]));
    let mut t = graph.transaction();
    t.drain_end(nodes[1]).unwrap();
    t.move_context(nodes[0], TWO).unwrap();
    let committed = t.commit().unwrap();
    let mut resumed = committed.resumed().to_vec();
    resumed.sort();
    assert_eq!((committed.quiesced(), resumed), (&nodes[..1], nodes.clone()));
    assert_eq!((committed.quiesced_users(), committed.resumed_users()), (&[][..], &[guest][..]));
    let mut t = graph.transaction();
    t.move_context(nodes[0], ONE).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!((committed.quiesced_users(), committed.resumed_users()), (&[guest][..], &[guest][..]));
}

/// All kinds of ways in which edges come about settle contexts.
#[test]
fn every_operation_settles() {
    let mut graph = Graph::new();
    let [base, top, aside] = ["base", "top", "aside"].map(|name| add(&mut graph, name, Format));
    place(&mut graph, top, ONE);
    graph.set_backing(top, Some(base)).unwrap();
    assert_eq!(context(&graph, base), ONE);
    let file = Injected::no_permission();
    let file = graph.open_child(top, NodeSpec::new("file"), file, "file", Role::DATA | Role::PRIMARY).unwrap();
    assert_eq!(context(&graph, file), ONE);
    place(&mut graph, aside, TWO);
    graph.set_file(top, aside).unwrap();
    assert_eq!(context(&graph, aside), ONE, "the parent decides");
    graph.set_backing(top, None).unwrap();
    assert_eq!(context(&graph, base), MAIN);
    graph.replace_node(aside, base).unwrap();
    assert_eq!((context(&graph, base), context(&graph, aside)), (ONE, MAIN));
    graph.snapshot_node(top, aside).unwrap();
    assert_eq!((context(&graph, top), graph.inconsistencies()), (MAIN, vec![]), "the overlay is the parent");
}

/// A copy and a snapshot have contexts and fixed users; a snapshot of two contexts in one component is none.
#[test]
fn copies_are_where_the_original_is() {
    let (mut graph, nodes) = chain(2);
    graph.attach_user_as(fixed("stuck", ONE), nodes[0]).unwrap();
    let mut copy = graph.clone();
    assert!(matches!(copy.move_context(nodes[0], TWO).unwrap_err().kind(), ErrorKind::ContextFixed { .. }));
    let mut snapshot = graph.save();
    let mut restored = Graph::restore(&snapshot).unwrap();
    assert_eq!((restored.save(), restored.inconsistencies()), (snapshot.clone(), vec![]));
    let node = restored.node("n0").unwrap();
    assert!(matches!(restored.move_context(node, TWO).unwrap_err().kind(), ErrorKind::ContextFixed { .. }));
    snapshot.nodes[0].context = TWO;
    assert!(matches!(Graph::restore(&snapshot), Err(RestoreError::Contexts(_))));
}
