//! Checks of hook calls that need the graph: in which context each node lives (C2, C3), and which users are quiesced
//! (Q4).

use crate::test_driver::{Call, Request, TestDriver};
use crate::translate::{self, Keys};
use blockgraph::{Committed, ContextId, Graph, NodeKey, Parent, UserKey};
use blockgraph_model::NodeId;

/// One call of the hook that changes the context of a node.
struct Asked {
    node: NodeId,
    /// Whether the driver refused.
    refused: bool,
    /// Whether the driver agreed and its change was aborted, because the component stays in its context.
    aborted: bool,
}

/// Checks the calls that change contexts (C3, C4, V5.1, V6). A node whose driver agreed and whose change was committed
/// lives in the new context. After a refusal no further driver of that component is called, and the changes agreed
/// before are aborted. Only drivers of orphaned components may refuse, and they are called last.
///
/// # Errors
/// What does not hold.
pub fn check_context_calls(calls: &[Call], graph: &Graph<TestDriver>, keys: &Keys) -> Result<(), String> {
    let mut asked: Vec<Asked> = Vec::new();
    for &call in calls {
        let (Call::Agreed(what, node) | Call::Refused(what, node)) = call else { continue };
        let Request::Context(to) = what else { continue };
        let refused = matches!(call, Call::Refused(..));
        let aborted = calls.contains(&Call::Abort(what, node));
        let lives = graph.get(keys.node(node)).and_then(|view| translate::context_back(view.context()));
        if (lives == to) == (refused || aborted) {
            return Err(format!("{node:?} lives in {lives:?} after {call:?}: {calls:?}"));
        }
        asked.push(Asked { node, refused, aborted });
    }
    let Some(first) = asked.iter().position(|question| question.refused || question.aborted) else { return Ok(()) };
    let mut first_wish = first;
    for (place, refusal) in asked.iter().enumerate().filter(|(_, question)| question.refused) {
        let together = component(graph, keys.node(refusal.node));
        let here = |question: &Asked| together.contains(&keys.node(question.node));
        if let Some(late) = asked[place + 1..].iter().find(|question| here(question)) {
            return Err(format!("{:?} was asked to move after {:?} had refused (C3)", late.node, refusal.node));
        }
        if let Some(gone) = asked[..place].iter().find(|question| here(question) && !question.aborted) {
            return Err(format!("{:?} moved, though {:?} had refused (C3)", gone.node, refusal.node));
        }
        if has_user(graph, &together) {
            return Err(format!("{:?} refused and has a user, so it was no wish (C3)", refusal.node));
        }
        first_wish = first_wish.min(asked.iter().position(here).unwrap_or(place));
    }
    if let Some(lost) = asked.iter().find(|question| question.aborted && !beside_refusal(&asked, question, graph, keys))
    {
        return Err(format!("{:?} was told to stay, and nobody had refused (C3)", lost.node));
    }
    // A component with a root user is not an orphan, so its move was not optional.
    let forced = |question: &&Asked| has_user(graph, &component(graph, keys.node(question.node)));
    match asked[first_wish..].iter().find(forced) {
        Some(late) => Err(format!("{:?} must move, and was asked after those that may (V5.1)", late.node)),
        None => Ok(()),
    }
}

fn beside_refusal(asked: &[Asked], question: &Asked, graph: &Graph<TestDriver>, keys: &Keys) -> bool {
    let together = component(graph, keys.node(question.node));
    asked.iter().any(|other| other.refused && together.contains(&keys.node(other.node)))
}

/// Returns the nodes that edges connect with this one.
fn component(graph: &Graph<TestDriver>, from: NodeKey) -> Vec<NodeKey> {
    let mut met = vec![from];
    let mut next = 0;
    while let Some(view) = met.get(next).and_then(|key| graph.get(*key)) {
        next += 1;
        for edge in view.children().chain(view.parents()).filter_map(|edge| graph.edge(edge)) {
            let above = match edge.parent() {
                Parent::Node(key) => Some(key),
                Parent::User(_) => None,
            };
            for key in above.into_iter().chain([edge.child()]) {
                if !met.contains(&key) {
                    met.push(key);
                }
            }
        }
    }
    met
}

