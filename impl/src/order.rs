//! Topological labels: every node has a smaller number than all its children.
//!
//! The steps of a transaction do not maintain the labels. The commit inserts the new edges one by one. An edge that
//! fits costs nothing. For an edge that does not fit, two searches run in lock step: one raises the labels of the nodes
//! below the child, the other lowers the labels of the nodes above the parent. The one that ends first is applied. The
//! searches skip edges that are not yet inserted, because the order says nothing about them and a search along them
//! might never end. If one search meets the other, there is a cycle.

use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, NodeKey};
use alloc::vec::Vec;
use core::cmp::Reverse;
use slotmap::{Key, SecondaryMap};

#[cfg(test)]
mod laws;
mod search;
#[cfg(test)]
mod tests;

pub(crate) use search::{GAP, LIMIT, Search};

/// A region with smaller distances counts as crowded and is spread out.
const CROWDED: i64 = 1 << 8;
/// The distance between neighbours in a region that is spread out.
const SPREAD: i64 = 1 << 20;

/// The state of a search.
enum Progress {
    Running,
    /// The two ends are also connected in the other direction.
    Cycle,
    /// The edge fits if the members are moved beyond the limit by this distance.
    Ended(i64),
    /// The labels are used up.
    Full,
}

impl Search {
    fn start(&mut self, core: &mut Core, upwards: bool, from: NodeKey, far: NodeKey) {
        self.upwards = upwards;
        (self.mark, self.other) = (core.pending.epoch, core.pending.epoch.wrapping_sub(1));
        if upwards {
            (self.mark, self.other) = (self.other, self.mark);
        }
        self.heap.clear();
        self.members.clear();
        (self.cursor, self.seen, self.spreading) = (EdgeKey::null(), 0, false);
        self.limit = self.key(core, far);
        self.bound = self.limit;
        self.push(core, from);
    }

    fn key(&self, core: &Core, node: NodeKey) -> i64 {
        let label = core.nodes[node].label;
        if self.upwards { -label } else { label }
    }

    fn push(&mut self, core: &mut Core, node: NodeKey) {
        core.nodes[node].mark = self.mark;
        self.heap.push(Reverse((self.key(core, node), self.seen, node)));
        self.seen += 1;
    }

    /// Looks at one edge, or takes the next node.
    fn advance(&mut self, core: &mut Core) -> Progress {
        let Some(edge) = core.edges.get(self.cursor) else { return self.next_node(core) };
        let next = if self.upwards { edge.next_parent } else { edge.next_child };
        self.cursor = next;
        if edge.fresh {
            return Progress::Running;
        }
        let end = if self.upwards { edge.parent_node() } else { Some(edge.child) };
        let Some(end) = end else { return Progress::Running };
        let mark = core.nodes[end].mark;
        if mark == self.other {
            return Progress::Cycle;
        }
        if mark != self.mark {
            self.push(core, end);
        }
        Progress::Running
    }

    fn next_node(&mut self, core: &Core) -> Progress {
        let next = self.heap.peek().map(|Reverse((key, _, _))| *key);
        let count = i64::try_from(self.members.len()).unwrap_or(LIMIT);
        if next.is_some_and(|key| key <= self.bound) {
            return self.take(core);
        }
        if self.spreading {
            return Progress::Ended(SPREAD);
        }
        let room = next.map_or(i64::MAX, |key| (key - self.limit) / count.saturating_add(1));
        let distance = room.min(GAP);
        if distance < CROWDED {
            self.spreading = true;
            self.bound = self.limit.saturating_add(SPREAD.saturating_mul(count));
            return Progress::Running;
        }
        if self.limit.saturating_add(distance.saturating_mul(count)) > LIMIT {
            return Progress::Full;
        }
        Progress::Ended(distance)
    }

    /// Takes the next node that must be moved, too.
    fn take(&mut self, core: &Core) -> Progress {
        let Some(Reverse((_, _, node))) = self.heap.pop() else { return Progress::Running };
        self.members.push(node);
        if self.spreading {
            self.bound = self.bound.saturating_add(SPREAD);
        }
        if self.bound > LIMIT {
            return Progress::Full;
        }
        let node = &core.nodes[node];
        self.cursor = if self.upwards { node.parents } else { node.children };
        Progress::Running
    }

    /// Moves the members. Their keys only grow, and their order stays, so edges that fitted before still fit.
    fn apply(&self, core: &mut Core, distance: i64) {
        let mut key = self.limit;
        for member in &self.members {
            key = key.saturating_add(distance);
            let label = if self.upwards { -key } else { key };
            core.front = core.front.min(label);
            core.set_label(*member, label);
        }
    }
}

/// The result of inserting one edge.
enum Insertion {
    Fits,
    Cycle,
    Full,
}

