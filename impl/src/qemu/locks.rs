//! The bytes of an image file that express needed and unshared permissions (K1 to K3). QEMU's `file-posix` shows a
//! node's cumulative pair to other processes by locking single bytes of the file. This module only computes the bytes;
//! the feature `posix-locks` has the driver that locks them.
//!
//! | byte | held by an opener that |
//! |---|---|
//! | 100, 101, 102, 103 | needs consistent read, write, write unchanged, resize |
//! | 200, 201, 202, 203 | does *not share* consistent read, write, write unchanged, resize |
//!
//! All locks are *shared* locks: many openers can hold the same byte. An opener tests the opposite byte to find a
//! conflict: if it needs a permission, it tests whether another opener holds the byte for not sharing it, and vice
//! versa. The contents of these bytes do not matter, and the file need not be that long.
//!
//! QEMU before 7.0 had a fifth permission, [`GRAPH_MOD`](Permissions::GRAPH_MOD), with the bytes 104 and 204. Later
//! versions do not test these bytes, so this module omits them too.
//!
//! ```
//! use blockgraph::qemu::locks::LockSet;
//! use blockgraph::common_users;
//!
//! let guest = LockSet::of(common_users::GUEST);
//! assert_eq!(guest.bytes().map(|byte| byte.offset()).collect::<Vec<_>>(), [100, 101, 201, 203]);
//! assert!(guest.collides_with(guest));
//! assert!(!guest.collides_with(LockSet::of(common_users::NBD_READER)));
//! ```

use crate::permission::{Pair, Permissions};

/// The byte of the first permission that is needed (QEMU: `RAW_LOCK_PERM_BASE`).
pub const NEED_BASE: u64 = 100;
/// The byte of the first permission that is not shared (QEMU: `RAW_LOCK_SHARED_BASE`).
pub const UNSHARE_BASE: u64 = 200;
/// The permissions that have bytes: R, W, U and Z (K1).
pub const LOCKABLE: Permissions = Permissions::PASS_THROUGH;

/// The meaning of a locked byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LockKind {
    /// The opener that holds the byte needs the permission.
    Need,
    /// The opener that holds the byte does not share the permission.
    Unshare,
}

/// One lock byte: a permission, and whether the byte means that it is needed or not shared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LockByte {
    kind: LockKind,
    permission: Permissions,
}

impl LockByte {
    /// Returns the meaning of the byte.
    #[must_use]
    pub const fn kind(self) -> LockKind {
        self.kind
    }

    /// Returns the permission, which is one of [`LOCKABLE`].
    #[must_use]
    pub const fn permission(self) -> Permissions {
        self.permission
    }

    /// Returns the offset of the byte in the file (K1).
    #[must_use]
    pub const fn offset(self) -> u64 {
        let base = match self.kind {
            LockKind::Need => NEED_BASE,
            LockKind::Unshare => UNSHARE_BASE,
        };
        base + self.permission.bits().trailing_zeros() as u64
    }

    /// Returns the byte that no other opener may hold beside this one (K3).
    #[must_use]
    pub const fn opposite(self) -> Self {
        let kind = match self.kind {
            LockKind::Need => LockKind::Unshare,
            LockKind::Unshare => LockKind::Need,
        };
        Self { kind, permission: self.permission }
    }
}

/// A set of lock bytes that one opener of an image file holds or is about to hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LockSet {
    need: Permissions,
    unshare: Permissions,
}

impl LockSet {
    /// No byte: the set of [`Pair::NOTHING`] and of an inactive node (K8).
    pub const NONE: Self = Self { need: Permissions::NONE, unshare: Permissions::NONE };

    /// Returns the bytes of a pair (K1): one for each needed permission and one for each unshared permission.
    #[must_use]
    pub const fn of(pair: Pair) -> Self {
        Self { need: pair.need.intersection(LOCKABLE), unshare: pair.unshares().intersection(LOCKABLE) }
    }

    /// Returns the pair that these bytes stand for. It shares G and does not need G.
    ///
    /// ```
    /// use blockgraph::{qemu::locks::LockSet, common_users};
    /// assert_eq!(LockSet::of(common_users::GUEST).pair(), common_users::GUEST);
    /// ```
    #[must_use]
    pub const fn pair(self) -> Pair {
        Pair::new(self.need, Permissions::ALL.difference(self.unshare))
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.need.union(self.unshare).is_empty()
    }

    /// Returns whether the set contains the byte.
    #[must_use]
    pub const fn contains_byte(self, byte: LockByte) -> bool {
        match byte.kind {
            LockKind::Need => self.need.contains(byte.permission),
            LockKind::Unshare => self.unshare.contains(byte.permission),
        }
    }

    /// Returns the set with the byte added.
    #[must_use]
    pub const fn with(self, byte: LockByte) -> Self {
        match byte.kind {
            LockKind::Need => Self { need: self.need.union(byte.permission), ..self },
            LockKind::Unshare => Self { unshare: self.unshare.union(byte.permission), ..self },
        }
    }

    /// Returns the set with the byte removed.
    #[must_use]
    pub const fn without(self, byte: LockByte) -> Self {
        match byte.kind {
            LockKind::Need => Self { need: self.need.difference(byte.permission), ..self },
            LockKind::Unshare => Self { unshare: self.unshare.difference(byte.permission), ..self },
        }
    }

