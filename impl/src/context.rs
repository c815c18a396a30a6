//! Contexts (C1 to C5, O35): in which thread a node's I/O is done.
//!
//! Before an operation every component, that is nodes and users connected by edges, is in one context (C1). So it
//! still is if every new edge joins two ends in the same one, and then settling it would move nobody: whoever is asked
//! by C2.2, a fixed user, a parent end or a child end, says that same context, and what the operation makes counts as
//! in main, where it begins; and if all is new, all is in main. Therefore components are only looked at when an edge
//! was made that joins different contexts, when a move was asked for, or when a node outside main lost a parent, which
//! may make it an orphan (C3). All others are left alone, and an edge within one context costs a comparison.

use crate::error::Error;
use crate::graph::arena::{Core, NodeKey, Parent, UserKey};
use crate::journal::Undo;

mod id;
mod local_settle;
mod operation_changes;
mod orphans;
mod settle;
mod state;

pub use id::ContextId;
pub(crate) use state::{Contexts, Stay};

impl Core {
    /// O35. What comes of it is decided by the judgement.
    pub(crate) fn move_context(&mut self, key: NodeKey, to: ContextId) -> Result<(), Error> {
        self.live(key)?;
        self.pending.contexts.requests.push((key, to));
        self.pending.journal.push(Undo::Request);
        Ok(())
    }

    /// An edge gets a target: does it join different contexts? One that a movable user brings from elsewhere does if
    /// its targets differ. O(1).
    pub(crate) fn note_joined(&mut self, parent: Parent, from: Option<NodeKey>, to: NodeKey) {
        let context = self.nodes[to].context;
        let differs = |node: NodeKey| self.nodes[node].context != context;
        self.pending.contexts.uneven |= match parent {
            Parent::Node(node) => differs(node),
            Parent::User(user) => {
                self.users[user].context.is_some_and(|said| said != context) || from.is_some_and(differs)
            }
        };
    }

    /// A node loses a parent edge: outside main it may become an orphan. O(1).
    pub(crate) fn note_lost_parent(&mut self, child: NodeKey) {
        self.pending.contexts.uneven |= self.nodes[child].context != ContextId::MAIN;
    }

    /// Must components be looked at? Asked before the doomed nodes are closed; who loses a parent by that is connected
    /// with a doomed node now. O(doomed nodes).
    pub(crate) fn contexts_concerned(&self) -> bool {
        let outside = |key: &NodeKey| self.nodes.get(*key).is_some_and(|node| node.context != ContextId::MAIN);
        let pending = &self.pending;
        pending.contexts.uneven || !pending.contexts.requests.is_empty() || pending.doomed.iter().any(outside)
    }

    fn set_context(&mut self, key: NodeKey, to: ContextId) {
        let old = core::mem::replace(&mut self.nodes[key].context, to);
        self.pending.journal.push(Undo::Context { node: key, old });
        // Who moves is quiesced meanwhile (C4).
        self.pending.drains = true;
    }

    /// Where a fixed user lives (C1).
    fn fixed_context(&self, user: UserKey) -> Option<ContextId> {
        self.users.get(user).filter(|user| user.fixed).and_then(|user| user.context)
    }
}
