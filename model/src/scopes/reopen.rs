//! Facets of reopen.

use super::common::*;
use crate::menu::{Compounds, Facet, Small};
use crate::op::{Entry, Kind, NodeId, Op, Opt, Queue, Role, Spec};
use crate::perm::{ALL, Pair, W};

fn keep(node: NodeId) -> Entry {
    Entry::new(node, true)
}

fn reset(node: NodeId) -> Entry {
    Entry::new(node, false)
}

fn read_only(on: bool, entry: Entry) -> Entry {
    Entry { read_only: Some(on), ..entry }
}

fn backing(to: Option<NodeId>, entry: Entry) -> Entry {
    Entry { backing: Some(to), ..entry }
}

fn file(to: NodeId, entry: Entry) -> Entry {
    Entry { file: Some(to), ..entry }
}

/// Entries for one node, alone.
fn single_entries(names: &[NodeId]) -> Vec<Entry> {
    let mut all = Vec::new();
    for &a in names {
        all.extend([keep(a), reset(a), read_only(true, keep(a)), read_only(false, reset(a))]);
        all.extend([backing(None, keep(a)), backing(None, read_only(true, reset(a)))]);
        all.push(Entry { opt: Some(Opt::Rewrite(true)), ..keep(a) });
        for &b in names {
            all.extend([backing(Some(b), reset(a)), file(b, keep(a)), file(b, backing(Some(b), keep(a)))]);
        }
    }
    all
}

/// Lists of two entries.
fn couples(names: &[NodeId]) -> Vec<Queue> {
    let mut all = Vec::new();
    for (a, b) in pairs_of(names) {
        let lists = [
            [read_only(true, keep(a)), read_only(false, keep(b))],
            [backing(None, keep(a)), backing(Some(a), keep(b))],
            [backing(Some(b), keep(a)), read_only(true, reset(b))],
            [file(b, keep(a)), backing(None, keep(b))],
        ];
        all.extend(lists.iter().filter_map(|list| Queue::new(list)));
    }
    for &a in names {
        // The same node twice.
        let lists = [
            [backing(None, keep(a)), read_only(true, reset(a))],
            [read_only(true, reset(a)), keep(a)],
            [read_only(true, keep(a)), reset(a)],
        ];
        all.extend(lists.iter().filter_map(|list| Queue::new(list)));
    }
    all
}

/// Lists of three different nodes. The explorer's check of R4 takes each in all orders.
fn triples(names: &[NodeId]) -> Vec<Queue> {
    let &[a, b, c, ..] = names else {
        return Vec::new();
    };
    let said = |node, one, other| {
        [
            read_only(true, keep(node)),
            read_only(false, reset(node)),
            backing(None, keep(node)),
            backing(Some(one), keep(node)),
            file(other, keep(node)),
        ]
    };
    let mut all = Vec::new();
    for x in said(a, b, c) {
        for y in said(b, c, a) {
            all.extend(said(c, a, b).iter().filter_map(|z| Queue::new(&[x, y, *z])));
        }
    }
    all
}

fn singles_and_lists(names: &[NodeId]) -> Vec<Queue> {
    let singles = single_entries(names).into_iter().map(Queue::one);
    singles.chain(couples(names)).chain(triples(names)).collect()
}

fn singles_and_couples(names: &[NodeId]) -> Vec<Queue> {
    single_entries(names).into_iter().map(Queue::one).chain(couples(names)).collect()
}

/// Reopen alone: one node, two, three; flags, options, children.
pub(super) fn reopen(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "reopen",
        about: "reopen of one, two and three nodes: flags, options, backing, file; three in every order (R4)",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "open-child", "set-backing", "reopen"],
        specs: const { &[FORMAT, Spec::plain(Kind::Quorum), flagged(Kind::NoPermission, true, true, false, false)] },
        pairs: const { &[Pair::new(W, but(W))] },
        opens: const { &[(PROTOCOL, FILE, STORAGE)] },
        reopens: singles_and_lists,
        ..BLANK
    }
}

/// Reopen where chains are frozen.
pub(super) fn frozen_reopen(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "reopen-frozen",
        about: "reopen × freezing: references that would change a frozen edge, and those that do not",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "open-child", "append", "freeze", "thaw", "reopen"],
        specs: const { &[NO_PERMISSION, FILTER] },
        pairs: const { &[Pair::new(W, ALL)] },
        opens: const { &[(NO_PERMISSION, BACKING, Role::COW), (PROTOCOL, FILE, Role::DATA)] },
        reopens: singles_and_couples,
        ..BLANK
    }
}

/// Reopen where nodes come and go, lose their driver, or stand in between as implicit filters.
pub(super) fn mortal_reopen(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "reopen-life",
        about: "reopen × life cycle: children that lose their last reference, drivers that are gone, implicit nodes",
        nodes,
        edges,
        users,
        verbs: &["add", "release", "delete", "eject", "open-child", "insert", "detach", "attach-user", "reopen"],
        specs: const { &[NO_PERMISSION, implicit(Kind::BackingFilter)] },
        pairs: const { &[Pair::new(W, but(W))] },
        opens: const { &[(FORMAT, BACKING, Role::COW)] },
        reopens: singles_and_couples,
        compounds: Compounds::Menu(releases),
        ..BLANK
    }
}

/// A reopen in the middle of a transaction.
fn releases(s: &Small) -> Transactions {
    let used: Vec<NodeId> = s.names().collect();
    let mut all = Transactions::new();
    let one = |entry| Op::Reopen { queue: Queue::one(entry) };
    for (a, b) in pairs_of(&used) {
        all.push([one(backing(None, keep(a))), Op::Release { node: b }].into_iter().collect());
        all.push([Op::Release { node: b }, one(backing(Some(b), keep(a)))].into_iter().collect());
        all.push([one(read_only(false, keep(a))), one(read_only(true, reset(b))), one(keep(a))].into());
        all.push([one(keep(a)), Op::Eject { node: a }, one(backing(Some(a), keep(b)))].into());
    }
    all
}
