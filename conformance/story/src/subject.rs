//! A subject takes operations and answers them. An [`Observation`] is everything that can be seen of its graph.

use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, EdgeId, Grant, Inherits, Kind, NodeId, Op, OpKinds, Opt, Pair, Refusal, Role, StepError,
    UserFlags, UserId, Violation,
};

/// An executor of operations: the model or the crate.
pub trait Subject {
    /// Returns its name in reports: `model`, `impl`.
    fn name(&self) -> &'static str;

    /// Executes the operations as one transaction, while the drivers named in `refusals` refuse. One operation is a
    /// transaction of one.
    fn apply(&mut self, ops: &[Op], refusals: &[Refusal]) -> Answer;

    /// Returns everything that can be observed, in an order that depends only on the graph.
    fn observe(&self) -> Observation;

    /// Returns a fault that the subject finds in itself, by its own check of all invariants and of the pairing of
    /// hooks.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// A subject's answer, in the model's terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It took effect.
    Done(Effects),
    /// A step failed.
    Failed {
        /// The index of the operation in the transaction, from 0.
        index: usize,
        /// The error.
        error: StepError,
    },
    /// The final graph breaks the rules. The model lists all violations. Any other subject lists the one that it named.
    Violates(Vec<Violation>),
    /// A driver refused.
    Refused(Refusal),
}

/// The hook calls of an operation that took effect. Where no order is specified, the model's lists are sorted by name,
/// and the crate's lists are in the order of its calls.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// The nodes flushed and prepared, in order (V5.1).
    pub prepare: Vec<NodeId>,
    /// The nodes whose drivers were asked to store another backing name, in order (V5.1, S6).
    pub rename: Vec<NodeId>,
    /// The nodes whose drivers were asked to become inactive, parents before children (A5).
    pub inactivate: Vec<NodeId>,
    /// The nodes whose drivers were asked to change their context, with the new context (C4). If a driver refuses an
    /// optional move (C3), the model lists its whole component, and the crate lists the nodes that it asked.
    pub context: Vec<(NodeId, Context)>,
    /// The checked nodes with their new grants, parents before children (V5.2).
    pub check: Vec<(NodeId, Grant)>,
    /// The nodes whose drivers were asked to become active, children before parents (A5).
    pub activate: Vec<NodeId>,
    /// The nodes that were told to quiesce (Q4).
    pub quiesce: Vec<NodeId>,
    /// The nodes that were told to resume (Q4).
    pub resume: Vec<NodeId>,
    /// The nodes closed, in order (L2).
    pub closed: Vec<NodeId>,
}

impl Effects {
    /// Returns the effects with all lists sorted whose order is not specified.
    pub fn sorted(mut self) -> Effects {
        for nodes in [&mut self.inactivate, &mut self.activate, &mut self.quiesce, &mut self.resume] {
            nodes.sort_unstable();
        }
        self.context.sort_unstable();
        self.check.sort_unstable();
        self
    }

    /// Returns whether a subject's effects are those that the model specifies, as far as the order of the hook calls is
    /// specified without the graph.
    ///
    /// `context_of` returns the context of a node after the operation. Where a driver refuses an optional move (C3),
    /// the subject may leave out nodes of that component that stay in their context.
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

/// Everything that can be observed of a graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observation {
    /// The nodes, by name.
    pub nodes: Vec<ObservedNode>,
    /// The users, by name.
    pub users: Vec<ObservedUser>,
    /// The open drain-alls (Q1).
    pub drain_alls: u32,
}

/// Everything that can be observed of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObservedNode {
    /// Its name.
    pub id: NodeId,
    /// Its driver. If the node has lost its driver (L3), the kind of the lost one.
    pub kind: Kind,
    /// Its driver's options. If the node has lost its driver, the options at that time.
    pub opt: Opt,
    /// Its flags.
    pub flags: Flags,
    /// Whether the monitor holds the node (L1).
    pub monitor: bool,
    /// The number of callers that hold the node (L1).
    pub holders: u32,
    /// Its context (C1).
    pub context: Context,
    /// The number of its open sections (Q1).
    pub sections: u32,
    /// Its quiesce count (Q1).
    pub quiesce: u32,
    /// Whether the node has lost its driver (L3).
    pub ejected: bool,
    /// The node from which it inherits (S8).
    pub inherits: Option<Inherits>,
    /// The stored backing name (S6).
    pub stored: Option<NodeId>,
    /// Its cumulative pair.
    pub pair: Pair,
    /// Its driver's last grant.
    pub granted: Grant,
    /// The child edges in list order.
    pub children: Vec<ObservedChild>,
    /// The parent edges in list order.
    pub parents: Vec<EdgeId>,
}

impl ObservedNode {
    /// Returns whether the driver is stale (V7.1).
    pub fn is_stale(&self) -> bool {
        let writable = !self.flags.read_only && !self.flags.inactive;
        !self.ejected && self.granted != Grant { pair: self.pair, writable }
    }
}

/// Everything that can be observed of a child edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObservedChild {
    /// Its name.
    pub name: ChildName,
    /// Its role.
    pub role: Role,
    /// The child node.
    pub child: NodeId,
    /// Whether the edge is frozen (S7).
    pub frozen: bool,
    /// Its pair.
    pub pair: Pair,
}

/// Everything that can be observed of a root user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObservedUser {
    /// Its name.
    pub id: UserId,
    /// Its node.
    pub node: NodeId,
    /// Its present pair (A3).
    pub pair: Pair,
    /// The pair that it wants.
    pub wanted: Pair,
    /// Its flags: stays, may be inactivated, is fixed.
    pub user_flags: UserFlags,
    /// Its context, which is that of its node (C1).
    pub context: Context,
    /// Whether the user is quiesced (Q1).
    pub quiesced: bool,
    /// The operations that it blocks on its node (L4).
    pub blocks: OpKinds,
}
