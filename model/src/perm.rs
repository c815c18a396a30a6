//! The five permissions, and the pair that every edge carries (P1, P2).

use std::fmt;
use std::ops::{BitAnd, BitOr, Sub};

/// A set of permissions, one bit each (P1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Perms(pub u8);

/// Consistent read: the data that are read are a consistent image.
pub const R: Perms = Perms(1);
/// Write: change what a reader sees.
pub const W: Perms = Perms(2);
/// Write unchanged: rewrite what is there already, as copy-on-read does.
pub const U: Perms = Perms(4);
/// Resize.
pub const Z: Perms = Perms(8);
/// Graph modification.
pub const G: Perms = Perms(16);
/// No permission.
pub const NONE: Perms = Perms(0);
/// Every permission.
pub const ALL: Perms = Perms(31);

impl Perms {
    /// The letters in the order of the bits; the one spelling used in every text form.
    pub const LETTERS: [char; 5] = ['r', 'w', 'u', 'z', 'g'];

    /// Returns whether every bit of `self` is in `other`.
    pub const fn within(self, other: Perms) -> bool {
        self.0 & !other.0 == 0
    }

    /// Returns whether the two sets have a bit in common.
    pub const fn meets(self, other: Perms) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns `self` if `condition`, otherwise the empty set.
    pub const fn when(self, condition: bool) -> Perms {
        if condition { self } else { NONE }
    }

    /// Returns all 32 sets, the empty one first.
    pub fn every() -> impl Iterator<Item = Perms> {
        (0..32).map(Perms)
    }
}

impl BitOr for Perms {
    type Output = Perms;
    fn bitor(self, other: Perms) -> Perms {
        Perms(self.0 | other.0)
    }
}

impl BitAnd for Perms {
    type Output = Perms;
    fn bitand(self, other: Perms) -> Perms {
        Perms(self.0 & other.0)
    }
}

/// Set difference.
impl Sub for Perms {
    type Output = Perms;
    fn sub(self, other: Perms) -> Perms {
        Perms(self.0 & !other.0)
    }
}

impl fmt::Debug for Perms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == NONE {
            return f.write_str("-");
        }
        (0..5).filter(|bit| self.0 >> bit & 1 == 1).try_for_each(|bit| write!(f, "{}", Self::LETTERS[bit]))
    }
}

/// What an edge needs, and what it shares with the other parents (P2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The permissions that the parent needs on the child.
    pub need: Perms,
    /// The permissions that the parent lets the other parents have.
    pub share: Perms,
}

impl Pair {
    /// Needs nothing and shares everything: the cumulative pair of a node without parents.
    pub const FREE: Pair = Pair { need: NONE, share: ALL };

    /// Makes a pair of its two sets.
    pub const fn new(need: Perms, share: Perms) -> Pair {
        Pair { need, share }
    }

    /// Returns the pair of two parents together: the union of the needs, the intersection of the shares (P2).
    pub const fn with(self, other: Pair) -> Pair {
        Pair { need: Perms(self.need.0 | other.need.0), share: Perms(self.share.0 & other.share.0) }
    }

    /// Returns whether `self` needs no more and shares no less than `old` (V7).
    pub const fn loosens(self, old: Pair) -> bool {
        self.need.within(old.need) && old.share.within(self.share)
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.need, self.share)
    }
}
