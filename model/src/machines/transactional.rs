//! Seed 1: QEMU's algorithm of 2021. A change is a transaction of actions, each with its undo. Then the permissions of
//! a topological list of nodes are computed, which are actions as well. At the end all actions are committed or all are
//! undone.
//!
//! A failure can be injected before each action whose function may fail, and in each driver's hook. What is known to be
//! wrong with the algorithm can be repaired piece by piece ([`Repairs`]); with all repairs it refines `atomic`.

mod action;
mod changes;
mod contexts;
mod log;
mod reopen;
mod signature;

use super::algorithm::{Algorithm, Done, Ended, Met, Point, Stop, Verdict, in_both_seeds};
use super::heap::{Heap, Link};
use crate::menu::Small;
use crate::op::{Context, EdgeId, Entry, Hook, NodeId, Op, Queue, UserId};
use crate::state::{Edge, Node, Parent};
use action::Action;
use arrayvec::ArrayVec;

/// The repairs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Repairs {
    /// Undo puts an edge back at its old place, not at the head of the list.
    pub lists: bool,
    /// A dropped filter keeps its child until it is closed (H08b).
    pub childless: bool,
    /// Only the final graph must be acyclic (H10, H62).
    pub cycles: bool,
    /// Other code sees an edge in all its places or in none (H11).
    pub links: bool,
    /// A driver is asked only if something changes for it, and may refuse a loosening without consequence (V7).
    pub drivers: bool,
    /// The child that set-backing takes away is refreshed.
    pub old_child: bool,
    /// Replace-node settles contexts too, and a component moves to the main context only if no user is left (C2, C3).
    pub contexts: bool,
    /// Stored names are prepared before the graph changes (H15).
    pub names: bool,
}

impl Repairs {
    /// No repairs.
    pub const NONE: Repairs = Repairs {
        lists: false,
        childless: false,
        cycles: false,
        links: false,
        drivers: false,
        old_child: false,
        contexts: false,
        names: false,
    };
    /// All repairs.
    pub const ALL: Repairs = Repairs {
        lists: true,
        childless: true,
        cycles: true,
        links: true,
        drivers: true,
        old_child: true,
        contexts: true,
        names: true,
    };
}

/// The machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transactional {
    /// Its repairs.
    pub repaired: Repairs,
}

/// One operation in progress.
#[derive(Debug)]
pub(super) struct Seed1 {
    heap: Heap,
    repaired: Repairs,
    /// The transaction, oldest action first.
    log: ArrayVec<Action, 64>,
    /// The number of points passed, the point that fails, and what it was.
    passed: u16,
    fail: Option<u16>,
    failed: Option<Point>,
    /// The read-only flags that a reopen will set.
    queued: [Option<bool>; 6],
    /// The nodes whose drivers were asked.
    asked: [bool; 6],
    /// What the repairs need: the state before; the new user with its context; whether contexts are settled.
    before: Small,
    new_user: Option<(UserId, Option<Context>)>,
    settled: bool,
}

impl Algorithm for Transactional {
    fn knows(&self, op: &Op) -> bool {
        in_both_seeds(op) || matches!(op, Op::SetReadOnly { .. } | Op::Reopen { .. })
    }

    fn fails(&self) -> bool {
        true
    }

    fn run(&self, state: &Small, heap: &mut Heap, op: &Op, fail: Option<u16>) -> (Ended, Option<Point>) {
        let mut seed = Seed1 {
            heap: heap.clone(),
            repaired: self.repaired,
            log: ArrayVec::new(),
            passed: 0,
            fail,
            failed: None,
            queued: [None; 6],
            asked: [false; 6],
            before: *state,
            new_user: None,
            settled: false,
        };
        let done = seed.op(op);
        if done.is_ok() {
            seed.move_orphans_to_main();
        }
        *heap = seed.heap;
        (done.into(), seed.failed)
    }

    fn verdict(&self, met: &Met<'_>) -> Verdict {
        signature::verdict(met)
    }
}

impl Seed1 {
    /// A point at which the operation can fail.
    fn point(&mut self, point: Point) -> Done {
        self.heap.watch();
        self.passed += 1;
        if self.fail == Some(self.passed - 1) {
            self.failed = Some(point);
            return Err(Stop::Refused);
        }
        Ok(())
    }

    fn op(&mut self, op: &Op) -> Done {
        match *op {
            Op::Release { node } => {
                self.heap.drop_holder(node);
                self.unref(node)
            }
            Op::AttachUser { user, node, pair, user_flags, context } => {
                let edge = Edge { parent: Parent::User(user), child: node, wanted: pair, user_flags, ..Edge::NONE };
                let home = self.heap.cell(node).node.context;
                self.new_user = Some((user, context.or(user_flags.fixed.then_some(home))));
                self.root_attach_child(edge, pair, context)
            }
            Op::DetachUser { user } => self.each(EdgeId::User(user), Self::root_unref_child),
            Op::SetUser { user, pair } => {
                self.each(EdgeId::User(user), |seed, link| seed.child_try_set_perm(link, pair))
            }
            Op::Attach { parent, child, name, role } => {
                let edge = Edge { parent: Parent::Node(parent), child, name, role, ..Edge::NONE };
                self.attach_child(edge)
            }
            Op::Detach { parent, name } => self.each(EdgeId::Child(parent, name), Self::unref_child),
            Op::SetBacking { node, to } => self.set_backing_hd(node, to),
            Op::ReplaceNode { from, to } => self.replace_node_common(from, to, true, false),
            Op::Append { new, top, .. } => self.append(new, top),
            Op::DropFilter { filter } => self.drop_filter(filter),
            Op::DropIntermediate { top, base, name } => self.drop_intermediate(top, base, name),
            Op::SetOption { node, opt } => {
                let old = std::mem::replace(&mut self.heap.at(node).node.opt, opt);
                let done = self.refresh_perms(&[node], true);
                if done.is_err() {
                    self.heap.at(node).node.opt = old;
                }
                done
            }
            Op::SetReadOnly { node, on } => {
                self.reopen(&Queue::one(Entry { read_only: Some(on), ..Entry::new(node, true) }))
            }
            Op::Reopen { queue } => self.reopen(&queue),
            _ => Ok(()),
        }
    }

