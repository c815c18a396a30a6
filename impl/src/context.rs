//! Contexts (C1 to C5, O35): in which thread a node's I/O is done.
//!
//! Before an operation every component, that is nodes and users connected by edges, is in one context (C1). So it
//! still is if every new edge joins two ends in the same one, and then settling it would move nobody: whoever is asked
//! by C2.2, a fixed user, a parent end or a child end, says that same context, and what the operation makes counts as
//! in main, where it begins; and if all is new, all is in main. Therefore components are only looked at when an edge
//! was made that joins different contexts, when a move was asked for, or when a node outside main lost a parent, which
//! may make it an orphan (C3). All others are left alone, and an edge within one context costs a comparison.

use crate::error::Error;
use crate::graph::arena::{Core, NodeKey, Parent, UserKey};
use crate::journal::Undo;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

mod near;
mod orphans;
mod settle;
mod survey;

/// The number of a context (C1; QEMU: an `AioContext`, the thread that does a node's I/O). What it stands for is the
/// caller's business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ContextId(pub u32);

impl ContextId {
    /// Where every node begins (QEMU: the main loop's context).
    pub const MAIN: Self = Self(0);
}

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An orphaned component that is to go to main, if all its drivers agree (C3).
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Where all of it is.
    from: ContextId,
    /// Its nodes, as indices into [`Contexts::orphans`].
    nodes: Range<usize>,
    /// Its steps of the plan.
    steps: Range<usize>,
}

/// A component that stays where it is because a driver refused (C3): its steps of the plan, of which all before the
/// refused one were agreed to and are aborted, and all after it are not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stay {
    pub(crate) start: usize,
    pub(crate) refused: usize,
    pub(crate) end: usize,
}

impl Stay {
    /// Whether a step of the plan belongs to one of these, which are in the order of the plan. O(log of them).
    pub(crate) fn among(stays: &[Self], index: usize) -> bool {
        let place = stays.partition_point(|stay| stay.end <= index);
        stays.get(place).is_some_and(|stay| stay.start <= index)
    }
}

/// What an open transaction knows of contexts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contexts {
    /// Something has happened for which components must be looked at; perhaps it has been taken back since.
    pub(crate) uneven: bool,
    /// What was asked for (O35), oldest first.
    pub(crate) requests: Vec<(NodeKey, ContextId)>,
    /// The nodes of the components that C2 looked at.
    looked_at: Vec<NodeKey>,
    /// Those of them that move.
    moved: Vec<NodeKey>,
    orphans: Vec<NodeKey>,
    wishes: Vec<Wish>,
    pub(crate) stays: Vec<Stay>,
}

impl Contexts {
    /// Whether the plan asks anybody.
    pub(crate) const fn ask(&self) -> bool {
        !self.moved.is_empty() || !self.wishes.is_empty()
    }

    /// Nothing, if components were not to be looked at.
    pub(crate) fn clear(&mut self) {
        if !core::mem::take(&mut self.uneven) && self.requests.is_empty() {
            return;
        }
        self.requests.clear();
        self.looked_at.clear();
        self.moved.clear();
        self.orphans.clear();
        self.wishes.clear();
        self.stays.clear();
    }

    pub(crate) const fn is_clear(&self) -> bool {
        let lists = self.requests.is_empty() && self.looked_at.is_empty() && self.moved.is_empty();
        lists && !self.uneven && self.orphans.is_empty() && self.wishes.is_empty() && self.stays.is_empty()
    }
}

impl Core {
    /// O35. What comes of it is decided by the judgement.
    pub(crate) fn move_context(&mut self, key: NodeKey, to: ContextId) -> Result<(), Error> {
        self.live(key)?;
        self.pending.contexts.requests.push((key, to));
        self.pending.journal.push(Undo::Request);
        Ok(())
    }

    /// An edge gets a target: does it join different contexts? One that a movable user brings from elsewhere does if
    /// its targets differ. O(1).
    pub(crate) fn note_joined(&mut self, parent: Parent, from: Option<NodeKey>, to: NodeKey) {
        let context = self.nodes[to].context;
        let differs = |node: NodeKey| self.nodes[node].context != context;
        self.pending.contexts.uneven |= match parent {
            Parent::Node(node) => differs(node),
            Parent::User(user) => {
                self.users[user].context.is_some_and(|said| said != context) || from.is_some_and(differs)
            }
        };
    }

    /// A node loses a parent edge: outside main it may become an orphan. O(1).
    pub(crate) fn note_lost_parent(&mut self, child: NodeKey) {
        self.pending.contexts.uneven |= self.nodes[child].context != ContextId::MAIN;
    }

    /// Must components be looked at? Asked before the doomed nodes are closed; who loses a parent by that is connected
    /// with a doomed node now. O(doomed nodes).
    pub(crate) fn contexts_concerned(&self) -> bool {
        let outside = |key: &NodeKey| self.nodes.get(*key).is_some_and(|node| node.context != ContextId::MAIN);
        let pending = &self.pending;
        pending.contexts.uneven || !pending.contexts.requests.is_empty() || pending.doomed.iter().any(outside)
    }

    fn set_context(&mut self, key: NodeKey, to: ContextId) {
        let old = core::mem::replace(&mut self.nodes[key].context, to);
        self.pending.journal.push(Undo::Context { node: key, old });
        // Who moves is quiesced meanwhile (C4).
        self.pending.drains = true;
    }

    /// Where a fixed user lives (C1).
    fn fixed_context(&self, user: UserKey) -> Option<ContextId> {
        self.users.get(user).filter(|user| user.fixed).and_then(|user| user.context)
    }
}
