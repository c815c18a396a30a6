//! The walk replay: a long-lived graph follows transitions that were not taken yet.
//!
//! In each state the walker takes the next untaken action. If the action is refused, the graph stays in the state; if
//! it is accepted, the graph moves on. When every action of a state is taken, the walker wanders a few steps along
//! actions that were taken before. If that leads nowhere, or if the graph is old, a new graph is restored in another
//! state. Before an accepted operation, the walker tries it with each refusal that rolls it back.

use crate::compare::compare_step;
use crate::impl_subject::ImplSubject;
use crate::replay::{Mismatch, Tally, guarded};
use crate::restore::restore_into;
use blockgraph_model::canon::{Renaming, canonical};
use blockgraph_model::explore::{Exploration, SmallOutcome};
use blockgraph_model::machine::Atomic;
use blockgraph_model::menu::{Action, Facet, Menu, Small};
use blockgraph_model::{Outcome, execute};
use blockgraph_story::turn::turns;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// What all walkers of one facet share.
struct Shared<'a> {
    facet: &'a Facet,
    explored: &'a Exploration,
    /// The next untaken place in the menu of each state.
    cursors: Vec<AtomicU32>,
    /// Where the search for a state with an untaken action continues.
    scan: AtomicUsize,
    stop: AtomicBool,
    found: Mutex<Option<Mismatch>>,
    done: AtomicUsize,
}

struct Walker<'a> {
    shared: &'a Shared<'a>,
    subject: ImplSubject,
    /// The model's state in the walker's own names.
    here: Small,
    index: u32,
    /// The renaming from the walker's names to the canonical ones.
    renaming: Renaming<6, 10>,
    /// The state in which the graph was restored.
    start: u32,
    /// The actions since then that changed the graph.
    story: Vec<Action>,
    tally: Tally,
    /// The state of the random generator that chooses where to wander.
    random: u64,
}

/// A graph is old after this many changes, because a story that shows a difference must still be shrunk.
const OLD: usize = 2_000;

/// How many steps a walker wanders in search of an untaken action.
const HOPS: usize = 4;

/// Takes every transition of an explored facet once. The first difference ends the walk.
pub fn walk(
    facet: &Facet,
    explored: &Exploration,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> (Tally, Option<Mismatch>) {
    let shared = Shared {
        facet,
        explored,
        cursors: (0..explored.unique()).map(|_| AtomicU32::new(0)).collect(),
        scan: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        found: Mutex::new(None),
        done: AtomicUsize::new(0),
    };
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut walker = Walker::new(&shared);
                while walker.start() {
                    while walker.step() || walker.wander() {}
                    progress(shared.done.load(Ordering::Relaxed));
                }
                total.lock().unwrap_or_else(|e| e.into_inner()).add(walker.tally);
            });
        }
    });
    let found = shared.found.into_inner().unwrap_or_else(|e| e.into_inner());
    (total.into_inner().unwrap_or_else(|e| e.into_inner()), found)
}

