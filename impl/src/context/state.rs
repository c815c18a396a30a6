//! The contexts' part of an open transaction.

use super::id::ContextId;
use crate::graph::keys::NodeKey;
use alloc::vec::Vec;
use core::ops::Range;

/// A component without users that goes to the main context if all its drivers agree (C3).
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The present context of the component.
    pub(super) from: ContextId,
    /// The component's nodes, as indices into [`Contexts::orphans`].
    pub(super) nodes: Range<usize>,
    /// The component's steps in the plan.
    pub(super) steps: Range<usize>,
}

/// A component that stays in its context because a driver refused (C3). The steps before the refused one succeeded and
/// are aborted. The steps after it are not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stay {
    pub(crate) start: usize,
    pub(crate) refused: usize,
    pub(crate) end: usize,
}

impl Stay {
    /// Returns whether a step of the plan belongs to one of these components, which are in the order of the plan. O(log
    /// components).
    pub(crate) fn among(stays: &[Self], index: usize) -> bool {
        let place = stays.partition_point(|stay| stay.end <= index);
        stays.get(place).is_some_and(|stay| stay.start <= index)
    }
}

/// The contexts' part of an open transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contexts {
    /// A step did something that requires a look at the components. It may have been rolled back since.
    pub(crate) uneven: bool,
    /// The requested moves (O35), oldest first.
    pub(crate) requests: Vec<(NodeKey, ContextId)>,
    /// The nodes of the components that C2 visited.
    pub(super) looked_at: Vec<NodeKey>,
    /// The nodes among these that move.
    pub(super) moved: Vec<NodeKey>,
    pub(super) orphans: Vec<NodeKey>,
    pub(super) wishes: Vec<Wish>,
    pub(crate) stays: Vec<Stay>,
}

impl Contexts {
    /// Returns whether the plan has context steps.
    pub(crate) const fn ask(&self) -> bool {
        !self.moved.is_empty() || !self.wishes.is_empty()
    }

    /// Does nothing if no component had to be visited.
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
