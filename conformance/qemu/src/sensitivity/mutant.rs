//! Executes one turn on a machine of the museum, in a graph that is larger than the machine's.
//!
//! The machines have room for few names. A turn affects only the parts of the graph to which its names belong. These
//! parts are cut out, the machine takes its step there, and the result is put back.

use blockgraph_model::judge::violations;
use blockgraph_model::machine::Machine;
use blockgraph_model::machines::flawed::Flawed;
use blockgraph_model::machines::museum::{Exhibit, rooms};
use blockgraph_model::machines::{Defect, EndKind, StepReport, Trial};
use blockgraph_model::menu::{Action, Facet, Small};
use blockgraph_model::op::Entry;
use blockgraph_model::{
    Below, ChildName, Edge, EdgeId, Inherits, NodeId, Op, Outcome, Pair, Parent, Queue, Role, State, UserId, execute,
};
use blockgraph_story::panics::catch_panic;
use blockgraph_story::text::columns::Declared;
use blockgraph_story::text::scenario::mentioned;
use blockgraph_story::turn::Turn;
use std::collections::BTreeSet;

/// The number of names that a machine has room for.
const ROOM: usize = 6;
/// The number of edges that a machine has room for.
const EDGES: usize = 10;

/// How a machine ends a turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended<const N: usize, const E: usize> {
    /// Whether it accepts, refuses, or does not end.
    pub how: EndKind,
    /// The graph that it leaves; `None` if that is not a graph.
    pub state: Option<Box<State<N, E>>>,
    /// The pairs of edges that are not those of the rule.
    pub pairs: Vec<(EdgeId, Pair)>,
    /// The defects that show.
    pub defects: Vec<Defect>,
}

/// A machine.
#[derive(Clone, Debug)]
pub enum Mutant {
    /// The model's own step with one defect put in.
    Flawed(Flawed, Box<Facet>),
    /// A historical algorithm with all its defects.
    Trial(Trial),
}

/// Returns the machines of the museum that take a step alone, each once. The machines that poll need another operation
/// meanwhile.
pub fn mutants() -> Vec<Mutant> {
    let mut all: Vec<Mutant> = Vec::new();
    for room in rooms() {
        let known = |trial: Trial| all.iter().any(|m| matches!(m, Mutant::Trial(other) if *other == trial));
        match room.machine {
            Exhibit::Flawed(machine) => all.push(Mutant::Flawed(machine, Box::new(room.facet))),
            Exhibit::Trial(trial) if !room.defects.is_empty() && !known(trial) => all.push(Mutant::Trial(trial)),
            _ => {}
        }
    }
    all
}

/// Returns whether the part of the graph that these operations affect is small enough for the machines.
pub fn has_room<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op]) -> bool {
    Subgraph::of(state, ops).is_some_and(|part| {
        let turn = Turn { ops: part.ops(ops), refusals: Vec::new() };
        part.cut(state).is_some_and(|small| turn.fits(&small))
    })
}

/// A part of a graph that no edge leaves.
struct Subgraph {
    names: Vec<NodeId>,
}

impl Subgraph {
    /// Returns the part to which the names of these operations belong, or `None` if it is too large.
    fn of<const N: usize, const E: usize>(state: &State<N, E>, ops: &[Op]) -> Option<Subgraph> {
        let (mut nodes, mut users) = (BTreeSet::new(), BTreeSet::<UserId>::new());
        for name in ops.iter().flat_map(mentioned) {
            match name {
                Declared::Node(node) => _ = nodes.insert(node),
                Declared::User(user) => _ = users.insert(user.main()),
                _ => {}
            }
        }
        loop {
            let before = (nodes.len(), users.len());
            for edge in state.edges() {
                let (own, above) = match edge.parent {
                    Parent::Node(parent) => (nodes.contains(&parent), Some(parent)),
                    Parent::User(user) => (users.contains(&user.main()), None),
                };
                if own || nodes.contains(&edge.child) {
                    nodes.insert(edge.child);
                    nodes.extend(above);
                    if let Parent::User(user) = edge.parent {
                        users.insert(user.main());
                    }
                }
            }
            for id in state.names() {
                let node = &state.nodes[usize::from(id.0)];
                let others = [node.inherits.map(|i| i.from), node.stored];
                if nodes.contains(&id) || node.inherits.is_some_and(|i| nodes.contains(&i.from)) {
                    nodes.insert(id);
                    nodes.extend(others.into_iter().flatten());
                }
            }
            if before == (nodes.len(), users.len()) {
                break;
            }
        }
        (nodes.len() <= ROOM).then(|| Subgraph { names: nodes.into_iter().collect() })
    }

