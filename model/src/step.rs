//! The operations: preconditions in the order of `specs/operations.md`, then the effect on the shape.
//!
//! This module knows nothing about permissions; [`crate::judge`] judges the result.

mod activity;
mod chains;
mod job_parameters;
mod jobs;
mod life;
mod open;
mod reopen;

use crate::op::{
    ChildName, Context, EdgeId, Entry, Kind, NodeId, Op, Opening, Opt, Queue, Role, Slot, StepError, StepError as E,
    UserId,
};
use crate::rules;
use crate::state::{Edge, Inherits, Node, Parent, State};
use arrayvec::ArrayVec;

/// A set of node names in the order in which they were entered.
pub type Names<const N: usize> = ArrayVec<NodeId, N>;

/// A graph in the middle of an operation.
#[derive(Clone, Debug)]
pub struct Work<'a, const N: usize, const M: usize> {
    /// The graph before the operation.
    pub before: &'a State<N, M>,
    /// The graph as the steps so far left it.
    pub graph: State<N, M>,
    /// The doomed nodes in the order in which they reached zero references (L2).
    pub doomed: Names<N>,
    /// The nodes reopened, in the order of the steps (V5.1).
    pub reopened: Names<N>,
    /// The nodes whose stored backing name changes, in the order of the steps (S6).
    pub renamed: Names<N>,
    /// The edges that got a child (C2). Some may be gone again.
    pub placed: ArrayVec<EdgeId, M>,
    /// The edges that the operation made (L5.11). Some may be gone again.
    pub made: ArrayVec<EdgeId, M>,
    /// The nodes that lost a parent edge (C3).
    pub left: Names<N>,
    /// The requested moves, in the order of the steps (O35).
    pub asked: ArrayVec<(NodeId, Context), N>,
    /// The users that the operation made, each with the context that it was given (C1).
    pub users: ArrayVec<(UserId, Option<Context>), M>,
    /// Which nodes were inactive before the operation, or when it opened them (A5).
    pub was_inactive: [bool; N],
    /// The nodes that lost a reference in this step, in order.
    lost: Names<N>,
}

type Done = Result<(), StepError>;

/// A slot of a node that gets another child, or none.
#[derive(Clone, Copy, Debug)]
struct Change {
    node: NodeId,
    slot: Slot,
    to: Option<NodeId>,
    role: Role,
}

impl<'a, const N: usize, const M: usize> Work<'a, N, M> {
    /// Starts an operation, before its first step.
    pub fn new(before: &'a State<N, M>) -> Self {
        Work {
            before,
            graph: *before,
            doomed: Names::new(),
            reopened: Names::new(),
            renamed: Names::new(),
            placed: ArrayVec::new(),
            made: ArrayVec::new(),
            left: Names::new(),
            asked: ArrayVec::new(),
            users: ArrayVec::new(),
            was_inactive: std::array::from_fn(|i| before.nodes[i].flags.inactive),
            lost: Names::new(),
        }
    }

    /// Executes one step (V2). After an error the work must not be used any more.
    pub fn step(&mut self, op: Op) -> Done {
        self.lost.clear();
        self.apply(op)?;
        for node in self.lost.take() {
            if self.graph.references(node) == 0 && !self.doomed.contains(&node) {
                self.doomed.push(node);
            }
        }
        Ok(())
    }

    /// L2: closes the doomed nodes, and returns them in the order of closing.
    pub fn close(&mut self) -> Names<N> {
        let mut closed = Names::new();
        let mut queue = self.doomed.clone();
        while !queue.is_empty() {
            let node = queue.remove(0);
            self.lost.clear();
            self.remove_children(node);
            self.graph.nodes[node.0 as usize] = Node::NONE;
            // S8.5
            for heir in &mut self.graph.nodes {
                heir.inherits = heir.inherits.filter(|i| i.from != node);
            }
            closed.push(node);
            let zero = self.lost.take().into_iter().filter(|&n| self.graph.references(n) == 0);
            zero.for_each(|n| {
                if !queue.contains(&n) {
                    queue.push(n)
                }
            });
        }
        closed
    }

