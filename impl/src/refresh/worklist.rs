//! The nodes that wait to be refreshed.

use crate::graph::keys::NodeKey;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// A waiting node, by label. Equal labels are ordered by arrival, so that nothing depends on slot numbers.
pub(super) type Item = (i64, usize, NodeKey);

/// If more nodes than this arrive together, they are sorted.
pub(super) const MANY: usize = 32;

/// A priority queue with one place in front of the heap. Along a chain at most one node waits at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worklist {
    /// The smallest item.
    pub(super) first: Option<Item>,
    pub(super) heap: BinaryHeap<Reverse<Item>>,
    /// Many items that arrived together, sorted, the last one first. Taking them is cheaper than from a heap.
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

    /// Moves all waiting nodes to `keys`.
    pub(crate) fn drain_into(&mut self, keys: &mut Vec<NodeKey>) {
        while let Some(key) = self.pop() {
            keys.push(key);
        }
    }
}
