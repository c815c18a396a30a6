//! Whatever is wrong with an answer is refused.

use super::{after_base, base, done, node, restored};
use blockgraph_check::compare::{answer_difference, compare_step};
use blockgraph_model::{
    ChildName, Context, EdgeId, Grant, Hook, NodeId, OpKind, Outcome, Perms, Refusal, StepError, UserId, Violation,
    execute,
};
use blockgraph_story::model_subject;
use blockgraph_story::subject::{Answer, Effects, Subject};

type Checks = Vec<(NodeId, Grant)>;

/// Request these lines do in the base state.
fn outcome(line: &str) -> Outcome<40, 40> {
    let (steps, _) = after_base(line);
    let [step] = steps.as_slice() else { panic!("one step: {line}") };
    execute(&base(), step.body.ops(), &step.refusals)
}

/// The right answer answer_difference; the wrong ones do not.
fn refuses(outcome: &Outcome<40, 40>, right: &Answer, wrong: &[Answer]) {
    assert_eq!(answer_difference(outcome, right), None);
    for answer in wrong {
        assert_ne!(answer, right, "not wrong at all");
        assert!(answer_difference(outcome, answer).is_some(), "overlooked: {answer:?} instead of {right:?}");
    }
}

const DONE: &str = "transaction { set-read-only node=overlay value=on; set-read-only node=base value=on; \
                    set-read-only node=lone value=on; release node=quo; release node=sel; \
                    append new=s1 top=seal store=on; append new=s2 top=x store=on; \
                    inactivate node=it; activate node=at; move-context node=twice to=1; \
                    drain-begin node=x; drain-end node=calm; drain-begin node=disk }";
const FAILED: &str = "transaction { release node=lone; detach parent=np name=file }";
const VIOLATES: &str = "attach-user user=new node=debugged need=g share=r";
const REFUSED: &str = "refuse node=lone hook=check\nattach-user user=new node=lone need=r share=all";

#[test]
fn wrong_effects_are_refused() {
    let outcome = outcome(DONE);
    let Answer::Done(model) = model_subject::answer(&outcome) else { panic!("{outcome:?}") };
    assert_eq!((model.prepare.len(), model.rename.len(), model.closed.len()), (3, 2, 2));
    assert_eq!((model.inactivate.len(), model.activate.len(), model.context.len()), (2, 2, 3));
    assert!(model.quiesce.len() > 3 && model.resume.len() == 4, "{model:?}");
    let effects = Effects { check: right_order(model.check.clone()), ..model };
    let first = effects.check.iter().position(|(id, _)| *id == node("lone")).unwrap();
    let with = |change: &dyn Fn(&mut Effects)| {
        let mut other = effects.clone();
        change(&mut other);
        Answer::Done(other)
    };
    let mut wrong = vec![
        // Upwards: the child before its parent.
        with(&|e| e.check.reverse()),
        with(&|e| e.check.retain(|(id, _)| *id != node("lone"))),
        with(&|e| e.check.push(e.check[0])),
        with(&|e| e.check[first].0 = node("x")),
        with(&|e| e.check[first].1.pair.need = Perms(1)),
        with(&|e| e.check[first].1.pair.share = Perms(1)),
        with(&|e| e.check[first].1.writable ^= true),
        // A node moves to another context, or twice, or not at all, without a request.
        with(&|e| e.context[0].1 = Context(2)),
        with(&|e| e.context[0].0 = node("lone")),
        with(&|e| e.context.push(e.context[0])),
        with(&|e| e.context.truncate(2)),
        with(&|e| e.context.push((node("lone"), Context(1)))),
        with(&|e| e.inactivate.swap(0, 1)),
        with(&|e| e.activate.swap(0, 1)),
        with(&|e| std::mem::swap(&mut e.prepare, &mut e.rename)),
        with(&|e| std::mem::swap(&mut e.inactivate, &mut e.activate)),
        with(&|e| std::mem::swap(&mut e.quiesce, &mut e.resume)),
        with(&|e| e.prepare.swap(0, 1)),
        with(&|e| e.rename.swap(0, 1)),
        with(&|e| e.closed.swap(0, 1)),
    ];
    type List = fn(&mut Effects) -> &mut Vec<NodeId>;
    let lists: [List; 7] = [
        |e| &mut e.prepare,
        |e| &mut e.rename,
        |e| &mut e.closed,
        |e| &mut e.inactivate,
        |e| &mut e.activate,
        |e| &mut e.quiesce,
        |e| &mut e.resume,
    ];
    for list in lists {
        wrong.push(with(&|e| list(e).truncate(1)));
        wrong.push(with(&|e| list(e).clear()));
        wrong.push(with(&|e| list(e).push(node("lone"))));
        wrong.push(with(&|e| {
            let first = list(e)[0];
            list(e).push(first);
        }));
        wrong.push(with(&|e| list(e)[1] = node("lone")));
    }
    refuses(&outcome, &Answer::Done(effects.clone()), &wrong);
    // The order of unrelated nodes is free (V5.2), that of contexts and of quiet ones altogether.
    let free: [&dyn Fn(&mut Effects); 4] =
        [&|e| e.check.rotate_right(1), &|e| e.context.reverse(), &|e| e.quiesce.reverse(), &|e| e.resume.reverse()];
    free.iter().for_each(|change| assert_eq!(answer_difference(&outcome, &with(change)), None));
}