    fn apply(&mut self, op: Op) -> Done {
        match op {
            Op::Add { node, spec } => self.add(node, spec),
            Op::Release { node } => self.release(node),
            Op::AttachUser { user, node, pair, user_flags, context } => {
                if self.graph.edge_index(EdgeId::User(user)).is_some() {
                    return Err(E::DuplicateUser { user });
                }
                self.exists(node)?;
                let parent = Parent::User(user);
                self.insert(Edge { parent, child: node, wanted: pair, user_flags, ..Edge::NONE });
                self.users.retain(|(known, _)| *known != user);
                self.users.push((user, context.or(user_flags.fixed.then(|| self.context_of(node)))));
                Ok(())
            }
            Op::DetachUser { user } => {
                let edge = self.user(user)?;
                self.remove(edge);
                Ok(())
            }
            Op::SetUser { user, pair } => {
                let edge = self.user(user)?;
                self.graph.edge_mut(edge).wanted = pair;
                Ok(())
            }
            Op::Attach { parent, child, name, role } => self.attach(parent, child, name, role),
            Op::Detach { parent, name } => self.detach(parent, name),
            Op::SetBacking { node, to } => self.set_backing(node, to),
            Op::SetFile { node, to } => self.set_file(node, to),
            Op::ReplaceNode { from, to } => self.replace_node(from, to),
            Op::ReplaceChild { parent, name, to } => {
                let edge = self.child(parent, name)?;
                self.replace_edge(edge, to)
            }
            Op::ReplaceUserChild { user, to } => {
                let edge = self.user(user)?;
                self.replace_edge(edge, to)
            }
            Op::Append { new, top, store } => self.append(new, top, store),
            Op::Insert { new, spec, top } => self.add(new, spec).and_then(|()| self.append(new, top, false)),
            Op::DropFilter { filter } => self.drop_filter(filter),
            Op::Freeze { top, base } => self.set_frozen(top, base, true),
            Op::Thaw { top, base } => self.set_frozen(top, base, false),
            Op::SetOption { node, opt } => {
                self.exists(node)?;
                self.has_driver(node)?;
                self.may_have(node, opt)?;
                self.graph.nodes[node.0 as usize].opt = opt;
                Ok(())
            }
            Op::SetReadOnly { node, on } => {
                self.reopen(Queue::one(Entry { read_only: Some(on), ..Entry::new(node, true) }))
            }
            _ => self.apply_later(op),
        }
    }

    /// O20 to O46.
    fn apply_later(&mut self, op: Op) -> Done {
        match op {
            Op::Hold { node } => self.hold(node),
            Op::Delete { node } => self.delete(node),
            Op::Eject { node } => self.eject(node),
            Op::OpenChild { parent, node, spec, name, role } => self.open_child(parent, node, spec, name, role),
            Op::DropIntermediate { top, base, name } => self.drop_intermediate(top, base, name),
            Op::Reopen { queue } => self.reopen(queue),
            Op::Snapshot { node, overlay } => self.snapshot(node, overlay),
            Op::Block { user, kinds } => self.block(user, kinds, true),
            Op::Unblock { user, kinds } => self.block(user, kinds, false),
            Op::CheckOp { node, kind } => self.check_op(node, kind),
            Op::CheckReplace { parent, node } => self.check_replace(parent, node),
            Op::DrainBegin { node } => self.drain_begin(node),
            Op::DrainEnd { node } => self.drain_end(node),
            Op::DrainAllBegin {} => {
                self.graph.drain_alls += 1;
                Ok(())
            }
            Op::DrainAllEnd {} => {
                self.graph.drain_alls = self.graph.drain_alls.checked_sub(1).ok_or(E::NotDrainedAll {})?;
                Ok(())
            }
            Op::MoveContext { node, to } => self.move_context(node, to),
            Op::Inactivate { node } => self.inactivate(node),
            Op::Activate { node } => self.activate(node),
            Op::Truncate { user, unaligned } => self.truncate(user, unaligned),
            Op::AddChild { parent, child, name } => self.add_child(parent, child, name),
            Op::RemoveChild { parent, name } => self.remove_child(parent, name),
            Op::Open { node, layer, file, backing, overlay, probe } => {
                self.open(Opening { node, layer, file, backing, overlay, probe })
            }
            Op::Stream { act, job, node, bottom, filter } => self.stream(act, job, node, bottom, filter),
            Op::Commit { act, job, top, base, filter, name } => {
                self.commit(act, job_parameters::Commit { job, top, base, filter }, name)
            }
            Op::CommitActive { act, job, top, base, filter } => {
                self.commit_active(act, job_parameters::Commit { job, top, base, filter })
            }
            Op::Mirror { act, job, source, target, filter } => {
                self.mirror(act, job_parameters::Copy { job, source, target, filter })
            }
            Op::Backup { act, job, source, target, filter } => {
                self.backup(act, job_parameters::Copy { job, source, target, filter })
            }
            // `step` applies the other operations.
            _ => Ok(()),
        }
    }

