//! The walk: one long-lived graph follows transitions that nobody has taken yet.
//!
//! At each state the walker takes the next untaken action. While that is refused the graph stays where it is; when it is
//! accepted the graph moves on. When everything at a state is taken it wanders a few steps along actions that were taken
//! before; only when that leads nowhere, or the graph is old, is a new one restored elsewhere. Before an accepted
//! operation it is tried with each refusal that rolls it back.

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
struct Ground<'a> {
    facet: &'a Facet,
    explored: &'a Exploration,
    /// The next untaken place in the menu of each state.
    cursors: Vec<AtomicU32>,
    /// Where to look for a state with something left.
    scan: AtomicUsize,
    stop: AtomicBool,
    found: Mutex<Option<Mismatch>>,
    done: AtomicUsize,
}

struct Walker<'a> {
    ground: &'a Ground<'a>,
    subject: ImplSubject,
    /// The model's state in the walker's own names.
    here: Small,
    index: u32,
    /// From the walker's names to the canonical ones.
    renaming: Renaming<6, 10>,
    /// Where the graph was restored.
    start: u32,
    /// What was done since, as far as it changed something.
    story: Vec<Action>,
    tally: Tally,
    /// State of the generator that chooses where to wander.
    dice: u64,
}

/// After so many changes a graph is old enough: a story that shows a difference must still be shrunk.
const OLD: usize = 2_000;

/// How far a walker wanders for something left to do.
const HOPS: usize = 4;

/// Takes every transition of an explored facet once; the first difference ends it.
pub fn walk(
    facet: &Facet,
    explored: &Exploration,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> (Tally, Option<Mismatch>) {
    let ground = Ground {
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
                let mut walker = Walker::new(&ground);
                while walker.start() {
                    while walker.step() || walker.wander() {}
                    progress(ground.done.load(Ordering::Relaxed));
                }
                total.lock().unwrap_or_else(|e| e.into_inner()).add(walker.tally);
            });
        }
    });
    let found = ground.found.into_inner().unwrap_or_else(|e| e.into_inner());
    (total.into_inner().unwrap_or_else(|e| e.into_inner()), found)
}

impl<'a> Walker<'a> {
    fn new(ground: &'a Ground<'a>) -> Self {
        Walker {
            ground,
            subject: ImplSubject::sized(6, 11),
            here: Small::default(),
            index: 0,
            renaming: Renaming::identity(),
            start: 0,
            story: Vec::new(),
            tally: Tally::default(),
            dice: 0x9E37_79B9_7F4A_7C15,
        }
    }

    /// Restores the graph at a state with something left; `false`: nothing is left anywhere.
    fn start(&mut self) -> bool {
        let ground = self.ground;
        loop {
            let index = ground.scan.load(Ordering::Relaxed);
            if index >= ground.cursors.len() || ground.stop.load(Ordering::Relaxed) {
                return false;
            }
            let left = ground.facet.menu(&ground.explored.state(index as u32)).len();
            if (ground.cursors[index].load(Ordering::Relaxed) as usize) < left {
                return self.restore_at(index as u32);
            }
            // Another walker may have moved on already; then there is nothing to do.
            let _ = ground.scan.compare_exchange(index, index + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn restore_at(&mut self, index: u32) -> bool {
        (self.start, self.index) = (index, index);
        self.here = self.ground.explored.state(index);
        // A representative stands for itself, in its own names.
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

    /// Takes one action; `false`: stuck here.
    fn step(&mut self) -> bool {
        let ground = self.ground;
        let at = ground.explored.state(self.index);
        let menu = ground.facet.menu(&at);
        let len = menu.len();
        let cursor = &ground.cursors[self.index as usize];
        loop {
            if ground.stop.load(Ordering::Relaxed) {
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
            ground.done.fetch_add(1, Ordering::Relaxed);
            if self.here != before && self.index_changed(&at) {
                return true;
            }
        }
    }

    /// Takes actions that were taken before, in search of a state with something left; `false`: found none.
    fn wander(&mut self) -> bool {
        let ground = self.ground;
        for _ in 0..HOPS {
            let at = ground.explored.state(self.index);
            let menu = ground.facet.menu(&at);
            let taken = ground.cursors[self.index as usize].load(Ordering::Relaxed) as usize;
            if taken < menu.len() && self.story.len() < OLD {
                return true;
            }
            if menu.is_empty() || self.story.len() >= OLD || ground.stop.load(Ordering::Relaxed) {
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

    /// One of the accepted actions of a menu, in the walker's names; none if a few throws find none.
    fn accepted_somewhere(&mut self, menu: &Menu<'_>) -> Option<Action> {
        let back = self.renaming.inverse(10);
        (0..12).find_map(|_| {
            self.dice ^= self.dice << 13;
            self.dice ^= self.dice >> 7;
            self.dice ^= self.dice << 17;
            let action = menu.get((self.dice % menu.len() as u64) as usize)?.renamed(&back);
            matches!(execute(&self.here, &action.ops, &[]), Outcome::Done { .. }).then_some(action)
        })
    }

    /// Did the last action lead to another state? Then the menu is another one too.
    fn index_changed(&mut self, at: &Small) -> bool {
        let (now, renaming) = canonical(&self.here);
        self.renaming = renaming;
        if now == *at {
            return false;
        }
        if let Some(index) = self.ground.explored.find(&now) {
            self.index = index;
            return true;
        }
        self.report("the walk left the explored states".into());
        true
    }

    /// Executes one action on both sides; `false`: they differ.
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
        self.ground.stop.store(true, Ordering::Relaxed);
        let mut found = self.ground.found.lock().unwrap_or_else(|e| e.into_inner());
        let mut story = self.ground.explored.trace(&Atomic, self.ground.facet, self.start);
        story.extend(self.story.iter().cloned());
        found.get_or_insert(Mismatch { state: self.index, story: turns(&story), what });
    }
}
