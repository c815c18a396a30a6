//! An operation in progress, with what it remembers of the graph from before a poll.
//!
//! A name means nothing across a poll: its node can be closed, and another node can get the name. So each node and edge
//! has a stamp, given when it is made. A raw pointer is a name with the stamp of its time, and leads nowhere once that
//! stamp is gone. The graph itself is a [`State`](crate::State), changed by model operations. A stamp survives a move
//! (retargeting), but not a detach, even if the same operation makes an edge with that name again.
//!
//! A reference that the operation holds is one more open section in the graph. A section keeps the node (Q2), nothing
//! else in a step looks at it, and unlike a holder another operation cannot drop it.

use super::config::{Order, UNEXPLAINED};
use crate::invariants::{self, Broken};
use crate::judge::{Outcome, execute};
use crate::machines::Defect;
use crate::menu::{Action, Small};
use crate::op::{EdgeId, NodeId, Op};
use crate::state::{Edge, Parent};
use crate::step::Work;
use arrayvec::ArrayVec;

/// Why an operation stops early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// It is refused.
    Refused,
    /// It followed a dangling pointer, or did something else after which no result exists.
    Broken(Broken),
}

/// The result of a part of an operation.
pub(super) type PartResult<T = ()> = Result<T, Stop>;

/// A raw pointer to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NodePtr {
    id: NodeId,
    stamp: u32,
}

/// A raw pointer to an edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct EdgePtr {
    pub(super) id: EdgeId,
    stamp: u32,
}

/// Another operation that runs at a poll.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intruder<'a> {
    /// The number of the poll at which it runs.
    pub(super) at: u16,
    pub(super) action: &'a Action,
    /// What it meets there.
    pub(super) meets: Option<Broken>,
}

/// What other code sees at a poll.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// The graph, without the operation's references.
    pub(super) graph: Small,
    /// What is wrong with it.
    pub(super) broken: Option<Broken>,
}

/// An operation in progress.
pub(super) struct Run<'a> {
    /// The graph, with the operation's references.
    pub(super) graph: Small,
    nodes: [u32; 6],
    edges: ArrayVec<(EdgeId, u32), 10>,
    clock: u32,
    held: ArrayVec<NodePtr, 8>,
    intruder: Option<Intruder<'a>>,
    /// Maps a broken invariant at a poll to a defect.
    at_polls: fn(Broken) -> Broken,
    /// How often it has polled.
    polls: u16,
    /// What other code saw at each poll of a run without an intruder.
    pub(super) views: Vec<View>,
    /// Whether the intruder ran and was not refused.
    pub(super) intruded: bool,
    /// The defects to blame if the result is wrong; the likeliest first.
    pub(super) suspects: ArrayVec<Broken, 8>,
    /// What other code could see at a poll.
    pub(super) seen: Option<Broken>,
}

impl<'a> Run<'a> {
    /// Starts an operation.
    pub(super) fn new(before: &Small, intruder: Option<Intruder<'a>>, at_polls: fn(Broken) -> Broken) -> Self {
        let edges = before.edges().iter().map(|e| (e.id(), 0)).collect();
        let (nodes, clock) = ([0; 6], 1);
        let (held, suspects) = Default::default();
        let (polls, intruded, seen, views) = (0, false, None, Vec::new());
        Run { graph: *before, nodes, edges, clock, held, intruder, at_polls, polls, views, intruded, suspects, seen }
    }

    // ---- looking up and following pointers

    /// Looks a node up by its name.
    pub(super) fn find(&self, id: NodeId) -> PartResult<NodePtr> {
        self.graph.node(id).map(|_| self.point(id)).ok_or(Stop::Refused)
    }

    /// Returns the pointer to an existing node.
    pub(super) fn point(&self, id: NodeId) -> NodePtr {
        NodePtr { id, stamp: self.nodes[id.0 as usize] }
    }

    /// Returns the node if it still exists.
    pub(super) fn alive(&self, ptr: NodePtr) -> Option<NodeId> {
        let node = &self.graph.nodes[ptr.id.0 as usize];
        (node.kind.is_some() && self.nodes[ptr.id.0 as usize] == ptr.stamp).then_some(ptr.id)
    }

    /// Looks a node up again that was found before a poll. A node that only this operation refers to is doomed, and
    /// cannot be named (L2).
    pub(super) fn find_again(&self, ptr: NodePtr) -> PartResult<NodeId> {
        let without = self.without_references();
        self.alive(ptr).filter(|id| without.references(*id) > 0).ok_or(Stop::Refused)
    }

    /// Follows a pointer in the given order. The seed follows it wherever it leads, and `defect` is met if it leads
    /// nowhere or to a node that is about to be closed. The repaired order looks the node up again.
    pub(super) fn after_poll(&mut self, order: Order, ptr: NodePtr, defect: Broken) -> PartResult<NodeId> {
        if order == Order::Repaired {
            return self.find_again(ptr);
        }
        let id = self.follow(ptr, defect)?;
        self.suspect(self.find_again(ptr).is_err(), Defect::N71.id());
        Ok(id)
    }

