//! Drivers: the permission rule of a node ([`Policy`]) and the hooks that the graph calls on changes ([`Driver`]).

mod option;
mod refusal;

pub use option::{DriverOption, MirrorPhase, UnsupportedOption};
pub use refusal::{Cause, Refusal};

use crate::context::ContextId;
use crate::graph::view::NodeView;
use crate::open::{Limits, Options};
use crate::permission::{Grant, Pair};
use crate::role::{Role, Slot};
use alloc::boxed::Box;

/// Everything that the pair of a child edge may depend on (P4), besides the driver's own kind and options.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChildContext<'a> {
    /// The name of the edge.
    pub name: &'a str,
    /// The role of the edge.
    pub role: Role,
    /// The cumulative pair of the parent.
    pub parent: Pair,
    /// Whether the parent has any parent edge itself.
    pub has_parents: bool,
    /// Whether the parent is writable after the operation (P7).
    pub writable: bool,
    /// Whether the parent was opened without I/O (QEMU: `BDRV_O_NO_IO`).
    pub no_io: bool,
    /// Whether the parent is inactive after the operation (A1).
    pub inactive: bool,
}

impl<'a> ChildContext<'a> {
    /// Returns the context of an edge called `name` with this role, below a writable parent that has the pair `parent`
    /// and at least one parent of its own. It is meant for tests of a custom rule; the fields are public.
    #[must_use]
    pub const fn new(name: &'a str, role: Role, parent: Pair) -> Self {
        Self { name, role, parent, has_parents: true, writable: true, no_io: false, inactive: false }
    }
}

/// The side of a driver that has no effects: its shape and its rule for the permissions of its children.
///
/// The graph reads the methods that describe the shape once, when the node is added. `child_pair` must be a function of
/// its argument and of the driver's options. It should also be monotone (P10): if a parent needs more or shares less,
/// no child needs less or shares more. With a monotone rule, the graph never refuses an operation that only removes
/// parents.
pub trait Policy {
    /// Returns the name of the driver, which error messages show (QEMU: `format_name`).
    fn name(&self) -> &str;

    /// Returns the slot of the filtered child if the driver is a filter (S3.3), and `None` if it is not. Default: not a
    /// filter.
    fn filter_slot(&self) -> Option<Slot> {
        None
    }

    /// Returns whether a node of this driver can have a backing child. The graph does not call this for a filter.
    /// Default: no.
    fn supports_backing(&self) -> bool {
        false
    }

    /// Returns whether a node of this driver can have any child. The graph assumes so for filters and for drivers with
    /// a backing child. Default: yes.
    fn takes_children(&self) -> bool {
        true
    }

    /// Returns whether each child shows the same data as the node, so that a copy of the node may replace any of them
    /// (O30; QEMU: `bdrv_recurse_can_replace`). The graph assumes so for the filtered child of a filter. Default: no.
    fn children_replaceable(&self) -> bool {
        false
    }

    /// Returns the driver's own limits on requests (L5.15). Default: no limits.
    fn limits(&self) -> Limits {
        Limits::NONE
    }

    /// Returns the file name under which a protocol can be opened again (L5.16; QEMU: `exact_filename`). Default: none.
    fn filename(&self) -> Option<&str> {
        None
    }

    /// Returns the driver's own options that differ from their defaults, without the children. They suffice to open the
    /// driver again (L5.16; QEMU: `full_open_options`). Default: none.
    fn options(&self) -> Options {
        Options::new()
    }

    /// Returns whether the driver, although it is not a filter, can have a child with the filter's role, `FILTERED |
    /// PRIMARY` (S3.2). That child fills the slot *file*. The graph does not call this for a filter. Default: no.
    /// (QEMU: `raw`, if it has no offset.)
    fn takes_filtered(&self) -> bool {
        false
    }

    /// Returns whether children can be added to and removed from a node of this driver while the node is in use (O39,
    /// O40; QEMU: `bdrv_add_child`). Default: no.
    fn live_children(&self) -> bool {
        false
    }

