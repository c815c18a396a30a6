//! Statistics of what the generators made: how operations ended, with which drivers, and in how many graphs of which
//! size.

use crate::generate::Next;
use blockgraph_model::table::{self, COLUMNS, ROWS};
use blockgraph_model::{EdgeId, Kind, NodeId, Op, Outcome, Parent, State, canon};
use blockgraph_story::text::value::print_kind;
use std::collections::HashSet;

/// The drivers of an operation's first operand: every kind, a node that has lost its driver, and no node at all.
pub const DRIVERS: usize = Kind::EVERY.len() + 2;
pub(super) const GONE: usize = Kind::EVERY.len();
pub(super) const NO_NODE: usize = Kind::EVERY.len() + 1;

/// Returns the name of a driver in reports.
pub fn driver_name(driver: usize) -> &'static str {
    match driver {
        GONE => "(without driver)",
        NO_NODE => "(no node)",
        kind => print_kind(Kind::EVERY[kind]),
    }
}

/// Statistics over the turns of one generator.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// The stories that were played to their end.
    pub episodes: u64,
    /// The transactions.
    pub turns: u64,
    /// The operations in them.
    pub ops: u64,
    /// The turns by how they ended: took effect, step failed, violates a rule, driver refused.
    pub ends: [u64; 4],
    /// The operations that were left out because the model had no room.
    pub skipped: u64,
    /// The turns by row and column of [`table`] and by driver.
    cells: Vec<u64>,
    /// The turns by the number of nodes before them: 0, 1, 2, 3 to 4, 5 to 8 and so on.
    pub sizes: [u64; 10],
    /// The largest number of nodes and of edges.
    pub most: (usize, usize),
    /// The largest number of children and of parents of a node, in the graphs that were sampled.
    pub most_around: (usize, usize),
    /// Hashes of the sampled graphs up to renaming: of the whole graph, and of its shape only.
    states: HashSet<u64>,
    shapes: HashSet<u64>,
}

impl Default for Statistics {
    fn default() -> Self {
        Statistics {
            episodes: 0,
            turns: 0,
            ops: 0,
            ends: [0; 4],
            skipped: 0,
            cells: vec![0; ROWS * COLUMNS * DRIVERS],
            sizes: [0; 10],
            most: (0, 0),
            most_around: (0, 0),
            states: HashSet::new(),
            shapes: HashSet::new(),
        }
    }
}

impl Statistics {
    /// Counts a turn in a state.
    pub(super) fn turn<const N: usize, const E: usize>(&mut self, state: &State<N, E>, next: &Next<N, E>) {
        let (ops, outcome) = (&next.turn.ops, &next.outcome);
        self.turns += 1;
        self.ops += ops.len() as u64;
        self.skipped += next.skipped as u64;
        self.ends[match outcome {
            Outcome::Done { .. } => 0,
            Outcome::Failed { .. } => 1,
            Outcome::Violates { .. } => 2,
            Outcome::Refused { .. } => 3,
        }] += 1;
        let nodes = state.names().count();
        self.sizes[nodes.next_power_of_two().trailing_zeros() as usize + usize::from(nodes > 0)] += 1;
        self.most = (self.most.0.max(nodes), self.most.1.max(state.edges().len()));
        let Some(first) = ops.first() else { return };
        // Not every driver that must refuse is asked.
        let asked = |plan: &blockgraph_model::plan::Plan<N>| {
            next.turn.refusals.iter().copied().find(|refusal| plan.hooks().any(|hook| hook == *refusal))
        };
        let refusal = if let Outcome::Done { plan, .. } = outcome { asked(plan) } else { None };
        let (row, driver) = (table::row_of(ops), driver(state, *first));
        table::each_column(refusal, outcome, |column| {
            self.cells[(row * COLUMNS + column) * DRIVERS + driver] += 1;
        });
    }

    /// Samples a graph.
    pub(super) fn look<const N: usize, const E: usize>(&mut self, state: &State<N, E>) {
        let parents = state.by_child();
        for id in state.names() {
            let (above, below) = (parents.of(id).len(), state.below(Parent::Node(id)).len());
            self.most_around = (self.most_around.0.max(below), self.most_around.1.max(above));
        }
        self.states.insert(canon::fingerprint(state));
        self.shapes.insert(canon::shape(state));
    }

    /// Counts a story that was played to its end.
    pub(super) fn end<const N: usize, const E: usize>(&mut self, state: &State<N, E>) {
        self.episodes += 1;
        self.look(state);
    }

    /// Returns how often an operation ended in this way when its first operand had this driver.
    pub fn cell(&self, row: usize, column: usize, driver: usize) -> u64 {
        self.cells[(row * COLUMNS + column) * DRIVERS + driver]
    }

    /// Returns how often an operation was done (or not done) when its first operand had this driver.
    pub fn done(&self, (row, driver, done): (usize, usize, bool)) -> u64 {
        (0..COLUMNS).filter(|column| table::is_done(*column) == done).map(|column| self.cell(row, column, driver)).sum()
    }

    /// Returns how often an operation ended in this way, with any driver.
    pub fn outcome(&self, row: usize, column: usize) -> u64 {
        (0..DRIVERS).map(|driver| self.cell(row, column, driver)).sum()
    }

    /// Returns how many different graphs and shapes were sampled.
    pub fn distinct(&self) -> (usize, usize) {
        (self.states.len(), self.shapes.len())
    }

    /// Adds the statistics of another thread.
    pub fn add(&mut self, other: Statistics) {
        self.episodes += other.episodes;
        self.turns += other.turns;
        self.ops += other.ops;
        self.skipped += other.skipped;
        let counts = self.ends.iter_mut().chain(&mut self.sizes).chain(&mut self.cells);
        let others = other.ends.iter().chain(&other.sizes).chain(&other.cells);
        counts.zip(others).for_each(|(mine, theirs)| *mine += theirs);
        self.most = (self.most.0.max(other.most.0), self.most.1.max(other.most.1));
        let (mine, its) = (self.most_around, other.most_around);
        self.most_around = (mine.0.max(its.0), mine.1.max(its.1));
        self.states.extend(other.states);
        self.shapes.extend(other.shapes);
    }
}

/// Returns the driver of an operation's first operand. For a new node it is the driver that the node gets, for a user
/// that of its node.
fn driver<const N: usize, const E: usize>(state: &State<N, E>, op: Op) -> usize {
    let of = |kind: Kind| Kind::EVERY.iter().position(|known| *known == kind).unwrap_or(NO_NODE);
    let new = match op {
        Op::Add { spec, .. } | Op::Insert { spec, .. } | Op::OpenChild { spec, .. } => Some(spec.kind),
        Op::Open { layer, .. } => Some(layer.kind),
        _ => None,
    };
    if let Some(kind) = new {
        return of(kind);
    }
    let (mut node, mut user) = (None, None);
    op.renamed(|named| *node.get_or_insert(named), |named| *user.get_or_insert(named));
    let at = |user| state.edge_index(EdgeId::User(user)).map(|i| state.edges()[i].child);
    let node: Option<NodeId> = node.or_else(|| user.and_then(at));
    let found = node.and_then(|id| state.nodes.get(usize::from(id.0)));
    match found.and_then(|node| node.kind.map(|kind| (kind, node.ejected))) {
        Some((_, true)) => GONE,
        Some((kind, false)) => of(kind),
        None => NO_NODE,
    }
}
