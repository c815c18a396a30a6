//! The check and set walks of seed 0.

use super::Seed0;
use crate::machines::algorithm::{Done, Stop};
use crate::machines::heap::{Link, List};
use crate::op::NodeId;
use crate::perm::Pair;
use crate::rules;
use arrayvec::ArrayVec;

/// More nested calls than any walk of an acyclic graph of six nodes needs.
const STACK: usize = 64;

impl Seed0 {
    /// Makes a nested call; a real stack ends too.
    fn deeper<T>(&mut self, call: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth == STACK {
            return Err(Stop::Died);
        }
        self.depth += 1;
        let done = call(self);
        self.depth -= 1;
        done
    }

    /// `bdrv_check_perm()`
    pub(super) fn check_perm(&mut self, node: NodeId, above: Pair, ignore: &List) -> Done {
        if rules::writes_read_only(above.need, self.heap.cell(node).node.flags.read_only) {
            return Err(Stop::Refused);
        }
        for link in self.heap.cell(node).children.clone() {
            if let Some(pair) = self.heap.asked_now(link, above) {
                self.child_check_perm(link, pair, ignore)?;
            }
        }
        Ok(())
    }

    /// `bdrv_set_perm()`
    pub(super) fn set_perm(&mut self, node: NodeId, above: Pair) -> Done {
        self.deeper(|seed| {
            seed.heap.grant(node, above);
            for link in seed.heap.cell(node).children.clone() {
                if let Some(pair) = seed.heap.asked_now(link, above) {
                    seed.child_set_perm(link, pair)?;
                }
            }
            Ok(())
        })
    }

    /// `bdrv_check_update_perm()`: checks whether a parent may have this pair if the edges in the list were not there.
    pub(super) fn check_update_perm(&mut self, node: NodeId, new: Pair, ignore: &List) -> Done {
        let mut all = new;
        for link in &self.heap.cell(node).parents {
            if ignore.contains(link) {
                continue;
            }
            let pair = self.heap.child(*link).pair;
            if rules::conflict(new, pair) || rules::conflict(pair, new) {
                return Err(Stop::Refused);
            }
            all = all.with(pair);
        }
        self.deeper(|seed| seed.check_perm(node, all, ignore))
    }

    /// `bdrv_child_check_perm()`
    fn child_check_perm(&mut self, link: Link, pair: Pair, ignore: &List) -> Done {
        let mut ignore = ignore.clone();
        // A full list ignores all edges already.
        let _ = ignore.try_push(link);
        match self.heap.child(link).target {
            Some(target) => self.check_update_perm(target, pair, &ignore),
            None => Ok(()),
        }
    }

    /// `bdrv_child_set_perm()`
    fn child_set_perm(&mut self, link: Link, pair: Pair) -> Done {
        self.heap.link(link).pair = pair;
        let Some(target) = self.heap.child(link).target else { return Ok(()) };
        let all = self.heap.cumulative(target);
        self.set_perm(target, all)
    }

    /// `bdrv_child_try_set_perm()`
    pub(super) fn child_try_set_perm(&mut self, link: Link, pair: Pair) -> Done {
        self.child_check_perm(link, pair, &ArrayVec::new())?;
        self.heap.link(link).edge.wanted = pair;
        self.child_set_perm(link, pair)
    }

    /// Check and set together, as drivers did when their options changed.
    pub(super) fn refresh(&mut self, node: NodeId) -> Done {
        let all = self.heap.cumulative(node);
        self.check_perm(node, all, &ArrayVec::new())?;
        self.set_perm(node, all)
    }
}
