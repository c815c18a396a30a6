//! What QEMU keeps and the model does not.

use crate::compare::answer::TurnAnswer;
use crate::state::context_memory::ContextMemory;
use crate::state::explicit_options::ExplicitOptions;
use crate::state::jobs;
use crate::state::queries::{has_job, with_overlays};
use crate::state::reopen_queue::{self, QueuedNode};
use crate::wire::names;
use blockgraph_model::op::Flags;
use blockgraph_model::{Below, NodeId, Op, Parent, State, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// What QEMU keeps and the model does not: the number of a quorum's next child, explicit options, and the effects of
/// deviations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    next_child: BTreeMap<u8, u8>,
    /// The nodes that a reopen has queued twice. QEMU leaves them drained (H61), and every read of them hangs.
    drained: BTreeSet<u8>,
    /// The nodes whose image a job may have overwritten.
    spoiled: BTreeSet<u8>,
    /// The nodes whose files may have grown.
    grown: BTreeSet<u8>,
    /// The users beside jobs for which an inactivation was refused. QEMU does not show there what they have now (D20).
    users_lost_permissions: BTreeSet<u16>,
    /// The explicit options of the nodes.
    pub options: ExplicitOptions,
    /// The contexts in which nodes may live.
    pub contexts: ContextMemory,
}

impl Memory {
    /// Returns the number of a quorum's next child.
    pub fn next_child(&self, quorum: NodeId) -> u8 {
        self.next_child.get(&quorum.0).copied().unwrap_or(0)
    }

    /// Returns whether this node is left drained.
    pub fn is_drained(&self, node: NodeId) -> bool {
        self.drained.contains(&node.0)
    }

    /// Returns whether a refused inactivation may have taken this user's permissions.
    pub fn may_be_robbed(&self, user: UserId) -> bool {
        self.users_lost_permissions.contains(&user.0)
    }

    /// Returns whether this node may be longer than a new one.
    pub fn is_long<const N: usize, const E: usize>(&self, state: &State<N, E>, node: NodeId) -> bool {
        jobs::measured(state, node).is_some_and(|file| self.is_grown(file))
    }

    /// Returns whether the file of this node may be longer than a new one.
    pub fn is_grown(&self, node: NodeId) -> bool {
        self.grown.contains(&node.0)
    }

    /// Returns whether a job may have overwritten the content of this node's file.
    pub fn is_spoiled(&self, node: NodeId) -> bool {
        self.spoiled.contains(&node.0)
    }

    fn opened(&mut self, node: NodeId, flags: Flags) {
        self.contexts.opened(node);
        for set in [&mut self.drained, &mut self.spoiled, &mut self.grown] {
            set.remove(&node.0);
        }
        self.options.open(node, flags);
    }

    /// Enters that QEMU was asked to do these operations in this state.
    pub fn after<const N: usize, const E: usize>(&mut self, before: &State<N, E>, ops: &[Op], answer: &TurnAnswer) {
        if *answer == TurnAnswer::Done {
            self.note(ops);
        }
        self.contexts.after(before, ops, answer);
        for op in ops {
            let written = jobs::writes(before, op);
            self.spoiled.extend(written.spoiled.iter().map(|id| id.0));
            self.grown.extend(written.grown.iter().map(|id| id.0));
        }
        self.options.retain_writable(before);
        if let ([Op::Inactivate { node }], TurnAnswer::Refused(..)) = (ops, answer)
            && before.node(*node).is_some()
        {
            self.users_lost_permissions.extend(users_without_jobs(before, *node).map(|user| user.0));
        }
        let done = *answer == TurnAnswer::Done;
        for op in ops {
            match op {
                Op::Reopen { queue } => {
                    let places = reopen_queue::queue(before, &self.options, queue.entries());
                    self.queued(&places);
                    let queued = places.iter().filter(|_| done);
                    queued.for_each(|queued| self.options.reopen(queued.node(), queued.lacks_read_only()));
                }
                // A snapshot makes the node below read-only by an explicit option. The edge that it adds may be the
                // second one to a node that inherits.
                Op::Snapshot { node, .. } if done => {
                    let overlaid = with_overlays(before, ops);
                    let places = reopen_queue::sealed(overlaid.as_ref().unwrap_or(before), &self.options, *node);
                    self.queued(&places);
                }
                _ => {}
            }
        }
    }

    /// A node that is queued twice stays drained.
    fn queued(&mut self, places: &[QueuedNode]) {
        self.drained.extend(places.iter().filter(|place| place.times > 1).map(|place| place.node().0));
    }

    /// Enters the effects of operations that were done.
    fn note(&mut self, ops: &[Op]) {
        for op in ops {
            match *op {
                Op::Add { node, spec } => {
                    self.next_child.insert(node.0, 0);
                    self.opened(node, spec.flags);
                }
                Op::Open { node, layer, file, .. } => {
                    self.opened(node, layer.flags);
                    if let Some(Below { node: below, opened: Some(own) }) = file {
                        let inactive = layer.flags.inactive || own.flags.inactive;
                        let force_share = layer.flags.force_share || own.flags.force_share;
                        self.opened(below, Flags { inactive, force_share, ..own.flags });
                    }
                }
                Op::Attach { parent, .. } | Op::AddChild { parent, .. } => {
                    *self.next_child.entry(parent.0).or_default() += 1;
                }
                Op::RemoveChild { parent, name } => {
                    let next = self.next_child.entry(parent.0).or_default();
                    if names::quorum_number(name).map(|n| n + 1) == Some(*next) {
                        *next -= 1;
                    }
                }
                _ => {}
            }
        }
    }
}

/// Returns the users, except those of jobs, of nodes at or below this one on which jobs have users.
fn users_without_jobs<const N: usize, const E: usize>(
    state: &State<N, E>,
    node: NodeId,
) -> impl Iterator<Item = UserId> {
    let reached = state.reach(node);
    let of_job = move |id| has_job(state, id);
    state.edges().iter().filter_map(move |edge| match edge.parent {
        Parent::User(user) if !edge.user_flags.stay && reached[usize::from(edge.child.0)] && of_job(edge.child) => {
            Some(user)
        }
        _ => None,
    })
}
