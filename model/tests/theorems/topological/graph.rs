//! Graphs of a few nodes with the model's rules, and the ways to refresh them that are compared.

use arrayvec::ArrayVec;
use blockgraph_model::rules::{Input, child_pair, conflict};
use blockgraph_model::{
    ChildName, Kind, NodeId, Op, Opt, Outcome, Pair, Role, Spec, State, UserFlags, UserId, execute,
};

/// The pairs of the edges between nodes.
pub type Pairs = [Pair; 6];

/// An edge between two nodes.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub parent: usize,
    pub child: usize,
    pub name: ChildName,
    pub role: Role,
}

/// Writable nodes, numbered so that every edge leads to a higher number; the edges of a node in the order of its children list; users.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub nodes: ArrayVec<(Kind, Opt), 4>,
    pub lines: ArrayVec<Line, 6>,
    pub users: ArrayVec<(usize, Pair), 1>,
}

/// One change, after which the graph is refreshed from the node that it concerns.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Option(usize, Opt),
    Wish(Pair),
}

/// How a graph is refreshed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Every node once, all its parents before it.
    ParentsFirst,
    /// Every node once, when the walk from the changed node first meets it.
    FirstMet,
    /// Along every path, each new pair against what the other parents had before; written at the end (seed 0).
    Paths,
    /// Along every path, and a pair is written once all below it was found good (QEMU 4.0 to 6.0).
    PathsWriting,
}

/// What a refresh comes to: the pairs, or a refusal.
pub type Verdict = Option<Pairs>;

