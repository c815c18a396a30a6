//! What the integration tests share: a generator of numbers, drivers that refuse, panic and keep a diary, and graphs.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests use this")]

pub mod jobs;
pub mod random;
pub mod random_jobs;

use blockgraph::drivers::{
    BackingFilter, Blkdebug, Blkverify, CommitTop, CopyBeforeWrite, CopyOnRead, ExclusiveWriter, File, Filter, Format,
    MirrorTop, NoPermission, Preallocate, Protocol, Quorum, Raw, Replication, SnapshotAccess, Vvfat, WriteToSelected,
};
use blockgraph::{
    ChildContext, ContextId, Driver, DriverOption, Error, ErrorKind, Grant, Graph, NodeKey, NodeSpec, NodeView, Pair,
    Parent, Permissions, Policy, Preset, Refusal, Role, Slot, Transaction, UnsupportedOption,
};
use std::sync::Arc;

pub const READER: Pair = Pair::new(Permissions::READ, Permissions::ALL);
pub const WRITER: Pair = Pair::new(Permissions::READ.union(Permissions::WRITE), Permissions::ALL);

/// A small generator of numbers (xorshift), the same on every machine.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        if bound == 0 { 0 } else { (self.0 >> 33) as usize % bound }
    }

    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// What a hook does besides accepting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behaviour {
    Accept,
    RefuseCheck,
    RefusePrepare,
    RefuseFlush,
    RefuseRename,
    RefuseContext,
    RefuseInactivate,
    RefuseActivate,
    PanicInCheck,
    PanicInSet,
    PanicInQuiesce,
    PanicInResume,
}

/// A preset that may refuse, and that knows what it was granted and what is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Injected {
    pub preset: Preset,
    pub behaviour: Behaviour,
    pub granted: Option<Grant>,
    pub open_checks: u32,
    pub open_prepares: u32,
    pub open_renames: u32,
    /// Of `inactivate` and `activate`.
    pub open_shifts: u32,
    /// Whether the driver was last told that it is inactive.
    pub inactive: Option<bool>,
    /// `post_commit`s due.
    pub open_posts: u32,
    pub open_contexts: u32,
    /// Where the driver was last told to be.
    pub context: ContextId,
    /// Told to be quiet, and not yet to go on.
    pub quiet: bool,
    /// How often it was told to be quiet.
    pub pauses: u32,
    /// The name that the driver was last asked to store, until it is told.
    pub renaming: Option<Arc<str>>,
    /// The name that the driver was last told to store.
    pub stored: Option<Arc<str>>,
}

impl Injected {
    pub fn new(preset: impl Into<Preset>, behaviour: Behaviour) -> Self {
        let (granted, stored) = (None, None);
        let (open_checks, open_prepares, open_renames, open_shifts, open_posts) = (0, 0, 0, 0, 0);
        let (quiet, pauses, open_contexts, context) = (false, 0, 0, ContextId::MAIN);
        let (preset, inactive) = (preset.into(), None);
        Self {
            preset,
            behaviour,
            granted,
            open_checks,
            open_prepares,
            open_renames,
            open_shifts,
            inactive,
            open_posts,
            open_contexts,
            context,
            quiet,
            pauses,
            renaming: None,
            stored,
        }
    }

    pub fn no_permission() -> Self {
        Self::new(NoPermission, Behaviour::Accept)
    }

    pub fn random(rng: &mut Rng) -> Self {
        let behaviour = match rng.below(28) {
            0 | 1 => Behaviour::RefuseCheck,
            2 => Behaviour::RefusePrepare,
            3 => Behaviour::RefuseFlush,
            4 => Behaviour::RefuseRename,
            5 => Behaviour::RefuseInactivate,
            6 => Behaviour::RefuseActivate,
            7 => Behaviour::RefuseContext,
            _ => Behaviour::Accept,
        };
        Self::new(Self::random_preset(rng), behaviour)
    }

    fn random_preset(rng: &mut Rng) -> Preset {
        match rng.below(24) {
            0 => Protocol.into(),
            1 => Filter.into(),
            2 => BackingFilter.into(),
            3 => ExclusiveWriter.into(),
            4 => NoPermission.into(),
            5 => WriteToSelected { selected: Some("x".into()) }.into(),
            6 => Blkdebug::default().into(),
            7..9 => Quorum { rewrite: rng.coin() }.into(),
            9 => Raw.into(),
            10 => CopyOnRead.into(),
            11 => CopyBeforeWrite.into(),
            12 => SnapshotAccess.into(),
            13 => Preallocate.into(),
            14 => CommitTop.into(),
            15 => MirrorTop::default().into(),
            16 => Blkverify.into(),
            17 => Replication.into(),
            18 => Vvfat.into(),
            19 => File { unaligned: rng.coin() }.into(),
            _ => Format.into(),
        }
    }

