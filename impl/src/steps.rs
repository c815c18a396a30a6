//! The steps as methods of a transaction.

use crate::context::ContextId;
use crate::driver::{Driver, DriverOption};
use crate::error::StepError;
#[cfg(doc)]
use crate::graph::Graph;
use crate::graph::{EdgeKey, NodeKey, UserKey};
use crate::op_kind::{OpKind, OpKinds};
use crate::open::{OpenSpec, OpenedImage};
use crate::ops::{NodeSpec, Reopen, UserSpec};
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
    /// Adds a node without edges. Its driver is granted nothing, shares everything, and has its writable state (O1;
    /// QEMU: `bdrv_new_open_driver`). The monitor holds the node, or a caller holds it if it is implicit (L1). O(1)
    /// expected.
    ///
    /// # Errors
    /// `DuplicateNode`, `ForceShareWritable`, `NotAFilter` of an implicit node.
    add(spec: NodeSpec, driver: D) -> NodeKey = graph => graph.step_add(spec, driver);

    /// Opens a new node as a child of `parent`, from which it inherits (O23, S8.1; QEMU: `bdrv_open_child`). The node
    /// has no holder and lives by its edges. If the spec says read-only, that is its own flag. Otherwise it inherits
    /// the flag: it is read-only if the role has COW or if the parent is read-only. O(children of the parent), for the
    /// name.
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, those of [`add`](Self::add), `NoChildren`, `DuplicateChild`, `BadRole`,
    /// `RoleUnsupported`, `SlotTaken`.
    open_child(parent: NodeKey, spec: NodeSpec, driver: D, name: impl Into<Arc<str>>, role: Role) -> NodeKey =
        graph => graph.step_open_child(parent, spec, driver, name.into(), role);

    /// Opens an image whose drivers are ready, as one step: the node, its file child, the nodes it refers to, and a
    /// temporary overlay (O41; QEMU: `bdrv_open_inherit`). The monitor holds the overlay, or the node if there is no
    /// overlay. A rollback closes the drivers, last opened first (L5.10). It can come from an error of this step or a
    /// later one, from the check at commit, from a hook, or from dropping the transaction. O(parents of the nodes it
    /// refers to), and with [`probe`](OpenSpec::probe) the earlier steps of the transaction.
    ///
    /// # Errors
    /// `NodeNotFound`; those of [`add`](Self::add) for the file; `ProbeDenied`; those of `add` for the node;
    /// `NoChildren`, `DuplicateChild`, `RoleUnsupported`, `SlotTaken`; those of [`set_backing`](Self::set_backing);
    /// those of [`insert`](Self::insert) for the overlay.
    open(spec: OpenSpec<D>) -> OpenedImage = graph => graph.step_open(spec.into());

    /// Adds a caller's holder to the node (O20; QEMU: `bdrv_ref`). O(1).
    ///
    /// # Errors
    /// `NodeNotFound`.
    hold(node: NodeKey) -> () = graph => graph.core.hold(node);

    /// Drops one holder, a caller's first. At zero references the node is doomed (O2; QEMU: `bdrv_unref`). O(1).
    ///
    /// # Errors
    /// `NodeNotFound`, `NoHolder`.
    release(node: NodeKey) -> () = graph => graph.core.release(node);

    /// Deletes an unused node (O21; QEMU: `blockdev-del`): drops the monitor's holder, which must be its last
    /// reference. O(parents).
    ///
    /// # Errors
    /// `NodeNotFound`, `HasUser`, `Blocked`, `NotMonitorOwned`, `InUse`.
    delete(node: NodeKey) -> () = graph => graph.core.delete(node);

    /// Takes the driver from the node (O22, L3; QEMU: a driver that sets `bs->drv` to NULL). The commit returns it in
    /// [`Committed::ejected`](crate::Committed::ejected). The node keeps its shape, and its edges keep their pairs. The
    /// plan has no steps for it any more, and it gets no new children. O(1).
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`.
    eject_driver(node: NodeKey) -> () = graph => graph.step_eject(node);

    /// Attaches a new root user with an edge to `node` (O3; QEMU: `bdrv_root_attach_child`). A user that `stays` is not
    /// moved by [`replace_node`](Self::replace_node). This is the short form of
    /// [`attach_user_as`](Self::attach_user_as).
    ///
    /// # Errors
    /// `DuplicateUser`, `NodeNotFound`.
    attach_user(name: impl Into<Arc<str>>, node: NodeKey, pair: Pair, stays: bool) -> UserKey =
        graph => graph.core.attach_user(UserSpec::new(name, pair).stays(stays), node);

    /// Attaches a new root user with the properties of the spec and an edge to `node` (O3; QEMU:
    /// `bdrv_root_attach_child`). O(1) expected, whatever the number of parents.
    ///
    /// # Errors
    /// `DuplicateUser`, `NodeNotFound`.
    attach_user_as(spec: UserSpec, node: NodeKey) -> UserKey = graph => graph.core.attach_user(spec, node);

    /// Detaches a root user (O4; QEMU: `bdrv_root_unref_child`). O(1) expected.
    ///
    /// # Errors
    /// `UserNotFound`.
    detach_user(user: UserKey) -> () = graph => graph.core.detach_user(user);

    /// Changes the pair that a root user wants (O5; QEMU: `bdrv_child_try_set_perm`). O(1).
    ///
    /// # Errors
    /// `UserNotFound`.
    set_user(user: UserKey, pair: Pair) -> () = graph => graph.core.set_user(user, pair);

    /// Adds an edge from `parent` to `child` (O6; QEMU: `bdrv_attach_child`). O(1) expected.
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `NoChildren`, `DuplicateChild`, `BadRole`, `RoleUnsupported`, `SlotTaken`.
    attach(parent: NodeKey, child: NodeKey, name: impl Into<Arc<str>>, role: Role) -> EdgeKey =
        graph => graph.core.attach(parent, child, name.into(), role);

    /// Removes an edge from a node (O7; QEMU: `bdrv_unref_child`). O(1) if no node inherits from the parent. Otherwise
    /// O(children), and if some heirs are not its children, a walk below the edge (S8.2).
    ///
    /// # Errors
    /// `EdgeNotFound`, also for a user's edge and if the parent is doomed; `FilterNeedsChild`; `Frozen`.
    detach(edge: EdgeKey) -> () = graph => graph.core.detach(edge);

    /// The backing child, or a backing filter's child, becomes `to` or goes (O8; QEMU: `bdrv_set_backing_hd`).
    /// As detach and attach.
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `BackingUnsupported`, `DuplicateChild`, `FilterNeedsChild`, `Frozen`.
    set_backing(node: NodeKey, to: Option<NodeKey>) -> () = graph => graph.step_set_backing(node, to);

    /// Makes `to` the file child (O9; QEMU: `bdrv_set_file_or_backing_noperm`). It costs as much as detach and attach.
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `FileUnsupported`, `NoFileChild`, `DuplicateChild`, `Frozen`.
    set_file(node: NodeKey, to: NodeKey) -> () = graph => graph.step_set_file(node, to);

    /// Moves the parents of `from` to `to`, except users that stay and parents that `to` reaches (O10; QEMU:
    /// `bdrv_replace_node`). O(parents).
    ///
    /// # Errors
    /// `NodeNotFound`, `SameNode`, `Frozen`.
    replace_node(from: NodeKey, to: NodeKey) -> () = graph => graph.core.replace_node(from, to);

    /// Gives one edge, of a node or of a user, another target (O11; QEMU: `bdrv_replace_child_bs`). Everything else
    /// about the edge stays. O(1).
    ///
    /// # Errors
    /// `EdgeNotFound`, also if the parent is doomed; `NodeNotFound`; `SameNode`; `Frozen`.
    replace_edge(edge: EdgeKey, to: NodeKey) -> () = graph => graph.core.replace_edge(edge, to);

    /// Puts `new` above `top`: attaches `top` below it and moves `top`'s parents to it (O12; QEMU: `bdrv_append`).
    /// O(parents of `top` + children of `new`).
    ///
    /// # Errors
    /// `NodeNotFound`, `SameNode`, `NodeCorrupted`, `BackingUnsupported`, `DuplicateChild`, `SlotTaken`, `Frozen`.
    append(new: NodeKey, top: NodeKey) -> () = graph => graph.step_append(new, top, false);

    /// The same as [`append`](Self::append), and `new` stores the name of `top` as its backing name (O12, S6). The plan
    /// asks its driver for this. Only for drivers with backing.
    ///
    /// # Errors
    /// Those of `append`.
    append_and_store(new: NodeKey, top: NodeKey) -> () = graph => graph.step_append(new, top, true);

    /// [`add`](Self::add) and [`append`](Self::append) as one step (O13; QEMU: `bdrv_insert_node`).
    ///
    /// # Errors
    /// Those of `add`, then those of `append`.
    insert(spec: NodeSpec, driver: D, top: NodeKey) -> NodeKey = graph => graph.step_insert(spec, driver, top);

    /// Moves the parents of a filter to its child and drops one holder. Without another reference the filter is closed
    /// (O14; QEMU: `bdrv_drop_filter`). O(parents and children of the filter).
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `NotAFilter`, `NoFilteredChild`, `SameNode`, `Frozen`.
    drop_filter(filter: NodeKey) -> () = graph => graph.core.drop_filter(filter);

    /// Moves the parents of `top` to `base`, which is below it in its chain. The nodes between are closed, unless they
    /// have other references (O24; QEMU: `bdrv_drop_intermediate`). The images that had `top` as their backing file
    /// store the name of `base` instead (S6). O(chain + parents).
    ///
    /// ```
    /// use blockgraph::drivers::Format;
    /// use blockgraph::{Graph, NodeSpec, Preset};
    ///
    /// let mut graph: Graph<Preset> = Graph::new();
    /// let base = graph.add(NodeSpec::new("base"), Format.into())?;
    /// let middle = graph.insert(NodeSpec::new("middle"), Format.into(), base)?;
    /// let disk = graph.insert(NodeSpec::new("disk"), Format.into(), middle)?;
    ///
    /// let mut t = graph.transaction();
    /// t.drop_intermediate(middle, base)?;
    /// t.delete(middle)?;
    /// t.commit()?;
    /// let disk = graph.get(disk);
    /// assert_eq!(disk.and_then(|disk| disk.stored_backing()).map(|name| &**name), Some("base"));
    /// # Ok::<(), blockgraph::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NodeNotFound`, `SameNode`, `NodeCorrupted`, `NotInChain`, `ShouldNotChange`, `Frozen`.
    drop_intermediate(top: NodeKey, base: NodeKey) -> () = graph => graph.core.drop_intermediate(top, base, None);

    /// The same as [`drop_intermediate`](Self::drop_intermediate), with another name to store.
    ///
    /// # Errors
    /// Those of `drop_intermediate`.
    drop_intermediate_as(top: NodeKey, base: NodeKey, name: impl Into<Arc<str>>) -> () =
        graph => graph.core.drop_intermediate(top, base, Some(name.into()));

    /// Takes a snapshot of `node`: puts `overlay` above it, with the checks of a user's request (O26; QEMU:
    /// `blockdev-snapshot`). Otherwise it is like [`append`](Self::append), for drivers with backing. O(parents of both
    /// + children of `overlay`).
    ///
    /// # Errors
    /// `NodeNotFound`, `Blocked`, `HasUser`, `SameNode`, `NodeCorrupted`, `BackingUnsupported`, `DuplicateChild`,
    /// `SlotTaken`, `Frozen`.
    snapshot_node(node: NodeKey, overlay: NodeKey) -> () = graph => graph.step_snapshot(node, overlay);

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

    /// Changes a driver's option and refreshes its children (O17; QEMU: `bdrv_child_refresh_perms`). O(1).
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `OptionUnsupported`.
    set_option(node: NodeKey, option: DriverOption) -> () = graph => graph.step_set_option(node, option);

    /// Refreshes the children, after the driver was changed through [`Graph::driver_mut`]. O(1).
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`.
    refresh(node: NodeKey) -> () = graph => graph.core.step_refresh(node);

    /// Reopens nodes. Their read-only flags, options, backing and file children become what the entries say, and the
    /// children that inherit from a node are reopened with it (O25, R1 to R4; QEMU: `bdrv_reopen_multiple`). All
    /// conditions are tested on the graph at the start of the step, before anything changes. The drivers of all
    /// reopened nodes are flushed, prepared and checked. An empty list changes nothing. O(reopened nodes and their
    /// children), and walks as for [`detach`](Self::detach) where a child is removed.
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `ForceShareWritable`, `OptionUnsupported`, `BackingMissing`, `ImplicitChild`,
    /// and those of [`set_backing`](Self::set_backing) and [`set_file`](Self::set_file).
    reopen(entries: &[Reopen]) -> () = graph => graph.step_reopen(entries);

    /// Reopens the node read-only or writable, even if it already is, and keeps everything else (O18; QEMU:
    /// `bdrv_reopen_set_read_only`). Nodes that inherit from it are reopened, too. It costs as much as
    /// [`reopen`](Self::reopen).
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `ForceShareWritable`.
    set_read_only(node: NodeKey, read_only: bool) -> () =
        graph => graph.step_reopen(&[Reopen::new(node).keep(true).read_only(read_only)]);

    /// Adds these kinds to the operations that the user's edge blocks on its node (O27, L4; QEMU: `bdrv_op_block`). The
    /// reason applies to everything that the user blocks. O(1) expected.
    ///
    /// # Errors
    /// `UserNotFound`.
    block(user: UserKey, kinds: OpKinds, reason: impl Into<Arc<str>>) -> () =
        graph => graph.core.block(user, kinds, reason.into());

    /// Removes these kinds from the operations that the user blocks (O28; QEMU: `bdrv_op_unblock`). O(1) expected.
    ///
    /// # Errors
    /// `UserNotFound`, `NotBlocked`.
    unblock(user: UserKey, kinds: OpKinds) -> () = graph => graph.core.unblock(user, kinds);

    /// Gives the image to another process: the node becomes inactive, and with it the nodes below that have no active
    /// parent left (O36, A1; QEMU: `bdrv_inactivate`). Its users have an empty pair until it is activated (A3). On an
    /// inactive node this changes nothing. O(nodes that become inactive, their children, and the parents of these).
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `ActiveParent`, `UserActive`.
    inactivate(node: NodeKey) -> () = graph => graph.core.inactivate(node);

    /// Takes the image back: the node and all nodes below it become active, and their users get what they want, which
    /// the commit may refuse (O37, A2, A3; QEMU: `bdrv_activate`). O(nodes below).
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`.
    activate(node: NodeKey) -> () = graph => graph.core.activate(node);

    /// Changes the size of the user's node to one that is or is not a multiple of the request alignment of the file
    /// below (O38, P9; QEMU: `blk_truncate`). The file is found from the node along filtered children. Its driver is
    /// told [`DriverOption::Unaligned`]. If the driver does not support the option, nothing changes. The user must have
    /// had the permission before the transaction. O(filters + changes of the transaction).
    ///
    /// # Errors
    /// `UserNotFound`, `NoResize`.
    truncate(user: UserKey, unaligned: bool) -> () = graph => graph.step_truncate(user, unaligned);

    /// Adds a child to a node in use, in the role DATA (O39; QEMU: `bdrv_add_child`). Only for drivers with [live
    /// children](crate::Policy::live_children): quorum. O(children of the parent), for the name.
    ///
    /// # Errors
    /// `NodeNotFound`, `NodeCorrupted`, `ChildrenFixed`, `HasParent`, `DuplicateChild`.
    add_child(parent: NodeKey, child: NodeKey, name: impl Into<Arc<str>>) -> EdgeKey =
        graph => graph.core.add_live_child(parent, child, name.into());

    /// Removes a child from a node in use, except the last one (O40; QEMU: `bdrv_del_child`). It costs as much as
    /// [`detach`](Self::detach).
    ///
    /// # Errors
    /// `EdgeNotFound`, also for a user's edge and if the parent is doomed; `NodeCorrupted`, `ChildrenFixed`,
    /// `LastChild`, `Frozen`.
    remove_child(edge: EdgeKey) -> () = graph => graph.core.remove_live_child(edge);

    /// Fails if the kind of operation is blocked on the node, and changes nothing (O29; QEMU: `bdrv_op_is_blocked`).
    /// [`Graph::is_blocked`] answers the same question without a transaction. O(parents).
    ///
    /// # Errors
    /// `NodeNotFound`, `Blocked`.
    ensure_not_blocked(node: NodeKey, kind: OpKind) -> () = graph => graph.core.ensure_not_blocked(node, kind);

    /// Fails unless a copy of `parent` may replace `node`, and changes nothing (O30; QEMU: `check_to_replace_node`).
    /// See [`Graph::can_replace`]. O(parents + nodes between).
    ///
    /// # Errors
    /// `NodeNotFound`, `Blocked`, `CannotReplace`.
    check_replace(parent: NodeKey, node: NodeKey) -> () = graph => graph.core.check_replace(parent, node);

    /// Begins a drained section on the node: the node and all nodes above it are quiesced until it ends (O31, Q1; QEMU:
    /// `bdrv_drained_begin`). The section is a reference to the node. O(nodes that become quiesced and their parents).
    ///
    /// ```
    /// use blockgraph::drivers::{Filter, Protocol};
    /// use blockgraph::{Graph, NodeSpec, Pair, Preset};
    ///
    /// let mut graph: Graph<Preset> = Graph::new();
    /// let file = graph.add(NodeSpec::new("file"), Protocol.into())?;
    /// let throttle = graph.insert(NodeSpec::new("throttle"), Filter.into(), file)?;
    /// let guest = graph.attach_user("guest", throttle, Pair::NOTHING, false)?;
    /// graph.drain_begin(file)?;
    /// assert!(graph.user_view(guest).is_some_and(|guest| guest.is_quiesced()));
    ///
    /// // The section ends in the transaction that drops the throttle. The guest resumes once.
    /// let mut t = graph.transaction();
    /// t.drop_filter(throttle)?;
    /// t.drain_end(file)?;
    /// let committed = t.commit()?;
    /// assert_eq!((committed.resumed(), committed.resumed_users()), (&[file][..], &[guest][..]));
    /// # Ok::<(), blockgraph::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NodeNotFound`.
    drain_begin(node: NodeKey) -> () = graph => graph.core.drain_begin(node);

    /// Ends a drained section of the node. At zero references the node is doomed (O32; QEMU: `bdrv_drained_end`).
    /// O(nodes that stop being quiesced and their parents).
    ///
    /// # Errors
    /// `NodeNotFound`, `NotDrained`.
    drain_end(node: NodeKey) -> () = graph => graph.core.drain_end(node);

    /// Begins a drained section on all nodes, including nodes added later (O33, Q1; QEMU: `bdrv_drain_all_begin`).
    /// O(1), and the commit tells all drivers.
    ///
    /// # Errors
    /// None.
    drain_all_begin() -> () = graph => { graph.core.drain_all_begin(); Ok(()) };

    /// Ends a drained section on all nodes (O34; QEMU: `bdrv_drain_all_end`). O(1), and the commit tells all drivers.
    ///
    /// # Errors
    /// `NotDrainedAll`.
    drain_all_end() -> () = graph => graph.core.drain_all_end();

    /// Moves the node to another context, together with everything connected to it (O35, C2; QEMU:
    /// `bdrv_try_change_aio_context`). The commit decides: a fixed user in another context gives `ContextFixed`. O(1),
    /// and the commit walks over the component.
    ///
    /// ```
    /// use blockgraph::drivers::{Filter, Protocol};
    /// use blockgraph::{ContextId, ErrorKind, Graph, NodeSpec, Pair, Preset, UserSpec};
    ///
    /// let mut graph: Graph<Preset> = Graph::new();
    /// let file = graph.add(NodeSpec::new("file"), Protocol.into())?;
    /// let throttle = graph.insert(NodeSpec::new("throttle"), Filter.into(), file)?;
    /// let guest = UserSpec::new("guest", Pair::NOTHING).fixed(true).context(ContextId(1));
    /// graph.attach_user_as(guest, throttle)?;
    /// assert_eq!(graph.get(file).map(|file| file.context()), Some(ContextId(1)));
    ///
    /// let error = graph.move_context(file, ContextId(2)).unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::ContextFixed { .. }));
    /// # Ok::<(), blockgraph::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NodeNotFound`.
    move_context(node: NodeKey, to: ContextId) -> () = graph => graph.core.move_context(node, to);
}
