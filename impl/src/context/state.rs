//! What an open transaction knows of contexts.

use super::id::ContextId;
use crate::graph::keys::NodeKey;
use alloc::vec::Vec;
use core::ops::Range;

/// An orphaned component that is to go to main, if all its drivers agree (C3).
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Where all of it is.
    pub(super) from: ContextId,
    /// Its nodes, as indices into [`Contexts::orphans`].
    pub(super) nodes: Range<usize>,
    /// Its steps of the plan.
    pub(super) steps: Range<usize>,
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
    pub(super) looked_at: Vec<NodeKey>,
    /// Those of them that move.
    pub(super) moved: Vec<NodeKey>,
    pub(super) orphans: Vec<NodeKey>,
    pub(super) wishes: Vec<Wish>,
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
