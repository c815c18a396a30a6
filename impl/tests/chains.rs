//! Drop intermediate, stored names, and the renames of the plan (O12, O24, S6, V3.4).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{BackingFilter, Filter, Format, NoPermission, Protocol};
use blockgraph::{ErrorKind, Graph, NodeKey, NodeSpec, Pair, Permissions, PlanStep, Role};
use common::{Behaviour, Injected, READER, WRITER, add, behave, parents};

const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

fn stored(graph: &Graph<Injected>, node: NodeKey) -> Option<String> {
    graph.get(node).unwrap().stored_backing().map(ToString::to_string)
}

fn inherits(graph: &Graph<Injected>, node: NodeKey) -> Option<NodeKey> {
    graph.get(node).unwrap().inherits_from()
}

/// `n0` over `n1` over … , formats, each held by the monitor.
fn images<const N: usize>() -> (Graph<Injected>, [NodeKey; N]) {
    let mut graph = Graph::new();
    let nodes = std::array::from_fn(|i| add(&mut graph, &format!("n{i}"), Format));
    for ends in nodes.windows(2) {
        graph.set_backing(ends[0], Some(ends[1])).unwrap();
    }
    (graph, nodes)
}

#[test]
fn conditions_in_their_order() {
    let (mut graph, [n0, n1, n2, n3]) = images();
    let nowhere = NodeKey::default();
    let lonely = add(&mut graph, "lonely", Format);
    refused!(graph, NodeNotFound, t => t.drop_intermediate(nowhere, n0));
    refused!(graph, NodeNotFound, t => t.drop_intermediate(n0, nowhere));
    refused!(graph, SameNode, t => t.drop_intermediate(n0, n0));
    let text = refused!(graph, NotInChain, t => t.drop_intermediate(n1, n0));
    assert_eq!(text, "Node 'n0' is not in the backing chain of 'n1'");
    refused!(graph, NotInChain, t => t.drop_intermediate_as(n1, lonely, "name"));
    graph.attach_user("u", n1, READER, true).unwrap();
    graph.attach_user("v", n1, READER, true).unwrap();
    graph.freeze(n0, Some(n2)).unwrap();
    let kind = common::refused(&mut graph, |t| t.drop_intermediate(n1, n3));
    assert!(matches!(&kind, ErrorKind::ShouldNotChange { edge, to } if &*edge.parent_name == "v" && to.key == n3));
    let text = refused!(graph, ShouldNotChange, t => t.drop_intermediate(n1, n3));
    assert_eq!(text, "Should not change 'root' link to 'n1'");
    ["u", "v"].map(|name| graph.user(name).unwrap()).into_iter().for_each(|user| graph.detach_user(user).unwrap());
    let text = refused!(graph, Frozen, t => t.drop_intermediate(n1, n3));
    assert_eq!(text, "Cannot change frozen 'backing' link from 'n0' to 'n1'");
    // Frozen edges in the chain do not matter.
    graph.thaw(n0, Some(n1)).unwrap();
    graph.drop_intermediate(n1, n3).unwrap();
    assert_eq!((parents(&graph, n3), parents(&graph, n2)), (vec!["n0".into(), "n2".into()], vec!["n1".into()]));
    graph.eject_driver(n3).unwrap();
    refused!(graph, NodeCorrupted, t => t.drop_intermediate(n2, n3));
    graph.eject_driver(n2).unwrap();
    let kind = common::refused(&mut graph, |t| t.drop_intermediate(n3, n2));
    assert!(matches!(kind, ErrorKind::NodeCorrupted { node } if node.key == n3), "top first");
    refused!(graph, NotInChain, t => t.drop_intermediate(n1, lonely));
}

