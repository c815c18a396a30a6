//! Random jobs among random operations, with refusing drivers: a refused one leaves the graph as it was, and whatever
//! happens meanwhile, the graph passes its own test from scratch.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use blockgraph::jobs::{Job, Work};
use blockgraph::{Error, Graph, NodeKey, Transaction};
use common::jobs::below;
use common::random::{ARMS, Counts, node, step};
use common::{Behaviour, Injected, Rng};

const KINDS: usize = 5;

/// What was done: by kind, started, finished, cancelled.
type Done = [[usize; 3]; KINDS];

const fn kind(job: &Job) -> usize {
    match job.work {
        Work::Stream { .. } => 0,
        Work::Commit { .. } => 1,
        Work::CommitActive { .. } => 2,
        Work::Mirror { .. } => 3,
        _ => 4,
    }
}

/// A job with names of its own, on a node and, mostly, one below it.
fn random_job(rng: &mut Rng, graph: &Graph<Injected>, serial: usize) -> Job {
    // Commits need a chain, and most nodes have none.
    let work = rng.below(KINDS + 4);
    let has_below = |node: &NodeKey| graph.get(*node).and_then(|_| below(graph, *node)).is_some();
    let picks: Vec<_> = (0..6).map(|_| node(rng, graph)).collect();
    let top = picks.iter().copied().find(has_below).filter(|_| work != 3).unwrap_or(picks[0]);
    let mut base = top;
    for _ in 0..1 + rng.below(3) {
        base = graph.get(base).and_then(|_| below(graph, base)).unwrap_or(base);
    }
    let (source, target): (NodeKey, NodeKey) = (top, node(rng, graph));
    let work = match work {
        0 => Work::Stream { node: top, bottom: base },
        1 | 5 | 6 => Work::Commit { top, base, stored: rng.coin().then(|| "stored".into()) },
        2 | 7 | 8 => Work::CommitActive { top, base },
        3 => Work::Mirror { source, target },
        _ => Work::Backup { source, target },
    };
    Job::new(format!("job{serial}"), format!("filter{serial}"), work)
}

/// One step; which job it started (`Ok`) or ended (its place among those that are held, and how).
enum Did {
    Nothing,
    Start(Job),
    End(usize, usize),
}

fn job_step(
    rng: &mut Rng,
    t: &mut Transaction<'_, Injected>,
    held: &[Job],
    serial: usize,
    counts: &mut Counts,
) -> Result<Did, Error> {
    match rng.below(6) {
        0..3 => {
            let job = random_job(rng, t, serial);
            let behaviour = if rng.below(8) == 0 { Behaviour::RefuseCheck } else { Behaviour::Accept };
            t.start_job(&job, Injected::new(job.filter_driver(), behaviour))?;
            Ok(Did::Start(job))
        }
        3 if !held.is_empty() => {
            let place = rng.below(held.len());
            if rng.coin() {
                t.finish_job(&held[place])?;
                return Ok(Did::End(place, 1));
            }
            t.cancel_job(&held[place])?;
            Ok(Did::End(place, 2))
        }
        _ => step(rng, t, counts).map(|()| Did::Nothing),
    }
}

/// Up to three steps, of which at most one starts or ends a job.
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
    let (mut done, mut lost, mut counts): (Done, usize, Counts) = ([[0; 3]; KINDS], 0, [0; ARMS]);
    for seed in 0..60 {
        let rng = &mut Rng::new(seed);
        let mut graph: Graph<Injected> = Graph::new();
        let mut held: Vec<Job> = Vec::new();
        for round in 0..800 {
            let before = graph.snapshot();
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
                Err(error) => assert_eq!(graph.snapshot(), before, "seed {seed} round {round}: {error}"),
            }
            let found = graph.check();
            assert!(found.is_empty(), "seed {seed} round {round}: {found:?}\n{:#?}", graph.snapshot());
            let settled = graph.nodes().filter_map(|key| graph.driver(key)).all(Injected::is_settled);
            assert!(settled, "everything is committed or aborted");
            // One is given up: its users leave, and what it froze or put in stays.
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
