//! What the report says of the rooms; and it must be able to say that something is wrong.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

mod quick_rooms;

use blockgraph_model::machine::{Machine, Variant};
use blockgraph_model::machines::Defect;
use blockgraph_model::machines::flawed::{Corrected, Flawed};
use blockgraph_model::machines::museum::{Exhibit, Noted, Room};
use blockgraph_model::menu::{Action, Facet, Small};
use blockgraph_museum::{Report, explore, explore_room};
use quick_rooms::{cheap, cheap_defects};
use std::time::Duration;

fn report(rooms: Vec<Room>, defects: Vec<Defect>, threads: usize) -> Report {
    explore(rooms, defects, threads, &|_, _| {})
}

fn room(defect: Defect) -> Room {
    cheap().into_iter().find(|room| room.defects == [defect]).unwrap()
}

#[test]
fn each_cheap_room_shows_its_defects_and_nothing_else() {
    let report = report(cheap(), cheap_defects(), 2);
    assert_eq!(report.problems(), Vec::<String>::new());
    for shown in report.shown() {
        let (room, met) = shown.best.unwrap();
        assert!(room.room.defects.contains(&shown.defect));
        assert!(!met.did.is_empty() && met.did != "did it otherwise", "{:?}: {}", shown.defect, met.did);
        assert!(
            !met.story.is_empty() && met.states <= room.unique && met.time <= room.time && shown.count >= met.count
        );
    }
}

/// The shortest story counts, and of several equally short ones the one that needs fewest states.
#[test]
fn counts_and_stories_are_the_same_for_any_number_of_threads() {
    let small = |room: &Room| matches!(room.machine, Exhibit::Flawed(_)) && room.facet.nodes < 4;
    let figures = |threads| {
        let rooms: Vec<Room> = cheap().into_iter().filter(small).collect();
        let defects = rooms.iter().flat_map(|room| room.defects.clone()).collect();
        let report = report(rooms, defects, threads);
        let best = report.shown().into_iter().map(|shown| {
            let (room, met) = shown.best.unwrap();
            (
                room.room.number,
                room.unique,
                room.transitions,
                room.injections,
                met.story.clone(),
                met.states,
                shown.count,
            )
        });
        best.collect::<Vec<_>>()
    };
    assert_eq!(figures(1), figures(3));
}

#[test]
fn the_nearest_of_several_rooms_is_the_one_that_is_shown() {
    let near = room(Defect::H42);
    // The same defect in a room with more to do: met later, in a story as short.
    let mut far = near.clone();
    far.number += 1000;
    far.facet.nodes += 1;
    far.facet.edges += 1;
    let report = report(vec![far.clone(), near.clone()], vec![Defect::H42], 2);
    let shown = report.show(Defect::H42);
    let rooms: Vec<_> = report.met_in(Defect::H42).map(|(room, met)| (room.room.number, met.count)).collect();
    assert_eq!(rooms.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [near.number, far.number]);
    assert_eq!(shown.count, rooms.iter().map(|(_, count)| count).sum::<u64>());
    let best = report.met_in(Defect::H42).map(|(_, met)| (met.story.len(), met.states)).min();
    assert_eq!(shown.best.map(|(_, met)| (met.story.len(), met.states)), best);
}

/// The machine of a room with its switch off.
struct Off(Corrected);

impl Machine for Off {
    type Outcome = Noted;

    fn opening(&self) -> Vec<Action> {
        self.0.opening()
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, mut report: impl FnMut(Variant<'_, Noted>)) {
        self.0.each(facet, state, action, |tried| report(tried.with(&Noted::Same)));
    }
}

#[test]
fn a_room_robbed_of_its_switch_is_an_error() {
    let room = room(Defect::H24);
    let on = explore_room(&room, &room.machine, &|_, _| {});
    assert_eq!((on.missing().count(), on.unexpected().count()), (0, 0));
    let off = explore_room(&room, &Off(Corrected(Defect::H24)), &|_, _| {});
    assert_eq!(off.missing().collect::<Vec<_>>(), [Defect::H24]);
    let number = room.number;
    let report = Report { rooms: vec![off], defects: vec![Defect::H24], time: Duration::ZERO };
    assert_eq!(report.problems(), [format!("room {number} (flawed, H24): H24 is not met")]);
    assert!(report.show(Defect::H24).best.is_none());
}

#[test]
fn what_a_room_does_not_expect_is_an_error() {
    let room = Room { machine: Exhibit::Flawed(Flawed(Defect::H44)), ..room(Defect::H44b) };
    let number = room.number;
    let problems = report(vec![room], vec![Defect::H44b, Defect::H42], 1).problems();
    let [missing, unexpected, nowhere] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(missing, &format!("room {number} (flawed, H44b): H44b is not met"));
    assert!(unexpected.starts_with(&format!("room {number} (flawed, H44b): H44 is met, ")), "{unexpected}");
    assert_eq!(nowhere, "H42: no room has it");
}
