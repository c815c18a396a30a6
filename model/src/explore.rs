//! The exact explorer: it stores whole states instead of fingerprints, searches level by level, and keeps parent links.
//!
//! All counts and traces are the same for any number of threads: workers only read the table of visited states, and
//! what they found is entered in the order of the states from which it was found.

use crate::canon::{Renaming, canonical};
use crate::invariants::Broken;
use crate::judge::Outcome;
use crate::machine::{self, Atomic, Machine, Variant};
use crate::menu::{Action, Facet, Small};
use crate::pack::{Packed, pack, unpack};
use crate::store::Store;
use hashbrown::HashTable;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The outcome type of all scopes.
pub type SmallOutcome = Outcome<6, 10>;

/// A visitor observes the exploration of a facet; each thread has one. `O` is what the machine reports of an action.
pub trait Visitor<O = SmallOutcome>: Send {
    /// Called before a state is expanded. Each state is expanded once.
    fn state(&mut self, _index: u32, _state: &Small) {}

    /// Called for each transition from the last state. `action` carries the injected refusal, if any; `next` in
    /// `outcome` is the state as the operation leaves it, before renaming.
    fn transition(&mut self, _action: &Action, _outcome: &O) {}

    /// Returns whether the exploration can stop early.
    fn enough(&self) -> bool {
        false
    }
}

/// A visitor that does nothing.
impl<O> Visitor<O> for () {}

/// A broken invariant, where it was first met, and how often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The invariant.
    pub broken: Broken,
    /// The state from which it was found. A state that itself breaks an invariant has no actions.
    pub state: u32,
    /// The action that broke it, after what ran meanwhile.
    pub actions: Vec<Action>,
    /// How many transitions and states broke it.
    pub count: u64,
}

/// One finding for each invariant: the first one met.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, broken: Broken, state: u32, count: u64, actions: impl FnOnce() -> Vec<Action>) {
        match self.0.iter_mut().find(|known| known.broken == broken) {
            Some(known) => known.count += count,
            None => self.0.push(Finding { broken, state, actions: actions(), count }),
        }
    }
}

/// The result of an exploration.
pub struct Exploration {
    states: Store,
    table: HashTable<u32>,
    /// The state, the action (by its place in the menu) and the hook by which each state was first reached.
    parents: Vec<Origin>,
    /// The number of states up to the end of each level.
    pub levels: Vec<usize>,
    /// Executed (state, action) pairs without injection.
    pub transitions: u64,
    /// Executed (state, action, refusal) triples.
    pub injections: u64,
    /// Broken invariants, each where it was first met, in the order of the states.
    pub findings: Vec<Finding>,
    /// Whether a visitor stopped the exploration.
    pub stopped: bool,
}

#[derive(Clone, Copy)]
struct Origin {
    state: u32,
    action: u16,
    /// The variant of the action; 0 for the action itself.
    variant: u16,
}

/// The number of states that are expanded between two merges. It bounds the memory of finds that are not merged yet.
const BATCH: usize = 1 << 14;
/// The number of states that a worker takes at a time.
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
    findings: Findings,
}

