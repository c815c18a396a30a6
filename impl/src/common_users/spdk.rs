//! What the claims of SPDK's block devices need and share (K10).
//!
//! A module of SPDK *claims* the device it builds upon (`spdk_bdev_claim_type`); whoever has it open without a claim is
//! a reader or a writer. As pairs, writing stands for W and U, which SPDK does not tell apart; all share Z and G, which
//! it does not restrict.
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
//! A pair cannot say *but among those with its key*. So those who claim with one key are to be *one* root user of the
//! graph, whose edge does not conflict with itself (P3): the first of them attaches it, the last one detaches it.
//! [`Claim::is_compatible_with`] tells whether two claims can be on one device at the same time, keys included.
//!
//! One thing is stricter here: SPDK gives its claim of old also to somebody who comes while another has the device open for writing
//! without a claim, and refuses the other only if it comes later. Here the two conflict in either order.
//!
//! ```
//! use blockgraph::common_users::spdk::{Claim, READER, WRITER};
//!
//! // A snapshot that many clones read, and nobody writes.
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
    /// The only writer, by `spdk_bdev_module_claim_bdev()` (`SPDK_BDEV_CLAIM_EXCL_WRITE`).
    ExclusiveWrite,
    /// The only writer; others may read without a claim (`SPDK_BDEV_CLAIM_READ_MANY_WRITE_ONE`).
    ReadManyWriteOne,
    /// One of any number of readers; nobody writes (`SPDK_BDEV_CLAIM_READ_MANY_WRITE_NONE`).
    ReadManyWriteNone,
    /// One of any number of writers who know the key (`SPDK_BDEV_CLAIM_READ_MANY_WRITE_SHARED`).
    ReadManyWriteShared {
        /// The key (`shared_claim_key`); SPDK has no claim of this type without one.
        key: NonZeroU64,
    },
}

impl Claim {
    /// The pair of a root user with this claim; for a shared one, of the one user for all that have the key.
    #[must_use]
    pub const fn pair(self) -> Pair {
        let need = match self {
            Self::ReadManyWriteNone => Permissions::READ,
            Self::ExclusiveWrite | Self::ReadManyWriteOne | Self::ReadManyWriteShared { .. } => READ_WRITE,
        };
        Pair::new(need, NO_WRITING)
    }

    /// Whether the holders of two claims are one user of the graph: they share writing by the same key.
    #[must_use]
    pub const fn is_same_user_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::ReadManyWriteShared { key }, Self::ReadManyWriteShared { key: other }) => key.get() == other.get(),
            _ => false,
        }
    }

    /// Whether both can be on one device at the same time.
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

    /// What SPDK's header says of its types; a second claim of whatever type is only possible among readers, or with
    /// the key.
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

    /// Beside any claim readers without one are allowed, and writers are not. Without claims everybody is.
    #[test]
    fn claims_and_openers_without_one() {
        for claim in claims() {
            assert!(!claim.pair().conflicts_with(READER) && claim.pair().conflicts_with(WRITER), "{claim:?}");
        }
        assert!(!WRITER.conflicts_with(WRITER) && !WRITER.conflicts_with(READER) && !READER.conflicts_with(READER));
    }

    /// The same by a graph, with one user for each key.
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
