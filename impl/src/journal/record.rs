//! The records of the undo log.

use crate::context::ContextId;
use crate::drain::DrainCounts;
use crate::graph::keys::{EdgeKey, NodeKey, UserKey};
use crate::op_kind::OpKinds;
use crate::permission::Pair;

/// How to take one write back.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    Added(NodeKey),
    /// The driver of a node that has just joined was opened for it, and is closed when that is taken back (L5.10).
    Opened(NodeKey),
    Doomed(NodeKey),
    /// A caller's holder went.
    Holder(NodeKey),
    /// A caller's holder came.
    Held(NodeKey),
    /// The monitor's holder went.
    Monitor(NodeKey),
    /// The last of the graph's ejected drivers.
    Ejected(NodeKey),
    Inherits {
        node: NodeKey,
        parent: NodeKey,
        read_only: bool,
    },
    /// The previous name is the last of `Pending::texts`.
    Stored(NodeKey),
    Renamed(NodeKey),
    /// The previous reason is the last of `Pending::texts`.
    Blocks(UserKey, OpKinds),
    UserAdded(UserKey),
    UserRemoved(UserKey),
    Linked(EdgeKey),
    Unlinked(EdgeKey),
    /// The edge was retargeted from this child and these neighbours.
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
    /// The last of the requests to move.
    Request,
    /// The previous value is the last of `Pending::options`.
    Option,
}
