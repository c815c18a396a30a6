//! The queue of QEMU's reopen. Like ours (R1), but what it hands down are options as they were said, not flags: a flag that nobody
//! said is not handed down, inactivity is, and a child with two edges is queued by each.

use crate::state::explicit_options::ExplicitOptions;
use blockgraph_model::{ChildName, Entry, Inherits, NodeId, Role, State};

/// A node that QEMU reopens.
#[derive(Clone, Copy, Debug)]
pub struct QueuedNode {
    /// The node, with what was said of it.
    said: Entry,
    /// The option read-only that it comes to; none: nobody has said it.
    option: Option<bool>,
    /// Is it inactive then?
    inactive: bool,
    /// So often it was queued.
    pub times: u32,
}

impl QueuedNode {
    /// The node.
    pub const fn node(&self) -> NodeId {
        self.said.node
    }

    /// Does nobody say whether it is read-only? Then it can be written, and so it is handed down to nobody.
    pub const fn lacks_read_only(&self) -> bool {
        self.option.is_none()
    }
}

/// What a child is given by the node above, which is queued with it.
#[derive(Clone, Copy)]
struct Given {
    option: Option<bool>,
    inactive: bool,
}

/// The nodes that QEMU reopens for these entries, in this state.
pub fn queue<const N: usize, const E: usize>(
    state: &State<N, E>,
    options: &ExplicitOptions,
    entries: &[Entry],
) -> Vec<QueuedNode> {
    let mut queue = Queue { state, options, places: Vec::new() };
    entries.iter().filter(|entry| state.node(entry.node).is_some()).for_each(|&entry| queue.take(entry, None));
    queue.places
}

/// The nodes that QEMU reopens to make this one read-only, as it does after a snapshot.
pub fn sealed<const N: usize, const E: usize>(
    state: &State<N, E>,
    options: &ExplicitOptions,
    node: NodeId,
) -> Vec<QueuedNode> {
    queue(state, options, &[Entry { read_only: Some(true), ..Entry::new(node, true) }])
}

/// The state with the flags that a reopen of these nodes gives to those that are still there.
pub fn after<const N: usize, const E: usize>(places: &[QueuedNode], state: &State<N, E>) -> State<N, E> {
    let mut state = *state;
    for place in places {
        let Some(node) = state.nodes.get_mut(usize::from(place.node().0)).filter(|node| node.kind.is_some()) else {
            continue;
        };
        node.flags.read_only = place.option == Some(true);
        node.flags.inactive = place.inactive;
        node.inherits = node.inherits.map(|i| Inherits { read_only: place.said.read_only.is_none(), ..i });
    }
    state
}

struct Queue<'a, const N: usize, const E: usize> {
    state: &'a State<N, E>,
    options: &'a ExplicitOptions,
    places: Vec<QueuedNode>,
}

impl<const N: usize, const E: usize> Queue<'_, N, E> {
    fn take(&mut self, mut said: Entry, given: Option<Given>) {
        let node = self.state.nodes[usize::from(said.node.0)];
        let own = (!self.options.lacks_read_only(self.state, said.node)).then_some(node.flags.read_only);
        let known = self.places.iter().position(|place| place.node() == said.node);
        if let Some(place) = known {
            let before = self.places[place].said;
            said.read_only = said.read_only.or(before.read_only);
            said.backing = said.backing.or(before.backing);
            said.file = said.file.or(before.file);
        } else if said.keep && node.inherits.is_none_or(|i| !i.read_only) {
            said.read_only = said.read_only.or(own);
        }
        let handed = given.and_then(|given| given.option);
        let option = said.read_only.or(handed).or(own.filter(|_| said.keep));
        let inactive =
            given.map_or(node.flags.inactive, |given| given.inactive || self.options.has_inactive(said.node));
        match known {
            Some(place) => {
                let times = self.places[place].times + 1;
                self.places[place] = QueuedNode { said, option, inactive, times };
            }
            None => self.places.push(QueuedNode { said, option, inactive, times: 1 }),
        }
        self.take_inheriting(said, Given { option, inactive });
    }

    /// Those that inherit from it, by each of their edges.
    fn take_inheriting(&mut self, said: Entry, given: Given) {
        let heir = |id: NodeId| self.state.node(id).and_then(|node| node.inherits).is_some_and(|i| i.from == said.node);
        let edges: Vec<_> = self.state.children(said.node).filter(|edge| heir(edge.child)).copied().collect();
        for edge in edges {
            let reference = match edge.name {
                ChildName::BACKING => said.backing,
                ChildName::FILE => said.file.map(Some),
                _ => None,
            };
            if reference.is_some_and(|to| to != Some(edge.child)) {
                continue;
            }
            let option = if edge.role.has(Role::COW) { Some(true) } else { given.option };
            self.take(Entry::new(edge.child, said.keep || reference.is_some()), Some(Given { option, ..given }));
        }
    }
}
