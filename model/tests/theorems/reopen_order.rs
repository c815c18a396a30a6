//! `specs/theorems/reopen-order.md`: a list that is judged at its end, in all its orders; and one that is judged after every
//! entry, in both.

use crate::page::{self, Block};
use crate::story;
use blockgraph_model::explore::{SmallOutcome, Visitor, explore};
use blockgraph_model::menu::{Action, Facet, Small};
use blockgraph_model::{Entry, Kind, NodeId, Op, Outcome, Queue, Spec, execute, orders, scopes};
use std::collections::BTreeMap;

/// What came of the lists of a facet, and in how many other orders they were tried.
#[derive(Default)]
struct Counts {
    state: Small,
    two: u64,
    three: u64,
    orders: u64,
    accepted: u64,
    failed: u64,
    violating: u64,
}

impl Visitor for Counts {
    fn state(&mut self, _: u32, state: &Small) {
        self.state = *state;
    }

    fn transition(&mut self, action: &Action, outcome: &SmallOutcome) {
        let ([Op::Reopen { queue }], None) = (action.ops.as_slice(), action.refusal) else { return };
        if queue.entries().len() < 2 || !orders::is_orderless(&self.state, queue) {
            return;
        }
        // The explorer has tried them (`invariants.rs`), and what it found is looked at below.
        self.orders += orders::other_orders(queue).len() as u64;
        match queue.entries().len() {
            2 => self.two += 1,
            _ => self.three += 1,
        }
        match outcome {
            Outcome::Done { .. } => self.accepted += 1,
            Outcome::Failed { .. } => self.failed += 1,
            _ => self.violating += 1,
        }
    }
}

/// The facets of reopen. (Others have a few lists too; the explorer tries them as well.)
const FACETS: [&str; 3] = ["reopen", "reopen-frozen", "reopen-life"];

/// All lists of these facets.
fn explored() -> String {
    let mut rows = Vec::new();
    let mut sums = [0; 7];
    let small = scopes::scope("small").unwrap();
    for (facet, pinned) in small.facets.into_iter().filter(|(facet, _)| FACETS.contains(&facet.name)) {
        let (explored, counts) = explore(&facet, 2, Counts::default, &|_, _| {});
        assert_eq!((&explored.findings, explored.unique()), (&vec![], pinned), "{}", facet.name);
        let sum = |of: fn(&Counts) -> u64| counts.iter().map(of).sum::<u64>();
        let verdicts = [sum(|c| c.accepted), sum(|c| c.failed), sum(|c| c.violating)];
        let [accepted, failed, violating] = verdicts;
        let row = [
            explored.unique() as u64,
            sum(|c| c.two),
            sum(|c| c.three),
            sum(|c| c.orders),
            accepted,
            failed,
            violating,
        ];
        sums = std::array::from_fn(|i| sums[i] + row[i]);
        rows.push([vec![facet.name.to_owned()], row.map(page::grouped).to_vec()].concat());
    }
    assert!(sums.iter().all(|count| *count > 0), "nothing was tried");
    rows.push([vec!["all".to_owned()], sums.map(page::grouped).to_vec()].concat());
    let rows = rows.into_iter().map(|row| <[String; 8]>::try_from(row).unwrap());
    let headings =
        ["facet", "states", "lists of two", "of three", "other orders tried", "accepted", "failed", "violating"];
    page::table(headings, rows)
}

/// What an entry can say of one node, one thing at a time.
fn says(node: NodeId, names: &[NodeId], keep: bool) -> Vec<Entry> {
    let keep = Entry::new(node, keep);
    let flags = [true, false].map(|on| Entry { read_only: Some(on), ..keep });
    let backings = names.iter().filter(|name| **name != node).map(|to| Some(*to)).chain([None]);
    let backings = backings.map(|to| Entry { backing: Some(to), ..keep });
    let files = names.iter().filter(|name| **name != node).map(|to| Entry { file: Some(*to), ..keep });
    flags.into_iter().chain(backings).chain(files).collect()
}

