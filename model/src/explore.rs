//! The exact explorer: whole states, no fingerprints, level by level, parent links.
//!
//! Everything it counts and every trace it gives is the same for any number of threads: workers only read the table of
//! visited states, and what they found is entered in the order of the states it was found from.

use crate::canon::{Renaming, canonical};
use crate::invariants::{self, Broken};
use crate::judge::{Outcome, execute};
use crate::menu::{Action, Facet, Small};
use crate::pack::{Packed, pack, unpack};
use crate::store::Store;
use hashbrown::HashTable;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The outcome type of all scopes.
pub type SmallOutcome = Outcome<6, 10>;

/// Looks on while a facet is explored; one for each thread.
pub trait Visitor: Send {
    /// A state is about to be expanded. Each state is, once.
    fn state(&mut self, _index: u32, _state: &Small) {}

    /// One transition from the state last announced. `action` carries the injected refusal, if any; `next` in
    /// `outcome` is the state as the operation leaves it, before renaming.
    fn transition(&mut self, _action: &Action, _outcome: &SmallOutcome) {}

    /// Should exploration stop early?
    fn enough(&self) -> bool {
        false
    }
}

/// A visitor that only looks.
impl Visitor for () {}

/// A broken invariant and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which invariant.
    pub broken: Broken,
    /// The state it was found from; a state that breaks an invariant itself has no action.
    pub state: u32,
    /// The action that broke it.
    pub action: Option<Action>,
}

/// What was explored.
pub struct Exploration {
    states: Store,
    table: HashTable<u32>,
    /// The state and the action (by place in the menu, and hook) by which each state was first reached.
    parents: Vec<Origin>,
    /// The number of states up to the end of each level.
    pub levels: Vec<usize>,
    /// Executed (state, action) pairs without injection.
    pub transitions: u64,
    /// Executed (state, action, refusal) triples.
    pub injections: u64,
    /// Broken invariants, in the order of the states.
    pub findings: Vec<Finding>,
    /// Whether a visitor had enough before the end.
    pub stopped: bool,
}

#[derive(Clone, Copy)]
struct Origin {
    state: u32,
    action: u16,
    /// 0: no refusal; k: the k-th hook of the plan refused.
    hook: u8,
}

/// States expanded between two mergings: bounds the memory of unmerged finds.
const BATCH: usize = 1 << 14;
/// States a worker takes at a time.
const BLOCK: usize = 64;

struct Found {
    packed: Packed,
    origin: Origin,
}

#[derive(Default)]
struct Block {
    found: Vec<Found>,
    transitions: u64,
    injections: u64,
    findings: Vec<Finding>,
}

