//! The museum of defects: its rooms are explored, and what is met there is held against what must be.
//!
//! A room is explored by one thread to its end, so that its traces and counts are the same in every run; several rooms are
//! explored at a time.

pub mod defect_observer;
pub mod page;
mod watched;

use blockgraph_model::explore::{Exploration, Finding, explore_machine};
use blockgraph_model::machine::Machine;
use blockgraph_model::machines::museum::{Noted, Room, rooms};
use blockgraph_model::machines::{Defect, Exception, Hall};
use blockgraph_story::turn::{Turn, turns};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use watched::{Count, First, Watched};

/// Told now and then: the number of a room, its states so far.
pub type Progress<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// What a machine did otherwise in a room, where first, and how often.
#[derive(Clone, Debug)]
pub struct Met {
    /// Under which name: a defect's number, or that nobody knows.
    pub name: &'static str,
    /// The shortest story that ends in it.
    pub story: Vec<Turn>,
    /// Of these the turns at its end that run at the same time: the last polls, or calls a hook, and the others run there.
    pub together: usize,
    /// What the machine did instead of the right thing, in words.
    pub did: &'static str,
    /// The states that were expanded until it was met, the last included.
    pub states: usize,
    /// The time until then.
    pub time: Duration,
    /// How many transitions of the room show it.
    pub count: u64,
}

/// What came of a room.
#[derive(Clone, Debug)]
pub struct RoomReport {
    /// The room.
    pub room: Room,
    /// Unique canonical states.
    pub unique: usize,
    /// Executed (state, action) pairs.
    pub transitions: u64,
    /// Executed variants besides: a driver refuses, a step fails, something runs meanwhile.
    pub injections: u64,
    /// How long it took.
    pub time: Duration,
    /// How often the machine was right to differ, and why.
    pub exceptions: Vec<(Exception, u64)>,
    /// What was met, in the order of the states.
    pub met: Vec<Met>,
}

impl RoomReport {
    /// What was met, and is none of the room's defects.
    pub fn unexpected(&self) -> impl Iterator<Item = &Met> {
        self.met.iter().filter(|met| !self.room.defects.iter().any(|defect| defect.id() == met.name))
    }

    /// The room's defects that were not met.
    pub fn missing(&self) -> impl Iterator<Item = Defect> {
        self.room.defects.iter().copied().filter(|defect| self.of(*defect).is_none())
    }

    fn of(&self, defect: Defect) -> Option<&Met> {
        self.met.iter().find(|met| met.name == defect.id())
    }
}

/// A defect over all rooms.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Which.
    pub defect: Defect,
    /// Where it has the shortest story, of the rooms that are to show it, if one does; of several such rooms the one that
    /// needs fewest states.
    pub best: Option<(&'a RoomReport, &'a Met)>,
    /// How many transitions show it.
    pub count: u64,
}

/// What came of the rooms.
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order of their numbers.
    pub rooms: Vec<RoomReport>,
    /// The defects that were asked for.
    pub defects: Vec<Defect>,
    /// From the first room to the last.
    pub time: Duration,
}

