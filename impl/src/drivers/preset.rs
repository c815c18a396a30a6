//! Any of the ready-made drivers.

use super::kinds::{
    BackingFilter, Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol, Quorum, WriteToSelected,
};
use crate::driver::{ChildContext, Driver, DriverOption, Policy, UnsupportedOption};
use crate::permission::Pair;
use crate::role::Slot;

/// Any of the ready-made drivers: cloned, compared and stored, unlike a `Box<dyn Driver>`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Preset {
    /// See [`Protocol`].
    Protocol(Protocol),
    /// See [`Filter`].
    Filter(Filter),
    /// See [`BackingFilter`].
    BackingFilter(BackingFilter),
    /// See [`Format`].
    Format(Format),
    /// See [`ExclusiveWriter`].
    ExclusiveWriter(ExclusiveWriter),
    /// See [`NoPermission`].
    NoPermission(NoPermission),
    /// See [`WriteToSelected`].
    WriteToSelected(WriteToSelected),
    /// See [`Blkdebug`].
    Blkdebug(Blkdebug),
    /// See [`Quorum`].
    Quorum(Quorum),
}

/// The same expression for whichever kind is inside.
macro_rules! each {
    ($preset:expr, $driver:ident => $call:expr) => {
        match $preset {
            Preset::Protocol($driver) => $call,
            Preset::Filter($driver) => $call,
            Preset::BackingFilter($driver) => $call,
            Preset::Format($driver) => $call,
            Preset::ExclusiveWriter($driver) => $call,
            Preset::NoPermission($driver) => $call,
            Preset::WriteToSelected($driver) => $call,
            Preset::Blkdebug($driver) => $call,
            Preset::Quorum($driver) => $call,
        }
    };
}

/// `From` for each kind, so that `graph.add(spec, Format)` style code needs only `.into()`.
macro_rules! from {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Preset {
            fn from(driver: $kind) -> Self {
                Self::$kind(driver)
            }
        }
    )*};
}

from!(Protocol, Filter, BackingFilter, Format, ExclusiveWriter, NoPermission, WriteToSelected, Blkdebug, Quorum);

impl Policy for Preset {
    fn name(&self) -> &str {
        each!(self, driver => driver.name())
    }

    fn slot(&self) -> Option<Slot> {
        each!(self, driver => driver.slot())
    }

    fn supports_backing(&self) -> bool {
        each!(self, driver => driver.supports_backing())
    }

    fn takes_children(&self) -> bool {
        each!(self, driver => driver.takes_children())
    }

    fn children_replaceable(&self) -> bool {
        each!(self, driver => driver.children_replaceable())
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        each!(self, driver => driver.child_pair(context))
    }
}

impl Driver for Preset {
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        each!(self, driver => driver.set_option(option))
    }

    fn default_option(&self) -> Option<DriverOption> {
        each!(self, driver => driver.default_option())
    }
}

#[cfg(test)]
mod tests {
    use super::{BackingFilter, ExclusiveWriter, Filter, Format, NoPermission, Protocol};
    use super::{Blkdebug, Preset, Quorum, WriteToSelected};
    use crate::driver::{ChildContext, Policy};
    use crate::permission::{Pair, Permissions};
    use crate::role::Role;
    use alloc::vec::Vec;

    fn presets() -> Vec<Preset> {
        let take = Permissions::WRITE;
        alloc::vec![
            Protocol.into(),
            Filter.into(),
            BackingFilter.into(),
            Format.into(),
            ExclusiveWriter.into(),
            NoPermission.into(),
            WriteToSelected { selected: Some("a".into()) }.into(),
            Blkdebug { take, unshare: Permissions::RESIZE }.into(),
            Quorum { rewrite: false }.into(),
            Quorum { rewrite: true }.into(),
        ]
    }

    fn all_pairs() -> impl Iterator<Item = Pair> {
        let set = Permissions::from_bits_truncate;
        (0..32).flat_map(move |need| (0..32).map(move |share| Pair::new(set(need), set(share))))
    }

    /// The pairs that are one step looser; monotony over single steps is monotony.
    fn one_step_looser(pair: Pair) -> impl Iterator<Item = Pair> {
        let drop = pair.need.iter().map(move |bit| Pair::new(pair.need - bit, pair.share));
        let more = pair.unshares().iter().map(move |bit| Pair::new(pair.need, pair.share | bit));
        drop.chain(more)
    }

    /// P10, for every preset, role, flag and pair.
    #[test]
    fn every_rule_is_monotone() {
        let roles = (0..32).map(Role::from_bits_truncate).filter(|role| role.is_well_formed());
        for (role, preset) in roles.flat_map(|role| presets().into_iter().map(move |preset| (role, preset))) {
            for flags in 0..8 {
                for pair in all_pairs() {
                    let mut context = ChildContext::new("a", role, pair);
                    (context.writable, context.no_io, context.inactive) = (flags & 1 > 0, flags & 2 > 0, flags & 4 > 0);
                    let tight = preset.child_pair(&context);
                    for parent in one_step_looser(pair) {
                        let loose = preset.child_pair(&ChildContext { parent, ..context });
                        assert!(loose.is_loosening_of(tight), "{preset:?} {context:?} {parent:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn default_rules_never_pass_graph_mod_and_always_share_it() {
        for pair in all_pairs() {
            for role in [Role::FILTER, Role::COW, Role::DATA, Role::METADATA, Role::DATA | Role::METADATA] {
                let child = crate::default_child_pair(&ChildContext::new("x", role, pair));
                assert!(!child.need.contains(Permissions::GRAPH_MOD) && child.share.contains(Permissions::GRAPH_MOD));
            }
        }
    }

    #[test]
    fn blkdebug_takes_and_withholds_besides() {
        let driver = Blkdebug { take: Permissions::GRAPH_MOD, unshare: Permissions::READ };
        let pair = driver.child_pair(&ChildContext::new("file", Role::FILTER, Pair::NOTHING));
        assert_eq!(pair, Pair::new(Permissions::GRAPH_MOD, Permissions::ALL - Permissions::READ));
    }
}
