//! Compares the crate with the model. The comparison reads the crate's graph in place, because it runs hundreds of
//! millions of times.

use crate::impl_subject::{self, ImplSubject};
use crate::test_driver::TestDriver;
use crate::translate::{self, Keys};
use blockgraph::{Graph, NodeView, Policy};
use blockgraph_model::derived::{self, Derived};
use blockgraph_model::state::ByChild;
use blockgraph_model::{
    Context, Edge, EdgeId, Grant, Node, NodeId, OpKinds, Outcome, Pair, Parent, Perms, State, Violation, judge,
};
use blockgraph_story::model_subject;
use blockgraph_story::subject::{Answer, Effects, Observation, Subject};
use blockgraph_story::text::Names;
use blockgraph_story::text::results::{answer_line, differences};

/// Returns whether the crate's graph is the model's state. This compares everything that the crate shows: names;
/// drivers, or that a node has lost its driver; options, flags, holders, inheritance, stored names, contexts, sections
/// and quiesce counts; granted pairs and stale nodes; both list orders of every node; edges with role, frozen mark and
/// pair; users with wanted and effective pair, flags and what they block; and that there is nothing else.
pub fn graph_matches<const N: usize, const E: usize>(subject: &ImplSubject, state: &State<N, E>) -> bool {
    let Some(derived) = derived::derive(state) else { return false };
    let (graph, quiet) = (&subject.graph, state.quiesced());
    let parents = state.by_child();
    let sides =
        Sides { subject, graph, keys: &subject.keys, state, derived: &derived, quiet: &quiet, parents: &parents };
    graph.node_count() == state.names().count()
        && state.names().all(|id| sides.same_node(id))
        && graph.stale_nodes().count() == state.names().filter(|id| sides.is_stale(*id)).count()
        && graph.users().count() == state.edges().iter().filter(|e| matches!(e.parent, Parent::User(_))).count()
        && state.edges().iter().zip(derived.edges).all(|(e, pair)| {
            let home = state.nodes[e.child.0 as usize].context;
            same_user(graph, &subject.keys, e, pair, home, &quiet)
        })
        && graph.drain_alls() == u32::from(state.drain_alls)
}

/// The crate's graph and the model's state, which are compared node by node.
struct Sides<'a, const N: usize, const E: usize> {
    subject: &'a ImplSubject,
    graph: &'a Graph<TestDriver>,
    keys: &'a Keys,
    state: &'a State<N, E>,
    derived: &'a Derived<N, E>,
    quiet: &'a [bool; N],
    parents: &'a ByChild<N, E>,
}

impl<const N: usize, const E: usize> Sides<'_, N, E> {
    fn same_node(&self, id: NodeId) -> bool {
        let key = self.keys.node(id);
        let node = &self.state.nodes[id.0 as usize];
        let Some(view) = self.graph.get(key) else { return false };
        *view.name() == translate::node_name(id)
            && self.same_driver(id, node, &view)
            && impl_subject::flags(&view) == node.flags
            && view.is_monitor_owned() == node.monitor
            && view.holders() == u32::from(node.holders)
            && view.context() == translate::context(node.context)
            && view.sections() == u32::from(node.sections)
            && view.quiesce_count() == self.state.quiesce_count(id, self.quiet) as u64
            && view.is_quiesced() == self.quiet[id.0 as usize]
            && view.writable() == node.writable()
            && self.same_heritage(node, &view)
            && view.stored_backing().cloned() == node.stored.map(translate::node_name)
            && translate::grant_back(view.granted()) == node.granted
            && translate::pair_back(view.pair()) == self.derived.nodes[id.0 as usize]
            && view.is_stale() == self.is_stale(id)
            && self.same_children(id, &view)
            && self.same_parents(id, &view)
    }

    fn same_driver(&self, id: NodeId, node: &Node, view: &NodeView<'_>) -> bool {
        let Some((kind, opt, driver)) = self.subject.driver(view.key(), id) else { return false };
        view.has_driver() != node.ejected
            && driver.is_some() != node.ejected
            && driver.is_none_or(|driver| driver.id == id)
            && node.kind == Some(kind)
            && node.opt == opt
            && view.driver_name() == Some(translate::preset(kind).name())
    }

    fn same_heritage(&self, node: &Node, view: &NodeView<'_>) -> bool {
        view.inherits_from() == node.inherits.map(|inherits| self.keys.node(inherits.from))
            && view.inherits_read_only() == node.inherits.is_some_and(|inherits| inherits.read_only)
    }

    /// V7.1
    fn is_stale(&self, id: NodeId) -> bool {
        let node = &self.state.nodes[id.0 as usize];
        let now = Grant { pair: self.derived.nodes[id.0 as usize], writable: node.writable() };
        node.has_driver() && node.granted != now
    }

    fn same_children(&self, id: NodeId, view: &NodeView<'_>) -> bool {
        let mut seen = view.children();
        let equal = self.state.below(Parent::Node(id)).all(|i| {
            let (edge, pair) = (&self.state.edges()[i], &self.derived.edges[i]);
            seen.next().and_then(|key| self.graph.edge(key)).is_some_and(|found| {
                **found.name() == **translate::child_name(edge.name)
                    && found.role().bits() == edge.role.0
                    && found.is_frozen() == edge.frozen
                    && found.child() == self.keys.node(edge.child)
                    && found.parent() == blockgraph::Parent::Node(self.keys.node(id))
                    && translate::pair_back(found.pair()) == *pair
            })
        });
        equal && seen.next().is_none()
    }

    fn same_parents(&self, id: NodeId, view: &NodeView<'_>) -> bool {
        let mut seen = view.parents();
        let equal = self.parents.of(id).iter().all(|&index| {
            let edge = &self.state.edges()[usize::from(index)];
            seen.next().and_then(|key| self.graph.edge(key)).is_some_and(|found| match edge.parent {
                Parent::Node(parent) => {
                    found.parent() == blockgraph::Parent::Node(self.keys.node(parent))
                        && **found.name() == **translate::child_name(edge.name)
                }
                Parent::User(user) => found.parent() == blockgraph::Parent::User(self.keys.user(user)),
            })
        });
        equal && seen.next().is_none()
    }
}

