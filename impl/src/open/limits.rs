//! Limits on requests (L5.15).

use core::num::NonZeroU64;

/// The limits that a driver sets on requests, or those of a node with everything below it (L5.15; QEMU: `BlockLimits`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// The offset and length of a request must be multiples of this number of bytes.
    pub request_alignment: u32,
    /// The largest request in bytes; `None` means no limit.
    pub max_transfer: Option<NonZeroU64>,
    /// The addresses of buffers must be multiples of this number of bytes.
    pub min_memory_alignment: u32,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { request_alignment: 1, max_transfer: None, min_memory_alignment: 1 };

    /// Returns limits that satisfy both: the larger alignments and the smaller transfer.
    #[must_use]
    pub fn combined_with(self, other: Self) -> Self {
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
