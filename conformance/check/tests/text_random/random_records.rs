//! Scenarios and their parts, drawn from the tables.

use blockgraph_model::op::Flags;
use blockgraph_model::{
    Act, ChildName, Context, EdgeId, Hook, Kind, NodeId, Op, OpKind, OpKinds, Perms, Phase, Refusal, Role, Slot, UserId,
};
use blockgraph_story::text::Names;
use blockgraph_story::text::columns::Declared;
use blockgraph_story::text::entries::ENTRIES;
use blockgraph_story::text::grammar::{ANSWERS, GRAPH_LINES, OPS};
use blockgraph_story::text::scenario::{Body, Item, Scenario, Step};
use blockgraph_story::text::schema::{Column, Recorded, Schema};
use blockgraph_story::text::value::{Record, Type, Value};
use quickcheck::{Arbitrary, Gen};

const NODES: u8 = 5;
const USERS: u8 = 3;
const CHILDREN: u8 = 5;

/// A scenario of operations drawn from the tables, sense or nonsense.
#[derive(Clone, Debug)]
pub struct Any(pub Scenario);

pub fn below(g: &mut Gen, limit: u8) -> u8 {
    u8::arbitrary(g) % limit
}

fn node(g: &mut Gen) -> NodeId {
    NodeId(below(g, NODES))
}

fn user(g: &mut Gen) -> UserId {
    let user = UserId(below(g, USERS).into());
    if below(g, 4) == 0 { user.further(1 + below(g, 9)) } else { user }
}

fn child(g: &mut Gen) -> ChildName {
    ChildName(below(g, CHILDREN))
}

fn edge(g: &mut Gen) -> EdgeId {
    if bool::arbitrary(g) { EdgeId::User(user(g)) } else { EdgeId::Child(node(g), child(g)) }
}

pub fn list<T>(g: &mut Gen, one: impl Fn(&mut Gen) -> T) -> Vec<T> {
    (0..below(g, 4)).map(|_| one(g)).collect()
}

fn set<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list.dedup();
    list
}

fn maybe<T>(g: &mut Gen, one: impl Fn(&mut Gen) -> T) -> Option<T> {
    bool::arbitrary(g).then(|| one(g))
}

pub fn value(g: &mut Gen, ty: Type) -> Value {
    match ty {
        Type::Node | Type::NewNode => Value::Node(node(g)),
        Type::MaybeNode => Value::MaybeNode(maybe(g, node)),
        Type::User | Type::NewUser => Value::User(user(g)),
        Type::Child => Value::Child(child(g)),
        Type::MaybeChild => Value::MaybeChild(maybe(g, child)),
        Type::Perms => Value::Perms(Perms(below(g, 32))),
        Type::Role => Value::Role(Role(below(g, 32))),
        Type::Kind => Value::Kind(*g.choose(&Kind::EVERY).unwrap()),
        Type::Flags => Value::Flags(Flags {
            read_only: bool::arbitrary(g),
            force_share: bool::arbitrary(g),
            no_io: bool::arbitrary(g),
            never_freeze: bool::arbitrary(g),
            implicit: bool::arbitrary(g),
            inactive: bool::arbitrary(g),
        }),
        Type::Switch => Value::Switch(bool::arbitrary(g)),
        Type::Hook => Value::Hook(hook(g)),
        Type::Slot => Value::Slot(if bool::arbitrary(g) { Slot::File } else { Slot::Backing }),
        Type::Edge => Value::Edge(edge(g)),
        Type::Number => Value::Number(u32::arbitrary(g)),
        Type::Context => Value::Context(context(g)),
        Type::Phase => Value::Phase(*g.choose(&Phase::EVERY).unwrap()),
        Type::Act => Value::Act(*g.choose(&Act::EVERY).unwrap()),
        Type::Moves => Value::Moves(set(list(g, |g| (node(g), context(g))))),
        Type::Nodes => Value::Nodes(list(g, node)),
        Type::NodeSet => Value::Nodes(set(list(g, node))),
        Type::UserSet => Value::Users(set(list(g, user))),
        Type::Edges => Value::Edges(list(g, edge)),
        Type::Children => Value::Children(list(g, child)),
        Type::OpKind => Value::OpKind(OpKind(below(g, 16))),
        Type::OpKinds => Value::OpKinds(OpKinds(if below(g, 4) == 0 { u16::MAX } else { u16::arbitrary(g) })),
        Type::Nothing => Value::Nothing,
        Type::Entries => Value::Records(entries(g)),
    }
}

