//! The access and share mode of a Windows file handle as a pair (K11).
//!
//! `CreateFile` takes the wanted access and the access that others may have, three kinds of each. A second handle can
//! be opened exactly if each handle's access is within the other's share mode, which is P3.
//!
//! | | as need | as share |
//! |---|---|---|
//! | read: `GENERIC_READ`, `FILE_SHARE_READ` | R | R |
//! | write: `GENERIC_WRITE`, `FILE_SHARE_WRITE` | W, Z | W, U, Z |
//! | delete: `DELETE`, `FILE_SHARE_DELETE` | G | G |
//!
//! A handle with write access may set the end of the file, hence Z. Deleting or renaming a file changes what the name
//! refers to; the closest permission of a graph is G. (G has no [lock byte](crate::qemu::locks), so QEMU does not see
//! whether deleting is shared.)
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
    /// A set of kinds of access, wanted or shared.
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
    /// Returns the permissions that these kinds of access stand for.
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

/// Returns the pair of a handle with this access and this share mode.
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

    /// One call: the wanted and the shared access.
    type Call = (Mode, Mode);

    /// The table of valid second calls in *Creating and Opening Files* of the Windows documentation: for each first
    /// call all second calls that succeed, among those that want and share reading and writing.
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

    /// All 64 calls with all 64, including deleting and sharing nothing, by the definition: each call's access is
    /// within the other's share mode.
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