/// All lists of two nodes, once each: the other order is tried anyway. What is not said is kept, or reset, or both.
fn couples(names: &[NodeId], keeps: &[bool]) -> Vec<Queue> {
    let says = |node| keeps.iter().flat_map(|keep| says(node, names, *keep)).collect::<Vec<_>>();
    let pairs = names.iter().enumerate().flat_map(|(i, a)| names[i + 1..].iter().map(move |b| (*a, *b)));
    let lists = pairs.flat_map(|(a, b)| {
        let second = says(b);
        says(a).into_iter().flat_map(move |first| second.clone().into_iter().map(move |other| [first, other]))
    });
    lists.filter_map(|list| Queue::new(&list)).collect()
}

const ACCEPTED: &str = "accepted";

/// What a list comes to if every entry is an operation of its own, judged at once.
fn one_by_one(before: &Small, entries: &[Entry]) -> String {
    let mut state = *before;
    for entry in entries {
        match execute(&state, &[Op::Reopen { queue: Queue::one(*entry) }], &[]) {
            Outcome::Done { next, .. } => state = next,
            Outcome::Failed { error, .. } => return error.name().into(),
            outcome => return violation(&outcome),
        }
    }
    ACCEPTED.into()
}

/// The kind of what is violated first.
fn violation(outcome: &SmallOutcome) -> String {
    let first = outcome.violations().first().map(|violation| format!("{violation:?}")).unwrap_or_default();
    first.split(' ').next().unwrap_or_default().to_owned()
}

/// Lists that are accepted as a whole and refused entry by entry: in one order, by why; or, `None`, in both.
#[derive(Default)]
struct Middle {
    lists: u64,
    found: BTreeMap<Option<String>, Found>,
}

/// How many there are, and the first.
struct Found {
    count: u64,
    state: u32,
    queue: Queue,
}

impl Visitor for Middle {
    fn state(&mut self, index: u32, state: &Small) {
        let names: Vec<NodeId> = state.names().collect();
        couples(&names, &[true]).into_iter().for_each(|queue| self.list(index, state, queue));
    }
}

impl Middle {
    fn list(&mut self, index: u32, state: &Small, queue: Queue) {
        if !orders::is_orderless(state, &queue) {
            return;
        }
        let whole = match execute(state, &[Op::Reopen { queue }], &[]) {
            Outcome::Done { .. } => ACCEPTED.into(),
            Outcome::Failed { .. } => return,
            outcome => violation(&outcome),
        };
        self.lists += 1;
        let mut entries = queue.entries().to_vec();
        let there = one_by_one(state, &entries);
        entries.reverse();
        let middle = [there, one_by_one(state, &entries)];
        let good = middle.iter().filter(|verdict| *verdict == ACCEPTED).count();
        // What is accepted entry by entry, in some order, is accepted at the end.
        assert!(whole == ACCEPTED || good == 0, "{queue:?} in {state:?}");
        if whole != ACCEPTED || good == 2 {
            return;
        }
        let refusal = middle.into_iter().find(|verdict| verdict != ACCEPTED && good == 1);
        let first = Found { count: 0, state: index, queue };
        self.found.entry(refusal).or_insert(first).count += 1;
    }
}

fn reopen_facet() -> Facet {
    let smoke = scopes::scope("smoke").unwrap();
    smoke.facets.into_iter().map(|(facet, _)| facet).find(|facet| facet.name == "reopen").unwrap()
}

