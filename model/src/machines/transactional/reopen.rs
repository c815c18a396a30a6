//! Reopen in seed 1: each entry is prepared on the graph that the entries before it have left.

use super::Seed1;
use crate::machines::algorithm::{Done, Point, Stop};
use crate::op::{Entry, Hook, NodeId, Queue};
use arrayvec::ArrayVec;

impl Seed1 {
    /// `bdrv_reopen_multiple()`
    pub(super) fn reopen(&mut self, queue: &Queue) -> Done {
        let entries = queue.entries();
        let done = self.prepare(entries);
        // Committed while the new flags are in force.
        if done.is_ok() {
            for entry in entries.iter().rev() {
                let read_only = self.read_only(entry.node);
                self.heap.at(entry.node).node.flags.read_only = read_only;
            }
        }
        self.finalize(0, done)
    }

    fn prepare(&mut self, entries: &[Entry]) -> Done {
        for entry in entries {
            self.point(Point::Hook(entry.node, Hook::Flush))?;
            self.queued[usize::from(entry.node.0)] = Some(entry.read_only.unwrap_or(self.read_only(entry.node)));
        }
        let mut refreshed: ArrayVec<NodeId, 8> = ArrayVec::new();
        for entry in entries {
            self.point(Point::Hook(entry.node, Hook::Prepare))?;
            refreshed.push(entry.node);
            if let Some(to) = entry.backing {
                refreshed.extend(self.heap.chain(entry.node).and_then(|link| self.heap.child(link).target));
                self.parse_backing(entry.node, to)?;
            }
        }
        self.refresh_list(&refreshed, true)
    }

    /// `bdrv_reopen_parse_backing()`
    fn parse_backing(&mut self, node: NodeId, to: Option<NodeId>) -> Done {
        let present = self.heap.chain(node).and_then(|link| self.heap.child(link).target);
        if present == to {
            return Ok(());
        }
        let reaches = |from| {
            let (mut list, mut found) = (ArrayVec::new(), [false; 6]);
            self.topological_dfs(&mut list, &mut found, from);
            list.contains(&node)
        };
        if !self.repaired.cycles && to.is_some_and(reaches) {
            return Err(Stop::Refused);
        }
        self.set_backing_noperm(node, to)
    }
}
