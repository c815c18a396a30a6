//! The steps as methods of a transaction.

use crate::driver::{Driver, DriverOption};
use crate::error::StepError;
#[cfg(doc)]
use crate::graph::Graph;
use crate::graph::{EdgeKey, NodeKey, UserKey};
use crate::ops::NodeSpec;
use crate::permission::Pair;
use crate::role::Role;
use crate::transaction::Transaction;
use alloc::sync::Arc;

/// Each is one step of the transaction.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty = $graph:ident => $step:expr;)*) => {
        /// The steps.
        impl<D: Driver> Transaction<'_, D> {$(
            $(#[$doc])*
            pub fn $name(&mut self, $($arg: $type),*) -> Result<$result, StepError> {
                self.step(|$graph| $step)
            }
        )*}
    };
}

steps! {
    /// A new node with one holder and no edges, granted nothing, everything and its writable state (O1; QEMU:
    /// `bdrv_new_open_driver`). O(1) expected.
    ///
    /// # Errors
    /// `DuplicateNode`, `ForceShareWritable`.
    add(spec: NodeSpec, driver: D) -> NodeKey = graph => graph.step_add(spec, driver);

    /// Drops one holder; at zero references the node is doomed (O2; QEMU: `bdrv_unref` by the monitor). O(1).
    ///
    /// # Errors
    /// `NodeNotFound`, `NoHolder`.
    release(node: NodeKey) -> () = graph => graph.core.release(node);

    /// A new root user with an edge to `node` (O3; QEMU: `bdrv_root_attach_child`). One that `stays` is not moved by
    /// [`replace_node`](Self::replace_node). O(1) expected, whatever the number of parents.
    ///
    /// # Errors
    /// `DuplicateUser`, `NodeNotFound`.
    attach_user(name: impl Into<Arc<str>>, node: NodeKey, pair: Pair, stays: bool) -> UserKey =
        graph => graph.core.attach_user(name.into(), node, pair, stays);

    /// A root user leaves (O4; QEMU: `bdrv_root_unref_child`). O(1) expected.
    ///
    /// # Errors
    /// `UserNotFound`.
    detach_user(user: UserKey) -> () = graph => graph.core.detach_user(user);

    /// A root user wants another pair (O5; QEMU: `bdrv_child_try_set_perm`). O(1).
    ///
    /// # Errors
    /// `UserNotFound`.
    set_user(user: UserKey, pair: Pair) -> () = graph => graph.core.set_user(user, pair);

    /// A new edge from `parent` to `child` (O6; QEMU: `bdrv_attach_child`). O(children of the parent), for the name.
    ///
    /// # Errors
    /// `NodeNotFound`, `NoChildren`, `DuplicateChild`, `BadRole`, `RoleUnsupported`, `SlotTaken`.
    attach(parent: NodeKey, child: NodeKey, name: impl Into<Arc<str>>, role: Role) -> EdgeKey =
        graph => graph.core.attach(parent, child, name.into(), role);

    /// Removes an edge from a node (O7; QEMU: `bdrv_unref_child`). O(1).
    ///
    /// # Errors
    /// `EdgeNotFound`, also for a user's edge and if the parent is doomed; `FilterNeedsChild`; `Frozen`.
    detach(edge: EdgeKey) -> () = graph => graph.core.detach(edge);

    /// The backing child, or a backing filter's child, becomes `to` or goes (O8; QEMU: `bdrv_set_backing_hd`).
    /// O(children), for the name.
    ///
    /// # Errors
    /// `NodeNotFound`, `BackingUnsupported`, `DuplicateChild`, `FilterNeedsChild`, `Frozen`.
    set_backing(node: NodeKey, to: Option<NodeKey>) -> () = graph => graph.step_set_backing(node, to);

    /// The file child becomes `to` (O9; QEMU: `bdrv_set_file_or_backing_noperm`). O(children), for the name.
    ///
    /// # Errors
    /// `NodeNotFound`, `FileUnsupported`, `NoFileChild`, `DuplicateChild`, `Frozen`.
    set_file(node: NodeKey, to: NodeKey) -> () = graph => graph.step_set_file(node, to);

    /// Moves the parents of `from` to `to`, except users that stay and parents that `to` reaches (O10; QEMU:
    /// `bdrv_replace_node`). O(parents).
    ///
    /// # Errors
    /// `NodeNotFound`, `SameNode`, `Frozen`.
    replace_node(from: NodeKey, to: NodeKey) -> () = graph => graph.core.replace_node(from, to);

    /// One edge, of a node or of a user, gets another target and keeps all else (O11; QEMU: `bdrv_replace_child_bs`).
    /// O(1).
    ///
    /// # Errors
    /// `EdgeNotFound`, also if the parent is doomed; `NodeNotFound`; `SameNode`; `Frozen`.
    replace_edge(edge: EdgeKey, to: NodeKey) -> () = graph => graph.core.replace_edge(edge, to);

    /// Puts `new` above `top`: attaches `top` below it and moves `top`'s parents to it (O12; QEMU: `bdrv_append`).
    /// O(parents of `top` + children of `new`).
    ///
    /// # Errors
    /// `NodeNotFound`, `SameNode`, `BackingUnsupported`, `DuplicateChild`, `SlotTaken`, `Frozen`.
    append(new: NodeKey, top: NodeKey) -> () = graph => graph.step_append(new, top);

    /// [`add`](Self::add) and [`append`](Self::append) as one step (O13; QEMU: `bdrv_insert_node`).
    ///
    /// # Errors
    /// Those of `add`, then those of `append`.
    insert(spec: NodeSpec, driver: D, top: NodeKey) -> NodeKey = graph => graph.step_insert(spec, driver, top);

    /// Moves the parents of a filter to its child and drops one holder; if nothing keeps the filter it goes (O14;
    /// QEMU: `bdrv_drop_filter`). O(parents and children of the filter).
    ///
    /// # Errors
    /// `NodeNotFound`, `NotAFilter`, `NoFilteredChild`, `SameNode`, `Frozen`.
    drop_filter(filter: NodeKey) -> () = graph => graph.core.drop_filter(filter);

    /// Freezes the chain from `top` to `base` or to its end (O15; QEMU: `bdrv_freeze_backing_chain`). O(chain).
    ///
    /// # Errors
    /// `NodeNotFound`, `NotInChain`, `Frozen`, `NeverFreeze`.
    freeze(top: NodeKey, base: Option<NodeKey>) -> () = graph => graph.core.freeze(top, base);

    /// Thaws a frozen chain (O16; QEMU: `bdrv_unfreeze_backing_chain`). O(chain).
    ///
    /// # Errors
    /// `NodeNotFound`, `NotInChain`, `NotFrozen`.
    thaw(top: NodeKey, base: Option<NodeKey>) -> () = graph => graph.core.thaw(top, base);

    /// The driver changes its mind, and its children are refreshed (O17; QEMU: `bdrv_child_refresh_perms`). O(1).
    ///
    /// # Errors
    /// `NodeNotFound`, `OptionUnsupported`.
    set_option(node: NodeKey, option: DriverOption) -> () = graph => graph.step_set_option(node, option);

    /// The children are refreshed, after the driver was changed through [`Graph::driver_mut`]. O(1).
    ///
    /// # Errors
    /// `NodeNotFound`.
    refresh(node: NodeKey) -> () = graph => graph.core.step_refresh(node);

    /// Reopens the node read-only or writable, also if it is so already (O18; QEMU: `bdrv_reopen_set_read_only`).
    /// O(1).
    ///
    /// # Errors
    /// `NodeNotFound`, `ForceShareWritable`.
    set_read_only(node: NodeKey, read_only: bool) -> () = graph => graph.core.set_read_only(node, read_only);
}
