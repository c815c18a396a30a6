//! Counts, per node and permission bit, the parent edges that need the bit, those that withhold it, and whether an odd
//! number does both. The cumulative pair (P2) and the conflicts (P3) follow from the counts in O(1), however many
//! parents there are.

use crate::permission::{Pair, Permissions};

/// The number of permission bits.
const BITS: usize = 5;

/// The counts of one bit over the parent edges of one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Count {
    needs: u32,
    unshares: u32,
}

impl Count {
    /// P3: some edge needs the bit and *another* edge withholds it. If both kinds are present, there is only one case
    /// without a conflict: the one edge that needs the bit is the one edge that withholds it, because an edge does not
    /// conflict with itself. `odd` says whether an odd number of edges does both.
    const fn conflicts(self, odd: bool) -> bool {
        let alone = self.needs == 1 && self.unshares == 1 && odd;
        self.needs > 0 && self.unshares > 0 && !alone
    }
}

/// The sum of the pairs of a node's parent edges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counters {
    counts: [Count; BITS],
    needs: Permissions,
    unshares: Permissions,
    conflicts: Permissions,
    /// The bits that an odd number of edges both needs and withholds. Where the value matters, that number is zero or
    /// one.
    odd: Permissions,
}

impl Counters {
    /// The cumulative pair (P2). O(1).
    pub(crate) const fn pair(&self) -> Pair {
        Pair { need: self.needs, share: Permissions::ALL.difference(self.unshares) }
    }

    /// The bits on which two different parents conflict (P3). O(1).
    pub(crate) const fn conflicts(&self) -> Permissions {
        self.conflicts
    }

    /// Changes one parent's pair from `old` to `new`. An absent edge has [`Pair::NOTHING`], which counts for nothing.
    /// Only bits that differ are touched. Both pairs must be free of unknown bits.
    pub(crate) fn change(&mut self, old: Pair, new: Pair) {
        let mut left = (old.need ^ new.need) | (old.share ^ new.share);
        while !left.is_empty() {
            let index = left.bits().trailing_zeros() as usize;
            let bit = Permissions::from_bits_truncate(1 << index);
            left.remove(bit);
            let Some(count) = self.counts.get_mut(index) else { continue };
            let (was_needed, was_kept) = (old.need.contains(bit), !old.share.contains(bit));
            let (is_needed, is_kept) = (new.need.contains(bit), !new.share.contains(bit));
            replace(&mut count.needs, was_needed, is_needed);
            replace(&mut count.unshares, was_kept, is_kept);
            if (was_needed && was_kept) != (is_needed && is_kept) {
                self.odd.toggle(bit);
            }
            self.needs.set(bit, count.needs > 0);
            self.unshares.set(bit, count.unshares > 0);
            let conflicts = count.conflicts(self.odd.contains(bit));
            self.conflicts.set(bit, conflicts);
        }
    }
}

/// Replaces the old contribution in a count by the new one. The count never goes below zero, because each contribution
/// was added before it is removed. It never exceeds the number of edges, which fits a `u32`.
const fn replace(count: &mut u32, old: bool, new: bool) {
    *count = count.saturating_add(new as u32).saturating_sub(old as u32);
}

#[cfg(test)]
mod tests {
    use super::Counters;
    use crate::permission::{Pair, Permissions};
    use alloc::vec::Vec;
    use quickcheck::quickcheck;

    fn pairs(bytes: Vec<(u8, u8)>) -> Vec<Pair> {
        let known = Permissions::from_bits_truncate;
        bytes.into_iter().map(|(need, share)| Pair::new(known(need), known(share))).collect()
    }

    fn sum(pairs: &[Pair]) -> Counters {
        let mut counters = Counters::default();
        pairs.iter().for_each(|pair| counters.change(Pair::NOTHING, *pair));
        counters
    }

    /// Checks P3 for all 2²⁰ combinations of two parents, bit by bit, in each order of adding and removing.
    #[test]
    fn two_parents_conflict_by_definition_in_any_order() {
        let all: Vec<Pair> =
            (0..1024).map(|bits: u16| pairs(alloc::vec![(bits as u8, (bits >> 5) as u8)])[0]).collect();
        let mut peace = 0;
        for a in &all {
            let alone = sum(&[*a]);
            for b in &all {
                let both = sum(&[*a, *b]);
                let conflicts = |bit: &Permissions| {
                    let (a_needs, a_shares) = (a.need.contains(*bit), a.share.contains(*bit));
                    let (b_needs, b_shares) = (b.need.contains(*bit), b.share.contains(*bit));
                    (a_needs && !b_shares) || (b_needs && !a_shares)
                };
                let expected: Permissions = Permissions::ALL.iter().filter(conflicts).collect();
                assert_eq!(both.conflicts(), expected, "{a:?} {b:?}");
                assert_eq!(a.conflicts_with(*b), !expected.is_empty(), "{a:?} {b:?}");
                assert_eq!(both, sum(&[*b, *a]), "{a:?} {b:?}");
                let (mut first_goes, mut last_goes) = (both, both);
                first_goes.change(*a, Pair::NOTHING);
                last_goes.change(*b, Pair::NOTHING);
                assert_eq!((first_goes, last_goes), (sum(&[*b]), alone), "{a:?} {b:?}");
                peace += u32::from(expected.is_empty());
            }
        }
        assert_eq!(peace, 9_u32.pow(5), "9 of the 16 ways of a bit");
    }

    quickcheck! {
        fn cumulative_pair_is_union_and_intersection(bytes: Vec<(u8, u8)>) -> bool {
            let pairs = pairs(bytes);
            let need = pairs.iter().fold(Permissions::NONE, |set, pair| set | pair.need);
            let share = pairs.iter().fold(Permissions::ALL, |set, pair| set & pair.share);
            sum(&pairs).pair() == Pair::new(need, share)
        }

        fn verdict_is_the_pairwise_definition(bytes: Vec<(u8, u8)>) -> bool {
            let pairs = pairs(bytes);
            let mut expected = Permissions::NONE;
            for (i, a) in pairs.iter().enumerate() {
                for (_, b) in pairs.iter().enumerate().filter(|(j, _)| *j != i) {
                    expected |= a.need - b.share;
                }
            }
            sum(&pairs).conflicts() == expected
        }

        fn changes_can_be_undone(bytes: Vec<(u8, u8)>, from: (u8, u8), to: (u8, u8)) -> bool {
            let before = sum(&pairs(bytes));
            let ends = pairs(alloc::vec![from, to]);
            let mut counters = before;
            counters.change(Pair::NOTHING, ends[0]);
            counters.change(ends[0], ends[1]);
            counters.change(ends[1], Pair::NOTHING);
            counters == before
        }

        fn loosening_is_an_order(a: (u8, u8), b: (u8, u8), c: (u8, u8)) -> bool {
            let p = pairs(alloc::vec![a, b, c]);
            let transitive = !(p[0].is_loosening_of(p[1]) && p[1].is_loosening_of(p[2])) || p[0].is_loosening_of(p[2]);
            let antisymmetric = !(p[0].is_loosening_of(p[1]) && p[1].is_loosening_of(p[0])) || p[0] == p[1];
            transitive && antisymmetric && p[0].is_loosening_of(p[0])
        }
    }
}
