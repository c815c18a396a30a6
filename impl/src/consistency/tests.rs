//! A check must be able to fail, so each invariant has a test with a defect that breaks it.

use super::Inconsistency;
use crate::context::ContextId;
use crate::drain::DrainCounts;
use crate::drivers::{Filter, Format, Protocol};
use crate::graph::arena::{Core, EdgeKey, Node, NodeKey, UserKey};
use crate::graph::traits::Traits;
use crate::{Graph, NodeSpec, OpKinds, Pair, Permissions, Preset, Role, Slot};
use alloc::vec::Vec;
use slotmap::Key;

/// Builds `top` (filter) over `disk` (format) over `file`, with a user that reads on `top` and a user on `file`.
fn graph() -> Graph<Preset> {
    let mut graph = Graph::new();
    let file = graph.add(NodeSpec::new("file"), Protocol.into()).unwrap();
    let disk = graph.add(NodeSpec::new("disk"), Format.into()).unwrap();
    graph.attach(disk, file, "file", Role::DATA | Role::PRIMARY).unwrap();
    let top = graph.insert(NodeSpec::new("top"), Filter.into(), disk).unwrap();
    graph.attach_user("guest", top, Pair::new(Permissions::READ, Permissions::ALL), false).unwrap();
    graph.attach_user("other", file, Pair::NOTHING, false).unwrap();
    graph
}

fn node(core: &Core, name: &str) -> NodeKey {
    core.node_named(name).unwrap()
}

fn first_parent(core: &Core, name: &str) -> EdgeKey {
    core.nodes[node(core, name)].parents
}

fn last_parent(core: &Core, name: &str) -> EdgeKey {
    core.parents(node(core, name)).last().unwrap()
}

fn found(defect: fn(&mut Core)) -> Vec<Inconsistency> {
    let mut graph = graph();
    assert_eq!(graph.inconsistencies(), []);
    defect(&mut graph.core);
    graph.inconsistencies()
}

macro_rules! finds {
    ($kind:pat, $core:ident => $defect:expr) => {
        let found = found(|$core| $defect);
        assert!(found.iter().any(|found| matches!(found, $kind)), "{}: {found:?}", stringify!($kind));
    };
}

#[test]
fn defects_of_shape_are_found() {
    use Inconsistency as I;
    finds!(I::Leftover, c => c.pending.open = true);
    finds!(I::Leftover, c => { let key = node(c, "disk"); c.note(key); });
    finds!(I::Registry, c => c.last_node = NodeKey::null());
    finds!(I::Registry, c => c.node_names.clear());
    finds!(I::NodeName(_), c => { let key = node(c, "disk"); c.node_names.remove("disk", key); });
    finds!(I::UserName(_), c => { let key = c.first_user; c.users[key].gone = true; });
    finds!(I::UserEdge(_), c => { let key = c.first_user; c.users[key].edge = EdgeKey::null(); });
    finds!(I::DriverShape(_), c => { let key = node(c, "disk"); c.nodes[key].traits |= Traits::FILTERS_FILE; });
    finds!(I::ParentsList(_), c => { let key = node(c, "file"); c.nodes[key].parent_count = 7; });
    finds!(I::ParentsList(_), c => { let key = last_parent(c, "file"); c.edges[key].prev_parent = key; });
    finds!(I::ParentsList(_), c => { let key = last_parent(c, "file"); c.edges[key].next_parent = key; });
    finds!(I::ChildrenList(_), c => { let key = first_parent(c, "disk"); c.edges[key].prev_child = key; });
    finds!(I::LostEdge(_), c => { let key = first_parent(c, "disk"); c.edges[key].linked = false; });
    finds!(I::Slot(_, Slot::File), c => { let key = node(c, "top"); c.nodes[key].file = EdgeKey::null(); });
    finds!(I::Role(_), c => { let key = first_parent(c, "disk"); c.edges[key].role = Role::COW; });
    // The role is malformed, and the edge keeps its slot.
    finds!(I::Role(_), c => { let key = last_parent(c, "file"); c.edges[key].role = Role::PRIMARY; });
    finds!(I::Frozen(_), c => { let key = first_parent(c, "file"); c.edges[key].frozen = true; });
    finds!(I::Frozen(_), c => {
        let (key, edge) = (node(c, "disk"), first_parent(c, "disk"));
        c.nodes[key].traits |= Traits::NEVER_FREEZE;
        c.edges[edge].frozen = true;
    });
}

