//! Random jobs on random nodes.

use super::jobs::below;
use super::random::{Counts, node, step};
use super::{Behaviour, Injected, Rng};
use blockgraph::jobs::{Job, Work};
use blockgraph::{Error, Graph, NodeKey, Transaction};

/// Kinds of job.
pub const KINDS: usize = 5;

pub const fn kind(job: &Job) -> usize {
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

/// Which job it started (`Ok`) or ended (its place among those that are held, and how).
#[derive(Clone, Debug)]
pub enum Did {
    Nothing,
    Start(Job),
    End(usize, usize),
}

/// A job's operation, half of the time, or another step.
pub fn job_step(
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

/// The same job in a graph where the nodes have other keys.
pub fn moved(job: &Job, keys: &[(NodeKey, NodeKey)]) -> Job {
    let key = |node: &NodeKey| keys.iter().find(|(here, _)| here == node).map_or(*node, |(_, there)| *there);
    let work = match &job.work {
        Work::Stream { node, bottom } => Work::Stream { node: key(node), bottom: key(bottom) },
        Work::Commit { top, base, stored } => Work::Commit { top: key(top), base: key(base), stored: stored.clone() },
        Work::CommitActive { top, base } => Work::CommitActive { top: key(top), base: key(base) },
        Work::Mirror { source, target } => Work::Mirror { source: key(source), target: key(target) },
        Work::Backup { source, target } => Work::Backup { source: key(source), target: key(target) },
        other => other.clone(),
    };
    Job::new(job.name.clone(), job.filter.clone(), work)
}
