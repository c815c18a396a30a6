//! The museum of defects: explores its rooms, and holds what is met there against what must be met.
//!
//! A *room* is an experiment: a machine, a facet, and the defects that must be met. One thread explores a room to its
//! end, so traces and counts are the same in every run; several rooms are explored at a time.

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

/// Called now and then with the number of a room and its states so far.
pub type Progress<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// What a machine does wrong in a room, where it shows first, and how often.
#[derive(Clone, Debug)]
pub struct FoundDefect {
    /// The number of the defect, or a name for an unknown difference.
    pub name: &'static str,
    /// The shortest story that ends in it.
    pub story: Vec<Turn>,
    /// The number of turns at the end of the story that run at the same time: the last one polls or calls a hook, and
    /// the others run there.
    pub together: usize,
    /// What the machine did instead of the right thing.
    pub did: &'static str,
    /// The number of states that were expanded until it was met, the last one included.
    pub states: usize,
    /// The time until it was met.
    pub time: Duration,
    /// The number of transitions of the room that show it.
    pub count: u64,
}

/// The result of a room.
#[derive(Clone, Debug)]
pub struct RoomReport {
    /// The room.
    pub room: Room,
    /// The number of unique canonical states.
    pub unique: usize,
    /// The number of executed (state, action) pairs.
    pub transitions: u64,
    /// The number of other executed variants: a driver refuses, a step fails, another operation runs meanwhile.
    pub injections: u64,
    /// The duration.
    pub time: Duration,
    /// How often the machine was right to differ, by reason.
    pub exceptions: Vec<(Exception, u64)>,
    /// What was met, in the order of the states.
    pub met: Vec<FoundDefect>,
}

impl RoomReport {
    /// Returns what was met and is not one of the room's defects.
    pub fn unexpected(&self) -> impl Iterator<Item = &FoundDefect> {
        self.met.iter().filter(|met| !self.room.defects.iter().any(|defect| defect.id() == met.name))
    }

    /// Returns the room's defects that were not met.
    pub fn missing(&self) -> impl Iterator<Item = Defect> {
        self.room.defects.iter().copied().filter(|defect| self.of(*defect).is_none())
    }

    fn of(&self, defect: Defect) -> Option<&FoundDefect> {
        self.met.iter().find(|met| met.name == defect.id())
    }
}

/// A defect over all rooms.
#[derive(Clone, Copy, Debug)]
pub struct DefectSummary<'a> {
    /// The defect.
    pub defect: Defect,
    /// The room with the shortest story, among the rooms that must show the defect if one of them does; of equal ones
    /// the room that needs the fewest states.
    pub best: Option<(&'a RoomReport, &'a FoundDefect)>,
    /// The number of transitions that show the defect.
    pub count: u64,
}

/// The result of several rooms.
#[derive(Clone, Debug)]
pub struct Report {
    /// The rooms in the order of their numbers.
    pub rooms: Vec<RoomReport>,
    /// The defects to report.
    pub defects: Vec<Defect>,
    /// The duration from the first room to the last.
    pub time: Duration,
}

impl Report {
    /// Returns the defects to report, in order.
    pub fn shown(&self) -> Vec<DefectSummary<'_>> {
        self.defects.iter().map(|&defect| self.show(defect)).collect()
    }

    /// Returns one defect over all rooms.
    pub fn show(&self, defect: Defect) -> DefectSummary<'_> {
        let met = || self.met_in(defect);
        let stray = |room: &RoomReport| !room.room.defects.contains(&defect);
        let best = met().min_by_key(|(room, met)| (stray(room), met.story.len(), met.states));
        DefectSummary { defect, best, count: met().map(|(_, met)| met.count).sum() }
    }

    /// Returns the rooms in which a defect was met.
    pub fn met_in(&self, defect: Defect) -> impl Iterator<Item = (&RoomReport, &FoundDefect)> {
        self.rooms.iter().filter_map(move |room| Some((room, room.of(defect)?)))
    }

    /// Returns how often machines were right to differ, by reason.
    pub fn exceptions(&self) -> Vec<(Exception, u64)> {
        let sum = |exception| {
            let all = self.rooms.iter().flat_map(|room| &room.exceptions);
            all.filter(|(known, _)| *known == exception).map(|(_, count)| count).sum()
        };
        Exception::ALL.iter().map(|&exception| (exception, sum(exception))).filter(|(_, count)| *count > 0).collect()
    }

    /// Returns what is wrong, one line each. The list is empty if each room showed its defects and nothing else.
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
        // An exception that is never needed would hide something later.
        if self.rooms.len() == rooms().len() {
            let needed = self.exceptions();
            let vain = Exception::ALL.iter().filter(|e| !needed.iter().any(|(met, count)| met == *e && *count > 0));
            lines.extend(vain.map(|exception| format!("this exception is never met: {}", exception.reason())));
        }
        lines
    }
}

/// Describes a room for reports.
pub fn place(room: &Room) -> String {
    format!("room {} ({}, {})", room.number, hall(room.hall), room.facet.name)
}

/// Returns the name of the machine of a hall.
pub fn hall(hall: Hall) -> &'static str {
    match hall {
        Hall::Recursive => "recursive",
        Hall::History => "history",
        Hall::Transactional => "transactional",
        Hall::Polling => "polling",
        Hall::Flawed => "flawed",
    }
}

/// Explores rooms, `threads` of them at a time. The report covers `defects`.
pub fn explore(rooms: Vec<Room>, defects: Vec<Defect>, threads: usize, progress: &Progress<'_>) -> Report {
    let start = Instant::now();
    let mut order: Vec<&Room> = rooms.iter().collect();
    // The largest rooms come first, so that no single room is left running at the end.
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

/// Estimates the size of a room before it is explored.
fn size(room: &Room) -> (usize, usize) {
    let facet = &room.facet;
    (usize::from(facet.nodes) + facet.edges + usize::from(facet.users), facet.verbs.len())
}

/// Explores a room to its end, with this machine.
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

fn met<M: Machine>(explored: &Exploration, machine: &M, room: &Room, found: &Finding, firsts: &[First]) -> FoundDefect {
    let first = firsts.iter().find(|first| first.name == found.broken);
    FoundDefect {
        name: found.broken,
        story: turns(&explored.trace_and(machine, &room.facet, found.state, &found.actions)),
        together: found.actions.len().saturating_sub(1),
        did: first.map_or("", |first| first.did),
        states: found.state as usize + 1,
        time: first.map_or(Duration::ZERO, |first| first.after),
        count: found.count,
    }
}
