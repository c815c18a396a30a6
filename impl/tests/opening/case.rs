//! Reads and plays a case; the end of `specs/opening.md` describes the format.

use super::catalogue::{ImageStore, LoggedDriver};
use blockgraph::open::{OpenError, OpenRequest, OptionValue, Options, create};
use blockgraph::{EdgeView, Graph, NodeKey, Pair, Permissions, Role};
use std::collections::BTreeSet;

/// One statement: its keyword, the rest of its line, and the lines below it.
struct Statement<'a> {
    word: &'a str,
    rest: &'a str,
    block: Vec<&'a str>,
}

/// A case: its title and its statements.
pub struct Case<'a> {
    pub title: &'a str,
    statements: Vec<Statement<'a>>,
}

fn split(line: &str) -> (&str, &str) {
    line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()))
}

/// Parses the cases of a file.
pub fn parse(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("# ")) {
        let (word, rest) = split(line.trim());
        let case = cases.last_mut();
        match (line.len() - line.trim_start().len(), case) {
            (0, _) if word == "case" => cases.push(Case { title: rest, statements: Vec::new() }),
            (2, Some(case)) => case.statements.push(Statement { word, rest, block: Vec::new() }),
            (4, Some(case)) => case.statements.last_mut().unwrap().block.push(line.trim()),
            _ => panic!("not a line of a case: {line:?}"),
        }
    }
    cases
}

/// The state of a case while it is played.
#[derive(Default)]
struct CaseRun {
    graph: Graph<LoggedDriver>,
    store: ImageStore,
    /// The result of the request, and the node that it opened.
    result: Option<Result<Option<NodeKey>, OpenError>>,
    /// The kinds of errors that occurred.
    met: BTreeSet<String>,
}

fn value(text: &str) -> OptionValue {
    match text {
        "null" => OptionValue::Null,
        "{}" => OptionValue::Empty,
        text => text.into(),
    }
}

fn request(block: &[&str]) -> Result<OpenRequest, OpenError> {
    let (mut filename, mut options, mut flags) = (None, Options::new(), BTreeSet::new());
    for (key, rest) in block.iter().map(|line| split(line)) {
        match key {
            "!protocol" | "!snapshot" => _ = flags.insert(key),
            "filename" if filename.is_none() => filename = Some(rest),
            _ => options.set(key, value(rest))?,
        }
    }
    let request = OpenRequest::new(options);
    let request = request.protocol(flags.contains("!protocol")).temporary_overlay(flags.contains("!snapshot"));
    Ok(filename.into_iter().fold(request, OpenRequest::filename))
}

fn permissions(letters: &str) -> Permissions {
    let bit = |letter| match letter {
        'R' => Permissions::READ,
        'W' => Permissions::WRITE,
        'U' => Permissions::WRITE_UNCHANGED,
        'Z' => Permissions::RESIZE,
        'G' => Permissions::GRAPH_MOD,
        _ => Permissions::NONE,
    };
    letters.chars().map(bit).collect()
}

impl CaseRun {
    fn open(&mut self, block: &[&str]) -> Result<Option<NodeKey>, OpenError> {
        let before = self.graph.save();
        let result = request(block).and_then(|request| self.graph.open_image(request, &mut self.store));
        if result.is_err() {
            assert_eq!(self.graph.save(), before, "nothing is left");
        }
        assert_eq!(self.graph.inconsistencies(), []);
        result.map(|opened| Some(opened.top()))
    }

    fn play(&mut self, statement: &Statement<'_>) {
        let Statement { word, rest, block } = statement;
        match *word {
            "has" => {
                let (name, content) = split(rest);
                self.store.files.insert(name.into(), content.into());
            }
            "without" => _ = self.store.missing.insert((*rest).into()),
            "fault" => {
                let (what, whom) = split(rest);
                self.store.faults.insert(format!("{what} {whom}"));
            }
            "given" => {
                self.open(block).unwrap();
                self.store.log.lock().unwrap().clear();
            }
            "user" => {
                let words: Vec<&str> = rest.split(' ').collect();
                let node = self.graph.node(words[1]).unwrap();
                let pair = Pair::new(permissions(words[2]), permissions(words[3]));
                self.graph.attach_user(words[0], node, pair, false).unwrap();
            }
            "eject" => self.graph.eject_driver(self.graph.node(rest).unwrap()).unwrap(),
            "open" => self.result = Some(self.open(block)),
            "create" => {
                let made = request(block).and_then(|request| create(request, &mut self.store));
                self.result = Some(made.map(|()| None));
            }
            _ => self.expect(statement),
        }
    }

