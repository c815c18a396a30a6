//! The crate as a [`Subject`].

mod commit_checks;

use self::commit_checks::{check_commit_order, check_error_details, check_usable, commit_report, opened_nodes};
use crate::call_checks;
use crate::operations::step;
use crate::test_driver::{self, Call, Hooks, TestDriver};
use crate::translate::{self, Keys, Refused};
use blockgraph::{
    Committed, ContextId, EdgeKey, EdgeView, Graph, NodeKey, NodeView, PlanStep, Preset, UserKey, UserView,
};
use blockgraph_model::op::Flags;
use blockgraph_model::{EdgeId, Inherits, Kind, NodeId, Op, Opt, Perms, Refusal, Role, UserFlags, UserId};
use blockgraph_story::subject::{Answer, Effects, Observation, ObservedChild, ObservedNode, ObservedUser, Subject};

/// A graph of the crate, with the keys that stand for the model's names.
#[derive(Clone, Debug)]
pub struct ImplSubject {
    /// The graph.
    pub graph: Graph<TestDriver>,
    /// The drivers of nodes that have lost theirs (L3). The crate returns the driver, and the node keeps only the name
    /// of its kind; what [`ObservedNode`] shows of kind and options comes from here.
    pub ejected: Vec<(NodeId, Preset)>,
    /// The keys of the names.
    pub keys: Keys,
    /// The keys before the operation. After a refusal the old keys are valid again, as the crate promises.
    before: Keys,
    /// Set if the crate's answer has no translation, or if the crate broke a promise about its hooks or transactions.
    pub fault: Option<String>,
    /// The permissions that the last conflict reported as needed and not shared.
    pub missing: Option<Perms>,
    /// How many answers were given. Some checks run only now and then.
    pub turn: u32,
    /// The users before the operation: their contexts, and whether they were quiesced.
    users: Vec<(UserKey, ContextId, bool)>,
}

impl Default for ImplSubject {
    fn default() -> Self {
        ImplSubject::new()
    }
}

impl ImplSubject {
    /// Makes an empty graph for all names.
    pub fn new() -> Self {
        ImplSubject::sized(256, 256)
    }

    /// Makes an empty graph for the names below these numbers of nodes and users.
    pub fn sized(nodes: usize, users: usize) -> Self {
        let keys = Keys::dangling(nodes, users);
        let before = keys.clone();
        let (graph, ejected, users) = (Graph::new(), Vec::new(), Vec::new());
        ImplSubject { graph, ejected, before, keys, fault: None, missing: None, turn: 0, users }
    }

    /// Becomes a copy of `other` and reuses its own memory.
    pub fn copy_from(&mut self, other: &ImplSubject) {
        self.graph.clone_from(&other.graph);
        self.ejected.clone_from(&other.ejected);
        self.keys.copy_from(&other.keys);
        self.fault.clone_from(&other.fault);
    }

    fn set_refusals(&mut self, refusals: &[Refusal], on: bool) {
        for refusal in refusals {
            if let Some(driver) = self.graph.driver_mut(self.keys.node(refusal.node)) {
                driver.refuses = if on { Hooks::of(refusal.node, refusals) } else { Hooks::default() };
            }
        }
    }

    fn answer(&mut self, ops: &[Op], refusals: &[Refusal]) -> Answer {
        self.turn = self.turn.wrapping_add(1);
        let mut transaction = self.graph.transaction();
        let start = transaction.savepoint();
        for (index, &op) in ops.iter().enumerate() {
            let done = step(&mut transaction, &mut self.keys, op, refusals);
            let wrong =
                check_error_details(transaction.graph(), &self.keys, op, done.as_ref().err().map(|error| error.kind()));
            self.fault = wrong.or(self.fault.take());
            if let Err(error) = done {
                if error.step() != Some(transaction.steps()) {
                    let steps = transaction.steps();
                    self.fault = Some(format!("failed after {steps} steps, but the error says {:?}", error.step()));
                }
                if self.turn.is_multiple_of(2) && transaction.stale_nodes().next().is_none() {
                    self.fault = check_usable(transaction, start).or(self.fault.take());
                }
                return match translate::error(error.kind(), &self.keys) {
                    Some(Refused::Step(error)) => Answer::Failed { index, error },
                    _ => untranslated(&mut self.fault, &error),
                };
            }
        }
        match transaction.commit() {
            Ok(committed) => self.done(committed, ops),
            Err(error) => match translate::error(error.kind(), &self.keys) {
                Some(Refused::Violation(violation)) => {
                    self.missing = translate::missing(error.kind());
                    Answer::Violates(vec![violation])
                }
                Some(Refused::Driver(by)) => Answer::Refused(by),
                _ => untranslated(&mut self.fault, &error),
            },
        }
    }

