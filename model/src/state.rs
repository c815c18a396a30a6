//! The state between two operations: plain ordered data in fixed arrays.
//!
//! The edges are sorted by parent and, within a parent, by the order of its children list. An edge's place in its
//! child's parents list is its `rank`. So equal graphs are equal states, list orders included (S1). The pairs of edges
//! from nodes are not stored: they are derived ([`crate::judge`]).

use crate::op::{
    ChildName, Context, EdgeId, Flags, Kind, NodeId, OpKind, OpKinds, Opt, Role, Slot, Spec, UserFlags, UserId,
};
use crate::perm::Pair;
use arrayvec::ArrayVec;
use std::ops::Range;

/// What a driver was last granted (V5.2, V7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Grant {
    /// The node's cumulative pair.
    pub pair: Pair,
    /// Whether the node is writable.
    pub writable: bool,
}

/// The node from which a node inherits (S8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Inherits {
    /// The node for which it was opened.
    pub from: NodeId,
    /// Whether it inherits the read-only flag; otherwise it has a flag of its own.
    pub read_only: bool,
}

/// A place for a node. Its index is the node's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node {
    /// The driver kind; `None` if no node has this name.
    pub kind: Option<Kind>,
    /// The driver's options.
    pub opt: Opt,
    /// The flags.
    pub flags: Flags,
    /// C1.
    pub context: Context,
    /// The sections that are open on it (Q1).
    pub sections: u16,
    /// Whether the monitor holds it (L1).
    pub monitor: bool,
    /// How many callers hold it (L1).
    pub holders: u16,
    /// Whether it has lost its driver (L3). Then `kind` is the kind that it had.
    pub ejected: bool,
    /// S8.
    pub inherits: Option<Inherits>,
    /// S6: the stored backing name. A node of that name need not exist.
    pub stored: Option<NodeId>,
    /// What the driver last granted.
    pub granted: Grant,
}

impl Node {
    /// No node.
    pub const NONE: Node = Node {
        kind: None,
        opt: Opt::None,
        flags: Flags::NONE,
        context: Context::MAIN,
        sections: 0,
        monitor: false,
        holders: 0,
        ejected: false,
        inherits: None,
        stored: None,
        granted: Grant { pair: Pair::FREE, writable: false },
    };

    /// O1: a new node with one holder (L1), granted what every open grants.
    pub const fn open(spec: Spec) -> Node {
        Node {
            kind: Some(spec.kind),
            opt: spec.opt,
            flags: spec.flags,
            context: Context::MAIN,
            sections: 0,
            monitor: !spec.flags.implicit,
            holders: spec.flags.implicit as u16,
            ejected: false,
            inherits: None,
            stored: None,
            granted: Grant { pair: Pair::FREE, writable: !spec.flags.read_only && !spec.flags.inactive },
        }
    }

    /// Returns whether the node exists and has its driver (L3).
    pub const fn has_driver(&self) -> bool {
        self.kind.is_some() && !self.ejected
    }

    /// P7.
    pub const fn writable(&self) -> bool {
        !self.flags.read_only && !self.flags.inactive
    }
}

/// The upper end of an edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Parent {
    /// A node.
    Node(NodeId),
    /// A root user.
    User(UserId),
}

/// One edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Edge {
    /// Upper end.
    pub parent: Parent,
    /// Lower end.
    pub child: NodeId,
    /// Its name (a user's edge: `ChildName(0)`).
    pub name: ChildName,
    /// Its role (a user's edge: empty).
    pub role: Role,
    /// S7.
    pub frozen: bool,
    /// The flags of a user; none for an edge from a node.
    pub user_flags: UserFlags,
    /// What a user wants; for an edge from a node without a driver, the pair that it keeps (L3.1). For other edges
    /// always `Pair::FREE` between two operations, because their pair is derived.
    pub wanted: Pair,
    /// What a user blocks on its node (L4).
    pub blocks: OpKinds,
    /// The place in the child's parents list, 0 = head.
    pub rank: u16,
}

impl Edge {
    /// The content of unused places.
    pub const NONE: Edge = Edge {
        parent: Parent::Node(NodeId(0)),
        child: NodeId(0),
        name: ChildName(0),
        role: Role(0),
        frozen: false,
        user_flags: UserFlags::NONE,
        wanted: Pair::FREE,
        blocks: OpKinds::NONE,
        rank: 0,
    };

    /// Returns the name under which errors and texts refer to the edge.
    pub const fn id(&self) -> EdgeId {
        match self.parent {
            Parent::Node(parent) => EdgeId::Child(parent, self.name),
            Parent::User(user) => EdgeId::User(user),
        }
    }
}

/// A block graph with at most `N` nodes and `E` edges, those of the root users included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct State<const N: usize, const E: usize> {
    /// The nodes by name.
    pub nodes: [Node; N],
    /// The open drain-alls (Q1).
    pub drain_alls: u16,
    /// The edges, in the order that the module describes; those beyond `len` are `Edge::NONE`.
    slots: [Edge; E],
    len: u16,
}

