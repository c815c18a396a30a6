//! Checks of what the crate reports besides its answer: the parties of errors, the report of a commit, and the order in
//! which commits reach the drivers.

use crate::test_driver::{Call, CommitReport, Request, TestDriver};
use crate::translate::{self, Keys};
use blockgraph::{Committed, ErrorKind, Graph, NodeKey, PlanStep, Savepoint, Transaction};
use blockgraph_model::{NodeId, Op};

/// Returns the nodes that these operations open, in the order in which their drivers are closed if the operations are
/// rolled back (L5.10).
pub(super) fn opened_nodes(ops: &[Op]) -> Vec<NodeId> {
    let layers = |op: &Op| match *op {
        Op::Open { node, file, overlay, .. } => {
            let below = file.filter(|file| file.opened.is_some()).map(|file| file.node);
            [overlay, Some(node), below]
        }
        _ => [None; 3],
    };
    ops.iter().rev().flat_map(layers).flatten().collect()
}

/// Checks the parties of errors that the model does not name, and the queries that must agree with a step. Returns what
/// is wrong, or `None`.
pub(super) fn check_error_details(
    graph: &Graph<TestDriver>,
    keys: &Keys,
    op: Op,
    error: Option<&ErrorKind>,
) -> Option<String> {
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

/// Checks that after a failed step the transaction is as it was before that step and can be used: rolled back to its
/// start, it has nothing left to commit. Every second failed transaction is checked like this, the others are dropped;
/// both must lead to the same graph.
pub(super) fn check_usable(mut transaction: Transaction<'_, TestDriver>, start: Savepoint) -> Option<String> {
    // If the failed step was the first one, there is nothing to roll back.
    if transaction.steps() > 0 && transaction.rollback_to(start).is_err() {
        return Some("the savepoint at the start of the transaction is gone".to_owned());
    }
    match transaction.commit() {
        Ok(left) if left.plan.is_empty() && left.closed.is_empty() && left.ejected.is_empty() => None,
        left => Some(format!("a failed step left something to commit: {left:?}")),
    }
}

/// Translates what a commit reports: names of nodes in place of keys.
pub(super) fn commit_report(
    committed: &Committed<TestDriver>,
    keys: &Keys,
    graph: &Graph<TestDriver>,
    ops: &[Op],
) -> Result<CommitReport, String> {
    let id = |key| keys.node_of(key).ok_or_else(|| format!("{key:?} is no node's key"));
    let steps = |step: PlanStep| -> Result<(Request, NodeId), String> {
        let what = match step {
            PlanStep::Flush { .. } => Request::Flush,
            PlanStep::Prepare { read_only, .. } => Request::Prepare(read_only),
            // The drivers see the name that the graph shows afterwards.
            PlanStep::Rename { node } => {
                Request::Rename(graph.get(node).and_then(|view| translate::stored_backing(&view)))
            }
            PlanStep::Inactivate { .. } => Request::Inactivate,
            PlanStep::Context { to, .. } => Request::Context(translate::context_back(to)),
            PlanStep::Activate { .. } => Request::Activate,
            PlanStep::Check { grant, .. } => Request::Check(grant),
        };
        Ok((what, id(step.node())?))
    };
    let unasked: Vec<PlanStep> = committed.unasked().collect();
    let asked = committed.plan.iter().copied().filter(|step| !unasked.contains(step));
    let mut report = CommitReport {
        plan: asked.map(steps).collect::<Result<_, _>>()?,
        stayed: committed.stayed().map(id).collect::<Result<_, _>>()?,
        aborts: committed.aborts().map(steps).collect::<Result<_, _>>()?,
        refused: committed.refused.iter().map(|key| id(*key)).collect::<Result<_, _>>()?,
        quiesce: committed.quiesced().iter().map(|key| id(*key)).collect::<Result<_, _>>()?,
        resume: committed.resumed().iter().map(|key| id(*key)).collect::<Result<_, _>>()?,
        commits: committed.commits().map(steps).collect::<Result<_, _>>()?,
        post_commits: committed.post_commits().map(id).collect::<Result<_, _>>()?,
        ..CommitReport::default()
    };
    for gone in &committed.closed {
        let node = id(gone.key)?;
        if *gone.name != *translate::node_name(node) || gone.driver.as_ref().is_some_and(|driver| driver.id != node) {
            return Err(format!("{node:?} was closed under the name {} with {:?}", gone.name, gone.driver));
        }
        report.closed.extend(gone.driver.as_ref().map(|driver| driver.id));
    }
    for given in &committed.ejected {
        let node = id(given.key)?;
        if *given.name != *translate::node_name(node) || given.driver.id != node {
            return Err(format!("{node:?} gave back {:?} under the name {}", given.driver, given.name));
        }
        report.ejected.push(node);
    }
    // L3.4: the commit returns exactly the drivers that the operations ejected, in their order.
    let taken = ops.iter().filter_map(|op| if let Op::Eject { node } = op { Some(*node) } else { None });
    if !taken.eq(report.ejected.iter().copied()) {
        return Err(format!("the commit says it gave back the drivers of {:?}", report.ejected));
    }
    let mut stale: Vec<NodeKey> = graph.stale_nodes().collect();
    if committed.stale != stale {
        return Err(format!("stale after the commit are {stale:?}, it says {:?}", committed.stale));
    }
    stale.retain(|key| graph.get(*key).is_none_or(|view| !view.is_stale()));
    if stale.is_empty() { Ok(report) } else { Err(format!("{stale:?} are said to be stale, and are not")) }
}

/// V6: each prepared node is committed after all prepared nodes that can be reached from it. Closed nodes are gone from
/// the graph, but no remaining node was below them.
pub(super) fn check_commit_order(calls: &[Call], graph: &Graph<TestDriver>, keys: &Keys) -> Result<(), String> {
    let prepared = calls.iter().filter_map(|call| match call {
        Call::Commit(Request::Prepare(_), node) => Some(keys.node(*node)),
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

/// Returns the nodes that can be reached from this one, itself included.
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

#[cfg(test)]
mod tests {
    use super::{Call, ErrorKind, Request, TestDriver, check_commit_order, check_error_details, commit_report};
    use crate::impl_subject::ImplSubject;
    use crate::translate;
    use blockgraph::{Committed, OpKind};
    use blockgraph_model::{
        ChildName, Kind, NodeId, Op, OpKind as Asked, OpKinds, Pair, Role, Spec, UserFlags, UserId,
    };
    use blockgraph_story::subject::{Answer, Subject};

    const TOP: NodeId = NodeId(0);
    const BASE: NodeId = NodeId(1);
    const OTHER: NodeId = NodeId(2);
    const USER: UserId = UserId(0);

    /// Builds `TOP` over `BASE`, and `OTHER` with a user.
    fn subject() -> ImplSubject {
        let mut subject = ImplSubject::new();
        let add = |node| Op::Add { node, spec: Spec::plain(Kind::NoPermission) };
        let ops = [
            add(TOP),
            add(BASE),
            add(OTHER),
            Op::Attach { parent: TOP, child: BASE, name: ChildName::BACKING, role: Role::COW },
            Op::AttachUser { user: USER, node: OTHER, pair: Pair::FREE, user_flags: UserFlags::NONE, context: None },
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
            let calls: Vec<Call> = nodes.iter().map(|node| Call::Commit(Request::Prepare(true), *node)).collect();
            check_commit_order(&calls, &subject.graph, &subject.keys)
        };
        for good in [&[BASE, TOP][..], &[OTHER, BASE, TOP], &[BASE, OTHER, TOP], &[BASE, TOP, OTHER], &[TOP], &[]] {
            assert_eq!(order(good), Ok(()), "{good:?}");
        }
        for bad in [&[TOP, BASE][..], &[TOP, OTHER, BASE], &[OTHER, TOP, BASE], &[TOP, BASE, OTHER]] {
            assert!(order(bad).is_err(), "{bad:?}");
        }
    }

    /// Ejects the drivers of `BASE` and `OTHER`, and closes `TOP` with `BASE`.
    fn commit(subject: &mut ImplSubject) -> (Committed<TestDriver>, [Op; 4]) {
        let ops = [
            Op::Eject { node: OTHER },
            Op::Eject { node: BASE },
            Op::Release { node: BASE },
            Op::Release { node: TOP },
        ];
        let mut t = subject.graph.transaction();
        for op in ops {
            crate::operations::step(&mut t, &mut subject.keys, op, &[]).unwrap();
        }
        (t.commit().unwrap(), ops)
    }

    #[test]
    fn a_commit_that_lies_is_found_out() {
        let mut subject = subject();
        let (committed, ops) = commit(&mut subject);
        let check = |committed: &Committed<TestDriver>, ops: &[Op]| {
            commit_report(committed, &subject.keys, &subject.graph, ops)
        };
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

    /// The driver of a node is kept when the node loses it, and forgotten when the node is closed.
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
        let wrong =
            |op, kind: Option<&ErrorKind>| check_error_details(&subject.graph, &subject.keys, op, kind).is_some();
        let kinds = OpKinds(OpKinds::of(Asked(2)).0 | OpKinds::of(Asked(3)).0 | OpKinds::of(Asked(4)).0);
        let unblock = Op::Unblock { user: USER, kinds };
        let not_blocked = |kind| ErrorKind::NotBlocked { user: key, name: "u0".into(), kind };
        assert!(!wrong(unblock, Some(&not_blocked(OpKind::CommitSource))));
        for kind in [OpKind::Change, OpKind::CommitTarget, OpKind::BackupSource] {
            assert!(wrong(unblock, Some(&not_blocked(kind))), "{kind}");
        }
        // `ensure_not_blocked` and the query, `check_replace` and its query, must agree.
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
