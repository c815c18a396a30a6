//! Puts the scenario's own names into QEMU's texts and into printed commands.

use crate::wire::names;
use blockgraph_model::{NodeId, UserId};
use blockgraph_story::text::columns::Declared;
use blockgraph_story::text::scenario::mentioned;
use blockgraph_story::text::{Names, Scenario};
use serde_json::Value;
use std::collections::BTreeSet;

/// The largest length of a node's name in QEMU.
const MAX_NODE_NAME: usize = 31;

/// The names of nodes and users in printed commands.
#[derive(Clone, Debug)]
pub struct ScenarioNames<'a> {
    names: &'a Names,
    /// The nodes and users that the scenario mentions.
    mentioned: BTreeSet<Declared>,
    /// Whether QEMU accepts the names of all mentioned nodes. If not, all nodes have numbers.
    nodes: bool,
    users: bool,
}

impl<'a> ScenarioNames<'a> {
    /// Chooses names for everything that a scenario mentions.
    pub fn of(scenario: &'a Scenario) -> Self {
        let ops = scenario.steps().flat_map(|step| step.body.ops());
        Self::new(&scenario.names, ops.flat_map(mentioned))
    }

    fn new(names: &'a Names, mentioned: impl Iterator<Item = Declared>) -> Self {
        let mentioned: BTreeSet<Declared> = mentioned.collect();
        let are_valid = |declared: &Declared| match *declared {
            Declared::Node(id) => (is_valid_name(names.node(id)), true),
            Declared::User(id) => (true, is_valid_name(&names.user(id.main()))),
            Declared::Child(_) => (true, true),
        };
        let (nodes, users) = (mentioned.iter().all(|d| are_valid(d).0), mentioned.iter().all(|d| are_valid(d).1));
        ScenarioNames { names, mentioned, nodes, users }
    }

    /// Returns a node's name in commands.
    pub fn node(&self, id: NodeId) -> String {
        if self.nodes { self.names.node(id).to_owned() } else { names::node(id) }
    }

    /// Returns the name of an export or job in commands.
    pub fn user(&self, id: UserId) -> String {
        if self.users { self.names.user(id.main()) } else { names::user(id) }
    }

    /// Returns one line for each number that stands for a name which QEMU does not accept.
    pub fn legend(&self) -> Vec<String> {
        let line = |declared: &Declared| match *declared {
            Declared::Node(id) if !self.nodes => Some(format!("{} is node {}", names::node(id), self.names.node(id))),
            Declared::User(id) if !self.users => Some(format!("{} is user {}", names::user(id), self.names.user(id))),
            _ => None,
        };
        self.mentioned.iter().filter_map(line).collect()
    }

    /// Returns the arguments of a command with these names, and with files in the folder `DIR`.
    pub fn arguments(&self, arguments: &Value) -> Value {
        match arguments {
            Value::Object(map) => {
                let value = |key: &str, value: &Value| match value {
                    Value::String(file) if key == "filename" || key == "path" => {
                        Value::from(format!("DIR/{}", self.file(file)))
                    }
                    _ => self.arguments(value),
                };
                Value::Object(map.iter().map(|(key, inner)| (key.clone(), value(key, inner))).collect())
            }
            Value::Array(list) => list.iter().map(|value| self.arguments(value)).collect(),
            Value::String(word) => match (names::parse_node(word), names::parse_user(word)) {
                (Some(id), _) => Value::from(self.node(id)),
                (_, Some(id)) => Value::from(self.user(id)),
                _ => arguments.clone(),
            },
            _ => arguments.clone(),
        }
    }

    /// Returns the name of a file: that of a node's image, or of a user's socket.
    fn file(&self, numbered: &str) -> String {
        match numbered.split_once('.') {
            Some((word, ending)) => match self.arguments(&Value::from(word)) {
                Value::String(own) => format!("{own}.{ending}"),
                _ => numbered.to_owned(),
            },
            None => numbered.to_owned(),
        }
    }

    /// Returns the file name of a node of kind `file`.
    pub fn image(&self, id: NodeId) -> String {
        format!("{}.img", self.node(id))
    }
}

/// Returns a text with the scenario's names instead of the numbered ones.
pub fn restore_names(text: &str, names: &Names) -> String {
    let mut all = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let own = match (names::parse_node(&word), names::parse_user(&word)) {
            (Some(id), _) => names.node(id).to_owned(),
            (_, Some(id)) => names.user(id),
            _ => word.clone(),
        };
        all.push_str(if own == "?" { &word } else { &own });
        word.clear();
        all.push(c);
    }
    all.pop();
    all
}

/// Returns whether QEMU accepts the name for a node.
fn is_valid_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    starts && name.len() <= MAX_NODE_NAME && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Declared, ScenarioNames, restore_names};
    use blockgraph_model::{NodeId, UserId};
    use blockgraph_story::text::Names;
    use serde_json::json;

    fn names() -> Names {
        let mut names = Names::default();
        for name in ["img", "n0", "u7"] {
            names.define_node(name).unwrap();
        }
        names.define_user("guest").unwrap();
        names
    }

    /// Returns the first `nodes` nodes, and a user.
    fn mentioned(nodes: u8) -> impl Iterator<Item = Declared> {
        (0..nodes).map(|id| Declared::Node(NodeId(id))).chain([Declared::User(UserId(0))])
    }

    #[test]
    fn names_are_restored() {
        let names = names();
        let text = "Node 'n0' (in n0.img) is used by 'u0' and unshared by 'n1', not by n9 or blockn0";
        let expected = "Node 'img' (in img.img) is used by 'guest' and unshared by 'n0', not by n9 or blockn0";
        assert_eq!(restore_names(text, &names), expected);
    }

    #[test]
    fn commands_use_the_scenarios_names() {
        let names = names();
        let named = ScenarioNames::new(&names, mentioned(3));
        let numbered =
            json!({"node-name": "n0", "driver": "file", "filename": "n0.img", "children": ["n1", "n2"], "id": "u0"});
        let expected = json!({"node-name": "img", "driver": "file", "filename": "DIR/img.img",
            "children": ["n0", "u7"], "id": "guest"});
        assert_eq!(named.arguments(&numbered), expected);
        assert!(named.legend().is_empty());
    }

    #[test]
    fn an_invalid_name_becomes_a_number() {
        let mut names = names();
        names.define_node("#block1").unwrap();
        let named = ScenarioNames::new(&names, mentioned(4));
        assert_eq!(named.arguments(&json!(["n3", "n0", "u0"])), json!(["n3", "n0", "guest"]));
        assert_eq!(named.legend(), ["n0 is node img", "n1 is node n0", "n2 is node u7", "n3 is node #block1"]);
    }
}
