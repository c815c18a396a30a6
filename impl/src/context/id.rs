//! The number of a context.

use core::fmt;

/// The number of a context (C1; QEMU: an `AioContext`, the thread that does a node's I/O). The caller decides what it
/// stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ContextId(pub u32);

impl ContextId {
    /// The context where every node begins (QEMU: the main loop's context).
    pub const MAIN: Self = Self(0);
}

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
