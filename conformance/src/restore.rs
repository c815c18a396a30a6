//! A crate's graph made from a model's state, through the crate's own snapshot.

use crate::hooks::TestDriver;
use crate::impl_subject::ImplSubject;
use crate::translate;
use blockgraph::{Driver, EdgeSnapshot, Grant, NodeSnapshot, ParentIndex, Snapshot, UserSnapshot};
use blockgraph_model::{Node, NodeId, Parent, State, UserId};

/// Makes the subject's graph one that is in this state, in the space of what it was before.
///
/// # Errors
/// What the crate says if it does not take the snapshot.
pub fn restore_into<const N: usize, const E: usize>(
    subject: &mut ImplSubject,
    state: &State<N, E>,
) -> Result<(), String> {
    let snapshot = snapshot(state);
    subject
        .graph
        .restore_from(&snapshot, |node: &NodeSnapshot<TestDriver>| node.driver.clone())
        .map_err(|error| error.to_string())?;
    subject.keys.forget();
    subject.fault = None;
    let ids: Vec<NodeId> = state.names().collect();
    for (id, key) in ids.iter().zip(subject.graph.nodes()) {
        subject.keys.set_node(*id, key);
    }
    let users = state.edges().iter().filter_map(|e| if let Parent::User(user) = e.parent { Some(user) } else { None });
    for (user, key) in users.zip(subject.graph.users()) {
        subject.keys.set_user(user, key);
    }
    Ok(())
}

fn snapshot<const N: usize, const E: usize>(state: &State<N, E>) -> Snapshot<TestDriver> {
    let mut snapshot = Snapshot::default();
    let mut number = [0u32; N];
    for id in state.names() {
        number[id.0 as usize] = snapshot.nodes.len() as u32;
        snapshot.nodes.extend(node(&state.nodes[id.0 as usize], id));
    }
    for edge in state.edges() {
        let (parent, name) = match edge.parent {
            Parent::Node(parent) => {
                (ParentIndex::Node(number[parent.0 as usize]), translate::child_name(edge.name).clone())
            }
            Parent::User(id) => {
                snapshot.users.push(user(id, edge.wanted, edge.stay));
                (ParentIndex::User(snapshot.users.len() as u32 - 1), "root".into())
            }
        };
        let child = number[edge.child.0 as usize];
        snapshot.edges.push(EdgeSnapshot {
            parent,
            child,
            name,
            role: translate::role(edge.role),
            frozen: edge.frozen,
        });
    }
    for id in state.names() {
        snapshot.parent_lists.extend(state.parents(id).map(|index| index as u32));
    }
    snapshot
}

fn user(id: UserId, wanted: blockgraph_model::Pair, stays: bool) -> UserSnapshot {
    UserSnapshot { name: translate::user_name(id), pair: translate::pair(wanted), stays }
}

fn node(node: &Node, id: NodeId) -> Option<NodeSnapshot<TestDriver>> {
    let kind = node.kind?;
    let mut driver = TestDriver { preset: translate::preset(kind), id, refuses: None };
    if node.opt != kind.default_opt() {
        driver.set_option(translate::option(node.opt)).ok()?;
    }
    Some(NodeSnapshot {
        name: translate::node_name(id),
        read_only: node.flags.read_only,
        force_share: node.flags.force_share,
        no_io: node.flags.no_io,
        never_freeze: node.flags.never_freeze,
        holders: node.holders.into(),
        granted: Grant { pair: translate::pair(node.granted.pair), writable: node.granted.writable },
        driver,
    })
}