/// The check finds each mark that a transaction leaves on a node.
#[test]
fn single_marks_are_found() {
    let marks: [fn(&mut Node) -> &mut bool; 5] =
        [|n| &mut n.queued, |n| &mut n.touched, |n| &mut n.reopened, |n| &mut n.renamed, |n| &mut n.shifted];
    for mark in marks {
        let mut graph = graph();
        let key = node(&graph.core, "disk");
        *mark(&mut graph.core.nodes[key]) = true;
        assert_eq!(graph.inconsistencies(), [Inconsistency::Leftover]);
    }
}

/// Defects of inheritance, texts and ejected drivers.
#[test]
fn defects_of_life_are_found() {
    use Inconsistency as I;
    finds!(I::Leftover, c => c.pending.texts.push(None));
    finds!(I::Leftover, c => c.pending.settle.push(0));
    finds!(I::Leftover, c => c.pending.drains = true);
    finds!(I::Leftover, c => c.pending.quieted = 1);
    finds!(I::Leftover, c => c.pending.stay_aborts = 1);
    finds!(I::Leftover, c => c.pending.notices = Some(alloc::boxed::Box::default()));
    finds!(I::Leftover, c => c.pending.contexts.uneven = true);
    finds!(I::Leftover, c => c.pending.contexts.requests.push((NodeKey::null(), ContextId::MAIN)));
    finds!(I::Leftover, c => { let key = node(c, "disk"); c.pending.renamed.push(key); });
    finds!(I::DriverShape(_), c => { let key = node(c, "disk"); c.nodes[key].ejected = true; });
    finds!(I::DriverShape(_), c => { let key = node(c, "disk"); c.nodes[key].traits -= Traits::TAKES_CHILDREN; });
    finds!(I::Implicit(_), c => { let key = node(c, "disk"); c.nodes[key].traits |= Traits::IMPLICIT; });
    finds!(I::StoredName(_), c => { let key = node(c, "file"); c.texts.backing.insert(key, "x".into()); });
    finds!(I::StoredName(_), c => _ = c.texts.backing.insert(NodeKey::null(), "x".into()));
    finds!(I::StoredName(_), c => { let key = node(c, "disk"); c.texts.lost.insert(key, "x".into()); });
    finds!(I::Inherits(_), c => { let key = node(c, "disk"); c.nodes[key].heirs = 1; });
    finds!(I::Inherits(_), c => { let key = node(c, "disk"); c.nodes[key].inherits = node(c, "top"); });
    finds!(I::Inherits(_), c => {
        let (one, two) = (node(c, "disk"), node(c, "top"));
        c.put_inherits(one, two, false);
        c.put_inherits(two, one, false);
    });
    finds!(I::Blocks(_), c => { let key = c.first_user; c.users[key].blocks = OpKinds::STREAM; });
    finds!(I::Blocks(_), c => { let key = c.first_user; c.texts.reasons.insert(key, "x".into()); });
    finds!(I::Blocks(_), c => _ = c.texts.reasons.insert(UserKey::null(), "x".into()));
    let mut graph = graph();
    let key = node(&graph.core, "disk");
    let driver = graph.drivers.remove(key).unwrap();
    assert!(graph.inconsistencies().contains(&I::Registry));
    graph.ejected.push(crate::Ejected { key, name: "disk".into(), driver });
    graph.core.nodes[key].ejected = true;
    assert_eq!(graph.inconsistencies(), [I::Leftover], "its edges keep their pairs");
}

/// An edge of the arena is in no list although it says so, and counts do not match each other.
#[test]
fn wrong_counts_of_edges_are_found() {
    use Inconsistency as I;
    finds!(I::Registry, c => { let copy = c.edges[first_parent(c, "disk")].clone(); c.edges.insert(copy); });
    finds!(I::Registry, c => { let copy = c.edges[first_parent(c, "top")].clone(); c.edges.insert(copy); });
    finds!(I::Registry, c => { let key = node(c, "file"); c.nodes[key].parent_count = 1; });
    for name in ["disk", "top"] {
        let mut graph = graph();
        let (key, copy) = (node(&graph.core, name), graph.core.edges[first_parent(&graph.core, name)].clone());
        graph.core.nodes[key].parent_count += 1;
        graph.core.edges.insert(copy);
        assert!(graph.inconsistencies().contains(&I::Registry), "{name}: the sum of the parents is right");
    }
}

