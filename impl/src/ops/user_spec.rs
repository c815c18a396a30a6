//! The properties of a new root user (O3).

use crate::context::ContextId;
use crate::permission::Pair;
use alloc::sync::Arc;

/// The properties of a new root user: its name, what it wants, its flags.
///
/// ```
/// use blockgraph::drivers::Protocol;
/// use blockgraph::{Graph, NodeSpec, Pair, Preset, UserSpec};
///
/// let mut graph: Graph<Preset> = Graph::new();
/// let disk = graph.add(NodeSpec::new("disk"), Protocol.into())?;
/// let guest = graph.attach_user_as(UserSpec::new("guest", Pair::NOTHING).may_inactivate(true), disk)?;
/// assert!(graph.user_view(guest).is_some_and(|guest| guest.may_inactivate() && !guest.stays()));
/// # Ok::<(), blockgraph::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserSpec {
    pub(crate) name: Arc<str>,
    pub(crate) pair: Pair,
    pub(crate) stays: bool,
    pub(crate) may_inactivate: bool,
    pub(crate) fixed: bool,
    pub(crate) context: Option<ContextId>,
}

impl UserSpec {
    /// Makes the spec of a user of this name that wants this pair, without flags.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, pair: Pair) -> Self {
        Self { name: name.into(), pair, stays: false, may_inactivate: false, fixed: false, context: None }
    }

    /// Sets the flag *stay-at-node*: replacing the node does not move the user (S5).
    #[must_use]
    pub const fn stays(mut self, on: bool) -> Self {
        self.stays = on;
        self
    }

    /// Sets the flag *may-inactivate*: the user's node may be inactivated although the user wants more than reading
    /// (O36).
    #[must_use]
    pub const fn may_inactivate(mut self, on: bool) -> Self {
        self.may_inactivate = on;
        self
    }

    /// Sets the flag *fixed*: the context of the user never changes, and everything connected to it is in that context
    /// (C1). Without a [`context`](Self::context) it is the context of the node before the operation.
    #[must_use]
    pub const fn fixed(mut self, on: bool) -> Self {
        self.fixed = on;
        self
    }

    /// Gives the context of the user. Its node moves there, too, if that is possible (C2).
    #[must_use]
    pub const fn context(mut self, context: ContextId) -> Self {
        self.context = Some(context);
        self
    }
}
