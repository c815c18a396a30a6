//! Brings the pairs of edges up to date. The walk starts at the changed nodes and goes downwards in the order of the
//! labels, so it visits every node after all its parents. It stops where nothing changes.

mod worklist;

use worklist::MANY;
pub(crate) use worklist::Worklist;

use crate::driver::{ChildContext, Policy};
use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, NodeKey};
use crate::permission::{Pair, Permissions};
use core::cmp::Reverse;
use slotmap::{Key, SecondaryMap};

/// Refreshes from the queued nodes and checks every node that it visits. Every violation of the graph is at such a
/// node, because there was none before. O(changes and their neighbours).
pub(crate) fn refresh<D: Policy>(core: &mut Core, drivers: &SecondaryMap<NodeKey, D>) -> Result<(), Error> {
    loop {
        enqueue(core);
        let Some(key) = core.pending.worklist.pop() else { return Ok(()) };
        let node = &mut core.nodes[key];
        node.queued = false;
        if !node.touched {
            node.touched = true;
            core.pending.touched.push(key);
        }
        check_node(core, key)?;
        let Some(driver) = drivers.get(key) else { continue };
        let mut next = core.nodes[key].children;
        while !next.is_null() {
            let edge = next;
            next = core.edges[edge].next_child;
            derive(core, driver, key, edge);
        }
    }
}

/// Gives the edges of this transaction their pairs, if A4 allows the edges (V3.5). [`refresh`] visits a parent again if
/// the parent itself changes.
pub(crate) fn refresh_fresh<D: Policy>(core: &mut Core, drivers: &SecondaryMap<NodeKey, D>) -> Result<(), Error> {
    for index in 0..core.pending.fresh.len() {
        let Some(key) = core.pending.fresh.get(index).copied() else { break };
        let Some(edge) = core.edges.get(key).filter(|edge| edge.linked) else { continue };
        let Some(parent) = edge.parent_node() else { continue };
        if core.wakes_up(edge) {
            return Err(core.inactive_child(key));
        }
        if let Some(driver) = drivers.get(parent) {
            derive(core, driver, parent, key);
        }
    }
    Ok(())
}

/// Moves the queued nodes to the worklist. A node that was added and rolled back no longer exists.
fn enqueue(core: &mut Core) {
    let pending = &mut core.pending;
    let many = pending.dirty.len() > MANY && pending.worklist.run.is_empty();
    for key in pending.dirty.drain(..) {
        let Some(node) = core.nodes.get(key) else { continue };
        if many {
            let item = pending.worklist.item(node.label, key);
            pending.worklist.run.push(item);
        } else {
            pending.worklist.push(node.label, key);
        }
    }
    if many {
        pending.worklist.run.sort_unstable_by_key(|item| Reverse(*item));
    }
}

/// Returns the pair of an edge from a node with the cumulative pair `above`, by the driver's rule (P4) and P8.
pub(crate) fn child_pair<D: Policy>(core: &Core, driver: &D, parent: NodeKey, above: Pair, edge: EdgeKey) -> Pair {
    let (node, edge) = (&core.nodes[parent], &core.edges[edge]);
    let mut pair = driver.child_pair(&ChildContext {
        name: &edge.name,
        role: edge.role,
        parent: above,
        has_parents: node.parent_count > 0,
        writable: node.is_writable(),
        no_io: node.no_io(),
        inactive: node.inactive,
    });
    if core.nodes[edge.child].force_share() {
        pair.share = Permissions::ALL;
    }
    pair.known()
}

fn derive<D: Policy>(core: &mut Core, driver: &D, parent: NodeKey, edge: EdgeKey) {
    let pair = child_pair(core, driver, parent, core.nodes[parent].counters.pair(), edge);
    if core.edges[edge].pair != pair {
        core.set_pair(edge, pair);
    }
}

/// Checks V3.2, V3.3 and V3.6 for one node. O(1) unless there is a conflict to name.
fn check_node(core: &Core, key: NodeKey) -> Result<(), Error> {
    let node = &core.nodes[key];
    if !node.counters.conflicts().is_empty() {
        return Err(conflict(core, key));
    }
    if node.read_only && node.counters.pair().need.intersects(Permissions::WRITING) {
        return Err(ErrorKind::ReadOnly { node: core.node_ref(key) }.into());
    }
    if node.inactive && !Permissions::READ.contains(node.counters.pair().need) {
        return Err(core.inactive_node(key));
    }
    Ok(())
}

/// Names the parties of a conflict that the counters show: the first two, in list order, for the first bit in conflict.
/// O(parents).
fn conflict(core: &Core, key: NodeKey) -> Error {
    let bit = core.nodes[key].counters.conflicts().iter().next().unwrap_or_default();
    let needs = |edge: &EdgeKey| core.edges[*edge].pair.need.contains(bit);
    let denies = |edge: &EdgeKey| !core.edges[*edge].pair.share.contains(bit);
    let parties = core.parents(key).find(needs).and_then(|needer| {
        let denier = core.parents(key).filter(denies).find(|edge| *edge != needer);
        // No other edge withholds the bit, so the edge that needs it also withholds it, and it conflicts with another
        // edge that needs it.
        let other = || core.parents(key).filter(needs).nth(1).map(|other| (other, needer));
        denier.map(|denier| (needer, denier)).or_else(other)
    });
    let node = core.node_ref(key);
    // The counters show two parties, so there are two.
    let Some((needer, denier)) = parties else { return ErrorKind::ReadOnly { node }.into() };
    let missing = core.edges[needer].pair.need - core.edges[denier].pair.share;
    ErrorKind::Conflict { node, needs: core.edge_ref(needer), denies: core.edge_ref(denier), missing }.into()
}