#[test]
fn defects_of_meaning_are_found() {
    use Inconsistency as I;
    finds!(I::ForceShare(_), c => { let key = node(c, "file"); c.nodes[key].traits |= Traits::FORCE_SHARE; });
    finds!(I::Counters(_), c => { let key = first_parent(c, "disk"); c.edges[key].pair = Pair::NOTHING; });
    finds!(I::Label(_), c => { let key = node(c, "top"); c.nodes[key].label = i64::MAX; });
    finds!(I::Freshness(_), c => {
        let (key, edge) = (node(c, "disk"), first_parent(c, "disk"));
        let pair = c.edges[edge].pair;
        c.nodes[key].counters.change(pair, Pair::NOTHING);
        c.edges[edge].pair = Pair::NOTHING;
    });
    finds!(I::Conflict(_), c => {
        let key = node(c, "file");
        let (one, two) = (first_parent(c, "file"), last_parent(c, "file"));
        for (edge, pair) in [
            (one, Pair::new(Permissions::WRITE, Permissions::ALL)),
            (two, Pair::new(Permissions::NONE, Permissions::READ)),
        ] {
            let old = core::mem::replace(&mut c.edges[edge].pair, pair);
            c.nodes[key].counters.change(old, pair);
        }
    });
    finds!(I::ReadOnly(_), c => {
        let (key, edge) = (node(c, "top"), first_parent(c, "top"));
        let pair = Pair::new(Permissions::WRITE, Permissions::ALL);
        let old = core::mem::replace(&mut c.edges[edge].pair, pair);
        c.nodes[key].counters.change(old, pair);
        c.nodes[key].read_only = true;
    });
    finds!(I::InactiveChild(_), c => { let key = node(c, "disk"); c.nodes[key].inactive = true; });
    finds!(I::InactiveNode(_), c => {
        let (key, edge) = (node(c, "top"), first_parent(c, "top"));
        let pair = Pair::new(Permissions::RESIZE, Permissions::ALL);
        let old = core::mem::replace(&mut c.edges[edge].pair, pair);
        c.nodes[key].counters.change(old, pair);
        c.nodes[key].inactive = true;
    });
    // The user reads, which is possible on an inactive node, but its pair must be empty (A3).
    finds!(I::Freshness(_), c => { let key = node(c, "top"); c.nodes[key].inactive = true; });
    finds!(I::Leftover, c => { let key = node(c, "top"); c.pending.shifted.push((key, true)); });
    finds!(I::ChildrenList(_), c => { let key = node(c, "disk"); c.nodes[key].child_count += 1; });
    finds!(I::Registry, c => { let key = node(c, "disk"); c.nodes[key].child_count += 100; });
    finds!(I::Unreferenced(_), c => { let key = node(c, "disk"); c.nodes[key].doomed = true; });
    finds!(I::Stale(_), c => { let key = node(c, "disk"); c.nodes[key].granted.writable = false; });
    finds!(I::Stale(_), c => { let key = node(c, "disk"); c.stale.push(key); });
    finds!(I::Cycle(_), c => {
        // On a cycle no labels are right, so the test ignores them: `top` becomes its own child.
        let (top, edge) = (node(c, "top"), first_parent(c, "disk"));
        c.retarget(edge, top);
        c.edges[edge].fresh = false;
        c.pending = crate::graph::pending::Pending::default();
        c.nodes.values_mut().for_each(|node| node.queued = false);
        c.nodes[top].label = i64::MIN;
    } );
}

/// Contexts that differ along an edge, and counts that do not match the edges.
#[test]
fn defects_of_contexts_and_sections_are_found() {
    use Inconsistency as I;
    finds!(I::Context(_), c => { let key = node(c, "disk"); c.nodes[key].context = ContextId(1); });
    finds!(I::Context(_), c => { let key = c.last_user; c.users[key].fixed = true; });
    finds!(I::Context(_), c => {
        let key = c.first_user;
        (c.users[key].fixed, c.users[key].context) = (true, Some(ContextId(1)));
    });
    finds!(I::Quiesced(_), c => { let key = node(c, "file"); c.put_drain_counts(key, DrainCounts { sections: 1, children: 0 }); });
    finds!(I::Quiesced(_), c => { let key = node(c, "top"); c.put_drain_counts(key, DrainCounts { sections: 0, children: 1 }); });
    finds!(I::Quiesced(_), c => {
        let key = node(c, "top");
        c.drain_alls = 1;
        c.put_drain_counts(key, DrainCounts { sections: 0, children: 1 });
    });
    finds!(I::Quiesced(_), c => { let key = node(c, "top"); c.drain_counts.insert(key, DrainCounts::default()); });
}
