//! The records of the undo log.

use crate::context::ContextId;
use crate::drain::DrainCounts;
use crate::graph::keys::{EdgeKey, NodeKey, UserKey};
use crate::op_kind::OpKinds;
use crate::permission::Pair;

/// A record that undoes one write.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    Added(NodeKey),
    /// A node was added with a driver that was opened for it. The undo closes the driver (L5.10).
    Opened(NodeKey),
    Doomed(NodeKey),
    /// A caller's holder was removed.
    Holder(NodeKey),
    /// A caller's holder was added.
    Held(NodeKey),
    /// The monitor's holder was removed.
    Monitor(NodeKey),
    /// A driver was ejected. It is the last of the graph's ejected drivers.
    Ejected(NodeKey),
    Inherits {
        node: NodeKey,
        parent: NodeKey,
        read_only: bool,
    },
    /// A backing name was changed. The old one is the last of `Pending::texts`.
    Stored(NodeKey),
    Renamed(NodeKey),
    /// A user's blocks were changed. The old reason is the last of `Pending::texts`.
    Blocks(UserKey, OpKinds),
    UserAdded(UserKey),
    UserRemoved(UserKey),
    Linked(EdgeKey),
    Unlinked(EdgeKey),
    /// An edge was retargeted. These are its old child and neighbours.
    Retargeted {
        edge: EdgeKey,
        child: NodeKey,
        prev_parent: EdgeKey,
        prev_child: EdgeKey,
    },
    Fresh(EdgeKey),
    Pair(EdgeKey, Pair),
    Frozen(EdgeKey, bool),
    ReadOnly(NodeKey, bool),
    Reopened(NodeKey),
    Inactive(NodeKey, bool),
    Shifted(NodeKey),
    Wanted(UserKey, Pair),
    Label(NodeKey, i64),
    DrainCounts {
        node: NodeKey,
        old: DrainCounts,
    },
    DrainAlls(u32),
    Context {
        node: NodeKey,
        old: ContextId,
    },
    /// A move was requested. It is the last of the requests.
    Request,
    /// A driver option was changed. The old value is the last of `Pending::options`.
    Option,
}