/// C3: where a node refuses an optional move, its component stays, and nodes that are not asked any more are not
/// missing.
#[test]
fn wishes_may_be_asked_in_part() {
    let alone = "transaction { detach parent=np name=one; attach-user user=new node=np need=- share=all context=1 }";
    let mut state = base();
    for step in after_base(alone).0 {
        state = done(&state, &step);
    }
    let names = after_base("name user=new").1;
    let ops = [blockgraph_model::Op::DetachUser { user: names.known_user("new").unwrap() }];
    let refusal = Refusal { node: node("np"), hook: Hook::Context };
    let (np, y) = ((node("np"), Context::MAIN), (node("y"), Context::MAIN));
    let answer =
        |context: &[(NodeId, Context)]| Answer::Done(Effects { context: context.to_vec(), ..Effects::default() });
    let stays = execute(&state, &ops, &[refusal]);
    for asked in [&[np, y][..], &[y, np], &[np]] {
        assert_eq!(answer_difference(&stays, &answer(asked)), None);
    }
    for asked in [&[np, np][..], &[np, (node("x"), Context::MAIN)], &[np, (node("y"), Context(2))]] {
        assert!(answer_difference(&stays, &answer(asked)).is_some(), "{asked:?}");
    }
    // Without a refusal, all nodes are asked.
    let goes = execute(&state, &ops, &[]);
    let Answer::Done(effects) = model_subject::answer(&goes) else { panic!("{goes:?}") };
    assert!(effects.context.len() == 2 && effects.context.contains(&np) && effects.context.contains(&y));
    assert!(answer_difference(&goes, &Answer::Done(Effects { context: vec![np], ..effects })).is_some());
}

/// The plan as the crate may go through it: parents before children (those below have the smaller numbers here).
fn right_order(mut check: Checks) -> Checks {
    for (above, below) in [("overlay", "base"), ("at", "ab")] {
        let place = |check: &[(NodeId, _)], id| check.iter().position(|(other, _)| *other == id).unwrap();
        let (a, b) = (place(&check, node(above)), place(&check, node(below)));
        assert!(b < a);
        check.swap(a, b);
    }
    check
}

#[test]
fn wrong_errors_are_refused() {
    let outcome = outcome(FAILED);
    let right = model_subject::answer(&outcome);
    let (parent, file) = (node("np"), ChildName::FILE);
    let failed = |index, error| Answer::Failed { index, error };
    assert_eq!(right, failed(1, StepError::ChildNotFound { parent, name: file }));
    let wrong = [
        failed(0, StepError::ChildNotFound { parent, name: file }),
        failed(2, StepError::ChildNotFound { parent, name: file }),
        failed(1, StepError::DuplicateChild { parent, name: file }),
        failed(1, StepError::ChildNotFound { parent: node("x"), name: file }),
        failed(1, StepError::ChildNotFound { parent, name: ChildName::BACKING }),
        failed(1, StepError::NodeNotFound { node: parent }),
    ];
    refuses(&outcome, &right, &wrong);
}