    // ---- the parts of steps

    /// L2: a doomed node does not exist for a step. In the middle of a step a node may be without a reference.
    fn exists(&self, node: NodeId) -> Done {
        let there = self.graph.nodes.get(node.0 as usize).is_some_and(|found| found.kind.is_some());
        if there && !self.doomed.contains(&node) { Ok(()) } else { Err(E::NodeNotFound { node }) }
    }

    /// L3.3
    fn has_driver(&self, node: NodeId) -> Done {
        if self.graph.nodes[node.0 as usize].ejected { Err(E::NodeCorrupted { node }) } else { Ok(()) }
    }

    /// O17.3
    fn may_have(&self, node: NodeId, opt: Opt) -> Done {
        let suits = opt != Opt::None && opt.suits(self.kind(node));
        if suits { Ok(()) } else { Err(E::OptionUnsupported { node }) }
    }

    fn user(&self, user: UserId) -> Result<usize, StepError> {
        self.graph.edge_index(EdgeId::User(user)).ok_or(E::UserNotFound { user })
    }

    fn child(&self, parent: NodeId, name: ChildName) -> Result<usize, StepError> {
        self.exists(parent)?;
        self.graph.edge_index(EdgeId::Child(parent, name)).ok_or(E::ChildNotFound { parent, name })
    }

    /// Returns the kind of a node that exists.
    fn kind(&self, node: NodeId) -> Kind {
        self.graph.nodes[node.0 as usize].kind.unwrap_or(Kind::Protocol)
    }

    fn lose(&mut self, node: NodeId) {
        self.lost.retain(|n| *n != node);
        self.lost.push(node);
    }

    fn remove(&mut self, edge: usize) -> Edge {
        let gone = self.graph.remove(edge);
        self.lose(gone.child);
        if !self.left.contains(&gone.child) {
            self.left.push(gone.child);
        }
        gone
    }

    /// S1: a new edge.
    fn insert(&mut self, edge: Edge) {
        Self::note(&self.graph, &mut self.made, edge.id());
        self.place(edge);
    }

    /// S1: inserts a new edge, or one with another child.
    fn place(&mut self, edge: Edge) {
        self.graph.insert(edge);
        Self::note(&self.graph, &mut self.placed, edge.id());
    }

    /// Enters an edge into a list, unless it is there already.
    fn note(graph: &State<N, M>, list: &mut ArrayVec<EdgeId, M>, edge: EdgeId) {
        if list.contains(&edge) {
            return;
        }
        // Edges that are gone make room for others.
        if list.is_full() {
            list.retain(|id| graph.edge_index(*id).is_some());
        }
        list.push(edge);
    }

    /// Removes all child edges in list order.
    fn remove_children(&mut self, node: NodeId) {
        while let Some(edge) = self.graph.edges().iter().position(|e| e.parent == Parent::Node(node)) {
            self.remove(edge);
        }
    }

    /// S1: retargeting puts the edge at the head of both lists.
    fn retarget(&mut self, edge: usize, to: NodeId) {
        let moved = self.remove(edge);
        self.place(Edge { child: to, ..moved });
    }

