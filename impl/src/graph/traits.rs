//! The constant properties of a node: its flags and its driver's shape, in two bytes, because every node has them.

use crate::ops::NodeSpec;
use crate::role::{Shape, Slot};

bitflags::bitflags! {
    /// The flags of a node that are given when it is added, and its [`Shape`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Traits: u16 {
        const FORCE_SHARE = 1;
        const NO_IO = 1 << 1;
        const NEVER_FREEZE = 1 << 2;
        const IMPLICIT = 1 << 3;
        const FILTERS_FILE = 1 << 4;
        const FILTERS_BACKING = 1 << 5;
        const SUPPORTS_BACKING = 1 << 6;
        const TAKES_CHILDREN = 1 << 7;
        const CHILDREN_REPLACEABLE = 1 << 8;
        const TAKES_FILTERED = 1 << 9;
        const LIVE_CHILDREN = 1 << 10;
    }
}

impl Traits {
    /// Makes the traits of a new node.
    pub(crate) fn new(spec: &NodeSpec, shape: Shape) -> Self {
        let mut traits = Self::empty();
        for (flag, on) in [
            (Self::FORCE_SHARE, spec.force_share),
            (Self::NO_IO, spec.no_io),
            (Self::NEVER_FREEZE, spec.never_freeze),
            (Self::IMPLICIT, spec.implicit),
            (Self::FILTERS_FILE, shape.filter == Some(Slot::File)),
            (Self::FILTERS_BACKING, shape.filter == Some(Slot::Backing)),
            (Self::SUPPORTS_BACKING, shape.supports_backing),
            (Self::TAKES_CHILDREN, shape.takes_children),
            (Self::CHILDREN_REPLACEABLE, shape.children_replaceable),
            (Self::TAKES_FILTERED, shape.takes_filtered),
            (Self::LIVE_CHILDREN, shape.live_children),
        ] {
            traits.set(flag, on);
        }
        traits
    }

    pub(super) const fn filter(self) -> Option<Slot> {
        if self.contains(Self::FILTERS_FILE) {
            Some(Slot::File)
        } else if self.contains(Self::FILTERS_BACKING) {
            Some(Slot::Backing)
        } else {
            None
        }
    }
}
