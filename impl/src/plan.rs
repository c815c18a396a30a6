//! The plan with the steps for the drivers, and the result of a commit.

use crate::context::{ContextId, Stay};
use crate::drain::Notices;
use crate::error::Hook;
use crate::graph::arena::{NodeKey, UserKey};
use crate::permission::Grant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;
use slotmap::Key;

/// One step of a plan (V5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PlanStep {
    /// The driver of a reopened node writes its pending data (V5.1).
    Flush {
        /// The node.
        node: NodeKey,
    },
    /// The driver of a reopened node prepares (V5.1).
    Prepare {
        /// The node.
        node: NodeKey,
        /// Whether it becomes read-only.
        read_only: bool,
    },
    /// The driver prepares to store another backing name, or none, which is
    /// [`NodeView::stored_backing`](crate::NodeView::stored_backing) (S6, V5.1).
    Rename {
        /// The node.
        node: NodeKey,
    },
    /// The driver gives the image away, while it may still write (A5).
    Inactivate {
        /// The node.
        node: NodeKey,
    },
    /// The driver prepares to do its I/O in another context, which is [`NodeView::context`](crate::NodeView::context)
    /// (C4, V5.1).
    Context {
        /// The node.
        node: NodeKey,
        /// The context.
        to: ContextId,
        /// Whether this is only a wish (C3): after a refusal the component stays in its context, and nothing else is
        /// rolled back.
        wish: bool,
    },
    /// The driver checks the pair that its parents are about to get (V5.2).
    Check {
        /// The node.
        node: NodeKey,
        /// The new pair and writable state.
        grant: Grant,
    },
    /// The driver takes the image over. By then it may read (A5).
    Activate {
        /// The node.
        node: NodeKey,
    },
}

impl PlanStep {
    /// Returns the node whose driver is asked.
    #[must_use]
    pub const fn node(&self) -> NodeKey {
        match self {
            Self::Flush { node }
            | Self::Prepare { node, .. }
            | Self::Rename { node }
            | Self::Inactivate { node }
            | Self::Context { node, .. }
            | Self::Check { node, .. }
            | Self::Activate { node } => *node,
        }
    }

    /// Returns the hook that executes the step.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match self {
            Self::Flush { .. } => Hook::Flush,
            Self::Prepare { .. } => Hook::Prepare,
            Self::Rename { .. } => Hook::Rename,
            Self::Inactivate { .. } => Hook::Inactivate,
            Self::Context { .. } => Hook::Context,
            Self::Check { .. } => Hook::Check,
            Self::Activate { .. } => Hook::Activate,
        }
    }
}

/// The number of steps that a plan keeps without an allocation.
const FEW: usize = 3;

/// The steps of a plan: an owned slice without an allocation if they are few.
#[derive(Clone, Debug)]
pub struct Plan(Steps);

#[derive(Clone, Debug)]
enum Steps {
    Few(usize, [PlanStep; FEW]),
    Many(Vec<PlanStep>),
}

impl Plan {
    /// Takes the steps out of the list in which they were made. The list keeps its space if they are few.
    pub(crate) fn take(steps: &mut Vec<PlanStep>) -> Self {
        if steps.len() > FEW {
            return Self(Steps::Many(core::mem::take(steps)));
        }
        let mut few = [PlanStep::Prepare { node: NodeKey::null(), read_only: false }; FEW];
        few.iter_mut().zip(&*steps).for_each(|(place, step)| *place = *step);
        let count = steps.len();
        steps.clear();
        Self(Steps::Few(count, few))
    }
}

impl Deref for Plan {
    type Target = [PlanStep];

    fn deref(&self) -> &[PlanStep] {
        match &self.0 {
            Steps::Few(count, steps) => steps.get(..*count).unwrap_or_default(),
            Steps::Many(steps) => steps,
        }
    }
}

impl<'a> IntoIterator for &'a Plan {
    type Item = &'a PlanStep;
    type IntoIter = core::slice::Iter<'a, PlanStep>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Plan {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Plan {}

/// A node that a commit closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed<D> {
    /// Its key. It is no longer valid.
    pub key: NodeKey,
    /// Its name. It is free again.
    pub name: Arc<str>,
    /// Its driver. It is already closed if the hooks were run. `None` if the node had lost it (L3).
    pub driver: Option<D>,
}

/// A driver that a commit took from its node (O22). No hook was called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ejected<D> {
    /// The node. The key is no longer valid if the node was closed as well.
    pub key: NodeKey,
    /// The name of the node.
    pub name: Arc<str>,
    /// The driver.
    pub driver: D,
}

