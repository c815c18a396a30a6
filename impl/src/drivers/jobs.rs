//! Filters that jobs insert: copy-before-write, commit-top, mirror-top.

use crate::driver::{ChildContext, Driver, DriverOption, MirrorPhase, Policy, UnsupportedOption};
use crate::permission::{Pair, Permissions};
use crate::role::{Role, Slot};
use crate::rules::{WRITE_RESIZE, default_child_pair, filtered_pair};

/// Copy-before-write: copies data of the source to a target before it is overwritten. The source is the filtered child
/// (P6.8; QEMU: `cbw_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CopyBeforeWrite;

impl Policy for CopyBeforeWrite {
    fn name(&self) -> &'static str {
        "copy-before-write"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::File)
    }

    /// Until the filter is above the source and has a parent, it does not restrict other writers: nothing bypasses it
    /// yet.
    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        const TARGET: Pair = Pair { need: Permissions::WRITE, share: Permissions::ALL.difference(Permissions::RESIZE) };
        if !context.role.contains(Role::FILTERED) {
            return TARGET;
        }
        let pair = filtered_pair(context);
        if !context.has_parents {
            return pair;
        }
        Pair { need: pair.need | Permissions::READ, share: pair.share - WRITE_RESIZE }
    }
}

impl Driver for CopyBeforeWrite {}

/// Commit-top: the filter above the top of a chain while a commit job copies data out of the chain. The job has its own
/// users for the permissions it needs (P6.9; QEMU: `bdrv_commit_top_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CommitTop;

impl Policy for CommitTop {
    fn name(&self) -> &'static str {
        "commit-top"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::Backing)
    }

    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for CommitTop {}

/// Mirror-top: the filter above the source of a mirror job (P6.11; QEMU: `bdrv_mirror_top_child_perm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MirrorTop {
    /// The phase of the job.
    pub phase: MirrorPhase,
}

impl Policy for MirrorTop {
    fn name(&self) -> &'static str {
        "mirror-top"
    }

    fn filter_slot(&self) -> Option<Slot> {
        Some(Slot::Backing)
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        let Pair { need, share } = default_child_pair(context);
        match self.phase {
            MirrorPhase::Mirror => Pair { need, share },
            // An active commit writes into the nodes below, whose data the source shows as its own.
            MirrorPhase::Commit => Pair { need: need - Permissions::READ, share: share | Permissions::WRITE },
            MirrorPhase::Stopped => Pair::NOTHING,
        }
    }
}

impl Driver for MirrorTop {
    /// Accepts [`DriverOption::Phase`].
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        let DriverOption::Phase(phase) = option else { return Err(UnsupportedOption) };
        Ok(DriverOption::Phase(core::mem::replace(&mut self.phase, phase)))
    }

    fn default_option(&self) -> Option<DriverOption> {
        Some(DriverOption::Phase(MirrorPhase::Mirror))
    }
}
