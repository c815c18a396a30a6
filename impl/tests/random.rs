//! Random operations, alone and in transactions, with refusing drivers: after every one the graph passes its own
//! test from scratch; a refused one leaves it exactly as it was.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use blockgraph::{Error, ErrorKind, Graph, NodeSpec, Role};
use common::random::{ARMS, Counts, step};
use common::{Injected, Rng};

/// Every third transaction has several steps, some of them rolled back to a savepoint.
fn transact(rng: &mut Rng, graph: &mut Graph<Injected>, counts: &mut Counts) -> Result<(), Error> {
    let mut t = graph.transaction();
    let steps = if rng.below(3) == 0 { rng.below(8) } else { 1 };
    for _ in 0..steps {
        let savepoint = t.savepoint();
        let result = step(rng, &mut t, counts);
        if rng.below(6) == 0 {
            t.rollback_to(savepoint).unwrap();
        } else if steps == 1 {
            result?;
        }
    }
    t.commit().map(drop)
}

#[test]
fn random_operations_keep_all_invariants() {
    let (mut accepted, mut refused, mut counts, mut activity) = (0, 0, [0; ARMS], [0; 4]);
    for seed in 0..150 {
        let rng = &mut Rng::new(seed);
        let mut graph: Graph<Injected> = Graph::new();
        let mut copy: Graph<Injected> = Graph::new();
        for round in 0..1_500 {
            let before = graph.save();
            let keys: Vec<_> = graph.nodes().collect();
            match transact(rng, &mut graph, &mut counts) {
                Ok(()) => accepted += 1,
                Err(error) => {
                    refused += 1;
                    match error.kind() {
                        ErrorKind::InactiveChild { .. } => activity[0] += 1,
                        ErrorKind::InactiveNode { .. } => activity[1] += 1,
                        ErrorKind::UserActive { .. } => activity[2] += 1,
                        ErrorKind::ActiveParent { .. } => activity[3] += 1,
                        _ => {}
                    }
                    assert_eq!(graph.save(), before, "seed {seed} round {round}: {error}");
                    assert!(keys.iter().copied().eq(graph.nodes()), "keys survive");
                    assert!(!error.to_string().is_empty());
                }
            }
            let found = graph.inconsistencies();
            assert!(found.is_empty(), "seed {seed} round {round}: {found:?}\n{:#?}", graph.save());
            for key in graph.nodes() {
                let view = graph.get(key).unwrap();
                assert_eq!((view.has_driver(), view.driver_name().is_some()), (graph.driver(key).is_some(), true));
                let Some(driver) = graph.driver(key) else { continue };
                assert!(driver.is_settled(), "everything is committed or aborted");
                assert_eq!(
                    driver.inactive.unwrap_or(view.inactive()),
                    view.inactive(),
                    "the driver knows its activity"
                );
                assert_eq!(driver.context, view.context(), "the driver knows where it is");
                assert_eq!(driver.quiet, view.is_quiesced(), "the driver knows whether it may go on");
                assert_eq!(driver.stored.as_ref(), view.stored_backing(), "the driver knows its name");
                assert_eq!(driver.granted.unwrap_or(view.granted()), view.granted(), "the driver knows its grant");
            }
            if round % 16 == 0 {
                let snapshot = graph.save();
                copy.restore_from(&snapshot, |_, driver| driver.clone()).unwrap();
                assert_eq!(copy.save(), snapshot);
                assert_eq!(copy.inconsistencies(), []);
                copy.clone_from(&graph);
                assert_eq!(copy.save(), snapshot);
                assert_eq!(copy.inconsistencies(), []);
                if rng.coin() {
                    std::mem::swap(&mut graph, &mut copy);
                }
            }
        }
    }
    assert!(activity.iter().all(|count| *count > 40), "{activity:?}");
    assert!(counts.iter().all(|count| *count > 40), "{counts:?}");
    assert!(accepted > 10_000 && refused > 10_000, "accepted {accepted}, refused {refused}");
}

/// Many edges at once in a random order: the incremental labels and the pass from scratch agree on cycles.
#[test]
fn labels_find_exactly_the_cycles() {
    let (mut cycles, mut acyclic) = (0, 0);
    for seed in 0..400 {
        let rng = &mut Rng::new(seed);
        let mut graph: Graph<Injected> = Graph::new();
        let count = 3 + rng.below(20);
        let nodes: Vec<_> =
            (0..count).map(|i| graph.add(NodeSpec::new(format!("n{i}")), Injected::no_permission()).unwrap()).collect();
        for round in 0..30 {
            let mut t = graph.transaction();
            let mut order: Vec<usize> = (0..count).collect();
            rng.shuffle(&mut order);
            for i in 0..rng.below(5) {
                // Mostly along some order, so that a good part has no cycle.
                let (mut a, mut b) = (rng.below(count), rng.below(count));
                if rng.below(8) > 0 && a > b {
                    (a, b) = (b, a);
                }
                let _ = t.attach(nodes[a], nodes[b], format!("{round}-{i}"), Role::DATA);
            }
            let expected = t.recompute().is_err();
            match t.commit() {
                Ok(_) => acyclic += 1,
                Err(error) => {
                    assert!(matches!(error.kind(), blockgraph::ErrorKind::Cycle { .. }));
                    cycles += 1;
                    assert!(expected);
                    assert_eq!(graph.inconsistencies(), []);
                    continue;
                }
            }
            assert!(!expected);
            assert_eq!(graph.inconsistencies(), []);
        }
    }
    assert!(cycles > 500 && acyclic > 500, "cycles {cycles}, acyclic {acyclic}");
}
