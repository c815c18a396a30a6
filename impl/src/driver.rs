//! Drivers: the pure rule of a node ([`Policy`]) and the hooks that are told about changes ([`Driver`]).

use crate::context::ContextId;
use crate::graph::NodeView;
use crate::open::{Limits, Options};
use crate::permission::{Grant, Pair, Permissions};
use crate::role::{Role, Slot};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;

/// All that the pair of a child edge may depend on (P4), besides the driver's own kind and options.
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
    /// The context of an edge called `name` with this role, below a writable parent with the pair `parent` that has
    /// parents. For trying out a rule of one's own; the fields are public.
    #[must_use]
    pub const fn new(name: &'a str, role: Role, parent: Pair) -> Self {
        Self { name, role, parent, has_parents: true, writable: true, no_io: false, inactive: false }
    }
}

/// The pure side of a driver: its shape and its rule for the permissions of its children.
///
/// The seven questions about the shape are asked once, when the node is added. `child_pair` must be a function of its
/// argument and of the driver's options, and it should be monotone (P10): a parent that needs more or shares less
/// should never make a child need less or share more. Then an operation that only takes parents away is never
/// refused by the graph.
pub trait Policy {
    /// The name of the driver, for messages (QEMU: `format_name`).
    fn name(&self) -> &str;

    /// `Some` if the driver is a filter: the slot where its filtered child is (S3.3). Default: no filter.
    fn filter_slot(&self) -> Option<Slot> {
        None
    }

    /// Whether a backing child is possible; not asked of a filter. Default: no.
    fn supports_backing(&self) -> bool {
        false
    }

    /// Whether any child is possible; taken for granted of filters and drivers with backing. Default: yes.
    fn takes_children(&self) -> bool {
        true
    }

    /// Whether each child shows the same data as the node, so that a copy of the node may replace any of them (O30;
    /// QEMU: `bdrv_recurse_can_replace`). Taken for granted of a filter's filtered child. Default: no.
    fn children_replaceable(&self) -> bool {
        false
    }

    /// What the driver asks of requests by itself (L5.15). Default: nothing.
    fn limits(&self) -> Limits {
        Limits::NONE
    }

    /// The file name under which a protocol would be opened again (L5.16; QEMU: `exact_filename`). Default: it has
    /// none.
    fn filename(&self) -> Option<&str> {
        None
    }

    /// Those of the driver's own options that are not at their defaults, children aside: what opens it again (L5.16;
    /// QEMU: `full_open_options`). Default: none.
    fn options(&self) -> Options {
        Options::new()
    }

    /// Whether a child with the filter's role, `FILTERED | PRIMARY`, is possible though the driver is no filter (S3.2); it
    /// fills the slot *file*. Not asked of a filter. Default: no. (QEMU: `raw`, if it has no offset.)
    fn takes_filtered(&self) -> bool {
        false
    }

    /// Whether a node of this driver takes and loses children while it is in use (O39, O40; QEMU: `bdrv_add_child`).
    /// Default: no.
    fn live_children(&self) -> bool {
        false
    }

    /// The pair of a child edge (P4). The graph itself adds P8: an edge to a force-share node shares everything.
    fn child_pair(&self, context: &ChildContext<'_>) -> Pair;
}

/// The driver's own error behind a refusal, shared. Two are equal if they say the same.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn core::error::Error + Send + Sync>);

impl Cause {
    /// The error.
    #[must_use]
    pub fn error(&self) -> &(dyn core::error::Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Cause {}

/// Why a driver refuses a step, in its own words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    message: Arc<str>,
    cause: Option<Cause>,
}

impl Refusal {
    /// A refusal with a message for people.
    #[must_use]
    pub fn new(message: impl Into<Arc<str>>) -> Self {
        Self { message: message.into(), cause: None }
    }