    fn inner(&self, node: NodeId) -> NodeId {
        NodeId(self.names.iter().position(|name| *name == node).unwrap_or(0) as u8)
    }

    fn outer(&self, node: NodeId) -> NodeId {
        self.names.get(usize::from(node.0)).copied().unwrap_or(node)
    }

    fn ops(&self, ops: &[Op]) -> Vec<Op> {
        ops.iter().map(|op| op.renamed(|node| self.inner(node), |user| user)).collect()
    }

    /// Returns the part as a graph of its own, or `None` if it has too many edges.
    fn cut<const N: usize, const E: usize>(&self, state: &State<N, E>) -> Option<Small> {
        let mut small = Small::default();
        for (place, name) in self.names.iter().enumerate() {
            small.nodes[place] = renamed(state.nodes[usize::from(name.0)], |node| self.inner(node));
        }
        let edges: Vec<Edge> = state
            .edges()
            .iter()
            .filter(|edge| self.names.contains(&edge.child))
            .map(|edge| moved(*edge, |node| self.inner(node)))
            .collect();
        (edges.len() <= EDGES).then(|| Small::rebuild(small.nodes, state.drain_alls, edges.into_iter()))
    }

    /// Returns the whole graph with this part replaced, or `None` if there is no room for all edges.
    fn paste<const N: usize, const E: usize>(&self, state: &State<N, E>, part: &Small) -> Option<Box<State<N, E>>> {
        let mut nodes = state.nodes;
        for (place, name) in self.names.iter().enumerate() {
            nodes[usize::from(name.0)] = renamed(part.nodes[place], |node| self.outer(node));
        }
        let others = state.edges().iter().filter(|edge| !self.names.contains(&edge.child)).copied();
        let own = part.edges().iter().map(|edge| moved(*edge, |node| self.outer(node)));
        let edges: Vec<Edge> = others.chain(own).collect();
        (edges.len() <= E).then(|| Box::new(State::rebuild(nodes, part.drain_alls, edges.into_iter())))
    }
}

fn renamed(node: blockgraph_model::Node, name: impl Fn(NodeId) -> NodeId) -> blockgraph_model::Node {
    let inherits = node.inherits.map(|i| Inherits { from: name(i.from), ..i });
    blockgraph_model::Node { inherits, stored: node.stored.map(&name), ..node }
}

fn moved(edge: Edge, name: impl Fn(NodeId) -> NodeId) -> Edge {
    let parent = match edge.parent {
        Parent::Node(parent) => Parent::Node(name(parent)),
        user @ Parent::User(_) => user,
    };
    Edge { parent, child: name(edge.child), ..edge }
}

