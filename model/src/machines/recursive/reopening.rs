//! The variants of reopen at the time of seed 0.

/// The variants of reopen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reopening {
    /// No reopen, because the seed does not contain it.
    None,
    /// Up to 2.10: flags are switched in the order of the list, and permissions are not checked.
    Blind,
    /// Up to 6.0: permissions are computed from the queue, on the graph before the change; backing children change at
    /// the end.
    Early,
}

/// H30
pub(super) const WRITES: &str = "a parent writes to a child that is still read-only";
