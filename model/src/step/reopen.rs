//! Reopen of many nodes (O25, R1 to R4).

use super::{Change, Done, Work};
use crate::op::{ChildName, Entry, NodeId, Queue, Slot, StepError as E};
use crate::state::Inherits;
use arrayvec::ArrayVec;

/// A node in the queue (R1).
#[derive(Clone, Copy, Debug)]
struct Queued {
    /// What is given for it, completed (R1.1).
    said: Entry,
    /// The read-only flag that it gets.
    read_only: bool,
}

impl<const N: usize, const M: usize> Work<'_, N, M> {
    /// O25
    pub(super) fn reopen(&mut self, list: Queue) -> Done {
        for entry in list.entries() {
            self.exists(entry.node)?;
            entry.backing.flatten().map_or(Ok(()), |to| self.exists(to))?;
            entry.file.map_or(Ok(()), |to| self.exists(to))?;
        }
        let queue = self.enqueued(list.entries());
        let mut changes: ArrayVec<Change, M> = ArrayVec::new();
        for queued in &queue {
            changes.extend(self.conditions(queued)?.into_iter().flatten());
        }
        for queued in &queue {
            self.take_over(queued);
        }
        // With the new flags, but with the edges and pointers that the step found.
        let found = self.graph;
        for change in changes {
            self.change(change, &found);
        }
        Ok(())
    }

    /// Returns the nodes that a reopen of these entries would queue, each with the read-only flag that it would get.
    pub fn queue(&self, list: &[Entry]) -> ArrayVec<(NodeId, bool), N> {
        self.enqueued(list).iter().map(|queued| (queued.said.node, queued.read_only)).collect()
    }

    fn enqueued(&self, list: &[Entry]) -> ArrayVec<Queued, N> {
        let mut queue = ArrayVec::new();
        list.iter().for_each(|&entry| self.enqueue(&mut queue, entry, None));
        queue
    }

    /// R1
    fn enqueue(&self, queue: &mut ArrayVec<Queued, N>, mut said: Entry, inherited: Option<bool>) {
        let node = &self.graph.nodes[said.node.0 as usize];
        let place = queue.iter().position(|q| q.said.node == said.node);
        // R1.1
        let rest = match place {
            Some(place) => queue[place].said,
            None if said.keep => Entry {
                opt: self.may_have(said.node, node.opt).is_ok().then_some(node.opt),
                read_only: node.inherits.is_none_or(|i| !i.read_only).then_some(node.flags.read_only),
                ..said
            },
            None => said,
        };
        said.read_only = said.read_only.or(rest.read_only);
        said.opt = said.opt.or(rest.opt);
        said.backing = said.backing.or(rest.backing);
        said.file = said.file.or(rest.file);
        // R1.2
        let kept = said.keep && node.flags.read_only;
        let queued = Queued { said, read_only: said.read_only.or(inherited).unwrap_or(kept) };
        match place {
            Some(place) => queue[place] = queued,
            None => queue.push(queued),
        }
        self.enqueue_heirs(queue, queued);
    }

    /// R1.3
    fn enqueue_heirs(&self, queue: &mut ArrayVec<Queued, N>, Queued { said, read_only }: Queued) {
        let mut done = [false; N];
        for edge in self.graph.children(said.node) {
            let reference = match edge.name {
                ChildName::BACKING => said.backing,
                ChildName::FILE => said.file.map(Some),
                _ => None,
            };
            let heir = self.graph.nodes[edge.child.0 as usize].inherits.is_some_and(|i| i.from == said.node);
            let elsewhere = reference.is_some_and(|to| to != Some(edge.child));
            if heir && !elsewhere && !std::mem::replace(&mut done[edge.child.0 as usize], true) {
                let flag = self.inherited_flag(edge.role, read_only);
                self.enqueue(queue, Entry::new(edge.child, said.keep || reference.is_some()), Some(flag));
            }
        }
    }

    /// O25.2: tests the conditions for one node of the queue, and returns which of its children change.
    fn conditions(&self, Queued { said, read_only }: &Queued) -> Result<[Option<Change>; 2], E> {
        let node = said.node;
        self.has_driver(node)?;
        if self.graph.nodes[node.0 as usize].flags.force_share && !read_only {
            return Err(E::ForceShareWritable { node });
        }
        said.opt.map_or(Ok(()), |opt| self.may_have(node, opt))?;
        let linked =
            self.graph.in_slot(node, Slot::Backing).is_some() || self.graph.nodes[node.0 as usize].stored.is_some();
        if !said.keep && said.backing.is_none() && self.kind(node).supports_cow() && linked {
            return Err(E::BackingMissing { node });
        }
        let backing = match said.backing {
            Some(to) if self.changes_child(node, Slot::Backing, to)? => Some(self.backing_change(node, to)?),
            _ => None,
        };
        let file = match said.file {
            Some(to) if self.changes_child(node, Slot::File, Some(to))? => Some(self.file_change(node, to)?),
            _ => None,
        };
        Ok([backing, file])
    }

    /// R3.2
    fn changes_child(&self, node: NodeId, slot: Slot, to: Option<NodeId>) -> Result<bool, E> {
        let present = self.graph.in_slot(node, slot).map(|edge| &self.graph.edges()[edge]);
        let Some(present) = present else {
            return Ok(to.is_some());
        };
        if to == Some(present.child) || to == Some(Self::explicit(&self.graph, present.child)) {
            return Ok(false);
        }
        if self.graph.nodes[present.child.0 as usize].flags.implicit {
            return Err(E::ImplicitChild { edge: present.id() });
        }
        Ok(true)
    }

    /// Sets the flag and the options of one node of the queue.
    fn take_over(&mut self, Queued { said, read_only }: &Queued) {
        let node = &mut self.graph.nodes[said.node.0 as usize];
        node.flags.read_only = *read_only;
        let default = if said.keep { Some(node.opt) } else { node.kind.map(|kind| kind.default_opt()) };
        node.opt = said.opt.or(default).unwrap_or(node.opt);
        node.inherits = node.inherits.map(|i| Inherits { read_only: said.read_only.is_none(), ..i });
        if !self.reopened.contains(&said.node) {
            self.reopened.push(said.node);
        }
    }
}
