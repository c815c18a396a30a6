//! The actions of a transaction.

use crate::machines::heap::Link;
use crate::op::{Context, NodeId};
use crate::perm::Pair;

/// An action that was done, with what its undo needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// `bdrv_child_set_pem_drv`
    Perm { link: Link, old: Pair },
    /// `bdrv_drv_set_perm_drv`
    Driver { node: NodeId },
    /// `bdrv_replace_child_drv`: the old target, and the edge's place there.
    Replace { link: Link, old: Option<NodeId>, place: usize },
    /// `bdrv_attach_child_common_drv`: the contexts of both ends before.
    Attach { link: Link, parent: Context, child: Context },
    /// `bdrv_remove_filter_or_cow_child_drv`: the edge's place among its parent's children.
    Remove { link: Link, place: usize },
    /// A repair: the same, together with the replacing before it; the old target and the place there.
    Cut { link: Link, place: usize, old: NodeId, rank: usize },
    /// A repair: a node's context before.
    Context { node: NodeId, old: Context },
}