    /// A refusal that says what `cause` says, and keeps it: whoever gets the error finds it by its type, with
    /// [`Error::cause`](crate::Error::cause).
    #[must_use]
    pub fn because(cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self { message: cause.to_string().into(), cause: Some(Cause(Arc::new(cause))) }
    }

    /// The driver's own error, if it was given.
    #[must_use]
    pub const fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Arc<str> {
        &self.message
    }
}

/// A change of mind of a driver (O17). A driver accepts the options of its own kind and refuses the others.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DriverOption {
    /// Blkdebug: permissions to take and to withhold on the child besides what the rule says (P6.4).
    Debug {
        /// Needed besides.
        take: Permissions,
        /// Not shared any more.
        unshare: Permissions,
    },
    /// Quorum: whether a child that was outvoted is rewritten (P6.5).
    Rewrite(bool),
    /// Write-to-selected: the name of the child that is written (P6.3).
    Select(Option<Arc<str>>),
    /// Mirror-top: what the job is about (P6.11).
    Phase(MirrorPhase),
    /// File: whether its size is not a multiple of its request alignment (P9).
    Unaligned(bool),
    /// An option of a driver of one's own.
    Other {
        /// Its name.
        key: Arc<str>,
        /// Its value.
        value: Arc<str>,
    },
}

/// What the job of a [`MirrorTop`](crate::drivers::MirrorTop) is about (P6.11).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MirrorPhase {
    /// It copies to a target of its own.
    #[default]
    Mirror,
    /// It copies into its own backing chain: an active commit.
    Commit,
    /// It is over.
    Stopped,
}

/// The driver has no such option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnsupportedOption;

/// A driver: its rule and the hooks through which it is told (V5–V7).
///
/// Every hook may rest on its default, which accepts. A hook gets the node as it will be after the operation, and
/// cannot reach the graph's mutators. Every successful `prepare` is followed by exactly one `commit_prepare` or
/// `abort_prepare`, and so are `rename`, `inactivate`, `change_context` and `activate` by theirs, and every successful
/// `check` by one `set` or `abort`. Aborts come in reverse order. When all have agreed: every `quiesce`; every `set`,
/// children first; every `commit_activate`, every `commit_inactivate` and every `commit_context`, in the order of
/// asking; every `commit_rename`, in reverse order; every `commit_prepare`, after those of the nodes below; every
/// `post_commit`; every `resume`; then the closed nodes are closed (V6). `flush` promises nothing, and nothing follows
/// it.
///
/// A hook that panics while being asked unwinds through the transaction, which leaves the graph as it was before; the
/// steps that succeeded until then are in [`Graph::pending_aborts`](crate::Graph::pending_aborts).
pub trait Driver: Policy + Send + Sync {
    /// The node is about to be reopened: what is not written yet is to be written (QEMU: `bdrv_flush`). All reopened
    /// nodes are flushed before the first is prepared. A refusal undoes all.
    ///
    /// # Errors
    /// The driver's refusal.
    fn flush(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// The node is about to become read-only or writable (QEMU: `bdrv_reopen_prepare`). A refusal undoes all.
    ///
    /// # Errors
    /// The driver's refusal.
    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        let _ = (view, read_only);
        Ok(())
    }

