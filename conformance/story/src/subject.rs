//! What is compared: a subject takes operations and answers; what it shows of itself is an [`Observation`].

use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, EdgeId, Grant, Inherits, Kind, NodeId, Op, OpKinds, Opt, Pair, Refusal, Role, StepError,
    UserFlags, UserId, Violation,
};

/// Something that executes operations: the model, the crate.
pub trait Subject {
    /// Its name in reports: `model`, `impl`.
    fn name(&self) -> &'static str;

    /// Executes the operations as one transaction (one operation is a transaction of one), while the drivers named in
    /// `refusals` say no.
    fn apply(&mut self, ops: &[Op], refusals: &[Refusal]) -> Answer;

    /// Everything that can be seen from outside, in an order that depends on nothing but the graph.
    fn observe(&self) -> Observation;

    /// What the subject finds wrong with itself: its own check of all invariants, the pairing of its hooks. `None`:
    /// nothing.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// A subject's answer, in the model's vocabulary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It took effect.
    Done(Effects),
    /// A step failed.
    Failed {
        /// Which operation of the transaction, from 0.
        index: usize,
        /// Why.
        error: StepError,
    },
    /// The final graph breaks the rules. From the model: all violations. From any other subject: the one it named.
    Violates(Vec<Violation>),
    /// A driver refused.
    Refused(Refusal),
}

/// What an operation that took effect made the drivers do. Where no order is specified the model's lists are sorted by name, and
/// the crate's are in the order in which it asked and told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// The nodes flushed and prepared, in order (V5.1).
    pub prepare: Vec<NodeId>,
    /// The nodes that were asked to store another backing name, in order (V5.1, S6).
    pub rename: Vec<NodeId>,
    /// The nodes asked to become inactive, parents before children (A5).
    pub inactivate: Vec<NodeId>,
    /// The nodes asked to change their context, and to which (C4). If one refuses a mere wish (C3), the model lists its whole
    /// component, and the crate those that it asked.
    pub context: Vec<(NodeId, Context)>,
    /// The nodes checked and what they were asked to grant, parents before children (V5.2).
    pub check: Vec<(NodeId, Grant)>,
    /// The nodes asked to become active, children before parents (A5).
    pub activate: Vec<NodeId>,
    /// The nodes told to be quiet (Q4).
    pub quiesce: Vec<NodeId>,
    /// The nodes told that they may go on (Q4).
    pub resume: Vec<NodeId>,
    /// The nodes closed, in order (L2).
    pub closed: Vec<NodeId>,
}

impl Effects {
    /// The same with everything sorted whose order is not specified.
    pub fn sorted(mut self) -> Effects {
        for nodes in [&mut self.inactivate, &mut self.activate, &mut self.quiesce, &mut self.resume] {
            nodes.sort_unstable();
        }
        self.context.sort_unstable();
        self.check.sort_unstable();
        self
    }

    /// Returns whether a subject's effects are the ones that the model specifies, as far as the order of the hook calls is
    /// specified without the graph.
    ///
    /// `context_of` returns the context in which a node lives after the operation. Where a driver refuses an optional move
    /// (C3), the subject need not have asked the nodes of that component that stay in their context.
    pub fn agree_with(&self, subject: &Effects, context_of: impl Fn(NodeId) -> Option<Context>) -> bool {
        let mut found = subject.clone().sorted();
        let moves = std::mem::take(&mut found.context);
        let once = moves.windows(2).all(|two| two[0].0 != two[1].0);
        let specified = moves.iter().all(|asked| self.context.contains(asked));
        let stays = |&(id, to): &(NodeId, Context)| context_of(id).is_some_and(|at| at != to);
        let complete = self.context.iter().all(|asked| moves.contains(asked) || stays(asked));
        found.context.clone_from(&self.context);
        once && specified && complete && *self == found
    }
}

/// A graph as seen from outside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observation {
    /// By name.
    pub nodes: Vec<ObservedNode>,
    /// By name.
    pub users: Vec<ObservedUser>,
    /// The open drain-alls (Q1).
    pub drain_alls: u32,
}

/// A node as seen from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObservedNode {
    /// Its name.
    pub id: NodeId,
    /// Its driver; of a node that has lost it (L3) the one it had.
    pub kind: Kind,
    /// Its driver's options; of a node that has lost it those that it had then.
    pub opt: Opt,
    /// Its flags.
    pub flags: Flags,
    /// Does the monitor hold it (L1)?
    pub monitor: bool,
    /// How many callers hold it (L1)?
    pub holders: u32,
    /// Where it lives (C1).
    pub context: Context,
    /// The sections that are open on it (Q1).
    pub sections: u32,
    /// Its quiesce count (Q1).
    pub quiesce: u32,
    /// Has it lost its driver (L3)?
    pub ejected: bool,
    /// From whom it inherits (S8).
    pub inherits: Option<Inherits>,
    /// The stored backing name (S6).
    pub stored: Option<NodeId>,
    /// Cumulative need and share.
    pub pair: Pair,
    /// What its driver last granted.
    pub granted: Grant,
    /// The child edges in list order.
    pub children: Vec<ObservedChild>,
    /// The parent edges in list order.
    pub parents: Vec<EdgeId>,
}

impl ObservedNode {
    /// V7.1: does the driver lag behind?
    pub fn is_stale(&self) -> bool {
        let writable = !self.flags.read_only && !self.flags.inactive;
        !self.ejected && self.granted != Grant { pair: self.pair, writable }
    }
}

/// A child edge as seen from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObservedChild {
    /// Its name.
    pub name: ChildName,
    /// Its role.
    pub role: Role,
    /// The lower end.
    pub child: NodeId,
    /// S7.
    pub frozen: bool,
    /// Need and share.
    pub pair: Pair,
}

/// A root user as seen from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObservedUser {
    /// Its name.
    pub id: UserId,
    /// Its node.
    pub node: NodeId,
    /// What it needs and shares at present (A3).
    pub pair: Pair,
    /// What it wants to need and share.
    pub wanted: Pair,
    /// Whether it stays, may be inactivated, is fixed.
    pub user_flags: UserFlags,
    /// Where it lives: where its node does (C1).
    pub context: Context,
    /// Is it quiesced (Q1)?
    pub quiesced: bool,
    /// What it blocks on its node (L4).
    pub blocks: OpKinds,
}
