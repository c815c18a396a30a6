//! The actions of a transaction, and how each is committed and undone.

use super::Seed1;
use super::action::Action;
use crate::machines::algorithm::{Done, Stop};
use crate::machines::heap::Link;
use crate::op::{Context, NodeId};
use crate::perm::Pair;

impl Seed1 {
    /// `tran_finalize()` of what was logged since `start`.
    pub(super) fn finalize(&mut self, start: usize, done: Done) -> Done {
        match done {
            Ok(()) => self.commit(start),
            Err(stop) => {
                self.abort(start)?;
                Err(stop)
            }
        }
    }

    /// `tran_commit()`, the newest action first.
    pub(super) fn commit(&mut self, start: usize) -> Done {
        while self.log.len() > start
            && let Some(action) = self.log.pop()
        {
            self.heap.watch();
            match action {
                Action::Driver { node } => {
                    let all = self.heap.cumulative(node);
                    self.heap.grant(node, all);
                }
                Action::Replace { old: Some(old), .. } => self.unref(old)?,
                Action::Remove { link, .. } => self.heap.link(link).freed = true,
                Action::Cut { link, old, .. } => {
                    self.heap.link(link).freed = true;
                    self.unref(old)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `tran_abort()`, the newest action first.
    pub(super) fn abort(&mut self, start: usize) -> Done {
        while self.log.len() > start
            && let Some(action) = self.log.pop()
        {
            match action {
                Action::Perm { link, old } => self.heap.link(link).pair = old,
                Action::Driver { .. } => {}
                Action::Replace { link, old, place } => self.abort_replace(link, old, place)?,
                Action::Attach { link, parent, child } => self.abort_attach(link, parent, child)?,
                Action::Remove { link, place } => {
                    self.heap.join_parent(link, if self.repaired.lists { place } else { 0 });
                    self.heap.set_shortcut(link);
                }
                Action::Cut { link, place, old, rank } => {
                    let exact = |place| if self.repaired.lists { place } else { 0 };
                    let (place, rank) = (exact(place), exact(rank));
                    self.heap.join_target(link, Some(old), rank);
                    self.heap.join_parent(link, place);
                    self.heap.set_shortcut(link);
                }
                Action::Context { node, old } => self.heap.at(node).node.context = old,
            }
            self.heap.watch();
        }
        Ok(())
    }

    fn abort_replace(&mut self, link: Link, old: Option<NodeId>, place: usize) -> Done {
        let new = self.heap.child(link).target;
        self.heap.leave_target(link);
        self.heap.join_target(link, old, if self.repaired.lists { place } else { 0 });
        new.map_or(Ok(()), |new| self.unref(new))
    }

    /// `bdrv_attach_child_common_abort()`
    fn abort_attach(&mut self, link: Link, parent: Context, child: Context) -> Done {
        let Some(target) = self.heap.child(link).target else { return Err(Stop::Died) };
        if self.repaired.links {
            self.heap.clear_shortcut(link);
            self.heap.leave_parent(link);
        }
        self.heap.leave_target(link);
        self.heap.link(link).target = None;
        self.heap.watch();
        if self.heap.cell(target).node.context != child {
            self.try_set_context(target, child).map_err(|_| Stop::Died)?;
        }
        if let Some(above) = self.heap.parent(link)
            && self.heap.cell(above).node.context != parent
        {
            self.try_set_context(above, parent).map_err(|_| Stop::Died)?;
        }
        self.unref(target)?;
        self.heap.leave_parent(link);
        self.heap.link(link).freed = true;
        self.heap.clear_shortcut(link);
        Ok(())
    }

    /// `bdrv_child_set_perm()`
    pub(super) fn set_perm(&mut self, link: Link, pair: Pair) {
        let old = std::mem::replace(&mut self.heap.link(link).pair, pair);
        self.log.push(Action::Perm { link, old });
    }
}
