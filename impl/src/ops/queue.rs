//! The queue of a reopen (R1): which nodes it includes, and with which flags and options.

use super::reopen_entry::Reopen;
use crate::driver::DriverOption;
use crate::graph::arena::{Core, NodeKey};
use crate::role::Role;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// What an entry gives for the options.
#[derive(Clone, Debug)]
pub(super) enum Options {
    /// The node keeps its options.
    Present,
    /// The entry gives this option.
    Given(DriverOption),
    /// The options become the driver's defaults.
    Default,
}

/// What the entries give for a node (R1.1).
#[derive(Clone, Debug, Default)]
struct Said {
    read_only: Option<bool>,
    options: Option<Options>,
    backing: Option<Option<NodeKey>>,
    file: Option<NodeKey>,
}

impl Said {
    fn complete(&mut self, earlier: &mut Self) {
        self.read_only = self.read_only.or(earlier.read_only);
        self.options = self.options.take().or_else(|| earlier.options.take());
        self.backing = self.backing.or(earlier.backing);
        self.file = self.file.or(earlier.file);
    }
}

/// A node that is not yet queued.
#[derive(Debug)]
struct Coming {
    node: NodeKey,
    said: Said,
    keep: bool,
    /// The read-only flag that the node inherits if its parent is queued.
    read_only: Option<bool>,
}

/// An element of the queue.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) node: NodeKey,
    pub(super) keep: bool,
    /// The new read-only flag.
    pub(super) read_only: bool,
    /// Whether the node inherits its read-only flag from now on. `None` if it does not inherit.
    pub(super) inherits_read_only: Option<bool>,
    said: Said,
}

impl Queued {
    /// Returns the options of the node (R1.2).
    pub(super) fn options(&self) -> Options {
        let unsaid = if self.keep { Options::Present } else { Options::Default };
        self.said.options.clone().unwrap_or(unsaid)
    }

    pub(super) const fn backing(&self) -> Option<Option<NodeKey>> {
        self.said.backing
    }

    pub(super) const fn file(&self) -> Option<NodeKey> {
        self.said.file
    }

    /// Returns whether an edge of this name leads to another child or is removed (R1.3).
    fn leaves(&self, name: &str, child: NodeKey) -> bool {
        match name {
            "backing" => self.said.backing.is_some_and(|to| to != Some(child)),
            "file" => self.said.file.is_some_and(|to| to != child),
            _ => false,
        }
    }

    /// Returns whether the child of an edge of this name, which stays, keeps its flags (R1.3).
    fn keeps(&self, name: &str) -> bool {
        self.keep
            || match name {
                "backing" => self.said.backing.is_some(),
                "file" => self.said.file.is_some(),
                _ => false,
            }
    }
}

impl Core {
    /// Returns the nodes that a reopen of this node would queue if it changes only its read-only flag, each with its
    /// new flag (V3.4). O(queued nodes and their children).
    pub(crate) fn reopened_with(&mut self, node: NodeKey, read_only: bool) -> Vec<(NodeKey, bool)> {
        let queue = self.reopen_queue(&[Reopen::new(node).keep(true).read_only(read_only)]);
        queue.iter().map(|queued| (queued.node, queued.read_only)).collect()
    }

    /// Builds the queue (R1.1 to R1.3). All entries name existing nodes. O(queued nodes and their children).
    pub(super) fn reopen_queue(&mut self, entries: &[Reopen]) -> Vec<Queued> {
        let (mut queue, mut places) = (Vec::with_capacity(entries.len()), HashMap::new());
        let mut coming = Vec::new();
        for entry in entries {
            let options = entry.option.clone().map(Options::Given);
            let said = Said { read_only: entry.read_only, options, backing: entry.backing, file: entry.file };
            coming.push(Coming { node: entry.node, said, keep: entry.keep, read_only: None });
            // Inheritance has no circles (S8.1), so the loop visits each node at most once.
            while let Some(next) = coming.pop() {
                let queued = self.take_place(&mut queue, &mut places, next);
                let first = coming.len();
                if let Some(queued) = queued {
                    self.heirs_to_queue(queued, &mut coming);
                }
                coming.get_mut(first..).unwrap_or_default().reverse();
            }
        }
        queue
    }

    /// Queues a node. It keeps its place if it has one, else it gets the last (R1.1, R1.2).
    fn take_place<'q>(
        &self,
        queue: &'q mut Vec<Queued>,
        places: &mut HashMap<NodeKey, usize>,
        coming: Coming,
    ) -> Option<&'q Queued> {
        let node = self.nodes.get(coming.node)?;
        let inherits = self.inherits(coming.node).is_some();
        let mut said = coming.said;
        let last = queue.len();
        let place = *places.entry(coming.node).or_insert(last);
        match queue.get_mut(place) {
            Some(earlier) => said.complete(&mut earlier.said),
            None if coming.keep => {
                said.options.get_or_insert(Options::Present);
                if !(inherits && node.inherits_read_only) {
                    said.read_only.get_or_insert(node.read_only);
                }
            }
            None => {}
        }
        let unsaid = coming.read_only.unwrap_or(coming.keep && node.read_only);
        let queued = Queued {
            node: coming.node,
            keep: coming.keep,
            read_only: said.read_only.unwrap_or(unsaid),
            inherits_read_only: inherits.then_some(said.read_only.is_none()),
            said,
        };
        match queue.get_mut(place) {
            Some(earlier) => *earlier = queued,
            None => queue.push(queued),
        }
        queue.get(place)
    }

    /// Queues the children that inherit from the node, each once, in list order (R1.3).
    fn heirs_to_queue(&mut self, queued: &Queued, coming: &mut Vec<Coming>) {
        let Some(node) = self.nodes.get(queued.node).filter(|node| node.heirs > 0) else { return };
        let mut next = node.children;
        let mark = self.pending.next_epoch();
        while let Some(edge) = self.edges.get(next) {
            next = edge.next_child;
            let child = &mut self.nodes[edge.child];
            if child.inherits != queued.node || child.mark == mark || queued.leaves(&edge.name, edge.child) {
                continue;
            }
            child.mark = mark;
            coming.push(Coming {
                node: edge.child,
                said: Said::default(),
                keep: queued.keeps(&edge.name),
                read_only: Some(edge.role.contains(Role::COW) || queued.read_only),
            });
        }
    }
}
