//! A graph before a transaction, and what is looked at afterwards.

use super::common::random::{ARMS, Counts, EDGE_NAMES, node, quorum, step};
use super::common::random_jobs::{Did, KINDS, job_step, kind};
use super::common::{Injected, Rng};
use blockgraph::jobs::Job;
use blockgraph::{EdgeKey, Error, Graph, NodeKey, Pair, PendingCommit, PlanStep, SavedGraph, Transaction, UserKey};
use std::sync::Mutex;

/// What the stories had in them.
pub struct Tally {
    pub steps: Counts,
    pub jobs: [[usize; 3]; KINDS],
    /// Refusals by hook, and those that were tolerated; and the same through the drivers.
    pub refused: [[usize; 8]; 2],
    /// By the way there: failures of the transaction as it is and with something added.
    pub violations: [usize; 2],
    /// What came next: done, or not.
    pub next: [usize; 2],
}

pub static TALLY: Mutex<Tally> = Mutex::new(Tally {
    steps: [0; ARMS],
    jobs: [[0; 3]; KINDS],
    refused: [[0; 8]; 2],
    violations: [0; 2],
    next: [0; 2],
});

pub fn tally(count: impl FnOnce(&mut Tally)) {
    count(&mut TALLY.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
}

/// What an error says, but for keys: those of what came and went differ.
pub fn text(error: &Error) -> String {
    let mut text = error.to_string();
    while let Some(start) = text.find("Key(") {
        let length = text[start..].find(')').map_or(4, |end| end + 1);
        text.replace_range(start..start + length, "…");
    }
    text
}

/// Makes the steps, each drawn by its seed; what the failed ones said.
pub fn make(held: &mut Vec<Job>, t: &mut Transaction<'_, Injected>, seeds: &[u64]) -> Vec<Option<String>> {
    let mut counts = [0; ARMS];
    let mut one = |seed: u64| -> Result<(), Error> {
        let rng = &mut Rng::new(seed);
        match rng.below(12) {
            // Those that seldom find what they need.
            0 => return t.append_and_store(node(rng, t), node(rng, t)),
            1 => return t.drop_intermediate(node(rng, t), node(rng, t)),
            2 => return t.add_child(quorum(rng, t), node(rng, t), EDGE_NAMES[rng.below(5)]).map(drop),
            3 => return t.refresh(node(rng, t)),
            4..9 => return step(rng, t, &mut counts),
            _ => {}
        }
        let did = job_step(rng, t, held, (seed % 50) as usize, &mut counts)?;
        match did {
            Did::Nothing => {}
            Did::Start(job) => {
                tally(|tally| tally.jobs[kind(&job)][0] += 1);
                held.push(job);
            }
            Did::End(place, how) => {
                let job = held.swap_remove(place);
                tally(|tally| tally.jobs[kind(&job)][how] += 1);
            }
        }
        Ok(())
    };
    let said = seeds.iter().map(|seed| one(*seed).err().as_ref().map(text)).collect();
    tally(|tally| tally.steps.iter_mut().zip(counts).for_each(|(all, more)| *all += more));
    said
}
/// All that can be seen of a graph, keys and orders included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    pub snapshot: SavedGraph<Injected>,
    pub nodes: Vec<NodeKey>,
    pub users: Vec<(UserKey, EdgeKey)>,
    /// In the order of the lists of children and parents.
    pub edges: Vec<(EdgeKey, NodeKey, Pair)>,
    pub stale: Vec<NodeKey>,
}

pub fn picture(graph: &Graph<Injected>) -> Picture {
    let views = graph.nodes().filter_map(|node| graph.get(node));
    let lists = views.flat_map(|view| view.children().chain(view.parents()));
    let see = |edge: EdgeKey| graph.edge(edge).map(|view| (edge, view.child(), view.pair()));
    Picture {
        snapshot: graph.save(),
        nodes: graph.nodes().collect(),
        users: graph.users().map(|user| (user, graph.user_view(user).unwrap().edge())).collect(),
        edges: lists.map(|edge| see(edge).unwrap()).collect(),
        stale: graph.stale_nodes().collect(),
    }
}

/// A plan, without keys.
pub fn plan(judged: &PendingCommit<'_, Injected>) -> Vec<String> {
    let one = |step: &PlanStep| format!("{} {:?}", judged.get(step.node()).unwrap().name(), step.hook());
    judged.plan().iter().map(one).collect()
}

/// A graph as it was, and what is to be done to it.
pub struct Scene<'s> {
    pub steps: &'s [u64],
    pub held: Vec<Job>,
    pub before: Picture,
    /// What the drivers are to be asked, if the transaction passes the pure judgement.
    pub plan: Option<Vec<String>>,
}

impl Scene<'_> {
    pub fn make(&self, t: &mut Transaction<'_, Injected>) {
        make(&mut self.held.clone(), t, self.steps);
    }

    /// The transaction, judged; `None` if it is a violation.
    pub fn judged<'g>(&self, graph: &'g mut Graph<Injected>) -> Option<PendingCommit<'g, Injected>> {
        let mut t = graph.transaction();
        self.make(&mut t);
        self.judge(t)
    }

    /// The judgement, which is always the same, but for the order in which strangers are asked (V5.2).
    pub fn judge<'g>(&self, t: Transaction<'g, Injected>) -> Option<PendingCommit<'g, Injected>> {
        let judged = t.begin_commit().ok();
        let sorted = |mut plan: Vec<String>| {
            plan.sort_unstable();
            plan
        };
        assert_eq!(
            judged.as_ref().map(|judged| sorted(plan(judged))),
            self.plan.clone().map(sorted),
            "judged as before"
        );
        judged
    }

    pub fn is_undone(&self, graph: &Graph<Injected>) {
        assert_eq!(picture(graph), self.before);
        assert_eq!((graph.inconsistencies(), graph.pending_aborts()), (vec![], &[][..]));
        assert!(graph.nodes().filter_map(|key| graph.driver(key)).all(Injected::is_settled));
    }
}