impl Report {
    /// The defects that were asked for, in that order.
    pub fn shown(&self) -> Vec<Shown<'_>> {
        self.defects.iter().map(|&defect| self.show(defect)).collect()
    }

    /// One of them.
    pub fn show(&self, defect: Defect) -> Shown<'_> {
        let met = || self.met_in(defect);
        let stray = |room: &RoomReport| !room.room.defects.contains(&defect);
        let best = met().min_by_key(|(room, met)| (stray(room), met.story.len(), met.states));
        Shown { defect, best, count: met().map(|(_, met)| met.count).sum() }
    }

    /// The rooms in which a defect was met.
    pub fn met_in(&self, defect: Defect) -> impl Iterator<Item = (&RoomReport, &Met)> {
        self.rooms.iter().filter_map(move |room| Some((room, room.of(defect)?)))
    }

    /// How often machines were right to differ, by reason.
    pub fn exceptions(&self) -> Vec<(Exception, u64)> {
        let sum = |exception| {
            let all = self.rooms.iter().flat_map(|room| &room.exceptions);
            all.filter(|(known, _)| *known == exception).map(|(_, count)| count).sum()
        };
        Exception::ALL.iter().map(|&exception| (exception, sum(exception))).filter(|(_, count)| *count > 0).collect()
    }

    /// What is wrong, a line each; nothing if each room showed its defects and nothing else.
    pub fn problems(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for report in &self.rooms {
            let place = place(&report.room);
            lines.extend(report.missing().map(|defect| format!("{place}: {} is not met", defect.id())));
            lines.extend(report.unexpected().map(|met| {
                format!("{place}: {} is met, {} times, and should not be: {}", met.name, met.count, met.did)
            }));
        }
        let nowhere = self.defects.iter().filter(|d| !self.rooms.iter().any(|r| r.room.defects.contains(d)));
        lines.extend(nowhere.map(|defect| format!("{}: no room has it", defect.id())));
        // An excuse that nobody needs excuses something else one day.
        if self.rooms.len() == rooms().len() {
            let needed = self.exceptions();
            let vain = Exception::ALL.iter().filter(|e| !needed.iter().any(|(met, count)| met == *e && *count > 0));
            lines.extend(vain.map(|exception| format!("this exception is never met: {}", exception.reason())));
        }
        lines
    }
}

/// A room in reports.
pub fn place(room: &Room) -> String {
    format!("room {} ({}, {})", room.number, hall(room.hall), room.facet.name)
}

/// The name of a hall's machine.
pub fn hall(hall: Hall) -> &'static str {
    match hall {
        Hall::Recursive => "recursive",
        Hall::History => "history",
        Hall::Transactional => "transactional",
        Hall::Polling => "polling",
        Hall::Flawed => "flawed",
    }
}

/// Explores rooms, `threads` at a time; `defects` are those that the report speaks of.
pub fn explore(rooms: Vec<Room>, defects: Vec<Defect>, threads: usize, progress: &Progress<'_>) -> Report {
    let start = Instant::now();
    let mut order: Vec<&Room> = rooms.iter().collect();
    // The largest first, so that none of them is still alone at work in the end.
    order.sort_by_key(|room| std::cmp::Reverse(size(room)));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(rooms.len())));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, rooms.len().max(1)) {
            scope.spawn(|| {
                while let Some(room) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = explore_room(room, &room.machine, progress);
                    done.lock().unwrap_or_else(|e| e.into_inner()).push(report);
                }
            });
        }
    });
    let mut rooms: Vec<RoomReport> = done.into_inner().unwrap_or_else(|e| e.into_inner());
    rooms.sort_by_key(|report| report.room.number);
    Report { rooms, defects, time: start.elapsed() }
}

/// What the size of a room grows with, as far as can be seen before it is explored.
fn size(room: &Room) -> (usize, usize) {
    let facet = &room.facet;
    (usize::from(facet.nodes) + facet.edges + usize::from(facet.users), facet.verbs.len())
}

/// Explores a room to its end, with its machine or one in its place.
pub fn explore_room<M: Machine<Outcome = Noted>>(room: &Room, machine: &M, progress: &Progress<'_>) -> RoomReport {
    let watched = Watched::new(machine);
    let seen = |states, _| progress(room.number, states);
    let (explored, counts) = explore_machine(&watched, &room.facet, 1, Count::default, &seen);
    let time = watched.start.elapsed();
    let firsts = watched.firsts();
    let met = explored.findings.iter().map(|found| met(&explored, machine, room, found, &firsts)).collect();
    RoomReport {
        room: room.clone(),
        unique: explored.unique(),
        transitions: explored.transitions,
        injections: explored.injections,
        time,
        exceptions: counts.into_iter().flat_map(|count| count.0).collect(),
        met,
    }
}

fn met<M: Machine>(explored: &Exploration, machine: &M, room: &Room, found: &Finding, firsts: &[First]) -> Met {
    let first = firsts.iter().find(|first| first.name == found.broken);
    Met {
        name: found.broken,
        story: turns(&explored.trace_and(machine, &room.facet, found.state, &found.actions)),
        together: found.actions.len().saturating_sub(1),
        did: first.map_or("", |first| first.did),
        states: found.state as usize + 1,
        time: first.map_or(Duration::ZERO, |first| first.after),
        count: found.count,
    }
}
