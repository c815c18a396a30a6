//! The undo log. Every write of a transaction leaves one record. A rollback undoes them in reverse order and restores
//! the graph exactly, list orders included.

mod record;

pub(crate) use record::Undo;

use crate::driver::Driver;
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, NodeKey};
use crate::graph::rare_texts::put;
use crate::order::{GAP, LIMIT};
use crate::permission::Pair;
use crate::plan::PlanStep;
use slotmap::Key;

impl Core {
    /// Undoes one record of the core. Records about drivers are handled elsewhere.
    fn undo(&mut self, undo: &Undo) {
        match *undo {
            Undo::Added(key) => self.undo_add(key),
            Undo::Doomed(key) => {
                self.nodes[key].doomed = false;
                self.pending.doomed.pop();
            }
            Undo::Holder(key) => self.nodes[key].holders += 1,
            Undo::Held(key) => self.nodes[key].holders -= 1,
            Undo::Monitor(key) => self.nodes[key].monitor = true,
            Undo::Ejected(key) => {
                self.nodes[key].ejected = false;
                self.texts.lost.remove(&key);
            }
            Undo::Inherits { node, parent, read_only } => _ = self.put_inherits(node, parent, read_only),
            Undo::Stored(key) => {
                let old = self.pending.texts.pop().flatten();
                put(&mut self.texts.backing, key, old);
            }
            Undo::Renamed(key) => {
                self.nodes[key].renamed = false;
                self.pending.renamed.pop();
            }
            Undo::Blocks(key, old) => {
                self.users[key].blocks = old;
                let reason = self.pending.texts.pop().flatten();
                put(&mut self.texts.reasons, key, reason);
            }
            Undo::UserAdded(key) => {
                self.unlink_user(key);
                self.users.remove(key);
            }
            Undo::UserRemoved(key) => self.relink_user(key),
            Undo::Linked(key) => self.undo_link(key),
            Undo::Unlinked(key) => self.undo_unlink(key),
            Undo::Retargeted { edge, child, prev_parent, prev_child } => {
                self.undo_retarget(edge, child, prev_parent, prev_child);
            }
            Undo::Fresh(key) => {
                self.edges[key].fresh = false;
                self.pending.fresh.pop();
            }
            Undo::Pair(key, old) => {
                let edge = &mut self.edges[key];
                let new = core::mem::replace(&mut edge.pair, old);
                let child = edge.child;
                self.nodes[child].counters.change(new, old);
            }
            Undo::Frozen(key, old) => self.edges[key].frozen = old,
            Undo::ReadOnly(key, old) => self.nodes[key].read_only = old,
            Undo::Reopened(key) => {
                self.nodes[key].reopened = false;
                self.pending.reopened.pop();
            }
            Undo::Inactive(key, old) => self.nodes[key].inactive = old,
            Undo::Shifted(key) => {
                self.nodes[key].shifted = false;
                self.pending.shifted.pop();
            }
            Undo::Wanted(key, old) => self.users[key].wanted = old,
            Undo::Label(key, old) => {
                self.nodes[key].label = old;
                // Relabelling may have moved the front above this label.
                self.front = self.front.min(old);
            }
            Undo::DrainCounts { node, old } => self.put_drain_counts(node, old),
            Undo::DrainAlls(old) => self.drain_alls = old,
            Undo::Context { node, old } => self.nodes[node].context = old,
            Undo::Request => _ = self.pending.contexts.requests.pop(),
            Undo::Opened(_) | Undo::Option => {}
        }
    }

    /// The node was added last, so it is the last of the list.
    fn undo_add(&mut self, key: NodeKey) {
        let Some(node) = self.nodes.remove(key) else { return };
        self.node_names.remove(&node.name, key);
        // At the end of the range, other nodes may have the same label.
        if node.label > -LIMIT {
            self.front = node.label.saturating_add(GAP);
        }
        self.last_node = node.prev;
        match self.nodes.get_mut(node.prev) {
            Some(prev) => prev.next = NodeKey::null(),
            None => self.first_node = NodeKey::null(),
        }
    }

    fn undo_link(&mut self, key: EdgeKey) {
        self.unlink(key);
        let Some(edge) = self.edges.remove(key) else { return };
        self.nodes[edge.child].counters.change(edge.pair, Pair::NOTHING);
        if edge.parent_node().is_some() {
            self.pending.fresh.pop();
        }
    }

    fn undo_unlink(&mut self, key: EdgeKey) {
        let edge = self.edges[key].data;
        self.link(key, edge.prev_parent, edge.prev_child);
        self.nodes[edge.child].counters.change(Pair::NOTHING, edge.pair);
    }

    fn undo_retarget(&mut self, key: EdgeKey, child: NodeKey, prev_parent: EdgeKey, prev_child: EdgeKey) {
        let edge = self.edges[key].data;
        self.remove_parent(key);
        self.edges[key].child = child;
        self.insert_parent(key, prev_parent);
        if let Some(parent) = edge.parent_node() {
            self.remove_child(parent, key);
            self.insert_child(parent, key, prev_child);
        }
        self.nodes[edge.child].counters.change(edge.pair, Pair::NOTHING);
        self.nodes[child].counters.change(Pair::NOTHING, edge.pair);
    }
}

