//! Which bytes of an image file say what is needed and shared (K1 to K3): QEMU's `file-posix` tells other processes
//! about a node's cumulative pair by locking single bytes of the file. Pure; the feature `posix-locks` has the driver
//! that takes them.
//!
//! | byte | locked by who |
//! |---|---|
//! | 100, 101, 102, 103 | needs consistent read, write, write unchanged, resize |
//! | 200, 201, 202, 203 | does *not share* consistent read, write, write unchanged, resize |
//!
//! All of them are *shared* locks: many can hold the same byte. The refusal comes from a test of the opposite byte: who
//! needs a permission asks whether anybody else holds the byte of not sharing it, and the other way round. The contents
//! of these bytes do not matter, nor whether the file is that long.
//!
//! QEMU before 7.0 had a fifth permission, [`GRAPH_MOD`](Permissions::GRAPH_MOD), bytes 104 and 204. Nobody after it
//! looks at them, so it is left out here as well.
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

/// What a locked byte says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LockKind {
    /// Whoever holds the byte needs the permission.
    Need,
    /// Whoever holds the byte does not share the permission.
    Unshare,
}

/// One byte: a claim on one permission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LockByte {
    kind: LockKind,
    permission: Permissions,
}

impl LockByte {
    /// What it says.
    #[must_use]
    pub const fn kind(self) -> LockKind {
        self.kind
    }

    /// The permission it is about, one of [`LOCKABLE`].
    #[must_use]
    pub const fn permission(self) -> Permissions {
        self.permission
    }

    /// Where it is in the file (K1).
    #[must_use]
    pub const fn offset(self) -> u64 {
        let base = match self.kind {
            LockKind::Need => NEED_BASE,
            LockKind::Unshare => UNSHARE_BASE,
        };
        base + self.permission.bits().trailing_zeros() as u64
    }

    /// The byte that nobody else may hold beside this one (K3).
    #[must_use]
    pub const fn opposite(self) -> Self {
        let kind = match self.kind {
            LockKind::Need => LockKind::Unshare,
            LockKind::Unshare => LockKind::Need,
        };
        Self { kind, permission: self.permission }
    }
}

/// The bytes that one opener of an image file holds, or is about to hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LockSet {
    need: Permissions,
    unshare: Permissions,
}

impl LockSet {
    /// No byte: what [`Pair::NOTHING`] gives, and what an inactive node holds (K8).
    pub const NONE: Self = Self { need: Permissions::NONE, unshare: Permissions::NONE };

    /// The bytes of a pair (K1): of each permission needed, and of each one not shared.
    #[must_use]
    pub const fn of(pair: Pair) -> Self {
        Self { need: pair.need.intersection(LOCKABLE), unshare: pair.unshares().intersection(LOCKABLE) }
    }

    /// The pair that these bytes stand for; it shares G and needs no G.
    ///
    /// ```
    /// use blockgraph::{qemu::locks::LockSet, common_users};
    /// assert_eq!(LockSet::of(common_users::GUEST).pair(), common_users::GUEST);
    /// ```
    #[must_use]
    pub const fn pair(self) -> Pair {
        Pair::new(self.need, Permissions::ALL.difference(self.unshare))
    }

    /// Whether it has no byte.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.need.union(self.unshare).is_empty()
    }

    /// Whether it has the byte.
    #[must_use]
    pub const fn contains_byte(self, byte: LockByte) -> bool {
        match byte.kind {
            LockKind::Need => self.need.contains(byte.permission),
            LockKind::Unshare => self.unshare.contains(byte.permission),
        }
    }

    /// The same and one byte more.
    #[must_use]
    pub const fn with(self, byte: LockByte) -> Self {
        match byte.kind {
            LockKind::Need => Self { need: self.need.union(byte.permission), ..self },
            LockKind::Unshare => Self { unshare: self.unshare.union(byte.permission), ..self },
        }
    }

    /// The same without the byte.
    #[must_use]
    pub const fn without(self, byte: LockByte) -> Self {
        match byte.kind {
            LockKind::Need => Self { need: self.need.difference(byte.permission), ..self },
            LockKind::Unshare => Self { unshare: self.unshare.difference(byte.permission), ..self },
        }
    }

    /// Whether it has all bytes of `other`: then to go there is only to give up (K6).
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.need.contains(other.need) && self.unshare.contains(other.unshare)
    }

    /// The bytes of either: what is held while one changes into the other (K4).
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { need: self.need.union(other.need), unshare: self.unshare.union(other.unshare) }
    }

    /// The bytes that `other` has not.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self { need: self.need.difference(other.need), unshare: self.unshare.difference(other.unshare) }
    }

    /// Its bytes, from the front of the file to its end; at most eight.
    pub fn bytes(self) -> impl Iterator<Item = LockByte> {
        let side = |kind, set: Permissions| set.iter().map(move |permission| LockByte { kind, permission });
        side(LockKind::Need, self.need).chain(side(LockKind::Unshare, self.unshare))
    }

    /// Whether two openers with these sets cannot be at one file at the same time (K3): either holds a byte whose
    /// opposite the other one holds. For lock sets of pairs that is whether the pairs conflict (P3), but for G.
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

    /// The bytes of the pair, by the words of K1 and nothing of this module.
    fn bytes_by_k1(pair: Pair) -> Vec<u64> {
        let need = (0..4).filter(|bit| pair.need.bits() & (1 << bit) != 0).map(|bit| 100 + bit);
        let unshare = (0..4).filter(|bit| pair.share.bits() & (1 << bit) == 0).map(|bit| 200 + bit);
        need.chain(unshare).collect()
    }

    /// What a newcomer finds who tests as `file-posix` does, with the other's bytes locked.
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
        let mut seen = 0;
        for pair in all_pairs() {
            let set = LockSet::of(pair);
            let bytes: Vec<_> = set.bytes().map(super::LockByte::offset).collect();
            assert_eq!(bytes, bytes_by_k1(pair), "{pair:?}");
            assert_eq!(set.is_empty(), bytes.is_empty());
            assert!(set.bytes().all(|byte| set.contains_byte(byte) && byte.opposite().opposite() == byte));
            assert_eq!(set.bytes().fold(LockSet::NONE, LockSet::with), set);
            assert_eq!(set.bytes().fold(set, LockSet::without), LockSet::NONE);
            assert_eq!(LockSet::of(set.pair()), set);
            seen += 1;
        }
        assert_eq!(seen, 1_024);
    }

    /// K3: all pairs with all pairs. Whoever comes second is refused, whichever of the two that is, exactly if the
    /// pairs conflict by P3 in the four bits that have bytes.
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
        // Of the 16 ways in which two parents stand to one permission 9 are no conflict; G does not count.
        assert_eq!(collisions, (16_u32.pow(4) - 9_u32.pow(4)) * 16);
    }

    /// K6: to give up is to need less and to share more, no other change is.
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
