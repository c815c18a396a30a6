//! The machine `polling`: what each room holds, and that nothing is left of it in the repaired order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use blockgraph_model::explore::{Exploration, Visitor, explore_machine};
use blockgraph_model::machines::polling::{Polling, Serial, rooms};
use blockgraph_model::machines::{Defect, Hall};
use blockgraph_model::menu::{Action, Facet};
use blockgraph_model::{Act, Op};
use std::collections::BTreeMap;

/// A room, its states, and its defects.
type Room = (&'static str, usize, &'static [(&'static str, usize)]);

/// The rooms: their states, and each defect met there with the length of its shortest story. In a story an intruder counts
/// as one action, and the start's opening (seven actions in `polling-jobs`) counts too.
const PINNED: [Room; 6] = [
    ("polling-replace", 538, &[("N61", 4), ("N62", 7), ("N68", 5), ("N71", 5)]),
    (
        "polling-intermediate",
        4407,
        &[("H46", 6), ("N63", 4), ("N64", 6), ("N65", 7), ("N68", 7), ("N71", 7), ("N72", 7)],
    ),
    ("polling-stream", 194, &[("H46", 4), ("H47", 5), ("N63", 4), ("N64", 6), ("N66", 7), ("N69", 4), ("N71", 4)]),
    ("polling-context", 362, &[("H37", 4), ("N67", 3)]),
    ("polling-iterate", 548, &[("H53", 5), ("N61", 4), ("N68", 6), ("N70", 4), ("N71", 6)]),
    (
        "polling-jobs",
        236,
        &[
            ("H46", 9),
            ("H47", 9),
            ("N62", 9),
            ("N63", 9),
            ("N64", 9),
            ("N65", 10),
            ("N66", 9),
            ("N68", 9),
            ("N69", 9),
            ("N71", 9),
            ("N72", 9),
        ],
    ),
];

/// How many variants came out equal to which order.
#[derive(Default)]
struct Orders([u64; 4]);

impl Visitor<Serial> for Orders {
    fn transition(&mut self, _action: &Action, order: &Serial) {
        self.0[*order as usize] += 1;
    }
}

fn room(name: &str) -> (Polling, Facet) {
    rooms().into_iter().find(|(_, facet)| facet.name == name).unwrap()
}

fn stories(all: &Exploration, machine: &Polling, facet: &Facet) -> BTreeMap<&'static str, Vec<Action>> {
    let story = |at: u32, actions: &[Action]| all.trace_and(machine, facet, at, actions);
    all.findings.iter().map(|finding| (finding.broken, story(finding.state, &finding.actions))).collect()
}

#[test]
fn each_room_holds_its_defects() {
    assert_eq!(rooms().len(), PINNED.len());
    for (name, states, defects) in PINNED {
        let (machine, facet) = room(name);
        let (all, _) = explore_machine(&machine, &facet, 2, || (), &|_, _| {});
        let stories = stories(&all, &machine, &facet);
        let met: Vec<(&str, usize)> = stories.iter().map(|(id, story)| (*id, story.len())).collect();
        assert_eq!((all.unique(), met.as_slice()), (states, defects), "{name}");
        for (id, _) in met {
            assert_eq!(Defect::of(id).unwrap().about().hall, Hall::Polling, "{id}");
        }
        look(name, &stories);
    }
}

#[test]
fn the_repaired_order_is_linearizable() {
    for (name, states, _) in PINNED {
        let (machine, facet) = room(name);
        let (all, orders) = explore_machine(&machine.repaired(), &facet, 2, Orders::default, &|_, _| {});
        assert_eq!(all.findings, vec![], "{name}");
        assert_eq!(all.unique(), states, "{name}: the same states as with the defects in");
        let [alone, first, last, neither] =
            orders.iter().fold([0; 4], |all, one| std::array::from_fn(|i| all[i] + one.0[i]));
        assert!(alone > 0 && first > 0, "{name}: nothing was tried");
        assert_eq!((all.transitions, all.injections > 0, neither), (alone, true, 0), "{name}");
        assert_eq!(all.injections, first + last, "{name}");
    }
}

#[test]
fn the_catalogue_is_met() {
    let met: Vec<&str> = PINNED.iter().flat_map(|(_, _, defects)| defects.iter().map(|(id, _)| *id)).collect();
    for defect in Defect::ALL.iter().filter(|defect| defect.about().hall == Hall::Polling) {
        assert!(met.contains(&defect.id()), "{}", defect.id());
    }
}

/// Checks which operation came in between. The stories of QEMU's own defects are those of its history.
fn look(room: &str, stories: &BTreeMap<&'static str, Vec<Action>>) {
    let ending = |id: &str| -> [Op; 2] {
        let ops: Vec<Op> = stories[id].iter().flat_map(|action| action.ops.clone()).collect();
        [ops[ops.len() - 2], ops[ops.len() - 1]]
    };
    match room {
        // The base of the stream is the filter of the commit; that is dropped at the poll, and installed nevertheless.
        "polling-jobs" => {
            let [intruder, op] = ending("H47");
            let Op::Stream { act: Act::Finish, node, bottom, .. } = op else { panic!("{op:?}") };
            assert_eq!(node, bottom);
            assert!(matches!(intruder, Op::DropIntermediate { top, base, .. } if top != node && base != node));
        }
        // An edge that was listed is detached at the poll.
        "polling-intermediate" => {
            let ending = ending("H46");
            assert!(matches!(ending, [Op::DetachUser { .. }, Op::DropIntermediate { .. }]), "{ending:?}");
        }
        "polling-iterate" => {
            let ending = ending("H53");
            assert!(matches!(ending, [Op::ReplaceUserChild { .. }, Op::DrainAllBegin {}]), "{ending:?}");
        }
        // Nobody needs to come in between for this one: it is seen.
        "polling-context" => {
            let ending = ending("H37");
            assert!(matches!(ending, [Op::Append { .. }, Op::MoveContext { .. }]), "{ending:?}");
        }
        _ => {}
    }
}
