//! `specs/theorems/topological.md`: ways to refresh a graph, compared on all small graphs.

mod graph;
mod menu;
mod orders;

use crate::page::{self, Block};
use blockgraph_model::Pair;
use blockgraph_model::derived::derive;
use graph::{Change, Graph, Pairs, Way};
use menu::{Size, changes, every};

/// What can be wrong with a refresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mistake {
    /// What is right is refused.
    Refuses,
    /// What is wrong is accepted.
    Accepts,
    /// What is right is accepted, and an edge has not the pair that it should have.
    Leaves,
}

const MISTAKES: [Mistake; 3] = [Mistake::Refuses, Mistake::Accepts, Mistake::Leaves];
const WAYS: [Way; 4] = [Way::ParentsFirst, Way::FirstMet, Way::Paths, Way::PathsWriting];

/// The first graph in which a way makes a mistake, and how many there are of it.
#[derive(Clone, Default)]
struct Cell {
    first: Option<(Size, String)>,
    count: u64,
}

/// What the search found, by way and mistake.
#[derive(Default)]
struct Search {
    graphs: u64,
    cases: u64,
    cells: [[Cell; MISTAKES.len()]; WAYS.len()],
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::ParentsFirst => "parents first",
            Way::FirstMet => "first met",
            Way::Paths => "all paths",
            Way::PathsWriting => "all paths, writing",
        }
    }
}

/// What is wrong with an answer, if anything.
fn mistake(answer: Option<Pairs>, expected_verdict: Option<Pairs>) -> Option<Mistake> {
    match (answer, expected_verdict) {
        (None, Some(_)) => Some(Mistake::Refuses),
        (Some(_), None) => Some(Mistake::Accepts),
        (Some(pairs), Some(right)) if pairs != right => Some(Mistake::Leaves),
        _ => None,
    }
}

impl Search {
    fn all() -> Search {
        let mut search = Search::default();
        for size in Size::every() {
            every(size, &mut |graph| search.graph(size, graph));
        }
        search
    }

    fn graph(&mut self, size: Size, graph: &Graph) {
        let Some(before) = graph.expected_verdict() else { return };
        self.graphs += 1;
        for change in changes(graph) {
            let changed = graph.changed(change);
            let expected_verdict = changed.expected_verdict();
            self.cases += 1;
            if size.nodes <= 2 {
                agrees_with_the_model(graph, change);
            }
            for (i, way) in WAYS.into_iter().enumerate() {
                let answer = changed.refresh(way, change, &before);
                let Some(mistake) = mistake(answer, expected_verdict) else { continue };
                let cell = &mut self.cells[i][mistake as usize];
                cell.count += 1;
                if cell.first.is_none() {
                    agrees_with_the_model(graph, change);
                    cell.first = Some((size, drawn(graph, change, &before, way, answer)));
                }
            }
        }
    }
}

/// Checks that verdict and pairs are those of the model.
fn agrees_with_the_model(graph: &Graph, change: Change) {
    let (expected_verdict, model) = (graph.changed(change).expected_verdict(), graph.in_the_model(change));
    assert_eq!(expected_verdict.is_some(), model.is_some(), "{graph:?} {change:?}");
    let (Some(pairs), Some(state)) = (expected_verdict, model) else { return };
    let derived = derive(&state).unwrap();
    // The edges of nodes come first, in the same order.
    assert_eq!(derived.edges[..graph.lines.len()], pairs[..graph.lines.len()], "{graph:?} {change:?}");
}

/// A graph, what changes, and what the way makes of it.
fn drawn(graph: &Graph, change: Change, before: &Pairs, way: Way, answer: Option<Pairs>) -> String {
    let expected_verdict = graph.changed(change).expected_verdict();
    let wanted = |pair: Pair| format!("{:?}, shares {:?}", pair.need, pair.share);
    let mut out = String::new();
    for (node, pair) in &graph.users {
        out += &format!("user → n{node}   wants {}\n", wanted(*pair));
    }
    for (node, (kind, opt)) in graph.nodes.iter().enumerate() {
        out += &format!("n{node}  {kind:?} {opt:?}\n").replace(" None", "");
        for (i, line) in graph.lines.iter().enumerate().filter(|(_, line)| line.parent == node) {
            let right = expected_verdict.map_or(String::new(), |pairs| format!("   afterwards {:?}", pairs[i]));
            let has = answer
                .filter(|_| expected_verdict.is_some())
                .filter(|pairs| Some(pairs[i]) != expected_verdict.map(|t| t[i]));
            let has = has.map_or(String::new(), |pairs| format!("   but has {:?}", pairs[i]));
            out += &format!("    {:?} ({:?}) → n{}   {:?}{right}{has}\n", line.name, line.role, line.child, before[i]);
        }
    }
    out += &match change {
        Change::Option(node, opt) => format!("change: n{node} becomes {opt:?}\n"),
        Change::Wish(pair) => format!("change: the user wants {}\n", wanted(pair)),
    };
    let verdict = |answer: Option<Pairs>| if answer.is_some() { "accepted" } else { "refused" };
    out + &format!("right:  {}\n{}: {}", verdict(expected_verdict), way.name(), verdict(answer))
}

fn blocks() -> Vec<Block> {
    let search = Search::all();
    let rows = WAYS.into_iter().zip(&search.cells).map(|(way, cells)| {
        let cell = |mistake: Mistake| match &cells[mistake as usize] {
            Cell { first: Some((size, _)), count } => {
                let size = [(size.nodes, "node"), (size.edges, "edge"), (size.users, "user")];
                let size = size.map(|(number, what)| page::some(number, what)).join(", ");
                format!("{} ({size})", page::grouped(*count))
            }
            _ => "none".into(),
        };
        [way.name().into(), cell(Mistake::Refuses), cell(Mistake::Accepts), cell(Mistake::Leaves)]
    });
    let table = page::table(["way", "refuses what is right", "accepts what is wrong", "leaves a wrong pair"], rows);
    let said = format!(
        "{} graphs without a conflict, {} changes of them. How many of these each way gets wrong, and the smallest graph:\n\n",
        page::grouped(search.graphs),
        page::grouped(search.cases)
    );
    let found = |way: Way, mistake: Mistake| {
        let place = WAYS.iter().position(|known| *known == way).unwrap();
        let first = &search.cells[place][mistake as usize].first;
        page::verbatim(first.as_ref().map_or("none", |(_, drawn)| drawn))
    };
    assert!(search.cells[0].iter().all(|cell| cell.count == 0), "parents first: the theorem");
    vec![
        ("search", said + &table),
        ("first met refuses", found(Way::FirstMet, Mistake::Refuses)),
        ("first met accepts", found(Way::FirstMet, Mistake::Accepts)),
        ("first met leaves", found(Way::FirstMet, Mistake::Leaves)),
        ("all paths refuses", found(Way::Paths, Mistake::Refuses)),
        ("all paths accepts", found(Way::Paths, Mistake::Accepts)),
        ("all paths, writing, refuses", found(Way::PathsWriting, Mistake::Refuses)),
        ("orders", orders::every_order()),
        ("ladders", orders::ladders()),
    ]
}

#[test]
fn the_page_is_right() {
    page::hold(&crate::theorem("topological.md"), &blocks());
}