fn hash(packed: &Packed) -> u64 {
    packed.iter().fold(0x51_7C_C1_B7_27_22_0A_95, |h: u64, &word| {
        let x = (h ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x ^ (x >> 29)
    })
}

impl Exploration {
    /// Returns the number of unique canonical states.
    pub fn unique(&self) -> usize {
        self.states.len()
    }

    /// Returns a state.
    pub fn state(&self, index: u32) -> Small {
        unpack(&self.states.get(index as usize))
    }

    /// Returns the index of a canonical state.
    pub fn find(&self, state: &Small) -> Option<u32> {
        let packed = pack(state);
        self.table.find(hash(&packed), |&i| self.states.holds(i as usize, &packed)).copied()
    }

    /// Returns a shortest trace from the machine's opening to a state, in that state's names.
    pub fn trace<M: Machine>(&self, machine: &M, facet: &Facet, index: u32) -> Vec<Action> {
        let mut way = Vec::new();
        let mut at = index;
        while at != 0 {
            let origin = self.parents[at as usize];
            way.push(origin);
            at = origin.state;
        }
        let mut actions = machine.opening();
        let mut next = machine::start(machine);
        for origin in way.into_iter().rev() {
            rename(&mut actions, &canonical(&next).1);
            let from = self.state(origin.state);
            let Some(action) = facet.menu(&from).get(origin.action as usize) else { break };
            machine.each(facet, &from, &action, |tried| {
                if tried.number == origin.variant {
                    actions.extend(tried.actions());
                    next = *tried.next.unwrap_or(&from);
                }
            });
        }
        rename(&mut actions, &canonical(&next).1);
        actions
    }

    /// Returns the trace to a state, followed by these actions.
    pub fn trace_and<M: Machine>(&self, machine: &M, facet: &Facet, index: u32, last: &[Action]) -> Vec<Action> {
        let mut actions = self.trace(machine, facet, index);
        actions.extend_from_slice(last);
        actions
    }
}

fn rename(actions: &mut [Action], renaming: &Renaming<6, 10>) {
    actions.iter_mut().for_each(|action| *action = action.renamed(renaming));
}

/// Explores a facet of the machine `atomic` from the empty graph with `threads` threads. `visitor` makes one visitor
/// for each thread, and the visitors come back with the result.
pub fn explore<V: Visitor>(
    facet: &Facet,
    threads: usize,
    visitor: impl Fn() -> V,
    progress: &(dyn Fn(usize, u64) + Sync),
) -> (Exploration, Vec<V>) {
    explore_machine(&Atomic, facet, threads, visitor, progress)
}

/// Explores a facet of any machine, from the machine's own start.
pub fn explore_machine<M: Machine, V: Visitor<M::Outcome>>(
    machine: &M,
    facet: &Facet,
    threads: usize,
    visitor: impl Fn() -> V,
    progress: &(dyn Fn(usize, u64) + Sync),
) -> (Exploration, Vec<V>) {
    let mut visitors: Vec<V> = (0..threads.max(1)).map(|_| visitor()).collect();
    let root = pack(&canonical(&machine::start(machine)).0);
    let mut table: HashTable<u32> = HashTable::new();
    table.insert_unique(hash(&root), 0u32, |_| hash(&root));
    let mut all = Exploration {
        states: Store::default(),
        table,
        parents: vec![Origin { state: 0, action: 0, variant: 0 }],
        levels: vec![1],
        transitions: 0,
        injections: 0,
        findings: Vec::new(),
        stopped: false,
    };
    all.states.push(&root);
    let mut findings = Findings::default();
    let mut start = 0;
    while start < all.states.len() && !all.stopped {
        let level_end = all.states.len();
        while start < level_end && !all.stopped {
            let end = level_end.min(start + BATCH);
            let blocks = expand((machine, facet), &all.states, &all.table, start..end, &mut visitors);
            for block in blocks {
                merge(&mut all, &mut findings, block);
            }
            start = end;
            all.stopped = visitors.iter().any(Visitor::enough);
            progress(all.states.len(), all.transitions + all.injections);
        }
        all.levels.push(all.states.len());
    }
    all.levels.dedup();
    all.findings = findings.0;
    (all, visitors)
}

fn merge(all: &mut Exploration, findings: &mut Findings, block: Block) {
    all.transitions += block.transitions;
    all.injections += block.injections;
    for finding in block.findings.0 {
        let Finding { broken, state, actions, count } = finding;
        findings.add(broken, state, count, || actions);
    }
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

fn expand<M: Machine, V: Visitor<M::Outcome>>(
    (machine, facet): (&M, &Facet),
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
                let mut worker = Worker { machine, facet, states, table, visitor };
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

struct Worker<'a, M, V> {
    machine: &'a M,
    facet: &'a Facet,
    states: &'a Store,
    table: &'a HashTable<u32>,
    visitor: &'a mut V,
}

impl<M: Machine, V: Visitor<M::Outcome>> Worker<'_, M, V> {
    fn block(&mut self, range: std::ops::Range<usize>) -> Block {
        let mut block = Block::default();
        for index in range {
            let state: Small = unpack(&self.states.get(index));
            if let Some(broken) = self.machine.broken(&state) {
                block.findings.add(broken, index as u32, 1, Vec::new);
                continue;
            }
            self.visitor.state(index as u32, &state);
            for (place, action) in self.facet.menu(&state).iter() {
                let origin = Origin { state: index as u32, action: place as u16, variant: 0 };
                let (machine, facet) = (self.machine, self.facet);
                machine.each(facet, &state, &action, |tried| self.transition(&mut block, &tried, origin));
            }
        }
        block
    }

    fn transition(&mut self, block: &mut Block, tried: &Variant<'_, M::Outcome>, origin: Origin) {
        *if tried.number == 0 { &mut block.transitions } else { &mut block.injections } += 1;
        self.visitor.transition(tried.action, tried.outcome);
        for broken in tried.broken {
            block.findings.add(broken, origin.state, 1, || tried.actions());
        }
        let Some(next) = tried.next else {
            return;
        };
        let packed = pack(&canonical(next).0);
        let seen = self.table.find(hash(&packed), |&i| self.states.holds(i as usize, &packed)).is_some();
        if !seen {
            block.found.push(Found { packed, origin: Origin { variant: tried.number, ..origin } });
        }
    }
}