impl Mutant {
    /// Executes a turn. Returns how it ends if it shows a defect; `None` if the machine does what is right or has no
    /// room.
    pub fn take<const N: usize, const E: usize>(&self, state: &State<N, E>, ops: &[Op]) -> Option<Ended<N, E>> {
        let part = Subgraph::of(state, ops)?;
        let (small, inner) = (part.cut(state)?, part.ops(ops));
        if !(Turn { ops: inner.clone(), refusals: Vec::new() }).fits(&small) {
            return None;
        }
        let Ended { how, state: left, pairs, defects } = self.shown(&small, &inner)?;
        let outer = |id| match id {
            EdgeId::Child(parent, name) => EdgeId::Child(part.outer(parent), name),
            user @ EdgeId::User(_) => user,
        };
        Some(Ended {
            how,
            state: left.and_then(|left| part.paste(state, &left)),
            pairs: pairs.into_iter().map(|(id, pair)| (outer(id), pair)).collect(),
            defects,
        })
    }

    /// Executes the turn as it is, or in other operations with the same effect.
    fn shown(&self, state: &Small, ops: &[Op]) -> Option<Ended<ROOM, EDGES>> {
        let right = execute(state, ops, &[]);
        std::iter::once(ops.to_vec())
            .chain(spellings(state, ops))
            .filter(|spelled| same(&one_by_one(state, spelled), &right))
            .find_map(|spelled| match catch_panic(|| self.sequence(state, &spelled)) {
                Ok(ended) => Some(ended).filter(|ended| !ended.defects.is_empty()),
                Err(_) => self.single_defect().map(|defect| Ended {
                    how: EndKind::Died,
                    defects: vec![defect],
                    ..refused(state)
                }),
            })
    }

    /// Returns the defect of a machine that has only one.
    pub fn single_defect(&self) -> Option<Defect> {
        match self {
            Mutant::Flawed(machine, _) => Some(machine.0),
            Mutant::Trial(_) => None,
        }
    }

    /// Executes the operations one after another. If one of them is refused, none of them takes effect.
    fn sequence(&self, state: &Small, ops: &[Op]) -> Ended<ROOM, EDGES> {
        let (mut at, mut all) = (*state, Vec::new());
        for (place, op) in ops.iter().enumerate() {
            let mut ended = self.single(&at, op);
            all.append(&mut ended.defects);
            match (ended.how, &ended.state) {
                // The machines start from a right state.
                (EndKind::Accepted, Some(next)) if place + 1 < ops.len() && violations(next).is_empty() => at = **next,
                (EndKind::Refused, _) if ops.len() > 1 => return Ended { defects: all, ..refused(state) },
                _ => return Ended { defects: all, ..ended },
            }
        }
        refused(state)
    }

    /// Executes one operation; if the machine does not know it, the right outcome is used.
    fn single(&self, state: &Small, op: &Op) -> Ended<ROOM, EDGES> {
        let right = || match execute(state, &[*op], &[]) {
            Outcome::Done { next, .. } => Ended { how: EndKind::Accepted, ..refused(&next) },
            _ => refused(state),
        };
        match self {
            Mutant::Flawed(machine, facet) => {
                let mut took = None;
                machine.each(facet, state, &Action::single(*op), |tried| {
                    if tried.number == 0 && tried.meanwhile.is_none() && tried.action.refusal.is_none() {
                        let answer = tried.outcome;
                        let how = if answer.accepted { EndKind::Accepted } else { EndKind::Refused };
                        let defects = if tried.broken.is_empty() { vec![] } else { vec![machine.0] };
                        took = Some(Ended { how, defects, ..refused(&answer.state) });
                    }
                });
                took.unwrap_or_else(right)
            }
            // The reopens of the historical algorithms do not reset anything.
            Mutant::Trial(_) if matches!(op, Op::Reopen { queue } if queue.entries().iter().any(|e| !e.keep)) => {
                right()
            }
            Mutant::Trial(machine) => machine.step(state, op).map_or_else(right, |stepped| {
                let StepReport { how, state, pairs, defects } = stepped;
                Ended { how, state, pairs, defects }
            }),
        }
    }
}

/// Returns a refusal that leaves this state.
fn refused(state: &Small) -> Ended<ROOM, EDGES> {
    Ended { how: EndKind::Refused, state: Some(Box::new(*state)), pairs: vec![], defects: vec![] }
}

