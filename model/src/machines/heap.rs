//! Memory as QEMU's algorithms see it: nodes and edges that are made, linked, unlinked and freed one write after
//! another.
//!
//! Unlike [`State`] it can be wrong: an edge may be in only one list, have no target, carry a pair that is not the
//! rule's, or lead to a freed node. It is loaded from a sound state, an algorithm runs on it, and it is read back.

use crate::derived::{derive, pair_below};
use crate::menu::Small;
use crate::op::{Context, EdgeId, Flags, NodeId, Role, Slot};
use crate::perm::Pair;
use crate::state::{Edge, Grant, Node, Parent, State};
use arrayvec::ArrayVec;

/// A pointer to an edge.
pub(super) type Link = u8;
/// The edges of the state, and those that one operation makes.
const LINKS: usize = 16;
/// A list of edges, its head first.
pub(super) type List = ArrayVec<Link, LINKS>;

/// An edge in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    /// Parent, name, role, frozen mark and the flags of a user.
    pub edge: Edge,
    /// The target.
    pub target: Option<NodeId>,
    /// Need and share, as stored.
    pub pair: Pair,
    /// A user's context.
    pub context: Context,
    /// Whether its memory was freed.
    pub freed: bool,
}

/// A node in memory.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Driver, flags, and what its driver granted.
    pub node: Node,
    /// The reference count.
    pub refs: usize,
    /// The edges to it.
    pub parents: List,
    /// The edges from it.
    pub children: List,
    /// The shortcut to the child in slot *file*.
    pub file: Option<Link>,
    /// The shortcut to the child in slot *backing*.
    pub backing: Option<Link>,
}

/// A wrong state that other code can see in the middle of an operation.
pub(super) type Sight = &'static str;

/// The memory.
#[derive(Clone, Debug)]
pub(super) struct Heap {
    pub cells: [Cell; 6],
    pub links: ArrayVec<Child, LINKS>,
    /// What is wrong at a moment when other code could see it (H11).
    pub seen: Option<Sight>,
    drain_alls: u16,
}

/// The result of reading memory.
pub(super) enum Read {
    /// A state, and the first thing about it that is wrong: an edge's pair, the references.
    State(Box<Small>, Option<(Sight, Option<EdgeId>)>),
    /// The memory does not hold a state.
    Broken(Sight),
}

impl Heap {
    /// Loads a sound state.
    pub fn load(state: &Small) -> Heap {
        let derived = derive(state);
        let cell = |i: usize| Cell {
            node: state.nodes[i],
            refs: if state.nodes[i].kind.is_some() { state.references(NodeId(i as u8)) } else { 0 },
            parents: List::new(),
            children: List::new(),
            file: None,
            backing: None,
        };
        let mut heap =
            Heap { cells: std::array::from_fn(cell), links: ArrayVec::new(), seen: None, drain_alls: state.drain_alls };
        for (i, edge) in state.edges().iter().enumerate() {
            let pair = derived.as_ref().map_or(Pair::FREE, |d| d.edges[i]);
            let context = state.nodes[usize::from(edge.child.0)].context;
            heap.links.push(Child { edge: *edge, target: Some(edge.child), pair, context, freed: false });
            if let Parent::Node(parent) = edge.parent {
                heap.at(parent).children.push(i as Link);
                heap.set_shortcut(i as Link);
            }
        }
        for node in state.names() {
            heap.cells[usize::from(node.0)].parents = state.parents(node).map(|i| i as Link).collect();
        }
        heap
    }

    /// Returns a node, to be changed.
    pub fn at(&mut self, node: NodeId) -> &mut Cell {
        &mut self.cells[usize::from(node.0)]
    }

    /// Returns a node.
    pub fn cell(&self, node: NodeId) -> &Cell {
        &self.cells[usize::from(node.0)]
    }

    /// An edge.
    pub fn link(&mut self, link: Link) -> &mut Child {
        &mut self.links[usize::from(link)]
    }

