//! The claims of SPDK's block devices as pairs (K10).
//!
//! A module of SPDK *claims* the device it builds upon (`spdk_bdev_claim_type`). A program that has the device open
//! without a claim is a reader or a writer. In the pairs, writing stands for W and U, which SPDK does not distinguish.
//! All pairs share Z and G, which SPDK does not restrict.
//!
//! | | need | does not share |
//! |---|---|---|
//! | open for reading, without a claim: [`READER`] | R | |
//! | open for writing, without a claim: [`WRITER`] | R, W | |
//! | [`Claim::ExclusiveWrite`], the claim of old | R, W | W, U |
//! | [`Claim::ReadManyWriteOne`] | R, W | W, U |
//! | [`Claim::ReadManyWriteNone`] | R | W, U |
//! | [`Claim::ReadManyWriteShared`], with a key | R, W | W, U, but among those with its key |
//!
//! A pair cannot make an exception for holders of the same key. So all holders of one key must be *one* root user of
//! the graph, whose edge does not conflict with itself (P3). The first holder attaches this user, and the last one
//! detaches it. [`Claim::is_compatible_with`] returns whether two claims can be on one device at the same time, keys
//! included.
//!
//! One rule is stricter here. SPDK grants [`Claim::ExclusiveWrite`] while another program already has the device open
//! for writing without a claim, and refuses such a writer only if it comes later. Here the two conflict in either
//! order.
//!
//! ```
//! use blockgraph::common_users::spdk::{Claim, READER, WRITER};
//!
//! // A snapshot that many clones read, and no program writes.
//! let snapshot = Claim::ReadManyWriteNone;
//! assert!(snapshot.is_compatible_with(snapshot));
//! assert!(!snapshot.pair().conflicts_with(READER) && snapshot.pair().conflicts_with(WRITER));
//! ```

use crate::permission::{Pair, Permissions};
use core::num::NonZeroU64;

const READ_WRITE: Permissions = Permissions::READ.union(Permissions::WRITE);
const NO_WRITING: Permissions = Permissions::ALL.difference(Permissions::WRITING);

/// A descriptor that is open for reading, without a claim.
pub const READER: Pair = Pair::new(Permissions::READ, Permissions::ALL);
/// A descriptor that is open for writing, without a claim.
pub const WRITER: Pair = Pair::new(READ_WRITE, Permissions::ALL);

/// A claim on a block device (SPDK: `enum spdk_bdev_claim_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Claim {
    /// The only writer, claimed by `spdk_bdev_module_claim_bdev()` (`SPDK_BDEV_CLAIM_EXCL_WRITE`).
    ExclusiveWrite,
    /// The only writer; others may read without a claim (`SPDK_BDEV_CLAIM_READ_MANY_WRITE_ONE`).
    ReadManyWriteOne,
    /// One of any number of readers; no program writes (`SPDK_BDEV_CLAIM_READ_MANY_WRITE_NONE`).
    ReadManyWriteNone,
    /// One of any number of writers that have the key (`SPDK_BDEV_CLAIM_READ_MANY_WRITE_SHARED`).
    ReadManyWriteShared {
        /// The key (`shared_claim_key`); SPDK has no claim of this type without one.
        key: NonZeroU64,
    },
}

impl Claim {
    /// Returns the pair of a root user with this claim. A shared claim is represented by one user for all holders of
    /// the key.
    #[must_use]
    pub const fn pair(self) -> Pair {
        let need = match self {
            Self::ReadManyWriteNone => Permissions::READ,
            Self::ExclusiveWrite | Self::ReadManyWriteOne | Self::ReadManyWriteShared { .. } => READ_WRITE,
        };
        Pair::new(need, NO_WRITING)
    }

    /// Returns whether the holders of two claims are one user of the graph: both share writing with the same key.
    #[must_use]
    pub const fn is_same_user_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::ReadManyWriteShared { key }, Self::ReadManyWriteShared { key: other }) => key.get() == other.get(),
            _ => false,
        }
    }

    /// Returns whether both claims can be on one device at the same time.
    #[must_use]
    pub const fn is_compatible_with(self, other: Self) -> bool {
        self.is_same_user_as(other) || !self.pair().conflicts_with(other.pair())
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, READER, WRITER};
    use crate::drivers::Protocol;
    use crate::{Graph, NodeSpec, Pair, Preset};
    use alloc::format;
    use alloc::vec::Vec;
    use core::num::NonZeroU64;

    fn claims() -> [Claim; 5] {
        let shared = |key| Claim::ReadManyWriteShared { key: NonZeroU64::new(key).unwrap_or(NonZeroU64::MIN) };
        [Claim::ExclusiveWrite, Claim::ReadManyWriteOne, Claim::ReadManyWriteNone, shared(7), shared(8)]
    }

    /// What SPDK's header specifies for its types: a second claim of any type is possible only among readers, or with
    /// the same key.
    const CLAIMS: [&str; 5] = [
        // exclusive, one, none, shared 7, shared 8
        "-----", // exclusive
        "-----", // one
        "--+--", // none
        "---+-", // shared 7
        "----+", // shared 8
    ];

    #[test]
    fn claims_go_together_as_spdk_says() {
        for (row, first) in CLAIMS.iter().zip(claims()) {
            let found: Vec<u8> =
                claims().iter().map(|second| b"-+"[usize::from(first.is_compatible_with(*second))]).collect();
            assert_eq!(row.as_bytes(), found, "{first:?}");
        }
    }

    /// Beside any claim, readers without a claim are allowed and writers are not. Without claims every opener is
    /// allowed.
    #[test]
    fn claims_and_openers_without_one() {
        for claim in claims() {
            assert!(!claim.pair().conflicts_with(READER) && claim.pair().conflicts_with(WRITER), "{claim:?}");
        }
        assert!(!WRITER.conflicts_with(WRITER) && !WRITER.conflicts_with(READER) && !READER.conflicts_with(READER));
    }

    /// The same checks with a graph, with one user for each key.
    #[test]
    fn a_graph_refuses_what_spdk_refuses() -> Result<(), crate::Error> {
        for first in claims() {
            for second in claims() {
                let mut graph: Graph<Preset> = Graph::new();
                let device = graph.add(NodeSpec::new("device"), Protocol.into())?;
                let mut users: Vec<Claim> = Vec::new();
                let mut claim = |claim: Claim, pair: Pair| {
                    if users.iter().any(|user| user.is_same_user_as(claim)) {
                        return true;
                    }
                    users.push(claim);
                    graph.attach_user(format!("claim{}", users.len()), device, pair, false).is_ok()
                };
                assert!(claim(first, first.pair()));
                assert_eq!(claim(second, second.pair()), first.is_compatible_with(second), "{first:?} {second:?}");
            }
        }
        Ok(())
    }
}
