//! Lists of a node and one that inherits from it: there the order may matter.

use super::{couples, reopen_facet, verdict};
use crate::{page, story};
use blockgraph_model::explore::{Visitor, explore};
use blockgraph_model::menu::{Facet, Small};
use blockgraph_model::{NodeId, Op, Outcome, Queue, execute, orders};

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
            let outcome = |queue: Queue| execute(state, &[Op::Reopen { queue }], &[]);
            let [other] = orders::other_orders(&queue)[..] else { panic!("{queue:?} has one other order") };
            let differ = !orders::alike(&outcome(queue), &outcome(other));
            self.lists += 1;
            self.differ += u64::from(differ);
            if differ && self.first.is_none() {
                self.first = Some((index, queue));
            }
        }
    }
}

/// R4's condition is needed: what happens to heirs depends on the order.
pub fn block() -> String {
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
            outcome => verdict(&outcome),
        };
        out += &format!("\n{}\n    {came}", story::format_op(&op));
    }
    let said = format!(
        "{} lists, of which {} depend on their order. The first:\n\n",
        page::grouped(lists),
        page::grouped(differ)
    );
    said + &page::verbatim(&out)
}
