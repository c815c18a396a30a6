//! The five permissions and the pair that an edge carries (P1, P2).

use core::fmt;

bitflags::bitflags! {
    /// A set of the five permissions that a parent can need on a child, or share with the other parents (P1).
    ///
    /// It is displayed in QEMU's words, separated by commas: `consistent read, write`; the empty set as `none`.
    ///
    /// ```
    /// use blockgraph::Permissions;
    /// assert_eq!((Permissions::READ | Permissions::WRITE).to_string(), "consistent read, write");
    /// ```
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "serde", serde(transparent))]
    pub struct Permissions: u8 {
        /// R: read the data the parent expects, and no mixture of states (`BLK_PERM_CONSISTENT_READ`).
        const READ = 1;
        /// W: change the visible data (`BLK_PERM_WRITE`).
        const WRITE = 2;
        /// U: write without changing the visible data (`BLK_PERM_WRITE_UNCHANGED`).
        const WRITE_UNCHANGED = 4;
        /// Z: change the size (`BLK_PERM_RESIZE`).
        const RESIZE = 8;
        /// G: change the graph below (`BLK_PERM_GRAPH_MOD`, up to QEMU 6.2).
        const GRAPH_MOD = 16;
    }
}

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self::empty();
    /// All five permissions.
    pub const ALL: Self = Self::all();
    /// The four permissions that a default rule passes through: R, W, U and Z (`DEFAULT_PERM_PASSTHROUGH`).
    pub const PASS_THROUGH: Self = Self::READ.union(Self::WRITE).union(Self::WRITE_UNCHANGED).union(Self::RESIZE);
    /// Any kind of writing: W or U (V3.3).
    pub const WRITING: Self = Self::WRITE.union(Self::WRITE_UNCHANGED);

    /// Returns the set without undefined bits, which `from_bits_retain` can set.
    pub(crate) const fn known(self) -> Self {
        Self::from_bits_truncate(self.bits())
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WORDS: [(Permissions, &str); 5] = [
            (Permissions::READ, "consistent read"),
            (Permissions::WRITE, "write"),
            (Permissions::WRITE_UNCHANGED, "write unchanged"),
            (Permissions::RESIZE, "resize"),
            (Permissions::GRAPH_MOD, "change children"),
        ];
        let mut separator = "";
        for (_, word) in WORDS.into_iter().filter(|(bit, _)| self.contains(*bit)) {
            write!(f, "{separator}{word}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}

/// What an edge needs of its child, and what it lets the child's other parents do (P2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pair {
    /// The permissions this parent needs (QEMU: `perm`).
    pub need: Permissions,
    /// The permissions this parent lets others have (QEMU: `shared_perm`).
    pub share: Permissions,
}

impl Pair {
    /// Needs nothing and shares everything: the cumulative pair of a node without parents (P2).
    pub const NOTHING: Self = Self { need: Permissions::NONE, share: Permissions::ALL };

    /// Creates a pair from its two halves.
    #[must_use]
    pub const fn new(need: Permissions, share: Permissions) -> Self {
        Self { need, share }
    }

    /// Returns whether this pair asks for no more than `other`: it needs a subset and shares a superset (V7).
    ///
    /// ```
    /// use blockgraph::{Pair, Permissions};
    /// let writer = Pair::new(Permissions::WRITE, Permissions::READ);
    /// assert!(Pair::NOTHING.is_loosening_of(writer));
    /// assert!(!writer.is_loosening_of(Pair::NOTHING));
    /// ```
    #[must_use]
    pub const fn is_loosening_of(self, other: Self) -> bool {
        other.need.contains(self.need) && self.share.contains(other.share)
    }

    /// Returns whether two *different* parent edges with these pairs conflict: one of them needs a permission that the
    /// other does not share (P3).
    #[must_use]
    pub const fn conflicts_with(self, other: Self) -> bool {
        !other.share.contains(self.need) || !self.share.contains(other.need)
    }

    /// Returns the permissions that this pair does not share.
    #[must_use]
    pub const fn unshares(self) -> Permissions {
        Permissions::ALL.difference(self.share)
    }

    /// Returns the pair without undefined bits.
    pub(crate) const fn known(self) -> Self {
        Self { need: self.need.known(), share: self.share.known() }
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::NOTHING
    }
}

/// What a hook receives: the cumulative pair of its node and whether the node is writable (V5.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Grant {
    /// The cumulative pair of all parents of the node.
    pub pair: Pair,
    /// Whether the node is writable: neither read-only nor inactive (P7).
    pub writable: bool,
}
