//! What a reopen gives (O25).

use super::{NodeId, Opt};
use std::fmt;

/// What a reopen gives for one node (O25, R1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Entry {
    /// The node.
    pub node: NodeId,
    /// Whether what is not given stays as it is; otherwise it is reset.
    pub keep: bool,
    /// The flag, if it is given.
    pub read_only: Option<bool>,
    /// The driver's options, if they are given.
    pub opt: Option<Opt>,
    /// The child in slot *backing*, or that there is none, if it is given.
    pub backing: Option<Option<NodeId>>,
    /// The child in slot *file*, if it is given.
    pub file: Option<NodeId>,
}

impl Entry {
    /// Makes an entry that gives nothing. `keep` says what happens to the rest.
    pub const fn new(node: NodeId, keep: bool) -> Entry {
        Entry { node, keep, read_only: None, opt: None, backing: None, file: None }
    }
}

/// The list of a reopen: one to [`Queue::MOST`] entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Queue {
    len: u8,
    entries: [Entry; Queue::MOST],
}

impl Queue {
    /// The most entries of a list. This is a bound of the model and the text form, not of the semantics.
    pub const MOST: usize = 4;

    /// Makes a list of these entries. Returns `None` if there are none or too many.
    pub fn new(list: &[Entry]) -> Option<Queue> {
        let mut entries = [Entry::new(NodeId(0), false); Queue::MOST];
        if list.is_empty() || list.len() > Queue::MOST {
            return None;
        }
        entries[..list.len()].copy_from_slice(list);
        Some(Queue { len: list.len() as u8, entries })
    }

    /// Makes a list of one entry.
    pub const fn one(entry: Entry) -> Queue {
        let mut entries = [Entry::new(NodeId(0), false); Queue::MOST];
        entries[0] = entry;
        Queue { len: 1, entries }
    }

    /// Returns the entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries[..self.len as usize]
    }

    /// Renames the nodes.
    pub fn map(mut self, mut name: impl FnMut(NodeId) -> NodeId) -> Queue {
        for entry in &mut self.entries[..self.len as usize] {
            entry.node = name(entry.node);
            entry.backing = entry.backing.map(|backing| backing.map(&mut name));
            entry.file = entry.file.map(&mut name);
        }
        self
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}
