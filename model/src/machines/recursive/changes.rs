//! The changes of the graph in seed 0, each with its order of steps.

use super::Seed0;
use crate::machines::algorithm::{Done, Stop};
use crate::machines::heap::{Link, List};
use crate::op::{NodeId, Opt, Role};
use crate::perm::Pair;
use crate::state::{Edge, Parent};
use arrayvec::ArrayVec;

impl Seed0 {
    /// `bdrv_replace_child_noperm()`: the callbacks of the edge are called while it leaves and after it has come.
    fn replace_child_noperm(&mut self, link: Link, new: Option<NodeId>) {
        if self.heap.child(link).target.is_some() {
            self.heap.watch();
            self.heap.leave_target(link);
        }
        self.heap.join_target(link, new, 0);
        if new.is_some() {
            self.heap.watch();
        }
    }

    /// `bdrv_replace_child()`: updates the old node while the edge is still there, then moves the edge, then sets the
    /// new node.
    fn replace_child(&mut self, link: Link, new: Option<NodeId>) -> Done {
        if let Some(old) = self.heap.child(link).target {
            let all = self.heap.cumulative(old);
            // `error_abort`
            self.check_perm(old, all, &ArrayVec::new()).map_err(|_| Stop::Died)?;
            self.set_perm(old, all)?;
        }
        self.replace_child_noperm(link, new);
        match new {
            Some(new) => {
                let all = self.heap.cumulative(new);
                self.set_perm(new, all)
            }
            None => Ok(()),
        }
    }

    /// `bdrv_root_attach_child()`. On success the caller's reference becomes the edge's.
    pub(super) fn root_attach_child(&mut self, child: NodeId, edge: Edge, pair: Pair) -> Result<Link, Stop> {
        self.check_update_perm(child, pair, &ArrayVec::new())?;
        let context = self.heap.cell(child).node.context;
        let link = self.heap.make(edge, pair, context);
        self.replace_child(link, Some(child))?;
        Ok(link)
    }

    /// `bdrv_attach_child()`: the parent's list comes last, and the shortcut after it.
    pub(super) fn attach_child(&mut self, edge: Edge) -> Result<Link, Stop> {
        let Parent::Node(parent) = edge.parent else { return Err(Stop::Died) };
        let above = self.heap.cumulative(parent);
        let read_only = self.heap.cell(parent).node.flags.read_only;
        let pair = self.heap.asked(&edge, edge.child, above, read_only);
        let link = self.root_attach_child(edge.child, edge, pair)?;
        self.heap.join_parent(link, 0);
        Ok(link)
    }

    /// Attaches a child with a reference that was taken for it, and drops the reference on failure.
    pub(super) fn attach_child_of_ours(&mut self, edge: Edge) -> Result<Link, Stop> {
        let attached = self.attach_child(edge);
        if attached == Err(Stop::Refused) {
            self.unref(edge.child)?;
        }
        attached
    }

    /// `bdrv_detach_child()`
    fn detach_child(&mut self, link: Link) -> Done {
        self.heap.leave_parent(link);
        self.replace_child(link, None)?;
        self.heap.link(link).freed = true;
        Ok(())
    }

    /// `bdrv_root_unref_child()`
    pub(super) fn root_unref_child(&mut self, link: Link) -> Done {
        let child = self.heap.child(link).target;
        self.detach_child(link)?;
        child.map_or(Ok(()), |child| self.unref(child))
    }

    /// `bdrv_unref_child()`
    pub(super) fn unref_child(&mut self, link: Link) -> Done {
        self.root_unref_child(link)
    }

    /// `bdrv_set_backing_hd()`: the old child goes before the new one is checked.
    pub(super) fn set_backing_hd(&mut self, node: NodeId, to: Option<NodeId>) -> Done {
        let old = self.heap.chain(node);
        let edge = to.and_then(|to| self.heap.chain_edge(node, to));
        if let Some(to) = to {
            self.heap.at(to).refs += 1;
        }
        if let Some(old) = old {
            self.unref_child(old)?;
        }
        let attached = edge.map(|edge| self.attach_child_of_ours(edge)).transpose();
        // Until now the shortcut leads to freed memory.
        if let Some(old) = old {
            self.heap.clear_shortcut(old);
        }
        if let Some(link) = attached? {
            self.heap.set_shortcut(link);
        }
        Ok(())
    }

    /// `should_update_child()`: only a backing edge of the new node itself stays.
    fn should_update_child(&self, link: Link, to: NodeId) -> bool {
        let edge = &self.heap.child(link).edge;
        let backs = edge.role.has(Role::COW) || edge.role.has(Role::FILTERED);
        let its_own = backs && self.heap.cell(to).children.contains(&link);
        !(edge.user_flags.stay || its_own)
    }

    /// `bdrv_replace_node()`: all parents are checked together, ignoring each other, and the old node is not checked.
    pub(super) fn replace_node(&mut self, from: NodeId, to: NodeId) -> Done {
        let parents = self.heap.cell(from).parents.clone();
        let mut list: List = parents.into_iter().filter(|link| self.should_update_child(*link, to)).collect();
        list.reverse();
        let moved = list.iter().fold(Pair::FREE, |all, link| all.with(self.heap.child(*link).pair));
        self.check_update_perm(to, moved, &list)?;
        self.heap.at(from).refs += 1;
        for link in list {
            self.heap.at(to).refs += 1;
            self.replace_child_noperm(link, Some(to));
            self.heap.at(from).refs -= 1;
        }
        let old = self.heap.cumulative(to);
        // What one parent does not share is shared again if another parent shares it.
        let all = Pair::new(old.need | moved.need, old.share | moved.share);
        self.set_perm(to, all)?;
        self.unref(from)
    }

    /// `bdrv_append()`: judged after the first of its two halves, and again after the second.
    pub(super) fn append(&mut self, new: NodeId, top: NodeId) -> Done {
        self.set_backing_hd(new, Some(top))?;
        if let Err(stop) = self.replace_node(top, new) {
            self.set_backing_hd(new, None).map_err(|_| Stop::Died)?;
            return Err(stop);
        }
        Ok(())
    }

    /// What jobs did with their filters: replace the filter by its child, and drop the reference to it.
    pub(super) fn drop_filter(&mut self, filter: NodeId) -> Done {
        let child = self.heap.chain(filter).and_then(|link| self.heap.child(link).target);
        self.replace_node(filter, child.ok_or(Stop::Refused)?)?;
        if self.heap.drop_holder(filter) { self.unref(filter) } else { Ok(()) }
    }

    /// `bdrv_drop_intermediate()`: the overlay's stored name first, then its backing child.
    pub(super) fn drop_intermediate(&mut self, top: NodeId, base: NodeId, name: Option<NodeId>) -> Done {
        let above = |link: &Link| self.heap.parent(*link).filter(|node| self.heap.chain(*node) == Some(*link));
        let overlay = self.heap.cell(top).parents.iter().find_map(above).ok_or(Stop::Refused)?;
        if self.heap.cell(overlay).node.kind.is_some_and(|kind| kind.supports_cow()) {
            self.heap.at(overlay).node.stored = Some(name.unwrap_or(base));
        }
        self.set_backing_hd(overlay, Some(base))
    }

    /// Sets a driver's option, and refreshes.
    pub(super) fn set_option(&mut self, node: NodeId, opt: Opt) -> Done {
        let old = std::mem::replace(&mut self.heap.at(node).node.opt, opt);
        let done = self.refresh(node);
        if done == Err(Stop::Refused) {
            self.heap.at(node).node.opt = old;
        }
        done
    }
}