    /// Nothing is open: every success was followed by what it must be followed by.
    pub fn is_settled(&self) -> bool {
        let told = [self.open_checks, self.open_prepares, self.open_renames, self.open_shifts, self.open_contexts];
        (told, self.open_posts) == ([0; 5], 0)
    }
}

impl Policy for Injected {
    fn name(&self) -> &str {
        self.preset.name()
    }

    fn filter_slot(&self) -> Option<Slot> {
        self.preset.filter_slot()
    }

    fn supports_backing(&self) -> bool {
        self.preset.supports_backing()
    }

    fn takes_children(&self) -> bool {
        self.preset.takes_children()
    }

    fn children_replaceable(&self) -> bool {
        self.preset.children_replaceable()
    }

    fn takes_filtered(&self) -> bool {
        self.preset.takes_filtered()
    }

    fn live_children(&self) -> bool {
        self.preset.live_children()
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        self.preset.child_pair(context)
    }
}

impl Driver for Injected {
    fn flush(&mut self, _: &NodeView<'_>) -> Result<(), Refusal> {
        assert_eq!(self.open_prepares, 0, "flushed before anything is prepared");
        if self.behaviour == Behaviour::RefuseFlush { Err(Refusal::new("flush refused")) } else { Ok(()) }
    }

    fn rename(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        if self.behaviour == Behaviour::RefuseRename {
            return Err(Refusal::new("rename refused"));
        }
        self.open_renames += 1;
        self.renaming = view.stored_backing().cloned();
        Ok(())
    }

    fn commit_rename(&mut self, view: &NodeView<'_>) {
        assert_eq!((self.open_checks, self.open_shifts), (0, 0), "checks and activity are set before");
        self.open_renames -= 1;
        self.stored = self.renaming.take();
        assert_eq!(self.stored.as_ref(), view.stored_backing(), "it was asked for the name to come");
    }

    fn abort_rename(&mut self, _: &NodeView<'_>) {
        self.open_renames -= 1;
        self.renaming = None;
    }

    fn post_commit(&mut self, _: &NodeView<'_>) {
        assert_eq!(self.open_prepares, 0, "committed before");
        self.open_posts -= 1;
    }

    fn prepare(&mut self, _: &NodeView<'_>, _: bool) -> Result<(), Refusal> {
        if self.behaviour == Behaviour::RefusePrepare {
            return Err(Refusal::new("prepare refused"));
        }
        self.open_prepares += 1;
        Ok(())
    }

    fn commit_prepare(&mut self, _: &NodeView<'_>, _: bool) {
        assert_eq!((self.open_checks, self.open_renames), (0, 0), "checks and renames are committed before");
        self.open_prepares -= 1;
        self.open_posts += 1;
    }

    fn abort_prepare(&mut self, _: &NodeView<'_>, _: bool) {
        self.open_prepares -= 1;
    }

