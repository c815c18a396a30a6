//! The operations as methods of the graph. Each is a transaction of one step, committed through the drivers' hooks.

use super::Graph;
use super::arena::{EdgeKey, NodeKey, UserKey};
use crate::context::ContextId;
use crate::driver::{Driver, DriverOption};
use crate::error::Error;
use crate::op_kind::{OpKind, OpKinds};
use crate::open::{OpenSpec, OpenedImage};
use crate::ops::{NodeSpec, Reopen, UserSpec};
use crate::permission::Pair;
use crate::role::Role;
#[cfg(doc)]
use crate::transaction::Transaction;
use alloc::sync::Arc;

/// Each method runs the method of [`Transaction`] of the same name and a commit.
macro_rules! one_op {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        /// Transactions of one step. Each does what the method of [`Transaction`] of the same name says, and commits.
        /// To get the plan, or closed and ejected drivers, commit a transaction instead.
        ///
        /// # Errors
        /// Those of the step, a violation (V3), or a driver's refusal (V7). Then nothing has changed.
        impl<D: Driver> Graph<D> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// Those of the step, a violation (V3), or a driver's refusal (V7); then nothing has changed.
            pub fn $name(&mut self, $($arg: $type),*) -> Result<$result, Error> {
                let mut transaction = self.transaction();
                let result = transaction.$name($($arg),*)?;
                transaction.commit_silently()?;
                Ok(result)
            }
        )*}
    };
}

one_op! {
    /// [`Transaction::add`], alone.
    add(spec: NodeSpec, driver: D) -> NodeKey;
    /// [`Transaction::open_child`], alone.
    open_child(parent: NodeKey, spec: NodeSpec, driver: D, name: impl Into<Arc<str>>, role: Role) -> NodeKey;
    /// [`Transaction::open`], alone.
    open(spec: OpenSpec<D>) -> OpenedImage;
    /// [`Transaction::hold`], alone.
    hold(node: NodeKey) -> ();
    /// [`Transaction::release`], alone.
    release(node: NodeKey) -> ();
    /// [`Transaction::delete`], alone.
    delete(node: NodeKey) -> ();
    /// [`Transaction::eject_driver`], alone.
    eject_driver(node: NodeKey) -> ();
    /// [`Transaction::attach_user`], alone.
    attach_user(name: impl Into<Arc<str>>, node: NodeKey, pair: Pair, stays: bool) -> UserKey;
    /// [`Transaction::attach_user_as`], alone.
    attach_user_as(spec: UserSpec, node: NodeKey) -> UserKey;
    /// [`Transaction::detach_user`], alone.
    detach_user(user: UserKey) -> ();
    /// [`Transaction::set_user`], alone.
    set_user(user: UserKey, pair: Pair) -> ();
    /// [`Transaction::attach`], alone.
    attach(parent: NodeKey, child: NodeKey, name: impl Into<Arc<str>>, role: Role) -> EdgeKey;
    /// [`Transaction::detach`], alone.
    detach(edge: EdgeKey) -> ();
    /// [`Transaction::set_backing`], alone.
    set_backing(node: NodeKey, to: Option<NodeKey>) -> ();
    /// [`Transaction::set_file`], alone.
    set_file(node: NodeKey, to: NodeKey) -> ();
    /// [`Transaction::replace_node`], alone.
    replace_node(from: NodeKey, to: NodeKey) -> ();
    /// [`Transaction::replace_edge`], alone.
    replace_edge(edge: EdgeKey, to: NodeKey) -> ();
    /// [`Transaction::append`], alone.
    append(new: NodeKey, top: NodeKey) -> ();
    /// [`Transaction::append_and_store`], alone.
    append_and_store(new: NodeKey, top: NodeKey) -> ();
    /// [`Transaction::insert`], alone.
    insert(spec: NodeSpec, driver: D, top: NodeKey) -> NodeKey;
    /// [`Transaction::drop_filter`], alone.
    drop_filter(filter: NodeKey) -> ();
    /// [`Transaction::drop_intermediate`], alone.
    drop_intermediate(top: NodeKey, base: NodeKey) -> ();
    /// [`Transaction::drop_intermediate_as`], alone.
    drop_intermediate_as(top: NodeKey, base: NodeKey, name: impl Into<Arc<str>>) -> ();
    /// [`Transaction::snapshot_node`], alone.
    snapshot_node(node: NodeKey, overlay: NodeKey) -> ();
    /// [`Transaction::freeze`], alone.
    freeze(top: NodeKey, base: Option<NodeKey>) -> ();
    /// [`Transaction::thaw`], alone.
    thaw(top: NodeKey, base: Option<NodeKey>) -> ();
    /// [`Transaction::set_option`], alone.
    set_option(node: NodeKey, option: DriverOption) -> ();
    /// [`Transaction::refresh`], alone.
    refresh(node: NodeKey) -> ();
    /// [`Transaction::reopen`], alone.
    reopen(entries: &[Reopen]) -> ();
    /// [`Transaction::set_read_only`], alone.
    set_read_only(node: NodeKey, read_only: bool) -> ();
    /// [`Transaction::block`], alone.
    block(user: UserKey, kinds: OpKinds, reason: impl Into<Arc<str>>) -> ();
    /// [`Transaction::unblock`], alone.
    unblock(user: UserKey, kinds: OpKinds) -> ();
    /// [`Transaction::inactivate`], alone.
    inactivate(node: NodeKey) -> ();
    /// [`Transaction::activate`], alone.
    activate(node: NodeKey) -> ();
    /// [`Transaction::truncate`], alone.
    truncate(user: UserKey, unaligned: bool) -> ();
    /// [`Transaction::add_child`], alone.
    add_child(parent: NodeKey, child: NodeKey, name: impl Into<Arc<str>>) -> EdgeKey;
    /// [`Transaction::remove_child`], alone.
    remove_child(edge: EdgeKey) -> ();
    /// [`Transaction::ensure_not_blocked`], alone.
    ensure_not_blocked(node: NodeKey, kind: OpKind) -> ();
    /// [`Transaction::check_replace`], alone.
    check_replace(parent: NodeKey, node: NodeKey) -> ();
    /// [`Transaction::drain_begin`], alone.
    drain_begin(node: NodeKey) -> ();
    /// [`Transaction::drain_end`], alone.
    drain_end(node: NodeKey) -> ();
    /// [`Transaction::drain_all_begin`], alone.
    drain_all_begin() -> ();
    /// [`Transaction::drain_all_end`], alone.
    drain_all_end() -> ();
    /// [`Transaction::move_context`], alone.
    move_context(node: NodeKey, to: ContextId) -> ();
}
