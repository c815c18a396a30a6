//! Life (L1 to L3) and op blockers (L4): O1, O2, O20 to O23, O27 to O30.

use super::{Done, Work};
use crate::op::{ChildName, Kind, NodeId, OpKind, OpKinds, Role, Spec, StepError as E, UserId};
use crate::state::{Inherits, Node, Parent};

impl<const N: usize, const M: usize> Work<'_, N, M> {
    /// O1
    pub(super) fn add(&mut self, node: NodeId, spec: Spec) -> Done {
        if self.graph.nodes[node.0 as usize].kind.is_some() {
            return Err(E::DuplicateNode { node });
        }
        if spec.flags.force_share && !spec.flags.read_only {
            return Err(E::ForceShareWritable { node });
        }
        if !spec.opt.suits(spec.kind) {
            return Err(E::OptionUnsupported { node });
        }
        if spec.flags.implicit && spec.kind.filter_slot().is_none() {
            return Err(E::NotAFilter { node });
        }
        self.graph.nodes[node.0 as usize] = Node::open(spec);
        self.was_inactive[node.0 as usize] = spec.flags.inactive;
        Ok(())
    }

    /// Drops one holder, a caller's first (L1). Returns whether there was one.
    pub(super) fn drop_holder(&mut self, node: NodeId) -> bool {
        let found = &mut self.graph.nodes[node.0 as usize];
        let held = found.holders > 0 || found.monitor;
        if found.holders > 0 {
            found.holders -= 1;
        } else {
            found.monitor = false;
        }
        if held {
            self.lose(node);
        }
        held
    }

    /// O2
    pub(super) fn release(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        if self.drop_holder(node) { Ok(()) } else { Err(E::NoHolder { node }) }
    }

    /// O20
    pub(super) fn hold(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        self.graph.nodes[node.0 as usize].holders += 1;
        Ok(())
    }

    /// O21
    pub(super) fn delete(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        self.no_user(node)?;
        self.not_blocked(node, OpKind::DRIVE_DEL)?;
        if !self.graph.nodes[node.0 as usize].monitor {
            return Err(E::NotMonitorOwned { node });
        }
        if self.graph.references(node) > 1 {
            return Err(E::InUse { node });
        }
        self.drop_holder(node);
        Ok(())
    }

    /// O21.2, O26.4
    pub(super) fn no_user(&self, node: NodeId) -> Done {
        let users = self.graph.parents(node).map(|i| self.graph.edges()[i].parent);
        for parent in users {
            if let Parent::User(user) = parent {
                return Err(E::HasUser { node, user });
            }
        }
        Ok(())
    }

    /// O22
    pub(super) fn eject(&mut self, node: NodeId) -> Done {
        self.exists(node)?;
        self.has_driver(node)?;
        self.graph.nodes[node.0 as usize].ejected = true;
        Ok(())
    }

    /// O23
    pub(super) fn open_child(
        &mut self,
        parent: NodeId,
        node: NodeId,
        mut spec: Spec,
        name: ChildName,
        role: Role,
    ) -> Done {
        self.exists(parent)?;
        self.has_driver(parent)?;
        let own = spec.flags.read_only;
        spec.flags.inactive |= self.graph.nodes[parent.0 as usize].flags.inactive;
        spec.flags.read_only |= self.inherited_flag(role, self.graph.nodes[parent.0 as usize].flags.read_only);
        self.add(node, spec)?;
        self.may_attach(parent, name, role)?;
        let inherits = Some(Inherits { from: parent, read_only: !own });
        self.graph.nodes[node.0 as usize] = Node { monitor: false, holders: 0, inherits, ..Node::open(spec) };
        self.put(parent, node, name, role);
        Ok(())
    }

    /// O23, R1.3: returns the read-only flag that a child with this role inherits from a parent with this flag.
    pub(super) fn inherited_flag(&self, role: Role, parent: bool) -> bool {
        role.has(Role::COW) || parent
    }

    // ---- L4

    /// L4.2
    pub(super) fn not_blocked(&self, node: NodeId, kind: OpKind) -> Done {
        match self.graph.blocker(node, kind) {
            Some(by) => Err(E::Blocked { node, kind, by: by.id() }),
            None => Ok(()),
        }
    }

    /// O27, O28
    pub(super) fn block(&mut self, user: UserId, kinds: OpKinds, on: bool) -> Done {
        let edge = self.user(user)?;
        let blocks = &mut self.graph.edge_mut(edge).blocks;
        if on {
            blocks.0 |= kinds.0;
        } else if kinds.0 & !blocks.0 != 0 {
            return Err(E::NotBlocked { user });
        } else {
            blocks.0 &= !kinds.0;
        }
        Ok(())
    }

    /// O29
    pub(super) fn check_op(&self, node: NodeId, kind: OpKind) -> Done {
        self.exists(node)?;
        self.not_blocked(node, kind)
    }

    /// O30
    pub(super) fn check_replace(&self, parent: NodeId, node: NodeId) -> Done {
        self.exists(parent)?;
        self.exists(node)?;
        self.not_blocked(node, OpKind::REPLACE)?;
        let mut met = [false; N];
        let mut at = parent;
        while !self.graph.nodes[at.0 as usize].ejected && !std::mem::replace(&mut met[at.0 as usize], true) {
            if at == node {
                return Ok(());
            }
            let kind = self.kind(at);
            let only_parent = || self.graph.parents(node).count() == 1;
            if kind == Kind::Quorum && self.graph.children(at).any(|e| e.child == node) && only_parent() {
                return Ok(());
            }
            match self.graph.chain_edge(at) {
                Some(edge) if kind.filter_slot().is_some() => at = self.graph.edges()[edge].child,
                _ => break,
            }
        }
        Err(E::CannotReplace { parent, node })
    }
}