    /// What was prepared takes effect (QEMU: `bdrv_reopen_commit`).
    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        let _ = (view, read_only);
    }

    /// What was prepared does not happen (QEMU: `bdrv_reopen_abort`).
    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        let _ = (view, read_only);
    }

    /// Everything has taken effect, of this node and of all others that were reopened with it (QEMU:
    /// `bdrv_reopen_commit_post`). Called of every prepared node, in the order in which they were prepared. A panic in
    /// here undoes nothing, see [`Judged::run`](crate::Judged::run).
    fn post_commit(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The image is about to store another backing name, or none, which is [`NodeView::stored_backing`] (S6; QEMU:
    /// `bdrv_change_backing_file`). A refusal undoes all.
    ///
    /// # Errors
    /// The driver's refusal.
    fn rename(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// The name is to be stored.
    fn commit_rename(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The name is not to be stored after all.
    fn abort_rename(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The image is about to belong to somebody else: the last chance to write (A5; QEMU: `bdrv_inactivate`). Asked of
    /// parents before children, and before any `check`. A refusal undoes all.
    ///
    /// # Errors
    /// The driver's refusal.
    fn inactivate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// The image belongs to somebody else.
    fn commit_inactivate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The image does not change hands after all.
    fn abort_inactivate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The image is about to belong to this driver: what is known of it is to be read again (A5; QEMU:
    /// `bdrv_activate`). Asked of children before parents, and after every `check`. A refusal undoes all.
    ///
    /// # Errors
    /// The driver's refusal.
    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        let _ = view;
        Ok(())
    }

    /// The image belongs to this driver.
    fn commit_activate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The image stays with somebody else after all.
    fn abort_activate(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The I/O of the node is about to be done in another context (C4; QEMU: `bdrv_try_change_aio_context`). Of nodes
    /// that are connected all are asked before the first changes. A refusal undoes all, unless nobody uses the component
    /// and it was only to go back to main: then it stays where it is (C3).
    ///
    /// # Errors
    /// The driver's refusal.
    fn change_context(&mut self, view: &NodeView<'_>, to: ContextId) -> Result<(), Refusal> {
        let _ = (view, to);
        Ok(())
    }

    /// The context changes now; the driver is quiesced (C4; QEMU: `bdrv_attach_aio_context`).
    fn commit_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        let _ = (view, to);
    }

    /// The context does not change after all.
    fn abort_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        let _ = (view, to);
    }

    /// The parents' permissions are about to become `new` (QEMU: `bdrv_check_perm`). A refusal undoes all, unless
    /// `new` only loosens what the driver was granted: then the node goes stale and the driver is asked again in
    /// every later operation (V7).
    ///
    /// # Errors
    /// The driver's refusal.
    fn check(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        let _ = (view, new);
        Ok(())
    }

    /// What was checked takes effect (QEMU: `bdrv_set_perm`).
    fn set(&mut self, view: &NodeView<'_>, new: Grant) {
        let _ = (view, new);
    }

    /// What was checked does not happen (QEMU: `bdrv_abort_perm_update`).
    fn abort(&mut self, view: &NodeView<'_>, new: Grant) {
        let _ = (view, new);
    }

    /// The node becomes quiesced, or is about to change its context (Q4; QEMU: `bdrv_drain_begin`): the driver stops
    /// sending requests, and returns when none is in flight. Called when all drivers have agreed, before anything takes
    /// effect, and not of a node that was quiesced before.
    fn quiesce(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The node is not quiesced any more, or was only for a change of its context (Q4; QEMU: `bdrv_drain_end`). Called
    /// when everything has taken effect. A panic in here undoes nothing, see [`Judged::run`](crate::Judged::run).
    fn resume(&mut self, view: &NodeView<'_>) {
        let _ = view;
    }

    /// The node called `name` is gone for good (QEMU: `bdrv_close`); or it was to be opened, with this driver, and that
    /// failed or was taken back (L5.10). A panic in here undoes nothing, see [`Judged::run`](crate::Judged::run).
    fn close(&mut self, name: &str) {
        let _ = name;
    }

    /// Changes an option and returns the previous value, with which a rollback sets it back.
    ///
    /// # Errors
    /// [`UnsupportedOption`] if the option is one of another kind of driver; then nothing may change.
    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        let _ = option;
        Err(UnsupportedOption)
    }

    /// What a reopen without *keep* sets the options to (R1.2): what [`set_option`](Self::set_option) gets then. `None`
    /// if there are no options.
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

    fn check(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        (**self).check(view, new)
    }

    fn set(&mut self, view: &NodeView<'_>, new: Grant) {
        (**self).set(view, new);
    }

    fn abort(&mut self, view: &NodeView<'_>, new: Grant) {
        (**self).abort(view, new);
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
