//! The changes of the graph in seed 1.

use super::Seed1;
use super::action::Action;
use crate::machines::algorithm::{Done, Point, Stop};
use crate::machines::heap::{Link, List};
use crate::op::{Context, Hook, NodeId, Role};
use crate::perm::Pair;
use crate::state::{Edge, Parent};
use arrayvec::ArrayVec;

impl Seed1 {
    /// `bdrv_replace_child()`
    fn replace_child(&mut self, link: Link, new: Option<NodeId>) -> Done {
        self.point(Point::Action)?;
        let old = self.heap.child(link).target;
        let place = self.heap.leave_target(link).unwrap_or(0);
        self.log.push(Action::Replace { link, old, place });
        if let Some(new) = new {
            self.heap.at(new).refs += 1;
        }
        self.heap.join_target(link, new, 0);
        self.heap.watch();
        Ok(())
    }

    /// `bdrv_attach_child_common()`. The parent enters the edge into its list afterwards.
    fn attach_child_common(&mut self, edge: Edge, pair: Pair, home: Context) -> Result<Link, Stop> {
        let child = edge.child;
        self.point(Point::Action)?;
        let link = self.heap.make(edge, pair, home);
        let before = self.heap.cell(child).node.context;
        if !self.repaired.contexts {
            self.align(link, child)?;
        }
        self.heap.at(child).refs += 1;
        self.heap.join_target(link, Some(child), 0);
        if self.repaired.links {
            self.heap.join_parent(link, 0);
        }
        self.heap.set_shortcut(link);
        self.heap.watch();
        self.log.push(Action::Attach { link, parent: home, child: before });
        Ok(link)
    }

    /// `bdrv_attach_child_noperm()`
    fn attach_child_noperm(&mut self, edge: Edge) -> Result<Link, Stop> {
        let Parent::Node(parent) = edge.parent else { return Err(Stop::Died) };
        let above = self.heap.cumulative(parent);
        let pair = self.heap.asked(&edge, edge.child, above, self.read_only(parent));
        let home = self.heap.cell(parent).node.context;
        let link = self.attach_child_common(edge, pair, home)?;
        if !self.repaired.links {
            self.heap.join_parent(link, 0);
        }
        Ok(link)
    }

    /// `bdrv_root_attach_child()`
    pub(super) fn root_attach_child(&mut self, edge: Edge, pair: Pair, home: Option<Context>) -> Done {
        let child = edge.child;
        let home = home.unwrap_or(self.heap.cell(child).node.context);
        let done = self.attach_child_common(edge, pair, home).map(|_| ());
        let done = done.and_then(|()| self.refresh_perms(&[child], true));
        self.finalize(0, done)
    }

    /// `bdrv_attach_child()`
    pub(super) fn attach_child(&mut self, edge: Edge) -> Done {
        let Parent::Node(parent) = edge.parent else { return Err(Stop::Died) };
        let done = self.attach_child_noperm(edge).map(|_| ());
        let done = done.and_then(|()| self.refresh_perms(&[parent], true));
        self.finalize(0, done)
    }

    /// `bdrv_detach_child()`: the result of the refresh is ignored.
    fn detach_child(&mut self, link: Link) -> Done {
        let Some(old) = self.heap.child(link).target else { return Err(Stop::Died) };
        if self.repaired.links {
            self.heap.leave_parent(link);
            self.heap.clear_shortcut(link);
        }
        self.heap.leave_target(link);
        self.heap.link(link).target = None;
        self.heap.watch();
        self.heap.leave_parent(link);
        self.heap.link(link).freed = true;
        let _ = self.refresh_perms(&[old], true);
        self.move_to_main(old);
        Ok(())
    }

    /// `bdrv_root_unref_child()`
    pub(super) fn root_unref_child(&mut self, link: Link) -> Done {
        let child = self.heap.child(link).target;
        self.detach_child(link)?;
        child.map_or(Ok(()), |child| self.unref(child))
    }

    /// `bdrv_unref_child()`, and the caller clears its shortcut.
    pub(super) fn unref_child(&mut self, link: Link) -> Done {
        self.root_unref_child(link)?;
        self.heap.clear_shortcut(link);
        Ok(())
    }

    /// `bdrv_child_try_set_perm()`: a failure to loosen is reported as success, and nothing is loosened.
    pub(super) fn child_try_set_perm(&mut self, link: Link, pair: Pair) -> Done {
        let (old, wanted) = (self.heap.child(link).pair, self.heap.child(link).edge.wanted);
        self.heap.link(link).edge.wanted = pair;
        self.set_perm(link, pair);
        let child = self.heap.child(link).target.ok_or(Stop::Died)?;
        let done = self.refresh_perms(&[child], true);
        let done = self.finalize(0, done);
        if done.is_err() && pair.loosens(old) {
            return Ok(());
        }
        if done.is_err() {
            self.heap.link(link).edge.wanted = wanted;
        }
        done
    }

    /// `bdrv_remove_filter_or_cow_child()`
    pub(super) fn remove_filter_or_cow_child(&mut self, node: NodeId) -> Done {
        let Some(link) = self.heap.chain(node) else { return Ok(()) };
        if self.repaired.links {
            self.point(Point::Action)?;
            let place = self.heap.leave_parent(link).unwrap_or(0);
            self.heap.clear_shortcut(link);
            let Some(old) = self.heap.child(link).target else { return Err(Stop::Died) };
            let rank = self.heap.leave_target(link).unwrap_or(0);
            self.heap.link(link).target = None;
            self.log.push(Action::Cut { link, place, old, rank });
            self.heap.watch();
            return Ok(());
        }
        self.replace_child(link, None)?;
        self.point(Point::Action)?;
        let place = self.heap.leave_parent(link).unwrap_or(0);
        self.heap.clear_shortcut(link);
        self.log.push(Action::Remove { link, place });
        Ok(())
    }

