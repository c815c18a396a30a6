//! P4 to P8 and P10, enumerated: what every kind of driver asks of its children, with all options, in all roles, under all
//! flags and below all pairs; of the model's rule and of the crate's, which are the same.

use crate::{asking, asks, every_pair};
use blockgraph::{ChildContext, Driver, EdgeKey, ErrorKind, Graph, NodeKey, NodeSpec, Policy, Preset};
use blockgraph_check::translate;
use blockgraph_model::perm::{U, W, Z};
use blockgraph_model::rules::{Input, child_pair, fits, misaligned, well_formed};
use blockgraph_model::{ChildName, Kind, Opt, Pair, Perms, Role};

/// What a rule asks of the child, by what is asked of the parent.
type Table = [u16; 1 << 10];

/// Every driver with its options, and every role that a child of it may have. Who takes no children is tried as well, since
/// nothing but the graph keeps children from it.
fn every_edge(kind: Kind) -> impl Iterator<Item = (Opt, Role)> {
    let roles = (0..32).map(Role).filter(move |role| well_formed(*role) && fits(*role, kind));
    let roles: Vec<_> = roles.collect();
    Opt::every(kind).into_iter().flat_map(move |opt| roles.clone().into_iter().map(move |role| (opt, role)))
}

/// The driver in the crate.
fn preset(kind: Kind, opt: Opt) -> Preset {
    let mut preset = translate::preset(kind);
    if opt != Opt::None {
        preset.set_option(translate::option(opt)).unwrap();
    }
    preset
}

/// An edge of a node that is active, writable, without parents and without anything asked of it.
fn input(kind: Kind, opt: Opt, role: Role) -> Input {
    Input {
        parent: Pair::FREE,
        has_parents: false,
        writable: true,
        inactive: false,
        no_io: false,
        kind,
        opt,
        role,
        name: ChildName::FILE,
        force_share: false,
    }
}

/// The same under all flags that a parent can have: a writable node is not inactive (P7).
fn every_flag(input: Input) -> impl Iterator<Item = Input> {
    let activity = [(true, false), (false, false), (false, true)].into_iter();
    activity.flat_map(move |(writable, inactive)| {
        [false, true].map(move |no_io| Input { writable, inactive, no_io, ..input })
    })
}

/// The model's rule.
fn of_model(input: Input) -> Table {
    std::array::from_fn(|bits| asks(child_pair(Input { parent: asking(bits as u16), ..input })))
}

/// The crate's.
fn of_crate(input: Input, preset: &Preset) -> Table {
    let name = translate::child_name(input.name);
    let mut context = ChildContext::new(name, translate::role(input.role), blockgraph::Pair::NOTHING);
    (context.writable, context.inactive) = (input.writable, input.inactive);
    (context.no_io, context.has_parents) = (input.no_io, input.has_parents);
    std::array::from_fn(|bits| {
        context.parent = translate::pair(asking(bits as u16));
        asks(translate::pair_back(preset.child_pair(&context)))
    })
}

/// A place where less is asked of the parent, by one bit, and more of the child. Steps of one bit make up the order, so if there
/// is none the table is monotone.
fn tightens(table: &Table) -> Option<(usize, usize)> {
    (0..10).find_map(|bit| {
        let more = |both: &[u16]| {
            let (without, with) = both.split_at(1 << bit);
            without.iter().zip(with).position(|(without, with)| without & !with != 0)
        };
        let found = table.chunks(2 << bit).enumerate().find_map(|(chunk, both)| Some((chunk, more(both)?)));
        found.map(|(chunk, place)| (((chunk * 2 + 1) << bit) + place, ((chunk * 2) << bit) + place))
    })
}

/// Tries one kind; how many inputs that were.
fn try_kind(kind: Kind) -> u64 {
    let mut count = 0;
    for (opt, role) in every_edge(kind) {
        let preset = preset(kind, opt);
        for alone in every_flag(input(kind, opt, role)) {
            let tables = [false, true].map(|has_parents| {
                let input = Input { has_parents, ..alone };
                let table = of_model(input);
                assert!(table == of_crate(input, &preset), "model and crate differ: {input:?}");
                let found = tightens(&table).map(|(tight, loose)| (asking(tight as u16), asking(loose as u16)));
                assert_eq!(found, None, "{input:?}");
                count += table.len() as u64;
                table
            });
            // A first parent edge counts as a larger need.
            let [before, after] = &tables;
            assert!(before.iter().zip(after).all(|(before, after)| before & !after == 0), "{alone:?}");
        }
    }
    count
}

/// All kinds but the one with the many options; with these there are 129 in all their roles.
#[test]
fn every_rule_is_monotone_and_the_same_in_both() {
    let kinds = Kind::EVERY.into_iter().filter(|kind| *kind != Kind::Blkdebug);
    assert_eq!(kinds.map(try_kind).sum::<u64>(), 129 * 12 * 1024);
}

/// P6.4, with each of the 2¹⁰ options in 4 roles.
#[test]
fn blkdebugs_rule_is_monotone_and_the_same_in_both() {
    assert_eq!(try_kind(Kind::Blkdebug), 1024 * 4 * 12 * 1024);
}