    /// Follows a pointer. `defect` is met if it leads nowhere.
    pub(super) fn follow(&self, ptr: NodePtr, defect: Broken) -> PartResult<NodeId> {
        self.alive(ptr).ok_or(Stop::Broken(defect))
    }

    /// Returns the pointers to all parent edges of a node, in list order.
    pub(super) fn parents(&self, node: NodeId) -> ArrayVec<EdgePtr, 10> {
        self.graph.parents(node).map(|index| self.edge(self.graph.edges()[index].id())).collect()
    }

    /// Returns the pointer to an existing edge.
    pub(super) fn edge(&self, id: EdgeId) -> EdgePtr {
        let known = self.edges.iter().find(|(known, _)| *known == id);
        EdgePtr { id, stamp: known.map_or(0, |(_, stamp)| *stamp) }
    }

    /// Returns the edge if it still exists.
    pub(super) fn alive_edge(&self, ptr: EdgePtr) -> Option<&Edge> {
        self.edges
            .contains(&(ptr.id, ptr.stamp))
            .then(|| self.graph.edge_index(ptr.id))?
            .map(|i| &self.graph.edges()[i])
    }

    /// Returns the child of a node that a chain walk takes (S4).
    pub(super) fn chain_child(&self, node: NodeId) -> Option<NodePtr> {
        self.graph.chain_edge(node).map(|edge| self.point(self.graph.edges()[edge].child))
    }

    /// Returns whether `base` is in the chain of `top`.
    pub(super) fn in_chain(&self, top: NodeId, base: NodeId) -> bool {
        let next = |node: &NodeId| self.graph.chain_edge(*node).map(|edge| self.graph.edges()[edge].child);
        std::iter::successors(Some(top), next).take(7).any(|node| node == base)
    }

    // ---- changes

    /// Tests whether the operation would be accepted here.
    pub(super) fn possible(&self, op: Op) -> PartResult {
        let outcome = execute(&self.graph, &[op], &[]);
        if matches!(outcome, Outcome::Done { .. }) { Ok(()) } else { Err(Stop::Refused) }
    }

    /// Executes one part of the operation. It is refused if a model operation is.
    pub(super) fn apply(&mut self, ops: &[Op]) -> PartResult {
        let Outcome::Done { next, .. } = execute(&self.graph, ops, &[]) else {
            return Err(Stop::Refused);
        };
        self.enter(next, ops);
        Ok(())
    }

    /// Replaces the graph after these operations, and gives stamps to what they made.
    fn enter(&mut self, next: Small, ops: &[Op]) {
        let mut work = Work::new(&self.graph);
        // They were executed before, so none of them fails.
        let _ = ops.iter().try_for_each(|op| work.step(*op));
        let stamp = self.clock;
        self.clock += 1;
        for (i, known) in self.nodes.iter_mut().enumerate() {
            if self.graph.nodes[i].kind.is_none() {
                *known = stamp;
            }
        }
        let old = std::mem::take(&mut self.edges);
        self.edges = next
            .edges()
            .iter()
            .map(|e| {
                let known = old.iter().find(|(id, _)| *id == e.id() && !work.made.contains(id));
                (e.id(), known.map_or(stamp, |(_, stamp)| *stamp))
            })
            .collect();
        self.graph = next;
    }

    /// Takes a reference.
    pub(super) fn hold(&mut self, ptr: NodePtr) {
        self.graph.nodes[ptr.id.0 as usize].sections += 1;
        self.held.push(ptr);
    }

    /// Drops a reference. A node without references is closed.
    pub(super) fn let_go(&mut self, ptr: NodePtr) -> PartResult {
        let Some(place) = self.held.iter().position(|held| *held == ptr) else {
            return Err(Stop::Broken(UNEXPLAINED));
        };
        self.held.remove(place);
        let op = [Op::DrainEnd { node: ptr.id }];
        match execute(&self.graph, &op, &[]) {
            Outcome::Done { next, .. } => self.enter(next, &op),
            _ => return Err(Stop::Broken(UNEXPLAINED)),
        }
        Ok(())
    }

    /// In the repaired order no reference is held after the last poll: doomed nodes are closed before anything is read
    /// again.
    pub(super) fn last_poll(&mut self, order: Order) -> PartResult {
        if order == Order::Repaired { self.settle() } else { Ok(()) }
    }

    /// Drops all remaining references.
    pub(super) fn settle(&mut self) -> PartResult {
        while let Some(&ptr) = self.held.first() {
            self.let_go(ptr)?;
        }
        Ok(())
    }

    /// Notes the defect to blame if the result is wrong.
    pub(super) fn suspect(&mut self, when: bool, defect: Broken) {
        if when && !self.suspects.contains(&defect) {
            self.suspects.push(defect);
        }
    }

    // ---- polls