    /// Checks everything that a commit reports, and keeps the drivers that it returns.
    fn done(&mut self, committed: Committed<TestDriver>, ops: &[Op]) -> Answer {
        let wrong = commit_report(&committed, &self.keys, &self.graph, ops).and_then(|report| {
            test_driver::with_log(|calls| {
                test_driver::check_against_report(calls, &report)?;
                check_commit_order(calls, &self.graph, &self.keys)?;
                call_checks::check_context_calls(calls, &self.graph, &self.keys)
            })
        });
        let wrong = wrong.and_then(|()| call_checks::check_user_notices(&committed, &self.graph, &self.users));
        self.fault = wrong.err().or(self.fault.take());
        let mut effects = Effects::default();
        let unasked: Vec<PlanStep> = committed.unasked().collect();
        for step in committed.plan.iter().filter(|step| !unasked.contains(step)) {
            let Some(id) = self.keys.node_of(step.node()) else { continue };
            match step {
                PlanStep::Flush { .. } => {}
                PlanStep::Prepare { .. } => effects.prepare.push(id),
                PlanStep::Rename { .. } => effects.rename.push(id),
                PlanStep::Inactivate { .. } => effects.inactivate.push(id),
                PlanStep::Context { to, .. } => {
                    effects.context.extend(translate::context_back(*to).map(|to| (id, to)));
                }
                PlanStep::Activate { .. } => effects.activate.push(id),
                PlanStep::Check { grant, .. } => effects.check.push((id, translate::grant_back(*grant))),
            }
        }
        let ids = |nodes: &[NodeKey]| nodes.iter().filter_map(|key| self.keys.node_of(*key)).collect();
        (effects.quiesce, effects.resume) = (ids(committed.quiesced()), ids(committed.resumed()));
        effects.closed = committed.closed.iter().filter_map(|gone| translate::node_id(&gone.name)).collect();
        self.ejected.extend(committed.ejected.into_iter().map(|given| (given.driver.id, given.driver.preset)));
        self.ejected.retain(|(id, _)| !effects.closed.contains(id));
        Answer::Done(effects)
    }

    /// Returns the kind and options of a node's driver, which may be lost, and the driver itself if the node still has
    /// it.
    pub fn driver(&self, key: NodeKey, id: NodeId) -> Option<(Kind, Opt, Option<&TestDriver>)> {
        let driver = self.graph.driver(key);
        let kept = || self.ejected.iter().find(|(gone, _)| *gone == id).map(|(_, preset)| preset);
        let (kind, opt) = translate::preset_back(driver.map(|driver| &driver.preset).or_else(kept)?)?;
        Some((kind, opt, driver))
    }
}

fn untranslated(fault: &mut Option<String>, error: &blockgraph::Error) -> Answer {
    *fault = Some(format!("the crate's error has no place here: {error} ({:?})", error.kind()));
    Answer::Violates(Vec::new())
}