/// The result of a commit. A small one allocates nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed<D> {
    /// The closed nodes in the order of their closing (L2).
    pub closed: Vec<Closed<D>>,
    /// The ejected drivers, in the order of the steps (L3).
    pub ejected: Vec<Ejected<D>>,
    /// The plan. Its [unasked](Self::unasked) steps were not executed.
    pub plan: Plan,
    /// The nodes whose check was refused and the refusal tolerated (V7), in the order of the plan.
    pub refused: Vec<NodeKey>,
    /// The nodes that are stale now (V7.1), in the order of [`Graph::stale_nodes`](crate::Graph::stale_nodes).
    pub stale: Vec<NodeKey>,
    /// The steps of prepared nodes in the order of their commits, if there is more than one.
    pub(crate) prepared: Vec<PlanStep>,
    /// The notifications about quiescing. `None` if there are none.
    pub(crate) notices: Option<Box<Notices>>,
}

impl<D> Committed<D> {
    /// Returns the steps to make permanent, in their order (V6): the checks in reverse order, without the refused ones;
    /// the activations, the inactivations and the contexts, each in the order of the plan, without the contexts of
    /// components that stay; the renames in reverse order; the prepares, each after those of the nodes below. This is
    /// for a caller that executes the steps itself.
    pub fn commits(&self) -> impl Iterator<Item = PlanStep> + '_ {
        let mut refused = self.refused.iter().rev().peekable();
        let checks = self.plan.iter().rev().copied().filter(move |step| match step {
            PlanStep::Check { node, .. } => refused.next_if_eq(&node).is_none(),
            _ => false,
        });
        let of = |hook| self.plan.iter().filter(move |step| step.hook() == hook).copied();
        let shifts = of(Hook::Activate).chain(of(Hook::Inactivate));
        let stays = self.stays();
        let contexts =
            self.plan.iter().enumerate().filter(move |(index, _)| !Stay::among(stays, *index)).map(|(_, step)| *step);
        let contexts = contexts.filter(|step| step.hook() == Hook::Context);
        let renames = self.plan.iter().rev().copied().filter(|step| step.hook() == Hook::Rename);
        // A single one is in the plan. Several have an order of their own.
        let alone = of(Hook::Prepare).filter(|_| self.prepared.is_empty());
        let prepares = alone.chain(self.prepared.iter().copied());
        checks.chain(shifts).chain(contexts).chain(renames).chain(prepares)
    }

    fn notices<T>(&self, list: fn(&Notices) -> &Vec<T>) -> &[T] {
        self.notices.as_deref().map_or(&[], |notices| list(notices).as_slice())
    }

    fn stays(&self) -> &[Stay] {
        self.notices(|notices| &notices.stays)
    }

    /// Returns the nodes whose change of context was refused and the refusal tolerated (C3), in the order of the plan.
    /// They stay in their context with their components.
    pub fn stayed(&self) -> impl Iterator<Item = NodeKey> + '_ {
        self.stays().iter().filter_map(|stay| self.plan.get(stay.refused)).map(PlanStep::node)
    }

    /// Returns the steps of the plan that were not executed because an earlier step of the same component was refused
    /// (C3).
    pub fn unasked(&self) -> impl Iterator<Item = PlanStep> + '_ {
        let places = self.stays().iter().flat_map(|stay| stay.refused.saturating_add(1)..stay.end);
        places.filter_map(|index| self.plan.get(index)).copied()
    }

    /// Returns the steps that were performed and must still be aborted, in this order and before anything else: those
    /// of components that stay in their context (C3, V6). This is for a caller that executes the steps itself.
    pub fn aborts(&self) -> impl Iterator<Item = PlanStep> + '_ {
        let places = self.stays().iter().rev().flat_map(|stay| (stay.start..stay.refused).rev());
        places.filter_map(|index| self.plan.get(index)).copied()
    }

    /// Returns the nodes to tell to [quiesce](crate::Driver::quiesce) before the [`commits`](Self::commits), in no
    /// specified order (Q4).
    #[must_use]
    pub fn quiesced(&self) -> &[NodeKey] {
        self.notices(|notices| &notices.quiesced)
    }

    /// Returns the nodes to tell to [resume](crate::Driver::resume) after the [`post_commits`](Self::post_commits), in
    /// no specified order (Q4).
    #[must_use]
    pub fn resumed(&self) -> &[NodeKey] {
        self.notices(|notices| &notices.resumed)
    }

    /// Returns the root users that become quiesced, or are quiesced while their context changes. Users have no hooks,
    /// so the caller tells them even if the hooks have been run (Q1, Q4).
    #[must_use]
    pub fn quiesced_users(&self) -> &[UserKey] {
        self.notices(|notices| &notices.quiesced_users)
    }

    /// Returns the root users that are not quiesced any more.
    #[must_use]
    pub fn resumed_users(&self) -> &[UserKey] {
        self.notices(|notices| &notices.resumed_users)
    }

    /// Returns the nodes whose `post_commit` is due after the [`commits`](Self::commits), in the order in which they
    /// were prepared (V6). Then come the [resumed](Self::resumed) nodes. Then the [closed](Self::closed) drivers are
    /// closed.
    pub fn post_commits(&self) -> impl Iterator<Item = NodeKey> + '_ {
        self.plan.iter().filter(|step| step.hook() == Hook::Prepare).map(PlanStep::node)
    }
}
