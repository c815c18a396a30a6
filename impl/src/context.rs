//! Contexts (C1 to C5, O35): which thread does a node's I/O.
//!
//! A component is a set of nodes and users that edges connect. Before an operation every component is in one context
//! (C1). If every new edge connects two ends in the same context, every component still is in one context, and settling
//! the components would move nothing. The fixed user, parent end or child end that C2.2 consults has that same context.
//! New nodes begin in the main context, so a component with only new nodes is there.
//!
//! Therefore the commit walks over components only in three cases: a new edge connects different contexts, a step asked
//! for a move, or a node outside the main context lost a parent and may be an orphan (C3). In all other cases an edge
//! within one context costs one comparison.

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
    /// Records a request to move a node (O35). The commit decides what follows from it.
    pub(crate) fn move_context(&mut self, key: NodeKey, to: ContextId) -> Result<(), Error> {
        self.live(key)?;
        self.pending.contexts.requests.push((key, to));
        self.pending.journal.push(Undo::Request);
        Ok(())
    }

    /// Notes that an edge gets a target, and whether it connects different contexts. For a movable user from another
    /// target, its targets are compared. O(1).
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

    /// Notes that a node loses a parent edge. Outside the main context it may become an orphan. O(1).
    pub(crate) fn note_lost_parent(&mut self, child: NodeKey) {
        self.pending.contexts.uneven |= self.nodes[child].context != ContextId::MAIN;
    }

    /// Returns whether the commit must look at components. The caller asks before it closes doomed nodes: a node that
    /// loses a parent by a closing is still connected to a doomed node here. O(doomed nodes).
    pub(crate) fn contexts_concerned(&self) -> bool {
        let outside = |key: &NodeKey| self.nodes.get(*key).is_some_and(|node| node.context != ContextId::MAIN);
        let pending = &self.pending;
        pending.contexts.uneven || !pending.contexts.requests.is_empty() || pending.doomed.iter().any(outside)
    }

    fn set_context(&mut self, key: NodeKey, to: ContextId) {
        let old = core::mem::replace(&mut self.nodes[key].context, to);
        self.pending.journal.push(Undo::Context { node: key, old });
        // Nodes that move are quiesced meanwhile (C4).
        self.pending.drains = true;
    }

    /// Returns the context of a fixed user (C1).
    fn fixed_context(&self, user: UserKey) -> Option<ContextId> {
        self.users.get(user).filter(|user| user.fixed).and_then(|user| user.context)
    }
}
