//! The queue of QEMU's reopen. Unlike the model's queue (R1), it hands down explicit options instead of flags: an
//! option that is missing is not handed down, inactivity is, and a child with two edges is queued by each of them.

use crate::state::explicit_options::ExplicitOptions;
use blockgraph_model::{ChildName, Entry, Inherits, NodeId, Role, State};

/// A node that QEMU reopens.
#[derive(Clone, Copy, Debug)]
pub struct QueuedNode {
    /// The node, with the options given for it.
    explicit: Entry,
    /// The option read-only that results; `None` if it is missing.
    option: Option<bool>,
    /// Whether the node becomes inactive.
    inactive: bool,
    /// How often the node was queued.
    pub times: u32,
}

impl QueuedNode {
    /// Returns the node.
    pub const fn node(&self) -> NodeId {
        self.explicit.node
    }

    /// Returns whether the option read-only is missing. Then the node becomes writable, and hands nothing down.
    pub const fn lacks_read_only(&self) -> bool {
        self.option.is_none()
    }
}

/// What a queued parent hands down to a child.
#[derive(Clone, Copy)]
struct Given {
    option: Option<bool>,
    inactive: bool,
}

/// Returns the nodes that QEMU reopens for these entries in this state.
pub fn queue<const N: usize, const E: usize>(
    state: &State<N, E>,
    options: &ExplicitOptions,
    entries: &[Entry],
) -> Vec<QueuedNode> {
    let mut queue = Queue { state, options, places: Vec::new() };
    entries.iter().filter(|entry| state.node(entry.node).is_some()).for_each(|&entry| queue.take(entry, None));
    queue.places
}

/// Returns the nodes that QEMU reopens to make this one read-only, as it does after a snapshot.
pub fn sealed<const N: usize, const E: usize>(
    state: &State<N, E>,
    options: &ExplicitOptions,
    node: NodeId,
) -> Vec<QueuedNode> {
    queue(state, options, &[Entry { read_only: Some(true), ..Entry::new(node, true) }])
}

/// Returns the state with the flags that a reopen of these nodes gives to those that still exist.
pub fn after<const N: usize, const E: usize>(places: &[QueuedNode], state: &State<N, E>) -> State<N, E> {
    let mut state = *state;
    for place in places {
        let Some(node) = state.nodes.get_mut(usize::from(place.node().0)).filter(|node| node.kind.is_some()) else {
            continue;
        };
        node.flags.read_only = place.option == Some(true);
        node.flags.inactive = place.inactive;
        node.inherits = node.inherits.map(|i| Inherits { read_only: place.explicit.read_only.is_none(), ..i });
    }
    state
}

struct Queue<'a, const N: usize, const E: usize> {
    state: &'a State<N, E>,
    options: &'a ExplicitOptions,
    places: Vec<QueuedNode>,
}

impl<const N: usize, const E: usize> Queue<'_, N, E> {
    fn take(&mut self, mut explicit: Entry, given: Option<Given>) {
        let node = self.state.nodes[usize::from(explicit.node.0)];
        let own = (!self.options.lacks_read_only(self.state, explicit.node)).then_some(node.flags.read_only);
        let known = self.places.iter().position(|place| place.node() == explicit.node);
        if let Some(place) = known {
            let before = self.places[place].explicit;
            explicit.read_only = explicit.read_only.or(before.read_only);
            explicit.backing = explicit.backing.or(before.backing);
            explicit.file = explicit.file.or(before.file);
        } else if explicit.keep && node.inherits.is_none_or(|i| !i.read_only) {
            explicit.read_only = explicit.read_only.or(own);
        }
        let handed = given.and_then(|given| given.option);
        let option = explicit.read_only.or(handed).or(own.filter(|_| explicit.keep));
        let inactive =
            given.map_or(node.flags.inactive, |given| given.inactive || self.options.has_inactive(explicit.node));
        match known {
            Some(place) => {
                let times = self.places[place].times + 1;
                self.places[place] = QueuedNode { explicit, option, inactive, times };
            }
            None => self.places.push(QueuedNode { explicit, option, inactive, times: 1 }),
        }
        self.take_inheriting(explicit, Given { option, inactive });
    }

    /// Queues the children that inherit from a node, by each of their edges.
    fn take_inheriting(&mut self, explicit: Entry, given: Given) {
        let heir =
            |id: NodeId| self.state.node(id).and_then(|node| node.inherits).is_some_and(|i| i.from == explicit.node);
        let edges: Vec<_> = self.state.children(explicit.node).filter(|edge| heir(edge.child)).copied().collect();
        for edge in edges {
            let reference = match edge.name {
                ChildName::BACKING => explicit.backing,
                ChildName::FILE => explicit.file.map(Some),
                _ => None,
            };
            if reference.is_some_and(|to| to != Some(edge.child)) {
                continue;
            }
            let option = if edge.role.has(Role::COW) { Some(true) } else { given.option };
            self.take(Entry::new(edge.child, explicit.keep || reference.is_some()), Some(Given { option, ..given }));
        }
    }
}
