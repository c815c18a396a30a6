//! Lists that are judged after every entry, beside the same lists judged at their end.

use super::{couples, reopen_facet, verdict};
use crate::page::{self, Block};
use crate::story;
use blockgraph_model::explore::{Exploration, SmallOutcome, Visitor, explore};
use blockgraph_model::menu::{Facet, Small};
use blockgraph_model::op::Flags;
use blockgraph_model::{Entry, Kind, NodeId, Op, Outcome, Queue, Spec, execute, orders};
use std::collections::BTreeMap;

/// How the two judgements differ.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Differs {
    /// Accepted at the end; in the middle refused, by this, in one order.
    Order(String),
    /// Accepted at the end; in the middle refused in both orders.
    Neither,
    /// Refused as a whole, by this, and accepted in the middle in some order.
    Whole(String),
}

/// How many lists differ in a way, and the first of them.
struct Found {
    count: u64,
    state: u32,
    queue: Queue,
}

#[derive(Default)]
struct Middle {
    lists: u64,
    found: BTreeMap<Differs, Found>,
}

impl Visitor for Middle {
    fn state(&mut self, index: u32, state: &Small) {
        let names: Vec<NodeId> = state.names().collect();
        for queue in couples(&names, &[true]).into_iter().filter(|queue| orders::is_orderless(state, queue)) {
            self.lists += 1;
            if let Some(differs) = compared(state, queue) {
                self.found.entry(differs).or_insert(Found { count: 0, state: index, queue }).count += 1;
            }
        }
    }
}

/// What a list of two comes to if every entry is an operation of its own, judged at once.
fn one_by_one(before: &Small, [first, second]: [Entry; 2]) -> SmallOutcome {
    let one = |state: &Small, entry| execute(state, &[Op::Reopen { queue: Queue::one(entry) }], &[]);
    match one(before, first) {
        Outcome::Done { next, .. } => one(&next, second),
        refused => refused,
    }
}

/// Judges a list at its end, and after every entry in both orders.
fn compared(state: &Small, queue: Queue) -> Option<Differs> {
    let is_done = |outcome: &SmallOutcome| matches!(outcome, Outcome::Done { .. });
    let &[a, b] = queue.entries() else { panic!("{queue:?} is no list of two") };
    let whole = execute(state, &[Op::Reopen { queue }], &[]);
    let (done, refused): (Vec<_>, Vec<_>) =
        [[a, b], [b, a]].map(|list| one_by_one(state, list)).into_iter().partition(is_done);
    if !is_done(&whole) {
        return (!done.is_empty()).then(|| Differs::Whole(verdict(&whole)));
    }
    // All orders that succeed lead to the same graph.
    assert!(done.iter().all(|outcome| orders::alike(outcome, &whole)), "{queue:?} in {state:?}");
    match &refused[..] {
        [] => None,
        [refused] => Some(Differs::Order(verdict(refused))),
        _ => Some(Differs::Neither),
    }
}

/// All lists of two nodes, in all graphs of these nodes with backing edges between them.
fn searched(nodes: u8, specs: &'static [Spec]) -> (Exploration, Middle) {
    let facet = Facet { nodes, edges: 3, users: 0, verbs: &["add", "set-backing"], specs, ..reopen_facet() };
    let (explored, middle) = explore(&facet, 1, Middle::default, &|_, _| {});
    (explored, middle.into_iter().next().unwrap())
}

fn story(explored: &Exploration, found: &Found) -> String {
    let op = Op::Reopen { queue: found.queue };
    page::verbatim(&format!("{}\n{}", story::drawn(&explored.state(found.state)), story::format_op(&op)))
}

/// The table, and a story of each way to differ; a new way is one that the page does not tell.
pub fn blocks() -> Vec<Block> {
    const FORMAT: Spec = Spec::plain(Kind::Format);
    const EXCLUSIVE: Spec = Spec::plain(Kind::ExclusiveWriter);
    const UNSEEN: Spec = Spec { flags: Flags { implicit: true, ..Flags::NONE }, ..Spec::plain(Kind::BackingFilter) };
    let (explored, Middle { lists, found }) =
        searched(4, const { &[FORMAT, EXCLUSIVE, FORMAT.read_only(), EXCLUSIVE.read_only()] });
    let mut rows = Vec::new();
    let mut blocks = Vec::new();
    for (differs, found) in &found {
        let (name, why, orders) = match differs {
            Differs::Order(why) if why == "Cycle" => ("cycle in one order", why.as_str(), "in one order"),
            Differs::Order(why) if why == "Conflict" => ("conflict in one order", why.as_str(), "in one order"),
            Differs::Order(why) if why == "ReadOnly" => ("read-only in one order", why.as_str(), "in one order"),
            Differs::Neither => ("refused in both orders", "any of them", "in both orders"),
            new => panic!("a story that the page does not tell: {new:?}"),
        };
        rows.push([why.to_owned(), orders.to_owned(), page::grouped(found.count)]);
        blocks.push((name, story(&explored, found)));
    }
    let said = format!("{} graphs, {} lists:\n\n", page::grouped(explored.unique() as u64), page::grouped(lists));
    blocks.push(("middle", said + &page::table(["in the middle refused by", "refused", "lists"], rows)));

    let (explored, Middle { found, .. }) = searched(4, const { &[FORMAT, UNSEEN] });
    let whole = found.iter().filter(|(differs, _)| matches!(differs, Differs::Whole(_))).collect::<Vec<_>>();
    let [(Differs::Whole(why), found)] = whole[..] else {
        panic!("one reason to refuse the whole: {:?}", found.keys())
    };
    assert_eq!(why, "ImplicitChild");
    blocks.push(("refused as a whole", story(&explored, found)));
    blocks
}
