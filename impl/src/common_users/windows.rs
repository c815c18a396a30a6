//! What access and share mode of a Windows file handle are as a pair (K11).
//!
//! `CreateFile` takes what is wanted of the file and what others may have, three kinds of either. A second handle is
//! possible exactly if each one's access is within the other's share mode: that is P3.
//!
//! | | as need | as share |
//! |---|---|---|
//! | read: `GENERIC_READ`, `FILE_SHARE_READ` | R | R |
//! | write: `GENERIC_WRITE`, `FILE_SHARE_WRITE` | W, Z | W, U, Z |
//! | delete: `DELETE`, `FILE_SHARE_DELETE` | G | G |
//!
//! Whoever may write may set the end of the file, hence Z. To delete or rename a file is to change what the name leads
//! to, and the nearest that a graph has is G. (It has no [lock byte](crate::qemu::locks), so a share of deleting is not
//! told to QEMU.)
//!
//! ```
//! use blockgraph::common_users::windows::{Mode, pair};
//!
//! // Reads, and lets others read; the other one wants to write.
//! let reader = pair(Mode::READ, Mode::READ);
//! let writer = pair(Mode::READ | Mode::WRITE, Mode::READ | Mode::WRITE);
//! assert!(reader.conflicts_with(writer));
//! ```

use crate::permission::{Pair, Permissions};

bitflags::bitflags! {
    /// Kinds of access: those that are wanted, or those that are shared.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct Mode: u8 {
        /// `GENERIC_READ`, `FILE_SHARE_READ`.
        const READ = 1;
        /// `GENERIC_WRITE`, `FILE_SHARE_WRITE`.
        const WRITE = 2;
        /// `DELETE`, `FILE_SHARE_DELETE`.
        const DELETE = 4;
    }
}

impl Mode {
    /// The permissions that this kind, or these kinds, of access stand for.
    const fn permissions(self, write: Permissions) -> Permissions {
        let mut set = Permissions::NONE;
        if self.contains(Self::READ) {
            set = set.union(Permissions::READ);
        }
        if self.contains(Self::WRITE) {
            set = set.union(write);
        }
        if self.contains(Self::DELETE) {
            set = set.union(Permissions::GRAPH_MOD);
        }
        set
    }
}

/// The pair of a handle with this access and this share mode.
#[must_use]
pub const fn pair(access: Mode, share: Mode) -> Pair {
    const WRITE: Permissions = Permissions::WRITE.union(Permissions::RESIZE);
    Pair::new(access.permissions(WRITE), share.permissions(WRITE.union(Permissions::WRITE_UNCHANGED)))
}

#[cfg(test)]
mod tests {
    use super::{Mode, pair};
    use alloc::vec::Vec;

    const R: Mode = Mode::READ;
    const W: Mode = Mode::WRITE;
    const RW: Mode = R.union(W);

    /// One call: what is wanted, what is shared.
    type Call = (Mode, Mode);

    /// The table of valid second calls in *Creating and Opening Files* of the Windows documentation: for each first
    /// call all second ones that succeed, among those that want and share reading and writing.
    const VALID: [(Call, &[Call]); 9] = [
        ((R, R), &[(R, R), (R, RW)]),
        ((R, W), &[(W, R), (W, RW)]),
        ((R, RW), &[(R, R), (R, RW), (W, R), (W, RW), (RW, R), (RW, RW)]),
        ((W, R), &[(R, W), (R, RW)]),
        ((W, W), &[(W, W), (W, RW)]),
        ((W, RW), &[(R, W), (R, RW), (W, W), (W, RW), (RW, W), (RW, RW)]),
        ((RW, R), &[(R, RW)]),
        ((RW, W), &[(W, RW)]),
        ((RW, RW), &[(R, RW), (W, RW), (RW, RW)]),
    ];

    #[test]
    fn second_calls_succeed_as_the_table_says() {
        let calls: Vec<Call> = VALID.iter().map(|(first, _)| *first).collect();
        for (first, valid) in VALID {
            for second in &calls {
                let succeeds = !pair(first.0, first.1).conflicts_with(pair(second.0, second.1));
                assert_eq!(succeeds, valid.contains(second), "{first:?} {second:?}");
            }
        }
    }

    /// All 64 calls with all 64, deleting and sharing nothing included, by the words: each one's access is within the
    /// other's share.
    #[test]
    fn access_within_share_is_no_conflict() {
        let modes = || (0..8).map(Mode::from_bits_truncate);
        let calls: Vec<Call> = modes().flat_map(|access| modes().map(move |share| (access, share))).collect();
        for (access, share) in &calls {
            for (other_access, other_share) in &calls {
                let fits = share.contains(*other_access) && other_share.contains(*access);
                assert_eq!(fits, !pair(*access, *share).conflicts_with(pair(*other_access, *other_share)));
            }
        }
    }
}