    /// The same, to look at.
    pub fn child(&self, link: Link) -> &Child {
        &self.links[usize::from(link)]
    }

    /// The edge of that name that is not freed.
    pub fn find(&self, id: EdgeId) -> Option<Link> {
        self.links.iter().position(|child| !child.freed && child.edge.id() == id).map(|i| i as Link)
    }

    /// The upper end, if it is a node.
    pub fn parent(&self, link: Link) -> Option<NodeId> {
        match self.child(link).edge.parent {
            Parent::Node(parent) => Some(parent),
            Parent::User(_) => None,
        }
    }

    /// Memory for an edge that is in no list yet.
    pub fn make(&mut self, edge: Edge, pair: Pair, context: Context) -> Link {
        self.links.push(Child { edge, target: None, pair, context, freed: false });
        (self.links.len() - 1) as Link
    }

    /// The field that is the shortcut to such an edge, if it has one.
    fn shortcut(&mut self, link: Link) -> Option<&mut Option<Link>> {
        let parent = self.parent(link)?;
        let role = self.child(link).edge.role;
        let kind = self.cell(parent).node.kind?;
        match State::<6, 10>::slot_of(kind, role)? {
            Slot::File => Some(&mut self.at(parent).file),
            Slot::Backing => Some(&mut self.at(parent).backing),
        }
    }

    /// Points the shortcut at the edge.
    pub fn set_shortcut(&mut self, link: Link) {
        if let Some(field) = self.shortcut(link) {
            *field = Some(link);
        }
    }

    /// Points the shortcut nowhere.
    pub fn clear_shortcut(&mut self, link: Link) {
        if let Some(field) = self.shortcut(link) {
            *field = None;
        }
    }

    /// Takes the edge out of its parent's list; where it stood.
    pub fn leave_parent(&mut self, link: Link) -> Option<usize> {
        let children = &mut self.at(self.parent(link)?).children;
        let place = children.iter().position(|l| *l == link)?;
        children.remove(place);
        Some(place)
    }

    /// Puts the edge into its parent's list.
    pub fn join_parent(&mut self, link: Link, place: usize) {
        if let Some(parent) = self.parent(link) {
            self.at(parent).children.insert(place, link);
        }
    }

    /// Takes the edge out of its target's list; where it stood.
    pub fn leave_target(&mut self, link: Link) -> Option<usize> {
        let parents = &mut self.at(self.child(link).target?).parents;
        let place = parents.iter().position(|l| *l == link)?;
        parents.remove(place);
        Some(place)
    }

    /// Lets the edge lead somewhere, at this place in the list there.
    pub fn join_target(&mut self, link: Link, target: Option<NodeId>, place: usize) {
        self.link(link).target = target;
        if let Some(target) = target {
            self.at(target).parents.insert(place, link);
        }
    }

    /// Returns the child of the node's slot, which a chain follows.
    pub fn chain(&self, node: NodeId) -> Option<Link> {
        let cell = self.cell(node);
        match self.slot(node)? {
            Slot::File => cell.file,
            Slot::Backing => cell.backing,
        }
    }

    /// Returns that slot.
    pub fn slot(&self, node: NodeId) -> Option<Slot> {
        let kind = self.cell(node).node.kind?;
        kind.filter_slot().or(kind.supports_cow().then_some(Slot::Backing))
    }

    /// Returns the edge that would fill that slot.
    pub fn chain_edge(&self, node: NodeId, child: NodeId) -> Option<Edge> {
        let filter = self.cell(node).node.kind?.filter_slot().is_some();
        let role = if filter { Role::FILTERED | Role::PRIMARY } else { Role::COW };
        Some(Edge { parent: Parent::Node(node), child, name: self.slot(node)?.name(), role, ..Edge::NONE })
    }

    /// P2, from the pairs as stored.
    pub fn cumulative(&self, node: NodeId) -> Pair {
        self.cell(node).parents.iter().fold(Pair::FREE, |all, link| all.with(self.child(*link).pair))
    }

