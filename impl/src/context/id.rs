//! The number of a context.

use core::fmt;

/// The number of a context (C1; QEMU: an `AioContext`, the thread that does a node's I/O). What it stands for is the
/// caller's business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ContextId(pub u32);

impl ContextId {
    /// Where every node begins (QEMU: the main loop's context).
    pub const MAIN: Self = Self(0);
}

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
