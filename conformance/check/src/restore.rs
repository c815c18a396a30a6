//! Makes a graph of the crate from a state of the model, through the crate's saved form.

use crate::impl_subject::ImplSubject;
use crate::test_driver::{Hooks, TestDriver};
use crate::translate;
use blockgraph::{Driver, Grant, ParentIndex, Policy, SavedDriver, SavedEdge, SavedGraph, SavedNode, SavedUser};
use blockgraph_model::{Edge, Node, NodeId, OpKinds, Parent, State, UserId};

/// Makes the subject's graph one that has this state, and reuses its memory.
///
/// # Errors
/// The crate's error if it does not accept the saved graph.
pub fn restore_into<const N: usize, const E: usize>(
    subject: &mut ImplSubject,
    state: &State<N, E>,
) -> Result<(), String> {
    let snapshot = snapshot(state);
    subject
        .graph
        .restore_from(&snapshot, |_, driver: &TestDriver| driver.clone())
        .map_err(|error| error.to_string())?;
    subject.ejected.clear();
    subject.keys.forget();
    subject.fault = None;
    let ids: Vec<NodeId> = state.names().collect();
    for (id, key) in ids.iter().zip(subject.graph.nodes()) {
        subject.keys.set_node(*id, key);
    }
    let gone = ids.iter().filter(|id| state.nodes[id.0 as usize].ejected);
    subject.ejected.extend(gone.filter_map(|&id| Some((id, driver(&state.nodes[id.0 as usize], id)?.preset))));
    let users = state.edges().iter().filter_map(|e| if let Parent::User(user) = e.parent { Some(user) } else { None });
    for (user, key) in users.zip(subject.graph.users()) {
        subject.keys.set_user(user, key);
    }
    Ok(())
}

fn snapshot<const N: usize, const E: usize>(state: &State<N, E>) -> SavedGraph<TestDriver> {
    let mut snapshot = SavedGraph { drain_alls: state.drain_alls.into(), ..SavedGraph::default() };
    let mut number = [0u32; N];
    for id in state.names() {
        number[id.0 as usize] = snapshot.nodes.len() as u32;
        snapshot.nodes.extend(node(&state.nodes[id.0 as usize], id));
    }
    for (id, node) in state.names().zip(&mut snapshot.nodes) {
        let from = state.nodes[id.0 as usize].inherits.map(|inherits| inherits.from);
        node.inherits = from.map(|from| number[from.0 as usize]);
    }
    for edge in state.edges() {
        let (parent, name) = match edge.parent {
            Parent::Node(parent) => {
                (ParentIndex::Node(number[parent.0 as usize]), translate::child_name(edge.name).clone())
            }
            Parent::User(id) => {
                snapshot.users.push(user(id, edge));
                (ParentIndex::User(snapshot.users.len() as u32 - 1), "root".into())
            }
        };
        let child = number[edge.child.0 as usize];
        snapshot.edges.push(SavedEdge {
            parent,
            child,
            name,
            role: translate::role(edge.role),
            frozen: edge.frozen,
            kept: kept(state, edge),
        });
    }
    for id in state.names() {
        snapshot.parent_lists.extend(state.parents(id).map(|index| index as u32));
    }
    snapshot
}

/// L3.1
fn kept<const N: usize, const E: usize>(state: &State<N, E>, edge: &Edge) -> Option<blockgraph::Pair> {
    let keeps = matches!(edge.parent, Parent::Node(parent) if state.nodes[parent.0 as usize].ejected);
    keeps.then(|| translate::pair(edge.wanted))
}

fn user(id: UserId, edge: &Edge) -> SavedUser {
    SavedUser {
        name: translate::user_name(id),
        pair: translate::pair(edge.wanted),
        stays: edge.user_flags.stay,
        may_inactivate: edge.user_flags.may_inactivate,
        fixed: edge.user_flags.fixed,
        blocks: translate::op_kinds(edge.blocks),
        block_reason: (edge.blocks != OpKinds::NONE).then(|| translate::reason(id).clone()),
    }
}

/// Returns the saved node, except for the index of the node from which it inherits.
fn node(node: &Node, id: NodeId) -> Option<SavedNode<TestDriver>> {
    let kind = node.kind?;
    let driver = driver(node, id)?;
    let driver = match node.ejected {
        true => SavedDriver::Ejected { name: driver.name().into(), shape: translate::shape(kind) },
        false => SavedDriver::Present(driver),
    };
    Some(SavedNode {
        name: translate::node_name(id),
        read_only: node.flags.read_only,
        force_share: node.flags.force_share,
        no_io: node.flags.no_io,
        never_freeze: node.flags.never_freeze,
        implicit: node.flags.implicit,
        inactive: node.flags.inactive,
        monitor: node.monitor,
        holders: node.holders.into(),
        sections: node.sections.into(),
        context: translate::context(node.context),
        inherits: None,
        inherits_read_only: node.inherits.is_some_and(|inherits| inherits.read_only),
        stored_backing: node.stored.map(translate::node_name),
        granted: Grant { pair: translate::pair(node.granted.pair), writable: node.granted.writable },
        driver,
    })
}

/// Returns the driver that the node has, or had.
fn driver(node: &Node, id: NodeId) -> Option<TestDriver> {
    let kind = node.kind?;
    let mut driver = TestDriver { preset: translate::preset(kind), id, refuses: Hooks::default() };
    if node.opt != kind.default_opt() {
        driver.set_option(translate::option(node.opt)).ok()?;
    }
    Some(driver)
}