impl Core {
    /// Returns the label of a new node: in front of all others. At the end of the range, new nodes share the last
    /// label. This is correct while no edge connects them, and the order separates them when one does.
    pub(crate) fn front_label(&mut self) -> i64 {
        self.front = self.front.saturating_sub(GAP).max(-LIMIT);
        self.front
    }

    /// Brings the labels up to date with the edges of this transaction (V3.1). O(1) for each edge that fits.
    pub(crate) fn order_fresh(&mut self) -> Result<(), Error> {
        for index in 0..self.pending.fresh.len() {
            let Some(key) = self.pending.fresh.get(index).copied() else { break };
            let Some(edge) = self.edges.get(key) else { continue };
            let (Some(parent), true) = (edge.parent_node(), edge.linked) else { continue };
            match self.insert_in_order(parent, edge.child) {
                Insertion::Fits => self.edges[key].fresh = false,
                Insertion::Cycle => return Err(ErrorKind::Cycle { edge: self.edge_ref(key) }.into()),
                Insertion::Full => return self.relabel(),
            }
        }
        Ok(())
    }

    fn insert_in_order(&mut self, parent: NodeKey, child: NodeKey) -> Insertion {
        if parent == child {
            return Insertion::Cycle;
        }
        if self.nodes[parent].label < self.nodes[child].label {
            return Insertion::Fits;
        }
        // The searches are taken out so that they can be used together with the graph.
        let mut down = core::mem::take(&mut self.pending.down);
        let mut up = core::mem::take(&mut self.pending.up);
        self.pending.next_epoch();
        self.pending.next_epoch();
        down.start(self, false, child, parent);
        up.start(self, true, parent, child);
        let result = loop {
            let mut progress = down.advance(self);
            let mut search = &down;
            if matches!(progress, Progress::Running) {
                progress = up.advance(self);
                search = &up;
            }
            match progress {
                Progress::Running => {}
                Progress::Cycle => break Insertion::Cycle,
                Progress::Full => break Insertion::Full,
                Progress::Ended(distance) => {
                    search.apply(self, distance);
                    break Insertion::Fits;
                }
            }
        };
        (self.pending.down, self.pending.up) = (down, up);
        result
    }

    /// Renumbers all labels, evenly spaced. O(nodes + edges). It runs when the range is used up, which takes 2²⁸ nodes
    /// added in front.
    fn relabel(&mut self) -> Result<(), Error> {
        let (order, rest) = self.topological_order();
        if let Some(edge) = self.edge_on_cycle(&rest) {
            return Err(ErrorKind::Cycle { edge: self.edge_ref(edge) }.into());
        }
        let gap = (LIMIT / i64::try_from(order.len()).unwrap_or(LIMIT).max(1)).clamp(1, GAP);
        let mut label = 0_i64;
        for key in order {
            self.set_label(key, label);
            label = label.saturating_add(gap);
        }
        self.front = 0;
        for index in 0..self.pending.fresh.len() {
            if let Some(edge) = self.pending.fresh.get(index).copied().and_then(|key| self.edges.get_mut(key)) {
                edge.fresh = false;
            }
        }
        Ok(())
    }

    /// Returns all nodes, parents before children, from the lists alone. Nodes on or below a cycle are returned with
    /// the number of parents they wait for. O(nodes + edges), and it allocates.
    pub(crate) fn topological_order(&self) -> (Vec<NodeKey>, SecondaryMap<NodeKey, usize>) {
        let mut waiting = SecondaryMap::with_capacity(self.nodes.len());
        let mut order = Vec::with_capacity(self.nodes.len());
        for key in self.node_keys() {
            let node_parent = |edge: &EdgeKey| self.edges[*edge].parent_node().is_some();
            match self.parents(key).filter(node_parent).count() {
                0 => order.push(key),
                count => _ = waiting.insert(key, count),
            }
        }
        let mut index = 0;
        while let Some(key) = order.get(index).copied() {
            for edge in self.children(key) {
                let child = self.edges[edge].child;
                match waiting.get_mut(child) {
                    Some(1) => {
                        waiting.remove(child);
                        order.push(child);
                    }
                    Some(count) => *count -= 1,
                    None => {}
                }
            }
            index += 1;
        }
        (order, waiting)
    }

    /// Returns an edge on a cycle, given the nodes that a topological order does not reach. Each has a parent among
    /// them, so a walk upwards must meet a cycle.
    pub(crate) fn edge_on_cycle(&self, rest: &SecondaryMap<NodeKey, usize>) -> Option<EdgeKey> {
        let mut seen = SecondaryMap::new();
        let mut node = self.node_keys().find(|key| rest.contains_key(*key))?;
        loop {
            let waits_for =
                |edge: &EdgeKey| self.edges[*edge].parent_node().is_some_and(|node| rest.contains_key(node));
            let edge = self.parents(node).find(waits_for)?;
            if seen.insert(node, ()).is_some() {
                return Some(edge);
            }
            node = self.edges[edge].parent_node()?;
        }
    }
}
