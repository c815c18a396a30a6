//! `specs/theorems/reopen-order.md`: a list that is judged at its end, in all its orders; one that is judged after every
//! entry, in both; and lists of a node and its heir.

mod heirs;
mod middle;

use crate::page::{self, Block};
use blockgraph_model::explore::{SmallOutcome, Visitor, explore};
use blockgraph_model::menu::{Action, Facet, Small};
use blockgraph_model::{Entry, NodeId, Op, Outcome, Queue, orders, scopes};

/// The results of the lists of a facet, and the number of other orders that were tried.
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

/// What a list, or an entry, comes to, in a word.
fn verdict(outcome: &SmallOutcome) -> String {
    match outcome {
        Outcome::Done { .. } => "accepted".into(),
        Outcome::Failed { error, .. } => error.name().into(),
        outcome => {
            let first = outcome.violations().first().map(|violation| format!("{violation:?}")).unwrap_or_default();
            first.split(' ').next().unwrap_or_default().to_owned()
        }
    }
}

/// What the facet of reopen has, to be changed.
fn reopen_facet() -> Facet {
    let smoke = scopes::scope("smoke").unwrap();
    smoke.facets.into_iter().map(|(facet, _)| facet).find(|facet| facet.name == "reopen").unwrap()
}

fn blocks() -> Vec<Block> {
    let mut blocks = middle::blocks();
    blocks.extend([("explored", explored()), ("heirs", heirs::block())]);
    blocks
}

#[test]
fn the_page_is_right() {
    page::hold(&crate::theorem("reopen-order.md"), &blocks());
}
