//! V3.1 and V4 as laws of the labels: random edits of up to 60 nodes, single and in groups, compared with a list of
//! edges that is sorted from scratch.

use super::LIMIT;
use crate::drivers::NoPermission;
use crate::{EdgeKey, ErrorKind, Graph, NodeKey, NodeSpec, Pair, Permissions, Preset, Role, Savepoint, Transaction};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use quickcheck::{Arbitrary, Gen, QuickCheck};

const MOST_NODES: usize = 60;

/// The free space between labels at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    /// As the graph assigns them.
    Usual,
    /// No number is free between two labels.
    None,
    /// All labels are at the upper or at the lower end of the range.
    Top,
    Bottom,
    /// All nodes share one label.
    Shared,
}

#[derive(Clone, Copy, Debug)]
enum Edit {
    Add,
    /// An edge between the nodes at these positions, upper to lower. `back`: lower to upper.
    Attach {
        ends: (u8, u8),
        back: bool,
    },
    Detach(u8),
    Retarget {
        edge: u8,
        to: u8,
        back: bool,
    },
    Savepoint,
    Rollback,
    /// Two users in conflict, which is found after the labels are settled (V3.2).
    Clash(u8),
}

/// A graph and its transactions.
#[derive(Clone, Debug)]
struct Story {
    room: Room,
    /// The nodes in the order in which they are added. A position is an index into the sorted order.
    nodes: Vec<u16>,
    transactions: Vec<Vec<Edit>>,
}

fn below(g: &mut Gen, limit: u8) -> u8 {
    u8::arbitrary(g) % limit
}

impl Arbitrary for Edit {
    fn arbitrary(g: &mut Gen) -> Self {
        let (ends, back) = ((u8::arbitrary(g), u8::arbitrary(g)), below(g, 60) == 0);
        match below(g, 16) {
            0 => Self::Add,
            1..6 => Self::Attach { ends, back },
            6..8 => Self::Detach(ends.0),
            8..14 => Self::Retarget { edge: ends.0, to: ends.1, back },
            14 => Self::Savepoint,
            _ if below(g, 4) == 0 => Self::Clash(ends.0),
            _ => Self::Rollback,
        }
    }
}

impl Arbitrary for Story {
    fn arbitrary(g: &mut Gen) -> Self {
        let rooms = [Room::Usual, Room::None, Room::Top, Room::Bottom, Room::Shared];
        let count = if bool::arbitrary(g) { 2 + below(g, 14) } else { 2 + below(g, 50) };
        let transactions = 10 + below(g, 60);
        let edits = |g: &mut Gen| {
            let edits = if bool::arbitrary(g) { 1 } else { 1 + below(g, 30) };
            (0..edits).map(|_| Edit::arbitrary(g)).collect()
        };
        Self {
            room: rooms[usize::from(below(g, 5))],
            nodes: (0..count).map(|_| u16::arbitrary(g)).collect(),
            transactions: (0..transactions).map(|_| edits(g)).collect(),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let whole = self.clone();
        Box::new(self.transactions.shrink().map(move |transactions| Self { transactions, ..whole.clone() }))
    }
}

/// The expected graph: nodes by position, edges by their ends.
#[derive(Clone, Default)]
struct Twin {
    nodes: Vec<NodeKey>,
    edges: Vec<(EdgeKey, usize, usize)>,
    clashes: bool,
}

impl Twin {
    /// Returns whether no order of the nodes has all edges forwards (Kahn's sort).
    fn is_cyclic(&self) -> bool {
        let mut waiting: Vec<usize> =
            (0..self.nodes.len()).map(|node| self.edges.iter().filter(|(_, _, to)| *to == node).count()).collect();
        let mut ready: Vec<usize> = (0..self.nodes.len()).filter(|node| waiting[*node] == 0).collect();
        let mut sorted = 0;
        while let Some(node) = ready.pop() {
            sorted += 1;
            for (_, _, to) in self.edges.iter().filter(|(_, from, _)| *from == node) {
                waiting[*to] -= 1;
                if waiting[*to] == 0 {
                    ready.push(*to);
                }
            }
        }
        sorted < self.nodes.len()
    }

    /// Returns whether the second node can be reached from the first.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let (mut seen, mut stack) = (alloc::vec![false; self.nodes.len()], alloc::vec![from]);
        while let Some(node) = stack.pop() {
            if !core::mem::replace(&mut seen[node], true) {
                stack.extend(self.edges.iter().filter(|(_, from, _)| *from == node).map(|(_, _, to)| *to));
            }
        }
        seen[to]
    }

    /// Returns two positions, the upper one first.
    fn ends(&self, (a, b): (u8, u8), back: bool) -> (usize, usize) {
        let (a, b) = (usize::from(a) % self.nodes.len(), usize::from(b) % self.nodes.len());
        if (a <= b) == back { (b, a) } else { (a, b) }
    }
}