impl<'a> Walker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        Walker {
            shared,
            subject: ImplSubject::sized(6, 11),
            here: Small::default(),
            index: 0,
            renaming: Renaming::identity(),
            start: 0,
            story: Vec::new(),
            tally: Tally::default(),
            random: 0x9E37_79B9_7F4A_7C15,
        }
    }

    /// Restores the graph in a state with an untaken action. Returns false if there is none.
    fn start(&mut self) -> bool {
        let shared = self.shared;
        loop {
            let index = shared.scan.load(Ordering::Relaxed);
            if index >= shared.cursors.len() || shared.stop.load(Ordering::Relaxed) {
                return false;
            }
            let left = shared.facet.menu(&shared.explored.state(index as u32)).len();
            if (shared.cursors[index].load(Ordering::Relaxed) as usize) < left {
                return self.restore_at(index as u32);
            }
            // If another walker has advanced the index already, nothing needs to be done.
            let _ = shared.scan.compare_exchange(index, index + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn restore_at(&mut self, index: u32) -> bool {
        (self.start, self.index) = (index, index);
        self.here = self.shared.explored.state(index);
        // A representative has its own names.
        self.renaming = Renaming::identity();
        self.story.clear();
        self.tally.restored += 1;
        match restore_into(&mut self.subject, &self.here) {
            Ok(()) => true,
            Err(what) => {
                self.report(format!("the snapshot was refused: {what}"));
                false
            }
        }
    }

    /// Takes one action. Returns false if the walker is stuck here.
    fn step(&mut self) -> bool {
        let shared = self.shared;
        let at = shared.explored.state(self.index);
        let menu = shared.facet.menu(&at);
        let len = menu.len();
        let cursor = &shared.cursors[self.index as usize];
        loop {
            if shared.stop.load(Ordering::Relaxed) {
                return false;
            }
            let place = cursor.fetch_add(1, Ordering::Relaxed) as usize;
            if place >= len {
                cursor.fetch_sub(1, Ordering::Relaxed);
                return false;
            }
            let Some(action) = menu.get(place) else { continue };
            let back = self.renaming.inverse(10);
            let before = self.here;
            if !self.take(action.renamed(&back)) {
                return false;
            }
            shared.done.fetch_add(1, Ordering::Relaxed);
            if self.here != before && self.index_changed(&at) {
                return true;
            }
        }
    }

    /// Takes actions that were taken before, in search of a state with an untaken one. Returns false if it finds none.
    fn wander(&mut self) -> bool {
        let shared = self.shared;
        for _ in 0..HOPS {
            let at = shared.explored.state(self.index);
            let menu = shared.facet.menu(&at);
            let taken = shared.cursors[self.index as usize].load(Ordering::Relaxed) as usize;
            if taken < menu.len() && self.story.len() < OLD {
                return true;
            }
            if menu.is_empty() || self.story.len() >= OLD || shared.stop.load(Ordering::Relaxed) {
                return false;
            }
            let Some(action) = self.accepted_somewhere(&menu) else { return false };
            let outcome = execute(&self.here, &action.ops, &[]);
            self.tally.again += 1;
            if !self.compare(action, &outcome) {
                return false;
            }
            self.index_changed(&at);
        }
        false
    }

    /// Returns one of the accepted actions of a menu in the walker's names, or `None` after a few vain tries.
    fn accepted_somewhere(&mut self, menu: &Menu<'_>) -> Option<Action> {
        let back = self.renaming.inverse(10);
        (0..12).find_map(|_| {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let action = menu.get((self.random % menu.len() as u64) as usize)?.renamed(&back);
            matches!(execute(&self.here, &action.ops, &[]), Outcome::Done { .. }).then_some(action)
        })
    }

    /// Returns whether the last action led to another state, which has another menu.
    fn index_changed(&mut self, at: &Small) -> bool {
        let (now, renaming) = canonical(&self.here);
        self.renaming = renaming;
        if now == *at {
            return false;
        }
        if let Some(index) = self.shared.explored.find(&now) {
            self.index = index;
            return true;
        }
        self.report("the walk left the explored states".into());
        true
    }

    /// Executes one action on both sides. Returns false if they differ.
    fn take(&mut self, action: Action) -> bool {
        let outcome = execute(&self.here, &action.ops, &[]);
        if let Outcome::Done { plan, .. } = &outcome {
            for refusal in plan.hooks() {
                let refused = execute(&self.here, &action.ops, &[refusal]);
                if matches!(refused, Outcome::Refused { .. }) {
                    self.tally.injected += 1;
                    if !self.compare(action.refused(refusal), &refused) {
                        return false;
                    }
                }
            }
            self.tally.accepted += 1;
        } else {
            self.tally.refused += 1;
        }
        self.compare(action, &outcome)
    }

    fn compare(&mut self, action: Action, outcome: &SmallOutcome) -> bool {
        let next = if let Outcome::Done { next, .. } = outcome { *next } else { self.here };
        let wrong = guarded(&mut self.subject, &action.ops, action.refusals(), |subject, answer| {
            compare_step(outcome, answer, subject, &next)
        });
        self.here = next;
        if matches!(outcome, Outcome::Done { .. }) || wrong.is_some() {
            self.story.push(action);
        }
        wrong.map(|what| self.report(what)).is_none()
    }

    fn report(&self, what: String) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut found = self.shared.found.lock().unwrap_or_else(|e| e.into_inner());
        let mut story = self.shared.explored.trace(&Atomic, self.shared.facet, self.start);
        story.extend(self.story.iter().cloned());
        found.get_or_insert(Mismatch { state: self.index, story: turns(&story), what });
    }
}
