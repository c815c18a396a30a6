//! Reopen (O25, O18; R1 to R3).

use super::queue::{Options, Queued};
use super::reopen_entry::Reopen;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::NodeKey;
use crate::role::{Role, Slot};
use alloc::vec::Vec;
use slotmap::Key;

/// A change of a child, with facts about the graph at the start of the step (R1.4).
#[derive(Debug)]
struct Swap {
    slot: Slot,
    to: Option<NodeKey>,
    role: Role,
    /// Whether `to` inherited from the node (S8.3).
    inherited: bool,
    /// The nodes that may stop inheriting from it (S8.2).
    heirs: Vec<NodeKey>,
}

/// The swaps of one queued node: of its backing child and of its file child.
type Swaps = [Option<Swap>; 2];

impl<D: Driver> Graph<D> {
    /// Reopens nodes (O25). The conditions of all entries come before all changes (R1.4). Options are an exception: the
    /// drivers test them when they are offered. No other condition depends on them, and a step that fails undoes them.
    pub(crate) fn step_reopen(&mut self, entries: &[Reopen]) -> Result<(), Error> {
        for entry in entries {
            for node in [Some(entry.node), entry.backing.flatten(), entry.file].into_iter().flatten() {
                self.core.live(node)?;
            }
        }
        let queue = self.core.reopen_queue(entries);
        let mut swaps = Vec::with_capacity(queue.len());
        for queued in &queue {
            swaps.push(self.can_reopen(queued)?);
        }
        let mut left = Vec::new();
        for (queued, swaps) in queue.iter().zip(swaps) {
            self.reopen_one(queued, swaps, &mut left);
        }
        left.into_iter().for_each(|child| self.core.doom_if_unreferenced(child));
        Ok(())
    }

    /// Checks O25.2.
    fn can_reopen(&mut self, queued: &Queued) -> Result<Swaps, Error> {
        let (core, key) = (&self.core, queued.node);
        let (node, shape) = (&core.nodes[key], core.nodes[key].shape());
        core.has_driver(key)?;
        if node.force_share() && !queued.read_only {
            return Err(ErrorKind::ForceShareWritable { node: node.name.clone() }.into());
        }
        let option = match queued.options() {
            Options::Present => None,
            Options::Given(option) => Some(option),
            Options::Default => self.drivers.get(key).and_then(D::default_option),
        };
        if let Some(option) = option {
            self.offer_option(key, option)?;
        }
        let core = &self.core;
        let has_backing = !core.nodes[key].backing.is_null() || core.texts.backing.contains_key(&key);
        if !queued.keep && shape.supports_backing && has_backing && queued.backing().is_none() {
            return Err(ErrorKind::BackingMissing { node: core.node_ref(key) }.into());
        }
        let backing = queued.backing().map(|to| self.can_swap(key, Slot::Backing, to)).transpose()?;
        let file = queued.file().map(|to| self.can_swap(key, Slot::File, Some(to))).transpose()?;
        Ok([backing.flatten(), file.flatten()])
    }

    /// Checks R3.2, then O8.4 to O8.7 or O9.4 to O9.7. Returns `None` if nothing changes.
    fn can_swap(&mut self, key: NodeKey, slot: Slot, to: Option<NodeKey>) -> Result<Option<Swap>, Error> {
        let edge = self.core.nodes[key].slot(slot);
        let present = self.core.edges.get(edge).map(|edge| edge.child);
        if to == present {
            return Ok(None);
        }
        if let Some(child) = present {
            if to == Some(self.core.skip_implicit(child)) {
                return Ok(None);
            }
            if self.core.nodes[child].implicit() {
                return Err(ErrorKind::ImplicitChild { edge: self.core.edge_ref(edge) }.into());
            }
        }
        let role = match slot {
            Slot::Backing => self.can_set_backing(key, to)?,
            Slot::File => self.can_set_file(key)?,
        };
        let inherited = to.is_some_and(|to| self.core.inherits_through(to, key));
        let heirs = present.map(|child| self.core.heirs_below(key, child)).unwrap_or_default();
        Ok(Some(Swap { slot, to, role, inherited, heirs }))
    }

    /// Makes the changes of one entry (R1.4). A node that loses its last reference goes to the end of `left`. Another
    /// entry may give it one again.
    fn reopen_one(&mut self, queued: &Queued, swaps: Swaps, left: &mut Vec<NodeKey>) {
        let (core, key) = (&mut self.core, queued.node);
        core.reopen(key, queued.read_only);
        let node = &core.nodes[key];
        if let Some(inherits) = queued.inherits_read_only.filter(|inherits| *inherits != node.inherits_read_only) {
            let parent = node.inherits;
            core.set_inherits(key, parent, inherits);
        }
        for swap in swaps.into_iter().flatten() {
            let edge = core.nodes[key].slot(swap.slot);
            if let Some(child) = core.edges.get(edge).map(|edge| edge.child) {
                core.remove_edge(edge);
                core.disinherit_strangers(key, &swap.heirs);
                if !core.is_referenced(child) {
                    left.push(child);
                }
            }
            if let Some(to) = swap.to {
                core.put_child(key, swap.slot, to, swap.role, swap.inherited);
            }
        }
    }
}