impl Subject for ImplSubject {
    fn name(&self) -> &'static str {
        "impl"
    }

    fn apply(&mut self, ops: &[Op], refusals: &[Refusal]) -> Answer {
        self.set_refusals(refusals, true);
        test_driver::clear_log();
        self.missing = None;
        self.before.copy_from(&self.keys);
        self.users.clear();
        let graph = &self.graph;
        let views = graph.users().filter_map(|key| graph.user_view(key).map(|view| (key, view)));
        self.users.extend(views.map(|(key, view)| (key, view.context(), view.is_quiesced())));
        let answer = self.answer(ops, refusals);
        if !matches!(answer, Answer::Done(_)) {
            self.keys.copy_from(&self.before);
        }
        self.set_refusals(refusals, false);
        let taken_back = match &answer {
            Answer::Done(_) => Vec::new(),
            Answer::Failed { index, .. } => opened_nodes(&ops[..=*index]),
            _ => opened_nodes(ops),
        };
        if let Err(unpaired) = test_driver::with_log(|calls| test_driver::check_call_order(calls, &taken_back)) {
            self.fault = Some(unpaired);
        }
        let gone = |call: &&Call| {
            let taken_back = taken_back.contains(&call.node()) && matches!(call, Call::Closed(_));
            !taken_back && ops.iter().any(|op| *op == Op::Eject { node: call.node() })
        };
        if let Some(call) = test_driver::with_log(|calls| calls.iter().find(gone).copied()) {
            self.fault = Some(format!("{call:?} of a driver that was to be handed back without a call (L3.4)"));
        }
        if !self.graph.pending_resumes().is_empty() {
            self.fault = Some(format!("still to go on are {:?}", self.graph.pending_resumes()));
        }
        if !self.graph.pending_aborts().is_empty() {
            self.fault = Some(format!("steps were left unaborted: {:?}", self.graph.pending_aborts()));
        }
        answer
    }

    fn observe(&self) -> Observation {
        let mut seen = Observation { drain_alls: self.graph.drain_alls(), ..Observation::default() };
        seen.nodes.extend(self.graph.nodes().filter_map(|key| self.observe_node(key)));
        seen.users.extend(self.graph.users().filter_map(|key| {
            let view = self.graph.user_view(key)?;
            let node = self.graph.get(view.node())?;
            Some(ObservedUser {
                id: translate::user_id(view.name())?,
                node: translate::node_id(node.name())?,
                pair: translate::pair_back(view.pair()),
                wanted: translate::pair_back(view.wanted()),
                user_flags: user_flags(&view),
                context: translate::context_back(view.context())?,
                quiesced: view.is_quiesced(),
                blocks: translate::op_kinds_back(view.blocks()),
            })
        }));
        seen.nodes.sort_by_key(|node| node.id);
        seen.users.sort_by_key(|user| user.id);
        seen
    }

    fn fault(&self) -> Option<String> {
        let broken = self.graph.inconsistencies();
        self.fault.clone().or_else(|| (!broken.is_empty()).then(|| format!("the crate's own check fails: {broken:?}")))
    }
}

/// Returns the parent and name of an edge.
pub fn edge_id(graph: &Graph<TestDriver>, edge: &EdgeView<'_>) -> Option<EdgeId> {
    match edge.parent() {
        blockgraph::Parent::Node(parent) => {
            let parent = translate::node_id(graph.get(parent)?.name())?;
            Some(EdgeId::Child(parent, translate::child_id(edge.name())?))
        }
        blockgraph::Parent::User(user) => Some(EdgeId::User(user_id(graph, user)?)),
    }
}

fn user_id(graph: &Graph<TestDriver>, user: blockgraph::UserKey) -> Option<UserId> {
    translate::user_id(graph.user_view(user)?.name())
}

impl ImplSubject {
    fn observe_node(&self, key: NodeKey) -> Option<ObservedNode> {
        let graph = &self.graph;
        let view = graph.get(key)?;
        let id = translate::node_id(view.name())?;
        let (kind, opt, _) = self.driver(key, id)?;
        let edge = |key: EdgeKey| graph.edge(key);
        let children = view.children().filter_map(edge).filter_map(|e| {
            Some(ObservedChild {
                name: translate::child_id(e.name())?,
                role: Role(e.role().bits()),
                child: translate::node_id(graph.get(e.child())?.name())?,
                frozen: e.is_frozen(),
                pair: translate::pair_back(e.pair()),
            })
        });
        Some(ObservedNode {
            id,
            kind,
            opt,
            flags: flags(&view),
            monitor: view.is_monitor_owned(),
            holders: view.holders(),
            ejected: !view.has_driver(),
            context: translate::context_back(view.context())?,
            sections: view.sections(),
            quiesce: u32::try_from(view.quiesce_count()).unwrap_or(u32::MAX),
            inherits: inherits(graph, &view),
            stored: translate::stored_backing(&view),
            pair: translate::pair_back(view.pair()),
            granted: translate::grant_back(view.granted()),
            children: children.collect(),
            parents: view.parents().filter_map(edge).filter_map(|e| edge_id(graph, &e)).collect(),
        })
    }
}

/// Returns the flags of a node.
pub fn flags(view: &NodeView<'_>) -> Flags {
    Flags {
        read_only: view.read_only(),
        force_share: view.force_share(),
        no_io: view.no_io(),
        never_freeze: view.never_freeze(),
        implicit: view.implicit(),
        inactive: view.inactive(),
    }
}

/// Returns the flags of a user: whether it stays, may be inactivated, and is fixed to its context.
pub fn user_flags(view: &UserView<'_>) -> UserFlags {
    UserFlags { stay: view.stays(), may_inactivate: view.may_inactivate(), fixed: view.is_fixed() }
}

fn inherits(graph: &Graph<TestDriver>, view: &NodeView<'_>) -> Option<Inherits> {
    let from = translate::node_id(graph.get(view.inherits_from()?)?.name())?;
    Some(Inherits { from, read_only: view.inherits_read_only() })
}
