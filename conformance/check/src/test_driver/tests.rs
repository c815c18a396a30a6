//! The check of the call order is strict: it finds calls that are left out, doubled, exchanged or altered.

use crate::test_driver::{Call, CommitReport, Context, NodeId, Request, check_against_report, check_call_order};
use Call::{Abort, Agreed, Astray, Closed, Commit, PostCommit, Quiesce, Refused, Resume};
use blockgraph::{Grant, Pair};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const O: NodeId = NodeId(2);
const F: Request = Request::Flush;
const P: Request = Request::Prepare(true);
const R: Request = Request::Rename(Some(A));
const GONE: Request = Request::Rename(None);
const I: Request = Request::Inactivate;
const M: Request = Request::Context(Some(Context(1)));
const V: Request = Request::Activate;
const C: Request = Request::Check(Grant { pair: Pair::NOTHING, writable: true });
const D: Request = Request::Check(Grant { pair: Pair::NOTHING, writable: false });

/// Requests of every kind to two nodes.
const ASKED: [Call; 14] = [
    Agreed(F, A),
    Agreed(F, B),
    Agreed(P, A),
    Agreed(P, B),
    Agreed(R, A),
    Agreed(R, B),
    Agreed(I, A),
    Agreed(I, B),
    Agreed(M, A),
    Agreed(M, B),
    Agreed(C, A),
    Agreed(C, B),
    Agreed(V, A),
    Agreed(V, B),
];
const COMMITTED: [Call; 20] = [
    Quiesce(A),
    Quiesce(B),
    Commit(C, B),
    Commit(C, A),
    Commit(V, A),
    Commit(V, B),
    Commit(I, A),
    Commit(I, B),
    Commit(M, A),
    Commit(M, B),
    Commit(R, B),
    Commit(R, A),
    Commit(P, B),
    Commit(P, A),
    PostCommit(A),
    PostCommit(B),
    Resume(A),
    Resume(B),
    Closed(B),
    Closed(A),
];
const ABORTED: [Call; 12] = [
    Abort(V, B),
    Abort(V, A),
    Abort(C, B),
    Abort(C, A),
    Abort(M, B),
    Abort(M, A),
    Abort(I, B),
    Abort(I, A),
    Abort(GONE, B),
    Abort(GONE, A),
    Abort(P, B),
    Abort(P, A),
];

fn good(calls: &[Call]) {
    assert_eq!(check_call_order(calls, &[]), Ok(()), "{calls:?}");
}

fn bad(calls: &[Call]) {
    assert!(check_call_order(calls, &[]).is_err(), "{calls:?}");
}

#[test]
fn pairing_is_strict() {
    let all_good: [&[Call]; 6] = [
        &[],
        &[Agreed(C, A), Refused(C, B), Commit(C, A), Closed(B)],
        &[Agreed(F, A), Agreed(P, A), Refused(C, B), Abort(P, A)],
        &[Agreed(F, A), Refused(P, A)],
        &[Agreed(C, A), Abort(C, A)],
        &[Closed(A), Closed(B)],
    ];
    let all_bad: [&[Call]; 13] = [
        &[Agreed(C, A)],
        &[Commit(C, A)],
        &[Agreed(C, A), Agreed(C, B), Commit(C, A), Commit(C, B)],
        &[Agreed(C, A), Agreed(C, B), Commit(C, B), Abort(C, A)],
        &[Agreed(C, A), Abort(C, A), Abort(C, A)],
        &[Agreed(C, A), Closed(B), Commit(C, A)],
        &[Agreed(C, A), Commit(C, A), Agreed(C, B), Commit(C, B)],
        &[Agreed(C, A), Commit(D, A)],
        &[Agreed(F, A), Agreed(P, A), Abort(Request::Prepare(false), A)],
        &[Agreed(F, A), Abort(F, A)],
        &[Agreed(F, A), Commit(F, A)],
        &[Agreed(C, A), Abort(C, A), Closed(A)],
        &[Astray(A)],
    ];
    all_good.iter().for_each(|calls| good(calls));
    all_bad.iter().for_each(|calls| bad(calls));
}

