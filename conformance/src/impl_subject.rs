//! The crate as a [`Subject`].

use crate::hooks::{self, TestDriver, What};
use crate::subject::{Answer, ChildSeen, NodeSeen, Observation, Subject, UserSeen};
use crate::translate::{self, Keys, Refused};
use blockgraph::{Committed, Driver, EdgeKey, EdgeView, Graph, PlanStep, Savepoint, Transaction};
use blockgraph_model::op::Flags;
use blockgraph_model::{EdgeId, NodeId, Op, Perms, Refusal, Role, Spec, UserId};

/// A graph of the crate, and which of its keys stands for which name.
#[derive(Clone, Debug)]
pub struct ImplSubject {
    /// The graph.
    pub graph: Graph<TestDriver>,
    /// The names.
    pub keys: Keys,
    /// The names before the operation: after a refusal the old keys are valid again, as the crate promises.
    before: Keys,
    /// Set when the crate said something that has no translation, or broke a promise about its hooks or its transactions.
    pub fault: Option<String>,
    /// What the last conflict said was needed and not shared.
    pub missing: Option<Perms>,
    /// How many answers were given: some checks are made only now and then.
    pub turn: u32,
}

impl Default for ImplSubject {
    fn default() -> Self {
        ImplSubject::new()
    }
}

impl ImplSubject {
    /// An empty graph that every name can be used of.
    pub fn new() -> Self {
        ImplSubject::sized(256, 256)
    }

    /// An empty graph for the names below these numbers of nodes and users.
    pub fn sized(nodes: usize, users: usize) -> Self {
        let keys = Keys::dangling(nodes, users);
        ImplSubject { graph: Graph::new(), before: keys.clone(), keys, fault: None, missing: None, turn: 0 }
    }

    /// Becomes a copy of `other`, reusing what it has.
    pub fn copy_from(&mut self, other: &ImplSubject) {
        self.graph.clone_from(&other.graph);
        self.keys.copy_from(&other.keys);
        self.fault.clone_from(&other.fault);
    }

    fn set_refusals(&mut self, refusals: &[Refusal], on: bool) {
        for refusal in refusals {
            if let Some(driver) = self.graph.driver_mut(self.keys.node(refusal.node)) {
                driver.refuses = on.then_some(refusal.hook);
            }
        }
    }