    fn expect(&mut self, statement: &Statement<'_>) {
        let Statement { word, rest, block } = statement;
        let result = self.result.as_ref().unwrap();
        match *word {
            "error" => assert_eq!(result.as_ref().unwrap_err().to_string(), *rest),
            "kind" => assert_eq!(kind(result.as_ref().unwrap_err()), *rest),
            "graph" => {
                let lines: Vec<_> = self.graph.nodes().map(|node| describe(&self.graph, node)).collect();
                assert_eq!(lines, *block);
            }
            "log" => assert_eq!(*self.store.log.lock().unwrap(), *block),
            "shown" => {
                let (name, text) = split(rest);
                let node = self.graph.node(name).unwrap();
                assert_eq!(self.graph.filename(node).as_deref(), Some(text));
            }
            "again" => {
                let node = result.as_ref().unwrap().unwrap();
                let shown = self.graph.filename(node).unwrap();
                let mut options = Options::new();
                options.set("read-only", self.graph.get(node).unwrap().read_only()).unwrap();
                let request = OpenRequest::new(options).filename(&*shown);
                let again = self.graph.open_image(request, &mut self.store).unwrap();
                assert_eq!(self.graph.filename(again.node), Some(shown));
            }
            "left" => assert_eq!(self.store.files.get(split(rest).0).map(String::as_str), Some(split(rest).1)),
            "gone" => assert_eq!(self.store.files.get(*rest), None),
            _ => panic!("no such statement: {word}"),
        }
        self.met.insert((*word).into());
    }
}

/// Returns the kind of an error; for an error of the graph, the kind of that error.
fn kind(error: &OpenError) -> String {
    let debug = error.graph_error().map(|error| format!("{:?}", error.kind()));
    debug.map_or_else(|| error.kind().name().into(), |debug| debug.split(' ').next().unwrap().into())
}

fn role(edge: &EdgeView<'_>) -> &'static str {
    match edge.role() {
        Role::FILTER => "filtered",
        Role::COW => "cow",
        role if role == Role::DATA | Role::METADATA | Role::PRIMARY => "image",
        _ => "other",
    }
}

/// Describes a node in one line.
fn describe(graph: &Graph<LoggedDriver>, key: NodeKey) -> String {
    let node = graph.get(key).unwrap();
    let mut line = format!("{} {}", node.name(), node.driver_name().unwrap());
    let flags = [
        (node.read_only(), "read-only"),
        (node.force_share(), "force-share"),
        (node.inactive(), "inactive"),
        (node.is_monitor_owned(), "held"),
        (!node.has_driver(), "ejected"),
    ];
    for (_, word) in flags.iter().filter(|(on, _)| *on) {
        line += &format!(" {word}");
    }
    if let Some(parent) = node.inherits_from().and_then(|parent| graph.get(parent)) {
        let how = if node.inherits_read_only() { "flag-of" } else { "of" };
        line += &format!(" {how}={}", parent.name());
    }
    for edge in node.children().map(|edge| graph.edge(edge).unwrap()) {
        let child = graph.get(edge.child()).unwrap();
        line += &format!(" {}={}:{}", edge.name(), child.name(), role(&edge));
    }
    line
}

impl Case<'_> {
    /// Plays the case and panics if the result differs. Returns the kinds of errors that occurred.
    pub fn play(&self) -> Vec<String> {
        let mut stage = CaseRun::default();
        self.statements.iter().for_each(|statement| stage.play(statement));
        let met = |word: &str| stage.met.contains(word);
        match stage.result.as_ref().expect("a case asks for something") {
            Err(error) => {
                assert!(met("error") && met("kind"), "an error is expected with its text and kind: {error:?}");
                let names =
                    [Some(error.kind()), error.cleanup_error()].into_iter().flatten().map(|kind| kind.name().into());
                names.chain([kind(error)]).collect()
            }
            Ok(_) => {
                assert!(met("graph") || met("shown") || met("left"), "success shows in something");
                vec![]
            }
        }
    }
}
