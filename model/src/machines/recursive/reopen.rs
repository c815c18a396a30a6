//! The reopen of seed 0's time. The seed does not contain it: it is written from the history, and from the lines that
//! seed 1 removes.

use super::Seed0;
use super::reopening::{Reopening, WRITES};
use crate::machines::algorithm::{Done, Stop};
use crate::op::{Entry, NodeId, Queue, Role};
use crate::perm::Pair;
use crate::rules;
use arrayvec::ArrayVec;

impl Seed0 {
    pub(super) fn reopen(&mut self, reopening: Reopening, queue: &Queue) -> Done {
        match reopening {
            Reopening::None => Err(Stop::Died),
            Reopening::Blind => self.reopen_blind(queue.entries()),
            Reopening::Early => self.reopen_early(queue.entries()),
        }
    }

    /// Commits one entry after another, in the order of the list. A node that becomes writable writes its header then.
    fn reopen_blind(&mut self, entries: &[Entry]) -> Done {
        for entry in entries {
            let Some(read_only) = entry.read_only else { continue };
            self.heap.at(entry.node).node.flags.read_only = read_only;
            // It opens its file again.
            let all = self.heap.cumulative(entry.node);
            self.heap.grant(entry.node, all);
            let writes = |link: &u8| {
                let child = self.heap.child(*link);
                let below = child.target.map(|target| self.heap.cell(target).node.flags.read_only);
                child.edge.role.has(Role::METADATA) && below == Some(true)
            };
            if !read_only && self.heap.cell(entry.node).children.iter().any(writes) {
                self.heap.seen = self.heap.seen.or(Some(WRITES));
            }
        }
        Ok(())
    }

    /// `bdrv_reopen_perm()`: the permissions that will be needed of the node.
    fn reopen_perm(&self, entries: &[Entry], node: NodeId) -> Pair {
        self.heap.cell(node).parents.iter().fold(Pair::FREE, |all, link| {
            let child = self.heap.child(*link);
            let queued = self.heap.parent(*link).filter(|parent| entries.iter().any(|e| e.node == *parent));
            all.with(match queued {
                Some(parent) => {
                    let above = self.reopen_perm(entries, parent);
                    self.heap.asked(&child.edge, node, above, self.queued_flag(entries, parent))
                }
                None => child.pair,
            })
        })
    }

    /// `bdrv_is_writable_after_reopen()`
    fn queued_flag(&self, entries: &[Entry], node: NodeId) -> bool {
        let said = entries.iter().rev().filter(|entry| entry.node == node).find_map(|entry| entry.read_only);
        said.unwrap_or(self.heap.cell(node).node.flags.read_only)
    }

    fn reopen_early(&mut self, entries: &[Entry]) -> Done {
        let none = ArrayVec::new();
        for entry in entries {
            let above = self.reopen_perm(entries, entry.node);
            self.check_with_queue(entries, entry.node, above)?;
            if let Some(Some(to)) = entry.backing
                && let Some(edge) = self.heap.chain_edge(entry.node, to)
            {
                if self.reaches(to, entry.node) {
                    return Err(Stop::Refused);
                }
                let pair = self.heap.asked(&edge, to, above, self.queued_flag(entries, entry.node));
                // The queue is not passed on, so changes of the new child in the same reopen are not seen.
                self.check_update_perm(to, pair, &none)?;
            }
        }
        for entry in entries.iter().rev() {
            if let Some(read_only) = entry.read_only {
                self.heap.at(entry.node).node.flags.read_only = read_only;
            }
            if let Some(to) = entry.backing {
                self.set_backing_hd(entry.node, to).map_err(|_| Stop::Died)?;
            }
        }
        for entry in entries {
            let above = self.heap.cumulative(entry.node);
            self.set_perm(entry.node, above)?;
        }
        Ok(())
    }

    /// `bdrv_recurse_has_child()`
    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        let below = |link: &u8| self.heap.child(*link).target.is_some_and(|child| self.reaches(child, to));
        from == to || self.heap.cell(from).children.iter().any(below)
    }

    /// `bdrv_check_perm()` with the flags after the reopen.
    fn check_with_queue(&mut self, entries: &[Entry], node: NodeId, above: Pair) -> Done {
        if rules::writes_read_only(above.need, self.queued_flag(entries, node)) {
            return Err(Stop::Refused);
        }
        for link in self.heap.cell(node).children.clone() {
            let child = *self.heap.child(link);
            let Some(target) = child.target else { continue };
            let pair = self.heap.asked(&child.edge, target, above, self.queued_flag(entries, node));
            let mut all = pair;
            for other in self.heap.cell(target).parents.iter().filter(|other| **other != link) {
                let present = self.heap.child(*other).pair;
                if rules::conflict(pair, present) || rules::conflict(present, pair) {
                    return Err(Stop::Refused);
                }
                all = all.with(present);
            }
            self.check_with_queue(entries, target, all)?;
        }
        Ok(())
    }
}
