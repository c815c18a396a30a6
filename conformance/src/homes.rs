//! What the calls of hooks must be that only the graph can tell: who lives where (C2, C3), which users are quiet (Q4).

use crate::hooks::{Call, TestDriver, What};
use crate::translate::{self, Keys};
use blockgraph::{Committed, ContextId, Graph, NodeKey, Parent, UserKey};
use blockgraph_model::NodeId;

/// One question to change the context, as far as it was asked.
struct Asked {
    node: NodeId,
    /// Did it refuse?
    refused: bool,
    /// Did it agree, and was told that all stays?
    aborted: bool,
}

/// C3, C4, V5.1, V6: who agreed and was told so lives there now; after a refusal nobody of that component is asked any more,
/// and those who were are told that they stay; only orphans may refuse, and they are asked last.
pub fn settled(calls: &[Call], graph: &Graph<TestDriver>, keys: &Keys) -> Result<(), String> {
    let mut asked: Vec<Asked> = Vec::new();
    for &call in calls {
        let (Call::Agreed(what, node) | Call::Refused(what, node)) = call else { continue };
        let What::Context(to) = what else { continue };
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
    // Whoever has a user was not asked for a wish.
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

/// The nodes that are connected with this one.
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

/// Q4, of users: the commit names those that become quiet or move without having been so, and those that go on. `before`: the
/// users before the operation, where they lived, and whether they were quiesced.
pub fn users_told(
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
