//! The comparison of R4 tries every order of a list, and can fail. Over whole scopes: `theorems/reopen_order.rs`.

use blockgraph_model::menu::Small;
use blockgraph_model::op::{Entry, Kind, NodeId, Op, Queue, Spec};
use blockgraph_model::{Outcome, execute, orders};

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
    let Outcome::Done { mut next, plan, drain_notices, closed } = outcome else { panic!("reopen") };
    next.nodes[1].flags.read_only = false;
    assert_eq!(orders::tried(&state, &op, &Outcome::Done { next, plan, drain_notices, closed }), None);
}