fn hash(packed: &Packed) -> u64 {
    packed.iter().fold(0x51_7C_C1_B7_27_22_0A_95, |h: u64, &word| {
        let x = (h ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x ^ (x >> 29)
    })
}

impl Exploration {
    /// The number of unique canonical states.
    pub fn unique(&self) -> usize {
        self.states.len()
    }

    /// One state.
    pub fn state(&self, index: u32) -> Small {
        unpack(&self.states.get(index as usize))
    }

    /// The index of a canonical state.
    pub fn find(&self, state: &Small) -> Option<u32> {
        let packed = pack(state);
        self.table.find(hash(&packed), |&i| self.states.holds(i as usize, &packed)).copied()
    }

    /// The shortest way from the empty graph to a state, in that state's names.
    pub fn trace(&self, facet: &Facet, index: u32) -> Vec<Action> {
        let mut way = Vec::new();
        let mut at = index;
        while at != 0 {
            let origin = self.parents[at as usize];
            way.push(origin);
            at = origin.state;
        }
        let mut actions = Vec::new();
        // The way in names that stay the same from step to step, and the renaming from those to the canonical ones.
        let mut concrete = Small::default();
        let mut renaming: Renaming<6, 10> = Renaming::identity();
        for origin in way.into_iter().rev() {
            let from = self.state(origin.state);
            let Some(mut action) = facet.menu(&from).get(origin.action as usize) else { break };
            if let Some(hook) = (origin.hook as usize).checked_sub(1)
                && let Outcome::Done { plan, .. } = execute(&from, &action.ops, &[])
            {
                action.refusal = plan.hooks().nth(hook);
            }
            let action = action.renamed(&renaming.inverse(10));
            if let Outcome::Done { next, .. } = execute(&concrete, &action.ops, action.refusals()) {
                concrete = next;
            }
            renaming = canonical(&concrete).1;
            actions.push(action);
        }
        actions.iter().map(|action| action.renamed(&renaming)).collect()
    }

    /// The trace to a state, and one more action.
    pub fn trace_and(&self, facet: &Facet, index: u32, last: &Action) -> Vec<Action> {
        let mut actions = self.trace(facet, index);
        actions.push(last.clone());
        actions
    }
}

/// Explores a facet from the empty graph with `threads` threads; `visitor` makes one visitor a thread, and they come
/// back with the result.
pub fn explore<V: Visitor>(
    facet: &Facet,
    threads: usize,
    visitor: impl Fn() -> V,
    progress: &(dyn Fn(usize, u64) + Sync),
) -> (Exploration, Vec<V>) {
    let mut visitors: Vec<V> = (0..threads.max(1)).map(|_| visitor()).collect();
    let root = pack(&Small::default());
    let mut table: HashTable<u32> = HashTable::new();
    table.insert_unique(hash(&root), 0u32, |_| hash(&root));
    let mut all = Exploration {
        states: Store::default(),
        table,
        parents: vec![Origin { state: 0, action: 0, hook: 0 }],
        levels: vec![1],
        transitions: 0,
        injections: 0,
        findings: Vec::new(),
        stopped: false,
    };
    all.states.push(&root);
    let mut start = 0;
    while start < all.states.len() && !all.stopped {
        let level_end = all.states.len();
        while start < level_end && !all.stopped {
            let end = level_end.min(start + BATCH);
            let blocks = expand(facet, &all.states, &all.table, start..end, &mut visitors);
            for block in blocks {
                merge(&mut all, block);
            }
            start = end;
            all.stopped = visitors.iter().any(Visitor::enough);
            progress(all.states.len(), all.transitions + all.injections);
        }
        all.levels.push(all.states.len());
    }
    all.levels.dedup();
    (all, visitors)
}

fn merge(all: &mut Exploration, block: Block) {
    all.transitions += block.transitions;
    all.injections += block.injections;
    all.findings.extend(block.findings);
    for found in block.found {
        let key = hash(&found.packed);
        let states = &all.states;
        if all.table.find(key, |&i| states.holds(i as usize, &found.packed)).is_none() {
            let index = states.len() as u32;
            all.table.insert_unique(key, index, |&i| hash(&states.get(i as usize)));
            all.states.push(&found.packed);
            all.parents.push(found.origin);
        }
    }
}

fn expand<V: Visitor>(
    facet: &Facet,
    states: &Store,
    table: &HashTable<u32>,
    range: std::ops::Range<usize>,
    visitors: &mut [V],
) -> Vec<Block> {
    let count = range.len().div_ceil(BLOCK);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Block)>> = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for visitor in visitors.iter_mut() {
            scope.spawn(|| {
                let mut worker = Worker { facet, states, table, visitor };
                loop {
                    let block = next.fetch_add(1, Ordering::Relaxed);
                    if block >= count {
                        break;
                    }
                    let first = range.start + block * BLOCK;
                    let found = worker.block(first..range.end.min(first + BLOCK));
                    done.lock().unwrap_or_else(|e| e.into_inner()).push((block, found));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
    done.sort_unstable_by_key(|(block, _)| *block);
    done.into_iter().map(|(_, block)| block).collect()
}

struct Worker<'a, V> {
    facet: &'a Facet,
    states: &'a Store,
    table: &'a HashTable<u32>,
    visitor: &'a mut V,
}

impl<V: Visitor> Worker<'_, V> {
    fn block(&mut self, range: std::ops::Range<usize>) -> Block {
        let mut block = Block::default();
        for index in range {
            let state: Small = unpack(&self.states.get(index));
            if let Some(broken) = invariants::broken(&state) {
                block.findings.push(Finding { broken, state: index as u32, action: None });
                continue;
            }
            self.visitor.state(index as u32, &state);
            for (place, action) in self.facet.menu(&state).iter() {
                let origin = Origin { state: index as u32, action: place as u16, hook: 0 };
                self.action(&mut block, &state, &action, origin);
            }
        }
        block
    }

    fn action(&mut self, block: &mut Block, state: &Small, action: &Action, origin: Origin) {
        let outcome = execute(state, &action.ops, &[]);
        block.transitions += 1;
        self.transition(block, state, action, &outcome, origin);
        let Outcome::Done { plan, .. } = &outcome else {
            return;
        };
        for (hook, refusal) in plan.hooks().enumerate() {
            let action = action.refused(refusal);
            let outcome = execute(state, &action.ops, &[refusal]);
            block.injections += 1;
            let origin = Origin { hook: hook as u8 + 1, ..origin };
            self.transition(block, state, &action, &outcome, origin);
        }
    }

    fn transition(
        &mut self,
        block: &mut Block,
        state: &Small,
        action: &Action,
        outcome: &SmallOutcome,
        origin: Origin,
    ) {
        self.visitor.transition(action, outcome);
        if let Some(broken) = invariants::broken_step(state, &action.ops, action.refusals(), outcome) {
            block.findings.push(Finding { broken, state: origin.state, action: Some(action.clone()) });
        }
        let Outcome::Done { next, .. } = outcome else {
            return;
        };
        // A lagging driver leads on only where the facet is about that.
        if origin.hook != 0 && !self.facet.lags {
            return;
        }
        let packed = pack(&canonical(next).0);
        let seen = self.table.find(hash(&packed), |&i| self.states.holds(i as usize, &packed)).is_some();
        if !seen {
            block.found.push(Found { packed, origin });
        }
    }
}
