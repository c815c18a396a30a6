//! Chains (S4 to S7): O12, O14 to O16, O24, O26.

use super::{Done, Names, Work};
use crate::op::{EdgeId, NodeId, OpKind, Role, Slot, StepError as E};
use crate::state::{Edge, Inherits, Parent, State};
use arrayvec::ArrayVec;

impl<const N: usize, const M: usize> Work<'_, N, M> {
    /// O12
    pub(super) fn append(&mut self, new: NodeId, top: NodeId, store: bool) -> Done {
        self.exists(new)?;
        self.exists(top)?;
        if new == top {
            return Err(E::SameNode { node: new });
        }
        self.has_driver(new)?;
        let kind = self.kind(new);
        if store && !kind.supports_cow() {
            return Err(E::BackingUnsupported { node: new });
        }
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
        let found = self.graph;
        self.put(new, top, slot.name(), role);
        let moved = self.movable(top, new)?;
        self.move_all(&moved, new);
        self.adopt(top, new, &found);
        if store {
            self.rename(new, Some(top));
        }
        Ok(())
    }

    /// S6
    pub(super) fn rename(&mut self, node: NodeId, name: Option<NodeId>) {
        self.graph.nodes[node.0 as usize].stored = name;
        if !self.renamed.contains(&node) {
            self.renamed.push(node);
        }
    }

    /// O26
    pub(super) fn snapshot(&mut self, node: NodeId, overlay: NodeId) -> Done {
        self.exists(node)?;
        self.exists(overlay)?;
        self.not_blocked(node, OpKind::EXTERNAL_SNAPSHOT)?;
        self.no_user(overlay)?;
        if node == overlay {
            return Err(E::SameNode { node });
        }
        self.has_driver(overlay)?;
        if !self.kind(overlay).supports_cow() {
            return Err(E::BackingUnsupported { node: overlay });
        }
        self.append(overlay, node, false)
    }

    /// O24
    pub(super) fn drop_intermediate(&mut self, top: NodeId, base: NodeId, name: Option<NodeId>) -> Done {
        self.exists(top)?;
        self.exists(base)?;
        if top == base {
            return Err(E::SameNode { node: top });
        }
        self.has_driver(top)?;
        self.has_driver(base)?;
        self.chain(top, Some(base)).ok_or(E::NotInChain { top, base: Some(base) })?;
        let edges: ArrayVec<Edge, M> = self.graph.parents(top).map(|i| self.graph.edges()[i]).collect();
        let below = self.graph.reach(base);
        if let Some(edge) = edges.iter().find(|e| Self::is_skipped(e, &below)) {
            return Err(E::ShouldNotChange { edge: edge.id() });
        }
        if let Some(edge) = edges.iter().find(|e| e.frozen) {
            return Err(E::Frozen { edge: edge.id() });
        }
        let overlays = edges.iter().filter(|e| e.role.has(Role::COW)).filter_map(|e| match e.parent {
            Parent::Node(parent) => Some(parent),
            Parent::User(_) => None,
        });
        let overlays: Names<N> = overlays.collect();
        overlays.iter().try_for_each(|overlay| self.has_driver(*overlay))?;
        let found = self.graph;
        let ids: ArrayVec<EdgeId, M> = edges.iter().map(Edge::id).collect();
        self.move_all(&ids, base);
        overlays.iter().for_each(|overlay| self.rename(*overlay, name.or(Some(base))));
        // S8.4
        let explicit = Self::explicit(&found, top);
        if base != explicit && Self::descends(&found, base, explicit) {
            let flag = found.nodes[base.0 as usize].inherits;
            let above = found.nodes[explicit.0 as usize].inherits;
            let next = above.map(|above| Inherits { read_only: flag.is_none_or(|f| f.read_only), ..above });
            self.graph.nodes[base.0 as usize].inherits = next;
        }
        Ok(())
    }

    /// S4: the explicit node of a node.
    pub(super) fn explicit(graph: &State<N, M>, from: NodeId) -> NodeId {
        let mut met = [false; N];
        let mut at = from;
        while graph.nodes[at.0 as usize].flags.implicit && !std::mem::replace(&mut met[at.0 as usize], true) {
            match graph.chain_edge(at) {
                Some(edge) => at = graph.edges()[edge].child,
                None => break,
            }
        }
        at
    }

    /// O14
    pub(super) fn drop_filter(&mut self, filter: NodeId) -> Done {
        self.exists(filter)?;
        self.has_driver(filter)?;
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
        self.drop_holder(filter);
        if self.graph.references(filter) == 0 {
            while let Some(edge) = self.graph.edges().iter().position(|e| e.parent == Parent::Node(filter)) {
                let found = self.graph;
                self.cut(edge, &found);
            }
        }
        Ok(())
    }

    /// O15, O16
    pub(super) fn set_frozen(&mut self, top: NodeId, base: Option<NodeId>, freeze: bool) -> Done {
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
    pub(super) fn chain(&self, top: NodeId, base: Option<NodeId>) -> Option<ArrayVec<usize, N>> {
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
}