/// In a whole commit and a whole abort no call can be left out, doubled, or exchanged with its neighbour, except where
/// only the graph decides or the order is free.
#[test]
fn every_place_counts() {
    let commit = [&ASKED[..], &COMMITTED].concat();
    let abort = [&ASKED[..], &ABORTED].concat();
    good(&commit);
    good(&abort);
    for whole in [commit, abort] {
        for at in 0..whole.len() {
            let mut less = whole.clone();
            let call = less.remove(at);
            // Which nodes are notified cannot be derived from the calls alone.
            if matches!(call, Closed(_) | Quiesce(_) | Resume(_)) {
                good(&less)
            } else {
                bad(&less)
            }
            let mut more = whole.clone();
            more.insert(at, call);
            bad(&more);
            if let [first, second, ..] = whole[at..] {
                let mut other = whole.clone();
                other.swap(at, at + 1);
                // The graph determines the order in which prepared nodes are committed, and any node may be closed.
                let free = matches!(
                    (first, second),
                    (Commit(P, _), Commit(P, _))
                        | (Closed(_), Closed(_))
                        | (Quiesce(_), Quiesce(_))
                        | (Resume(_), Resume(_))
                );
                if free { good(&other) } else { bad(&other) }
            }
        }
    }
}

#[test]
fn a_refusal_ends_the_questions() {
    // Whichever driver refuses whichever request, its refusal aborts exactly what was agreed before.
    for at in 0..ASKED.len() {
        let Agreed(what, node) = ASKED[at] else { continue };
        let agreed = ASKED[..at].iter().rev().filter_map(|call| match *call {
            Agreed(F, _) => None,
            Agreed(R, node) => Some(Abort(GONE, node)),
            Agreed(what, node) => Some(Abort(what, node)),
            _ => None,
        });
        let calls: Vec<Call> = ASKED[..at].iter().copied().chain([Refused(what, node)]).chain(agreed).collect();
        good(&calls);
        let mut on = ASKED.to_vec();
        on[at] = Refused(what, node);
        // Only the refusal of a check, or of an optional move to another context, does not end the operation (V7).
        let rest: Vec<Call> = COMMITTED.into_iter().filter(|call| *call != Commit(what, node)).collect();
        let whole = [on, rest].concat();
        if matches!(what, C | M) { good(&whole) } else { bad(&whole) }
    }
    bad(&[Refused(F, A), Agreed(F, B)]);
    bad(&[Refused(F, A), Closed(B)]);
    bad(&[Agreed(F, A), Refused(P, A), Closed(B)]);
    bad(&[Refused(R, A), Agreed(C, B), Commit(C, B)]);
    bad(&[Refused(R, A), Agreed(C, B), Abort(C, B)]);
    // A node is prepared without a flush, flushed without being prepared, or another one is prepared.
    bad(&[Agreed(P, A), Commit(P, A), PostCommit(A)]);
    bad(&[Agreed(F, A), Closed(B)]);
    bad(&[Agreed(F, A), Agreed(C, A), Commit(C, A)]);
    bad(&[Agreed(F, A), Agreed(P, B), Commit(P, B), PostCommit(B)]);
    bad(&[Agreed(F, A), Agreed(F, B), Agreed(P, A), Commit(P, A), PostCommit(A)]);
}

