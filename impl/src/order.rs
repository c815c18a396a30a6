//! Topological labels: every node has a number smaller than all its children's.
//!
//! During the steps of a transaction nobody keeps that up. At judgement the edges made since are inserted one by one;
//! one that fits costs nothing. One that does not is made to fit by raising the labels of what the child leads to or
//! lowering those of what leads to the parent, whichever of two searches in lock step ends first. Edges not yet
//! inserted are skipped by the searches: the order says nothing about them yet, and following them a search might
//! never end. A search that meets the other one has found a cycle.

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

/// Below this distance a region counts as crowded and is spread out.
const CROWDED: i64 = 1 << 8;
/// Distance between neighbours in a region being spread out.
const SPREAD: i64 = 1 << 20;

/// What a search has come to.
enum Progress {
    Running,
    /// The two ends are connected the other way round.
    Cycle,
    /// Pushing the members this far apart from the limit on makes the edge fit.
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

    /// The next node must be pushed, too.
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

    /// Pushes the members. Their keys only grow, and in their order, so everything that fitted before still fits.
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

/// What came of inserting one edge.
enum Insertion {
    Fits,
    Cycle,
    Full,
}

impl Core {
    /// The label for a new node: in front of all others. At the end of the range new nodes share the last label,
    /// which is no error as long as no edge connects them, and is sorted out when one does.
    pub(crate) fn front_label(&mut self) -> i64 {
        self.front = self.front.saturating_sub(GAP).max(-LIMIT);
        self.front
    }

    /// Brings the labels up to date with the edges made in this transaction (V3.1). O(1) for each that fits.
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
        // The searches are taken out so that they can be used beside the graph they walk.
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

    /// All labels anew, evenly spaced. O(nodes + edges). The way out when the range is used up, which takes 2²⁸ nodes
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

    /// All nodes, parents before children, by the lists alone; those on cycles or below one come with a count of
    /// what they wait for instead. O(nodes + edges), allocates.
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

    /// An edge on a cycle, given the nodes that no topological order reaches: each of them has a parent among them,
    /// so going up for ever leads round a cycle.
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
