//! Parses the reply of `x-debug-query-block-graph`. The parser checks that everything required is there and that both
//! ends of each edge exist. It does not interpret names and permissions.

use crate::daemon::graph_query::GRAPH_QUERY;
use serde_json::Value;
use std::collections::HashMap;

/// A parsed reply.
#[derive(Clone, PartialEq, Debug)]
pub struct BlockGraph<'a> {
    /// The nodes and their users, in QEMU's order.
    pub vertices: Vec<Vertex<'a>>,
    /// The edges, in QEMU's order.
    pub edges: Vec<GraphEdge<'a>>,
}

/// A node, a job or a block backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vertex<'a> {
    /// The number that identifies it in this reply.
    pub id: u64,
    /// The name; empty if there is none.
    pub name: &'a str,
    /// The type: `block-driver`, `block-job` or `block-backend`.
    pub kind: &'a str,
}

impl Vertex<'_> {
    /// Returns whether the vertex is a node.
    pub fn is_node(&self) -> bool {
        self.kind == "block-driver"
    }
}

/// An edge.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GraphEdge<'a> {
    /// The index of the parent among the vertices.
    pub parent: usize,
    /// The index of the child among the vertices. The child is a node.
    pub child: usize,
    /// The parent's name of the child.
    pub name: &'a str,
    /// The JSON object of the edge, with its permissions.
    pub value: &'a Value,
}

/// Parses a reply.
///
/// # Errors
/// Fails with the path of what is missing or of the wrong type.
pub fn parse(graph: &Value) -> Result<BlockGraph<'_>, String> {
    let mut vertices = Vec::new();
    let mut indices = HashMap::new();
    for (index, value) in list(graph, "nodes")?.iter().enumerate() {
        let path = format!("{GRAPH_QUERY}.nodes[{index}]");
        let id = number(value, "id", &path)?;
        if indices.insert(id, index).is_some() {
            return Err(format!("{path}.id: the id {id} is used twice"));
        }
        vertices.push(Vertex { id, name: text(value, "name", &path)?, kind: text(value, "type", &path)? });
    }
    let mut edges = Vec::new();
    for (index, value) in list(graph, "edges")?.iter().enumerate() {
        let path = format!("{GRAPH_QUERY}.edges[{index}]");
        let end = |key: &str| {
            let id = number(value, key, &path)?;
            indices.get(&id).copied().ok_or_else(|| format!("{path}.{key}: no entry has the id {id}"))
        };
        let (parent, child) = (end("parent")?, end("child")?);
        if !vertices[child].is_node() {
            return Err(format!("{path}.child: this is not a node"));
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
