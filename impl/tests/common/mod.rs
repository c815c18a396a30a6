//! What the integration tests share: a generator of numbers, drivers that refuse, panic and keep a diary, and graphs.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests use this")]

use blockgraph::drivers::{
    BackingFilter, Blkdebug, ExclusiveWriter, Filter, Format, NoPermission, Protocol, Quorum, WriteToSelected,
};
use blockgraph::{
    ChildContext, Driver, DriverOption, Grant, Graph, NodeKey, NodeSpec, NodeView, Pair, Permissions, Policy, Preset,
    Refusal, Role, Slot, UnsupportedOption,
};

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
    PanicInCheck,
    PanicInSet,
}

/// A preset that may refuse, and that knows what it was granted and what is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Injected {
    pub preset: Preset,
    pub behaviour: Behaviour,
    pub granted: Option<Grant>,
    pub open_checks: u32,
    pub open_prepares: u32,
}

impl Injected {
    pub fn new(preset: impl Into<Preset>, behaviour: Behaviour) -> Self {
        Self { preset: preset.into(), behaviour, granted: None, open_checks: 0, open_prepares: 0 }
    }

    pub fn no_permission() -> Self {
        Self::new(NoPermission, Behaviour::Accept)
    }

    pub fn random(rng: &mut Rng) -> Self {
        let behaviour = match rng.below(12) {
            0 => Behaviour::RefuseCheck,
            1 => Behaviour::RefusePrepare,
            _ => Behaviour::Accept,
        };
        let preset: Preset = match rng.below(9) {
            0 => Protocol.into(),
            1 => Filter.into(),
            2 => BackingFilter.into(),
            3 => ExclusiveWriter.into(),
            4 => NoPermission.into(),
            5 => WriteToSelected { selected: Some("x".into()) }.into(),
            6 => Blkdebug::default().into(),
            7 => Quorum { rewrite: rng.coin() }.into(),
            _ => Format.into(),
        };
        Self::new(preset, behaviour)
    }
}

impl Policy for Injected {
    fn name(&self) -> &str {
        self.preset.name()
    }

    fn slot(&self) -> Option<Slot> {
        self.preset.slot()
    }

    fn supports_backing(&self) -> bool {
        self.preset.supports_backing()
    }

    fn takes_children(&self) -> bool {
        self.preset.takes_children()
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        self.preset.child_pair(context)
    }
}

impl Driver for Injected {
    fn prepare(&mut self, _: &NodeView<'_>, _: bool) -> Result<(), Refusal> {
        if self.behaviour == Behaviour::RefusePrepare {
            return Err(Refusal::new("prepare refused"));
        }
        self.open_prepares += 1;
        Ok(())
    }

    fn commit_prepare(&mut self, _: &NodeView<'_>, _: bool) {
        self.open_prepares -= 1;
    }

    fn abort_prepare(&mut self, _: &NodeView<'_>, _: bool) {
        self.open_prepares -= 1;
    }

    fn check(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        assert_eq!((view.pair(), view.writable()), (new.pair, new.writable), "the view shows the state to come");
        match self.behaviour {
            Behaviour::RefuseCheck => return Err(Refusal::new("check refused")),
            Behaviour::PanicInCheck => panic!("check panics"),
            _ => self.open_checks += 1,
        }
        Ok(())
    }

    fn set(&mut self, _: &NodeView<'_>, new: Grant) {
        assert!(self.behaviour != Behaviour::PanicInSet, "set panics");
        self.open_checks -= 1;
        self.granted = Some(new);
    }

    fn abort(&mut self, _: &NodeView<'_>, _: Grant) {
        self.open_checks -= 1;
    }

    fn close(&mut self, _: &str) {
        assert_eq!((self.open_checks, self.open_prepares), (0, 0), "closed with something open");
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        self.preset.set_option(option)
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
