//! The queue of a reopen (R1): which nodes it takes along, and with what.

use super::reopen_entry::Reopen;
use crate::driver::DriverOption;
use crate::graph::arena::{Core, NodeKey};
use crate::role::Role;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// What is said about the options.
#[derive(Clone, Debug)]
pub(super) enum Options {
    /// Those the node has.
    Present,
    /// This one.
    Given(DriverOption),
    /// Those of the kind.
    Default,
}

/// What is said about a node (R1.1).
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

/// A node that is yet to be queued.
#[derive(Debug)]
struct Coming {
    node: NodeKey,
    said: Said,
    keep: bool,
    /// The read-only flag that it inherits, if its parent is queued.
    read_only: Option<bool>,
}

/// A place in the queue.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) node: NodeKey,
    pub(super) keep: bool,
    /// What the node becomes.
    pub(super) read_only: bool,
    /// Whether its read-only flag is inherited from now on; `None` if it inherits from nobody.
    pub(super) inherits_read_only: Option<bool>,
    said: Said,
}

impl Queued {
    /// R1.2.
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

    /// Whether an edge of this name leads elsewhere from now on, or nowhere (R1.3).
    fn leaves(&self, name: &str, child: NodeKey) -> bool {
        match name {
            "backing" => self.said.backing.is_some_and(|to| to != Some(child)),
            "file" => self.said.file.is_some_and(|to| to != child),
            _ => false,
        }
    }

    /// Whether the child of an edge of this name, which does not leave, is kept as it is (R1.3).
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
    /// The nodes that a reopen of this one, which keeps all but its read-only flag, would queue, each with the flag that
    /// it would get (V3.4). O(what is queued and its children).
    pub(crate) fn reopened_with(&mut self, node: NodeKey, read_only: bool) -> Vec<(NodeKey, bool)> {
        let queue = self.reopen_queue(&[Reopen::new(node).keep(true).read_only(read_only)]);
        queue.iter().map(|queued| (queued.node, queued.read_only)).collect()
    }

    /// R1.1 to R1.3, of nodes that exist. O(what is queued and its children).
    pub(super) fn reopen_queue(&mut self, entries: &[Reopen]) -> Vec<Queued> {
        let (mut queue, mut places) = (Vec::with_capacity(entries.len()), HashMap::new());
        let mut coming = Vec::new();
        for entry in entries {
            let options = entry.option.clone().map(Options::Given);
            let said = Said { read_only: entry.read_only, options, backing: entry.backing, file: entry.file };
            coming.push(Coming { node: entry.node, said, keep: entry.keep, read_only: None });
            // Nobody inherits from himself (S8.1), so this comes by each node at most once.
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

    /// R1.1 and R1.2: the node keeps its place or gets the last one.
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

    /// R1.3: the children that inherit from the node, each once, in list order.
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
