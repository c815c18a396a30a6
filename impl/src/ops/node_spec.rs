//! The properties of a new node.

use alloc::sync::Arc;

/// The properties of a new node: its name and its flags.
///
/// ```
/// use blockgraph::NodeSpec;
/// let spec = NodeSpec::new("base").read_only(true).force_share(true);
/// assert!(spec.force_share);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NodeSpec {
    /// The unique name.
    pub name: Arc<str>,
    /// The node must not be written (V3.3).
    pub read_only: bool,
    /// Node parents must share everything (P8); requires read-only.
    pub force_share: bool,
    /// The node is opened without I/O, so its metadata is not read (P5.3).
    pub no_io: bool,
    /// Edges to the node must never be frozen (S7).
    pub never_freeze: bool,
    /// The node is a filter that an operation inserts and that the user does not see (S0).
    pub implicit: bool,
    /// Another process owns the image for now (A1).
    pub inactive: bool,
}

impl NodeSpec {
    /// Makes the spec of a writable node of this name, without flags.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            read_only: false,
            force_share: false,
            no_io: false,
            never_freeze: false,
            implicit: false,
            inactive: false,
        }
    }

    /// Sets the flag *read-only*.
    #[must_use]
    pub const fn read_only(mut self, on: bool) -> Self {
        self.read_only = on;
        self
    }

    /// Sets the flag *force-share*.
    #[must_use]
    pub const fn force_share(mut self, on: bool) -> Self {
        self.force_share = on;
        self
    }

    /// Sets the flag *no-io*.
    #[must_use]
    pub const fn no_io(mut self, on: bool) -> Self {
        self.no_io = on;
        self
    }

    /// Sets the flag *never-freeze*.
    #[must_use]
    pub const fn never_freeze(mut self, on: bool) -> Self {
        self.never_freeze = on;
        self
    }

    /// Sets the flag *implicit*. Only filters can have it.
    #[must_use]
    pub const fn implicit(mut self, on: bool) -> Self {
        self.implicit = on;
        self
    }

    /// Sets the flag *inactive*: another process owns the image, as on the target of a migration (A1).
    #[must_use]
    pub const fn inactive(mut self, on: bool) -> Self {
        self.inactive = on;
        self
    }
}
