//! [`Preset`]: an enum of all ready-made drivers.

use super::{
    BackingFilter, Blkdebug, Blkverify, CommitTop, CopyBeforeWrite, CopyOnRead, ExclusiveWriter, File, Filter, Format,
    MirrorTop, NoPermission, Preallocate, Protocol, Quorum, Raw, Replication, SnapshotAccess, Vvfat, WriteToSelected,
};
use crate::driver::{ChildContext, Driver, DriverOption, Policy, Refusal, UnsupportedOption};
use crate::graph::NodeView;
use crate::permission::{Grant, Pair};
use crate::role::Slot;

/// Declares the enum and its conversions from one list of kinds.
macro_rules! presets {
    ($($kind:ident)*) => {
        /// Any of the ready-made drivers: cloned, compared and stored, unlike a `Box<dyn Driver>`.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum Preset {$(
            #[doc = concat!("See [`", stringify!($kind), "`].")]
            $kind($kind),
        )*}

        // With these conversions `graph.add(spec, Format.into())` works.
        $(impl From<$kind> for Preset {
            fn from(driver: $kind) -> Self {
                Self::$kind(driver)
            }
        })*
    };
}

presets! {
    Protocol Filter BackingFilter Format ExclusiveWriter NoPermission WriteToSelected Blkdebug Quorum Raw CopyOnRead
    CopyBeforeWrite SnapshotAccess Preallocate CommitTop MirrorTop Blkverify Replication Vvfat File
}

/// Evaluates the same expression for the driver inside any variant.
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
            Preset::Raw($driver) => $call,
            Preset::CopyOnRead($driver) => $call,
            Preset::CopyBeforeWrite($driver) => $call,
            Preset::SnapshotAccess($driver) => $call,
            Preset::Preallocate($driver) => $call,
            Preset::CommitTop($driver) => $call,
            Preset::MirrorTop($driver) => $call,
            Preset::Blkverify($driver) => $call,
            Preset::Replication($driver) => $call,
            Preset::Vvfat($driver) => $call,
            Preset::File($driver) => $call,
        }
    };
}

impl Policy for Preset {
    fn name(&self) -> &str {
        each!(self, driver => driver.name())
    }

    fn filter_slot(&self) -> Option<Slot> {
        each!(self, driver => driver.filter_slot())
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

    fn takes_filtered(&self) -> bool {
        each!(self, driver => driver.takes_filtered())
    }

    fn live_children(&self) -> bool {
        each!(self, driver => driver.live_children())
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        each!(self, driver => driver.child_pair(context))
    }
}

impl Driver for Preset {
    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        each!(self, driver => driver.check_permissions(view, new))
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        each!(self, driver => driver.set_option(option))
    }

    fn default_option(&self) -> Option<DriverOption> {
        each!(self, driver => driver.default_option())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        BackingFilter, Blkdebug, Blkverify, CommitTop, CopyBeforeWrite, CopyOnRead, ExclusiveWriter, File, Filter,
        Format, MirrorTop, NoPermission, Preallocate, Preset, Protocol, Quorum, Raw, Replication, SnapshotAccess,
        Vvfat, WriteToSelected,
    };
    use crate::driver::{ChildContext, MirrorPhase, Policy};
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
            Raw.into(),
            CopyOnRead.into(),
            CopyBeforeWrite.into(),
            SnapshotAccess.into(),
            Preallocate.into(),
            CommitTop.into(),
            MirrorTop { phase: MirrorPhase::Mirror }.into(),
            MirrorTop { phase: MirrorPhase::Commit }.into(),
            MirrorTop { phase: MirrorPhase::Stopped }.into(),
            Blkverify.into(),
            Replication.into(),
            Vvfat.into(),
            File { unaligned: false }.into(),
        ]
    }

    fn all_pairs() -> impl Iterator<Item = Pair> {
        let set = Permissions::from_bits_truncate;
        (0..32).flat_map(move |need| (0..32).map(move |share| Pair::new(set(need), set(share))))
    }

    /// The pairs that are looser by one bit. A rule that is monotone over single bits is monotone.
    fn one_step_looser(pair: Pair) -> impl Iterator<Item = Pair> {
        let drop = pair.need.iter().map(move |bit| Pair::new(pair.need - bit, pair.share));
        let more = pair.unshares().iter().map(move |bit| Pair::new(pair.need, pair.share | bit));
        drop.chain(more)
    }

    /// P10, for every preset, role, flag and pair. Also, a node without parents never asks for more than an equal node
    /// with parents.
    #[test]
    fn every_rule_is_monotone() {
        let roles = (0..32).map(Role::from_bits_truncate).filter(|role| role.is_well_formed());
        for (role, preset) in roles.flat_map(|role| presets().into_iter().map(move |preset| (role, preset))) {
            for flags in 0..16 {
                for pair in all_pairs() {
                    let mut context = ChildContext::new("a", role, pair);
                    (context.writable, context.no_io, context.inactive) = (flags & 1 > 0, flags & 2 > 0, flags & 4 > 0);
                    context.has_parents = flags & 8 > 0;
                    let tight = preset.child_pair(&context);
                    let alone = ChildContext { has_parents: false, ..context };
                    let looser = one_step_looser(pair).map(|parent| ChildContext { parent, ..context });
                    for context in looser.chain([alone]) {
                        let loose = preset.child_pair(&context);
                        assert!(loose.is_loosening_of(tight), "{preset:?} {context:?} {tight:?}");
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
    fn blkdebug_adds_to_the_default_rule() {
        let driver = Blkdebug { take: Permissions::GRAPH_MOD, unshare: Permissions::READ };
        let pair = driver.child_pair(&ChildContext::new("file", Role::FILTER, Pair::NOTHING));
        assert_eq!(pair, Pair::new(Permissions::GRAPH_MOD, Permissions::ALL - Permissions::READ));
    }
}