#[test]
fn what_is_between_goes_and_the_name_is_stored() {
    let (mut graph, [n0, n1, n2, n3]) = images();
    for node in [n1, n2] {
        graph.release(node).unwrap();
    }
    let other = add(&mut graph, "other", NoPermission);
    graph.attach(other, n1, "x", Role::DATA).unwrap();
    let user = graph.attach_user("u", n1, READER, false).unwrap();
    let before = graph.save();
    let mut t = graph.transaction();
    t.drop_intermediate(n1, n3).unwrap();
    drop(t);
    assert_eq!(graph.save(), before);
    let mut t = graph.transaction();
    t.drop_intermediate_as(n1, n3, "elsewhere").unwrap();
    t.drop_intermediate(n3, n3).unwrap_err();
    let committed = t.commit().unwrap();
    let closed: Vec<_> = committed.closed.iter().map(|closed| closed.key).collect();
    assert_eq!(closed, [n1, n2]);
    let renames: Vec<_> = committed.plan.iter().filter(|step| matches!(step, PlanStep::Rename { .. })).collect();
    assert_eq!(renames, [&PlanStep::Rename { node: n0 }], "only over COW edges");
    assert_eq!((stored(&graph, n0), stored(&graph, other)), (Some("elsewhere".into()), None));
    assert_eq!(graph.driver(n0).unwrap().stored.as_deref(), Some("elsewhere"));
    assert_eq!(
        (graph.user_view(user).unwrap().node(), parents(&graph, n3)),
        (n3, vec!["n0".into(), "other".into(), "u".into()])
    );
    // Attaching and setting do not change the name.
    graph.set_backing(n0, None).unwrap();
    graph.set_backing(n0, Some(other)).unwrap();
    assert_eq!((stored(&graph, n0), graph.inconsistencies()), (Some("elsewhere".into()), vec![]));
    let restored = Graph::restore(&graph.save()).unwrap();
    assert_eq!((restored.save(), restored.inconsistencies()), (graph.save(), vec![]));
}

/// S6.3: one step, in the place of the first, with the last name; none of a doomed node.
#[test]
fn several_names_in_one_transaction() {
    let (mut graph, [n0, n1, n2, n3]) = images();
    let side = add(&mut graph, "side", Format);
    graph.set_backing(side, Some(n2)).unwrap();
    let mut t = graph.transaction();
    t.drop_intermediate_as(n1, n2, "first").unwrap();
    let savepoint = t.savepoint();
    t.drop_intermediate_as(n2, n3, "second").unwrap();
    t.rollback_to(savepoint).unwrap();
    assert_eq!(stored(&t, n0), Some("first".into()));
    t.drop_intermediate_as(n2, n3, "third").unwrap();
    let committed = t.commit().unwrap();
    let renames = |plan: &[PlanStep]| {
        let renames = plan.iter().filter(|step| matches!(step, PlanStep::Rename { .. }));
        renames.map(PlanStep::node).collect::<Vec<_>>()
    };
    assert_eq!(renames(&committed.plan), [n0, side, n1], "in the order of the steps");
    let commits: Vec<_> = committed.commits().collect();
    assert_eq!(renames(&commits), [n1, side, n0]);
    let names = [n0, side, n1, n2].map(|node| stored(&graph, node));
    assert_eq!(names, [Some("third".into()), Some("third".into()), Some("third".into()), None]);
    graph.set_backing(n1, None).unwrap();
    let mut t = graph.transaction();
    t.append_and_store(n1, side).unwrap();
    t.release(n1).unwrap();
    assert!(renames(&t.commit().unwrap().plan).is_empty());
    assert_eq!(graph.inconsistencies(), []);
}

#[test]
fn append_stores_the_name_of_the_top() {
    let mut graph: Graph<Injected> = Graph::new();
    let (top, new, filter) =
        (add(&mut graph, "top", Format), add(&mut graph, "new", Format), add(&mut graph, "filter", BackingFilter));
    refused!(graph, BackingUnsupported, t => t.append_and_store(filter, top));
    graph.append(filter, top).unwrap();
    behave(&mut graph, new, Behaviour::RefuseRename);
    let before = graph.save();
    let error = graph.append_and_store(new, filter).unwrap_err();
    assert_eq!((error.to_string(), graph.save()), ("rename refused".into(), before));
    behave(&mut graph, new, Behaviour::Accept);
    graph.append_and_store(new, filter).unwrap();
    assert_eq!((stored(&graph, new), graph.inconsistencies()), (Some("filter".into()), vec![]));
}