impl<D: Driver> Graph<D> {
    /// Undoes all records from `mark` on, newest first.
    pub(crate) fn undo_to(&mut self, mark: usize) {
        while self.core.pending.journal.len() > mark {
            let Some(undo) = self.core.pending.journal.pop() else { return };
            match undo {
                Undo::Option => {
                    if let Some((node, previous)) = self.core.pending.options.pop()
                        && let Some(driver) = self.drivers.get_mut(node)
                    {
                        // The driver returned this value itself. If it does not accept it now, nothing can be done
                        // about it.
                        let _ = driver.set_option(previous);
                    }
                }
                Undo::Ejected(node) => {
                    self.core.undo(&undo);
                    if let Some(ejected) = self.ejected.pop() {
                        self.drivers.insert(node, ejected.driver);
                    }
                }
                Undo::Added(node) => {
                    // The graph goes first, because dropping a driver runs foreign code.
                    self.core.undo(&undo);
                    self.drivers.remove(node);
                }
                Undo::Opened(node) => {
                    let name = self.core.nodes.get(node).map(|node| node.name.clone());
                    self.returned.extend(name.zip(self.drivers.remove(node)));
                }
                _ => self.core.undo(&undo),
            }
        }
        // The graph goes first, because closing a driver runs foreign code.
        self.close_returned();
    }

    /// Closes the opened drivers that were rolled back, last opened first. A driver whose hook panics is not called
    /// again. The next rollback or the next transaction closes the ones after it.
    fn close_returned(&mut self) {
        while let Some((name, mut driver)) = self.returned.pop_front() {
            driver.close(&name);
        }
    }

    /// Undoes the open transaction, if there is one. Performed steps that were neither set nor aborted are kept for
    /// [`Graph::pending_aborts`].
    pub(crate) fn undo_all(&mut self) {
        if !self.core.pending.open {
            return;
        }
        self.undo_to(0);
        self.core.keep_unaborted();
        self.core.reset_pending();
    }
}

impl Core {
    fn keep_unaborted(&mut self) {
        let pending = &mut self.pending;
        let progress = core::mem::take(&mut pending.progress);
        // Steps that have already been made permanent cannot be aborted.
        pending.settle.truncate(pending.settled);
        pending.settle.sort_unstable();
        let (refused, settled) = (&pending.refused, &pending.settle);
        let open = |index: &usize| refused.binary_search(index).is_err() && settled.binary_search(index).is_err();
        for step in (0..progress).rev().filter(open).filter_map(|index| pending.plan.get(index).copied()) {
            if !matches!(step, PlanStep::Flush { .. }) {
                pending.aborts.push(step);
            }
        }
        let quieted = core::mem::take(&mut pending.quieted);
        if let Some(notices) = pending.notices.take() {
            pending.resumes.extend(notices.quiesced.into_iter().take(quieted));
        }
        // A hook panicked while drivers were told their grants. The drivers that had been told are stale with respect
        // to the old state now. Drivers that were stale before may no longer be.
        let told_grant = core::mem::take(&mut self.pending.told_grant);
        if !told_grant.is_empty() {
            self.relist_stale(&told_grant);
        }
        self.pending.told_grant = told_grant;
    }

    /// Empties the transaction's lists and removes the marks on the nodes in them.
    pub(crate) fn reset_pending(&mut self) {
        let pending = &mut self.pending;
        // The worklist is empty, unless a rule panicked.
        pending.worklist.drain_into(&mut pending.dirty);
        for key in pending.dirty.drain(..).chain(pending.touched.drain(..)).chain(pending.reopened.drain(..)) {
            if let Some(node) = self.nodes.get_mut(key) {
                (node.queued, node.touched, node.reopened) = (false, false, false);
            }
        }
        if !pending.renamed.is_empty() {
            for key in pending.renamed.drain(..) {
                if let Some(node) = self.nodes.get_mut(key) {
                    node.renamed = false;
                }
            }
        }
        if !pending.shifted.is_empty() {
            for (key, _) in pending.shifted.drain(..) {
                if let Some(node) = self.nodes.get_mut(key) {
                    node.shifted = false;
                }
            }
        }
        pending.open = false;
        pending.journal.clear();
        pending.options.clear();
        pending.texts.clear();
        pending.fresh.clear();
        pending.doomed.clear();
        pending.steps = 0;
        pending.marks.clear();
        pending.plan.clear();
        pending.progress = 0;
        pending.refused.clear();
        pending.settle.clear();
        pending.settled = 0;
        pending.told_grant.clear();
        pending.drains = false;
        pending.contexts.clear();
        pending.stay_aborts = 0;
        pending.notices = None;
        pending.quieted = 0;
    }
}
