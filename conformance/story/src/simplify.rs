//! Simplifies a short story: smaller transactions, fewer flags, smaller sets, names without gaps.

use crate::shrink::shrink;
use crate::turn::Turn;
use blockgraph_model::op::Flags;
use blockgraph_model::{Entry, NodeId, Op, OpKinds, Pair, Perms, Queue, Refusal, Spec, UserFlags, UserId};
use std::cell::RefCell;

/// Replaces turns by simpler ones as long as there is still a difference. `differs` is the same as for [`shrink`].
pub fn simplify(
    story: Vec<Turn>,
    what: String,
    mut differs: impl FnMut(&[Turn]) -> Option<(usize, String)>,
) -> (Vec<Turn>, String) {
    let (mut best, mut best_what) = (story, what);
    let mut changed = true;
    while changed {
        changed = false;
        let mut at = 0;
        while at < best.len() {
            let candidates = simpler_turns(&best[at]);
            let replaced = candidates.into_iter().find_map(|turns| {
                let mut other = best.clone();
                other.splice(at..=at, turns);
                let (place, what) = differs(&other)?;
                other.truncate(place + 1);
                Some((other, what))
            });
            match replaced {
                Some((other, what)) => (best, best_what, changed) = (other, what, true),
                None => at += 1,
            }
        }
        if changed && let (other, Some(what)) = shrink(&best, &mut differs) {
            (best, best_what) = (other, what);
        }
    }
    let renamed = renumbered(&best);
    match differs(&renamed) {
        Some((place, what)) if place + 1 == renamed.len() => (renamed, what),
        _ => (best, best_what),
    }
}

/// Returns replacements for a turn. Each is simpler by some measure, so repeated replacement ends.
fn simpler_turns(turn: &Turn) -> Vec<Vec<Turn>> {
    let mut all = Vec::new();
    let with = |ops: Vec<Op>| vec![Turn { ops, refusals: turn.refusals.clone() }];
    if turn.ops.len() > 1 {
        if turn.refusals.is_empty() {
            all.push(turn.ops.iter().map(|op| Turn::single(*op)).collect());
        }
        for at in 0..turn.ops.len() {
            let mut ops = turn.ops.clone();
            ops.remove(at);
            all.push(with(ops));
        }
    }
    if !turn.refusals.is_empty() {
        all.push(vec![Turn { ops: turn.ops.clone(), refusals: Vec::new() }]);
    }
    for at in 0..turn.ops.len() {
        for op in simpler_ops(turn.ops[at]) {
            let mut ops = turn.ops.clone();
            ops[at] = op;
            all.push(with(ops));
        }
    }
    all
}

