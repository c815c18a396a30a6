//! Checks that cost O(graph), so large graphs run them only now and then: all pairs computed from scratch, and a round
//! trip through the saved form.

use crate::compare;
use crate::impl_subject::ImplSubject;
use blockgraph::Graph;
use blockgraph_model::State;
use blockgraph_story::model_subject;
use blockgraph_story::subject::Subject;

/// Runs [`recomputed`] and [`round_trip`] and returns the first difference.
pub fn full_check<const N: usize, const E: usize>(subject: &ImplSubject, state: &State<N, E>) -> Option<String> {
    recomputed(subject).or_else(|| round_trip(subject, state))
}

/// Checks that the pairs which the crate updates edge by edge are those that a computation from scratch gives.
pub fn recomputed(subject: &ImplSubject) -> Option<String> {
    let graph = &subject.graph;
    let fresh = match graph.recompute() {
        Ok(fresh) => fresh,
        Err(edge) => return Some(format!("at rest on a cycle: {edge:?}")),
    };
    let wrong_edge = |key| graph.edge(key).map(|edge| edge.pair()) != fresh.edge(key);
    let wrong = graph.nodes().find(|&key| {
        let Some(view) = graph.get(key) else { return true };
        fresh.node(key) != Some(view.pair()) || view.children().chain(view.parents()).any(wrong_edge)
    });
    wrong
        .map(|key| format!("from scratch the pairs at {:?} are others", graph.get(key).map(|view| view.name().clone())))
}

/// Checks that saving and restoring loses nothing: the restored graph has the same state and the same saved form.
pub fn round_trip<const N: usize, const E: usize>(subject: &ImplSubject, state: &State<N, E>) -> Option<String> {
    let snapshot = subject.graph.save();
    let graph = match Graph::restore(&snapshot) {
        Ok(graph) => graph,
        Err(error) => return Some(format!("the crate refuses its own snapshot: {error}")),
    };
    if graph.save() != snapshot {
        return Some(format!("a snapshot of what was restored differs from {snapshot:?}"));
    }
    let mut other = ImplSubject::new();
    other.ejected.clone_from(&subject.ejected);
    for (old, new) in subject.graph.nodes().zip(graph.nodes()) {
        other.keys.set_node(subject.keys.node_of(old)?, new);
    }
    for (old, new) in subject.graph.users().zip(graph.users()) {
        other.keys.set_user(subject.keys.user_of(old)?, new);
    }
    other.graph = graph;
    let differs = || compare::difference(&model_subject::observe(state), &other.observe()).join("\n");
    (!compare::graph_matches(&other, state))
        .then(|| format!("restored from a snapshot, model against crate:\n{}", differs()))
}
