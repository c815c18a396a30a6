//! All graphs of a size, and all that can change in them.

use super::graph::{Change, Graph, Line};
use blockgraph_model::perm::{ALL, NONE, W};
use blockgraph_model::{ChildName, Kind, Opt, Pair, Role};

const FILTERED: Role = Role(Role::FILTERED.0 | Role::PRIMARY.0);
const STORAGE: Role = Role(Role::DATA.0 | Role::METADATA.0 | Role::PRIMARY.0);
const ONE: ChildName = ChildName(2);
const TWO: ChildName = ChildName(3);

/// The kinds of node that have children here, and which.
const KINDS: [(Kind, &[(ChildName, Role)]); 6] = [
    (Kind::Filter, &[(ChildName::FILE, FILTERED)]),
    (Kind::ExclusiveWriter, &[(ChildName::BACKING, FILTERED)]),
    (Kind::Format, &[(ChildName::FILE, STORAGE), (ChildName::BACKING, Role::COW)]),
    (Kind::WriteToSelected, &[(ONE, Role::DATA), (TWO, Role::DATA)]),
    (Kind::Blkdebug, &[(ChildName::FILE, FILTERED), (ONE, Role::DATA)]),
    (Kind::Quorum, &[(ONE, Role::DATA), (TWO, Role::DATA)]),
];

/// What the user wants.
const WISHES: [Pair; 4] = [Pair::FREE, Pair::new(W, ALL), Pair::new(W, EXCEPT_W), Pair::new(NONE, EXCEPT_W)];
const EXCEPT_W: blockgraph_model::Perms = blockgraph_model::Perms(ALL.0 & !W.0);

fn options(kind: Kind) -> Vec<Opt> {
    match kind {
        Kind::WriteToSelected => [None, Some(ONE), Some(TWO)].map(Opt::Select).to_vec(),
        Kind::Blkdebug => [NONE, W].map(|set| Opt::Debug { take: set, unshare: set }).to_vec(),
        Kind::Quorum => [false, true].map(Opt::Rewrite).to_vec(),
        _ => vec![Opt::None],
    }
}

/// The size of a graph, in the order in which sizes are searched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Size {
    pub nodes: usize,
    pub edges: usize,
    pub users: usize,
}

impl Size {
    /// The sizes that are searched: everything of up to three nodes, and of four nodes what has as many edges and no user.
    pub fn every() -> Vec<Size> {
        let small = (1..=3).flat_map(|nodes| (0..=4).map(move |edges| (nodes, edges)));
        let small = small.flat_map(|(nodes, edges)| [0, 1].map(|users| Size { nodes, edges, users }));
        let four = (3..=4).map(|edges| Size { nodes: 4, edges, users: 0 });
        small.chain(four).collect()
    }
}

/// All children lists of a kind of node, given the nodes below.
fn lists(node: usize, slots: &[(ChildName, Role)], nodes: usize) -> Vec<Vec<Line>> {
    let child = |&(name, role): &(ChildName, Role)| {
        (node + 1..nodes).map(move |child| Line { parent: node, child, name, role }).collect::<Vec<_>>()
    };
    let one: Vec<Line> = slots.iter().flat_map(child).collect();
    let mut all: Vec<Vec<Line>> = one.iter().map(|line| vec![*line]).collect();
    for a in &one {
        all.extend(one.iter().filter(|b| a.name != b.name).map(|b| vec![*a, *b]));
    }
    all
}

/// Every graph of a size, without nodes that have no edge at all.
pub fn every(size: Size, look: &mut impl FnMut(&Graph)) {
    fn add(graph: Graph, size: Size, look: &mut impl FnMut(&Graph)) {
        let node = graph.nodes.len();
        if node == size.nodes {
            let lonely = |n| size.nodes > 1 && !graph.lines.iter().any(|line| line.parent == n || line.child == n);
            if graph.lines.len() == size.edges && !(0..node).any(lonely) {
                with_users(&graph, size, look);
            }
            return;
        }
        let mut leaf = graph.clone();
        leaf.nodes.push((Kind::Protocol, Opt::None));
        add(leaf, size, look);
        for (kind, slots) in KINDS {
            for list in lists(node, slots, size.nodes) {
                if graph.lines.len() + list.len() > size.edges {
                    continue;
                }
                for opt in options(kind) {
                    let mut next = graph.clone();
                    next.nodes.push((kind, opt));
                    next.lines.extend(list.iter().copied());
                    add(next, size, look);
                }
            }
        }
    }
    add(Graph::default(), size, look);
}

fn with_users(graph: &Graph, size: Size, look: &mut impl FnMut(&Graph)) {
    if size.users == 0 {
        return look(graph);
    }
    for (node, wish) in (0..size.nodes).flat_map(|node| WISHES.map(|wish| (node, wish))) {
        let mut graph = graph.clone();
        graph.users.push((node, wish));
        look(&graph);
    }
}

/// Everything that can change in a graph: the option of one node, or what the user wants.
pub fn changes(graph: &Graph) -> Vec<Change> {
    let mut all = Vec::new();
    for (node, &(kind, now)) in graph.nodes.iter().enumerate() {
        all.extend(options(kind).into_iter().filter(|opt| *opt != now).map(|opt| Change::Option(node, opt)));
    }
    for (_, now) in &graph.users {
        all.extend(WISHES.into_iter().filter(|wish| wish != now).map(Change::Wish));
    }
    all
}