/// Returns the right outcome if each operation is judged by itself.
fn one_by_one(state: &Small, ops: &[Op]) -> Option<Small> {
    let mut at = *state;
    for op in ops {
        if !(Turn { ops: vec![*op], refusals: Vec::new() }).fits(&at) {
            return None;
        }
        match execute(&at, &[*op], &[]) {
            Outcome::Done { next, .. } => at = next,
            _ => return None,
        }
    }
    Some(at)
}

/// Returns whether both accept with the same graph, or both refuse.
fn same(spelled: &Option<Small>, right: &Outcome<ROOM, EDGES>) -> bool {
    match (spelled, right) {
        (Some(spelled), Outcome::Done { next, .. }) => spelled == next,
        (None, Outcome::Done { .. }) | (Some(_), _) => false,
        (None, _) => true,
    }
}

/// Returns operations of the machines that may have the same effect as a QMP command. Whether they do is checked
/// afterwards.
fn spellings(state: &Small, ops: &[Op]) -> Vec<Vec<Op>> {
    let main = Role::DATA | Role::METADATA | Role::PRIMARY;
    match *ops {
        [Op::Delete { node }] => vec![vec![Op::Release { node }]],
        [Op::Snapshot { node, overlay }] => vec![vec![Op::Append { new: overlay, top: node, store: false }]],
        [Op::AddChild { parent, child, name }] => vec![vec![Op::Attach { parent, child, name, role: Role::DATA }]],
        [Op::RemoveChild { parent, name }] => vec![vec![Op::Detach { parent, name }]],
        [Op::Open { node, layer, file: Some(Below { node: below, opened: None }), backing, .. }] => {
            let role = if layer.kind.takes_filtered() { Role::FILTERED | Role::PRIMARY } else { main };
            let add = Op::Add { node, spec: layer.spec() };
            let file = Op::Attach { parent: node, child: below, name: ChildName::FILE, role };
            let over = |child| Op::Attach { parent: node, child, name: ChildName::BACKING, role: Role::COW };
            vec![[add, file].into_iter().chain(backing.map(over)).collect()]
        }
        [Op::Reopen { queue }] => {
            let entries = queue.entries();
            let each: Vec<Op> = entries.iter().flat_map(|entry| changes(state, entry)).collect();
            // The historical algorithms know flags and backing children.
            let given: Option<Vec<Entry>> = entries.iter().map(|entry| given(state, entry)).collect();
            let kept = given.and_then(|list| Queue::new(&list)).map(|queue| vec![Op::Reopen { queue }]);
            kept.into_iter().chain((!each.is_empty()).then_some(each)).collect()
        }
        _ => vec![],
    }
}

/// Returns the entry with nothing left to be reset, or `None` if it names another file.
fn given(state: &Small, entry: &Entry) -> Option<Entry> {
    let file = state.children(entry.node).find(|e| e.name == ChildName::FILE).map(|e| e.child);
    let given =
        Entry { keep: true, opt: None, file: None, read_only: Some(entry.read_only.unwrap_or(false)), ..*entry };
    (entry.file.is_none() || entry.file == file).then_some(given)
}

/// Returns the changes of an entry, one after another.
fn changes(state: &Small, entry: &Entry) -> Vec<Op> {
    let node = entry.node;
    let Some(now) = state.node(node) else { return vec![] };
    let child = |name| state.children(node).find(|e| e.name == name).map(|e| e.child);
    let on = entry.read_only.filter(|on| *on != now.flags.read_only);
    let file = entry.file.filter(|file| Some(*file) != child(ChildName::FILE));
    let backing = entry.backing.filter(|to| *to != child(ChildName::BACKING));
    [
        backing.map(|to| Op::SetBacking { node, to }),
        file.map(|to| Op::SetFile { node, to }),
        on.map(|on| Op::SetReadOnly { node, on }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