    fn thawed(&self, edge: usize) -> Done {
        let edge = &self.graph.edges()[edge];
        if edge.frozen { Err(E::Frozen { edge: edge.id() }) } else { Ok(()) }
    }

    /// Whether no child is called `name`, except the edge `except`.
    fn name_free(&self, parent: NodeId, name: ChildName, except: Option<usize>) -> Done {
        match self.graph.edge_index(EdgeId::Child(parent, name)) {
            found @ Some(_) if found != except => Err(E::DuplicateChild { parent, name }),
            _ => Ok(()),
        }
    }

    fn put(&mut self, parent: NodeId, child: NodeId, name: ChildName, role: Role) {
        self.insert(Edge { parent: Parent::Node(parent), child, name, role, ..Edge::NONE });
    }

    /// S5: the edges that replace-node moves, in list order; none of them may be frozen.
    pub(crate) fn movable(&self, from: NodeId, to: NodeId) -> Result<ArrayVec<EdgeId, M>, StepError> {
        let below = self.graph.reach(to);
        let mut moved = ArrayVec::new();
        for index in self.graph.parents(from) {
            let edge = &self.graph.edges()[index];
            if !Self::is_skipped(edge, &below) {
                self.thawed(index)?;
                moved.push(edge.id());
            }
        }
        Ok(moved)
    }

    /// S5: returns whether replace-node leaves this parent edge where it is. `below` is what the new target reaches.
    fn is_skipped(edge: &Edge, below: &[bool; N]) -> bool {
        edge.user_flags.stay || matches!(edge.parent, Parent::Node(p) if below[p.0 as usize])
    }

    fn move_all(&mut self, edges: &[EdgeId], to: NodeId) {
        for &edge in edges {
            if let Some(index) = self.graph.edge_index(edge) {
                self.retarget(index, to);
            }
        }
    }

    // ---- longer steps

    /// O6
    fn attach(&mut self, parent: NodeId, child: NodeId, name: ChildName, role: Role) -> Done {
        self.exists(parent)?;
        self.exists(child)?;
        self.has_driver(parent)?;
        self.may_attach(parent, name, role)?;
        self.put(parent, child, name, role);
        Ok(())
    }

    /// O6.4 to O6.8
    fn may_attach(&self, parent: NodeId, name: ChildName, role: Role) -> Done {
        let kind = self.kind(parent);
        if !kind.takes_children() {
            return Err(E::NoChildren { parent });
        }
        self.name_free(parent, name, None)?;
        if !rules::well_formed(role) {
            return Err(E::BadRole { parent, role });
        }
        if !rules::fits(role, kind) {
            return Err(E::RoleUnsupported { parent, role });
        }
        if let Some(slot) = State::<N, M>::slot_of(kind, role)
            && self.graph.in_slot(parent, slot).is_some()
        {
            return Err(E::SlotTaken { parent, slot });
        }
        Ok(())
    }

    /// O7
    fn detach(&mut self, parent: NodeId, name: ChildName) -> Done {
        let edge = self.child(parent, name)?;
        // S2: once a filter has its filtered child it keeps one.
        if self.graph.edges()[edge].role.has(Role::FILTERED) {
            return Err(E::FilterNeedsChild { filter: parent });
        }
        self.thawed(edge)?;
        let found = self.graph;
        self.cut(edge, &found);
        Ok(())
    }

    /// O8
    fn set_backing(&mut self, node: NodeId, to: Option<NodeId>) -> Done {
        self.exists(node)?;
        to.map_or(Ok(()), |to| self.exists(to))?;
        self.has_driver(node)?;
        let change = self.backing_change(node, to)?;
        let found = self.graph;
        self.change(change, &found);
        Ok(())
    }