/// Returns simpler operations: those of the same verb, and for an `insert` also the `add` of its node.
fn simpler_ops(op: Op) -> Vec<Op> {
    match op {
        Op::Add { node, spec } => simpler_specs(spec).map(|spec| Op::Add { node, spec }).collect(),
        Op::Insert { new, spec, top } => {
            let add = [Op::Add { node: new, spec }];
            add.into_iter().chain(simpler_specs(spec).map(|spec| Op::Insert { new, spec, top })).collect()
        }
        Op::OpenChild { parent, node, spec, name, role } => {
            simpler_specs(spec).map(|spec| Op::OpenChild { parent, node, spec, name, role }).collect()
        }
        Op::AttachUser { user, node, pair, user_flags, context } => {
            let without_flags = (user_flags != UserFlags::NONE).then_some(Op::AttachUser {
                user,
                node,
                pair,
                user_flags: UserFlags::NONE,
                context,
            });
            let without_context = context.map(|_| Op::AttachUser { user, node, pair, user_flags, context: None });
            let pairs = simpler_pairs(pair).map(|pair| Op::AttachUser { user, node, pair, user_flags, context });
            without_flags.into_iter().chain(without_context).chain(pairs).collect()
        }
        Op::SetUser { user, pair } => simpler_pairs(pair).map(|pair| Op::SetUser { user, pair }).collect(),
        Op::Append { new, top, store: true } => vec![Op::Append { new, top, store: false }],
        Op::DropIntermediate { top, base, name: Some(_) } => vec![Op::DropIntermediate { top, base, name: None }],
        Op::Block { user, kinds } => fewer_kinds(kinds).map(|kinds| Op::Block { user, kinds }).collect(),
        Op::Unblock { user, kinds } => fewer_kinds(kinds).map(|kinds| Op::Unblock { user, kinds }).collect(),
        Op::Reopen { queue } => simpler_queues(queue),
        Op::Open { node, layer, file, backing, overlay, probe } => {
            let none = |of: bool, op| of.then_some(op);
            let less = [
                none(overlay.is_some(), Op::Open { node, layer, file, backing, overlay: None, probe }),
                none(backing.is_some(), Op::Open { node, layer, file, backing: None, overlay, probe }),
                none(file.is_some(), Op::Open { node, layer, file: None, backing, overlay, probe }),
                none(probe, Op::Open { node, layer, file, backing, overlay, probe: false }),
            ];
            less.into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the spec without flags, without each one of them, and with the driver's default options. A read-only flag is
/// not removed alone from a node that is force-share, because such a node must be read-only.
fn simpler_specs(spec: Spec) -> impl Iterator<Item = Spec> {
    let Flags { read_only, force_share, no_io, never_freeze, implicit, inactive } = spec.flags;
    let f = spec.flags;
    let flags = [
        (spec.flags != Flags::NONE, Flags::NONE),
        (read_only && !force_share, Flags { read_only: false, ..f }),
        (force_share, Flags { force_share: false, ..f }),
        (no_io, Flags { no_io: false, ..f }),
        (never_freeze, Flags { never_freeze: false, ..f }),
        (implicit, Flags { implicit: false, ..f }),
        (inactive, Flags { inactive: false, ..f }),
    ];
    let opt = spec.kind.default_opt();
    let default_options = (spec.opt != opt).then_some(Spec { opt, ..spec });
    flags.into_iter().filter(|(may, _)| *may).map(move |(_, flags)| Spec { flags, ..spec }).chain(default_options)
}

/// Returns pairs with one needed bit less or one shared bit more.
fn simpler_pairs(pair: Pair) -> impl Iterator<Item = Pair> {
    let bits = || (0..5).map(|bit| Perms(1 << bit));
    let needs = bits().filter(move |bit| pair.need.meets(*bit)).map(move |bit| Pair::new(pair.need - bit, pair.share));
    let shares =
        bits().filter(move |bit| !pair.share.meets(*bit)).map(move |bit| Pair::new(pair.need, pair.share | bit));
    needs.chain(shares)
}

fn fewer_kinds(kinds: OpKinds) -> impl Iterator<Item = OpKinds> {
    let several = kinds.0.count_ones() > 1;
    kinds.iter().filter(move |_| several).map(move |kind| OpKinds(kinds.0 & !OpKinds::of(kind).0))
}

/// Returns queues with one entry less or with one property of an entry less.
fn simpler_queues(queue: Queue) -> Vec<Op> {
    let entries = queue.entries();
    let shorter = (0..entries.len()).map(|at| {
        let mut less = entries.to_vec();
        less.remove(at);
        less
    });
    let simpler = (0..entries.len()).flat_map(|at| {
        simpler_entries(entries[at]).map(move |entry| {
            let mut less = entries.to_vec();
            less[at] = entry;
            less
        })
    });
    shorter.chain(simpler).filter_map(|list| Some(Op::Reopen { queue: Queue::new(&list)? })).collect()
}

fn simpler_entries(e: Entry) -> impl Iterator<Item = Entry> {
    let less = [
        e.read_only.map(|_| Entry { read_only: None, ..e }),
        e.opt.map(|_| Entry { opt: None, ..e }),
        e.backing.map(|_| Entry { backing: None, ..e }),
        e.file.map(|_| Entry { file: None, ..e }),
        (!e.keep).then_some(Entry { keep: true, ..e }),
    ];
    less.into_iter().flatten()
}

/// Numbers nodes and users in the order in which the story first names them.
fn renumbered(story: &[Turn]) -> Vec<Turn> {
    let (nodes, users) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let node = |id: NodeId| NodeId(index_of(&nodes, id.0.into()) as u8);
    let user = |id: UserId| UserId(index_of(&users, id.main().0) as u16).further(id.further_number());
    let refusal = |refusal: &Refusal| Refusal { node: node(refusal.node), ..*refusal };
    let turn = |turn: &Turn| Turn {
        ops: turn.ops.iter().map(|op| op.renamed(node, user)).collect(),
        refusals: turn.refusals.iter().map(refusal).collect(),
    };
    story.iter().map(turn).collect()
}

/// Returns the index of a name in `known`, and appends the name if it is new.
fn index_of(known: &RefCell<Vec<u16>>, name: u16) -> usize {
    let mut known = known.borrow_mut();
    known.iter().position(|other| *other == name).unwrap_or_else(|| {
        known.push(name);
        known.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::{simpler_turns, simplify};
    use crate::text::{Item, parse};
    use crate::turn::Turn;

    fn story(text: &str) -> Vec<Turn> {
        let (scenario, _) = parse(text).unwrap_or_else(|problem| panic!("{problem}"));
        let turns = scenario.items.iter().filter_map(|item| match item {
            Item::Step(step) => Some(Turn { ops: step.body.ops().to_vec(), refusals: step.refusals.clone() }),
            Item::Name(_) => None,
        });
        turns.collect()
    }

    /// Returns a predicate that finds a difference once these verbs have occurred in this order, with any names.
    fn differs_after(needed: &'static [&'static str]) -> impl FnMut(&[Turn]) -> Option<(usize, String)> {
        move |story| {
            let mut left = needed.iter();
            let mut next = left.next()?;
            for (place, turn) in story.iter().enumerate() {
                while crate::counterexample::line(turn).contains(next) {
                    match left.next() {
                        Some(following) => next = following,
                        None => return Some((place, "it".to_owned())),
                    }
                }
            }
            None
        }
    }

    #[test]
    fn everything_unneeded_is_removed() {
        let before = story(
            "add node=a kind=protocol flags=ro\n\
             add node=b kind=blkdebug take=w unshare=g flags=ro,no-io\n\
             transaction {\n\
               attach-user user=u node=a need=rw share=ru stay=on context=2\n\
               insert new=c kind=filter flags=implicit top=b\n\
             }\n\
             reopen {\n node=b keep=off read-only=on\n node=a keep=on read-only=off\n}\n",
        );
        let differs = differs_after(&["kind=blkdebug", "flags=ro", "attach-user", "need=w", "read-only=on"]);
        let (simple, what) = simplify(before, String::new(), differs);
        let lines: Vec<String> = simple.iter().map(crate::counterexample::line).collect();
        let expected = [
            "add node=n0 kind=blkdebug flags=ro",
            "attach-user user=u0 node=n1 need=w share=all",
            "reopen { node=n0 keep=on read-only=on }",
        ];
        assert_eq!((lines, what.as_str()), (expected.map(str::to_owned).to_vec(), "it"));
    }

    #[test]
    fn repeated_replacement_ends() {
        let turns = story(
            "add node=a kind=quorum rewrite=on flags=ro,force-share\n\
             add node=b kind=format\n\
             open node=c kind=format file=b backing=a overlay=d probe=on\n\
             refuse node=a hook=check\n\
             transaction {\n append new=b top=a store=on\n drop-intermediate top=b base=a name=a\n}\n\
             attach-user user=u node=a need=- share=all\n\
             block user=u kinds=resize,stream\n",
        );
        for turn in &turns {
            let mut left: Vec<Turn> = vec![turn.clone()];
            let mut steps = 0;
            while let Some(turn) = left.pop() {
                for simpler in simpler_turns(&turn).concat() {
                    assert_ne!(simpler, turn);
                    steps += 1;
                    assert!(steps < 100_000, "{turn:?}");
                    left.push(simpler);
                }
            }
        }
    }
}
