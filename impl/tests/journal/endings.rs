//! The ways of a transaction not to happen.

use super::common::{Behaviour, Injected, WRITER, behave};
use super::scene::{Scene, make, picture, tally};
use blockgraph::drivers::{ExclusiveWriter, Protocol};
use blockgraph::{
    ContextId, ErrorKind, Graph, Hook, NodeSpec, Pair, Permissions, PlanStep, Refusal, Role, Transaction, UserSpec,
};

/// A way for the scene's transaction not to happen.
pub type Ending = fn(&Scene<'_>, &mut Graph<Injected>);
pub const ENDINGS: [Ending; 6] =
    [dropped, rolled_back, in_violation, refused_at_each_step, refused_by_each_hook, given_up];

/// Dropped, or leaked and undone by the next one.
fn dropped(scene: &Scene<'_>, graph: &mut Graph<Injected>) {
    let mut t = graph.transaction();
    scene.make(&mut t);
    drop(t);
    scene.is_undone(graph);
    let mut t = graph.transaction();
    scene.make(&mut t);
    std::mem::forget(t);
    drop(graph.transaction());
    scene.is_undone(graph);
}

/// Back to each point between two steps, on from there to the end, and back to all of them, the last one first; and once more
/// to the judgement, which knows nothing of that.
fn rolled_back(scene: &Scene<'_>, graph: &mut Graph<Injected>) {
    let seeds = scene.steps;
    let mut t = graph.transaction();
    let (mut held, mut points) = (vec![scene.held.clone()], vec![]);
    for seed in seeds {
        points.push((t.savepoint(), t.steps(), picture(&t)));
        let mut after = held[held.len() - 1].clone();
        make(&mut after, &mut t, &[*seed]);
        held.push(after);
    }
    let end = t.save();
    for (place, (savepoint, steps, then)) in points.iter().enumerate().rev() {
        t.rollback_to(*savepoint).unwrap();
        assert_eq!((t.steps(), &picture(&t)), (*steps, then));
        make(&mut held[place].clone(), &mut t, &seeds[place..]);
        assert_eq!(t.save(), end, "the same again");
        t.rollback_to(*savepoint).unwrap();
        assert_eq!((t.steps(), &picture(&t)), (*steps, then));
    }
    scene.make(&mut t);
    drop(scene.judge(t));
    scene.is_undone(graph);
    let mut t = graph.transaction();
    let start = t.savepoint();
    scene.make(&mut t);
    t.rollback_to(start).unwrap();
    let asked = t.commit().unwrap();
    assert!(asked.plan.iter().all(|step| scene.before.stale.contains(&step.node())), "nothing is left");
    scene.is_undone(graph);
}

/// Something that no graph may have.
fn spoil(t: &mut Transaction<'_, Injected>, violation: usize) -> fn(&ErrorKind) -> bool {
    let no_writer = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
    let spec = |name: &str| NodeSpec::new(format!("spoilt {name}"));
    let user = |name: &str, context| UserSpec::new(name, Pair::NOTHING).fixed(true).context(ContextId(context));
    let plain = Injected::no_permission;
    let protocol = || Injected::new(Protocol, Behaviour::Accept);
    match violation {
        0 => {
            let [a, b] = ["a", "b"].map(|name| t.add(spec(name), plain()).unwrap());
            t.attach(a, b, "x", Role::DATA).unwrap();
            t.attach(b, a, "x", Role::DATA).unwrap();
            |kind| matches!(kind, ErrorKind::Cycle { .. })
        }
        1 => {
            let node = t.add(spec("a"), protocol()).unwrap();
            t.attach_user("writer", node, WRITER, false).unwrap();
            t.attach_user("no writer", node, no_writer, false).unwrap();
            |kind| matches!(kind, ErrorKind::Conflict { .. })
        }
        2 => {
            let node = t.add(spec("a").read_only(true), protocol()).unwrap();
            t.attach_user("writer", node, WRITER, false).unwrap();
            |kind| matches!(kind, ErrorKind::ReadOnly { .. })
        }
        3 => {
            let writer = Injected::new(ExclusiveWriter, Behaviour::Accept);
            let (top, node) = (t.add(spec("a").inactive(true), writer), t.add(spec("b").inactive(true), protocol()));
            t.attach(top.unwrap(), node.unwrap(), "backing", Role::FILTER).unwrap();
            |kind| matches!(kind, ErrorKind::InactiveNode { .. })
        }
        4 => {
            let (top, node) = (t.add(spec("a"), plain()), t.add(spec("b").inactive(true), protocol()));
            t.attach(top.unwrap(), node.unwrap(), "x", Role::DATA).unwrap();
            |kind| matches!(kind, ErrorKind::InactiveChild { .. })
        }
        5 => {
            let node = t.add(spec("a"), protocol()).unwrap();
            t.attach_user_as(user("one", 1), node).unwrap();
            t.attach_user_as(user("two", 2), node).unwrap();
            |kind| matches!(kind, ErrorKind::ContextClash { .. })
        }
        _ => {
            let node = t.add(spec("a"), protocol()).unwrap();
            t.attach_user_as(user("one", 0), node).unwrap();
            t.move_context(node, ContextId(1)).unwrap();
            |kind| matches!(kind, ErrorKind::ContextFixed { .. })
        }
    }
}

/// Each kind of violation is found at its place in the judgement, and what was done by then is taken back.
fn in_violation(scene: &Scene<'_>, graph: &mut Graph<Injected>) {
    for violation in 0..7 {
        let mut t = graph.transaction();
        scene.make(&mut t);
        let expected = spoil(&mut t, violation);
        let error = t.commit().unwrap_err();
        assert!(scene.plan.is_none() || expected(error.kind()), "{error}");
        tally(|tally| tally.violations[usize::from(scene.plan.is_some())] += 1);
        scene.is_undone(graph);
    }
}

/// What is to be aborted when so much of a plan was done (V6).
fn aborts(plan: &[PlanStep]) -> Vec<PlanStep> {
    plan.iter().rev().filter(|step| step.hook() != Hook::Flush).copied().collect()
}

/// Each step of the plan is refused by the caller. What is tolerated is given up then.
fn refused_at_each_step(scene: &Scene<'_>, graph: &mut Graph<Injected>) {
    for place in 0.. {
        let Some(mut judged) = scene.judged(graph) else { break };
        let plan = judged.plan().to_vec();
        let Some(step) = plan.get(place) else { break };
        (0..place).for_each(|_| judged.done());
        let refused = judged.refuse(&Refusal::new("no")).map(drop).err();
        let hook = refused.as_ref().map_or(7, |_| step.hook() as usize);
        let open = refused.map_or_else(
            || graph.take_pending_aborts(),
            |refused| {
                let named = matches!(refused.error.kind(), ErrorKind::Refused { node, hook, .. }
                    if (node.key, *hook) == (step.node(), step.hook()));
                assert!(named, "{}", refused.error);
                refused.aborts
            },
        );
        assert_eq!(open, aborts(&plan[..place]));
        tally(|tally| tally.refused[0][hook] += 1);
        scene.is_undone(graph);
    }
    scene.is_undone(graph);
}

const fn refusing(hook: Hook) -> Behaviour {
    match hook {
        Hook::Flush => Behaviour::RefuseFlush,
        Hook::Prepare => Behaviour::RefusePrepare,
        Hook::Rename => Behaviour::RefuseRename,
        Hook::Inactivate => Behaviour::RefuseInactivate,
        Hook::Context => Behaviour::RefuseContext,
        Hook::Check => Behaviour::RefuseCheck,
        Hook::Activate => Behaviour::RefuseActivate,
    }
}

/// Each driver that is asked says no, so that the others are told to abort. Where that is tolerated the graph is put back.
fn refused_by_each_hook(scene: &Scene<'_>, graph: &mut Graph<Injected>) {
    let plan = scene.judged(graph).map(|judged| judged.plan().to_vec()).unwrap_or_default();
    for step in plan.iter().filter(|step| scene.before.nodes.contains(&step.node())) {
        let backup = graph.clone();
        let usual = graph.driver(step.node()).unwrap().behaviour;
        behave(graph, step.node(), refusing(step.hook()));
        let mut t = graph.transaction();
        scene.make(&mut t);
        match t.commit() {
            Ok(_) => {
                *graph = backup;
                tally(|tally| tally.refused[1][7] += 1);
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Refused { .. }), "{error}");
                behave(graph, step.node(), usual);
                tally(|tally| tally.refused[1][step.hook() as usize] += 1);
            }
        }
        scene.is_undone(graph);
    }
}

/// Given up, or leaked, after each step of the plan.
fn given_up(scene: &Scene<'_>, graph: &mut Graph<Injected>) {
    for leak in [false, true] {
        for done in 0.. {
            let Some(mut judged) = scene.judged(graph) else { return scene.is_undone(graph) };
            let plan = judged.plan().to_vec();
            if done > plan.len() {
                break;
            }
            (0..done).for_each(|_| judged.done());
            if leak {
                std::mem::forget(judged);
                drop(graph.transaction());
            } else {
                drop(judged);
            }
            assert_eq!(graph.take_pending_aborts(), aborts(&plan[..done]));
            scene.is_undone(graph);
        }
    }
}
