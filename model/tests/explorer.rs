//! The explorer against plainer ways to count the same thing.

#![allow(clippy::unwrap_used, reason = "tests")]

use blockgraph_model::canon::canonical;
use blockgraph_model::checker::Checked;
use blockgraph_model::explore::explore;
use blockgraph_model::machine::Atomic;
use blockgraph_model::menu::{Facet, Small};
use blockgraph_model::pack::{pack, unpack};
use blockgraph_model::scopes::{SCOPES, scope};
use blockgraph_model::{Outcome, execute};
use stateright::{Checker, Model};
use std::collections::HashSet;

fn facet(scope_name: &str, facet: &str) -> Facet {
    let scope = scope(scope_name).unwrap();
    scope.facets.into_iter().map(|(f, _)| f).find(|f| f.name == facet).unwrap()
}

/// All states without renaming, by the simplest search there is.
fn plain(facet: &Facet) -> HashSet<Small> {
    let mut seen = HashSet::from([Small::default()]);
    let mut queue: Vec<Small> = seen.iter().copied().collect();
    while let Some(state) = queue.pop() {
        for (_, action) in facet.menu(&state).iter() {
            let mut refusals = vec![None];
            if facet.lags
                && let Outcome::Done { plan, .. } = execute(&state, &action.ops, &[])
            {
                refusals.extend(plan.hooks().map(Some));
            }
            for refusal in refusals {
                if let Outcome::Done { next, .. } = execute(&state, &action.ops, refusal.as_slice())
                    && seen.insert(next)
                {
                    queue.push(next);
                }
            }
        }
    }
    seen
}

#[test]
fn renaming_loses_nothing_and_invents_nothing() {
    for name in ["shape", "freezing", "refusals", "pairs", "flags", "heritage", "chains", "ejected", "reopen-life"] {
        let facet = facet("smoke", name);
        let plain = plain(&facet);
        let representatives: HashSet<Small> = plain.iter().map(|s| canonical(s).0).collect();
        let (explored, _) = explore(&facet, 1, || (), &|_, _| {});
        assert_eq!(representatives.len(), explored.unique(), "{name}: orbits of {} plain states", plain.len());
        assert!(plain.len() > explored.unique(), "{name}: the facet has no symmetry to test");
        for state in &plain {
            let (representative, renaming) = canonical(state);
            assert_eq!(canonical(&representative).0, representative, "{name}: a representative represents itself");
            assert_eq!(unpack::<6, 10>(&pack(state)), *state);
            for edge in state.edges() {
                assert!(representative.edge_index(renaming.edge(edge.id())).is_some());
            }
        }
    }
}

#[test]
fn stateright_counts_the_same_states() {
    for (facet, _) in scope("smoke").unwrap().facets {
        let (explored, _) = explore(&facet, 2, || (), &|_, _| {});
        let checker = Checked { facet: facet.clone(), machine: Atomic }.checker().threads(2).spawn_bfs().join();
        checker.assert_properties();
        assert_eq!(checker.unique_state_count(), explored.unique(), "{}", facet.name);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_exploration() {
    let facet = facet("smoke", "shape");
    let (one, _) = explore(&facet, 1, || (), &|_, _| {});
    let (three, _) = explore(&facet, 3, || (), &|_, _| {});
    assert_eq!((one.unique(), one.transitions, &one.levels), (three.unique(), three.transitions, &three.levels));
    for index in [1, 100, one.unique() as u32 - 1] {
        assert_eq!(one.state(index), three.state(index));
        assert_eq!(one.trace(&Atomic, &facet, index), three.trace(&Atomic, &facet, index));
    }
}

#[test]
fn traces_lead_to_their_states() {
    for name in ["shape", "refusals", "pairs"] {
        let facet = facet("smoke", name);
        let (explored, _) = explore(&facet, 2, || (), &|_, _| {});
        for index in (0..explored.unique() as u32).step_by(37) {
            let trace = explored.trace(&Atomic, &facet, index);
            let level = explored.levels.iter().position(|end| (index as usize) < *end).unwrap();
            assert_eq!(trace.len(), level, "a trace is as long as its state is deep");
            let mut state = Small::default();
            for action in &trace {
                match execute(&state, &action.ops, action.refusals()) {
                    Outcome::Done { next, .. } => state = next,
                    other => panic!("{name} {index}: {action:?} ended in {other:?}"),
                }
            }
            assert_eq!(state, explored.state(index));
        }
    }
}

#[test]
fn every_scope_is_there_and_holds() {
    for name in SCOPES {
        assert_eq!(scope(name).unwrap().name, name);
    }
    assert!(scope("huge").is_none());
    for (facet, pinned) in scope("smoke").unwrap().facets {
        let (explored, _) = explore(&facet, 2, || (), &|_, _| {});
        assert_eq!(explored.findings, vec![], "{}", facet.name);
        assert_eq!(explored.unique(), pinned, "{}: look at what changed, then pin the new count", facet.name);
    }
}
