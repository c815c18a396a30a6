//! The museum: which machine is explored in which facet, and which defects must be met there.

mod facets;

use super::fault_texts::{FaultTexts, polled};
use super::flawed::{self, Flawed};
use super::polling::{self, Polling};
use super::{Defect, Exception, Hall, Recursive, Reopening, Repairs, Transactional, Trial, TrialResult};
use crate::machine::{Machine, Variant};
use crate::menu::{Action, Facet, Small};

/// A machine of the museum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exhibit {
    /// Seed 0 or seed 1.
    Trial(Trial),
    /// The model's step with a defect put in.
    Flawed(Flawed),
    /// Seed 1 with other operations running where it polls.
    Polling(Polling),
}

/// A room: one experiment.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its number in the museum, from 1: `blockgraph defects --room`.
    pub number: usize,
    /// The kind of machine.
    pub hall: Hall,
    /// The machine.
    pub machine: Exhibit,
    /// The bounds.
    pub facet: Facet,
    /// The defects that must be met here. No other may be met.
    pub defects: Vec<Defect>,
}

/// What a machine reports of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Noted {
    /// The step is right.
    Same,
    /// The step differs, and is right to differ.
    Exception(Exception),
    /// The step differs: what it did, for each defect in the order of the variant.
    Defect(FaultTexts),
}

impl Machine for Exhibit {
    type Outcome = Noted;

    fn opening(&self) -> Vec<Action> {
        match self {
            Exhibit::Trial(machine) => machine.opening(),
            Exhibit::Flawed(machine) => machine.opening(),
            Exhibit::Polling(machine) => machine.opening(),
        }
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, mut report: impl FnMut(Variant<'_, Noted>)) {
        match self {
            Exhibit::Trial(machine) => machine.each(facet, state, action, |tried| {
                let noted = match *tried.outcome {
                    TrialResult::Same => Noted::Same,
                    TrialResult::Exception(exception) => Noted::Exception(exception),
                    TrialResult::Defect(did) => Noted::Defect(did),
                };
                report(tried.with(&noted));
            }),
            Exhibit::Flawed(machine) => machine.each(facet, state, action, |tried| {
                let noted = if tried.broken.is_empty() {
                    Noted::Same
                } else {
                    Noted::Defect([machine.text(facet, state, action, &tried), "", ""])
                };
                report(tried.with(&noted));
            }),
            Exhibit::Polling(machine) => machine.each(facet, state, action, |tried| {
                let noted = if tried.broken.is_empty() { Noted::Same } else { Noted::Defect(polled(&tried)) };
                report(tried.with(&noted));
            }),
        }
    }
}

/// Returns all rooms.
pub fn rooms() -> Vec<Room> {
    let mut rooms: Vec<Room> = Vec::new();
    let mut open = |hall, machine, facet: Facet, defects: &[Defect]| {
        rooms.push(Room { number: rooms.len() + 1, hall, machine, facet, defects: defects.to_vec() });
    };
    for (machine, facet, defects) in facets::trials() {
        let hall = match machine {
            Trial::Recursive(Recursive { reopening: Reopening::None }) => Hall::Recursive,
            Trial::Recursive(_) => Hall::History,
            Trial::Transactional(_) => Hall::Transactional,
        };
        open(hall, Exhibit::Trial(machine), facet, defects);
    }
    for (machine, facet) in polling::rooms() {
        let defects = facets::met_while_polling(facet.name);
        open(Hall::Polling, Exhibit::Polling(machine), facet.clone(), defects);
        open(Hall::Polling, Exhibit::Polling(machine.repaired()), facet, &[]);
    }
    for (machine, facet) in flawed::rooms() {
        open(Hall::Flawed, Exhibit::Flawed(machine), facet, &[machine.0]);
    }
    rooms
}