    /// `bdrv_set_backing_noperm()`
    pub(super) fn set_backing_noperm(&mut self, node: NodeId, to: Option<NodeId>) -> Done {
        if self.heap.chain(node).is_some_and(|link| self.heap.child(link).edge.frozen) {
            return Err(Stop::Refused);
        }
        self.remove_filter_or_cow_child(node)?;
        match to.and_then(|to| self.heap.chain_edge(node, to)) {
            Some(edge) => self.attach_child_noperm(edge).map(|_| ()),
            None => Ok(()),
        }
    }

    /// `bdrv_set_backing_hd()`: the old child is not refreshed.
    pub(super) fn set_backing_hd(&mut self, node: NodeId, to: Option<NodeId>) -> Done {
        let mut refreshed: ArrayVec<NodeId, 2> = [node].into_iter().collect();
        if self.repaired.old_child {
            refreshed.extend(self.heap.chain(node).and_then(|link| self.heap.child(link).target));
        }
        let done = self.set_backing_noperm(node, to);
        let done = done.and_then(|()| self.refresh_perms(&refreshed, true));
        self.finalize(0, done)
    }

    /// `should_update_child()`: edges that the new node reaches stay.
    fn should_update_child(&self, link: Link, to: NodeId) -> bool {
        if self.heap.child(link).edge.user_flags.stay {
            return false;
        }
        let (mut below, mut found) = (ArrayVec::new(), [false; 6]);
        self.topological_dfs(&mut below, &mut found, to);
        !self.heap.parent(link).is_some_and(|parent| below.contains(&parent))
    }

    /// `bdrv_replace_node_noperm()`
    fn replace_node_noperm(&mut self, from: NodeId, to: NodeId, auto_skip: bool) -> Done {
        for link in self.heap.cell(from).parents.clone() {
            if !self.should_update_child(link, to) {
                if auto_skip {
                    continue;
                }
                return Err(Stop::Refused);
            }
            if self.heap.child(link).edge.frozen {
                return Err(Stop::Refused);
            }
            self.replace_child(link, Some(to))?;
        }
        Ok(())
    }

    /// `bdrv_replace_node_common()`
    pub(super) fn replace_node_common(&mut self, from: NodeId, to: NodeId, auto_skip: bool, detach: bool) -> Done {
        if !self.repaired.contexts && self.heap.cell(from).node.context != self.heap.cell(to).node.context {
            return Err(Stop::Died);
        }
        self.heap.at(from).refs += 1;
        let done = self.replace_node_noperm(from, to, auto_skip);
        let done = done.and_then(|()| if detach { self.detach_subchain(from, to) } else { Ok(()) });
        let done = done.and_then(|()| self.refresh_list(&[to, from], true));
        let done = self.finalize(0, done);
        self.unref(from)?;
        done
    }

    /// Returns the edge that leads to `to` in the chain of `from`.
    fn detach_subchain(&mut self, from: NodeId, to: NodeId) -> Done {
        let next = |node| self.heap.chain(node).and_then(|link| self.heap.child(link).target);
        let mut at = Some(from);
        while let Some(node) = at
            && next(node) != Some(to)
        {
            at = next(node);
        }
        at.map_or(Ok(()), |node| self.remove_filter_or_cow_child(node))
    }

    /// `bdrv_drop_filter()`, and the release after it.
    pub(super) fn drop_filter(&mut self, filter: NodeId) -> Done {
        let child = self.heap.chain(filter).and_then(|link| self.heap.child(link).target).ok_or(Stop::Refused)?;
        let stays = |link: &Link| !self.should_update_child(*link, child);
        let cell = self.heap.cell(filter);
        let held = usize::from(cell.node.monitor || cell.node.holders > 0);
        let goes = cell.refs == cell.parents.len() + held && !self.heap.cell(filter).parents.iter().any(stays);
        self.replace_node_common(filter, child, true, !self.repaired.childless || goes)?;
        if self.heap.drop_holder(filter) { self.unref(filter) } else { Ok(()) }
    }

    /// `bdrv_append()`
    pub(super) fn append(&mut self, new: NodeId, top: NodeId) -> Done {
        let edge = self.heap.chain_edge(new, top).ok_or(Stop::Died)?;
        let done = self.attach_child_noperm(edge).map(|_| ());
        let done = done.and_then(|()| self.replace_node_noperm(top, new, true));
        let done = done.and_then(|()| self.refresh_perms(&[new], true));
        self.finalize(0, done)
    }

    /// `bdrv_drop_intermediate()`: first the graph, then the names, which cannot be undone.
    pub(super) fn drop_intermediate(&mut self, top: NodeId, base: NodeId, name: Option<NodeId>) -> Done {
        let overlay = |link: Link| self.heap.parent(link).filter(|_| self.heap.child(link).edge.role.has(Role::COW));
        let updated: List = self.heap.cell(top).parents.clone();
        let overlays: ArrayVec<NodeId, 16> = updated.into_iter().filter_map(overlay).collect();
        if self.repaired.names {
            overlays.iter().try_for_each(|node| self.point(Point::Hook(*node, Hook::Rename)))?;
        }
        self.replace_node_common(top, base, false, false)?;
        for node in overlays {
            if !self.repaired.names {
                self.point(Point::Hook(node, Hook::Rename))?;
            }
            self.heap.at(node).node.stored = Some(name.unwrap_or(base));
        }
        Ok(())
    }
}