    /// Calls a function with the edge of this name.
    fn each(&mut self, id: EdgeId, act: impl FnOnce(&mut Self, Link) -> Done) -> Done {
        match self.heap.find(id) {
            Some(link) => act(self, link),
            None => Err(Stop::Refused),
        }
    }

    /// `bdrv_unref()`, `bdrv_delete()`, `bdrv_close()`
    fn unref(&mut self, node: NodeId) -> Done {
        // `assert(bs->refcnt > 0)`
        let left = self.heap.cell(node).refs.checked_sub(1).ok_or(Stop::Died)?;
        self.heap.at(node).refs = left;
        if left > 0 {
            return Ok(());
        }
        while let Some(link) = self.heap.chain(node).or(self.heap.cell(node).children.first().copied()) {
            self.unref_child(link)?;
        }
        self.heap.at(node).node = Node::NONE;
        Ok(())
    }

    /// The flag after the reopen: `bdrv_is_writable_after_reopen()`.
    fn read_only(&self, node: NodeId) -> bool {
        self.queued[usize::from(node.0)].unwrap_or(self.heap.cell(node).node.flags.read_only)
    }

    /// `bdrv_topological_dfs()`: parents before children, if there is no cycle.
    fn topological_dfs(&self, list: &mut ArrayVec<NodeId, 6>, found: &mut [bool; 6], node: NodeId) {
        if std::mem::replace(&mut found[usize::from(node.0)], true) {
            return;
        }
        for link in &self.heap.cell(node).children {
            if let Some(child) = self.heap.child(*link).target {
                self.topological_dfs(list, found, child);
            }
        }
        list.insert(0, node);
    }

    /// `bdrv_list_refresh_perms()`. With `may_fail` drivers can be made to refuse.
    fn refresh_list(&mut self, from: &[NodeId], may_fail: bool) -> Done {
        let (mut list, mut found) = (ArrayVec::new(), [false; 6]);
        from.iter().for_each(|node| self.topological_dfs(&mut list, &mut found, *node));
        for (place, &node) in list.iter().enumerate() {
            let above = &list[..place];
            let up = |link: &Link| self.heap.child(*link).target.is_some_and(|child| above.contains(&child));
            if self.repaired.cycles && self.heap.cell(node).children.iter().any(|l| up(l) || self.is_loop(*l)) {
                return Err(Stop::Refused);
            }
            if self.parent_perms_conflict(node) {
                return Err(Stop::Refused);
            }
            self.node_refresh_perm(node, may_fail)?;
        }
        self.settle()
    }

    fn is_loop(&self, link: Link) -> bool {
        self.heap.parent(link) == self.heap.child(link).target
    }

    /// `bdrv_parent_perms_conflict()`
    fn parent_perms_conflict(&self, node: NodeId) -> bool {
        let parents = &self.heap.cell(node).parents;
        let pair = |link: &Link| self.heap.child(*link).pair;
        parents.iter().any(|a| parents.iter().any(|b| a != b && crate::rules::conflict(pair(a), pair(b))))
    }

    /// `bdrv_node_refresh_perm()`
    fn node_refresh_perm(&mut self, node: NodeId, may_fail: bool) -> Done {
        let above = self.heap.cumulative(node);
        let read_only = self.read_only(node);
        if crate::rules::writes_read_only(above.need, read_only) {
            return Err(Stop::Refused);
        }
        self.drv_set_perm(node, above, read_only, may_fail)?;
        for link in self.heap.cell(node).children.clone() {
            let child = *self.heap.child(link);
            let Some(target) = child.target else { continue };
            let pair = self.heap.asked(&child.edge, target, above, read_only);
            self.set_perm(link, pair);
        }
        Ok(())
    }

    /// `bdrv_drv_set_perm()`
    fn drv_set_perm(&mut self, node: NodeId, above: crate::perm::Pair, read_only: bool, may_fail: bool) -> Done {
        let granted = self.heap.cell(node).node.granted;
        let reopened = self.queued[usize::from(node.0)].is_some();
        let same = granted.pair == above && granted.writable != read_only && !reopened;
        if self.repaired.drivers && same {
            return Ok(());
        }
        let again = std::mem::replace(&mut self.asked[usize::from(node.0)], true);
        let point = if again { Point::Again(node) } else { Point::Hook(node, Hook::Check) };
        if again && self.failed == Some(Point::Hook(node, Hook::Check)) {
            // The driver's first answer is forgotten.
            self.failed = Some(Point::Again(node));
        }
        let asked = if may_fail { self.point(point) } else { Ok(()) };
        match asked {
            // V7: the driver is stale, and is asked again.
            Err(_) if self.repaired.drivers && above.loosens(granted.pair) => Ok(()),
            Err(stop) => Err(stop),
            Ok(()) => {
                self.log.push(Action::Driver { node });
                Ok(())
            }
        }
    }

    /// `bdrv_refresh_perms()`: a transaction of its own.
    fn refresh_perms(&mut self, from: &[NodeId], may_fail: bool) -> Done {
        let start = self.log.len();
        let done = self.refresh_list(from, may_fail);
        self.finalize(start, done)
    }
}
