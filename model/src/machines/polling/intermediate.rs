//! O24: the parents of *top* move to *base*, and images store the name of their new backing file.
//!
//! The seed drains, walks the chain, lists the parent edges, drains again, moves the edges, and then goes through its
//! list to write the names, with a poll at each of them. The repaired order writes the names first, as S6 says, and
//! reads everything again after a poll.

use super::arena::{EdgePtr, PartResult, Run, Stop};
use super::config::Order;
use crate::machines::Defect;
use crate::op::{NodeId, Op, Role};
use crate::state::{Inherits, Parent};
use arrayvec::ArrayVec;

/// What the seed reads before its second drain.
struct Read {
    edges: ArrayVec<EdgePtr, 10>,
    /// S8.4: the node from which *base* will inherit, if that changes.
    heritage: Option<Option<Inherits>>,
}

impl Run<'_> {
    /// O24.
    pub(super) fn drop_intermediate(
        &mut self,
        order: Order,
        (top, base): (NodeId, NodeId),
        name: Option<NodeId>,
    ) -> PartResult {
        let (top_ptr, base_ptr) = (self.find(top)?, self.find(base)?);
        if top == base {
            return Err(Stop::Refused);
        }
        self.hold(top_ptr);
        if order == Order::Repaired {
            self.hold(base_ptr);
        }
        self.poll();
        let base = self.after_poll(order, base_ptr, Defect::N63.id())?;
        let top = self.after_poll(order, top_ptr, Defect::N63.id())?;
        let mut read = self.read_chain(top, base)?;
        self.poll();
        let base = self.after_poll(order, base_ptr, Defect::N63.id())?;
        let top = self.after_poll(order, top_ptr, Defect::N63.id())?;
        if order == Order::Repaired {
            self.write_names(top);
            self.settle()?;
            let (top, base) = (self.find_again(top_ptr)?, self.find_again(base_ptr)?);
            read = self.read_chain(top, base)?;
        }
        let now = self.parents(top);
        self.suspect(read.edges.iter().any(|edge| !now.contains(edge)), Defect::H46.id());
        self.suspect(now.iter().any(|edge| self.is_cow(*edge) && !read.edges.contains(edge)), Defect::N64.id());
        self.suspect(!self.in_chain(top, base), Defect::N72.id());
        self.all_can_move(&now, base)?;
        self.apply(&[Op::ReplaceNode { from: top, to: base }])?;
        for &edge in read.edges.iter().rev() {
            self.name(order, edge, (base, name))?;
        }
        if let Some(heritage) = read.heritage {
            self.follow(base_ptr, Defect::N63.id())?;
            self.graph.nodes[base.0 as usize].inherits = heritage;
        }
        self.undrained(order);
        Ok(())
    }

    fn read_chain(&self, top: NodeId, base: NodeId) -> PartResult<Read> {
        let has_driver = |node: NodeId| self.graph.nodes[node.0 as usize].has_driver();
        if !has_driver(top) || !has_driver(base) || !self.in_chain(top, base) {
            return Err(Stop::Refused);
        }
        Ok(Read { edges: self.parents(top), heritage: self.heritage(top, base) })
    }

    /// S8.4
    fn heritage(&self, top: NodeId, base: NodeId) -> Option<Option<Inherits>> {
        let of = |node: NodeId| self.graph.nodes[node.0 as usize].inherits;
        let explicit = self.explicit(top);
        let mut above = std::iter::successors(of(base).map(|i| i.from), |node| of(*node).map(|i| i.from)).take(6);
        let descends = base != explicit && above.any(|node| node == explicit);
        let flag = of(base);
        descends.then(|| of(explicit).map(|i| Inherits { read_only: flag.is_none_or(|f| f.read_only), ..i }))
    }

    /// S4: returns the first node of the chain that is not implicit.
    pub(super) fn explicit(&self, from: NodeId) -> NodeId {
        let mut at = from;
        for _ in 0..6 {
            match self.graph.chain_edge(at) {
                Some(edge) if self.graph.nodes[at.0 as usize].flags.implicit => at = self.graph.edges()[edge].child,
                _ => break,
            }
        }
        at
    }

    /// S5: no edge is skipped here, and none is frozen.
    fn all_can_move(&self, edges: &[EdgePtr], base: NodeId) -> PartResult {
        let below = self.graph.reach(base);
        let stays = |edge: &EdgePtr| {
            self.alive_edge(*edge).is_some_and(|e| {
                let driverless = |p: NodeId| e.role.has(Role::COW) && !self.graph.nodes[p.0 as usize].has_driver();
                let node = matches!(e.parent, Parent::Node(p) if below[p.0 as usize] || driverless(p));
                e.frozen || e.user_flags.stay || node
            })
        };
        if edges.iter().any(stays) { Err(Stop::Refused) } else { Ok(()) }
    }

    fn is_cow(&self, edge: EdgePtr) -> bool {
        self.alive_edge(edge).is_some_and(|e| e.role.has(Role::COW))
    }

    /// The parent of an edge stores the name of its new child.
    fn name(&mut self, order: Order, edge: EdgePtr, (base, name): (NodeId, Option<NodeId>)) -> PartResult {
        let found = *self.alive_edge(edge).ok_or(Stop::Broken(Defect::H46.id()))?;
        let Parent::Node(parent) = found.parent else { return Ok(()) };
        if !found.role.has(Role::COW) {
            return Ok(());
        }
        let overlay = self.point(parent);
        if order == Order::AsInSeed {
            self.suspect(found.child != base, Defect::H46.id());
            self.poll();
        }
        let parent = self.follow(overlay, Defect::N65.id())?;
        let moved = self.alive_edge(edge).is_none_or(|e| e.child != base);
        self.suspect(moved, Defect::N66.id());
        self.graph.nodes[parent.0 as usize].stored = Some(name.unwrap_or(base));
        Ok(())
    }

    /// Writes the names, with a poll at each of them, until no edge without a name was added meanwhile. The names count
    /// as part of the change.
    fn write_names(&mut self, top: NodeId) {
        let mut written: ArrayVec<EdgePtr, 10> = ArrayVec::new();
        while let Some(next) = self.parents(top).into_iter().find(|edge| self.is_cow(*edge) && !written.contains(edge))
        {
            if written.is_full() {
                break;
            }
            written.push(next);
            self.poll();
        }
    }
}
