//! The operations: preconditions in the order of `specs/operations.md`, then the effect on the shape.
//!
//! Nothing here knows about permissions; [`crate::judge`] looks at the result.

use crate::op::{ChildName, EdgeId, NodeId, Op, Opt, Role, Slot, Spec, StepError, StepError as E};
use crate::rules;
use crate::state::{Edge, Node, Parent, State};
use arrayvec::ArrayVec;

/// A set of node names in the order in which they were entered.
pub type Names<const N: usize> = ArrayVec<NodeId, N>;

/// A graph in the middle of an operation.
#[derive(Clone, Debug)]
pub struct Work<const N: usize, const M: usize> {
    /// The graph as the steps so far left it.
    pub graph: State<N, M>,
    /// The doomed nodes in the order in which they reached zero references (L2).
    pub doomed: Names<N>,
    /// The nodes reopened, in the order of the steps (V5.1).
    pub reopened: Names<N>,
    /// The nodes that lost a reference in this step, in order.
    lost: Names<N>,
}

type Done = Result<(), StepError>;

impl<const N: usize, const M: usize> Work<N, M> {
    /// Before the first step.
    pub fn new(graph: State<N, M>) -> Self {
        Work { graph, doomed: Names::new(), reopened: Names::new(), lost: Names::new() }
    }

    /// One step (V2). After an error the work is worthless.
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

