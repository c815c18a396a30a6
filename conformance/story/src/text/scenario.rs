//! The content of a scenario file, in either form.

use crate::text::columns::Declared;
use crate::text::grammar::Directive;
use crate::text::names::{LIMIT, Names};
use crate::text::schema::{Place, Problem, Recorded};
use crate::text::value::{Record, Value};
use blockgraph_model::{NodeId, Op, Refusal, UserId};

/// A story: operations in order, with expected results.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scenario {
    /// The names as strings.
    pub names: Names,
    /// The lines.
    pub items: Vec<Item>,
}

/// One item of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// T4: a name that is known from here on.
    Name(Declared),
    /// An operation or a transaction.
    Step(Step),
}

/// An operation or a transaction, with its expectations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// T13: the refusals injected into it.
    pub refusals: Vec<Refusal>,
    /// The operations.
    pub body: Body,
    /// T14: the expected answer, possibly only parts of it. `None` expects nothing.
    pub expect: Option<Record>,
    /// T15: the expected graph after the step.
    pub graph: Vec<Record>,
}

/// The operations of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// One operation.
    Single(Op),
    /// Several operations, checked once (O19).
    Transaction(Vec<Op>),
}

impl Body {
    /// The operations in order.
    pub fn ops(&self) -> &[Op] {
        match self {
            Body::Single(op) => std::slice::from_ref(op),
            Body::Transaction(ops) => ops,
        }
    }
}

impl Scenario {
    /// Makes a scenario of generated operations with generated names. Each inner list is one transaction.
    pub fn of_ops<'a>(steps: impl IntoIterator<Item = &'a [Op]>) -> Scenario {
        let mut items = Vec::new();
        let mut known = Vec::new();
        for ops in steps {
            for declared in ops.iter().flat_map(mentioned) {
                if !known.contains(&declared) {
                    known.push(declared);
                    items.push(Item::Name(declared));
                }
            }
            let body = match ops {
                [op] => Body::Single(*op),
                _ => Body::Transaction(ops.to_vec()),
            };
            items.push(Item::Step(Step { refusals: Vec::new(), body, expect: None, graph: Vec::new() }));
        }
        Scenario { names: Names::numbered(), items }
    }

    /// Iterates over the steps, without the names.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.items.iter().filter_map(|item| match item {
            Item::Step(step) => Some(step),
            Item::Name(_) => None,
        })
    }
}

/// Returns the nodes and users that an operation names.
pub fn mentioned(op: &Op) -> Vec<Declared> {
    fn enter(record: &Record, found: &mut Vec<Declared>) {
        for (_, value) in &record.fields {
            match value {
                Value::Node(id) | Value::MaybeNode(Some(id)) => found.push(Declared::Node(*id)),
                Value::User(id) => found.push(Declared::User(*id)),
                Value::Records(members) => members.iter().for_each(|member| enter(member, found)),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    enter(&op.to_record(), &mut found);
    found
}

/// Converts a refusal to a line.
impl From<Refusal> for Directive {
    fn from(Refusal { node, hook }: Refusal) -> Directive {
        Directive::Refuse { node, hook }
    }
}

/// T12: the names that are certainly in use. A second line that takes one of them can only be a mistake.
#[derive(Clone, Debug, Default)]
pub(super) struct NamesInUse {
    nodes: Vec<NodeId>,
    users: Vec<UserId>,
}

impl NamesInUse {
    /// Updates the names for one step. `places` are the places of the names that the operations take.
    pub(super) fn update(&mut self, step: &Step, places: &[Place], names: &Names) -> Result<(), Problem> {
        let ok = step.expect.as_ref().map(|answer| answer.verb == "ok");
        let before = self.clone();
        for (i, op) in step.body.ops().iter().enumerate() {
            let taken = match *op {
                Op::Add { node, .. } | Op::Insert { new: node, .. } => {
                    insert(&mut self.nodes, node).then(|| format!("node `{}`", names.node(node)))
                }
                // The node has no holder, so it is only certain that the name was free.
                Op::OpenChild { node, .. } => {
                    self.nodes.contains(&node).then(|| format!("node `{}`", names.node(node)))
                }
                Op::Hold { node } => {
                    insert(&mut self.nodes, node);
                    None
                }
                Op::AttachUser { user, .. } => {
                    insert(&mut self.users, user).then(|| format!("user `{}`", names.user(user)))
                }
                Op::Release { node } | Op::Delete { node } | Op::DropFilter { filter: node } => {
                    self.nodes.retain(|&known| known != node);
                    None
                }
                Op::DetachUser { user } => {
                    self.users.retain(|&known| known != user);
                    None
                }
                _ => None,
            };
            if let (Some(what), true) = (taken, ok != Some(false)) {
                let message = format!("duplicate name: {what} is in use already (if that is meant, expect an error)");
                return Err(Problem::new(places.get(i).copied().unwrap_or_default(), message));
            }
        }
        if !(ok == Some(true) || ok.is_none() && cannot_fail(step)) {
            // The step may have failed. So a name is certainly in use only if it was so before and this step did not
            // release it.
            self.nodes.retain(|id| before.nodes.contains(id));
            self.users.retain(|id| before.users.contains(id));
        }
        Ok(())
    }
}

/// Enters a name. Returns whether it was already present.
fn insert<T: PartialEq>(list: &mut Vec<T>, id: T) -> bool {
    let present = list.contains(&id);
    if !present {
        list.push(id);
    }
    present
}

/// Returns whether this is an `add` of a valid node without refusals. Afterwards the name is in use, whatever was
/// before.
fn cannot_fail(step: &Step) -> bool {
    match step.body {
        Body::Single(Op::Add { spec, .. }) => {
            let shares = spec.flags.read_only || !spec.flags.force_share;
            let may_hide = spec.kind.filter_slot().is_some() || !spec.flags.implicit;
            step.refusals.is_empty() && shares && may_hide && spec.opt.suits(spec.kind)
        }
        _ => false,
    }
}

/// The highest number of callers, sections and drain-alls that the model can count.
pub const MOST_HOLDERS: u32 = u16::MAX as u32;

/// The highest number of edges in the model.
pub const MOST_EDGES: usize = 512;

/// The highest number of nodes in the model.
pub const MOST_NODES: usize = LIMIT;
