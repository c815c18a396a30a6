//! The reply of `x-debug-query-block-graph`: everything that must be there is there, and each end of an edge is found. What the
//! names and the permissions mean is for others to say.

use crate::daemon::graph_query::GRAPH;
use serde_json::Value;
use std::collections::HashMap;

/// Such a reply.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawn<'a> {
    /// Nodes and who uses them, in QEMU's order.
    pub members: Vec<Member<'a>>,
    /// The edges, in QEMU's order.
    pub edges: Vec<Line<'a>>,
}

/// A node, a job or a block backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// Its number, which nobody else has.
    pub id: u64,
    /// Its name; empty if it has none.
    pub name: &'a str,
    /// `block-driver`, `block-job`, `block-backend`.
    pub what: &'a str,
}

impl Member<'_> {
    /// Is it a node?
    pub fn is_node(&self) -> bool {
        self.what == "block-driver"
    }
}

/// An edge.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Line<'a> {
    /// The place of the upper end among the members.
    pub parent: usize,
    /// The place of the lower end, which is a node.
    pub child: usize,
    /// What the parent calls it.
    pub name: &'a str,
    /// The edge itself, with its permissions.
    pub value: &'a Value,
}

/// Reads it; an error is what is missing or of the wrong type, with its path.
///
/// # Errors
/// As said.
pub fn drawn(graph: &Value) -> Result<Drawn<'_>, String> {
    let mut members = Vec::new();
    let mut places = HashMap::new();
    for (place, value) in list(graph, "nodes")?.iter().enumerate() {
        let path = format!("{GRAPH}.nodes[{place}]");
        let id = number(value, "id", &path)?;
        if places.insert(id, place).is_some() {
            return Err(format!("{path}.id: {id} is the id of another one as well"));
        }
        members.push(Member { id, name: word(value, "name", &path)?, what: word(value, "type", &path)? });
    }
    let mut edges = Vec::new();
    for (place, value) in list(graph, "edges")?.iter().enumerate() {
        let path = format!("{GRAPH}.edges[{place}]");
        let end = |key: &str| {
            let id = number(value, key, &path)?;
            places.get(&id).copied().ok_or_else(|| format!("{path}.{key}: there is nobody with the id {id}"))
        };
        let (parent, child) = (end("parent")?, end("child")?);
        if !members[child].is_node() {
            return Err(format!("{path}.child: this is no node"));
        }
        edges.push(Line { parent, child, name: word(value, "name", &path)?, value });
    }
    Ok(Drawn { members, edges })
}

fn list<'a>(graph: &'a Value, key: &str) -> Result<&'a [Value], String> {
    let found = graph.get(key).and_then(Value::as_array);
    found.map(Vec::as_slice).ok_or_else(|| format!("{GRAPH}.{key}: expected a list"))
}

fn number(value: &Value, key: &str, path: &str) -> Result<u64, String> {
    value.get(key).and_then(Value::as_u64).ok_or_else(|| format!("{path}.{key}: expected a whole number"))
}

fn word<'a>(value: &'a Value, key: &str, path: &str) -> Result<&'a str, String> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("{path}.{key}: expected a text"))
}