/// Makes one edit on both graphs. `serial` gives it a name.
fn edit(
    t: &mut Transaction<'_, Preset>,
    twin: &mut Twin,
    marks: &mut Vec<(Savepoint, Twin)>,
    edit: Edit,
    serial: usize,
) {
    match edit {
        Edit::Add if twin.nodes.len() < MOST_NODES => {
            twin.nodes.push(t.add(NodeSpec::new(format!("new{serial}")), NoPermission.into()).unwrap());
        }
        Edit::Attach { ends, back } => {
            let (from, to) = twin.ends(ends, back);
            let key = t.attach(twin.nodes[from], twin.nodes[to], format!("{serial}"), Role::DATA).unwrap();
            twin.edges.push((key, from, to));
        }
        Edit::Detach(edge) if !twin.edges.is_empty() => {
            let (key, ..) = twin.edges.swap_remove(usize::from(edge) % twin.edges.len());
            t.detach(key).unwrap();
        }
        Edit::Retarget { edge, to, back } if !twin.edges.is_empty() => {
            let edge = usize::from(edge) % twin.edges.len();
            let (key, from, present) = twin.edges[edge];
            let last = twin.nodes.len() - 1;
            let to = if back || from == last {
                usize::from(to) % (from + 1)
            } else {
                from + 1 + usize::from(to) % (last - from)
            };
            let verdict = t.replace_edge(key, twin.nodes[to]);
            assert_eq!(verdict.is_err(), to == present, "SameNode");
            twin.edges[edge].2 = to;
        }
        Edit::Clash(place) => {
            let node = twin.nodes[usize::from(place) % twin.nodes.len()];
            for pair in
                [Pair::new(Permissions::WRITE, Permissions::ALL), Pair::new(Permissions::NONE, Permissions::NONE)]
            {
                t.attach_user(format!("{serial} {:?}", pair.need), node, pair, false).unwrap();
            }
            twin.clashes = true;
        }
        Edit::Savepoint => marks.push((t.savepoint(), twin.clone())),
        Edit::Rollback if !marks.is_empty() => {
            let place = serial % marks.len();
            t.rollback_to(marks[place].0).unwrap();
            *twin = marks[place].1.clone();
            marks.truncate(place + 1);
        }
        _ => {}
    }
}

fn start(story: &Story) -> (Graph<Preset>, Twin) {
    let (mut graph, mut twin) = (Graph::<Preset>::new(), Twin::default());
    let mut order: Vec<usize> = (0..story.nodes.len()).collect();
    order.sort_by_key(|place| story.nodes[*place]);
    twin.nodes.resize(order.len(), NodeKey::default());
    for (label, place) in (0_i64..).zip(order) {
        let key = graph.add(NodeSpec::new(format!("n{place}")), NoPermission.into()).unwrap();
        twin.nodes[place] = key;
        let node = &mut graph.core.nodes[key].label;
        *node = match story.room {
            Room::Usual => *node,
            Room::None => label,
            Room::Top => LIMIT - label,
            Room::Bottom => label - LIMIT,
            Room::Shared => 0,
        };
    }
    let labels = twin.nodes.iter().map(|node| graph.core.nodes[*node].label);
    graph.core.front = labels.min().unwrap_or_default();
    (graph, twin)
}

/// Returns whether all labels are within the range, none is before the front, and every edge goes forwards.
fn is_sorted(graph: &Graph<Preset>, twin: &Twin) -> bool {
    let label = |place: usize| graph.core.nodes[twin.nodes[place]].label;
    let mut labels = (0..twin.nodes.len()).map(label);
    labels.all(|label| label.abs() <= LIMIT && label >= graph.core.front)
        && twin.edges.iter().all(|(_, from, to)| label(*from) < label(*to))
}

/// The numbers of acyclic and cyclic outcomes, by room.
static OUTCOMES: [[AtomicUsize; 2]; 5] = [const { [const { AtomicUsize::new(0) }; 2] }; 5];

fn holds(story: Story) -> bool {
    let (mut graph, mut twin) = start(&story);
    for (number, edits) in story.transactions.iter().enumerate() {
        let labels =
            |graph: &Graph<Preset>| -> Vec<_> { graph.nodes().map(|key| (key, graph.core.nodes[key].label)).collect() };
        let (before, mut after, mut marks) = (labels(&graph), twin.clone(), Vec::new());
        let mut t = graph.transaction();
        for (i, one) in edits.iter().enumerate() {
            edit(&mut t, &mut after, &mut marks, *one, number * 64 + i);
        }
        let cyclic = after.is_cyclic();
        assert_eq!(t.recompute().is_err(), cyclic, "the graph's own sort from scratch");
        OUTCOMES[story.room as usize][usize::from(cyclic)].fetch_add(1, Ordering::Relaxed);
        match t.commit() {
            Ok(_) => {
                assert!(!cyclic && !after.clashes, "a cycle was not found");
                twin = after;
            }
            Err(error) if !cyclic => {
                assert!(after.clashes && matches!(error.kind(), ErrorKind::Conflict { .. }), "{error}");
                assert_eq!(labels(&graph), before, "undone");
            }
            Err(error) => {
                let ErrorKind::Cycle { edge } = error.kind() else { return false };
                let named = after.edges.iter().find(|(key, ..)| *key == edge.key);
                assert!(named.is_some_and(|(_, from, to)| after.reaches(*to, *from)), "{error} is on no cycle");
                assert_eq!(labels(&graph), before, "undone");
            }
        }
        assert!(is_sorted(&graph, &twin));
        assert_eq!(graph.inconsistencies(), []);
    }
    true
}

#[test]
fn labels_are_a_sort_from_scratch() {
    let stories = Gen::from_size_and_seed(100, 1);
    QuickCheck::new().rng(stories).tests(1500).quickcheck(holds as fn(Story) -> bool);
    for outcomes in &OUTCOMES {
        let [acyclic, cyclic] = outcomes.each_ref().map(|count| count.load(Ordering::Relaxed));
        assert!(acyclic > 1_000 && cyclic > 300, "{acyclic} {cyclic}");
    }
}
