//! Every operation: its effect, and its preconditions in the order of `specs/operations.md`. After every refusal the
//! graph is exactly as before, and the transaction usable.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use blockgraph::drivers::{
    BackingFilter, Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol, Quorum, WriteToSelected,
};
use blockgraph::{
    DriverOption, EdgeKey, Error, ErrorKind, Graph, NodeKey, NodeSpec, Pair, Permissions, Preset, Role, UserKey,
};

const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

/// A graph whose nodes go by letters.
struct World(Graph<Preset>);

impl World {
    fn new() -> Self {
        Self(Graph::new())
    }

    fn add(&mut self, name: &str, driver: impl Into<Preset>) -> NodeKey {
        self.0.add(NodeSpec::new(name), driver.into()).unwrap()
    }

    /// Runs one step that must fail, alone and in the midst of a transaction, and checks that it leaves no trace.
    fn refused(&mut self, step: impl Fn(&mut blockgraph::Transaction<'_, Preset>) -> Result<(), Error>) -> ErrorKind {
        let before = self.0.save();
        let mut t = self.0.transaction();
        t.add(NodeSpec::new("bystander"), Protocol.into()).unwrap();
        let error = step(&mut t).unwrap_err();
        assert_eq!(error.step(), Some(1), "{error}");
        t.add(NodeSpec::new("second bystander"), Protocol.into()).unwrap();
        assert_eq!(t.steps(), 2);
        drop(t);
        assert_eq!(self.0.save(), before, "{error}");
        assert_eq!(self.0.inconsistencies(), []);
        assert!(!error.to_string().is_empty());
        error.into_kind()
    }

    fn parents(&self, node: NodeKey) -> Vec<String> {
        let view = self.0.get(node).unwrap();
        view.parents().map(|edge| self.upper(edge)).collect()
    }

    fn children(&self, node: NodeKey) -> Vec<String> {
        let view = self.0.get(node).unwrap();
        view.children().map(|edge| self.0.edge(edge).unwrap().name().to_string()).collect()
    }

    fn upper(&self, edge: EdgeKey) -> String {
        match self.0.edge(edge).unwrap().parent() {
            blockgraph::Parent::Node(node) => self.0.get(node).unwrap().name().to_string(),
            blockgraph::Parent::User(user) => self.0.user_view(user).unwrap().name().to_string(),
        }
    }

    fn lower(&self, edge: Option<EdgeKey>) -> Option<NodeKey> {
        edge.and_then(|edge| self.0.edge(edge)).map(|edge| edge.child())
    }
}

macro_rules! refused {
    ($world:expr, $kind:ident, $t:ident => $step:expr) => {{
        let kind = $world.refused(|$t| $step.map(drop));
        assert!(matches!(kind, ErrorKind::$kind { .. }), "{kind:?}");
    }};
}

#[test]
fn add_and_release() {
    let mut w = World::new();
    let a = w.add("a", Protocol);
    let view = w.0.get(a).unwrap();
    assert_eq!((w.0.node("a"), view.is_monitor_owned(), view.holders(), w.0.node_count()), (Some(a), true, 0, 1));
    // Precondition 1 before 2.
    let bad = |name| NodeSpec::new(name).force_share(true);
    refused!(w, DuplicateNode, t => t.add(bad("a"), Protocol.into()));
    refused!(w, ForceShareWritable, t => t.add(bad("b"), Protocol.into()));
    refused!(w, NodeNotFound, t => t.release(NodeKey::default()));
    w.0.attach_user("u", a, Pair::NOTHING, false).unwrap();
    w.0.release(a).unwrap();
    assert!(!w.0.get(a).unwrap().is_monitor_owned());
    refused!(w, NoHolder, t => t.release(a));
}

#[test]
fn users() {
    let mut w = World::new();
    let a = w.add("a", Protocol);
    let writer = Pair::new(Permissions::WRITE, Permissions::ALL - Permissions::WRITE);
    let u = w.0.attach_user("u", a, writer, true).unwrap();
    let view = w.0.user_view(u).unwrap();
    assert_eq!((view.node(), view.pair(), view.stays(), w.0.user("u")), (a, writer, true, Some(u)));
    assert_eq!(w.0.get(a).unwrap().granted().pair, writer);
    refused!(w, DuplicateUser, t => t.attach_user("u", NodeKey::default(), writer, false));
    refused!(w, NodeNotFound, t => t.attach_user("v", NodeKey::default(), writer, false));
    refused!(w, UserNotFound, t => t.detach_user(UserKey::default()));
    refused!(w, UserNotFound, t => t.set_user(UserKey::default(), writer));
    let before = w.0.save();
    let error = w.0.attach_user("v", a, writer, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Permission conflict on node 'a': permissions 'write' are both required by block device 'v' (uses node 'a' as 'root' child) and unshared by block device 'u' (uses node 'a' as 'root' child)."
    );
    assert_eq!(
        format!("{error:#}"),
        "Conflicts with use by block device 'u' as 'root', which does not allow 'write' on a"
    );
    assert_eq!((w.0.save(), error.step()), (before, None));
    w.0.set_user(u, Pair::NOTHING).unwrap();
    w.0.attach_user("v", a, writer, false).unwrap();
    w.0.detach_user(u).unwrap();
    assert_eq!(w.parents(a), ["v"]);
    assert_eq!(w.0.user("u"), None);
}

/// An unknown bit is not a permission.
#[test]
fn unknown_bits_are_dropped() {
    let mut w = World::new();
    let a = w.add("a", Protocol);
    let wild = Permissions::from_bits_retain(0xff);
    let u = w.0.attach_user("u", a, Pair::new(wild, wild), false).unwrap();
    assert_eq!(w.0.user_view(u).unwrap().pair(), Pair::new(Permissions::ALL, Permissions::ALL));
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn attach_and_detach() {
    let mut w = World::new();
    let (p, f, b) = (w.add("p", Protocol), w.add("f", NoPermission), w.add("b", BackingFilter));
    let nowhere = NodeKey::default();
    refused!(w, NodeNotFound, t => t.attach(nowhere, p, "x", Role::DATA));
    refused!(w, NodeNotFound, t => t.attach(p, nowhere, "x", Role::empty()));
    refused!(w, NoChildren, t => t.attach(p, f, "x", Role::empty()));
    let file = w.0.attach(f, p, "file", IMAGE).unwrap();
    refused!(w, DuplicateChild, t => t.attach(f, p, "file", Role::empty()));
    refused!(w, BadRole, t => t.attach(f, p, "x", Role::PRIMARY));
    refused!(w, RoleUnsupported, t => t.attach(f, p, "x", Role::FILTER));
    refused!(w, RoleUnsupported, t => t.attach(b, p, "x", Role::COW));
    refused!(w, SlotTaken, t => t.attach(f, p, "x", IMAGE));
    let filtered = w.0.attach(b, f, "backing", Role::FILTER).unwrap();
    let view = w.0.get(b).unwrap();
    assert_eq!((view.backing(), view.file()), (Some(filtered), None));
    w.0.attach(f, p, "more", Role::DATA).unwrap();
    assert_eq!(w.children(f), ["more", "file"]);
    assert_eq!(w.parents(p), ["f", "f"]);
    refused!(w, EdgeNotFound, t => t.detach(EdgeKey::default()));
    refused!(w, ChildNotFound, t => t.find_child(f, "nothing"));
    refused!(w, FilterNeedsChild, t => t.detach(filtered));
    w.0.freeze(b, None).unwrap();
    refused!(w, FilterNeedsChild, t => t.detach(filtered));
    w.0.detach(file).unwrap();
    assert_eq!((w.0.edge(file).is_none(), w.0.get(f).unwrap().file()), (true, None));
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn set_backing() {
    let mut w = World::new();
    let (p, f, b) = (w.add("p", Protocol), w.add("f", Format), w.add("b", BackingFilter));
    let (filter, base, nowhere) = (w.add("filter", Filter), w.add("base", Format), NodeKey::default());
    refused!(w, NodeNotFound, t => t.set_backing(nowhere, Some(p)));
    refused!(w, NodeNotFound, t => t.set_backing(filter, Some(nowhere)));
    refused!(w, BackingUnsupported, t => t.set_backing(filter, None));
    refused!(w, BackingUnsupported, t => t.set_backing(p, Some(f)));
    let other = w.0.attach(f, p, "backing", Role::DATA).unwrap();
    refused!(w, DuplicateChild, t => t.set_backing(f, Some(p)));
    w.0.set_backing(f, None).unwrap();
    w.0.detach(other).unwrap();
    w.0.set_backing(b, None).unwrap();
    w.0.set_backing(b, Some(f)).unwrap();
    refused!(w, FilterNeedsChild, t => t.set_backing(b, None));
    w.0.set_backing(f, Some(base)).unwrap();
    w.0.freeze(f, None).unwrap();
    refused!(w, Frozen, t => t.set_backing(f, Some(p)));
    refused!(w, Frozen, t => t.set_backing(f, None));
    w.0.thaw(f, None).unwrap();
    // The present child again, which nothing else holds: it goes to the head, and is not doomed in between.
    w.0.release(base).unwrap();
    w.0.attach(f, p, "x", Role::DATA).unwrap();
    assert_eq!(w.children(f), ["x", "backing"]);
    w.0.set_backing(f, Some(base)).unwrap();
    assert_eq!(w.children(f), ["backing", "x"]);
    w.0.set_backing(f, None).unwrap();
    assert_eq!(w.0.node("base"), None);
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn set_file() {
    let mut w = World::new();
    let (p, f, b) = (w.add("p", Protocol), w.add("f", NoPermission), w.add("b", BackingFilter));
    let (filter, q, nowhere) = (w.add("filter", Filter), w.add("q", Protocol), NodeKey::default());
    refused!(w, NodeNotFound, t => t.set_file(nowhere, p));
    refused!(w, NodeNotFound, t => t.set_file(b, nowhere));
    refused!(w, FileUnsupported, t => t.set_file(b, p));
    refused!(w, NoFileChild, t => t.set_file(f, p));
    w.0.attach(f, p, "primary", IMAGE).unwrap();
    w.0.attach(f, p, "file", Role::DATA).unwrap();
    refused!(w, DuplicateChild, t => t.set_file(f, q));
    w.0.detach(w.0.child(f, "file").unwrap()).unwrap();
    w.0.set_file(f, q).unwrap();
    let edge = w.0.get(f).unwrap().file().unwrap();
    let view = w.0.edge(edge).unwrap();
    assert_eq!((view.child(), &**view.name(), view.role()), (q, "file", IMAGE));
    w.0.set_file(filter, f).unwrap();
    assert_eq!(w.lower(w.0.get(filter).unwrap().file()), Some(f));
    w.0.freeze(filter, Some(f)).unwrap();
    refused!(w, Frozen, t => t.set_file(filter, p));
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn replace_node_moves_in_list_order_and_skips() {
    let mut w = World::new();
    let (a, b) = (w.add("a", Protocol), w.add("b", NoPermission));
    refused!(w, NodeNotFound, t => t.replace_node(NodeKey::default(), a));
    refused!(w, NodeNotFound, t => t.replace_node(a, NodeKey::default()));
    refused!(w, SameNode, t => t.replace_node(a, a));
    for (name, stays) in [("u1", false), ("u2", true), ("u3", false)] {
        w.0.attach_user(name, a, Pair::NOTHING, stays).unwrap();
    }
    // b reaches a, so b's edge and that of c below it stay.
    let c = w.add("c", NoPermission);
    w.0.attach(b, c, "file", IMAGE).unwrap();
    w.0.attach(c, a, "file", IMAGE).unwrap();
    w.0.attach(b, a, "x", Role::DATA).unwrap();
    let above = w.add("above", Filter);
    w.0.attach(above, a, "file", Role::FILTER).unwrap();
    assert_eq!(w.parents(a), ["above", "b", "c", "u3", "u2", "u1"]);
    w.0.freeze(above, Some(a)).unwrap();
    refused!(w, Frozen, t => t.replace_node(a, b));
    w.0.thaw(above, Some(a)).unwrap();
    w.0.replace_node(a, b).unwrap();
    assert_eq!(w.parents(a), ["b", "c", "u2"]);
    assert_eq!(w.parents(b), ["u1", "u3", "above"]);
    assert_eq!(w.0.inconsistencies(), []);
}

/// The walk for what `to` reaches goes over edges of the same transaction, which are in no order yet.
#[test]
fn replace_node_skips_over_fresh_edges() {
    let mut w = World::new();
    let (a, x, y, to) = (w.add("a", Protocol), w.add("x", Format), w.add("y", Format), w.add("to", Format));
    w.0.attach(x, a, "file", IMAGE).unwrap();
    let mut t = w.0.transaction();
    t.attach(y, x, "file", IMAGE).unwrap();
    t.attach(to, y, "file", IMAGE).unwrap();
    t.replace_node(a, to).unwrap();
    t.commit().unwrap();
    assert_eq!(w.parents(a), ["x"], "to reaches x over y");
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn replace_one_edge() {
    let mut w = World::new();
    let (a, b, f) = (w.add("a", Protocol), w.add("b", Protocol), w.add("f", Format));
    let edge = w.0.attach(f, a, "file", IMAGE).unwrap();
    let user = w.0.attach_user("u", a, Pair::NOTHING, true).unwrap();
    refused!(w, EdgeNotFound, t => t.replace_edge(EdgeKey::default(), b));
    refused!(w, NodeNotFound, t => t.replace_edge(edge, NodeKey::default()));
    refused!(w, SameNode, t => t.replace_edge(edge, a));
    w.0.replace_edge(edge, b).unwrap();
    let root = w.0.user_view(user).unwrap().edge();
    w.0.replace_edge(root, b).unwrap();
    assert_eq!((w.parents(a).len(), w.parents(b)), (0, vec!["u".to_string(), "f".to_string()]));
    let error = w.0.replace_edge(edge, f).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cycle { .. }));
    assert_eq!(error.to_string(), "Making 'f' a 'file' child of 'f' would create a cycle");
    let filter = w.add("filter", Filter);
    let edge = w.0.attach(filter, b, "file", Role::FILTER).unwrap();
    w.0.freeze(filter, None).unwrap();
    let kind = w.refused(|t| t.replace_edge(edge, a));
    assert_eq!(Error::from(kind).to_string(), "Cannot change frozen 'file' link from 'filter' to 'b'");
}

#[test]
fn append_insert_and_drop_filter() {
    let mut w = World::new();
    let (a, f) = (w.add("a", Protocol), w.add("f", Filter));
    let (q, nowhere) = (w.add("q", Quorum::default()), NodeKey::default());
    w.0.attach_user("u", a, Pair::NOTHING, false).unwrap();
    refused!(w, NodeNotFound, t => t.append(nowhere, nowhere));
    refused!(w, NodeNotFound, t => t.append(f, nowhere));
    refused!(w, SameNode, t => t.append(f, f));
    refused!(w, BackingUnsupported, t => t.append(q, a));
    let extra = w.0.attach(f, a, "file", Role::DATA).unwrap();
    refused!(w, DuplicateChild, t => t.append(f, a));
    w.0.detach(extra).unwrap();
    w.0.append(f, a).unwrap();
    assert_eq!((w.parents(a), w.parents(f)), (vec!["f".to_string()], vec!["u".to_string()]));
    refused!(w, SlotTaken, t => t.append(f, q));
    refused!(w, DuplicateNode, t => t.insert(NodeSpec::new("f"), Format.into(), a));
    refused!(w, NodeNotFound, t => t.insert(NodeSpec::new("g"), Format.into(), nowhere));
    refused!(w, BackingUnsupported, t => t.insert(NodeSpec::new("g"), Protocol.into(), a));
    let g = w.0.insert(NodeSpec::new("g"), BackingFilter.into(), a).unwrap();
    assert_eq!((w.parents(a), w.parents(g)), (vec!["g".to_string()], vec!["f".to_string()]));
    w.0.freeze(f, Some(g)).unwrap();
    refused!(w, Frozen, t => t.append(q, g).or_else(|_| t.insert(NodeSpec::new("h"), Filter.into(), g).map(drop)));
    refused!(w, Frozen, t => t.drop_filter(g));
    w.0.thaw(f, Some(g)).unwrap();
    refused!(w, NodeNotFound, t => t.drop_filter(nowhere));
    refused!(w, NotAFilter, t => t.drop_filter(q));
    let lonely = w.add("lonely", Filter);
    refused!(w, NoFilteredChild, t => t.drop_filter(lonely));
    // Its own child, which a transaction can bring about before it is judged.
    let mut t = w.0.transaction();
    t.attach(lonely, lonely, "file", Role::FILTER).unwrap();
    let error = t.drop_filter(lonely).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::SameNode { .. }) && error.step() == Some(1));
    assert!(matches!(t.commit().unwrap_err().kind(), ErrorKind::Cycle { .. }));
    w.0.drop_filter(g).unwrap();
    assert_eq!((w.0.node("g"), w.parents(a)), (None, vec!["f".to_string()]));
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn freeze_and_thaw() {
    let mut w = World::new();
    let bottom = w.0.add(NodeSpec::new("bottom").never_freeze(true), Protocol.into()).unwrap();
    let (a, b, c) = (w.add("a", Format), w.add("b", Filter), w.add("c", Format));
    w.0.set_backing(c, Some(b)).unwrap();
    w.0.set_file(b, a).unwrap();
    refused!(w, NodeNotFound, t => t.freeze(NodeKey::default(), None));
    refused!(w, NodeNotFound, t => t.thaw(c, Some(NodeKey::default())));
    refused!(w, NotInChain, t => t.freeze(a, Some(c)));
    refused!(w, NotFrozen, t => t.thaw(c, Some(b)));
    w.0.freeze(c, Some(c)).unwrap();
    w.0.freeze(b, Some(a)).unwrap();
    refused!(w, Frozen, t => t.freeze(c, None));
    refused!(w, NotFrozen, t => t.thaw(c, None));
    w.0.freeze(c, Some(b)).unwrap();
    w.0.thaw(c, None).unwrap();
    w.0.set_backing(a, Some(bottom)).unwrap();
    refused!(w, NeverFreeze, t => t.freeze(c, None));
    w.0.freeze(b, Some(a)).unwrap();
    refused!(w, Frozen, t => t.freeze(c, None));
    // A chain that goes round for a while has no end.
    let mut t = w.0.transaction();
    t.thaw(b, Some(a)).unwrap();
    t.set_backing(a, Some(c)).unwrap();
    assert!(matches!(t.freeze(c, None).unwrap_err().kind(), ErrorKind::NotInChain { base: None, .. }));
    assert!(matches!(t.thaw(c, Some(bottom)).unwrap_err().kind(), ErrorKind::NotInChain { .. }));
    drop(t);
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn options() {
    let mut w = World::new();
    let (p, b) = (w.add("p", Protocol), w.add("b", Blkdebug::default()));
    let edge = w.0.attach(b, p, "file", Role::FILTER).unwrap();
    let debug = DriverOption::Debug { take: Permissions::WRITE, unshare: Permissions::RESIZE };
    refused!(w, NodeNotFound, t => t.set_option(NodeKey::default(), debug.clone()));
    refused!(w, OptionUnsupported, t => t.set_option(p, debug.clone()));
    refused!(w, OptionUnsupported, t => t.set_option(b, DriverOption::Rewrite(true)));
    w.0.set_option(b, debug.clone()).unwrap();
    assert_eq!(w.0.edge(edge).unwrap().pair(), Pair::new(Permissions::WRITE, Permissions::ALL - Permissions::RESIZE));
    // A refused change takes the driver's option back.
    w.0.attach_user("u", p, Pair::new(Permissions::NONE, Permissions::ALL - Permissions::READ), false).unwrap();
    let before = w.0.save();
    let more = DriverOption::Debug { take: Permissions::READ, unshare: Permissions::NONE };
    assert!(matches!(w.0.set_option(b, more).unwrap_err().kind(), ErrorKind::Conflict { .. }));
    assert_eq!(w.0.save(), before);
    let s = w.add("s", WriteToSelected::default());
    w.0.attach(s, b, "one", Role::DATA).unwrap();
    w.0.set_option(s, DriverOption::Select(Some("one".into()))).unwrap();
    assert!(w.0.get(b).unwrap().pair().need.contains(Permissions::WRITE));
    assert_eq!(w.0.inconsistencies(), []);
}

#[test]
fn read_only() {
    let mut w = World::new();
    let a = w.add("a", Protocol);
    let shared = w.0.add(NodeSpec::new("s").read_only(true).force_share(true), Protocol.into()).unwrap();
    refused!(w, NodeNotFound, t => t.set_read_only(NodeKey::default(), true));
    refused!(w, ForceShareWritable, t => t.set_read_only(shared, false));
    w.0.attach_user("u", a, Pair::new(Permissions::WRITE_UNCHANGED, Permissions::ALL), false).unwrap();
    let error = w.0.set_read_only(a, true).unwrap_err();
    assert_eq!(error.to_string(), "Read-only block node 'a' cannot support read-write users");
    assert!(error.kind().is_violation());
    w.0.detach_user(w.0.user("u").unwrap()).unwrap();
    w.0.set_read_only(a, true).unwrap();
    assert!(!w.0.get(a).unwrap().granted().writable);
    // P8: a node's edge to a force-share node shares everything; P6.1 would not.
    let e = w.add("e", ExclusiveWriter);
    let error = w.0.set_backing(e, Some(shared)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ReadOnly { .. }));
    let n = w.add("n", NoPermission);
    let edge = w.0.attach(n, shared, "x", Role::DATA).unwrap();
    assert_eq!(w.0.edge(edge).unwrap().pair().share, Permissions::ALL);
}