    /// O8.4 to O8.7
    fn backing_change(&self, node: NodeId, to: Option<NodeId>) -> Result<Change, StepError> {
        let kind = self.kind(node);
        let filter = kind.filter_slot();
        if filter.map_or(!kind.supports_cow(), |slot| slot != Slot::Backing) {
            return Err(E::BackingUnsupported { node });
        }
        let present = self.graph.in_slot(node, Slot::Backing);
        if to.is_some() {
            self.name_free(node, ChildName::BACKING, present)?;
        } else if filter.is_some() && present.is_some() {
            return Err(E::FilterNeedsChild { filter: node });
        }
        present.map_or(Ok(()), |edge| self.thawed(edge))?;
        let role = if filter.is_some() { Role::FILTERED | Role::PRIMARY } else { Role::COW };
        Ok(Change { node, slot: Slot::Backing, to, role })
    }

    /// O9
    fn set_file(&mut self, node: NodeId, to: NodeId) -> Done {
        self.exists(node)?;
        self.exists(to)?;
        self.has_driver(node)?;
        let change = self.file_change(node, to)?;
        let found = self.graph;
        self.change(change, &found);
        Ok(())
    }

    /// O9.4 to O9.7
    fn file_change(&self, node: NodeId, to: NodeId) -> Result<Change, StepError> {
        let filter = self.kind(node).filter_slot();
        if filter == Some(Slot::Backing) {
            return Err(E::FileUnsupported { node });
        }
        let present = self.graph.in_slot(node, Slot::File);
        let role = match (filter, present) {
            (Some(_), _) => Role::FILTERED | Role::PRIMARY,
            (None, Some(edge)) => self.graph.edges()[edge].role,
            (None, None) => return Err(E::NoFileChild { node }),
        };
        self.name_free(node, ChildName::FILE, present)?;
        present.map_or(Ok(()), |edge| self.thawed(edge))?;
        Ok(Change { node, slot: Slot::File, to: Some(to), role })
    }

    /// The common part of O8, O9 and O25: the old edge goes, the new one comes. `found` is the graph as the step found
    /// it.
    fn change(&mut self, Change { node, slot, to, role }: Change, found: &State<N, M>) {
        if let Some(edge) = self.graph.in_slot(node, slot) {
            self.cut(edge, found);
        }
        if let Some(to) = to {
            self.put(node, to, slot.name(), role);
            self.adopt(to, node, found);
        }
    }

    // ---- inheritance (S8)

    /// Returns whether `node` inherits from `from`, directly or through other nodes.
    fn descends(graph: &State<N, M>, node: NodeId, from: NodeId) -> bool {
        let above = |n: &NodeId| graph.nodes[n.0 as usize].inherits.map(|i| i.from);
        std::iter::successors(above(&node), above).take(N).any(|n| n == from)
    }

    /// S8.2: removes an edge of a node. A node that inherits from that node, is not its child any more, and was below
    /// the edge in `found`, no longer inherits.
    fn cut(&mut self, edge: usize, found: &State<N, M>) {
        let gone = self.remove(edge);
        let below = found.reach(gone.child);
        let Parent::Node(parent) = gone.parent else { return };
        for (x, below) in below.into_iter().enumerate() {
            let heir = self.graph.nodes[x].inherits.is_some_and(|i| i.from == parent);
            if below && heir && !self.graph.children(parent).any(|e| e.child.0 as usize == x) {
                self.graph.nodes[x].inherits = None;
            }
        }
    }

    /// S8.3: `child` has come below `parent`.
    fn adopt(&mut self, child: NodeId, parent: NodeId, found: &State<N, M>) {
        let was = found.nodes[child.0 as usize].inherits;
        if child != parent && Self::descends(found, child, parent) {
            self.graph.nodes[child.0 as usize].inherits = was.map(|was| Inherits { from: parent, ..was });
        }
    }

    /// O10
    fn replace_node(&mut self, from: NodeId, to: NodeId) -> Done {
        self.exists(from)?;
        self.exists(to)?;
        if from == to {
            return Err(E::SameNode { node: from });
        }
        let moved = self.movable(from, to)?;
        self.move_all(&moved, to);
        Ok(())
    }

    /// O11
    fn replace_edge(&mut self, edge: usize, to: NodeId) -> Done {
        self.exists(to)?;
        if self.graph.edges()[edge].child == to {
            return Err(E::SameNode { node: to });
        }
        self.thawed(edge)?;
        self.retarget(edge, to);
        Ok(())
    }
}