    /// L2: closes the doomed nodes; returns them in the order of closing.
    pub fn close(&mut self) -> Names<N> {
        let mut closed = Names::new();
        let mut queue = self.doomed.clone();
        while !queue.is_empty() {
            let node = queue.remove(0);
            self.lost.clear();
            self.remove_children(node);
            self.graph.nodes[node.0 as usize] = Node::NONE;
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
            Op::AttachUser { user, node, pair, stay } => {
                if self.graph.edge_index(EdgeId::User(user)).is_some() {
                    return Err(E::DuplicateUser { user });
                }
                self.exists(node)?;
                let parent = Parent::User(user);
                self.graph.insert(Edge { parent, child: node, wanted: pair, stay, ..Edge::NONE });
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
            Op::Append { new, top } => self.append(new, top),
            Op::Insert { new, spec, top } => self.add(new, spec).and_then(|()| self.append(new, top)),
            Op::DropFilter { filter } => self.drop_filter(filter),
            Op::Freeze { top, base } => self.set_frozen(top, base, true),
            Op::Thaw { top, base } => self.set_frozen(top, base, false),
            Op::SetOption { node, opt } => {
                self.exists(node)?;
                let found = &mut self.graph.nodes[node.0 as usize];
                if opt == Opt::None || !found.kind.is_some_and(|kind| opt.suits(kind)) {
                    return Err(E::OptionUnsupported { node });
                }
                found.opt = opt;
                Ok(())
            }
            Op::SetReadOnly { node, on } => self.set_read_only(node, on),
        }
    }

    // ---- what steps are made of

    fn exists(&self, node: NodeId) -> Done {
        self.graph.node(node).map(|_| ()).ok_or(E::NodeNotFound { node })
    }

    fn user(&self, user: crate::op::UserId) -> Result<usize, StepError> {
        self.graph.edge_index(EdgeId::User(user)).ok_or(E::UserNotFound { user })
    }

    fn child(&self, parent: NodeId, name: ChildName) -> Result<usize, StepError> {
        self.exists(parent)?;
        self.graph.edge_index(EdgeId::Child(parent, name)).ok_or(E::ChildNotFound { parent, name })
    }

    /// The kind of a node that [`Self::exists`].
    fn kind(&self, node: NodeId) -> crate::op::Kind {
        self.graph.nodes[node.0 as usize].kind.unwrap_or(crate::op::Kind::Protocol)
    }

    fn lose(&mut self, node: NodeId) {
        self.lost.retain(|n| *n != node);
        self.lost.push(node);
    }

    fn remove(&mut self, edge: usize) -> Edge {
        let gone = self.graph.remove(edge);
        self.lose(gone.child);
        gone
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
        self.graph.insert(Edge { child: to, ..moved });
    }

    fn thawed(&self, edge: usize) -> Done {
        let edge = &self.graph.edges()[edge];
        if edge.frozen { Err(E::Frozen { edge: edge.id() }) } else { Ok(()) }
    }

    /// A child called `name` that is not the edge `except`?
    fn name_free(&self, parent: NodeId, name: ChildName, except: Option<usize>) -> Done {
        match self.graph.edge_index(EdgeId::Child(parent, name)) {
            found @ Some(_) if found != except => Err(E::DuplicateChild { parent, name }),
            _ => Ok(()),
        }
    }

    fn put(&mut self, parent: NodeId, child: NodeId, name: ChildName, role: Role) {
        self.graph.insert(Edge { parent: Parent::Node(parent), child, name, role, ..Edge::NONE });
    }

    /// S5: the edges that replace-node moves, in list order; none of them may be frozen.
    fn movable(&self, from: NodeId, to: NodeId) -> Result<ArrayVec<EdgeId, M>, StepError> {
        let below = self.graph.reach(to);
        let mut moved = ArrayVec::new();
        for index in self.graph.parents(from) {
            let edge = &self.graph.edges()[index];
            let skipped = edge.stay || matches!(edge.parent, Parent::Node(p) if below[p.0 as usize]);
            if !skipped {
                self.thawed(index)?;
                moved.push(edge.id());
            }
        }
        Ok(moved)
    }

    fn move_all(&mut self, edges: &[EdgeId], to: NodeId) {
        for &edge in edges {
            if let Some(index) = self.graph.edge_index(edge) {
                self.retarget(index, to);
            }
        }
    }

    // ---- the steps that are longer than a line

    /// O1
    fn add(&mut self, node: NodeId, spec: Spec) -> Done {
        if self.graph.nodes[node.0 as usize].kind.is_some() {
            return Err(E::DuplicateNode { node });
        }
        if spec.flags.force_share && !spec.flags.read_only {
            return Err(E::ForceShareWritable { node });
        }
        if !spec.opt.suits(spec.kind) {
            return Err(E::OptionUnsupported { node });
        }
        self.graph.nodes[node.0 as usize] = Node::open(spec);
        Ok(())
    }

    /// O2
    fn release(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        if self.graph.nodes[node.0 as usize].holders == 0 {
            return Err(E::NoHolder { node });
        }
        self.graph.nodes[node.0 as usize].holders -= 1;
        self.lose(node);
        Ok(())
    }

    /// O6
    fn attach(&mut self, parent: NodeId, child: NodeId, name: ChildName, role: Role) -> Done {
        self.exists(parent)?;
        self.exists(child)?;
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
        self.put(parent, child, name, role);
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
        self.remove(edge);
        Ok(())
    }

    /// O8
    fn set_backing(&mut self, node: NodeId, to: Option<NodeId>) -> Done {
        self.exists(node)?;
        to.map_or(Ok(()), |to| self.exists(to))?;
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
        let role = if filter.is_some() { Role::FILTERED | Role::PRIMARY } else { Role::COW };
        self.fill(node, present, to, ChildName::BACKING, role)
    }

    /// O9
    fn set_file(&mut self, node: NodeId, to: NodeId) -> Done {
        self.exists(node)?;
        self.exists(to)?;
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
        self.fill(node, present, Some(to), ChildName::FILE, role)
    }

    /// The common end of O8 and O9: the old edge goes, the new one comes.
    fn fill(&mut self, node: NodeId, old: Option<usize>, to: Option<NodeId>, name: ChildName, role: Role) -> Done {
        if let Some(edge) = old {
            self.thawed(edge)?;
            self.remove(edge);
        }
        if let Some(to) = to {
            self.put(node, to, name, role);
        }
        Ok(())
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

    /// O12
    fn append(&mut self, new: NodeId, top: NodeId) -> Done {
        self.exists(new)?;
        self.exists(top)?;
        if new == top {
            return Err(E::SameNode { node: new });
        }
        let kind = self.kind(new);
        let (slot, role) = match kind.filter_slot() {
            Some(slot) => (slot, Role::FILTERED | Role::PRIMARY),
            None if kind.supports_cow() => (Slot::Backing, Role::COW),
            None => return Err(E::BackingUnsupported { node: new }),
        };
        let present = self.graph.in_slot(new, slot);
        self.name_free(new, slot.name(), present)?;
        if present.is_some() {
            return Err(E::SlotTaken { parent: new, slot });
        }
        self.put(new, top, slot.name(), role);
        let moved = self.movable(top, new)?;
        self.move_all(&moved, new);
        Ok(())
    }

    /// O14
    fn drop_filter(&mut self, filter: NodeId) -> Done {
        self.exists(filter)?;
        if self.kind(filter).filter_slot().is_none() {
            return Err(E::NotAFilter { node: filter });
        }
        let edge = self.graph.chain_edge(filter).ok_or(E::NoFilteredChild { filter })?;
        let child = self.graph.edges()[edge].child;
        if child == filter {
            return Err(E::SameNode { node: filter });
        }
        let moved = self.movable(filter, child)?;
        self.move_all(&moved, child);
        let holders = &mut self.graph.nodes[filter.0 as usize].holders;
        *holders = holders.saturating_sub(1);
        self.lose(filter);
        if self.graph.references(filter) == 0 {
            self.remove_children(filter);
        }
        Ok(())
    }

    /// O15, O16
    fn set_frozen(&mut self, top: NodeId, base: Option<NodeId>, freeze: bool) -> Done {
        self.exists(top)?;
        base.map_or(Ok(()), |base| self.exists(base))?;
        let edges = self.chain(top, base).ok_or(E::NotInChain { top, base })?;
        for &index in &edges {
            let edge = self.graph.edges()[index].id();
            match (freeze, self.graph.edges()[index].frozen) {
                (true, true) => return Err(E::Frozen { edge }),
                (false, false) => return Err(E::NotFrozen { edge }),
                _ => {}
            }
        }
        for &index in &edges {
            let edge = &self.graph.edges()[index];
            if freeze && self.graph.nodes[edge.child.0 as usize].flags.never_freeze {
                return Err(E::NeverFreeze { edge: edge.id() });
            }
        }
        edges.iter().for_each(|&index| self.graph.edge_mut(index).frozen = freeze);
        Ok(())
    }

    /// S4: the edges from `top` down to `base`, or to the end.
    fn chain(&self, top: NodeId, base: Option<NodeId>) -> Option<ArrayVec<usize, N>> {
        let mut met = [false; N];
        let mut edges = ArrayVec::new();
        let mut at = top;
        while Some(at) != base {
            if std::mem::replace(&mut met[at.0 as usize], true) {
                return None;
            }
            match self.graph.chain_edge(at) {
                Some(edge) => edges.push(edge),
                None => return base.is_none().then_some(edges),
            }
            at = self.graph.edges()[edges[edges.len() - 1]].child;
        }
        Some(edges)
    }

    /// O18
    fn set_read_only(&mut self, node: NodeId, on: bool) -> Done {
        self.exists(node)?;
        let found = &mut self.graph.nodes[node.0 as usize];
        if found.flags.force_share && !on {
            return Err(E::ForceShareWritable { node });
        }
        found.flags.read_only = on;
        if !self.reopened.contains(&node) {
            self.reopened.push(node);
        }
        Ok(())
    }
}