    fn answer(&mut self, ops: &[Op], refusals: &[Refusal]) -> Answer {
        self.turn = self.turn.wrapping_add(1);
        let mut transaction = self.graph.transaction();
        let start = transaction.savepoint();
        for (index, &op) in ops.iter().enumerate() {
            if let Err(error) = step(&mut transaction, &mut self.keys, op, refusals) {
                if error.step() != Some(transaction.steps()) {
                    let steps = transaction.steps();
                    self.fault = Some(format!("failed after {steps} steps, but the error says {:?}", error.step()));
                }
                if self.turn.is_multiple_of(2) && transaction.stale_nodes().next().is_none() {
                    self.fault = usable(transaction, start).or(self.fault.take());
                }
                return match translate::error(error.kind(), &self.keys) {
                    Some(Refused::Step(error)) => Answer::Failed { index, error },
                    _ => untranslated(&mut self.fault, &error),
                };
            }
        }
        match transaction.commit() {
            Ok(committed) => {
                self.fault = told(&committed, &self.keys).err().or(self.fault.take());
                done(&committed, &self.keys)
            }
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
}

/// After a failed step the transaction is as it was before that step, and can be used: back at its start there is nothing
/// left to commit. (Every second time; else it is dropped, which must come to the same.)
fn usable(mut transaction: Transaction<'_, TestDriver>, start: Savepoint) -> Option<String> {
    // If it was the very first step there should be nothing to roll back.
    if transaction.steps() > 0 && transaction.rollback_to(start).is_err() {
        return Some("the savepoint at the start of the transaction is gone".to_owned());
    }
    match transaction.commit() {
        Ok(committed) if committed.plan.is_empty() && committed.closed.is_empty() => None,
        left => Some(format!("a failed step left something to commit: {left:?}")),
    }
}

/// The commit's own account against the hooks that were called.
fn told(committed: &Committed<TestDriver>, keys: &Keys) -> Result<(), String> {
    let id = |key| keys.node_of(key).ok_or_else(|| format!("{key:?} is no node's key"));
    let plan = committed.plan.iter().map(|step| match *step {
        PlanStep::Prepare { node, read_only } => Ok((What::Prepare(read_only), id(node)?)),
        PlanStep::Check { node, grant } => Ok((What::Check(grant), id(node)?)),
    });
    let plan = plan.collect::<Result<Vec<_>, String>>()?;
    let refused = committed.refused.iter().map(|key| id(*key)).collect::<Result<Vec<_>, _>>()?;
    let closed: Vec<NodeId> = committed.closed.iter().map(|closed| closed.driver.id).collect();
    for gone in &committed.closed {
        if *gone.name != *translate::node_name(gone.driver.id) || keys.node_of(gone.key) != Some(gone.driver.id) {
            return Err(format!("{:?} was closed under the name {}", gone.driver.id, gone.name));
        }
    }
    hooks::with_log(|calls| hooks::as_told(calls, &plan, &refused, &closed))
}

fn untranslated(fault: &mut Option<String>, error: &blockgraph::Error) -> Answer {
    *fault = Some(format!("the crate's error has no place here: {error} ({:?})", error.kind()));
    Answer::Violates(Vec::new())
}

fn done(committed: &Committed<TestDriver>, keys: &Keys) -> Answer {
    let mut prepare = Vec::new();
    let mut check = Vec::new();
    for step in &committed.plan {
        match step {
            PlanStep::Prepare { node, .. } => prepare.extend(keys.node_of(*node)),
            PlanStep::Check { node, grant, .. } => {
                check.extend(keys.node_of(*node).map(|id| (id, translate::grant_back(*grant))));
            }
        }
    }
    let closed = committed.closed.iter().map(|closed| closed.driver.id).collect();
    Answer::Done { prepare, check, closed }
}

/// One operation inside a transaction, by the names in `keys`; names that come into being are entered.
fn step(
    t: &mut Transaction<'_, TestDriver>,
    keys: &mut Keys,
    op: Op,
    refusals: &[Refusal],
) -> Result<(), blockgraph::Error> {
    let optional = |keys: &Keys, id: Option<NodeId>| id.map(|id| keys.node(id));
    match op {
        Op::Add { node, spec } => {
            add(t, keys, node, spec, refusals)?;
        }
        Op::Insert { new, spec, top } => {
            // Naming the new node as its own top: only the two steps can say that, since it has no key before.
            if new == top || !spec.opt.suits(spec.kind) {
                add(t, keys, new, spec, refusals)?;
                return t.append(keys.node(new), keys.node(top));
            }
            let driver = driver(new, spec, refusals);
            keys.set_node(new, t.insert(translate::node_spec(new, spec), driver, keys.node(top))?);
        }
        Op::Release { node } => t.release(keys.node(node))?,
        Op::AttachUser { user, node, pair, stay } => {
            let name = translate::user_name(user);
            keys.set_user(user, t.attach_user(name, keys.node(node), translate::pair(pair), stay)?);
        }
        Op::DetachUser { user } => t.detach_user(keys.user(user))?,
        Op::SetUser { user, pair } => t.set_user(keys.user(user), translate::pair(pair))?,
        Op::Attach { parent, child, name, role } => {
            let name = translate::child_name(name).clone();
            t.attach(keys.node(parent), keys.node(child), name, translate::role(role))?;
        }
        Op::Detach { parent, name } => {
            let edge = t.find_child(keys.node(parent), translate::child_name(name))?;
            t.detach(edge)?;
        }
        Op::SetBacking { node, to } => t.set_backing(keys.node(node), optional(keys, to))?,
        Op::SetFile { node, to } => t.set_file(keys.node(node), keys.node(to))?,
        Op::ReplaceNode { from, to } => t.replace_node(keys.node(from), keys.node(to))?,
        Op::ReplaceChild { parent, name, to } => {
            let edge = t.find_child(keys.node(parent), translate::child_name(name))?;
            t.replace_edge(edge, keys.node(to))?;
        }
        Op::ReplaceUserChild { user, to } => {
            let edge = t.find_user_edge(keys.user(user))?;
            t.replace_edge(edge, keys.node(to))?;
        }
        Op::Append { new, top } => t.append(keys.node(new), keys.node(top))?,
        Op::DropFilter { filter } => t.drop_filter(keys.node(filter))?,
        Op::Freeze { top, base } => t.freeze(keys.node(top), optional(keys, base))?,
        Op::Thaw { top, base } => t.thaw(keys.node(top), optional(keys, base))?,
        Op::SetOption { node, opt } => t.set_option(keys.node(node), translate::option(opt))?,
        Op::SetReadOnly { node, on } => t.set_read_only(keys.node(node), on)?,
    }
    Ok(())
}

/// O1. In the crate a driver comes with its options; options of another kind can only be offered to it afterwards.
fn add(
    t: &mut Transaction<'_, TestDriver>,
    keys: &mut Keys,
    node: NodeId,
    spec: Spec,
    refusals: &[Refusal],
) -> Result<(), blockgraph::Error> {
    let key = t.add(translate::node_spec(node, spec), driver(node, spec, refusals))?;
    keys.set_node(node, key);
    if spec.opt.suits(spec.kind) { Ok(()) } else { t.set_option(key, translate::option(spec.opt)) }
}

fn driver(id: NodeId, spec: Spec, refusals: &[Refusal]) -> TestDriver {
    let refuses = refusals.iter().find(|r| r.node == id).map(|r| r.hook);
    let mut driver = TestDriver { preset: translate::preset(spec.kind), id, refuses };
    if spec.opt != spec.kind.default_opt() {
        // Options that do not suit are offered again inside the transaction, which refuses them.
        let _ = driver.set_option(translate::option(spec.opt));
    }
    driver
}

impl Subject for ImplSubject {
    fn name(&self) -> &'static str {
        "impl"
    }

    fn apply(&mut self, ops: &[Op], refusals: &[Refusal]) -> Answer {
        self.set_refusals(refusals, true);
        hooks::clear_log();
        self.missing = None;
        self.before.copy_from(&self.keys);
        let answer = self.answer(ops, refusals);
        if !matches!(answer, Answer::Done { .. }) {
            self.keys.copy_from(&self.before);
        }
        self.set_refusals(refusals, false);
        if let Err(unpaired) = hooks::with_log(hooks::paired) {
            self.fault = Some(unpaired);
        }
        if !self.graph.pending_aborts().is_empty() {
            self.fault = Some(format!("steps were left unaborted: {:?}", self.graph.pending_aborts()));
        }
        answer
    }

    fn observe(&self) -> Observation {
        let mut seen = Observation::default();
        seen.nodes.extend(self.graph.nodes().filter_map(|key| node_seen(&self.graph, key)));
        seen.users.extend(self.graph.users().filter_map(|key| {
            let view = self.graph.user_view(key)?;
            let node = self.graph.get(view.node())?;
            Some(UserSeen {
                id: translate::user_id(view.name())?,
                node: translate::node_id(node.name())?,
                pair: translate::pair_back(view.pair()),
                stay: view.stays(),
            })
        }));
        seen.nodes.sort_by_key(|node| node.id);
        seen.users.sort_by_key(|user| user.id);
        seen
    }

    fn fault(&self) -> Option<String> {
        let broken = self.graph.check();
        self.fault.clone().or_else(|| (!broken.is_empty()).then(|| format!("the crate's own check fails: {broken:?}")))
    }
}

/// The upper end and name of an edge.
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

fn node_seen(graph: &Graph<TestDriver>, key: blockgraph::NodeKey) -> Option<NodeSeen> {
    let view = graph.get(key)?;
    let (kind, opt) = translate::preset_back(&graph.driver(key)?.preset)?;
    let edge = |key: EdgeKey| graph.edge(key);
    let children = view.children().filter_map(edge).filter_map(|e| {
        Some(ChildSeen {
            name: translate::child_id(e.name())?,
            role: Role(e.role().bits()),
            child: translate::node_id(graph.get(e.child())?.name())?,
            frozen: e.is_frozen(),
            pair: translate::pair_back(e.pair()),
        })
    });
    Some(NodeSeen {
        id: translate::node_id(view.name())?,
        kind,
        opt,
        flags: Flags {
            read_only: view.read_only(),
            force_share: view.force_share(),
            no_io: view.no_io(),
            never_freeze: view.never_freeze(),
        },
        holders: view.holders(),
        pair: translate::pair_back(view.pair()),
        granted: translate::grant_back(view.granted()),
        children: children.collect(),
        parents: view.parents().filter_map(edge).filter_map(|e| edge_id(graph, &e)).collect(),
    })
}
