//! What a request may look like (L5.15).

use core::num::NonZeroU64;

/// What a driver asks of requests, or a node with all that is below it (L5.15; QEMU: `BlockLimits`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Offset and length of a request are multiples of this, in bytes.
    pub request_alignment: u32,
    /// The largest request in bytes; `None`: any.
    pub max_transfer: Option<NonZeroU64>,
    /// Buffers lie at multiples of this, in bytes.
    pub min_memory_alignment: u32,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { request_alignment: 1, max_transfer: None, min_memory_alignment: 1 };

    /// What meets both: the larger alignments, the smaller transfer.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            request_alignment: self.request_alignment.max(other.request_alignment),
            max_transfer: match (self.max_transfer, other.max_transfer) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, none) => one.or(none),
            },
            min_memory_alignment: self.min_memory_alignment.max(other.min_memory_alignment),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::NONE
    }
}
