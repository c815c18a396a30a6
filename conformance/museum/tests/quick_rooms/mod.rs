//! The rooms that tests explore: those that take no time.

use blockgraph_model::machines::museum::{Exhibit, Room, rooms};
use blockgraph_model::machines::{Defect, Hall};

/// The rooms that take no time: those of our own step with a defect put in, and one where something runs meanwhile. The
/// command `defects` explores all.
pub fn cheap() -> Vec<Room> {
    let mut rooms = rooms();
    rooms.retain(|room| match room.machine {
        Exhibit::Trial(_) => false,
        Exhibit::Flawed(_) => true,
        Exhibit::Polling(_) => room.facet.name == "polling-stream" && !room.defects.is_empty(),
    });
    assert!(rooms.iter().any(|room| room.hall == Hall::Polling) && rooms.iter().any(|room| room.hall == Hall::Flawed));
    rooms
}

/// The defects of the cheap rooms.
pub fn cheap_defects() -> Vec<Defect> {
    let rooms = cheap();
    Defect::ALL.iter().copied().filter(|defect| rooms.iter().any(|room| room.defects.contains(defect))).collect()
}
