//! All rules for a single permission, on all small graphs: a loosening can be refused exactly under those that are not
//! monotone.

use crate::page;

/// A pair of one permission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Bit {
    need: bool,
    share: bool,
}

const FREE: Bit = Bit { need: false, share: true };
const PAIRS: [Bit; 4] =
    [FREE, Bit { need: false, share: false }, Bit { need: true, share: true }, Bit { need: true, share: false }];

impl Bit {
    fn loosens(self, old: Bit) -> bool {
        self.need <= old.need && old.share <= self.share
    }

    fn with(self, other: Bit) -> Bit {
        Bit { need: self.need | other.need, share: self.share & other.share }
    }

    fn text(self) -> &'static str {
        match (self.need, self.share) {
            (false, true) => "-/w",
            (false, false) => "-/-",
            (true, true) => "w/w",
            (true, false) => "w/-",
        }
    }
}

/// A driver's rule: the pair below a node without parents, and below one for each sum of theirs, in the order of [`PAIRS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rule {
    alone: Bit,
    by_sum: [Bit; 4],
}

impl Rule {
    fn every() -> impl Iterator<Item = Rule> {
        let digit = |number: usize, place: u32| PAIRS[number / 4usize.pow(place) % 4];
        (0..4usize.pow(5)).map(move |number| Rule {
            alone: digit(number, 4),
            by_sum: std::array::from_fn(|i| digit(number, i as u32)),
        })
    }

    fn of(rule: impl Fn(Bit) -> Bit) -> Rule {
        Rule { alone: rule(FREE), by_sum: PAIRS.map(rule) }
    }

    fn below(&self, above: Option<Bit>) -> Bit {
        above.map_or(self.alone, |sum| {
            PAIRS.iter().position(|pair| *pair == sum).map_or(self.alone, |place| self.by_sum[place])
        })
    }

    fn is_monotone(&self) -> bool {
        let pairs = || PAIRS.into_iter().zip(self.by_sum);
        let among = pairs().all(|(a, x)| pairs().all(|(b, y)| !a.loosens(b) || x.loosens(y)));
        among && self.alone.loosens(self.by_sum[0])
    }
}

/// An edge; from a user if there is no parent.
#[derive(Clone, Copy, Debug)]
struct Line {
    parent: Option<usize>,
    child: usize,
    wish: Bit,
}

/// Nodes in an order in which parents come first, all with one rule; some are read-only.
#[derive(Clone, Debug)]
struct Graph {
    read_only: Vec<bool>,
    lines: Vec<Line>,
}

impl Graph {
    /// The pairs of all lines.
    fn pairs(&self, rule: &Rule) -> Vec<Bit> {
        let mut pairs: Vec<Bit> = self.lines.iter().map(|line| line.wish).collect();
        for node in 0..self.read_only.len() {
            let below = rule.below(self.sum(node, &pairs));
            for (line, pair) in self.lines.iter().zip(&mut pairs) {
                if line.parent == Some(node) {
                    *pair = below;
                }
            }
        }
        pairs
    }

    fn sum(&self, node: usize, pairs: &[Bit]) -> Option<Bit> {
        let above = self.lines.iter().zip(pairs).filter(|(line, _)| line.child == node).map(|(_, pair)| *pair);
        above.reduce(Bit::with)
    }

    /// V3.2 and V3.3.
    fn is_sound(&self, rule: &Rule) -> bool {
        let pairs = self.pairs(rule);
        let lines = || self.lines.iter().zip(&pairs).enumerate();
        let writes = |node: usize| self.sum(node, &pairs).is_some_and(|sum| sum.need);
        let conflict =
            lines().any(|(i, (a, x))| x.need && lines().any(|(j, (b, y))| i != j && a.child == b.child && !y.share));
        !conflict && !(0..self.read_only.len()).any(|node| self.read_only[node] && writes(node))
    }

    /// What loosens, by one edge: it goes, or its user wants less.
    fn loosenings(&self) -> Vec<(String, Graph)> {
        let mut all = Vec::new();
        for (i, line) in self.lines.iter().enumerate() {
            let mut less = self.clone();
            less.lines.remove(i);
            all.push((format!("{} goes", self.name(i)), less));
            if line.parent.is_some() {
                continue;
            }
            for wish in PAIRS.into_iter().filter(|wish| *wish != line.wish && wish.loosens(line.wish)) {
                let mut less = self.clone();
                less.lines[i].wish = wish;
                all.push((format!("{} wants {}", self.name(i), wish.text()), less));
            }
        }
        all
    }

    fn name(&self, line: usize) -> String {
        let Line { parent, child, .. } = self.lines[line];
        match parent {
            Some(parent) => format!("n{parent} → n{child}"),
            None => format!("u{}", self.lines[..line].iter().filter(|line| line.parent.is_none()).count()),
        }
    }