/// Request these lines fail with answer_difference; the same with another party, and other errors, do not.
fn fails(lines: &str, right: StepError, wrong: &[StepError]) {
    let outcome = outcome(lines);
    let Outcome::Failed { index, error } = outcome else { panic!("{lines}: {outcome:?}") };
    assert_eq!(error, right, "{lines}");
    let failed = |error| Answer::Failed { index, error };
    let wrong: Vec<Answer> = wrong.iter().map(|error| failed(*error)).collect();
    refuses(&outcome, &failed(right), &wrong);
}

#[test]
fn wrong_parties_are_refused() {
    use StepError as E;
    let n = node;
    let u = |name: &str| after_base("").1.known_user(name).unwrap();
    let child = |parent, name| EdgeId::Child(n(parent), name);
    let corrupted = |name| E::NodeCorrupted { node: n(name) };
    fails(
        "set-option node=gone rewrite=off",
        corrupted("gone"),
        &[corrupted("x"), E::NodeNotFound { node: n("gone") }],
    );
    let has_user = |node, user| E::HasUser { node: n(node), user: u(user) };
    let wrong = [has_user("x", "guest"), has_user("throttle", "job"), E::InUse { node: n("throttle") }];
    fails("delete node=throttle", has_user("throttle", "guest"), &wrong);
    let (resize, stream) = (OpKind(13), OpKind(14));
    let blocked = |node, kind, by| E::Blocked { node: n(node), kind, by };
    let (job, guest) = (EdgeId::User(u("job")), EdgeId::User(u("guest")));
    let wrong = [blocked("x", resize, job), blocked("image", stream, job), blocked("image", resize, guest)];
    fails("check-op node=image kind=resize", blocked("image", resize, job), &wrong);
    let cow = child("overlay", ChildName::BACKING);
    let wrong = [blocked("base", resize, child("overlay", ChildName::FILE)), blocked("base", resize, job)];
    fails("check-op node=base kind=resize", blocked("base", resize, cow), &wrong);
    let not_blocked = |user| E::NotBlocked { user: u(user) };
    let wrong = [not_blocked("job"), E::UserNotFound { user: u("guest") }];
    fails("unblock user=guest kinds=resize", not_blocked("guest"), &wrong);
    let (unowned, in_use) = (|name| E::NotMonitorOwned { node: n(name) }, |name| E::InUse { node: n(name) });
    fails("delete node=heir", unowned("heir"), &[unowned("x"), in_use("heir")]);
    fails("delete node=x", in_use("x"), &[in_use("y"), unowned("x")]);
    let fixed = |edge| E::ShouldNotChange { edge };
    let new = EdgeId::User(after_base("name user=new").1.known_user("new").unwrap());
    let wrong = [fixed(job), fixed(child("mirror", ChildName::BACKING)), E::Frozen { edge: new }];
    let stay = "attach-user user=new node=overlay need=- share=all stay=on";
    fails(&format!("transaction {{ {stay}; drop-intermediate top=overlay base=base }}"), fixed(new), &wrong);
    let missing = |name| E::BackingMissing { node: n(name) };
    fails("reopen { node=overlay }", missing("overlay"), &[missing("base"), in_use("overlay")]);
    let implicit = |edge| E::ImplicitChild { edge };
    let insert = "insert new=new kind=backing-filter flags=implicit top=base";
    let reopen = "reopen { node=overlay keep=on backing=lone }";
    let wrong = [implicit(child("overlay", ChildName::FILE)), implicit(job), E::Frozen { edge: cow }];
    fails(&format!("transaction {{ {insert}; {reopen} }}"), implicit(cow), &wrong);
    let cannot = |parent, node| E::CannotReplace { parent: n(parent), node: n(node) };
    let wrong = [cannot("disk", "image"), cannot("image", "x"), cannot("x", "disk")];
    fails("check-replace parent=image node=disk", cannot("image", "disk"), &wrong);
}

