//! The nodes that wait to be refreshed.

use crate::graph::keys::NodeKey;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// A node that waits, by label; among equal labels by arrival, because nothing may depend on the place of a slot.
pub(super) type Item = (i64, usize, NodeKey);

/// More than so many that come at once are sorted.
pub(super) const MANY: usize = 32;

/// A priority queue with one place in front of the heap: along a chain there is never more than one node waiting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worklist {
    /// Not greater than anything in the heap.
    pub(super) first: Option<Item>,
    pub(super) heap: BinaryHeap<Reverse<Item>>,
    /// Many that came at once, sorted, the last one first: taking them is cheaper than from a heap.
    pub(super) run: Vec<Item>,
    pub(super) arrivals: usize,
}

impl Worklist {
    pub(super) fn item(&mut self, label: i64, key: NodeKey) -> Item {
        self.arrivals = self.arrivals.wrapping_add(1);
        (label, self.arrivals, key)
    }

    pub(super) fn push(&mut self, label: i64, key: NodeKey) {
        let item = self.item(label, key);
        match self.first {
            None if self.heap.is_empty() => self.first = Some(item),
            Some(first) if item < first => {
                self.heap.push(Reverse(first));
                self.first = Some(item);
            }
            _ => self.heap.push(Reverse(item)),
        }
    }

    pub(super) fn pop(&mut self) -> Option<NodeKey> {
        if let Some(run) = self.run.last() {
            let waiting = self.first.or_else(|| self.heap.peek().map(|Reverse(item)| *item));
            if waiting.is_none_or(|waiting| *run < waiting) {
                return self.run.pop().map(|(_, _, key)| key);
            }
        }
        let item = self.first.take().or_else(|| self.heap.pop().map(|Reverse(item)| item));
        item.map(|(_, _, key)| key)
    }

    /// Gives up what waits.
    pub(crate) fn drain_into(&mut self, keys: &mut Vec<NodeKey>) {
        while let Some(key) = self.pop() {
            keys.push(key);
        }
    }
}