fn hook(g: &mut Gen) -> Hook {
    const HOOKS: [Hook; 7] =
        [Hook::Flush, Hook::Prepare, Hook::Rename, Hook::Inactivate, Hook::Context, Hook::Check, Hook::Activate];
    *g.choose(&HOOKS).unwrap()
}

fn context(g: &mut Gen) -> Context {
    Context(u8::arbitrary(g))
}

/// One to four entries of a reopen.
fn entries(g: &mut Gen) -> Vec<Record> {
    let good = |g: &mut Gen| loop {
        let record = record(g, &ENTRIES.schema);
        // Options that do not go together are no entry.
        if (ENTRIES.fault)(&record).is_none() {
            return record;
        }
    };
    (0..=below(g, 4)).map(|_| good(g)).collect()
}

pub fn record(g: &mut Gen, schema: &Schema) -> Record {
    let mut fields = Vec::new();
    for Column { key, ty, required, .. } in &schema.columns {
        if *required || bool::arbitrary(g) {
            fields.push((*key, value(g, *ty)));
        }
    }
    Record { verb: schema.verb, fields }
}

pub fn op(g: &mut Gen) -> Op {
    let schema = g.choose(&OPS).unwrap().clone();
    one(g, &schema)
}

/// Something that has this schema.
pub fn one<T: Recorded>(g: &mut Gen, schema: &Schema) -> T {
    loop {
        // Options that do not go together are none.
        if let Ok(one) = T::from_record(&record(g, schema)) {
            return one;
        }
    }
}

fn step(g: &mut Gen) -> Step {
    let body = if below(g, 4) == 0 { Body::Transaction(list(g, op)) } else { Body::Single(op(g)) };
    let takes =
        |op: &Op| matches!(op, Op::Add { .. } | Op::Insert { .. } | Op::OpenChild { .. } | Op::AttachUser { .. });
    let answers: Vec<_> = ANSWERS.iter().filter(|schema| schema.verb != "ok").cloned().collect();
    let expect = if body.ops().iter().any(takes) {
        // Else it may be a duplicate name, which is no scenario.
        Some(g.choose(&answers).unwrap().clone())
    } else {
        maybe(g, |g| g.choose(&ANSWERS).unwrap().clone())
    };
    Step {
        refusals: list(g, |g| Refusal { node: node(g), hook: hook(g) }),
        body,
        expect: expect.map(|schema| record(g, &schema)),
        graph: list(g, |g| g.choose(&GRAPH_LINES).unwrap().clone()).iter().map(|schema| record(g, schema)).collect(),
    }
}

/// Steps with the names that are drawn.
pub fn scenario(steps: impl IntoIterator<Item = Step>) -> Scenario {
    let mut names = Names::default();
    let mut items = Vec::new();
    for i in 0..NODES {
        items.push(Item::Name(Declared::Node(names.define_node(&format!("#node.{i}-x")).unwrap())));
    }
    for i in 0..USERS {
        items.push(Item::Name(Declared::User(names.define_user(&format!("user_{i}")).unwrap())));
    }
    for i in 2..CHILDREN {
        items.push(Item::Name(Declared::Child(names.define_child(&format!("children.{i}")).unwrap())));
    }
    items.extend(steps.into_iter().map(Item::Step));
    Scenario { names, items }
}

impl Arbitrary for Any {
    fn arbitrary(g: &mut Gen) -> Any {
        let first = step(g);
        Any(scenario([first].into_iter().chain(list(g, step))))
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Any>> {
        let Any(whole) = self.clone();
        let steps = |s: &Scenario| s.steps().count();
        let without = move |i: usize| {
            let mut less = whole.clone();
            less.items.remove(i);
            Any(less)
        };
        let all = self.0.items.len();
        let last = all - steps(&self.0);
        Box::new((last..all).filter(move |_| all - last > 1).map(without))
    }
}
