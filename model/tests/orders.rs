//! R4 over a whole scope: every reopen of two or three nodes, in every order of its list.
#![allow(clippy::panic, reason = "helpers of tests")]

use blockgraph_model::explore::{SmallOutcome, Visitor, explore};
use blockgraph_model::menu::{Action, Small};
use blockgraph_model::op::{Entry, Kind, NodeId, Op, Queue, Spec};
use blockgraph_model::{Outcome, execute, orders, scopes};

/// Counts the lists of three nodes that were tried in other orders, by what they came to.
#[derive(Default)]
struct Counts {
    state: Small,
    accepted: usize,
    failed: usize,
    violating: usize,
}

impl Visitor for Counts {
    fn state(&mut self, _: u32, state: &Small) {
        self.state = *state;
    }

    fn transition(&mut self, action: &Action, outcome: &SmallOutcome) {
        let [op @ Op::Reopen { queue }] = action.ops.as_slice() else { return };
        if queue.entries().len() != 3 || action.refusal.is_some() {
            return;
        }
        match (orders::tried(&self.state, op, outcome), outcome) {
            (Some(0), _) => {}
            (Some(5), Outcome::Done { .. }) => self.accepted += 1,
            (Some(5), Outcome::Failed { .. }) => self.failed += 1,
            (Some(5), Outcome::Violates { .. }) => self.violating += 1,
            (tried, _) => panic!("{op:?} in {:?}: {tried:?}", self.state),
        }
    }
}

#[test]
fn three_nodes_in_all_orders() {
    let scope = scopes::scope("smoke").unwrap();
    let facet = &scope.facets.iter().find(|(facet, _)| facet.name == "reopen").unwrap().0;
    let (explored, counts) = explore(facet, 2, Counts::default, &|_, _| {});
    assert!(explored.findings.is_empty());
    let sum = |of: fn(&Counts) -> usize| counts.iter().map(of).sum::<usize>();
    assert_eq!([sum(|c| c.accepted), sum(|c| c.failed), sum(|c| c.violating)], [70_537, 70_441, 15_241]);
}

#[test]
fn all_orders_are_tried_and_a_difference_is_seen() {
    let list = [0, 1, 2].map(|n| Entry { read_only: Some(true), ..Entry::new(NodeId(n), true) });
    let queue = Queue::new(&list).unwrap();
    assert_eq!(orders::other_orders(&queue).len(), 5);
    let mut state = Small::default();
    for node in 0..3 {
        let add = Op::Add { node: NodeId(node), spec: Spec::plain(Kind::Format) };
        let Outcome::Done { next, .. } = execute(&state, &[add], &[]) else { panic!("add") };
        state = next;
    }
    let op = Op::Reopen { queue };
    let outcome = execute(&state, &[op], &[]);
    assert_eq!(orders::tried(&state, &op, &outcome), Some(5));
    let Outcome::Done { mut next, plan, quiet, closed } = outcome else { panic!("reopen") };
    next.nodes[1].flags.read_only = false;
    assert_eq!(orders::tried(&state, &op, &Outcome::Done { next, plan, quiet, closed }), None);
}