    /// Returns the pair of a child edge (P4). The graph itself applies P8: an edge to a force-share node shares
    /// everything.
    fn child_pair(&self, context: &ChildContext<'_>) -> Pair;
}

/// A driver: its rule and the hooks that the graph calls (V5–V7).
///
/// Every hook has a default, which accepts. A hook receives a view of the node as it will be after the operation. It
/// cannot call the methods that change the graph.
///
/// The graph first calls the hooks that can refuse: `flush`, `prepare`, `rename`, `inactivate`, `change_context`,
/// `check`, `activate`. Every successful `prepare` is followed by exactly one `commit_prepare` or `abort_prepare`. The
/// same holds for `rename`, `inactivate`, `change_context` and `activate` with their commit and abort hooks. Every
/// successful `check` is followed by one `set` or `abort`. No call follows `flush`, which reserves nothing.
///
/// If a hook refuses, the graph calls the abort hooks in reverse order. If all hooks accept, the graph calls the
/// following hooks in this order:
///
/// * every `quiesce`;
/// * every `set`, children first;
/// * every `commit_activate`, every `commit_inactivate` and every `commit_context`, in the order of the calls that
///   accepted;
/// * every `commit_rename`, in reverse order;
/// * every `commit_prepare`, after those of the nodes below;
/// * every `post_commit`;
/// * every `resume`;
/// * finally `close` of every node that was closed (V6).
///
/// If a hook that can refuse panics, the panic unwinds through the transaction, and the graph is as it was before.
/// [`Graph::pending_aborts`](crate::Graph::pending_aborts) lists the steps that had succeeded until then.
pub trait Driver: Policy + Send + Sync {
    /// Writes out data that is not yet on disk, because the node is about to be reopened (QEMU: `bdrv_flush`). All
    /// reopened nodes are flushed before the first one is prepared. A refusal undoes the whole transaction.
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn flush(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// Prepares the node to become read-only or writable (QEMU: `bdrv_reopen_prepare`). A refusal undoes the whole
    /// transaction.
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        let _ = (view, read_only);
        Ok(())
    }

    /// Makes a prepared reopen take effect (QEMU: `bdrv_reopen_commit`).
    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        let _ = (view, read_only);
    }

    /// Undoes a prepared reopen (QEMU: `bdrv_reopen_abort`).
    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        let _ = (view, read_only);
    }

    /// Runs after the changes of this node and of all nodes that were reopened with it have taken effect (QEMU:
    /// `bdrv_reopen_commit_post`). The graph calls it for every prepared node, in the order in which the nodes were
    /// prepared. A panic in this hook undoes nothing, see [`PendingCommit::run`](crate::PendingCommit::run).
    fn post_commit(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Prepares the image to store another backing name, or none. [`NodeView::stored_backing`] is the new name (S6;
    /// QEMU: `bdrv_change_backing_file`). A refusal undoes the whole transaction.
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn rename(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// Stores the prepared backing name.
    fn commit_rename(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Drops the prepared backing name.
    fn abort_rename(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Writes out remaining data, because another program is about to own the image (A5; QEMU: `bdrv_inactivate`). The
    /// graph calls it for parents before children, and before any `check`. A refusal undoes the whole transaction.
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn inactivate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// Hands over the image: from now on another program owns it.
    fn commit_inactivate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Cancels the inactivation: this driver keeps the image.
    fn abort_inactivate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Reads cached metadata again, because this driver is about to own the image (A5; QEMU: `bdrv_activate`). The
    /// graph calls it for children before parents, and after every `check`. A refusal undoes the whole transaction.
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// Takes over the image: from now on this driver owns it.
    fn commit_activate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Cancels the activation: another program still owns the image.
    fn abort_activate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Prepares to do the I/O of the node in another context (C4; QEMU: `bdrv_try_change_aio_context`). The graph calls
    /// it for all connected nodes before the first of them changes. A refusal undoes the whole transaction, with one
    /// exception: if no user is connected with the component and it was only to return to the main context, the
    /// component stays where it is (C3).
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn change_context(&mut self, view: &NodeView<'_>, to: ContextId) -> Result<(), Refusal> {
        let _ = (view, to);
        Ok(())
    }

    /// Changes the context; the driver is quiesced (C4; QEMU: `bdrv_attach_aio_context`).
    fn commit_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        let _ = (view, to);
    }

    /// Cancels the change of context.
    fn abort_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        let _ = (view, to);
    }

    /// Checks whether the parents' permissions can become `new` (QEMU: `bdrv_check_perm`). A refusal undoes the whole
    /// transaction, unless `new` only loosens what the driver was granted. In that case the node becomes stale, and
    /// every later operation calls this hook again (V7).
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        let _ = (view, new);
        Ok(())
    }

    /// Makes the checked permissions take effect (QEMU: `bdrv_set_perm`).
    fn set_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        let _ = (view, new);
    }

    /// Cancels the checked permissions (QEMU: `bdrv_abort_perm_update`).
    fn abort_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        let _ = (view, new);
    }

    /// Stops sending requests and returns when none is in flight, because the node becomes quiesced or is about to
    /// change its context (Q4; QEMU: `bdrv_drain_begin`). The graph calls it when all drivers have accepted and before
    /// anything takes effect. It does not call it for a node that was already quiesced.
    fn quiesce(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Resumes sending requests, because the node is no longer quiesced, or was quiesced only for a change of its
    /// context (Q4; QEMU: `bdrv_drain_end`). The graph calls it when everything has taken effect. A panic in this hook
    /// undoes nothing, see [`PendingCommit::run`](crate::PendingCommit::run).
    fn resume(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// Closes the driver of the node called `name`, because the node was deleted (QEMU: `bdrv_close`). The graph also
    /// calls it if a node was to be opened with this driver and the opening failed or was rolled back (L5.10). A panic
    /// in this hook undoes nothing, see [`PendingCommit::run`](crate::PendingCommit::run).
    fn close(&mut self, name: &str) {
        let _ = name;
    }

    /// Changes an option and returns the previous value. A rollback passes that value back.
    ///
    /// # Errors
    /// [`UnsupportedOption`] if the option belongs to another kind of driver. The driver must not change in that case.
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        let _ = option;
        Err(UnsupportedOption)
    }

    /// Returns the option that a reopen without *keep* passes to [`set_option`](Self::set_option) (R1.2). `None` if the
    /// driver has no options.
    fn default_option(&self) -> Option<DriverOption> {
        None
    }
}

