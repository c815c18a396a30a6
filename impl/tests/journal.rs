//! V1, S1, V6: undo after do is the identity. Transactions of all kinds of step, jobs among them, are taken back in every way
//! there is: afterwards nothing shows that they were there, not even in what comes next.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;
#[path = "journal/endings.rs"]
mod endings;
#[path = "journal/scene.rs"]
mod scene;

use blockgraph::jobs::Job;
use blockgraph::{Graph, SavedGraph};
use common::Injected;
use common::random_jobs::moved;
use endings::ENDINGS;
use quickcheck::{Arbitrary, Gen, QuickCheck};
use scene::{Scene, Tally, make, picture, plan, tally, text};

/// Seeds of steps: those that make the graph, one transaction each; those that are taken back; those that come next.
#[derive(Clone, Debug)]
struct Story {
    growth: Vec<u64>,
    steps: Vec<u64>,
    next: Vec<u64>,
    /// The way that comes first.
    first: usize,
}

impl Arbitrary for Story {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut some = |least: u64, most: u64| {
            let count = least + u64::arbitrary(g) % (most - least + 1);
            (0..count).map(|_| u64::arbitrary(g)).collect::<Vec<_>>()
        };
        let (growth, steps, next) = (some(0, 250), some(1, 8), some(1, 4));
        Self { growth, steps, next, first: usize::arbitrary(g) % ENDINGS.len() }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let without = |list: &[u64]| {
            let list = list.to_vec();
            (0..list.len()).map(move |i| [&list[..i], &list[i + 1..]].concat())
        };
        let [a, b, c] = [(); 3].map(|()| self.clone());
        let growth = without(&a.growth).map(move |growth| Self { growth, ..a.clone() });
        let steps = without(&b.steps).map(move |steps| Self { steps, ..b.clone() });
        let next = without(&c.next).map(move |next| Self { next, ..c.clone() });
        Box::new(growth.chain(steps).chain(next))
    }
}
/// The result of a transaction, without keys.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    said: Vec<Option<String>>,
    /// The plan, or an error.
    verdict: Result<Vec<String>, String>,
    after: SavedGraph<Injected>,
    stale: Vec<String>,
}

fn outcome(graph: &mut Graph<Injected>, held: &[Job], seeds: &[u64]) -> Outcome {
    let mut t = graph.transaction();
    let said = make(&mut held.to_vec(), &mut t, seeds);
    let verdict = t.begin_commit().and_then(|judged| {
        let plan = plan(&judged);
        judged.run().map(|_| plan)
    });
    let stale = graph.stale_nodes().map(|node| graph.get(node).unwrap().name().to_string()).collect();
    Outcome { said, verdict: verdict.map_err(|error| text(&error)), after: graph.save(), stale }
}

fn holds(story: Story) -> bool {
    let (mut graph, mut held) = (Graph::<Injected>::new(), Vec::new());
    for seed in &story.growth {
        let mut t = graph.transaction();
        let mut after = held.clone();
        make(&mut after, &mut t, &[*seed]);
        if t.commit().is_ok() {
            held = after;
        }
    }
    let mut untouched = graph.clone();
    let mut restored = Graph::restore(&graph.save()).unwrap();
    let mut scene = Scene { steps: &story.steps, held, before: picture(&graph), plan: None };
    let mut t = graph.transaction();
    scene.make(&mut t);
    scene.plan = t.begin_commit().ok().as_ref().map(plan);
    for way in 0..ENDINGS.len() {
        ENDINGS[(story.first + way) % ENDINGS.len()](&scene, &mut graph);
    }
    let keys: Vec<_> = graph.nodes().zip(restored.nodes()).collect();
    let elsewhere: Vec<_> = scene.held.iter().map(|job| moved(job, &keys)).collect();
    let here = outcome(&mut graph, &scene.held, &story.next);
    assert_eq!(here, outcome(&mut untouched, &scene.held, &story.next), "as if nothing had been");
    // Which of several violations is named, and in which order strangers are asked, is up to the graph (V4, V5.2).
    let there = outcome(&mut restored, &elsewhere, &story.next);
    let seen = |outcome: Outcome| (outcome.said, outcome.verdict.is_ok(), outcome.after);
    tally(|tally| tally.next[usize::from(here.verdict.is_err())] += 1);
    assert_eq!(seen(here), seen(there), "as of a new graph");
    graph.inconsistencies().is_empty()
}

#[test]
fn undo_after_do_is_the_identity() {
    let stories = Gen::from_size_and_seed(100, 3);
    QuickCheck::new().rng(stories).tests(4000).quickcheck(holds as fn(Story) -> bool);
    tally(|tally| {
        let Tally { steps, jobs, refused, violations, next } = tally;
        assert!(steps.iter().all(|count| *count > 0), "{steps:?}");
        assert!(jobs.iter().flatten().all(|count| *count > 50), "{jobs:?}");
        assert!(refused.iter().flatten().all(|count| *count > 0), "{refused:?}");
        assert!(violations.iter().chain(&*next).all(|count| *count > 200), "{violations:?} {next:?}");
    });
}
