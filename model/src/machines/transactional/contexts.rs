//! Contexts in seed 1: a whole component moves, or no node does.

use super::Seed1;
use super::action::Action;
use crate::contexts;
use crate::machines::algorithm::{Done, Stop};
use crate::machines::heap::{Link, Read};
use crate::menu::Small;
use crate::op::{Context, NodeId};
use crate::state::Edge;
use crate::step::Work;
use arrayvec::ArrayVec;

impl Seed1 {
    /// Returns the nodes that edges connect with one, and their users.
    fn component(&self, node: NodeId) -> (ArrayVec<NodeId, 6>, ArrayVec<Link, 16>) {
        let mut nodes: ArrayVec<NodeId, 6> = [node].into_iter().collect();
        let mut users = ArrayVec::new();
        let mut at = 0;
        while let Some(node) = nodes.get(at).copied() {
            at += 1;
            let below = self.heap.cell(node).children.iter().filter_map(|link| self.heap.child(*link).target);
            let above = self.heap.cell(node).parents.iter().filter_map(|link| self.heap.parent(*link));
            for other in below.chain(above) {
                if !nodes.contains(&other) {
                    nodes.push(other);
                }
            }
            users.extend(self.heap.cell(node).parents.iter().copied().filter(|l| self.heap.parent(*l).is_none()));
        }
        (nodes, users)
    }

    /// `bdrv_try_set_aio_context()`
    pub(super) fn try_set_context(&mut self, node: NodeId, to: Context) -> Done {
        let (nodes, users) = self.component(node);
        if users.iter().any(|link| self.heap.child(*link).edge.user_flags.fixed)
            && self.heap.cell(node).node.context != to
        {
            return Err(Stop::Refused);
        }
        for node in nodes {
            self.heap.at(node).node.context = to;
        }
        users.into_iter().for_each(|link| self.heap.link(link).context = to);
        Ok(())
    }

    /// The child moves to its new parent's context; if it cannot, the parent moves to the child's.
    pub(super) fn align(&mut self, link: Link, child: NodeId) -> Done {
        let (here, there) = (self.heap.cell(child).node.context, self.heap.child(link).context);
        if here == there || self.try_set_context(child, there).is_ok() {
            return Ok(());
        }
        let moved = match self.heap.parent(link) {
            Some(parent) => self.try_set_context(parent, here),
            None if self.heap.child(link).edge.user_flags.fixed => Err(Stop::Refused),
            None => Ok(()),
        };
        match moved {
            Ok(()) => self.heap.link(link).context = here,
            Err(_) => self.heap.link(link).freed = true,
        }
        moved
    }

    /// Moves a node to the main context when it has lost a parent, and takes the component along.
    pub(super) fn move_to_main(&mut self, node: NodeId) {
        if !self.repaired.contexts {
            let _ = self.try_set_context(node, Context::MAIN);
        }
    }

    /// A repair: contexts are settled once, on the final graph (C2).
    pub(super) fn settle(&mut self) -> Done {
        if !self.repaired.contexts || std::mem::replace(&mut self.settled, true) {
            return Ok(());
        }
        let before = self.before;
        let settled = self.work(&before).and_then(|work| contexts::settle(&work).ok()).ok_or(Stop::Refused)?;
        self.move_to(&settled.to);
        Ok(())
    }

    /// A repair: components without users move to the main context, at the end (C3).
    pub(super) fn move_orphans_to_main(&mut self) {
        let before = self.before;
        if self.repaired.contexts
            && let Some(work) = self.work(&before)
            && let Ok(mut settled) = contexts::settle(&work)
        {
            // C2 is done already, on the graph before nodes were closed.
            settled.to = std::array::from_fn(|i| self.heap.cells[i].node.context);
            settled.move_orphans_to_main(&work);
            self.move_to(&settled.to);
        }
    }

    fn move_to(&mut self, to: &[Context; 6]) {
        for (i, &context) in to.iter().enumerate() {
            let node = &mut self.heap.cells[i].node;
            if node.kind.is_some() && node.context != context {
                let old = std::mem::replace(&mut node.context, context);
                self.log.push(Action::Context { node: NodeId(i as u8), old });
            }
        }
    }

    /// Returns the operation as the model sees it: which edges got a child, and which nodes lost one.
    fn work<'a>(&self, before: &'a Small) -> Option<Work<'a, 6, 10>> {
        let Read::State(state, _) = self.heap.read() else { return None };
        let mut work = Work::new(before);
        work.graph = *state;
        let target = |state: &Small, id| state.edge_index(id).map(|i| state.edges()[i].child);
        let came = |edge: &&Edge| target(before, edge.id()) != Some(edge.child);
        work.placed.extend(work.graph.edges().iter().filter(came).map(Edge::id));
        for edge in before.edges() {
            if target(&work.graph, edge.id()) != Some(edge.child) && !work.left.contains(&edge.child) {
                work.left.push(edge.child);
            }
        }
        work.users.extend(self.new_user);
        Some(work)
    }
}
