//! The shortcuts of settling contexts: components that are not looked at (C2).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::drivers::NoPermission;
use blockgraph::{ContextId, EdgeKey, Error, Graph, NodeSpec, Pair, Role, UserSpec};
use common::{Injected, Rng, add};

/// Some steps on the nodes that are called `n…`; with `look` the settling is made to look at components by a request
/// elsewhere that changes nothing.
fn some_steps(graph: &mut Graph<Injected>, seed: u64, look: bool) -> Result<(), Error> {
    let rng = &mut Rng::new(seed);
    let force = graph.node("force").unwrap();
    let mut t = graph.transaction();
    if look {
        t.move_context(force, ContextId::MAIN)?;
    }
    for step in 0..1 + rng.below(4) {
        let nodes: Vec<_> = t.nodes().filter(|node| *node != force).collect();
        let users: Vec<_> = t.users().collect();
        let mut node = || nodes[rng.below(nodes.len())];
        let (a, b) = (node(), node());
        let guest = users.get(rng.below(users.len())).copied().unwrap_or_default();
        let children: Vec<_> = t.get(a).map(|view| view.children().collect()).unwrap_or_default();
        let edge = children.first().copied().unwrap_or_else(EdgeKey::default);
        let name = format!("{seed}-{step}");
        // Those that fail leave nothing behind.
        let _ = match rng.below(10) {
            0 => t.add(NodeSpec::new(format!("n{name}")), Injected::no_permission()).map(drop),
            1 if nodes.len() > 6 => t.release(a),
            2..4 => t.attach(a, b, name, Role::DATA).map(drop),
            4 => t.detach(edge),
            5 => t.replace_edge(edge, b),
            6 => t.replace_edge(t.user_view(guest).map_or(edge, |guest| guest.edge()), b),
            7 => t.detach_user(guest),
            8 => t
                .attach_user_as(
                    UserSpec::new(name, Pair::NOTHING).fixed(rng.below(3) == 0).context(ContextId(rng.below(3) as u32)),
                    a,
                )
                .map(drop),
            _ if rng.below(4) == 0 => t.move_context(a, ContextId(rng.below(3) as u32)),
            _ => t.replace_node(a, b),
        };
    }
    t.commit().map(drop)
}

/// A component that is not looked at is one that would not change: that the shortcuts of the settling are none in
/// effect.
#[test]
fn not_looking_changes_nothing() {
    let (mut accepted, mut moved) = (0, 0);
    let mut graph = Graph::new();
    ["force", "n0", "n1", "n2", "n3", "n4"].iter().for_each(|name| _ = add(&mut graph, name, NoPermission));
    for seed in 0..6_000 {
        let mut looked = graph.clone();
        let before: Vec<_> = graph.nodes().map(|node| graph.get(node).map(|view| view.context())).collect();
        let (plain, forced) = (some_steps(&mut graph, seed, false), some_steps(&mut looked, seed, true));
        assert_eq!(plain, forced, "seed {seed}");
        assert_eq!((graph.save(), graph.inconsistencies()), (looked.save(), vec![]), "seed {seed}");
        accepted += usize::from(plain.is_ok());
        moved += usize::from(
            graph.nodes().zip(before).any(|(node, before)| graph.get(node).map(|view| view.context()) != before),
        );
    }
    assert!(accepted > 3_000 && moved > 500, "accepted {accepted}, moved {moved}");
}
