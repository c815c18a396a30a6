//! The museum of defects: its rooms as a library, and the commands that walk through them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

#[path = "../common/mod.rs"]
mod common;

mod beside;
mod command;
mod pages;
mod rooms;

use blockgraph_model::machines::Defect;
use blockgraph_model::machines::museum::{Exhibit, Room, rooms};

/// The rooms that take no time: all but those of the two algorithms on trial, which the command `defects` explores.
fn cheap() -> Vec<Room> {
    rooms().into_iter().filter(|room| !matches!(room.machine, Exhibit::Trial(_))).collect()
}

/// The defects of the cheap rooms.
fn cheap_defects() -> Vec<Defect> {
    let rooms = cheap();
    Defect::ALL.iter().copied().filter(|defect| rooms.iter().any(|room| room.defects.contains(defect))).collect()
}
