//! Random jobs among random operations, with drivers that refuse: a refused operation leaves the graph as it was, and
//! the graph always passes its own check from scratch.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use blockgraph::jobs::Job;
use blockgraph::{Error, Graph};
use common::random::{ARMS, Counts, step};
use common::random_jobs::{Did, KINDS, job_step, kind};
use common::{Injected, Rng};

/// How often each kind of job was started, finished and cancelled.
type JobCounts = [[usize; 3]; KINDS];

/// Runs up to three steps, of which at most one starts or ends a job.
fn transact(
    rng: &mut Rng,
    graph: &mut Graph<Injected>,
    held: &[Job],
    serial: usize,
    counts: &mut Counts,
) -> Result<Did, Error> {
    let mut t = graph.transaction();
    for _ in 0..rng.below(3) {
        let _ = step(rng, &mut t, counts);
    }
    let before = t.steps();
    let did = job_step(rng, &mut t, held, serial, counts)?;
    assert_eq!(t.steps(), before + 1, "a job's operation is one step");
    t.commit()?;
    Ok(did)
}

#[test]
fn random_jobs_keep_all_invariants() {
    let (mut done, mut lost, mut counts): (JobCounts, usize, Counts) = ([[0; 3]; KINDS], 0, [0; ARMS]);
    for seed in 0..60 {
        let rng = &mut Rng::new(seed);
        let mut graph: Graph<Injected> = Graph::new();
        let mut held: Vec<Job> = Vec::new();
        for round in 0..800 {
            let before = graph.save();
            match transact(rng, &mut graph, &held, round, &mut counts) {
                Ok(Did::Nothing) => {}
                Ok(Did::Start(job)) => {
                    done[kind(&job)][0] += 1;
                    held.push(job);
                }
                Ok(Did::End(place, how)) => {
                    let job = held.swap_remove(place);
                    done[kind(&job)][how] += 1;
                    let first_user = graph.user(&job.name);
                    assert_eq!((first_user, graph.user(&job.user_name(1))), (None, None), "{job:?}");
                }
                Err(error) => assert_eq!(graph.save(), before, "seed {seed} round {round}: {error}"),
            }
            let found = graph.inconsistencies();
            assert!(found.is_empty(), "seed {seed} round {round}: {found:?}\n{:#?}", graph.save());
            let settled = graph.nodes().filter_map(|key| graph.driver(key)).all(Injected::is_settled);
            assert!(settled, "everything is committed or aborted");
            // One job is abandoned: its users are detached, and its filter and frozen edges stay.
            if held.len() > 2 || (held.len() > 1 && rng.below(16) == 0) {
                let job = held.swap_remove(0);
                let users: Vec<_> = (0..8).filter_map(|number| graph.user(&job.user_name(number))).collect();
                users.into_iter().for_each(|user| _ = graph.detach_user(user));
                lost += 1;
            }
        }
    }
    assert!(done.iter().flatten().all(|count| *count > 30) && lost > 10, "{done:?}, lost {lost}");
}