/// V3.4. `disk` over `base`, and `disk` needs its file written only if it is writable itself.
#[test]
fn a_renamed_node_is_judged_as_writable() {
    let mut graph: Graph<Injected> = Graph::new();
    let [disk, middle, base] = ["disk", "middle", "base"]
        .map(|name| graph.add(NodeSpec::new(name).read_only(true), Injected::new(Format, Behaviour::Accept)).unwrap());
    graph.set_backing(middle, Some(base)).unwrap();
    graph.set_backing(disk, Some(middle)).unwrap();
    let file = graph.add(NodeSpec::new("file").read_only(true), Injected::new(Protocol, Behaviour::Accept)).unwrap();
    graph.attach(disk, file, "file", IMAGE).unwrap();
    let before = graph.save();
    let error = graph.drop_intermediate(middle, base).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ReadOnly { node } if node.key == file), "{error}");
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    // With a writable file it is allowed, and no driver hears of the supposed change.
    graph.set_read_only(file, false).unwrap();
    let mut t = graph.transaction();
    t.drop_intermediate(middle, base).unwrap();
    let committed = t.commit().unwrap();
    assert_eq!(&*committed.plan, [PlanStep::Rename { node: disk }]);
    assert!(graph.get(disk).unwrap().read_only() && graph.get(file).unwrap().granted().pair.need == Permissions::READ);
    // A conflict is one, too.
    let nobody_writes = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
    graph.attach_user("u", file, nobody_writes, false).unwrap();
    graph.set_backing(disk, None).unwrap();
    graph.set_backing(disk, Some(middle)).unwrap();
    assert!(matches!(graph.drop_intermediate(middle, base).unwrap_err().kind(), ErrorKind::Conflict { .. }));
    assert_eq!(graph.inconsistencies(), []);
    // Doomed, it is not renamed, so it need not be writable.
    let mut t = graph.transaction();
    t.drop_intermediate(middle, base).unwrap();
    t.release(disk).unwrap();
    t.commit().unwrap();
    assert_eq!(graph.inconsistencies(), []);
}

/// What the final graph violates comes first.
#[test]
fn the_final_graph_is_judged_before() {
    let (mut graph, [_, n1, n2]) = images();
    graph.attach_user("u", n1, WRITER, false).unwrap();
    graph.set_read_only(n2, true).unwrap();
    let error = graph.drop_intermediate(n1, n2).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ReadOnly { node } if node.key == n2));
}

/// S8.4, with implicit filters between.
#[test]
fn the_base_inherits_as_the_top_did() {
    let mut graph: Graph<Injected> = Graph::new();
    let disk = add(&mut graph, "disk", Format);
    let open = |graph: &mut Graph<Injected>, parent, name: &str| {
        let driver = Injected::new(Format, Behaviour::Accept);
        graph.open_child(parent, NodeSpec::new(name), driver, "backing", Role::COW).unwrap()
    };
    let top = open(&mut graph, disk, "top");
    let middle = open(&mut graph, top, "middle");
    let base = open(&mut graph, middle, "base");
    assert_eq!([top, middle, base].map(|node| inherits(&graph, node)), [Some(disk), Some(top), Some(middle)]);
    let filter = Injected::new(Filter, Behaviour::Accept);
    let filter = graph.insert(NodeSpec::new("filter").implicit(true), filter, top).unwrap();
    let before = graph.save();
    let mut t = graph.transaction();
    t.drop_intermediate(filter, base).unwrap();
    assert_eq!(inherits(&t, base), Some(disk), "the top is implicit, so it is the first below that is not");
    drop(t);
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]));
    // To the top that is meant, nothing changes.
    let mut t = graph.transaction();
    t.drop_intermediate(filter, top).unwrap();
    assert_eq!(inherits(&t, top), Some(disk));
    drop(t);
    graph.hold(top).unwrap();
    graph.drop_intermediate(filter, base).unwrap();
    assert!(graph.get(base).unwrap().inherits_read_only());
    assert_eq!([top, middle, base].map(|node| inherits(&graph, node)), [Some(disk), Some(top), Some(disk)]);
    assert_eq!(stored(&graph, disk), Some("base".into()));
    // It inherits from no node if the top does not inherit.
    graph.hold(disk).unwrap();
    let mut t = graph.transaction();
    t.attach_user("u", disk, READER, false).unwrap();
    t.drop_intermediate(disk, base).unwrap();
    t.commit().unwrap();
    assert_eq!((inherits(&graph, base), graph.inconsistencies()), (None, vec![]));
}