/// Formats and exclusive writers, read-only and not, and everything that two entries can say of two of them.
fn judged_in_the_middle() -> Vec<Block> {
    const FORMAT: Spec = Spec::plain(Kind::Format);
    const EXCLUSIVE: Spec = Spec::plain(Kind::ExclusiveWriter);
    let facet = Facet {
        nodes: 4,
        edges: 3,
        users: 0,
        verbs: &["add", "set-backing"],
        specs: const { &[FORMAT, EXCLUSIVE, FORMAT.read_only(), EXCLUSIVE.read_only()] },
        ..reopen_facet()
    };
    let (explored, middle) = explore(&facet, 1, Middle::default, &|_, _| {});
    let Middle { lists, found } = middle.into_iter().next().unwrap();
    let [first, second] = ["in one order", "in both orders"].map(str::to_owned);
    let rows = found.iter().map(|(refusal, found)| {
        let why = refusal.clone().unwrap_or("of any kind".into());
        [why, if refusal.is_some() { &first } else { &second }.clone(), page::grouped(found.count)]
    });
    let said = format!("{} graphs, {} lists:\n\n", page::grouped(explored.unique() as u64), page::grouped(lists));
    let table = page::table(["accepted at the end; in the middle refused by", "refused", "lists"], rows);
    let story = |found: &Found| {
        let state = explored.state(found.state);
        page::verbatim(&format!("{}\n{}", story::drawn(&state), story::said(&Op::Reopen { queue: found.queue })))
    };
    let stories = found.iter().map(|(refusal, found)| (named(refusal.as_deref()), story(found)));
    std::iter::once(("middle", said + &table)).chain(stories).collect()
}

/// The blocks of the stories; a new reason is one that the page does not know.
fn named(refusal: Option<&str>) -> &'static str {
    match refusal {
        Some("Cycle") => "cycle in one order",
        Some("Conflict") => "conflict in one order",
        Some("ReadOnly") => "read-only in one order",
        None => "refused in both orders",
        Some(other) => panic!("a story that the page does not tell: {other}"),
    }
}

/// Looks for the first list of two nodes, of which one is queued for the other, whose order matters; and counts them.
#[derive(Default)]
struct Heirs {
    lists: u64,
    differ: u64,
    first: Option<(u32, Queue)>,
}

impl Visitor for Heirs {
    fn state(&mut self, index: u32, state: &Small) {
        let names: Vec<NodeId> = state.names().collect();
        for queue in couples(&names, &[true, false]).into_iter().filter(|queue| !orders::is_orderless(state, queue)) {
            let verdict = |queue: &Queue| match execute(state, &[Op::Reopen { queue: *queue }], &[]) {
                Outcome::Done { next, .. } => Some(next.nodes),
                _ => None,
            };
            let differ = orders::other_orders(&queue).iter().any(|other| verdict(other) != verdict(&queue));
            self.lists += 1;
            self.differ += u64::from(differ);
            if differ && self.first.is_none() {
                self.first = Some((index, queue));
            }
        }
    }
}

/// R4's condition is needed: what happens to heirs depends on the order.
fn heirs() -> String {
    let facet = Facet { nodes: 2, edges: 2, users: 0, verbs: &["add", "open-child"], ..reopen_facet() };
    let (explored, heirs) = explore(&facet, 1, Heirs::default, &|_, _| {});
    let Heirs { lists, differ, first } = heirs.into_iter().next().unwrap();
    let (index, queue) = first.expect("R4 has a condition that is not needed");
    let state = explored.state(index);
    let mut out = story::drawn(&state);
    for queue in [queue, orders::other_orders(&queue)[0]] {
        let op = Op::Reopen { queue };
        let flags = |next: &Small| {
            let flag = |on| if on { "read-only" } else { "writable" };
            let nodes = next.names().map(|n| format!("{n:?} {}", flag(next.nodes[usize::from(n.0)].flags.read_only)));
            nodes.collect::<Vec<_>>().join(", ")
        };
        let came = match execute(&state, &[op], &[]) {
            Outcome::Done { next, .. } => flags(&next),
            Outcome::Failed { error, .. } => error.name().into(),
            outcome => violation(&outcome),
        };
        out += &format!("\n{}\n    {came}", story::said(&op));
    }
    let said = format!(
        "{} lists, of which {} depend on their order. The first:\n\n",
        page::grouped(lists),
        page::grouped(differ)
    );
    said + &page::verbatim(&out)
}

fn blocks() -> Vec<Block> {
    let mut blocks = judged_in_the_middle();
    blocks.extend([("explored", explored()), ("heirs", heirs())]);
    blocks
}

#[test]
fn the_page_is_right() {
    page::hold(&crate::theorem("reopen-order.md"), &blocks());
}