fn same_user<const N: usize>(
    graph: &Graph<TestDriver>,
    keys: &Keys,
    edge: &Edge,
    pair: Pair,
    home: Context,
    quiet: &[bool; N],
) -> bool {
    let Parent::User(user) = edge.parent else { return true };
    graph.user_view(keys.user(user)).is_some_and(|view| {
        *view.name() == translate::user_name(user)
            && view.node() == keys.node(edge.child)
            && impl_subject::user_flags(&view) == edge.user_flags
            && translate::pair_back(view.pair()) == pair
            && translate::pair_back(view.wanted()) == edge.wanted
            && view.context() == translate::context(home)
            && view.is_quiesced() == quiet[edge.child.0 as usize]
            && view.blocks() == translate::op_kinds(edge.blocks)
            && (edge.blocks == OpKinds::NONE
                || view.block_reason().is_some_and(|said| translate::is_known_reason(user, said)))
    })
}

/// Compares the crate's answer with the model's outcome. Returns what differs, or `None`.
pub fn answer_difference<const N: usize, const E: usize>(outcome: &Outcome<N, E>, answer: &Answer) -> Option<String> {
    let agrees = match (outcome, answer) {
        (Outcome::Done { next, .. }, Answer::Done(effects)) => {
            if let Some(wrong) = out_of_order(next, effects) {
                return Some(wrong);
            }
            let Answer::Done(expected) = model_subject::answer(outcome) else { return None };
            expected.agree_with(effects, |id| next.nodes.get(id.0 as usize).map(|node| node.context))
        }
        (Outcome::Failed { index, error }, Answer::Failed { index: at, error: given }) => index == at && error == given,
        // V4: the crate may name any violation of the set.
        (Outcome::Violates { .. }, Answer::Violates(named)) => {
            named.len() == 1 && named.iter().all(|v| outcome.has_violation(*v))
        }
        (Outcome::Refused { by }, Answer::Refused(given)) => by == given,
        _ => false,
    };
    (!agrees).then(|| describe(&model_subject::answer(outcome), answer))
}

/// Describes two answers that differ: in the words of the text form, or in full if those words are the same.
fn describe(model: &Answer, answer: &Answer) -> String {
    let names = Names::numbered();
    let (left, right) = (answer_line(model, &names), answer_line(answer, &names));
    if left == right {
        format!("model: {model:?}\nimpl:  {answer:?}")
    } else {
        format!("model: {left}\nimpl:  {right}")
    }
}

/// V5.1, V5.2: parents are inactivated and checked before their children, and activated after them. Returns the first
/// call in the wrong order.
fn out_of_order<const N: usize, const E: usize>(next: &State<N, E>, effects: &Effects) -> Option<String> {
    let checked: Vec<NodeId> = effects.check.iter().map(|(node, _)| *node).collect();
    let upwards: Vec<NodeId> = effects.activate.iter().rev().copied().collect();
    for (what, nodes) in [("inactivate", &effects.inactivate), ("check", &checked), ("activate", &upwards)] {
        for (place, lower) in nodes.iter().enumerate() {
            let below = next.reach(*lower);
            if let Some(upper) = nodes[..place].iter().find(|upper| below[upper.0 as usize]) {
                return Some(format!("{what} came to {lower:?} and its descendant {upper:?} in the wrong order (V5)"));
            }
        }
    }
    None
}

/// Lists the differences of two observations, one line each, the model's side first.
pub fn difference(model: &Observation, other: &Observation) -> Vec<String> {
    differences(model, other, &Names::numbered())
}

/// Returns the permissions that one edge needs and another does not share.
fn missing<const N: usize, const E: usize>(graph: &State<N, E>, needs: EdgeId, denies: EdgeId) -> Option<Perms> {
    Some(judge::pair_of(graph, needs)?.need - judge::pair_of(graph, denies)?.share)
}

/// Compares model and crate after an operation: the answer, everything observable, the permissions that a conflict
/// reports, and the crate's check of its own consistency. `expected` is the state that both must now have. Returns what
/// differs, or `None`.
pub fn compare_step<const N: usize, const E: usize>(
    outcome: &Outcome<N, E>,
    answer: &Answer,
    subject: &ImplSubject,
    expected: &State<N, E>,
) -> Option<String> {
    if let Some(fault) = &subject.fault {
        return Some(fault.clone());
    }
    if let Some(wrong) = answer_difference(outcome, answer) {
        return Some(wrong);
    }
    if !graph_matches(subject, expected) {
        let lines = difference(&model_subject::observe(expected), &subject.observe());
        return Some(format!("after the operation, model against crate:\n{}", lines.join("\n")));
    }
    if let (Outcome::Violates { graph, .. }, Answer::Violates(named)) = (outcome, answer)
        && let Some(Violation::Conflict { needs, denies, .. }) = named.first()
        && missing(graph, *needs, *denies) != subject.missing
    {
        return Some(format!("{:?} is missing, the crate says {:?}", missing(graph, *needs, *denies), subject.missing));
    }
    // A refusal leaves everything observable as it was, so the crate's own consistency check, which is expensive, runs
    // only now and then.
    if matches!(outcome, Outcome::Done { .. }) || subject.turn.is_multiple_of(32) {
        return subject.fault();
    }
    None
}
