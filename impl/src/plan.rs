//! The plan: what the drivers are asked; and what a commit returns.

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
    /// Have the driver of a reopened node write what is not written yet (V5.1).
    Flush {
        /// The node.
        node: NodeKey,
    },
    /// Prepare the driver of a reopened node (V5.1).
    Prepare {
        /// The node.
        node: NodeKey,
        /// Whether it becomes read-only.
        read_only: bool,
    },
    /// Prepare the driver to store another backing name, or none, which is
    /// [`NodeView::stored_backing`](crate::NodeView::stored_backing) (S6, V5.1).
    Rename {
        /// The node.
        node: NodeKey,
    },
    /// Have the driver give the image away, while it may still write (A5).
    Inactivate {
        /// The node.
        node: NodeKey,
    },
    /// Prepare the driver to do its I/O in another context, which is [`NodeView::context`](crate::NodeView::context)
    /// (C4, V5.1).
    Context {
        /// The node.
        node: NodeKey,
        /// The context.
        to: ContextId,
        /// Whether that is only a wish (C3): a refusal keeps the component where it is, and nothing else is undone.
        wish: bool,
    },
    /// Check with the driver what its parents are about to be granted (V5.2).
    Check {
        /// The node.
        node: NodeKey,
        /// The new pair and writable state.
        grant: Grant,
    },
    /// Have the driver take the image over; by then it may read (A5).
    Activate {
        /// The node.
        node: NodeKey,
    },
}

impl PlanStep {
    /// The node whose driver is asked.
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

    /// The hook that asks.
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

/// How many steps of a plan are kept without an allocation.
const FEW: usize = 3;

/// The steps of a plan; a slice that owns what it shows, without an allocation if they are few.
#[derive(Clone, Debug)]
pub struct Plan(Steps);

#[derive(Clone, Debug)]
enum Steps {
    Few(usize, [PlanStep; FEW]),
    Many(Vec<PlanStep>),
}

impl Plan {
    /// Takes the steps out of the list they were made in, which keeps its space if they are few.
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
    /// Its key, no longer valid.
    pub key: NodeKey,
    /// Its name, free again.
    pub name: Arc<str>,
    /// Its driver, closed already if the hooks were run; `None` if the node had lost it (L3).
    pub driver: Option<D>,
}

/// A driver that a commit took from its node (O22). It was told nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ejected<D> {
    /// The node; if it was closed as well, no longer valid.
    pub key: NodeKey,
    /// The name of the node.
    pub name: Arc<str>,
    /// The driver.
    pub driver: D,
}

/// What a commit did. A small one allocates nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed<D> {
    /// The closed nodes in the order of their closing (L2).
    pub closed: Vec<Closed<D>>,
    /// The drivers that were taken from their nodes, in the order of the steps (L3).
    pub ejected: Vec<Ejected<D>>,
    /// What the drivers were asked, but for what is [unasked](Self::unasked).
    pub plan: Plan,
    /// The nodes whose `check` was refused, and the refusal tolerated (V7), in the order of the plan.
    pub refused: Vec<NodeKey>,
    /// The nodes that lag now (V7.1), in the order of [`Graph::stale_nodes`](crate::Graph::stale_nodes).
    pub stale: Vec<NodeKey>,
    /// The prepared nodes' steps in the order of their commits, if there is more than one.
    pub(crate) prepared: Vec<PlanStep>,
    /// Who is quiesced and who is not any more; nothing if nobody.
    pub(crate) notices: Option<Box<Notices>>,
}

impl<D> Committed<D> {
    /// The steps to be made permanent, in the order for it (V6): the checks from the back, without the refused ones;
    /// the activations, the inactivations and the contexts, each in the order of the plan, without the contexts of
    /// components that stay where they are; the renames from the back; the prepares, each after those of the nodes
    /// below. For a caller that executes the steps himself.
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
        // One alone is in the plan, several are in an order of their own.
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

    /// The nodes whose change of context was refused, and the refusal tolerated (C3), in the order of the plan: with
    /// their components they stay where they are.
    pub fn stayed(&self) -> impl Iterator<Item = NodeKey> + '_ {
        self.stays().iter().filter_map(|stay| self.plan.get(stay.refused)).map(PlanStep::node)
    }

    /// The steps of the plan that were not executed, because in the same component another was refused before (C3).
    pub fn unasked(&self) -> impl Iterator<Item = PlanStep> + '_ {
        let places = self.stays().iter().flat_map(|stay| stay.refused.saturating_add(1)..stay.end);
        places.filter_map(|index| self.plan.get(index)).copied()
    }

    /// The steps that were done and are to be aborted all the same, in the order for it, before anything else: those
    /// of components that stay where they are (C3, V6). For a caller that executes the steps himself.
    pub fn aborts(&self) -> impl Iterator<Item = PlanStep> + '_ {
        let places = self.stays().iter().rev().flat_map(|stay| (stay.start..stay.refused).rev());
        places.filter_map(|index| self.plan.get(index)).copied()
    }

    /// The nodes that are to be told to be [quiet](crate::Driver::quiesce) before the [`commits`](Self::commits), in
    /// no specified order (Q4).
    #[must_use]
    pub fn quiesced(&self) -> &[NodeKey] {
        self.notices(|notices| &notices.quiesced)
    }

    /// The nodes that are to be told to [go on](crate::Driver::resume) after the [`post_commits`](Self::post_commits),
    /// in no specified order (Q4).
    #[must_use]
    pub fn resumed(&self) -> &[NodeKey] {
        self.notices(|notices| &notices.resumed)
    }

    /// The root users that become quiesced, or that are so while their context changes: as for the nodes, also when
    /// the hooks have been run, because users have none (Q1, Q4).
    #[must_use]
    pub fn quiesced_users(&self) -> &[UserKey] {
        self.notices(|notices| &notices.quiesced_users)
    }

    /// The root users that are not quiesced any more.
    #[must_use]
    pub fn resumed_users(&self) -> &[UserKey] {
        self.notices(|notices| &notices.resumed_users)
    }

    /// The nodes whose `post_commit` is due after the [`commits`](Self::commits), in the order for it: that in which
    /// they were prepared (V6). Then come the [resumed](Self::resumed) ones; then the [closed](Self::closed) drivers are closed.
    pub fn post_commits(&self) -> impl Iterator<Item = NodeKey> + '_ {
        self.plan.iter().filter(|step| step.hook() == Hook::Prepare).map(PlanStep::node)
    }
}