    fn inactivate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        assert!(view.inactive() && self.inactive != Some(true), "the view shows the state to come");
        assert_eq!(self.open_checks, 0, "asked before its check");
        if self.behaviour == Behaviour::RefuseInactivate {
            return Err(Refusal::new("inactivate refused"));
        }
        self.open_shifts += 1;
        Ok(())
    }

    fn commit_inactivate(&mut self, view: &NodeView<'_>) {
        assert!(view.inactive() && self.open_checks == 0, "checks are set before");
        self.open_shifts -= 1;
        self.inactive = Some(true);
    }

    fn abort_inactivate(&mut self, _: &NodeView<'_>) {
        self.open_shifts -= 1;
    }

    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        assert!(!view.inactive() && self.inactive != Some(false), "the view shows the state to come");
        if self.behaviour == Behaviour::RefuseActivate {
            return Err(Refusal::new("activate refused"));
        }
        self.open_shifts += 1;
        Ok(())
    }

    fn commit_activate(&mut self, view: &NodeView<'_>) {
        assert!(!view.inactive() && self.open_checks == 0, "checks are set before");
        self.open_shifts -= 1;
        self.inactive = Some(false);
    }

    fn abort_activate(&mut self, _: &NodeView<'_>) {
        self.open_shifts -= 1;
    }

    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        assert_eq!((view.pair(), view.writable()), (new.pair, new.writable), "the view shows the state to come");
        match self.behaviour {
            Behaviour::RefuseCheck => return Err(Refusal::new("check refused")),
            Behaviour::PanicInCheck => panic!("check panics"),
            _ => self.preset.check_permissions(view, new)?,
        }
        self.open_checks += 1;
        Ok(())
    }

    fn set_permissions(&mut self, _: &NodeView<'_>, new: Grant) {
        assert!(self.behaviour != Behaviour::PanicInSet, "set panics");
        self.open_checks -= 1;
        self.granted = Some(new);
    }

    fn abort_permissions(&mut self, _: &NodeView<'_>, _: Grant) {
        self.open_checks -= 1;
    }

    fn change_context(&mut self, view: &NodeView<'_>, to: ContextId) -> Result<(), Refusal> {
        assert_eq!(view.context(), to, "the view shows the context to come");
        assert_eq!((self.open_contexts, self.open_checks), (0, 0), "once, and before the checks");
        if self.behaviour == Behaviour::RefuseContext {
            return Err(Refusal::new("context refused"));
        }
        self.open_contexts += 1;
        Ok(())
    }

    fn commit_context(&mut self, _: &NodeView<'_>, to: ContextId) {
        assert!(self.quiet, "contexts change while all is quiet");
        assert_eq!(self.open_checks, 0, "checks are set before");
        self.open_contexts -= 1;
        self.context = to;
    }

    fn abort_context(&mut self, _: &NodeView<'_>, _: ContextId) {
        self.open_contexts -= 1;
    }

    fn quiesce(&mut self, _: &NodeView<'_>) {
        assert!(!self.quiet, "told twice");
        (self.quiet, self.pauses) = (true, self.pauses + 1);
        assert!(self.behaviour != Behaviour::PanicInQuiesce, "quiesce panics");
    }

    fn resume(&mut self, view: &NodeView<'_>) {
        assert!(self.quiet && !view.is_quiesced() && self.is_settled(), "after all else, and once");
        assert!(self.behaviour != Behaviour::PanicInResume, "resume panics");
        self.quiet = false;
    }

    fn close(&mut self, _: &str) {
        assert!(self.is_settled(), "closed with something open");
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        self.preset.set_option(option)
    }

    fn default_option(&self) -> Option<DriverOption> {
        self.preset.default_option()
    }
}

pub fn add(graph: &mut Graph<Injected>, name: &str, preset: impl Into<Preset>) -> NodeKey {
    graph.add(NodeSpec::new(name), Injected::new(preset, Behaviour::Accept)).unwrap()
}

/// `n0` at the bottom, filters above, a user `u` that reads on top.
pub fn chain(length: usize) -> (Graph<Injected>, Vec<NodeKey>) {
    let mut graph = Graph::new();
    let mut nodes = vec![add(&mut graph, "n0", Protocol)];
    for i in 1..length {
        let node = add(&mut graph, &format!("n{i}"), Filter);
        graph.attach(node, nodes[i - 1], "file", Role::FILTER).unwrap();
        nodes.push(node);
    }
    graph.attach_user("u", nodes[length - 1], READER, false).unwrap();
    (graph, nodes)
}

pub fn behave(graph: &mut Graph<Injected>, node: NodeKey, behaviour: Behaviour) {
    graph.driver_mut(node).unwrap().behaviour = behaviour;
}

/// A step that must fail, in the midst of a transaction: it leaves no trace, there nor afterwards.
pub fn refused(
    graph: &mut Graph<Injected>,
    step: impl FnOnce(&mut Transaction<'_, Injected>) -> Result<(), Error>,
) -> ErrorKind {
    let before = graph.save();
    let mut t = graph.transaction();
    t.add(NodeSpec::new("bystander"), Injected::no_permission()).unwrap();
    let between = t.save();
    let error = step(&mut t).unwrap_err();
    assert_eq!((error.step(), t.save()), (Some(1), between), "{error}");
    drop(t);
    assert_eq!((graph.save(), graph.inconsistencies()), (before, vec![]), "{error}");
    assert!(!error.to_string().is_empty());
    error.into_kind()
}

/// A step that must fail with this kind of error; its text.
#[macro_export]
macro_rules! refused {
    ($graph:expr, $kind:ident, $t:ident => $step:expr) => {{
        let kind = common::refused(&mut $graph, |$t| $step.map(drop));
        assert!(matches!(kind, blockgraph::ErrorKind::$kind { .. }), "{}: {kind:?}", stringify!($kind));
        blockgraph::Error::from(kind).to_string()
    }};
}

/// Returns the parents of a node, in list order.
pub fn parents(graph: &Graph<Injected>, node: NodeKey) -> Vec<String> {
    let upper = |edge| match graph.edge(edge).unwrap().parent() {
        Parent::Node(node) => graph.get(node).unwrap().name().to_string(),
        Parent::User(user) => graph.user_view(user).unwrap().name().to_string(),
    };
    graph.get(node).unwrap().parents().map(upper).collect()
}