    /// Lets other code run. What it can see must be sound, and one operation may run.
    pub(super) fn poll(&mut self) {
        let number = self.polls;
        self.polls += 1;
        let broken = || invariants::broken(&self.graph).map(self.at_polls);
        // Up to the intruder, a run equals the undisturbed run, which has been checked.
        let found = match self.intruder {
            Some(intruder) if number == intruder.at => intruder.meets,
            Some(intruder) if number < intruder.at => None,
            _ => broken(),
        };
        if let Some(defect) = found {
            self.seen = self.seen.or(Some(defect));
            // What other code makes of an unsound graph is not its own fault.
            self.suspect(true, defect);
        }
        match self.intruder {
            Some(intruder) if number == intruder.at => self.intrude(&intruder.action.ops),
            Some(_) => {}
            None => self.views.push(View { graph: self.without_references(), broken: found }),
        }
    }

    fn intrude(&mut self, ops: &[Op]) {
        // The intruder is possible without our references, or it would not be tried. It can be refused because of them.
        let Outcome::Done { next, .. } = execute(&self.graph, ops, &[]) else {
            return;
        };
        let without = self.without_references();
        let departing = without.names().any(|node| without.references(node) == 0);
        self.suspect(departing, Defect::N68.id());
        self.enter(next, ops);
        self.intruded = true;
    }

    fn without_references(&self) -> Small {
        let mut graph = self.graph;
        self.held.iter().for_each(|ptr| graph.nodes[ptr.id.0 as usize].sections -= 1);
        graph
    }

    /// Returns the nodes that edges connect with a node, itself first.
    pub(super) fn component(&self, node: NodeId) -> ArrayVec<NodePtr, 6> {
        let mut found: ArrayVec<NodeId, 6> = [node].into_iter().collect();
        let mut done = 0;
        while done < found.len() {
            let at = found[done];
            done += 1;
            for edge in self.graph.edges() {
                let Parent::Node(parent) = edge.parent else { continue };
                let other = match (parent == at, edge.child == at) {
                    (true, _) => edge.child,
                    (_, true) => parent,
                    _ => continue,
                };
                if !found.contains(&other) {
                    found.push(other);
                }
            }
        }
        found.into_iter().map(|id| self.point(id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Run, Stop, UNEXPLAINED};
    use crate::menu::Small;
    use crate::op::{ChildName, EdgeId, Kind, NodeId, Op, Spec};

    const N0: NodeId = NodeId(0);
    const N1: NodeId = NodeId(1);
    const N2: NodeId = NodeId(2);

    /// Builds n1 → n0, and n2 without edges.
    fn run() -> Run<'static> {
        let mut run = Run::new(&Small::default(), None, |_| UNEXPLAINED);
        let add = |node| Op::Add { node, spec: Spec::plain(Kind::Format) };
        run.apply(&[add(N0), add(N1), add(N2), Op::Append { new: N1, top: N0, store: false }]).unwrap();
        run
    }

    #[test]
    fn an_edge_that_moves_is_the_same_and_one_made_anew_is_not() {
        let id = EdgeId::Child(N1, ChildName::BACKING);
        let (mut moved, mut remade) = (run(), run());
        let edge = moved.edge(id);
        moved.apply(&[Op::ReplaceChild { parent: N1, name: ChildName::BACKING, to: N2 }]).unwrap();
        assert_eq!(moved.alive_edge(edge).map(|e| e.child), Some(N2));
        let edge = remade.edge(id);
        remade.apply(&[Op::SetBacking { node: N1, to: Some(N2) }]).unwrap();
        assert!(remade.alive_edge(edge).is_none());
        assert_eq!(remade.alive_edge(remade.edge(id)).map(|e| e.child), Some(N2));
        remade.apply(&[Op::SetBacking { node: N1, to: None }]).unwrap();
        assert!(remade.alive_edge(edge).is_none());
    }

    #[test]
    fn a_node_that_gets_an_old_name_is_another_one() {
        let mut run = run();
        let old = run.find(N2).unwrap();
        run.apply(&[Op::Release { node: N2 }]).unwrap();
        assert_eq!((run.alive(old), run.find(N2)), (None, Err(Stop::Refused)));
        run.apply(&[Op::Add { node: N2, spec: Spec::plain(Kind::Format) }]).unwrap();
        assert_eq!(run.follow(old, "gone"), Err(Stop::Broken("gone")));
        assert_eq!(run.alive(run.point(N2)), Some(N2));
    }

    #[test]
    fn a_node_with_references_only_exists_and_cannot_be_found() {
        let mut run = run();
        let held = run.find(N1).unwrap();
        run.hold(held);
        run.apply(&[Op::Release { node: N1 }]).unwrap();
        assert_eq!((run.alive(held), run.find_again(held)), (Some(N1), Err(Stop::Refused)));
        assert_eq!(run.graph.edges().len(), 1);
        run.let_go(held).unwrap();
        assert_eq!((run.alive(held), run.graph.edges().len()), (None, 0));
        assert_eq!(run.let_go(held), Err(Stop::Broken(UNEXPLAINED)));
    }
}