#[test]
fn wrong_violations_are_refused() {
    let outcome = outcome(VIOLATES);
    let Answer::Violates(all) = model_subject::answer(&outcome) else { panic!("{outcome:?}") };
    assert!(all.len() >= 3, "{all:?}");
    let one = |violation| Answer::Violates(vec![violation]);
    let Violation::Conflict { node: at, needs, denies } = all[0] else { panic!("{all:?}") };
    let elsewhere = EdgeId::User(UserId(0));
    let wrong = [
        Answer::Violates(Vec::new()),
        Answer::Violates(all.clone()),
        Answer::Violates(vec![all[0], all[1]]),
        Answer::Violates(vec![all[0], all[0]]),
        one(Violation::Conflict { node: node("x"), needs, denies }),
        one(Violation::Conflict { node: at, needs, denies: needs }),
        one(Violation::Conflict { node: at, needs: elsewhere, denies }),
        one(Violation::Conflict { node: at, needs, denies: elsewhere }),
        one(Violation::ReadOnly { node: at }),
        one(Violation::Cycle { edge: needs }),
    ];
    // V4: any one of the set is right.
    all.iter().for_each(|&violation| refuses(&outcome, &one(violation), &wrong));
    cycles_and_read_only();
}

fn cycles_and_read_only() {
    let cyclic = outcome("attach parent=base child=overlay name=two role=d");
    let Answer::Violates(all) = model_subject::answer(&cyclic) else { panic!("{cyclic:?}") };
    assert_eq!(all.len(), 2, "{all:?}");
    let off = EdgeId::Child(node("mirror"), ChildName::BACKING);
    let one = |violation| Answer::Violates(vec![violation]);
    refuses(
        &cyclic,
        &one(all[1]),
        &[one(Violation::Cycle { edge: off }), one(Violation::ReadOnly { node: node("base") })],
    );

    let read_only = outcome("set-read-only node=debugged value=on");
    let right = one(Violation::ReadOnly { node: node("debugged") });
    refuses(&read_only, &right, &[one(Violation::ReadOnly { node: node("dbg") }), one(all[0])]);
}

#[test]
fn wrong_refusals_are_refused() {
    let outcome = outcome(REFUSED);
    let refused = |name, hook| Answer::Refused(Refusal { node: node(name), hook });
    let others = [Hook::Prepare, Hook::Flush, Hook::Rename, Hook::Inactivate, Hook::Context, Hook::Activate];
    let wrong = others.map(|hook| refused("lone", hook));
    refuses(&outcome, &refused("lone", Hook::Check), &[&wrong[..], &[refused("x", Hook::Check)]].concat());
}

/// No answer of one sort will do for another.
#[test]
fn sorts_are_not_mixed_up() {
    let outcomes = [DONE, FAILED, VIOLATES, REFUSED].map(outcome);
    let nothing = Answer::Done(Effects::default());
    for (i, outcome) in outcomes.iter().enumerate() {
        assert!(answer_difference(outcome, &nothing).is_some());
        for (_, other) in outcomes.iter().enumerate().filter(|(j, _)| *j != i) {
            assert!(answer_difference(outcome, &model_subject::answer(other)).is_some());
        }
    }
}

/// The comparison after a step looks at all three: the answer, the graph, what the crate says of itself.
#[test]
fn a_step_is_looked_at_from_all_sides() {
    let (before, outcome) = (base(), outcome(DONE));
    let Outcome::Done { next, .. } = &outcome else { panic!("{outcome:?}") };
    let mut subject = restored(&before);
    let answer = subject.apply(after_base(DONE).0[0].body.ops(), &[]);
    assert_eq!(compare_step(&outcome, &answer, &subject, next), None);
    assert!(compare_step(&outcome, &answer, &subject, &before).is_some(), "the graph");
    let refused = Answer::Violates(Vec::new());
    assert!(compare_step(&outcome, &refused, &subject, next).is_some(), "the answer");
    subject.fault = Some("left something".to_owned());
    assert_eq!(compare_step(&outcome, &answer, &subject, next).as_deref(), Some("left something"));
}