fn has_user(graph: &Graph<TestDriver>, nodes: &[NodeKey]) -> bool {
    graph.users().filter_map(|user| graph.user_view(user)).any(|view| nodes.contains(&view.node()))
}

/// Checks what a commit reports about users (Q4): it names the users that become quiesced, or move without having been
/// quiesced, and the users that go on. `before` holds each user's context and whether it was quiesced before the
/// operation.
///
/// # Errors
/// The expected and the reported users, if they differ.
pub fn check_user_notices(
    committed: &Committed<TestDriver>,
    graph: &Graph<TestDriver>,
    before: &[(UserKey, ContextId, bool)],
) -> Result<(), String> {
    let (mut quiet, mut on) = (Vec::new(), Vec::new());
    for (user, view) in graph.users().filter_map(|user| Some((user, graph.user_view(user)?))) {
        let old = before.iter().find(|(key, ..)| *key == user);
        let was = old.is_some_and(|(_, _, quiet)| *quiet);
        let moves = old.is_some_and(|(_, home, _)| *home != view.context());
        let is = view.is_quiesced();
        if (is || moves) && !was {
            quiet.push(user);
        }
        if (was || moves) && !is {
            on.push(user);
        }
    }
    for (what, expected, said) in
        [("quiet", &mut quiet, committed.quiesced_users()), ("on", &mut on, committed.resumed_users())]
    {
        let mut said = said.to_vec();
        said.sort_unstable();
        expected.sort_unstable();
        if said != *expected {
            return Err(format!("the commit says that the users {said:?} are {what}, and not {expected:?} (Q4)"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check_context_calls, check_user_notices};
    use crate::impl_subject::ImplSubject;
    use crate::test_driver::{self, Call, Request};
    use blockgraph::{ContextId, Graph, UserKey};
    use blockgraph_model::{ChildName, Context, Hook, Kind, NodeId, Op, Pair, Refusal, Role, Spec, UserFlags, UserId};
    use blockgraph_story::subject::{Answer, Subject};

    const TOP: NodeId = NodeId(0);
    const LOW: NodeId = NodeId(1);
    const APART: NodeId = NodeId(2);
    const USER: UserId = UserId(0);
    const HOME: Request = Request::Context(Some(Context::MAIN));
    const AWAY: Request = Request::Context(Some(Context(1)));

    fn done(subject: &mut ImplSubject, ops: &[Op], refusals: &[Refusal]) {
        let answer = subject.apply(ops, refusals);
        assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
        assert_eq!(subject.fault(), None);
    }

    /// Builds `TOP` over `LOW` and, unconnected with them, `APART`. All live in context 1, and each of the two
    /// components has a movable user.
    fn abroad() -> ImplSubject {
        let mut subject = ImplSubject::new();
        let add = |node| Op::Add { node, spec: Spec::plain(Kind::NoPermission) };
        let user = |user, node| {
            let context = Some(Context(1));
            Op::AttachUser { user, node, pair: Pair::FREE, user_flags: UserFlags::NONE, context }
        };
        let attach = Op::Attach { parent: TOP, child: LOW, name: ChildName(2), role: Role::DATA };
        done(&mut subject, &[add(TOP), add(LOW), add(APART), attach, user(USER, TOP), user(UserId(1), APART)], &[]);
        subject
    }

    /// Detaches both users, while the drivers of the nodes in `refuses` refuse to move to the main context. Returns the
    /// hook calls.
    fn leave(refuses: &[NodeId]) -> (ImplSubject, Vec<Call>) {
        let mut subject = abroad();
        let refusals: Vec<Refusal> = refuses.iter().map(|&node| Refusal { node, hook: Hook::Context }).collect();
        let ops = [Op::DetachUser { user: USER }, Op::DetachUser { user: UserId(1) }];
        done(&mut subject, &ops, &refusals);
        let calls = test_driver::with_log(<[Call]>::to_vec);
        (subject, calls)
    }

    fn good(subject: &ImplSubject, calls: &[Call]) {
        assert_eq!(check_context_calls(calls, &subject.graph, &subject.keys), Ok(()), "{calls:?}");
    }

    fn bad(subject: &ImplSubject, calls: &[Call]) {
        assert!(check_context_calls(calls, &subject.graph, &subject.keys).is_err(), "{calls:?}");
    }

    #[test]
    fn a_node_that_agreed_is_in_the_new_context() {
        let (subject, calls) = leave(&[]);
        good(&subject, &calls);
        assert_eq!(calls.iter().filter(|call| matches!(call, Call::Agreed(HOME, _))).count(), 3);
        good(&subject, &[Call::Agreed(HOME, TOP)]);
        bad(&subject, &[Call::Agreed(AWAY, TOP)]);
        bad(&subject, &[Call::Agreed(HOME, TOP), Call::Abort(HOME, TOP)]);
        bad(&subject, &[Call::Refused(HOME, TOP)]);
    }

    #[test]
    fn a_component_stays_as_a_whole() {
        use Call::{Abort, Agreed, Refused};
        let (subject, calls) = leave(&[LOW]);
        good(&subject, &calls);
        good(&subject, &[Refused(HOME, LOW), Agreed(HOME, APART)]);
        good(&subject, &[Agreed(HOME, TOP), Refused(HOME, LOW), Agreed(HOME, APART), Abort(HOME, TOP)]);
        // A driver is called after the refusal; a node stays without a refusal; a node moves in spite of a refusal; a
        // node stays because of a refusal in another component.
        bad(&subject, &[Refused(HOME, LOW), Agreed(HOME, TOP), Abort(HOME, TOP)]);
        bad(&subject, &[Agreed(HOME, TOP), Abort(HOME, TOP)]);
        bad(&subject, &[Agreed(HOME, TOP), Refused(HOME, LOW)]);
        bad(&subject, &[Agreed(HOME, APART), Refused(HOME, LOW), Abort(HOME, APART)]);
    }

    /// Drivers of components that must move are called first, and must not refuse.
    #[test]
    fn duty_comes_first() {
        use Call::{Agreed, Refused};
        let mut subject = abroad();
        let moves = |context| Op::MoveContext { node: APART, to: Context(context) };
        done(&mut subject, &[moves(0)], &[]);
        let leave = Op::DetachUser { user: USER };
        done(&mut subject, &[leave, moves(2)], &[Refusal { node: TOP, hook: Hook::Context }]);
        let calls = test_driver::with_log(<[Call]>::to_vec);
        good(&subject, &calls);
        let there = Request::Context(Some(Context(2)));
        good(&subject, &[Agreed(there, APART), Refused(HOME, TOP)]);
        bad(&subject, &[Refused(HOME, TOP), Agreed(there, APART)]);
        bad(&subject, &[Refused(HOME, APART)]);
    }

    #[test]
    fn users_are_told_what_they_are() {
        let mut subject = abroad();
        let key = subject.keys.user(USER);
        let now = |graph: &Graph<_>, user: UserKey| graph.user_view(user).map(|v| (user, v.context(), v.is_quiesced()));
        let before: Vec<_> = subject.graph.users().filter_map(|user| now(&subject.graph, user)).collect();
        let mut t = subject.graph.transaction();
        t.drain_begin(subject.keys.node(LOW)).unwrap();
        let committed = t.commit().unwrap();
        assert_eq!(committed.quiesced_users(), [key]);
        let check = |before: &[_]| check_user_notices(&committed, &subject.graph, before);
        assert_eq!(check(&before), Ok(()));
        // A user was quiesced before and is not reported; a user lived in another context and is reported to go on; a
        // new user is reported.
        let with = |change: &dyn Fn(&mut (UserKey, ContextId, bool))| {
            let mut other = before.clone();
            other.iter_mut().for_each(change);
            other
        };
        assert!(check(&with(&|user| user.2 = true)).is_err());
        assert!(check(&with(&|user| user.1 = ContextId(7))).is_err());
        assert_eq!(check(&[]), Ok(()));
        let committed = subject.graph.transaction().commit().unwrap();
        assert!(check_user_notices(&committed, &subject.graph, &before).is_err());
    }
}
