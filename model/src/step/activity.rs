//! Sections, contexts, activity, sizes, the children of a quorum: O31 to O40.

use super::{Done, Names, Work};
use crate::op::{ChildName, Context, EdgeId, Kind, NodeId, Opt, Role, StepError as E, UserId};
use crate::perm::{R, Z};
use crate::state::{Edge, Parent};

impl<const N: usize, const M: usize> Work<'_, N, M> {
    /// O31
    pub(super) fn drain_begin(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        self.graph.nodes[node.0 as usize].sections += 1;
        Ok(())
    }

    /// O32
    pub(super) fn drain_end(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        let sections = &mut self.graph.nodes[node.0 as usize].sections;
        *sections = sections.checked_sub(1).ok_or(E::NotDrained { node })?;
        self.lose(node);
        Ok(())
    }

    /// O35
    pub(super) fn move_context(&mut self, node: NodeId, to: Context) -> Done {
        self.exists(node)?;
        self.asked.retain(|(known, _)| *known != node);
        self.asked.push((node, to));
        Ok(())
    }

    /// C1: returns the context of a node before the operation.
    pub(super) fn context_of(&self, node: NodeId) -> Context {
        self.before.nodes[node.0 as usize].context
    }

    // ---- A1, A2

    fn is_inactive(&self, node: NodeId) -> bool {
        self.graph.nodes[node.0 as usize].flags.inactive
    }

    /// O36
    pub(super) fn inactivate(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        self.has_driver(node)?;
        if self.is_inactive(node) {
            return Ok(());
        }
        let active = |e: &&Edge| matches!(e.parent, Parent::Node(p) if !self.is_inactive(p));
        if let Some(edge) = self.graph.parents(node).map(|i| &self.graph.edges()[i]).find(active) {
            return Err(E::ActiveParent { edge: edge.id() });
        }
        let covered = self.covered(node);
        for &node in &covered {
            let objects = |e: &Edge| match e.parent {
                // A job must not lose the node that it writes to, whatever its users want.
                Parent::User(user) => {
                    (!e.user_flags.may_inactivate && (e.user_flags.stay || !e.wanted.need.within(R))).then_some(user)
                }
                Parent::Node(_) => None,
            };
            if let Some(user) = self.graph.parents(node).find_map(|i| objects(&self.graph.edges()[i])) {
                return Err(E::UserActive { user });
            }
        }
        covered.iter().for_each(|node| self.graph.nodes[node.0 as usize].flags.inactive = true);
        Ok(())
    }

    /// A1: returns the nodes that an inactivation covers, in order.
    pub(crate) fn covered(&self, node: NodeId) -> Names<N> {
        let mut covered = Names::new();
        covered.push(node);
        let mut at = 0;
        while let Some(&above) = covered.get(at) {
            at += 1;
            for child in self.graph.children(above).map(|e| e.child) {
                let quiet = |p: NodeId| covered.contains(&p) || self.is_inactive(p);
                let all = self.graph.parents(child).all(|i| match self.graph.edges()[i].parent {
                    Parent::Node(parent) => quiet(parent),
                    Parent::User(_) => true,
                });
                let there = self.graph.nodes[child.0 as usize].has_driver() && !quiet(child);
                if all && there {
                    covered.push(child);
                }
            }
        }
        covered
    }

    /// O37
    pub(super) fn activate(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        self.has_driver(node)?;
        let below = self.graph.reach(node);
        for (node, _) in self.graph.nodes.iter_mut().zip(below).filter(|(_, below)| *below) {
            node.flags.inactive = false;
        }
        Ok(())
    }

    /// O38
    pub(super) fn truncate(&mut self, user: UserId, unaligned: bool) -> Done {
        let edge = self.user(user)?;
        let new = self.users.iter().any(|(made, _)| *made == user);
        let old = self.before.edge_index(EdgeId::User(user)).filter(|_| !new).map(|i| &self.before.edges()[i]);
        let need = match old {
            Some(old) if self.before.nodes[old.child.0 as usize].flags.inactive => return Err(E::NoResize { user }),
            Some(old) => old.wanted.need,
            None => self.graph.edges()[edge].wanted.need,
        };
        if !need.meets(Z) {
            return Err(E::NoResize { user });
        }
        let mut met = [false; N];
        let mut at = self.graph.edges()[edge].child;
        while self.graph.nodes[at.0 as usize].has_driver() && !std::mem::replace(&mut met[at.0 as usize], true) {
            let filtered = self.graph.children(at).find(|e| e.role.has(Role::FILTERED)).map(|e| e.child);
            match filtered {
                Some(child) => at = child,
                None if self.kind(at) == Kind::File => {
                    self.graph.nodes[at.0 as usize].opt = Opt::Unaligned(unaligned);
                    break;
                }
                None => break,
            }
        }
        Ok(())
    }

    // ---- the children of a quorum

    /// O39
    pub(super) fn add_child(&mut self, parent: NodeId, child: NodeId, name: ChildName) -> Done {
        self.exists(parent)?;
        self.exists(child)?;
        self.has_driver(parent)?;
        self.is_quorum(parent)?;
        if let Some(index) = self.graph.parents(child).next() {
            return Err(E::HasParent { node: child, edge: self.graph.edges()[index].id() });
        }
        self.name_free(parent, name, None)?;
        self.put(parent, child, name, Role::DATA);
        Ok(())
    }

    /// O40
    pub(super) fn remove_child(&mut self, parent: NodeId, name: ChildName) -> Done {
        let edge = self.child(parent, name)?;
        self.has_driver(parent)?;
        self.is_quorum(parent)?;
        if self.graph.children(parent).count() == 1 {
            return Err(E::LastChild { parent });
        }
        self.thawed(edge)?;
        let found = self.graph;
        self.cut(edge, &found);
        Ok(())
    }

    fn is_quorum(&self, parent: NodeId) -> Done {
        if self.kind(parent) == Kind::Quorum { Ok(()) } else { Err(E::ChildrenFixed { parent }) }
    }
}
