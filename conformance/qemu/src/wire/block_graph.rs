//! The reply of `x-debug-query-block-graph`: everything that must be there is there, and each end of an edge is found. What the
//! names and the permissions mean is for others to say.

use crate::daemon::graph_query::GRAPH_QUERY;
use serde_json::Value;
use std::collections::HashMap;

/// Such a reply.
#[derive(Clone, PartialEq, Debug)]
pub struct BlockGraph<'a> {
    /// Nodes and who uses them, in QEMU's order.
    pub vertices: Vec<Vertex<'a>>,
    /// The edges, in QEMU's order.
    pub edges: Vec<GraphEdge<'a>>,
}

/// A node, a job or a block backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vertex<'a> {
    /// Its number, which nobody else has.
    pub id: u64,
    /// Its name; empty if it has none.
    pub name: &'a str,
    /// `block-driver`, `block-job`, `block-backend`.
    pub kind: &'a str,
}

impl Vertex<'_> {
    /// Is it a node?
    pub fn is_node(&self) -> bool {
        self.kind == "block-driver"
    }
}

/// An edge.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GraphEdge<'a> {
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
pub fn parse(graph: &Value) -> Result<BlockGraph<'_>, String> {
    let mut vertices = Vec::new();
    let mut indices = HashMap::new();
    for (index, value) in list(graph, "nodes")?.iter().enumerate() {
        let path = format!("{GRAPH_QUERY}.nodes[{index}]");
        let id = number(value, "id", &path)?;
        if indices.insert(id, index).is_some() {
            return Err(format!("{path}.id: {id} is the id of another one as well"));
        }
        vertices.push(Vertex { id, name: text(value, "name", &path)?, kind: text(value, "type", &path)? });
    }
    let mut edges = Vec::new();
    for (index, value) in list(graph, "edges")?.iter().enumerate() {
        let path = format!("{GRAPH_QUERY}.edges[{index}]");
        let end = |key: &str| {
            let id = number(value, key, &path)?;
            indices.get(&id).copied().ok_or_else(|| format!("{path}.{key}: there is nobody with the id {id}"))
        };
        let (parent, child) = (end("parent")?, end("child")?);
        if !vertices[child].is_node() {
            return Err(format!("{path}.child: this is no node"));
        }
        edges.push(GraphEdge { parent, child, name: text(value, "name", &path)?, value });
    }
    Ok(BlockGraph { vertices, edges })
}

fn list<'a>(graph: &'a Value, key: &str) -> Result<&'a [Value], String> {
    let found = graph.get(key).and_then(Value::as_array);
    found.map(Vec::as_slice).ok_or_else(|| format!("{GRAPH_QUERY}.{key}: expected a list"))
}

fn number(value: &Value, key: &str, path: &str) -> Result<u64, String> {
    value.get(key).and_then(Value::as_u64).ok_or_else(|| format!("{path}.{key}: expected a whole number"))
}

fn text<'a>(value: &'a Value, key: &str, path: &str) -> Result<&'a str, String> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("{path}.{key}: expected a text"))
}