/// A parent and a child in the crate, and the edge, if it is not refused (V3.3).
fn parent_and_child(read_only: bool, input: &Input) -> (Graph<Preset>, NodeKey, Option<EdgeKey>) {
    let mut graph: Graph<Preset> = Graph::new();
    let spec = NodeSpec::new("parent").read_only(read_only).no_io(input.no_io).inactive(input.inactive);
    let parent = graph.add(spec, preset(input.kind, input.opt)).unwrap();
    let spec = NodeSpec::new("child").read_only(input.force_share).force_share(input.force_share);
    let child = graph.add(spec, translate::preset(Kind::Protocol)).unwrap();
    let (name, role) = (translate::child_name(input.name).clone(), translate::role(input.role));
    let edge = graph.attach(parent, child, name, role).ok();
    (graph, parent, edge)
}

/// A user comes and wants each of the 2¹⁰ pairs. How many were tried and how many refused.
fn every_want(read_only: bool, alone: Input) -> [u32; 2] {
    let force_share = alone.force_share;
    let writes = |pair: Pair| pair.need.meets(W | U);
    let (mut graph, parent, edge) = parent_and_child(read_only, &alone);
    let own = child_pair(alone);
    assert_eq!(edge.is_none(), writes(own) && force_share, "{alone:?}");
    let Some(edge) = edge else { return [0; 2] };
    let present = |graph: &Graph<Preset>| translate::pair_back(graph.edge(edge).unwrap().pair());
    assert_eq!(present(&graph), own, "{alone:?}");
    let below = Input { has_parents: true, ..alone };
    let user = graph.attach_user("user", parent, blockgraph::Pair::NOTHING, false);
    assert_eq!(user.is_err(), writes(child_pair(below)) && force_share, "{alone:?}");
    let Ok(user) = user else { return [0; 2] };
    let (mut refused, mut last) = (0, child_pair(below));
    for wanted in every_pair() {
        // A3
        let parent = if below.inactive { Pair::FREE } else { wanted };
        let derived = child_pair(Input { parent, ..below });
        if force_share {
            let without = child_pair(Input { parent, force_share: false, ..below });
            assert_eq!(derived, Pair::new(without.need, Pair::FREE.share), "P8: {below:?}");
        }
        let verdict = graph.set_user(user, translate::pair(wanted));
        assert_eq!(verdict.is_err(), writes(parent) && read_only || writes(derived) && force_share, "{below:?}");
        match verdict {
            Ok(()) => last = derived,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::ReadOnly { .. }), "{below:?}: {error}");
                refused += 1;
            }
        }
        assert_eq!(present(&graph), last, "{below:?} {wanted:?}");
    }
    assert_eq!(graph.inconsistencies(), []);
    [1 << 10, refused]
}

/// The same through the crate's graph, which collects the inputs (P4) and adds P8: one parent and one child, and a user
/// that wants anything. A user that would write to a read-only node is refused. Otherwise the edge has its pair.
#[test]
fn the_graph_gives_every_edge_its_pair() {
    let mut count = [0; 2];
    for kind in Kind::EVERY.into_iter().filter(|kind| kind.takes_children()) {
        // 97 and the number of options have no divisor in common, nor 97 and that of roles.
        for (opt, role) in every_edge(kind).step_by(if kind == Kind::Blkdebug { 97 } else { 1 }) {
            for flags in (0..16).map(|bits| [1, 2, 4, 8].map(|bit| bits & bit != 0)) {
                let [read_only, no_io, inactive, force_share] = flags;
                let writable = !read_only && !inactive;
                let alone = Input { writable, inactive, no_io, force_share, ..input(kind, opt, role) };
                let more = every_want(read_only, alone);
                count = [count[0] + more[0], count[1] + more[1]];
            }
        }
    }
    assert_eq!(count, [1940 << 10, 420 << 10]);
}

/// P9 is the only rule that is not monotone, and therefore it is a driver's check. Exactly the parents that give up Z
/// and keep writing are refused although they need less. V7: their node becomes stale.
#[test]
fn only_giving_up_resizing_is_not_monotone() {
    let odd = Opt::Unaligned(true);
    let mut graph: Graph<Preset> = Graph::new();
    let file = graph.add(NodeSpec::new("file"), preset(Kind::File, odd)).unwrap();
    let user = graph.attach_user("user", file, blockgraph::Pair::NOTHING, false).unwrap();
    let want = |need: Perms| translate::pair(Pair::new(need, Pair::FREE.share));
    let mut lagging = Vec::new();
    for (before, after) in Perms::every().flat_map(|a| Perms::every().map(move |b| (a, b))) {
        graph.set_user(user, blockgraph::Pair::NOTHING).unwrap();
        assert_eq!(graph.set_user(user, want(before)).is_ok(), !misaligned(odd, before));
        let granted = graph.get(file).unwrap().granted().pair;
        let verdict = graph.set_user(user, want(after));
        let tolerated = want(after).is_loosening_of(granted);
        assert_eq!(verdict.is_ok(), tolerated || !misaligned(odd, after), "{before:?} {after:?}");
        if graph.stale_nodes().next().is_some() {
            lagging.push((before, after));
            assert_eq!(graph.get(file).unwrap().granted().pair, granted);
        }
    }
    let gives_up = |(before, after): &(Perms, Perms)| {
        Z.within(*before) && !Z.meets(*after) && after.within(*before) && after.meets(W | U)
    };
    let all: Vec<_> = Perms::every().flat_map(|a| Perms::every().map(move |b| (a, b))).filter(gives_up).collect();
    assert_eq!(lagging, all);
    // R and G, of three ways each: kept, given up, never there; W and U as well, but one is kept.
    assert_eq!((lagging.len(), graph.inconsistencies()), (3 * 3 * (3 * 3 - 2 * 2), vec![]));
}