impl Graph {
    fn below(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.lines.len()).filter(move |line| self.lines[*line].parent == node)
    }

    /// The pairs that the parents of a node have, each with its edge if that comes from a node.
    fn above<'a>(&'a self, node: usize, pairs: &'a Pairs) -> impl Iterator<Item = (Option<usize>, Pair)> + Clone + 'a {
        let users = self.users.iter().filter(move |(at, _)| *at == node).map(|(_, pair)| (None, *pair));
        let lines = self.lines.iter().enumerate().filter(move |(_, line)| line.child == node);
        users.chain(lines.map(|(i, _)| (Some(i), pairs[i])))
    }

    fn sum(&self, node: usize, pairs: &Pairs) -> Pair {
        self.above(node, pairs).fold(Pair::FREE, |sum, (_, pair)| sum.with(pair))
    }

    fn conflicts(&self, node: usize, pairs: &Pairs) -> bool {
        let above = self.above(node, pairs).enumerate();
        above.clone().any(|(i, (_, a))| above.clone().any(|(j, (_, b))| i != j && conflict(a, b)))
    }

    /// The pair of an edge whose parent has this sum.
    fn pair(&self, line: usize, parent: Pair) -> Pair {
        let Line { parent: node, name, role, .. } = self.lines[line];
        let (kind, opt) = self.nodes[node];
        let has_parents = self.users.iter().any(|(at, _)| *at == node) || self.lines.iter().any(|l| l.child == node);
        child_pair(Input {
            parent,
            has_parents,
            writable: true,
            inactive: false,
            no_io: false,
            kind,
            opt,
            role,
            name,
            force_share: false,
        })
    }

    fn write_below(&self, node: usize, pairs: &mut Pairs) {
        let sum = self.sum(node, pairs);
        self.below(node).for_each(|line| pairs[line] = self.pair(line, sum));
    }

    /// What is right: all pairs from nothing, in the order of the numbers, and then the conflicts.
    pub fn expected_verdict(&self) -> Verdict {
        let mut pairs = [Pair::FREE; 6];
        (0..self.nodes.len()).for_each(|node| self.write_below(node, &mut pairs));
        (0..self.nodes.len()).all(|node| !self.conflicts(node, &pairs)).then_some(pairs)
    }

    pub fn changed(&self, change: Change) -> Graph {
        let mut graph = self.clone();
        match change {
            Change::Option(node, opt) => graph.nodes[node].1 = opt,
            Change::Wish(pair) => graph.users[0].1 = pair,
        }
        graph
    }

    /// Refreshes the graph in which `change` has been made and nothing else, from the pairs that it had before.
    pub fn refresh(&self, way: Way, change: Change, before: &Pairs) -> Verdict {
        let start = match change {
            Change::Option(node, _) => node,
            Change::Wish(_) => self.users[0].0,
        };
        let mut pairs = *before;
        let order = match way {
            Way::ParentsFirst => {
                let mut order = self.met(start);
                order.sort_unstable();
                order
            }
            Way::FirstMet => self.met(start),
            Way::Paths | Way::PathsWriting => {
                let good = !self.conflicts(start, &pairs) && self.walk(start, self.sum(start, &pairs), &mut pairs, way);
                // The walk that grants what was found good goes along every path again.
                return good.then(|| {
                    self.grant(start, &mut pairs);
                    pairs
                });
            }
        };
        for node in order {
            if self.conflicts(node, &pairs) {
                return None;
            }
            self.write_below(node, &mut pairs);
        }
        Some(pairs)
    }

    /// The nodes from `start` down, in the order in which a depth-first walk meets them.
    fn met(&self, start: usize) -> ArrayVec<usize, 4> {
        let mut met = ArrayVec::new();
        let mut left: ArrayVec<usize, 8> = ArrayVec::from_iter([start]);
        while let Some(node) = left.pop() {
            if !met.contains(&node) {
                met.push(node);
                let at = left.len();
                self.below(node).for_each(|line| left.insert(at, self.lines[line].child));
            }
        }
        met
    }

    fn walk(&self, node: usize, sum: Pair, pairs: &mut Pairs, way: Way) -> bool {
        self.below(node).all(|line| {
            let (new, child) = (self.pair(line, sum), self.lines[line].child);
            let others = self.above(child, pairs).filter(|(other, _)| *other != Some(line));
            if others.clone().any(|(_, pair)| conflict(new, pair) || conflict(pair, new)) {
                return false;
            }
            let below = others.fold(new, |sum, (_, pair)| sum.with(pair));
            let good = self.walk(child, below, pairs, way);
            if good && way == Way::PathsWriting {
                pairs[line] = new;
            }
            good
        })
    }

    fn grant(&self, node: usize, pairs: &mut Pairs) {
        let sum = self.sum(node, pairs);
        for line in self.below(node) {
            pairs[line] = self.pair(line, sum);
            self.grant(self.lines[line].child, pairs);
        }
    }

    /// The same in the model: the graph is built, the change made; `None` if it is refused.
    pub fn in_the_model(&self, change: Change) -> Option<State<4, 8>> {
        let id = |node: usize| NodeId(node as u8);
        let user = UserId(0);
        let nodes = self.nodes.iter().enumerate();
        let mut ops: Vec<Op> =
            nodes.map(|(i, &(kind, opt))| Op::Add { node: id(i), spec: Spec { opt, ..Spec::plain(kind) } }).collect();
        // What is attached last stands first.
        ops.extend(self.lines.iter().rev().map(|line| Op::Attach {
            parent: id(line.parent),
            child: id(line.child),
            name: line.name,
            role: line.role,
        }));
        let attach =
            |&(node, pair)| Op::AttachUser { user, node: id(node), pair, user_flags: UserFlags::NONE, context: None };
        ops.extend(self.users.iter().map(attach));
        let Outcome::Done { next: built, .. } = execute(&State::default(), &ops, &[]) else {
            panic!("{self:?} cannot be built")
        };
        let op = match change {
            Change::Option(node, opt) => Op::SetOption { node: id(node), opt },
            Change::Wish(pair) => Op::SetUser { user, pair },
        };
        match execute(&built, &[op], &[]) {
            Outcome::Done { next, .. } => Some(next),
            Outcome::Violates { .. } => None,
            other => panic!("{self:?} {change:?}: {other:?}"),
        }
    }
}
