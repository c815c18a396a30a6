//! P10: every rule of `rules.rs` is monotone, on every input there is.

use crate::page;
use blockgraph_model::rules::{Input, child_pair, fits, well_formed};
use blockgraph_model::{ChildName, Kind, Opt, Pair, Perms, Role};

/// What a rule asks of the child, by what is asked of the parent: ten bits each, needed or not shared.
type Table = [u16; INPUTS];

const INPUTS: usize = 1 << 10;

/// What is asked as bits: more bits, more asked.
fn asked(pair: Pair) -> u16 {
    u16::from(pair.need.0) | u16::from(31 & !pair.share.0) << 5
}

fn asking(bits: u16) -> Pair {
    Pair::new(Perms(bits as u8 & 31), Perms(31 & !(bits >> 5) as u8))
}

fn roles(kind: Kind) -> Vec<Role> {
    (0..32).map(Role).filter(|role| well_formed(*role) && fits(*role, kind)).collect()
}

/// An edge of a node of that kind under all flags that parent and child can have: a writable node is not inactive (P7).
fn under_all_flags(kind: Kind, opt: Opt, role: Role) -> impl Iterator<Item = Input> {
    let activity = [(true, false), (false, false), (false, true)].into_iter();
    activity.flat_map(move |(writable, inactive)| {
        [(false, false), (false, true), (true, false), (true, true)].map(move |(no_io, force_share)| Input {
            parent: Pair::FREE,
            has_parents: true,
            writable,
            inactive,
            no_io,
            kind,
            opt,
            role,
            name: ChildName::FILE,
            force_share,
        })
    })
}

/// Returns whether some input with one bit less needed of the parent needs more of the child.
fn tightens(table: &Table) -> bool {
    (0..10).any(|bit| {
        table.chunks(2 << bit).any(|both| {
            let (without, with) = both.split_at(1 << bit);
            without.iter().zip(with).any(|(without, with)| without & !with != 0)
        })
    })
}

/// Tries one kind: how many edges (with flags and options), and how many inputs.
fn tried(kind: Kind) -> [u64; 2] {
    let mut edges = 0;
    for (opt, role) in Opt::every(kind).into_iter().flat_map(|opt| roles(kind).into_iter().map(move |role| (opt, role)))
    {
        for input in under_all_flags(kind, opt, role) {
            let table: Table =
                std::array::from_fn(|bits| asked(child_pair(Input { parent: asking(bits as u16), ..input })));
            assert!(!tightens(&table), "{input:?}");
            // The first parent edge counts as one more bit.
            let alone = asked(child_pair(Input { has_parents: false, ..input }));
            assert_eq!(alone & !table[0], 0, "{input:?} without a parent");
            edges += 1;
        }
    }
    [edges, edges * (INPUTS as u64 + 1)]
}

/// All kinds, each with what was tried.
pub fn every_kind() -> String {
    let mut sums = [0; 4];
    let mut rows = Vec::new();
    for kind in Kind::EVERY.into_iter().filter(|kind| kind.takes_children()) {
        let [edges, inputs] = tried(kind);
        let row = [Opt::every(kind).len() as u64, roles(kind).len() as u64, edges, inputs];
        sums = std::array::from_fn(|i| sums[i] + row[i]);
        let [options, roles, edges, inputs] = row.map(page::grouped);
        rows.push([format!("{kind:?}"), options, roles, edges, inputs]);
    }
    let [_, _, edges, inputs] = sums.map(page::grouped);
    rows.push(["all".into(), String::new(), String::new(), edges, inputs]);
    page::table(["kind", "options", "roles", "edges, with options and flags", "inputs, all monotone"], rows)
}

#[test]
fn a_rule_that_is_not_monotone_is_seen() {
    let rule = |of: fn(u16) -> u16| -> Table { std::array::from_fn(|bits| of(bits as u16)) };
    assert!(!tightens(&rule(|bits| bits)));
    assert!(!tightens(&rule(|bits| if bits & 3 == 3 { bits } else { 0 })));
    // Needs bit 9 unless bit 0 is asked: seen in bit 0 alone.
    assert!(tightens(&rule(|bits| bits | if bits & 1 == 0 { 1 << 9 } else { 0 })));
    assert!(tightens(&rule(|bits| !bits & 1 << 9)));
    assert!((0..1 << 10).all(|bits| asked(asking(bits)) == bits));
}