    fn drawn(&self, rule: &Rule, change: &str, after: &Graph) -> String {
        let pairs = self.pairs(rule);
        let mut out = String::new();
        for (i, line) in self.lines.iter().enumerate() {
            let (name, pair) = (self.name(i), pairs[i].text());
            out += &match line.parent {
                Some(_) => format!("{name}   {pair}\n"),
                None => format!("{name} → n{}   {pair}\n", line.child),
            };
        }
        for node in (0..self.read_only.len()).filter(|node| self.read_only[*node]) {
            out += &format!("n{node} is read-only\n");
        }
        out += &format!("loosening: {change}\n");
        for (i, pair) in after.pairs(rule).iter().enumerate() {
            if let Some(parent) = after.lines[i].parent {
                out += &format!("then n{parent} → n{} has {}, ", after.lines[i].child, pair.text());
            }
        }
        out + "which is refused"
    }
}

/// All graphs of a size: nodes, edges between them, users; at most one edge between two nodes.
fn every(nodes: usize, edges: usize, users: usize) -> Vec<Graph> {
    let between: Vec<Line> = (0..nodes)
        .flat_map(|parent| (parent + 1..nodes).map(move |child| Line { parent: Some(parent), child, wish: FREE }))
        .collect();
    let user = || (0..nodes).flat_map(|child| PAIRS.map(|wish| Line { parent: None, child, wish }));
    let mut lists: Vec<Vec<Line>> = (0..1usize << between.len())
        .filter(|chosen| chosen.count_ones() as usize == edges)
        .map(|chosen| (0..between.len()).filter(|i| chosen >> i & 1 == 1).map(|i| between[i]).collect())
        .collect();
    for _ in 0..users {
        lists = lists.iter().flat_map(|list| user().map(|line| [&list[..], &[line]].concat())).collect();
    }
    let flags = (0..1usize << nodes).map(|bits| (0..nodes).map(|node| bits >> node & 1 == 1).collect::<Vec<_>>());
    flags
        .flat_map(|read_only| {
            lists.iter().map(move |lines| Graph { read_only: read_only.clone(), lines: lines.clone() })
        })
        .collect()
}

/// Graphs by size: nodes, then edges between them, then users; within a size in the order in which they are made.
pub struct Sizes(Vec<([usize; 3], Vec<Graph>)>);

impl Sizes {
    /// Up to three nodes and two users.
    pub fn new() -> Sizes {
        let sizes = (1..=3).flat_map(|nodes| (0..=nodes * (nodes - 1) / 2).map(move |edges| (nodes, edges)));
        let sizes = sizes.flat_map(|(nodes, edges)| (0..=2).map(move |users| [nodes, edges, users]));
        Sizes(sizes.map(|size| (size, every(size[0], size[1], size[2]))).collect())
    }

    /// The first loosening that is refused, and how large the graph is; `None` if there is none.
    fn refused(&self, rule: &Rule) -> Option<([usize; 3], String)> {
        self.0.iter().find_map(|(size, graphs)| {
            let found = graphs.iter().filter(|graph| graph.is_sound(rule)).find_map(|graph| {
                let loosenings = graph.loosenings();
                let found = loosenings.iter().find(|(_, after)| !after.is_sound(rule));
                found.map(|(change, after)| graph.drawn(rule, change, after))
            });
            Some((*size, found?))
        })
    }

    /// How many rules are monotone, and of the others how large the smallest graph is in which a loosening is refused.
    pub fn every_rule(&self) -> String {
        let mut counts = std::collections::BTreeMap::new();
        let graphs: usize = self.0.iter().map(|(_, graphs)| graphs.len()).sum();
        for rule in Rule::every() {
            let refused = self.refused(&rule).map(|(size, _)| size);
            assert_eq!(refused.is_none(), rule.is_monotone(), "{rule:?}");
            *counts.entry(refused).or_insert(0u64) += 1;
        }
        let rows = counts.into_iter().map(|(size, count)| {
            let (monotone, size) = match size {
                None => ("yes", format!("none among {}", page::grouped(graphs as u64))),
                Some([nodes, edges, users]) => (
                    "no",
                    [page::some(nodes, "node"), page::some(edges, "edge") + " between them", page::some(users, "user")]
                        .join(", "),
                ),
            };
            [monotone.into(), page::grouped(count), size]
        });
        page::table(["monotone", "rules", "smallest graph in which a loosening is refused"], rows)
    }

    /// The smallest graphs of some rules that one could think of.
    pub fn examples(&self) -> [String; 2] {
        let contrary = Rule::of(|above| Bit { need: !above.need, share: true });
        let opportunist = Rule::of(|above| Bit { need: above.share, share: true });
        [contrary, opportunist]
            .map(|rule| page::verbatim(&self.refused(&rule).map_or("none".into(), |(_, drawn)| drawn)))
    }
}
