//! The crate as a [`Subject`].

use crate::homes;
use crate::hooks::{self, Call, Hooks, TestDriver, Told, What};
use crate::steps::step;
use crate::subject::{Answer, ChildSeen, Effects, NodeSeen, Observation, Subject, UserSeen};
use crate::translate::{self, Keys, Refused};
use blockgraph::{
    Committed, ContextId, EdgeKey, EdgeView, ErrorKind, Graph, NodeKey, NodeView, PlanStep, Preset, Savepoint,
    Transaction, UserKey, UserView,
};
use blockgraph_model::op::Flags;
use blockgraph_model::{EdgeId, Inherits, Kind, NodeId, Op, Opt, Perms, Refusal, Role, UserId, Ways};

/// A graph of the crate, and which of its keys stands for which name.
#[derive(Clone, Debug)]
pub struct ImplSubject {
    /// The graph.
    pub graph: Graph<TestDriver>,
    /// What the nodes without a driver had for one (L3): the crate gave it back, and only the name of its kind is still to be
    /// seen of the node. So what [`NodeSeen`] says of kind and options is, for these nodes, what was given back.
    pub ejected: Vec<(NodeId, Preset)>,
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
    /// The users before the operation: where they lived, and whether they were quiesced.
    users: Vec<(UserKey, ContextId, bool)>,
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
        let before = keys.clone();
        let (graph, ejected, users) = (Graph::new(), Vec::new(), Vec::new());
        ImplSubject { graph, ejected, before, keys, fault: None, missing: None, turn: 0, users }
    }

    /// Becomes a copy of `other`, reusing what it has.
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
            let wrong = about(transaction.graph(), &self.keys, op, done.as_ref().err().map(|error| error.kind()));
            self.fault = wrong.or(self.fault.take());
            if let Err(error) = done {
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

    /// Looks at everything that the commit says, and keeps what was given back.
    fn done(&mut self, committed: Committed<TestDriver>, ops: &[Op]) -> Answer {
        let wrong = told(&committed, &self.keys, &self.graph, ops).and_then(|told| {
            hooks::with_log(|calls| {
                hooks::as_told(calls, &told)?;
                deepest_first(calls, &self.graph, &self.keys)?;
                homes::settled(calls, &self.graph, &self.keys)
            })
        });
        let wrong = wrong.and_then(|()| homes::users_told(&committed, &self.graph, &self.users));
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

    /// Kind and options of a node's driver, also if that is gone; and the driver itself, if it is not.
    pub fn driver(&self, key: NodeKey, id: NodeId) -> Option<(Kind, Opt, Option<&TestDriver>)> {
        let driver = self.graph.driver(key);
        let kept = || self.ejected.iter().find(|(gone, _)| *gone == id).map(|(_, preset)| preset);
        let (kind, opt) = translate::preset_back(driver.map(|driver| &driver.preset).or_else(kept)?)?;
        Some((kind, opt, driver))
    }
}

/// L5.10: the nodes that these operations open, in the order in which their drivers are closed if that is taken back.
fn opened(ops: &[Op]) -> Vec<NodeId> {
    let layers = |op: &Op| match *op {
        Op::Open { node, file, overlay, .. } => {
            let below = file.filter(|file| file.opened.is_some()).map(|file| file.node);
            [overlay, Some(node), below]
        }
        _ => [None; 3],
    };
    ops.iter().rev().flat_map(layers).flatten().collect()
}

/// What the crate says besides the answer: the parties of errors that the model does not name, and the queries that must come
/// to the same as a step.
fn about(graph: &Graph<TestDriver>, keys: &Keys, op: Op, error: Option<&ErrorKind>) -> Option<String> {
    let right = match (op, error) {
        (Op::Unblock { user, kinds }, Some(ErrorKind::NotBlocked { kind, .. })) => {
            let blocks = graph.user_view(keys.user(user))?.blocks();
            translate::op_kinds(kinds).kinds().find(|kind| !blocks.kinds().any(|k| k == *kind)) == Some(*kind)
        }
        (Op::Inactivate { node }, Some(ErrorKind::ActiveParent { node: named, .. })) => named.key == keys.node(node),
        (Op::Inactivate { .. }, Some(ErrorKind::UserActive { node, user })) => match user.parent {
            blockgraph::Parent::User(user) => graph.user_view(user).is_some_and(|view| view.node() == node.key),
            blockgraph::Parent::Node(_) => false,
        },
        (Op::AddChild { .. } | Op::RemoveChild { .. }, Some(ErrorKind::ChildrenFixed { adding, .. })) => {
            *adding == matches!(op, Op::AddChild { .. })
        }
        (Op::DropIntermediate { base, .. }, Some(ErrorKind::ShouldNotChange { to, .. })) => to.key == keys.node(base),
        (Op::CheckOp { node, kind }, None) => graph.is_blocked(keys.node(node), translate::op_kind(kind)).is_none(),
        (Op::CheckOp { node, kind }, Some(ErrorKind::Blocked { by, reason, .. })) => {
            let found = graph.is_blocked(keys.node(node), translate::op_kind(kind));
            found.is_some_and(|found| found.by == *by && found.reason == *reason)
        }
        (Op::CheckReplace { parent, node }, None) => graph.can_replace(keys.node(parent), keys.node(node)),
        (Op::CheckReplace { parent, node }, Some(ErrorKind::CannotReplace { .. })) => {
            !graph.can_replace(keys.node(parent), keys.node(node))
        }
        _ => true,
    };
    (!right).then(|| format!("{op:?} gave {error:?}, and that is not the whole truth"))
}

/// After a failed step the transaction is as it was before that step, and can be used: back at its start there is nothing
/// left to commit. (Every second time; else it is dropped, which must come to the same.)
fn usable(mut transaction: Transaction<'_, TestDriver>, start: Savepoint) -> Option<String> {
    // If it was the very first step there should be nothing to roll back.
    if transaction.steps() > 0 && transaction.rollback_to(start).is_err() {
        return Some("the savepoint at the start of the transaction is gone".to_owned());
    }
    match transaction.commit() {
        Ok(left) if left.plan.is_empty() && left.closed.is_empty() && left.ejected.is_empty() => None,
        left => Some(format!("a failed step left something to commit: {left:?}")),
    }
}

/// What the commit says of itself, the names of the nodes in place of their keys.
fn told(committed: &Committed<TestDriver>, keys: &Keys, graph: &Graph<TestDriver>, ops: &[Op]) -> Result<Told, String> {
    let id = |key| keys.node_of(key).ok_or_else(|| format!("{key:?} is no node's key"));
    let steps = |step: PlanStep| -> Result<(What, NodeId), String> {
        let what = match step {
            PlanStep::Flush { .. } => What::Flush,
            PlanStep::Prepare { read_only, .. } => What::Prepare(read_only),
            // The drivers see the name that the graph shows afterwards.
            PlanStep::Rename { node } => What::Rename(graph.get(node).and_then(|view| stored(&view))),
            PlanStep::Inactivate { .. } => What::Inactivate,
            PlanStep::Context { to, .. } => What::Context(translate::context_back(to)),
            PlanStep::Activate { .. } => What::Activate,
            PlanStep::Check { grant, .. } => What::Check(grant),
        };
        Ok((what, id(step.node())?))
    };
    let unasked: Vec<PlanStep> = committed.unasked().collect();
    let asked = committed.plan.iter().copied().filter(|step| !unasked.contains(step));
    let mut told = Told {
        plan: asked.map(steps).collect::<Result<_, _>>()?,
        stayed: committed.stayed().map(id).collect::<Result<_, _>>()?,
        aborts: committed.aborts().map(steps).collect::<Result<_, _>>()?,
        refused: committed.refused.iter().map(|key| id(*key)).collect::<Result<_, _>>()?,
        quiesce: committed.quiesced().iter().map(|key| id(*key)).collect::<Result<_, _>>()?,
        resume: committed.resumed().iter().map(|key| id(*key)).collect::<Result<_, _>>()?,
        commits: committed.commits().map(steps).collect::<Result<_, _>>()?,
        post_commits: committed.post_commits().map(id).collect::<Result<_, _>>()?,
        ..Told::default()
    };
    for gone in &committed.closed {
        let node = id(gone.key)?;
        if *gone.name != *translate::node_name(node) || gone.driver.as_ref().is_some_and(|driver| driver.id != node) {
            return Err(format!("{node:?} was closed under the name {} with {:?}", gone.name, gone.driver));
        }
        told.closed.extend(gone.driver.as_ref().map(|driver| driver.id));
    }
    for given in &committed.ejected {
        let node = id(given.key)?;
        if *given.name != *translate::node_name(node) || given.driver.id != node {
            return Err(format!("{node:?} gave back {:?} under the name {}", given.driver, given.name));
        }
        told.ejected.push(node);
    }
    // L3.4: exactly what the operations took away, in their order.
    let taken = ops.iter().filter_map(|op| if let Op::Eject { node } = op { Some(*node) } else { None });
    if !taken.eq(told.ejected.iter().copied()) {
        return Err(format!("the commit says it gave back the drivers of {:?}", told.ejected));
    }
    let mut stale: Vec<NodeKey> = graph.stale_nodes().collect();
    if committed.stale != stale {
        return Err(format!("stale after the commit are {stale:?}, it says {:?}", committed.stale));
    }
    stale.retain(|key| graph.get(*key).is_none_or(|view| !view.is_stale()));
    if stale.is_empty() { Ok(told) } else { Err(format!("{stale:?} are said to be stale, and are not")) }
}

/// V6: each prepared node is committed after all prepared nodes that can be reached from it. (The closed nodes are gone from
/// the graph, but nothing that remains was above them.)
fn deepest_first(calls: &[Call], graph: &Graph<TestDriver>, keys: &Keys) -> Result<(), String> {
    let prepared = calls.iter().filter_map(|call| match call {
        Call::Commit(What::Prepare(_), node) => Some(keys.node(*node)),
        _ => None,
    });
    let order: Vec<NodeKey> = prepared.collect();
    if order.len() < 2 {
        return Ok(());
    }
    for (place, &early) in order.iter().enumerate() {
        let below = reached(graph, early);
        if let Some(late) = order[place + 1..].iter().find(|key| below.contains(key)) {
            let id = |key| keys.node_of(key);
            return Err(format!("{:?} was committed before {:?}, which is below it (V6)", id(early), id(*late)));
        }
    }
    Ok(())
}

/// The nodes below a node, itself included.
fn reached(graph: &Graph<TestDriver>, from: NodeKey) -> Vec<NodeKey> {
    let mut met = vec![from];
    let mut next = 0;
    while let Some(&key) = met.get(next) {
        next += 1;
        let edges = graph.get(key).into_iter().flat_map(|view| view.children());
        for edge in edges.filter_map(|edge| graph.edge(edge)) {
            if !met.contains(&edge.child()) {
                met.push(edge.child());
            }
        }
    }
    met
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
        hooks::clear_log();
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
            Answer::Failed { index, .. } => opened(&ops[..=*index]),
            _ => opened(ops),
        };
        if let Err(unpaired) = hooks::with_log(|calls| hooks::paired(calls, &taken_back)) {
            self.fault = Some(unpaired);
        }
        let gone = |call: &&Call| {
            let taken_back = taken_back.contains(&call.node()) && matches!(call, Call::Closed(_));
            !taken_back && ops.iter().any(|op| *op == Op::Eject { node: call.node() })
        };
        if let Some(call) = hooks::with_log(|calls| calls.iter().find(gone).copied()) {
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
        seen.nodes.extend(self.graph.nodes().filter_map(|key| self.node_seen(key)));
        seen.users.extend(self.graph.users().filter_map(|key| {
            let view = self.graph.user_view(key)?;
            let node = self.graph.get(view.node())?;
            Some(UserSeen {
                id: translate::user_id(view.name())?,
                node: translate::node_id(node.name())?,
                pair: translate::pair_back(view.pair()),
                wanted: translate::pair_back(view.wanted()),
                ways: ways(&view),
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

impl ImplSubject {
    fn node_seen(&self, key: NodeKey) -> Option<NodeSeen> {
        let graph = &self.graph;
        let view = graph.get(key)?;
        let id = translate::node_id(view.name())?;
        let (kind, opt, _) = self.driver(key, id)?;
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
            stored: stored(&view),
            pair: translate::pair_back(view.pair()),
            granted: translate::grant_back(view.granted()),
            children: children.collect(),
            parents: view.parents().filter_map(edge).filter_map(|e| edge_id(graph, &e)).collect(),
        })
    }
}

/// The flags of a node.
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

/// What a user is besides what it wants.
pub fn ways(view: &UserView<'_>) -> Ways {
    Ways { stay: view.stays(), may_inactivate: view.may_inactivate(), fixed: view.is_fixed() }
}

/// The stored backing name of a node; the tests store names of nodes only.
pub fn stored(view: &NodeView<'_>) -> Option<NodeId> {
    view.stored_backing().and_then(|name| translate::node_id(name))
}

fn inherits(graph: &Graph<TestDriver>, view: &NodeView<'_>) -> Option<Inherits> {
    let from = translate::node_id(graph.get(view.inherits_from()?)?.name())?;
    Some(Inherits { from, read_only: view.inherits_read_only() })
}

#[cfg(test)]
mod tests {
    use super::{Call, ErrorKind, ImplSubject, TestDriver, What, about, deepest_first, told};
    use crate::subject::{Answer, Subject};
    use crate::translate;
    use blockgraph::{Committed, OpKind};
    use blockgraph_model::{ChildName, Kind, NodeId, Op, OpKind as Asked, OpKinds, Pair, Role, Spec, UserId, Ways};

    const TOP: NodeId = NodeId(0);
    const BASE: NodeId = NodeId(1);
    const OTHER: NodeId = NodeId(2);
    const USER: UserId = UserId(0);

    /// `TOP` over `BASE`, and `OTHER` beside them with a user.
    fn subject() -> ImplSubject {
        let mut subject = ImplSubject::new();
        let add = |node| Op::Add { node, spec: Spec::plain(Kind::NoPermission) };
        let ops = [
            add(TOP),
            add(BASE),
            add(OTHER),
            Op::Attach { parent: TOP, child: BASE, name: ChildName::BACKING, role: Role::COW },
            Op::AttachUser { user: USER, node: OTHER, pair: Pair::FREE, ways: Ways::NONE, context: None },
        ];
        for op in ops {
            assert!(matches!(subject.apply(&[op], &[]), Answer::Done(_)));
        }
        assert_eq!(subject.fault(), None);
        subject
    }

    #[test]
    fn the_deepest_are_committed_first() {
        let subject = subject();
        let order = |nodes: &[NodeId]| {
            let calls: Vec<Call> = nodes.iter().map(|node| Call::Commit(What::Prepare(true), *node)).collect();
            deepest_first(&calls, &subject.graph, &subject.keys)
        };
        for good in [&[BASE, TOP][..], &[OTHER, BASE, TOP], &[BASE, OTHER, TOP], &[BASE, TOP, OTHER], &[TOP], &[]] {
            assert_eq!(order(good), Ok(()), "{good:?}");
        }
        for bad in [&[TOP, BASE][..], &[TOP, OTHER, BASE], &[OTHER, TOP, BASE], &[TOP, BASE, OTHER]] {
            assert!(order(bad).is_err(), "{bad:?}");
        }
    }

    /// Ejects `BASE` and `OTHER`, and closes `TOP` with `BASE`.
    fn commit(subject: &mut ImplSubject) -> (Committed<TestDriver>, [Op; 4]) {
        let ops = [
            Op::Eject { node: OTHER },
            Op::Eject { node: BASE },
            Op::Release { node: BASE },
            Op::Release { node: TOP },
        ];
        let mut t = subject.graph.transaction();
        for op in ops {
            crate::steps::step(&mut t, &mut subject.keys, op, &[]).unwrap();
        }
        (t.commit().unwrap(), ops)
    }

    #[test]
    fn a_commit_that_lies_is_found_out() {
        let mut subject = subject();
        let (committed, ops) = commit(&mut subject);
        let check = |committed: &Committed<TestDriver>, ops: &[Op]| told(committed, &subject.keys, &subject.graph, ops);
        let right = check(&committed, &ops).unwrap();
        assert_eq!((right.ejected, right.closed), (vec![OTHER, BASE], vec![TOP]));
        assert!(check(&committed, &ops[1..]).is_err() && check(&committed, &[ops[1], ops[0]]).is_err());
        type Lie = dyn Fn(&mut Committed<TestDriver>);
        let lies: [&Lie; 8] = [
            &|c| c.ejected.truncate(1),
            &|c| c.ejected.swap(0, 1),
            &|c| c.ejected[0].name = translate::node_name(TOP),
            &|c| c.ejected[0].driver.id = TOP,
            &|c| c.ejected[0].key = c.ejected[1].key,
            &|c| c.closed[0].name = translate::node_name(OTHER),
            &|c| c.closed[1].key = c.closed[0].key,
            &|c| c.stale.push(c.ejected[0].key),
        ];
        for (i, lie) in lies.iter().enumerate() {
            let mut other = committed.clone();
            lie(&mut other);
            assert!(check(&other, &ops).is_err(), "lie {i}");
        }
    }

    /// Who lost a driver has one no longer, and once closed it is forgotten.
    #[test]
    fn drivers_that_are_gone_are_kept_as_long_as_their_nodes() {
        let mut subject = subject();
        let (eject, release) = (|node| Op::Eject { node }, |node| Op::Release { node });
        let done = |subject: &mut ImplSubject, op| {
            let answer = subject.apply(&[op], &[]);
            assert!(matches!(answer, Answer::Done(_)) && subject.fault().is_none(), "{answer:?} {:?}", subject.fault());
            subject.ejected.iter().map(|(node, _)| *node).collect::<Vec<_>>()
        };
        assert_eq!(done(&mut subject, eject(BASE)), [BASE]);
        assert_eq!(done(&mut subject, eject(OTHER)), [BASE, OTHER]);
        assert_eq!(done(&mut subject, release(BASE)), [BASE, OTHER]);
        assert!(subject.observe().nodes[1].ejected && subject.observe().nodes[1].kind == Kind::NoPermission);
        assert_eq!(done(&mut subject, release(TOP)), [OTHER]);
        assert!(!matches!(subject.apply(&[eject(OTHER)], &[]), Answer::Done(_)));
        assert_eq!(subject.ejected.len(), 1);
    }

    #[test]
    fn the_other_parties_are_looked_at() {
        let mut subject = subject();
        let key = subject.keys.user(USER);
        subject.graph.block(key, OpKind::Change.into(), "busy").unwrap();
        let wrong = |op, kind: Option<&ErrorKind>| about(&subject.graph, &subject.keys, op, kind).is_some();
        let kinds = OpKinds(OpKinds::of(Asked(2)).0 | OpKinds::of(Asked(3)).0 | OpKinds::of(Asked(4)).0);
        let unblock = Op::Unblock { user: USER, kinds };
        let not_blocked = |kind| ErrorKind::NotBlocked { user: key, name: "u0".into(), kind };
        assert!(!wrong(unblock, Some(&not_blocked(OpKind::CommitSource))));
        for kind in [OpKind::Change, OpKind::CommitTarget, OpKind::BackupSource] {
            assert!(wrong(unblock, Some(&not_blocked(kind))), "{kind}");
        }
        // What was refused by one is not to be granted by the other.
        let (blocked, free) = (|kind| Op::CheckOp { node: OTHER, kind }, Op::CheckReplace { parent: TOP, node: TOP });
        assert!(wrong(blocked(Asked(2)), None) && !wrong(blocked(Asked(3)), None) && !wrong(free, None));
        let other = Op::CheckReplace { parent: TOP, node: BASE };
        assert!(wrong(other, None));
        let node = |id| blockgraph::NodeRef { key: subject.keys.node(id), name: translate::node_name(id) };
        let cannot = ErrorKind::CannotReplace { parent: node(TOP), node: node(BASE) };
        assert!(wrong(free, Some(&cannot)) && !wrong(other, Some(&cannot)));
        let edge = subject.graph.is_blocked(subject.keys.node(OTHER), OpKind::Change).unwrap();
        let kind = |reason| ErrorKind::Blocked { node: node(OTHER), kind: OpKind::Change, by: edge.by.clone(), reason };
        assert!(!wrong(blocked(Asked(2)), Some(&kind(Some("busy".into())))));
        assert!(
            wrong(blocked(Asked(2)), Some(&kind(None))) && wrong(blocked(Asked(3)), Some(&kind(Some("busy".into()))))
        );
        let drop = Op::DropIntermediate { top: TOP, base: BASE, name: None };
        let fixed = |to| ErrorKind::ShouldNotChange { edge: edge.by.clone(), to: node(to) };
        assert!(!wrong(drop, Some(&fixed(BASE))) && wrong(drop, Some(&fixed(TOP))));
    }
}