    /// Returns the pair that the driver of `node` needs on a child, for this cumulative pair and flag.
    pub fn asked(&self, edge: &Edge, target: NodeId, above: Pair, read_only: bool) -> Pair {
        let Parent::Node(parent) = edge.parent else { return edge.wanted };
        let cell = self.cell(parent);
        let node = Node { flags: Flags { read_only, ..cell.node.flags }, ..cell.node };
        pair_below(&node, edge, above, !cell.parents.is_empty(), self.cell(target).node.flags.force_share)
    }

    /// Returns [`Heap::asked`] of an existing edge, with the flag as it is.
    pub fn asked_now(&self, link: Link, above: Pair) -> Option<Pair> {
        let child = self.child(link);
        let read_only = self.cell(self.parent(link)?).node.flags.read_only;
        Some(self.asked(&child.edge, child.target?, above, read_only))
    }

    /// Sets what the driver grants.
    pub fn grant(&mut self, node: NodeId, pair: Pair) {
        let cell = self.at(node);
        cell.node.granted = Grant { pair, writable: cell.node.writable() };
    }

    /// Drops a holder of the node. Returns whether there was one. The algorithm changes the reference count itself.
    pub fn drop_holder(&mut self, node: NodeId) -> bool {
        let node = &mut self.at(node).node;
        let held = node.monitor || node.holders > 0;
        match node.holders.checked_sub(1) {
            Some(left) => node.holders = left,
            None => node.monitor = false,
        }
        held
    }

    /// Returns the nodes.
    pub fn nodes(&self) -> [Node; 6] {
        std::array::from_fn(|i| self.cells[i].node)
    }

    /// Checks what other code can see here: a driver's hook, a callback of an edge, the next action (H11).
    pub fn watch(&mut self) {
        self.seen = self.seen.or_else(|| self.sight());
    }

    fn sight(&self) -> Option<Sight> {
        for (i, child) in self.links.iter().enumerate().filter(|(_, child)| !child.freed) {
            let link = i as Link;
            let in_children = self.parent(link).map(|parent| self.cell(parent).children.contains(&link));
            let in_parents = child.target.is_some_and(|target| self.cell(target).parents.contains(&link));
            if in_children == Some(true) && child.target.is_none() {
                return Some("an edge without a target stands among its parent's children");
            }
            if in_children == Some(true) && !in_parents {
                return Some("an edge does not stand among its target's parents");
            }
            if in_children == Some(false) && in_parents {
                return Some("an edge does not stand among its parent's children");
            }
        }
        for cell in self.cells.iter().filter(|cell| cell.node.kind.is_some()) {
            if [cell.file, cell.backing].into_iter().flatten().any(|link| !cell.children.contains(&link)) {
                return Some("a shortcut leads to an edge that is not among the children");
            }
            let gone = |link: &Link| self.child(*link).target.is_some_and(|t| self.cell(t).node.kind.is_none());
            if cell.children.iter().any(gone) {
                return Some("a freed node can be reached");
            }
        }
        None
    }

    /// Reads the state back.
    pub fn read(&self) -> Read {
        if let Some(sight) = self.sight() {
            return Read::Broken(sight);
        }
        let alive = |child: &Child| !child.freed && child.target.is_some();
        let rank = |link: Link, target: NodeId| self.cell(target).parents.iter().position(|l| *l == link);
        let mut edges: ArrayVec<Edge, LINKS> = ArrayVec::new();
        let mut pairs: ArrayVec<(EdgeId, Pair), LINKS> = ArrayVec::new();
        let below = self.cells.iter().flat_map(|cell| cell.children.iter().copied());
        let users = (0..self.links.len() as Link).filter(|link| self.parent(*link).is_none());
        for link in below.chain(users).filter(|link| alive(self.child(*link))) {
            let child = self.child(link);
            let Some(target) = child.target else { continue };
            let Some(rank) = rank(link, target) else { return Read::Broken("an edge is lost") };
            edges.push(Edge { child: target, rank: rank as u16, ..child.edge });
            pairs.push((child.edge.id(), child.pair));
        }
        if edges.len() > 10 {
            return Read::Broken("more edges than there were");
        }
        let state = Small::rebuild(self.nodes(), self.drain_alls, edges.into_iter());
        let wrong = self.wrong(&state, &pairs);
        Read::State(Box::new(state), wrong)
    }

