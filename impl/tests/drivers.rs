//! The driver kinds with special rules (P6.6 to P6.14, P9; S2, S3): each rule is compared with its sentence, and the
//! drivers are used in a graph.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use blockgraph::drivers::{
    Blkverify, CommitTop, CopyBeforeWrite, CopyOnRead, File, Filter, Format, MirrorTop, NoPermission, Preallocate,
    Protocol, Quorum, Raw, Replication, SnapshotAccess, Vvfat,
};
use blockgraph::{
    ChildContext, DriverOption, ErrorKind, Graph, Hook, MirrorPhase, NodeSpec, Pair, Permissions, Policy, Preset,
    Reopen, Role, Slot, UserSpec,
};
use common::{Behaviour, Injected, READER, add};

const DATA: Role = Role::DATA;
const IMAGE: Role = Role::DATA.union(Role::PRIMARY);
const METADATA: Role = Role::METADATA;

/// Parses a set from its letters, in the order of the specification.
fn set(letters: &str) -> Permissions {
    let bit = |letter: char| match letter {
        'R' => Permissions::READ,
        'W' => Permissions::WRITE,
        'U' => Permissions::WRITE_UNCHANGED,
        'Z' => Permissions::RESIZE,
        'G' => Permissions::GRAPH_MOD,
        other => panic!("{other}"),
    };
    letters.chars().map(bit).collect()
}

fn letters(set: Permissions) -> String {
    "RWUZG".chars().filter(|letter| set.contains(self::set(&letter.to_string()))).collect()
}