impl<T: Policy + ?Sized> Policy for Box<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn filter_slot(&self) -> Option<Slot> {
        (**self).filter_slot()
    }

    fn supports_backing(&self) -> bool {
        (**self).supports_backing()
    }

    fn takes_children(&self) -> bool {
        (**self).takes_children()
    }

    fn children_replaceable(&self) -> bool {
        (**self).children_replaceable()
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }

    fn filename(&self) -> Option<&str> {
        (**self).filename()
    }

    fn options(&self) -> Options {
        (**self).options()
    }

    fn takes_filtered(&self) -> bool {
        (**self).takes_filtered()
    }

    fn live_children(&self) -> bool {
        (**self).live_children()
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        (**self).child_pair(context)
    }
}

impl<T: Driver + ?Sized> Driver for Box<T> {
    fn flush(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        (**self).flush(view)
    }

    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        (**self).prepare(view, read_only)
    }

    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        (**self).commit_prepare(view, read_only);
    }

    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        (**self).abort_prepare(view, read_only);
    }

    fn post_commit(&mut self, view: &NodeView<'_>) {
        (**self).post_commit(view);
    }

    fn rename(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        (**self).rename(view)
    }

    fn commit_rename(&mut self, view: &NodeView<'_>) {
        (**self).commit_rename(view);
    }

    fn abort_rename(&mut self, view: &NodeView<'_>) {
        (**self).abort_rename(view);
    }

    fn inactivate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        (**self).inactivate(view)
    }

    fn commit_inactivate(&mut self, view: &NodeView<'_>) {
        (**self).commit_inactivate(view);
    }

    fn abort_inactivate(&mut self, view: &NodeView<'_>) {
        (**self).abort_inactivate(view);
    }

    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        (**self).activate(view)
    }

    fn commit_activate(&mut self, view: &NodeView<'_>) {
        (**self).commit_activate(view);
    }

    fn abort_activate(&mut self, view: &NodeView<'_>) {
        (**self).abort_activate(view);
    }

    fn change_context(&mut self, view: &NodeView<'_>, to: ContextId) -> Result<(), Refusal> {
        (**self).change_context(view, to)
    }

    fn commit_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        (**self).commit_context(view, to);
    }

    fn abort_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        (**self).abort_context(view, to);
    }

    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        (**self).check_permissions(view, new)
    }

    fn set_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        (**self).set_permissions(view, new);
    }

    fn abort_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        (**self).abort_permissions(view, new);
    }

    fn quiesce(&mut self, view: &NodeView<'_>) {
        (**self).quiesce(view);
    }

    fn resume(&mut self, view: &NodeView<'_>) {
        (**self).resume(view);
    }

    fn close(&mut self, name: &str) {
        (**self).close(name);
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        (**self).set_option(option)
    }

    fn default_option(&self) -> Option<DriverOption> {
        (**self).default_option()
    }
}