/// C3, V6: changes of context of a component that stays are aborted before everything else, newest first.
#[test]
fn wishes_are_taken_back_first() {
    let asked = [Agreed(M, A), Agreed(M, B), Refused(M, O), Agreed(C, A)];
    let with = |report: &[Call]| [&asked[..], report].concat();
    good(&with(&[Abort(M, B), Abort(M, A), Quiesce(A), Commit(C, A), Resume(A)]));
    good(&with(&[Abort(M, B), Quiesce(A), Commit(C, A), Commit(M, A), Resume(A)]));
    good(&with(&[Quiesce(A), Commit(C, A), Commit(M, A), Commit(M, B), Resume(A)]));
    bad(&with(&[Abort(M, A), Abort(M, B), Commit(C, A)]));
    bad(&with(&[Abort(M, B), Commit(C, A)]));
    bad(&with(&[Quiesce(A), Abort(M, B), Commit(C, A), Commit(M, A)]));
    bad(&with(&[Abort(M, B), Commit(M, A), Commit(C, A)]));
    bad(&with(&[Abort(M, B), Abort(M, A), Abort(C, A)]));
    bad(&with(&[Abort(M, B), Abort(M, B), Commit(C, A), Commit(M, A)]));
    bad(&with(&[Abort(M, O), Commit(C, A), Commit(M, A), Commit(M, B)]));
    good(&with(&[Abort(C, A), Abort(M, B), Abort(M, A)]));
    // Without a refusal no component stays; asking twice is wrong.
    bad(&[Agreed(M, A), Agreed(M, B), Abort(M, B), Commit(M, A)]);
    bad(&[Agreed(M, A), Agreed(M, A), Commit(M, A), Commit(M, A)]);
    bad(&[Agreed(M, A), Agreed(M, A), Abort(M, A), Abort(M, A)]);
    bad(&[Refused(M, A), Agreed(M, A), Abort(M, A)]);
}

#[test]
fn a_commit_must_tell_what_happened() {
    let calls = [
        Agreed(F, A),
        Agreed(P, A),
        Agreed(R, A),
        Agreed(M, B),
        Refused(M, O),
        Refused(C, B),
        Agreed(D, A),
        Abort(M, B),
        Quiesce(A),
        Commit(D, A),
        Commit(R, A),
        Commit(P, A),
        PostCommit(A),
        Resume(B),
        Closed(B),
    ];
    let report = CommitReport {
        plan: vec![(F, A), (P, A), (R, A), (M, B), (M, O), (C, B), (D, A)],
        refused: vec![B],
        stayed: vec![O],
        aborts: vec![(M, B)],
        quiesce: vec![A],
        resume: vec![B],
        commits: vec![(D, A), (R, A), (P, A)],
        post_commits: vec![A],
        closed: vec![B],
        ejected: vec![NodeId(3)],
    };
    assert_eq!(check_against_report(&calls, &report), Ok(()));
    let wrong: [&dyn Fn(&mut CommitReport); 23] = [
        &|t| t.quiesce.clear(),
        &|t| t.quiesce.push(B),
        &|t| t.resume.clear(),
        &|t| t.resume[0] = A,
        &|t| t.plan.truncate(6),
        &|t| t.plan.swap(0, 1),
        &|t| t.plan[2] = (Request::Rename(Some(B)), A),
        &|t| t.plan[5] = (D, B),
        &|t| t.plan[6].1 = B,
        &|t| t.plan[3].0 = Request::Context(None),
        &|t| t.stayed.clear(),
        &|t| t.stayed[0] = B,
        &|t| t.aborts.clear(),
        &|t| t.aborts.push((M, A)),
        &|t| t.refused.clear(),
        &|t| t.commits.swap(0, 1),
        &|t| t.commits.truncate(2),
        &|t| t.commits[1].0 = GONE,
        &|t| t.post_commits.clear(),
        &|t| t.post_commits.push(B),
        &|t| t.closed.clear(),
        &|t| t.ejected.push(A),
        &|t| t.ejected.push(B),
    ];
    for change in wrong {
        let mut other = report.clone();
        change(&mut other);
        assert!(check_against_report(&calls, &other).is_err(), "{other:?}");
    }
    assert!(
        check_against_report(
            &[Agreed(C, A), Abort(C, A)],
            &CommitReport { plan: vec![(C, A)], ..CommitReport::default() }
        )
        .is_err()
    );
}