    /// Returns what is wrong with a state that could be read.
    fn wrong(&self, state: &Small, pairs: &[(EdgeId, Pair)]) -> Option<(Sight, Option<EdgeId>)> {
        let Some(derived) = derive(state) else { return Some(("a cycle", None)) };
        let stored = |id: EdgeId| pairs.iter().find(|(known, _)| *known == id).map(|(_, pair)| *pair);
        let mut edges = state.edges().iter().enumerate();
        if let Some((_, edge)) = edges.find(|(i, edge)| stored(edge.id()) != Some(derived.edges[*i])) {
            return Some(("an edge has not the pair that the rule gives it", Some(edge.id())));
        }
        let counted = |node: NodeId| self.cell(node).refs == state.references(node);
        (!state.names().all(counted)).then_some(("a node's references are not those that it has", None))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]

    use super::{Heap, Read};
    use crate::menu::Small;
    use crate::op::{Kind, NodeId, Role, Spec};
    use crate::perm::{ALL, Pair, W};
    use crate::state::{Edge, Node, Parent};

    /// Builds n0 as a filter over n1.
    fn sound() -> Small {
        let mut state = Small::default();
        state.nodes[0] = Node::open(Spec::plain(Kind::BackingFilter));
        state.nodes[1] = Node::open(Spec::plain(Kind::Protocol));
        let parent = Parent::Node(NodeId(0));
        state.insert(Edge { parent, child: NodeId(1), role: Role::FILTERED | Role::PRIMARY, ..Edge::NONE });
        state
    }

    fn wrong(spoil: fn(&mut Heap)) -> &'static str {
        let mut heap = Heap::load(&sound());
        spoil(&mut heap);
        match heap.read() {
            Read::Broken(sight) => sight,
            Read::State(_, wrong) => wrong.map_or("nothing", |(sight, _)| sight),
        }
    }

    #[test]
    fn what_is_loaded_is_read_back() {
        let Read::State(state, None) = Heap::load(&sound()).read() else { panic!("a sound state") };
        assert_eq!(*state, sound());
    }

    /// A check must be able to fail: everything that it looks for is found.
    #[test]
    fn everything_wrong_is_seen() {
        assert_eq!(wrong(|_| ()), "nothing");
        assert_eq!(
            wrong(|heap| {
                heap.leave_target(0);
                heap.link(0).target = None;
            }),
            "an edge without a target stands among its parent's children"
        );
        assert_eq!(
            wrong(|heap| assert_eq!(heap.leave_target(0), Some(0))),
            "an edge does not stand among its target's parents"
        );
        assert_eq!(
            wrong(|heap| assert_eq!(heap.leave_parent(0), Some(0))),
            "an edge does not stand among its parent's children"
        );
        assert_eq!(
            wrong(|heap| {
                heap.leave_parent(0);
                heap.leave_target(0);
                heap.link(0).freed = true;
            }),
            "a shortcut leads to an edge that is not among the children"
        );
        assert_eq!(wrong(|heap| heap.at(NodeId(1)).node = Node::NONE), "a freed node can be reached");
        assert_eq!(
            wrong(|heap| heap.link(0).pair = Pair::new(W, ALL)),
            "an edge has not the pair that the rule gives it"
        );
        assert_eq!(wrong(|heap| heap.at(NodeId(1)).refs += 1), "a node's references are not those that it has");
    }
}