/// Returns the child's pair as `need/share` for a parent's pair in the same form.
fn pair(driver: &impl Policy, role: Role, parent: &str, change: impl Fn(&mut ChildContext<'_>)) -> String {
    let (need, share) = parent.split_once('/').unwrap();
    let mut context = ChildContext::new("x", role, Pair::new(set(need), set(share)));
    change(&mut context);
    let child = driver.child_pair(&context);
    format!("{}/{}", letters(child.need), letters(child.share))
}

#[track_caller]
fn rule(driver: impl Into<Preset>, role: Role, cases: &[(&str, &str)]) {
    let driver = driver.into();
    for (parent, child) in cases {
        assert_eq!(pair(&driver, role, parent, |_| ()), *child, "{} {role:?} {parent}", driver.name());
    }
}

fn inactive(context: &mut ChildContext<'_>) {
    (context.inactive, context.writable) = (true, false);
}

/// P6.6: the default rule for the role, except that W and Z are needed only as far as the parent needs them.
#[test]
fn raw() {
    rule(Raw, Role::FILTER, &[("RWUZG/RWUZG", "RWUZ/RWUZG"), ("R/RU", "R/RUG"), ("W/", "W/G")]);
    // P5.4 alone would need W and Z because of U, and Z because of W.
    rule(Raw, IMAGE, &[("U/RWUZG", "U/RWUG"), ("W/RWUZG", "W/RWUG"), ("RWZ/RZ", "RWZ/RG"), ("/RWUZG", "/RWUG")]);
    // P5.3 alone would need W and Z because the node is writable.
    rule(Raw, METADATA, &[("/RWUZG", "R/RUG"), ("W/RWUZG", "RW/RUG"), ("Z/RWUZG", "RZ/RUG")]);
}

/// P6.7: need n ∩ RWZ, and U as well unless inactive; share (s ∩ RWZ) ∪ UG.
#[test]
fn copy_on_read() {
    for role in [Role::FILTER, DATA] {
        rule(CopyOnRead, role, &[("/RWUZG", "U/RWUZG"), ("RWUZG/", "RWUZ/UG"), ("RG/RU", "RU/RUG"), ("/WZ", "U/WUZG")]);
    }
    assert_eq!(pair(&CopyOnRead, Role::FILTER, "RU/", inactive), "R/UG");
}

/// P6.8: on the FILTERED edge P5.1, and once the node has any parent edge it also needs R and never shares W and Z; on
/// any other edge it needs W and shares all but Z.
#[test]
fn copy_before_write() {
    rule(CopyBeforeWrite, Role::FILTER, &[("/RWUZG", "R/RUG"), ("WUZG/RWZ", "RWUZ/RG"), ("R/", "R/G")]);
    rule(CopyBeforeWrite, DATA, &[("/RWUZG", "W/RWUG"), ("RWUZG/", "W/RWUG")]);
    let alone = |context: &mut ChildContext<'_>| context.has_parents = false;
    assert_eq!(pair(&CopyBeforeWrite, Role::FILTER, "/RWUZG", alone), "/RWUZG");
    assert_eq!(pair(&CopyBeforeWrite, DATA, "/RWUZG", alone), "W/RWUG");
}

/// P6.9: needs nothing and shares everything.
#[test]
fn snapshot_access_and_commit_top() {
    for role in [DATA, IMAGE, METADATA] {
        rule(SnapshotAccess, role, &[("RWUZG/", "/RWUZG")]);
    }
    rule(CommitTop, Role::FILTER, &[("RWUZG/", "/RWUZG"), ("/RWUZG", "/RWUZG")]);
}

/// P6.10: the default rule for the role; if the parent needs both W and Z, W and Z are never shared.
#[test]
fn preallocate() {
    let cases = [("W/RWUZG", "W/RWUZG"), ("Z/RWUZG", "Z/RWUZG"), ("WZ/RWUZG", "WZ/RUG"), ("RWUZG/Z", "RWUZ/G")];
    rule(Preallocate, Role::FILTER, &cases);
    rule(Preallocate, DATA, &[("W/RWUZG", "WZ/RWUG"), ("Z/RWUZG", "Z/RWUG"), ("WZ/RWUZG", "WZ/RUG")]);
}

/// P6.11: in the phase mirror the default rule; in the phase commit the default rule, but R is not needed and W is
/// always shared; when stopped, needs nothing and shares everything.
#[test]
fn mirror_top() {
    assert_eq!(MirrorTop::default().phase, MirrorPhase::Mirror);
    rule(MirrorTop::default(), Role::FILTER, &[("RWUZG/R", "RWUZ/RG"), ("R/RWUZG", "R/RWUZG")]);
    rule(MirrorTop::default(), DATA, &[("W/RWUZG", "WZ/RWUG")]);
    let commit = MirrorTop { phase: MirrorPhase::Commit };
    rule(commit, Role::FILTER, &[("RWUZG/R", "WUZ/RWG"), ("R/RWUZG", "/RWUZG"), ("/", "/WG")]);
    rule(commit, METADATA, &[("/RWUZG", "WZ/RWUG")]);
    rule(MirrorTop { phase: MirrorPhase::Stopped }, Role::FILTER, &[("RWUZG/", "/RWUZG")]);
}

/// P6.12: the default rule for the role.
#[test]
fn blkverify() {
    rule(Blkverify, Role::FILTER, &[("RWUZG/RW", "RWUZ/RWG")]);
    rule(Blkverify, DATA, &[("RU/RWUZG", "RWUZ/RWUG"), ("R/", "R/G")]);
}

/// P6.13: needs R on a PRIMARY edge, and W on every edge if the node is writable; shares RWUG.
#[test]
fn replication() {
    rule(Replication, Role::FILTER, &[("/RWUZG", "RW/RWUG"), ("RWUZG/", "RW/RWUG")]);
    rule(Replication, DATA, &[("/RWUZG", "W/RWUG")]);
    for change in [inactive, |context: &mut ChildContext<'_>| context.writable = false] {
        assert_eq!(pair(&Replication, Role::FILTER, "W/", change), "R/RWUG");
        assert_eq!(pair(&Replication, DATA, "W/", change), "/RWUG");
    }
}

/// P6.14: needs RW, shares UG.
#[test]
fn vvfat() {
    rule(Vvfat, DATA, &[("/RWUZG", "RW/UG"), ("RWUZG/", "RW/UG")]);
}

/// The table of S3.4: name, slot of the filtered child, COW, children; which kinds take a FILTERED child without being
/// a filter, and which can gain and lose children while in use.
#[test]
fn the_table_of_kinds() {
    let (file, backing) = (Some(Slot::File), Some(Slot::Backing));
    let table: [(Preset, &str, Option<Slot>, bool); 11] = [
        (Raw.into(), "raw", None, true),
        (CopyOnRead.into(), "copy-on-read", file, true),
        (CopyBeforeWrite.into(), "copy-before-write", file, true),
        (SnapshotAccess.into(), "snapshot-access", None, true),
        (Preallocate.into(), "preallocate", file, true),
        (CommitTop.into(), "commit-top", backing, true),
        (MirrorTop::default().into(), "mirror-top", backing, true),
        (Blkverify.into(), "blkverify", file, true),
        (Replication.into(), "replication", file, true),
        (Vvfat.into(), "vvfat", None, true),
        (File::default().into(), "file", None, false),
    ];
    for (preset, name, slot, children) in &table {
        let observed = (preset.name(), preset.filter_slot(), preset.takes_children(), preset.supports_backing());
        assert_eq!(observed, (*name, *slot, *children, false));
        assert_eq!((preset.takes_filtered(), preset.live_children()), (*name == "raw", false));
    }
    let quorum = Preset::from(Quorum::default());
    assert!(quorum.live_children() && !quorum.takes_filtered());
    assert!(![Preset::from(Format), Filter.into(), NoPermission.into()].iter().any(Policy::takes_filtered));
}

/// S2, S3.2, S3.3: both FILTERED ∪ PRIMARY and DATA ∪ PRIMARY fill the slot file; a FILTERED child cannot be removed.
#[test]
fn the_children_of_raw() {
    let mut graph: Graph<Injected> = Graph::new();
    let (raw, file) = (add(&mut graph, "raw", Raw), add(&mut graph, "file", Protocol));
    let (other, format) = (add(&mut graph, "other", Protocol), add(&mut graph, "format", Format));
    let edge = graph.attach(raw, file, "file", Role::FILTER).unwrap();
    assert_eq!(graph.get(raw).map(|node| (node.file(), node.filter_slot())), Some((Some(edge), None)));
    refused!(graph, SlotTaken, t => t.attach(raw, other, "x", IMAGE));
    refused!(graph, RoleUnsupported, t => t.attach(raw, other, "x", Role::COW));
    refused!(graph, RoleUnsupported, t => t.attach(format, other, "x", Role::FILTER));
    refused!(graph, BadRole, t => t.attach(raw, other, "x", Role::FILTERED));
    refused!(graph, FilterNeedsChild, t => t.detach(edge));
    refused!(graph, NotAFilter, t => t.drop_filter(raw));
    refused!(graph, BackingUnsupported, t => t.set_backing(raw, None));
    refused!(graph, BackingUnsupported, t => t.append(raw, other));
    refused!(graph, NotInChain, t => t.freeze(raw, Some(file)));
    // Replacing the child keeps the role.
    graph.set_file(raw, other).unwrap();
    graph.reopen(&[Reopen::new(raw).keep(true).file(file)]).unwrap();
    let edge = graph.child(raw, "file").unwrap();
    assert_eq!(graph.edge(edge).map(|edge| (edge.role(), edge.child())), Some((Role::FILTER, file)));
    let with_offset = add(&mut graph, "with offset", Raw);
    let edge = graph.attach(with_offset, other, "file", IMAGE).unwrap();
    assert_eq!(graph.get(with_offset).unwrap().file(), Some(edge));
    graph.detach(edge).unwrap();
    let snapshot = graph.save();
    assert_eq!(Graph::restore(&snapshot).unwrap().save(), snapshot);
    graph.eject_driver(raw).unwrap();
    let snapshot = graph.save();
    assert_eq!(Graph::restore(&snapshot).unwrap().save(), snapshot, "the shape is kept");
    assert_eq!(graph.inconsistencies(), []);
}

/// P4, P6.8: a first parent that needs nothing and shares everything does not change the node's cumulative pair, but it
/// changes the child's pair. The last parent leaves in each of the possible ways.
#[test]
fn the_first_parent_of_a_copy_before_write() {
    let mut graph: Graph<Injected> = Graph::new();
    let (filter, source) = (add(&mut graph, "cbw", CopyBeforeWrite), add(&mut graph, "source", Protocol));
    let (target, above) = (add(&mut graph, "target", Protocol), add(&mut graph, "above", NoPermission));
    let edge = graph.attach(filter, source, "file", Role::FILTER).unwrap();
    let to_target = graph.attach(filter, target, "target", DATA).unwrap();
    let observed = |graph: &Graph<Injected>| {
        assert_eq!((graph.inconsistencies(), graph.get(filter).unwrap().pair()), (vec![], Pair::NOTHING));
        let pairs = [edge, to_target].map(|edge| graph.edge(edge).unwrap().pair());
        pairs.map(|pair| format!("{}/{}", letters(pair.need), letters(pair.share)))
    };
    let (without, with) = (["/RWUZG", "W/RWUG"], ["R/RUG", "W/RWUG"]);
    assert_eq!(observed(&graph), without);
    let user = graph.attach_user("u", filter, Pair::NOTHING, false).unwrap();
    assert_eq!(observed(&graph), with);
    let other = graph.attach_user("v", filter, Pair::NOTHING, false).unwrap();
    graph.detach_user(user).unwrap();
    assert_eq!(observed(&graph), with);
    graph.detach_user(other).unwrap();
    assert_eq!(observed(&graph), without);
    graph.attach(above, filter, "x", DATA).unwrap();
    assert_eq!(observed(&graph), with);
    graph.replace_node(filter, target).unwrap();
    assert_eq!(observed(&graph), without);
    // The parent of the source moves to the filter.
    let late = add(&mut graph, "late", CopyBeforeWrite);
    graph.attach_user("guest", source, Pair::NOTHING, false).unwrap();
    let mut t = graph.transaction();
    t.detach(to_target).unwrap();
    t.append(late, filter).unwrap();
    t.commit().unwrap();
    assert_eq!(graph.edge(edge).map(|edge| letters(edge.pair().need)), Some("R".into()));
    // The filter is closed, and it was the last parent.
    graph.delete(late).unwrap();
    assert_eq!(graph.edge(edge).map(|edge| letters(edge.pair().need)), Some(String::new()));
    assert_eq!(graph.inconsistencies(), []);
}

/// P6.11 and O17: when the job ends, parents that it excluded can be attached.
#[test]
fn the_phases_of_a_mirror() {
    let mut graph: Graph<Injected> = Graph::new();
    let source = add(&mut graph, "source", Format);
    let wants = Pair::new(set("RW"), set("R"));
    graph.attach_user("guest", source, wants, false).unwrap();
    let top =
        graph.insert(NodeSpec::new("top"), Injected::new(MirrorTop::default(), Behaviour::Accept), source).unwrap();
    let writer = Pair::new(set("W"), set("RWUZG"));
    let phase = |graph: &mut Graph<Injected>, phase| graph.set_option(top, DriverOption::Phase(phase));
    assert!(matches!(graph.attach_user("job", source, writer, false).unwrap_err().kind(), ErrorKind::Conflict { .. }));
    phase(&mut graph, MirrorPhase::Commit).unwrap();
    graph.attach_user("job", source, writer, false).unwrap();
    assert!(matches!(phase(&mut graph, MirrorPhase::Mirror).unwrap_err().kind(), ErrorKind::Conflict { .. }));
    assert_eq!(graph.driver(top).unwrap().preset, MirrorTop { phase: MirrorPhase::Commit }.into(), "taken back");
    phase(&mut graph, MirrorPhase::Stopped).unwrap();
    let job = graph.user("job").unwrap();
    graph.detach_user(job).unwrap();
    assert_eq!((graph.get(source).unwrap().pair(), graph.inconsistencies()), (Pair::NOTHING, vec![]));
    // Without keep the options return to the defaults of the kind (R1.2).
    graph.reopen(&[Reopen::new(top)]).unwrap();
    assert_eq!(graph.driver(top).unwrap().preset, MirrorTop::default().into());
    refused!(graph, OptionUnsupported, t => t.set_option(top, DriverOption::Unaligned(true)));
}

/// P9: the check refuses if the file is unaligned and the need has W or U but not Z.
#[test]
fn an_unaligned_file_is_written_only_with_resize() {
    let mut graph: Graph<Injected> = Graph::new();
    let file = add(&mut graph, "file", File { unaligned: true });
    let user = graph.attach_user("u", file, READER, false).unwrap();
    let wish = |graph: &mut Graph<Injected>, need| graph.set_user(user, Pair::new(set(need), set("RWUZG")));
    for (need, refused) in [("W", true), ("U", true), ("RWUG", true), ("Z", false), ("RG", false), ("WZ", false)] {
        let result = wish(&mut graph, need);
        assert_eq!(result.is_err(), refused, "{need}");
        let Err(error) = result else { continue };
        assert!(matches!(error.kind(), ErrorKind::Refused { hook: Hook::Check, .. }));
        let text = "Cannot get 'write' permission without 'resize': \
                    Image size is not a multiple of request alignment";
        assert_eq!(error.to_string(), text);
    }
    // A change that only gives up Z is refused, which is tolerated: the node is stale (V7).
    wish(&mut graph, "W").unwrap();
    assert_eq!(
        graph.get(file).map(|node| (node.is_stale(), letters(node.granted().pair.need))),
        Some((true, "WZ".into()))
    );
    graph.set_option(file, DriverOption::Unaligned(false)).unwrap();
    assert_eq!(
        graph.get(file).map(|node| (node.is_stale(), letters(node.granted().pair.need))),
        Some((false, "W".into()))
    );
    refused!(graph, OptionUnsupported, t => t.set_option(file, DriverOption::Phase(MirrorPhase::Stopped)));
    let child = add(&mut graph, "child", Protocol);
    refused!(graph, NoChildren, t => t.attach(file, child, "x", DATA));
}

/// The hook of a preset without a wrapper.
#[test]
fn preset_forwards_the_check() {
    let mut graph: Graph<Preset> = Graph::new();
    let file = graph.add(NodeSpec::new("file"), File { unaligned: true }.into()).unwrap();
    let writer = Pair::new(set("W"), set("RWUZG"));
    assert!(matches!(graph.attach_user("u", file, writer, false).unwrap_err().kind(), ErrorKind::Refused { .. }));
    let mut boxed: Graph = Graph::new();
    let raw = boxed.add(NodeSpec::new("raw"), Box::new(Raw)).unwrap();
    let file = boxed.add(NodeSpec::new("file"), Box::new(File { unaligned: true })).unwrap();
    boxed.attach(raw, file, "file", Role::FILTER).unwrap();
    assert!(matches!(boxed.attach_user("u", raw, writer, false).unwrap_err().kind(), ErrorKind::Refused { .. }));
}

/// Returns the last option that the file's driver received.
fn is_unaligned(graph: &Graph<Injected>, node: blockgraph::NodeKey) -> bool {
    graph.driver(node).unwrap().preset == File { unaligned: true }.into()
}

/// O38: a user above a filter, a raw node and a backing filter, down to a file.
#[test]
fn truncate_reaches_the_file_below_the_filters() {
    let mut graph: Graph<Injected> = Graph::new();
    let (file, raw) = (add(&mut graph, "file", File::default()), add(&mut graph, "raw", Raw));
    let (top, copy) = (add(&mut graph, "top", MirrorTop::default()), add(&mut graph, "copy", CopyOnRead));
    graph.attach(raw, file, "file", Role::FILTER).unwrap();
    graph.attach(top, raw, "backing", Role::FILTER).unwrap();
    graph.attach(copy, top, "file", Role::FILTER).unwrap();
    let user = graph.attach_user("u", copy, Pair::new(set("Z"), set("RWUZG")), false).unwrap();
    graph.truncate(user, true).unwrap();
    assert!(is_unaligned(&graph, file));
    let mut t = graph.transaction();
    t.truncate(user, false).unwrap();
    assert!(!is_unaligned(&t, file));
    drop(t);
    assert!(is_unaligned(&graph, file), "taken back");
    // A writer with Z is attached; the rest of the transaction makes the size fit.
    let writer = Pair::new(set("W"), set("RWUZG"));
    graph.set_user(user, Pair::NOTHING).unwrap();
    let text = refused!(graph, NoResize, t => t.truncate(user, false));
    assert_eq!(text, "Cannot truncate: block device 'u' has no 'resize' permission");
    assert!(graph.attach_user("writer", copy, writer, false).is_err());
    let mut t = graph.transaction();
    let helper = t.attach_user("helper", file, Pair::new(set("Z"), set("RWUZG")), false).unwrap();
    t.truncate(helper, false).unwrap();
    t.detach_user(helper).unwrap();
    t.attach_user("writer", copy, writer, false).unwrap();
    t.commit().unwrap();
    assert_eq!((is_unaligned(&graph, file), graph.inconsistencies()), (false, vec![]));
    refused!(graph, UserNotFound, t => t.truncate(helper, false));
}

/// O38: other kinds do not pass a size on, nor does a raw node with an offset or a node without its driver.
#[test]
fn truncate_ends_where_no_filter_is() {
    let resizer = Pair::new(set("Z"), set("RWUZG"));
    let above: [(Preset, Role, bool, bool); 5] = [
        (Filter.into(), Role::FILTER, false, true),
        (Filter.into(), Role::FILTER, true, false),
        (Format.into(), IMAGE, false, false),
        (Raw.into(), IMAGE, false, false),
        (Quorum::default().into(), DATA, false, false),
    ];
    for (preset, role, ejected, reached) in above {
        let mut graph: Graph<Injected> = Graph::new();
        let (file, top) = (add(&mut graph, "file", File::default()), add(&mut graph, "top", preset.clone()));
        graph.attach(top, file, "file", role).unwrap();
        let user = graph.attach_user("u", top, resizer, false).unwrap();
        if ejected {
            graph.eject_driver(top).unwrap();
        }
        graph.truncate(user, true).unwrap();
        assert_eq!((is_unaligned(&graph, file), graph.inconsistencies()), (reached, vec![]), "{preset:?} {ejected}");
    }
}

/// O38.2: the pair before the operation counts, or the wanted pair if the operation creates the user.
#[test]
fn truncate_uses_the_judged_pair() {
    let mut graph: Graph<Injected> = Graph::new();
    let file = add(&mut graph, "file", File::default());
    let resizer = Pair::new(set("Z"), set("RWUZG"));
    let user = graph.attach_user_as(UserSpec::new("u", READER).may_inactivate(true), file).unwrap();
    let fails = |result: Result<(), blockgraph::Error>| {
        assert!(matches!(result.unwrap_err().kind(), ErrorKind::NoResize { .. }));
    };
    let mut t = graph.transaction();
    t.set_user(user, resizer).unwrap();
    fails(t.truncate(user, true));
    t.commit().unwrap();
    let mut t = graph.transaction();
    t.set_user(user, READER).unwrap();
    t.set_user(user, Pair::NOTHING).unwrap();
    t.truncate(user, true).unwrap();
    t.inactivate(file).unwrap();
    t.truncate(user, false).unwrap();
    drop(t);
    // While its node is inactive a user has no permissions; a new user has what it wants.
    graph.inactivate(file).unwrap();
    fails(graph.truncate(user, true));
    let mut t = graph.transaction();
    t.activate(file).unwrap();
    fails(t.truncate(user, true));
    t.inactivate(file).unwrap();
    let new = t.attach_user("new", file, resizer, false).unwrap();
    t.truncate(new, true).unwrap();
    t.set_user(new, READER).unwrap();
    fails(t.truncate(new, true));
    t.commit().unwrap();
    assert_eq!((is_unaligned(&graph, file), graph.inconsistencies()), (true, vec![]));
}

/// The conditions of O39, one by one.
#[test]
fn a_quorum_gets_a_child() {
    let mut graph: Graph<Injected> = Graph::new();
    let (quorum, a) = (add(&mut graph, "quorum", Quorum::default()), add(&mut graph, "a", Protocol));
    let (b, format) = (add(&mut graph, "b", Protocol), add(&mut graph, "format", Format));
    graph.attach_user("reader", quorum, READER, false).unwrap();
    let edge = graph.add_child(quorum, a, "x").unwrap();
    let observed = graph.edge(edge).map(|edge| (edge.role(), letters(edge.pair().need), letters(edge.pair().share)));
    assert_eq!(observed, Some((DATA, "R".into(), "RUG".into())), "P6.5");
    refused!(graph, DuplicateChild, t => t.add_child(quorum, b, "x"));
    let text = refused!(graph, HasParent, t => t.add_child(quorum, a, "x"));
    assert_eq!(text, "The node a already has a parent");
    graph.attach_user("user", a, Pair::NOTHING, false).unwrap();
    let ErrorKind::HasParent { node, edge } = common::refused(&mut graph, |t| t.add_child(quorum, a, "y").map(drop))
    else {
        panic!("another error")
    };
    assert_eq!((&*node.name, &*edge.parent_name), ("a", "user"), "the first in list order");
    let text = refused!(graph, ChildrenFixed, t => t.add_child(format, a, "y"));
    assert_eq!(text, "The node format does not support adding a child");
    graph.add_child(quorum, b, "y").unwrap();
    graph.eject_driver(quorum).unwrap();
    refused!(graph, NodeCorrupted, t => t.add_child(quorum, a, "x"));
    graph.eject_driver(format).unwrap();
    refused!(graph, NodeCorrupted, t => t.add_child(format, a, "x"));
    let gone = blockgraph::NodeKey::default();
    refused!(graph, NodeNotFound, t => t.add_child(gone, a, "x"));
    refused!(graph, NodeNotFound, t => t.add_child(quorum, gone, "x"));
    assert_eq!(graph.inconsistencies(), []);
}

/// The conditions of O40, one by one; a child without a holder is closed.
#[test]
fn a_quorum_loses_a_child() {
    let mut graph: Graph<Injected> = Graph::new();
    let (quorum, a) = (add(&mut graph, "quorum", Quorum::default()), add(&mut graph, "a", Protocol));
    let (b, format) = (add(&mut graph, "b", Protocol), add(&mut graph, "format", Format));
    let x = graph.add_child(quorum, a, "x").unwrap();
    let text = refused!(graph, LastChild, t => t.remove_child(x));
    assert_eq!(text, "The number of children cannot be lower than the vote threshold 1");
    let y = graph.add_child(quorum, b, "y").unwrap();
    graph.release(b).unwrap();
    let base = graph.attach(format, a, "backing", Role::COW).unwrap();
    let text = refused!(graph, ChildrenFixed, t => t.remove_child(base));
    assert_eq!(text, "The node format does not support removing a child");
    graph.remove_child(y).unwrap();
    assert_eq!((graph.get(b).is_none(), graph.get(quorum).unwrap().children().count()), (true, 1));
    refused!(graph, EdgeNotFound, t => t.remove_child(y));
    let user = graph.attach_user("u", quorum, READER, false).unwrap();
    let root = graph.user_view(user).unwrap().edge();
    refused!(graph, EdgeNotFound, t => t.remove_child(root));
    let mut t = graph.transaction();
    assert!(matches!(t.find_child(quorum, "y").unwrap_err().kind(), ErrorKind::ChildNotFound { .. }));
    t.detach_user(user).unwrap();
    t.release(quorum).unwrap();
    assert!(matches!(t.remove_child(x).unwrap_err().kind(), ErrorKind::EdgeNotFound { .. }));
    drop(t);
    graph.eject_driver(quorum).unwrap();
    refused!(graph, NodeCorrupted, t => t.remove_child(x));
    assert_eq!(graph.inconsistencies(), []);
}
