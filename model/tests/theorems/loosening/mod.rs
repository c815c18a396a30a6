//! `specs/theorems/loosening.md`: an operation that gives something up is not refused.

mod lemma;
mod one_bit;

use crate::page::{self, Block};
use crate::story;
use blockgraph_model::derived::derive;
use blockgraph_model::explore::{SmallOutcome, Visitor, explore};
use blockgraph_model::invariants::loosens;
use blockgraph_model::judge::stale;
use blockgraph_model::machine::Atomic;
use blockgraph_model::menu::{Action, Compounds, Facet, Small};
use blockgraph_model::{NodeId, Outcome, rules, scopes};

/// The results of the loosenings of a facet.
#[derive(Clone, Default)]
struct Counts {
    state: Small,
    done: u64,
    failed: u64,
    /// A driver was made to refuse, and that was tolerated.
    tolerated: u64,
}

impl Visitor for Counts {
    fn state(&mut self, _: u32, state: &Small) {
        self.state = *state;
    }

    fn transition(&mut self, action: &Action, outcome: &SmallOutcome) {
        if !action.ops.iter().all(|op| loosens(&self.state, op)) {
            return;
        }
        match outcome {
            Outcome::Done { .. } if action.refusal.is_some() => self.tolerated += 1,
            Outcome::Done { .. } => self.done += 1,
            Outcome::Failed { .. } => self.failed += 1,
            Outcome::Violates { .. } | Outcome::Refused { .. } => panic!("{action:?} in {:?}: {outcome:?}", self.state),
        }
    }
}

/// The facets in which most is given up.
const FACETS: [&str; 8] = ["permissions", "flags", "refusals", "pairs", "life", "ejected", "contexts", "quorums"];

/// All loosenings of these facets.
fn explored() -> String {
    let scope = scopes::scope("smoke").unwrap();
    let mut sums = [0; 4];
    let mut rows = Vec::new();
    for name in FACETS {
        let facet = &scope.facets.iter().find(|(facet, _)| facet.name == name).unwrap().0;
        let (explored, counts) = explore(facet, 2, Counts::default, &|_, _| {});
        assert_eq!(explored.findings, vec![], "{name}");
        let sum = |of: fn(&Counts) -> u64| counts.iter().map(of).sum::<u64>();
        let row = [explored.unique() as u64, sum(|c| c.done), sum(|c| c.tolerated), sum(|c| c.failed)];
        assert!(row.iter().all(|count| *count > 0), "{name}: nothing was tried");
        sums = std::array::from_fn(|i| sums[i] + row[i]);
        let [states, done, tolerated, failed] = row.map(page::grouped);
        rows.push([name.to_owned(), states, done, tolerated, failed]);
    }
    let [states, done, tolerated, failed] = sums.map(page::grouped);
    rows.push(["all".into(), states, done, tolerated, failed]);
    let headings = ["facet", "states", "accepted", "accepted although a driver refuses", "failed at a precondition"];
    page::table(headings, rows)
}

/// Looks for the first loosening after which a driver lags though none was made to refuse.
#[derive(Default)]
struct Lag {
    index: u32,
    state: Small,
    found: Option<(u32, Action, NodeId)>,
}

impl Visitor for Lag {
    fn state(&mut self, index: u32, state: &Small) {
        (self.index, self.state) = (index, *state);
    }

    fn transition(&mut self, action: &Action, outcome: &SmallOutcome) {
        let Outcome::Done { next, .. } = outcome else { return };
        if self.found.is_none() && action.refusal.is_none() && action.ops.iter().all(|op| loosens(&self.state, op)) {
            let lags = |node: &&NodeId| !stale(&self.state).contains(node);
            self.found = stale(next).iter().find(lags).map(|node| (self.index, action.clone(), *node));
        }
    }

    fn enough(&self) -> bool {
        self.found.is_some()
    }
}

/// P9: the shortest story in which a driver refuses a user that gives something up.
fn unaligned() -> String {
    let scope = scopes::scope("smoke").unwrap();
    let sizes = scope.facets.into_iter().map(|(facet, _)| facet).find(|facet| facet.name == "sizes").unwrap();
    // One operation a step, so that the story is as plain as it can be.
    let facet = Facet { compounds: Compounds::None, ..sizes };
    let (explored, lags) = explore(&facet, 1, Lag::default, &|_, _| {});
    let (index, action, node) = lags.into_iter().find_map(|lag| lag.found).expect("P9 is not monotone");
    let trace = explored.trace_and(&Atomic, &facet, index, &[action]);
    let (told, last) = story::describe(&trace);
    let lagging = &last.nodes[node.0 as usize];
    let now = derive(&last).unwrap().nodes[node.0 as usize];
    assert!(rules::misaligned(lagging.opt, now.need), "it is P9 that refuses");
    let end = format!("\n    {node:?} is asked for {now:?} and refuses (P9): granted stays {:?}", lagging.granted.pair);
    page::verbatim(&(told + &end))
}

fn blocks() -> Vec<Block> {
    let sizes = one_bit::Sizes::new();
    let [contrary, opportunist] = sizes.examples();
    vec![
        ("lemma", lemma::every_kind()),
        ("one bit", sizes.every_rule()),
        ("explored", explored()),
        ("P9", unaligned()),
        ("contrary", contrary),
        ("opportunist", opportunist),
    ]
}

#[test]
fn the_page_is_right() {
    page::hold(&crate::theorem("loosening.md"), &blocks());
}
