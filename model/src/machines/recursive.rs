//! Seed 0: QEMU's algorithm of 2017. A change is checked by a walk down the graph, with a list of edges to be ignored,
//! and then set by a second walk. A failed check is "aborted", which undoes only the drivers' preparations.
//!
//! The functions have the names of QEMU's functions, and each does the same in the same order.

mod changes;
mod permissions;
mod reopen;
mod reopening;
mod signature;

use super::algorithm::{Algorithm, Done, Ended, Exception, Met, Point, Stop, Verdict, in_both_seeds};
use super::heap::{Heap, Link};
use crate::menu::Small;
use crate::op::{EdgeId, Entry, NodeId, Op, Queue};
use crate::perm::U;
use crate::state::{Edge, Node, Parent};

pub use reopening::Reopening;

/// The machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recursive {
    /// The reopen, which the seed does not contain.
    pub reopening: Reopening,
}

/// One operation in progress.
#[derive(Debug)]
pub(super) struct Seed0 {
    pub heap: Heap,
    /// The depth of nested calls; a real stack ends too.
    pub depth: usize,
}

impl Algorithm for Recursive {
    fn knows(&self, op: &Op) -> bool {
        let reopens = matches!(op, Op::SetReadOnly { .. } | Op::Reopen { .. });
        if reopens {
            let changes = matches!(op, Op::Reopen { queue } if queue.entries().iter().any(|e| e.backing.is_some()));
            return self.reopening == Reopening::Early || self.reopening == Reopening::Blind && !changes;
        }
        in_both_seeds(op)
    }

    fn asserts(&self, op: &Op) -> Option<Exception> {
        match op {
            Op::AttachUser { pair, .. } | Op::SetUser { pair, .. } if !pair.share.meets(U) => {
                Some(Exception::SharesUnchanged)
            }
            _ => None,
        }
    }

    fn fails(&self) -> bool {
        false
    }

    fn run(&self, _: &Small, heap: &mut Heap, op: &Op, _fail: Option<u16>) -> (Ended, Option<Point>) {
        let mut seed = Seed0 { heap: heap.clone(), depth: 0 };
        let done = seed.op(op, self.reopening);
        *heap = seed.heap;
        (done.into(), None)
    }

    fn verdict(&self, met: &Met<'_>) -> Verdict {
        signature::verdict(met, self.reopening)
    }
}

impl Seed0 {
    fn op(&mut self, op: &Op, reopening: Reopening) -> Done {
        match *op {
            Op::Release { node } => {
                self.heap.drop_holder(node);
                self.unref(node)
            }
            Op::AttachUser { user, node, pair, user_flags, .. } => {
                let edge = Edge { parent: Parent::User(user), child: node, wanted: pair, user_flags, ..Edge::NONE };
                self.root_attach_child(node, edge, pair)?;
                self.heap.at(node).refs += 1;
                Ok(())
            }
            Op::DetachUser { user } => self.each(EdgeId::User(user), Self::root_unref_child),
            Op::SetUser { user, pair } => {
                self.each(EdgeId::User(user), |seed, link| seed.child_try_set_perm(link, pair))
            }
            Op::Attach { parent, child, name, role } => {
                let edge = Edge { parent: Parent::Node(parent), child, name, role, ..Edge::NONE };
                self.heap.at(child).refs += 1;
                let link = self.attach_child_of_ours(edge)?;
                self.heap.set_shortcut(link);
                Ok(())
            }
            Op::Detach { parent, name } => self.each(EdgeId::Child(parent, name), |seed, link| {
                seed.unref_child(link)?;
                seed.heap.clear_shortcut(link);
                Ok(())
            }),
            Op::SetBacking { node, to } => self.set_backing_hd(node, to),
            Op::ReplaceNode { from, to } => self.replace_node(from, to),
            Op::Append { new, top, .. } => self.append(new, top),
            Op::DropFilter { filter } => self.drop_filter(filter),
            Op::DropIntermediate { top, base, name } => self.drop_intermediate(top, base, name),
            Op::SetOption { node, opt } => self.set_option(node, opt),
            Op::SetReadOnly { node, on } => {
                let entry = Entry { read_only: Some(on), ..Entry::new(node, true) };
                self.reopen(reopening, &Queue::one(entry))
            }
            Op::Reopen { queue } => self.reopen(reopening, &queue),
            _ => Ok(()),
        }
    }

    /// Calls a function with the edge of this name.
    fn each(&mut self, id: EdgeId, act: impl FnOnce(&mut Self, Link) -> Done) -> Done {
        match self.heap.find(id) {
            Some(link) => act(self, link),
            None => Err(Stop::Refused),
        }
    }

    /// `bdrv_unref()`, `bdrv_delete()`, `bdrv_close()`: the backing child first, then the others.
    pub(super) fn unref(&mut self, node: NodeId) -> Done {
        // `assert(bs->refcnt > 0)`
        let left = self.heap.cell(node).refs.checked_sub(1).ok_or(Stop::Died)?;
        self.heap.at(node).refs = left;
        if left > 0 {
            return Ok(());
        }
        if let Some(link) = self.heap.cell(node).backing {
            self.unref_child(link)?;
            self.heap.at(node).backing = None;
        }
        while let Some(link) = self.heap.cell(node).children.first().copied() {
            self.unref_child(link)?;
            self.heap.clear_shortcut(link);
        }
        self.heap.at(node).node = Node::NONE;
        Ok(())
    }
}
