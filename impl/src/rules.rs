//! The default rules for the permissions of a child, by its role (P5).

use crate::driver::ChildContext;
use crate::permission::{Pair, Permissions};
use crate::role::Role;

/// W and Z, which the rules often treat together.
pub(crate) const WRITE_RESIZE: Permissions = Permissions::WRITE.union(Permissions::RESIZE);

/// Returns the pair of a child by the default rule of its role (P5; QEMU: `bdrv_default_perms`).
///
/// A custom driver calls this for the children that need no special rule. O(1).
#[must_use]
pub fn default_child_pair(context: &ChildContext<'_>) -> Pair {
    let role = context.role;
    if role.contains(Role::COW) {
        return cow_pair(context);
    }
    let Pair { mut need, mut share } = filtered_pair(context);
    if role.contains(Role::FILTERED) {
        return Pair { need, share };
    }
    if role.contains(Role::METADATA) {
        // P5.3
        if context.writable {
            need |= WRITE_RESIZE;
        }
        if !context.no_io {
            need |= Permissions::READ;
        }
        share -= WRITE_RESIZE;
    }
    if role.contains(Role::DATA) {
        // P5.4: a write that leaves the guest's data unchanged may still allocate, and so may grow the file.
        share -= Permissions::RESIZE;
        if need.contains(Permissions::WRITE_UNCHANGED) {
            need |= Permissions::WRITE;
        }
        if need.contains(Permissions::WRITE) {
            need |= Permissions::RESIZE;
        }
    }
    if context.inactive {
        // P5.5
        share |= WRITE_RESIZE;
    }
    Pair { need, share }
}

/// P5.1: passes through what the parent needs and shares.
pub(crate) fn filtered_pair(context: &ChildContext<'_>) -> Pair {
    let Pair { need, share } = context.parent;
    Pair { need: need & Permissions::PASS_THROUGH, share: (share & Permissions::PASS_THROUGH) | Permissions::GRAPH_MOD }
}

/// P5.2: the backing file is read where the parent is read. Others may write to it only if the parent's users accept
/// changing data.
fn cow_pair(context: &ChildContext<'_>) -> Pair {
    let need = context.parent.need & Permissions::READ;
    let mut share = Permissions::READ | Permissions::WRITE_UNCHANGED | Permissions::GRAPH_MOD;
    if context.parent.share.contains(Permissions::WRITE) || context.inactive {
        share |= WRITE_RESIZE;
    }
    Pair { need, share }
}