/// The parent edges of every node, in list order.
#[derive(Clone, Debug)]
pub struct ByChild<const N: usize, const E: usize> {
    start: [u16; N],
    count: [u16; N],
    edges: [u16; E],
}

impl<const N: usize, const E: usize> ByChild<N, E> {
    /// Returns the indices of a node's parent edges.
    pub fn of(&self, child: NodeId) -> &[u16] {
        let (start, count) = (self.start[child.0 as usize], self.count[child.0 as usize]);
        &self.edges[usize::from(start)..usize::from(start + count)]
    }
}

impl<const N: usize, const E: usize> Default for State<N, E> {
    fn default() -> Self {
        State { nodes: [Node::NONE; N], drain_alls: 0, slots: [Edge::NONE; E], len: 0 }
    }
}

impl<const N: usize, const E: usize> State<N, E> {
    /// Returns all edges.
    pub fn edges(&self) -> &[Edge] {
        &self.slots[..self.len as usize]
    }

    /// Returns an edge, to be changed in a field that does not affect the order.
    pub(crate) fn edge_mut(&mut self, index: usize) -> &mut Edge {
        &mut self.slots[index]
    }

    /// Returns how many more edges fit.
    pub fn free_edges(&self) -> usize {
        E - self.len as usize
    }

    /// Returns the node of this name, unless it is doomed (L2: doomed nodes do not exist for a step).
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        let node = self.nodes.get(id.0 as usize)?;
        (node.kind.is_some() && self.references(id) > 0).then_some(node)
    }

    /// Returns the names in use, doomed ones included.
    pub fn names(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..N).filter(|&i| self.nodes[i].kind.is_some()).map(|i| NodeId(i as u8))
    }

    /// L1.
    pub fn references(&self, id: NodeId) -> usize {
        let node = &self.nodes[id.0 as usize];
        let holders = usize::from(node.monitor) + usize::from(node.holders) + usize::from(node.sections);
        holders + self.edges().iter().filter(|e| e.child == id).count()
    }

    /// L4: returns the first parent edge, in list order, that blocks operations of this kind on the node.
    pub fn blocker(&self, id: NodeId, kind: OpKind) -> Option<&Edge> {
        let blocks = |e: &&Edge| {
            let by_role = if e.role.has(Role::COW) { OpKinds::COW } else { OpKinds::NONE };
            e.blocks.has(kind) || by_role.has(kind)
        };
        self.parents(id).map(|i| &self.edges()[i]).find(blocks)
    }

    /// Returns the indices of the edges with this parent; for a node in list order.
    pub fn below(&self, parent: Parent) -> Range<usize> {
        // Among few edges a linear search is faster, and the scopes search here all the time.
        let start = if E <= 16 {
            self.edges().iter().take_while(|e| e.parent < parent).count()
        } else {
            self.edges().partition_point(|e| e.parent < parent)
        };
        let count = self.edges()[start..].iter().take_while(|e| e.parent == parent).count();
        start..start + count
    }

    /// Returns the index of an edge.
    pub fn edge_index(&self, id: EdgeId) -> Option<usize> {
        let parent = match id {
            EdgeId::Child(parent, _) => Parent::Node(parent),
            EdgeId::User(user) => Parent::User(user),
        };
        self.below(parent).find(|i| self.edges()[*i].id() == id)
    }

    /// Returns the child edges of a node, in list order.
    pub fn children(&self, parent: NodeId) -> impl Iterator<Item = &Edge> {
        self.edges()[self.below(Parent::Node(parent))].iter()
    }

    /// Returns the indices of a node's parent edges, in list order.
    pub fn parents(&self, child: NodeId) -> impl Iterator<Item = usize> + '_ {
        let mut by_rank = [0; E];
        let mut count = 0;
        for (i, edge) in self.edges().iter().enumerate().filter(|(_, e)| e.child == child) {
            by_rank[edge.rank as usize] = i as u16;
            count += 1;
        }
        by_rank.into_iter().take(count).map(usize::from)
    }

    /// Returns [`State::parents`] of all nodes at once.
    pub fn by_child(&self) -> ByChild<N, E> {
        let mut all = ByChild { start: [0; N], count: [0; N], edges: [0; E] };
        self.edges().iter().for_each(|e| all.count[e.child.0 as usize] += 1);
        for child in 1..N {
            all.start[child] = all.start[child - 1] + all.count[child - 1];
        }
        for (i, edge) in self.edges().iter().enumerate() {
            all.edges[usize::from(all.start[edge.child.0 as usize] + edge.rank)] = i as u16;
        }
        all
    }

    /// S1: a new edge at the head of both its lists.
    ///
    /// # Panics
    /// If `E` edges exist already: callers ask [`State::free_edges`] first, a bound is no outcome.
    pub(crate) fn insert(&mut self, mut edge: Edge) {
        assert!(self.free_edges() > 0, "an operation beyond the model's bounds was not filtered out");
        let at = self.edges().iter().position(|e| e.parent >= edge.parent).unwrap_or(self.len as usize);
        self.slots.copy_within(at..self.len as usize, at + 1);
        self.len += 1;
        edge.rank = 0;
        for other in &mut self.slots[..self.len as usize] {
            if other.child == edge.child {
                other.rank += 1;
            }
        }
        self.slots[at] = edge;
    }

    /// Removes an edge from both its lists.
    pub(crate) fn remove(&mut self, index: usize) -> Edge {
        let edge = self.slots[index];
        self.slots.copy_within(index + 1..self.len as usize, index);
        self.len -= 1;
        self.slots[self.len as usize] = Edge::NONE;
        for other in &mut self.slots[..self.len as usize] {
            if other.child == edge.child && other.rank > edge.rank {
                other.rank -= 1;
            }
        }
        edge
    }

    /// Builds a state from edges in any order of parents; the order within a parent and the ranks are taken as they are. Whether
    /// it is one that operations can reach [`crate::invariants`] say.
    ///
    /// # Panics
    /// If there are more than `E` edges.
    pub fn rebuild(nodes: [Node; N], drain_alls: u16, edges: impl Iterator<Item = Edge>) -> Self {
        let mut state = State { nodes, drain_alls, slots: [Edge::NONE; E], len: 0 };
        for edge in edges {
            let at = state.edges().iter().position(|e| e.parent > edge.parent).unwrap_or(state.len as usize);
            state.slots.copy_within(at..state.len as usize, at + 1);
            state.slots[at] = edge;
            state.len += 1;
        }
        state
    }

    /// Returns the slot that an edge with this role fills in a parent of this kind (S3.3).
    pub fn slot_of(kind: Kind, role: Role) -> Option<Slot> {
        if role.has(Role::COW) {
            Some(Slot::Backing)
        } else if role.has(Role::PRIMARY) {
            Some(kind.filter_slot().unwrap_or(Slot::File))
        } else {
            None
        }
    }

    /// Returns the index of the edge in a node's slot.
    pub fn in_slot(&self, id: NodeId, slot: Slot) -> Option<usize> {
        let kind = self.nodes[id.0 as usize].kind?;
        self.below(Parent::Node(id)).find(|i| Self::slot_of(kind, self.edges()[*i].role) == Some(slot))
    }

    /// Returns the index of the next edge of a chain walk (S4).
    pub fn chain_edge(&self, id: NodeId) -> Option<usize> {
        let node = &self.nodes[id.0 as usize];
        let kind = node.kind.filter(|_| !node.ejected)?;
        self.in_slot(id, kind.filter_slot().or(kind.supports_cow().then_some(Slot::Backing))?)
    }

    /// Returns the nodes of the chain (S4) from `top` down; `top` comes first if it exists. In the middle of a
    /// transaction a chain can be a cycle, so the walk takes at most as many steps as there can be nodes.
    pub fn chain(&self, top: NodeId) -> impl Iterator<Item = NodeId> {
        let below = |at: &NodeId| self.chain_edge(*at).map(|edge| self.edges()[edge].child);
        std::iter::successors(self.node(top).map(|_| top), below).take(N)
    }

    /// Returns the nodes that can be reached from `from` downwards, `from` included, as a table by name.
    pub fn reach(&self, from: NodeId) -> [bool; N] {
        let mut seen = [false; N];
        seen[from.0 as usize] = true;
        let mut left: ArrayVec<NodeId, N> = ArrayVec::from_iter([from]);
        while let Some(parent) = left.pop() {
            for edge in self.children(parent) {
                if !std::mem::replace(&mut seen[edge.child.0 as usize], true) {
                    left.push(edge.child);
                }
            }
        }
        seen
    }

    /// Q1: returns which nodes are quiesced, by name.
    pub fn quiesced(&self) -> [bool; N] {
        let mut quiet: [bool; N] = std::array::from_fn(|i| {
            self.nodes[i].kind.is_some() && (self.drain_alls > 0 || self.nodes[i].sections > 0)
        });
        // Repeated upwards until a round adds nothing.
        let mut grew = quiet.contains(&true);
        while grew {
            grew = false;
            for edge in self.edges() {
                if let Parent::Node(parent) = edge.parent
                    && quiet[edge.child.0 as usize]
                    && !std::mem::replace(&mut quiet[parent.0 as usize], true)
                {
                    grew = true;
                }
            }
        }
        quiet
    }

    /// Q1: returns the quiesce count of a node, given which nodes are quiesced.
    pub fn quiesce_count(&self, id: NodeId, quiet: &[bool; N]) -> usize {
        let below = self.children(id).filter(|e| quiet[e.child.0 as usize]).count();
        usize::from(self.nodes[id.0 as usize].sections) + usize::from(self.drain_alls) + below
    }
}
