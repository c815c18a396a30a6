//! Seeds 0 and 1 on trial: what is met in the rooms that are quickly explored, how far from the empty graph, and that each
//! repair is needed. (The whole museum is the command `defects`.)

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use blockgraph_model::checker::Checked;
use blockgraph_model::explore::{Exploration, Visitor, explore_machine};
use blockgraph_model::machine::Machine;
use blockgraph_model::machines::museum::{Exhibit, Noted, Room, rooms};
use blockgraph_model::machines::{Defect, Exception, Hall, Repairs, Transactional, Trial, TrialResult};
use blockgraph_model::menu::{Action, Facet};
use stateright::{Checker, Model};

/// Hall, facet, is it repaired, unique states, and each defect with the length of its story.
type Row = (Hall, &'static str, bool, usize, &'static [(&'static str, usize)]);

const MET: &[Row] = &[
    (Hall::History, "history", false, 131, &[("H10", 2), ("H11", 2), ("H16", 4), ("H30", 4)]),
    (Hall::History, "reopens", false, 693, &[("H07", 6), ("H10", 2), ("H11", 2), ("H17", 4), ("N01", 6)]),
    (Hall::Transactional, "refusals", false, 1545, &[("H10", 2), ("H11", 2), ("N13", 2), ("N41", 5), ("N50", 5)]),
    (Hall::Transactional, "refusals", true, 1545, &[]),
    (
        Hall::Transactional,
        "contexts",
        false,
        5706,
        &[("H10", 2), ("H11", 2), ("N12", 4), ("N16", 5), ("N41", 4), ("N49", 4)],
    ),
    (Hall::Transactional, "contexts", true, 5706, &[]),
    (
        Hall::Transactional,
        "reopens",
        false,
        693,
        &[("H10", 2), ("H11", 2), ("H62", 4), ("N11", 6), ("N13", 2), ("N41", 5)],
    ),
    (Hall::Transactional, "reopens", true, 693, &[]),
    (
        Hall::Transactional,
        "append-contexts",
        false,
        1045,
        &[("H10", 2), ("H11", 2), ("N12", 4), ("N13", 5), ("N15", 5), ("N16", 5), ("N41", 5), ("N49", 4), ("N50", 6)],
    ),
    (Hall::Transactional, "append-contexts", true, 1071, &[]),
];

fn is_repaired(room: &Room) -> bool {
    matches!(room.machine, Exhibit::Trial(Trial::Transactional(t)) if t.repaired == Repairs::ALL)
}

fn room(hall: Hall, facet: &str, repaired: bool) -> Room {
    let here = |room: &Room| room.hall == hall && room.facet.name == facet && is_repaired(room) == repaired;
    rooms().into_iter().find(here).unwrap_or_else(|| panic!("no room {facet}"))
}

fn explored<M: Machine>(machine: &M, facet: &Facet) -> Exploration {
    explore_machine(machine, facet, 2, || (), &|_, _| {}).0
}

#[test]
fn what_is_met_and_how_far_away() {
    let mut wrong = String::new();
    for &(hall, facet, repaired, states, met) in MET {
        let room = room(hall, facet, repaired);
        let all = explored(&room.machine, &room.facet);
        let mut found: Vec<(&str, usize)> = all
            .findings
            .iter()
            .map(|f| (f.broken, all.trace_and(&room.machine, &room.facet, f.state, &f.actions).len()))
            .collect();
        found.sort_unstable();
        let expected: Vec<&str> = room.defects.iter().map(|defect| defect.id()).collect();
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected, "{facet}: the room says otherwise");
        if (all.unique(), &found[..]) != (states, met) {
            wrong += &format!("    (Hall::{hall:?}, {facet:?}, {repaired}, {}, &{found:?}),\n", all.unique());
        }
    }
    assert!(wrong.is_empty(), "look at what changed, then pin it:\n{wrong}");
}

/// Stops when a defect was met.
#[derive(Default)]
struct UntilMet(bool);

impl Visitor<TrialResult> for UntilMet {
    fn transition(&mut self, _: &Action, told: &TrialResult) {
        self.0 |= matches!(told, TrialResult::Defect(_));
    }

    fn enough(&self) -> bool {
        self.0
    }
}

/// A repair that is not needed would be a repair that nothing tests.
#[test]
fn each_repair_is_needed() {
    type Undo = fn(&mut Repairs);
    let each: [(Undo, &str, Defect); 8] = [
        (|r| r.lists = false, "reopens", Defect::N41),
        (|r| r.childless = false, "sections", Defect::H08b),
        (|r| r.cycles = false, "reopens", Defect::H10),
        (|r| r.links = false, "reopens", Defect::H11),
        (|r| r.drivers = false, "refusals", Defect::N13),
        (|r| r.old_child = false, "reopens", Defect::N11),
        (|r| r.contexts = false, "append-contexts", Defect::N12),
        (|r| r.names = false, "dropping", Defect::H15),
    ];
    for (undo, facet, defect) in each {
        let mut repaired = Repairs::ALL;
        undo(&mut repaired);
        let machine = Trial::Transactional(Transactional { repaired });
        let facet = room(Hall::Transactional, facet, true).facet;
        let (all, _) = explore_machine(&machine, &facet, 2, UntilMet::default, &|_, _| {});
        let met: Vec<&str> = all.findings.iter().map(|finding| finding.broken).collect();
        assert!(met.contains(&defect.id()), "{}: met {met:?} instead of {}", facet.name, defect.id());
        assert!(!met.contains(&"unexplained"), "{}: {met:?}", facet.name);
    }
}

/// The same machine, driven by stateright.
#[test]
fn stateright_counts_the_same_states_of_a_trial() {
    for repaired in [false, true] {
        let room = room(Hall::Transactional, "append-contexts", repaired);
        let Exhibit::Trial(machine) = room.machine else { panic!("a trial") };
        let all = explored(&machine, &room.facet);
        let checker = Checked { facet: room.facet, machine }.checker().threads(1).spawn_bfs().join();
        assert_eq!(checker.discovery("all invariants").is_none(), repaired);
        if repaired {
            assert_eq!(checker.unique_state_count(), all.unique());
        }
    }
}

/// Exceptions are told, not swallowed.
#[test]
fn where_a_machine_may_differ_is_counted() {
    #[derive(Default)]
    struct Count([u64; Exception::ALL.len()]);
    impl Visitor<Noted> for Count {
        fn transition(&mut self, _: &Action, noted: &Noted) {
            if let Noted::Exception(exception) = noted {
                self.0[*exception as usize] += 1;
            }
        }
    }
    let room = room(Hall::Transactional, "refusals", false);
    let (_, counts) = explore_machine(&room.machine, &room.facet, 1, Count::default, &|_, _| {});
    let of = |exception: Exception| counts[0].0[exception as usize];
    assert!(of(Exception::Contract) > 0 && of(Exception::AskedInVain) > 0);
    assert_eq!(of(Exception::SharesUnchanged) + of(Exception::OneOverlay), 0, "those are seed 0's");
}

/// Every defect of the catalogue has a room, every room's defects are in the catalogue's order, and no id is there twice.
#[test]
fn the_catalogue_and_the_rooms_agree() {
    let rooms = rooms();
    for defect in Defect::ALL {
        assert!(rooms.iter().any(|room| room.defects.contains(defect)), "{} has no room", defect.id());
        assert_eq!(Defect::of(&defect.id().to_lowercase()), Some(*defect));
        let hall = defect.about().hall;
        let at_home = |room: &&Room| room.hall == hall && room.defects.contains(defect);
        assert!(rooms.iter().any(|room| at_home(&room)), "{} is not met in its hall", defect.id());
    }
    for room in &rooms {
        assert!(room.defects.is_sorted(), "{} {:?}", room.facet.name, room.defects);
    }
    assert_eq!(Defect::of("H00"), None);
}
