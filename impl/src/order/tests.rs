//! Tests of labels without free space.

use super::{CROWDED, LIMIT};
use crate::drivers::{Filter, NoPermission};
use crate::{Error, ErrorKind, Graph, NodeKey, NodeSpec, Preset, Role};
use alloc::format;

fn add(graph: &mut Graph<Preset>, name: &str) -> NodeKey {
    graph.add(NodeSpec::new(name), NoPermission.into()).unwrap()
}

/// Midpoints halve the space each time. Then the region is spread out, again and again.
#[test]
fn inserting_at_one_place_for_ever() {
    let mut graph: Graph<Preset> = Graph::new();
    let (low, high) = (add(&mut graph, "low"), add(&mut graph, "high"));
    graph.attach(high, low, "x", Role::DATA).unwrap();
    let mut place = low;
    for i in 0..400 {
        let name = format!("n{i}");
        let new = graph.insert(NodeSpec::new(name), Filter.into(), place).unwrap();
        if i % 3 == 0 {
            place = new;
        }
        assert_eq!(graph.inconsistencies(), []);
    }
}

/// Two chains side by side without space between neighbours. An edge from one to the other spreads out the nearer end,
/// downwards or upwards.
#[test]
fn a_crowded_region_is_spread_out() -> Result<(), Error> {
    for (place, moved) in [(80, 20), (20, 21)] {
        let mut graph: Graph<Preset> = Graph::new();
        let mut chain = |letter: char| -> Result<alloc::vec::Vec<NodeKey>, Error> {
            let nodes: alloc::vec::Vec<_> = (0..100).map(|i| add(&mut graph, &format!("{letter}{i}"))).collect();
            for (node, label) in nodes.iter().zip(0_i64..) {
                graph.core.nodes[*node].label = label;
            }
            for pair in nodes.windows(2) {
                graph.attach(pair[0], pair[1], "x", Role::DATA)?;
            }
            Ok(nodes)
        };
        let (above, below) = (chain('a')?, chain('b')?);
        graph.attach(above[place], below[place], "y", Role::DATA)?;
        assert_eq!(graph.inconsistencies(), []);
        let far = |key: &&NodeKey| graph.core.nodes[**key].label.abs() > CROWDED;
        assert_eq!(above.iter().chain(&below).filter(far).count(), moved);
        let error = graph.attach(below[99], above[0], "back", Role::DATA).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Cycle { .. }));
        assert_eq!(graph.inconsistencies(), []);
    }
    Ok(())
}

#[test]
fn used_up_labels_are_made_anew_and_undone() {
    let mut graph: Graph<Preset> = Graph::new();
    let (a, b, c) = (add(&mut graph, "a"), add(&mut graph, "b"), add(&mut graph, "c"));
    for node in [a, b, c] {
        graph.core.nodes[node].label = LIMIT;
    }
    let mut t = graph.transaction();
    t.attach(a, b, "x", Role::DATA).unwrap();
    t.attach(b, c, "x", Role::DATA).unwrap();
    let back = t.savepoint();
    t.attach(c, a, "x", Role::DATA).unwrap();
    assert!(matches!(t.commit().unwrap_err().kind(), ErrorKind::Cycle { .. }));
    assert!([a, b, c].iter().all(|node| graph.core.nodes[*node].label == LIMIT));
    let mut t = graph.transaction();
    assert!(t.rollback_to(back).is_err());
    t.attach(a, b, "x", Role::DATA).unwrap();
    t.attach(b, c, "x", Role::DATA).unwrap();
    t.commit().unwrap();
    assert_eq!(graph.inconsistencies(), []);
    graph.core.front = -LIMIT;
    let (d, e) = (add(&mut graph, "d"), add(&mut graph, "e"));
    graph.attach(d, e, "x", Role::DATA).unwrap();
    graph.attach(e, a, "x", Role::DATA).unwrap();
    assert_eq!(graph.inconsistencies(), []);
}