    /// Returns whether the set contains all bytes of `other`. If so, a change to `other` only unlocks bytes (K6).
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.need.contains(other.need) && self.unshare.contains(other.unshare)
    }

    /// Returns the union, which is held while one set changes into the other (K4).
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { need: self.need.union(other.need), unshare: self.unshare.union(other.unshare) }
    }

    /// Returns the bytes that are not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self { need: self.need.difference(other.need), unshare: self.unshare.difference(other.unshare) }
    }

    /// Returns the bytes in the order of their offsets; at most eight.
    pub fn bytes(self) -> impl Iterator<Item = LockByte> {
        let side = |kind, set: Permissions| set.iter().map(move |permission| LockByte { kind, permission });
        side(LockKind::Need, self.need).chain(side(LockKind::Unshare, self.unshare))
    }

    /// Returns whether two openers with these sets cannot have the same file open at the same time (K3): one of them
    /// holds a byte whose opposite the other one holds. For the lock sets of two pairs this is the case exactly if the
    /// pairs conflict (P3), apart from G.
    #[must_use]
    pub fn collides_with(self, other: Self) -> bool {
        self.bytes().any(|byte| other.contains_byte(byte.opposite()))
    }
}

impl From<Pair> for LockSet {
    fn from(pair: Pair) -> Self {
        Self::of(pair)
    }
}

#[cfg(test)]
mod tests {
    use super::{LOCKABLE, LockSet};
    use crate::permission::{Pair, Permissions};
    use alloc::vec::Vec;

    fn all_pairs() -> impl Iterator<Item = Pair> + Clone {
        let set = Permissions::from_bits_truncate;
        (0..32).flat_map(move |need| (0..32).map(move |share| Pair::new(set(need), set(share))))
    }

    /// The bytes of a pair according to K1, computed without this module.
    fn bytes_by_k1(pair: Pair) -> Vec<u64> {
        let need = (0..4).filter(|bit| pair.need.bits() & (1 << bit) != 0).map(|bit| 100 + bit);
        let unshare = (0..4).filter(|bit| pair.share.bits() & (1 << bit) == 0).map(|bit| 200 + bit);
        need.chain(unshare).collect()
    }

    /// Whether `file-posix` refuses a second opener while the given bytes are locked.
    fn is_refused(newcomer: Pair, held: &[u64]) -> bool {
        (0..4).any(|bit| {
            let needed = newcomer.need.bits() & (1 << bit) != 0 && held.contains(&(200 + bit));
            let unshared = newcomer.share.bits() & (1 << bit) == 0 && held.contains(&(100 + bit));
            needed || unshared
        })
    }

    /// K1.
    #[test]
    fn every_pair_has_the_bytes_that_the_sentence_says() {
        let mut count = 0;
        for pair in all_pairs() {
            let set = LockSet::of(pair);
            let bytes: Vec<_> = set.bytes().map(super::LockByte::offset).collect();
            assert_eq!(bytes, bytes_by_k1(pair), "{pair:?}");
            assert_eq!(set.is_empty(), bytes.is_empty());
            assert!(set.bytes().all(|byte| set.contains_byte(byte) && byte.opposite().opposite() == byte));
            assert_eq!(set.bytes().fold(LockSet::NONE, LockSet::with), set);
            assert_eq!(set.bytes().fold(set, LockSet::without), LockSet::NONE);
            assert_eq!(LockSet::of(set.pair()), set);
            count += 1;
        }
        assert_eq!(count, 1_024);
    }

    /// K3, for all pairs of pairs: the second opener is refused, in either order, exactly if the pairs conflict by P3
    /// in the four permissions that have bytes.
    #[test]
    fn sets_collide_exactly_if_the_pairs_conflict() {
        let lockable = |pair: Pair| Pair::new(pair.need & LOCKABLE, pair.share | Permissions::GRAPH_MOD);
        let pairs: Vec<_> =
            all_pairs().map(|pair| (pair, lockable(pair), LockSet::of(pair), bytes_by_k1(pair))).collect();
        let mut collisions = 0_u32;
        for (a, a_lockable, a_set, _) in &pairs {
            for (b, b_lockable, b_set, b_bytes) in &pairs {
                let collide = a_set.collides_with(*b_set);
                assert_eq!(collide, a_lockable.conflicts_with(*b_lockable), "{a:?} {b:?}");
                assert_eq!(collide, is_refused(*a, b_bytes), "{a:?} {b:?}");
                collisions += u32::from(collide);
            }
        }
        // For one permission two parents have 16 combinations, of which 9 are no conflict; G does not count.
        assert_eq!(collisions, (16_u32.pow(4) - 9_u32.pow(4)) * 16);
    }

    /// K6: unlocking means needing less and sharing more; no other change only unlocks.
    #[test]
    fn a_set_within_another_is_a_looser_pair() {
        for a in all_pairs() {
            for b in all_pairs() {
                let (a, b) = (LockSet::of(a), LockSet::of(b));
                assert_eq!(a.contains(b), b.pair().is_loosening_of(a.pair()));
                assert!(a.union(b).contains(a) && a.union(b).contains(b));
                assert_eq!(a.difference(b).union(b), a.union(b));
                assert_eq!(a.contains(b), b.difference(a).is_empty());
            }
        }
    }
}
