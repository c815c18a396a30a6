//! The role of a child edge: a set of five flags (QEMU: `BdrvChildRole`).

bitflags::bitflags! {
    /// The role of a child edge: a set of five flags (QEMU: `BdrvChildRole`).
    ///
    /// Three forms are well formed (S3.1): `FILTERED | PRIMARY`; `COW`; and a set with `DATA`, `METADATA` or both, with
    /// or without `PRIMARY`.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "serde", serde(transparent))]
    pub struct Role: u8 {
        /// The child holds guest data.
        const DATA = 1;
        /// The child holds metadata.
        const METADATA = 2;
        /// The parent is a filter, and this child is the one it filters.
        const FILTERED = 4;
        /// The child holds the data that the parent does not hold itself: a backing file.
        const COW = 8;
        /// The child that requests go to first.
        const PRIMARY = 16;
    }
}

/// The two slots of a node: each holds at most one child (S3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Slot {
    /// The primary child (QEMU: `bs->file`).
    File,
    /// The backing child, or the filtered child of some filters (QEMU: `bs->backing`).
    Backing,
}

/// The shape of a driver: the facts about its children that the graph needs. The graph reads it once, when the node is
/// added, so a driver that changes its answers cannot break the graph. A node keeps its shape when it loses its driver
/// (L3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shape {
    /// The slot of the filtered child if the driver is a filter ([`Policy::filter_slot`](crate::Policy::filter_slot)).
    pub filter: Option<Slot>,
    /// Whether the driver supports a backing child. It is always false for a filter.
    pub supports_backing: bool,
    /// Whether the driver can have children. It is always true for a filter, and for a driver that supports backing or
    /// takes a filtered child.
    pub takes_children: bool,
    /// See [`Policy::children_replaceable`](crate::Policy::children_replaceable).
    pub children_replaceable: bool,
    /// See [`Policy::takes_filtered`](crate::Policy::takes_filtered). It is always false for a filter.
    pub takes_filtered: bool,
    /// See [`Policy::live_children`](crate::Policy::live_children).
    pub live_children: bool,
}

impl Shape {
    /// Returns the shape made consistent: a filter does not also support backing, and a driver with a slot for a child
    /// takes children.
    pub(crate) const fn consistent(mut self) -> Self {
        self.supports_backing = self.filter.is_none() && self.supports_backing;
        self.takes_filtered = self.filter.is_none() && self.takes_filtered;
        let takes_some = self.supports_backing || self.takes_filtered || self.live_children;
        self.takes_children = self.filter.is_some() || takes_some || self.takes_children;
        self
    }
}

impl Role {
    /// The role of the child that a filter filters.
    pub const FILTER: Self = Self::FILTERED.union(Self::PRIMARY);

    /// Returns whether the role is well formed (S3.1).
    pub(crate) fn is_well_formed(self) -> bool {
        let known = Self::from_bits(self.bits()).is_some();
        let content = self.intersects(Self::DATA | Self::METADATA);
        let linking = self.intersects(Self::FILTERED | Self::COW);
        known && (self == Self::FILTER || self == Self::COW || (content && !linking))
    }

    /// Returns whether a child of this well-formed role fits a parent of this shape (S3.2).
    pub(crate) const fn fits(self, shape: Shape) -> bool {
        if shape.filter.is_some() {
            let primary_elsewhere = self.contains(Self::PRIMARY) && !self.contains(Self::FILTERED);
            !self.contains(Self::COW) && !primary_elsewhere
        } else {
            let filtered = !self.contains(Self::FILTERED) || shape.takes_filtered;
            filtered && (!self.contains(Self::COW) || shape.supports_backing)
        }
    }

    /// Returns the slot that an edge of this role fills on a parent of this shape (S3.3).
    pub(crate) fn slot(self, shape: Shape) -> Option<Slot> {
        if self.contains(Self::COW) {
            Some(Slot::Backing)
        } else if self.contains(Self::PRIMARY) {
            Some(shape.filter.unwrap_or(Slot::File))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, Shape, Slot};

    const FORMAT: Shape = Shape {
        filter: None,
        supports_backing: true,
        takes_children: true,
        children_replaceable: false,
        takes_filtered: false,
        live_children: false,
    };
    const RAW: Shape = Shape { supports_backing: false, takes_filtered: true, ..FORMAT };
    const FILTER: Shape = Shape { filter: Some(Slot::Backing), supports_backing: false, ..FORMAT };

    #[test]
    fn well_formed_roles_are_exactly_eight() {
        let good = (0..=u8::MAX).map(Role::from_bits_retain).filter(|role| role.is_well_formed());
        assert_eq!(good.count(), 8, "DATA, METADATA, both, each with PRIMARY; the filter's; COW");
        assert!(!Role::empty().is_well_formed() && !Role::PRIMARY.is_well_formed());
        assert!(!(Role::COW | Role::PRIMARY).is_well_formed() && !Role::FILTERED.is_well_formed());
    }

    #[test]
    fn a_driver_with_a_slot_takes_children() {
        let none = Shape { supports_backing: false, takes_children: false, ..FORMAT };
        assert_eq!(none.consistent(), none);
        for shape in [Shape { takes_filtered: true, ..none }, Shape { live_children: true, ..none }] {
            assert_eq!(shape.consistent(), Shape { takes_children: true, ..shape });
        }
        let filter = Shape { takes_filtered: true, supports_backing: true, ..FILTER };
        assert_eq!(filter.consistent(), FILTER, "a filter says no more");
    }

    #[test]
    fn fit_and_slot_follow_the_shape() {
        assert!(!Role::FILTER.fits(FORMAT) && Role::FILTER.fits(FILTER));
        assert!(Role::COW.fits(FORMAT) && !Role::COW.fits(FILTER));
        assert!((Role::DATA | Role::PRIMARY).fits(FORMAT) && !(Role::DATA | Role::PRIMARY).fits(FILTER));
        assert!(Role::DATA.fits(FILTER));
        assert!(Role::FILTER.fits(RAW) && (Role::DATA | Role::PRIMARY).fits(RAW) && !Role::COW.fits(RAW));
        assert_eq!((Role::FILTER.slot(RAW), Role::DATA.slot(RAW)), (Some(Slot::File), None));
        assert_eq!((Role::DATA | Role::PRIMARY).slot(FORMAT), Some(Slot::File));
        assert_eq!(Role::COW.slot(FORMAT), Some(Slot::Backing));
        assert_eq!(Role::FILTER.slot(FILTER), Some(Slot::Backing));
        assert_eq!(Role::METADATA.slot(FORMAT), None);
    }
}
