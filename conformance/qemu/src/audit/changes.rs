//! Lists the differences between two audited graphs, as text lines.

use crate::audit::explain::format_pair;
use crate::audit::graph::{AuditGraph, EdgeParent, Node};

/// Identifies an edge in both graphs: whether its parent is a user, the parent's name, and the edge's own name (empty
/// for a user's edge).
type EdgeKey<'a> = (bool, &'a str, &'a str);

fn edge_key(graph: &AuditGraph, edge: usize) -> EdgeKey<'_> {
    let of = &graph.edges[edge];
    match of.parent {
        EdgeParent::Node(node) => (false, &graph.nodes[node].name, &of.name),
        EdgeParent::User(user) => (true, &graph.users[user].name, ""),
    }
}

/// Returns the edge as operations name it: `@user` or `parent/child`.
fn edge_label(graph: &AuditGraph, edge: usize) -> String {
    match edge_key(graph, edge) {
        (true, user, _) => format!("@{user}"),
        (false, parent, name) => format!("{parent}/{name}"),
    }
}

/// Returns one line for each node and edge that is new, gone or changed.
pub fn changes(before: &AuditGraph, after: &AuditGraph) -> Vec<String> {
    let mut lines = Vec::new();
    for node in &before.nodes {
        match after.nodes.iter().find(|other| other.name == node.name) {
            Some(other) => lines.extend(node_changes(node, other)),
            None => lines.push(format!("{} node {} is closed", node.driver, node.name)),
        }
    }
    let new = after.nodes.iter().filter(|node| before.node(&node.name).is_none());
    lines.extend(new.map(|node| format!("{} node {} is new", node.driver, node.name)));
    let end = |graph: &AuditGraph, edge: usize| graph.nodes[graph.edges[edge].child].name.clone();
    for edge in 0..before.edges.len() {
        let id = edge_key(before, edge);
        let name = edge_label(before, edge);
        let Some(now) = (0..after.edges.len()).find(|other| edge_key(after, *other) == id) else {
            lines.push(format!("{name} → {} is gone", end(before, edge)));
            continue;
        };
        let (was, is) = (before.edges[edge].pair(), after.edges[now].pair());
        let pairs =
            if was == is { String::new() } else { format!(": {} becomes {}", format_pair(was), format_pair(is)) };
        let (from, to) = (end(before, edge), end(after, now));
        if from != to {
            lines.push(format!("{name} moves from {from} to {to}{pairs}"));
        } else if was != is {
            lines.push(format!("{name} → {to}{pairs}"));
        }
    }
    for edge in 0..after.edges.len() {
        let id = edge_key(after, edge);
        if (0..before.edges.len()).all(|other| edge_key(before, other) != id) {
            let (name, child) = (edge_label(after, edge), end(after, edge));
            lines.push(format!("{name} → {child} is new: {}", format_pair(after.edges[edge].pair())));
        }
    }
    lines
}

/// Returns one line for each change of a node's flags, options or context.
fn node_changes(was: &Node, is: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    let words = [
        (was.flags.read_only, is.flags.read_only, "read-only", "writable"),
        (was.flags.inactive, is.flags.inactive, "inactive", "active"),
    ];
    for (before, after, on, off) in words {
        if before != after {
            lines.push(format!("{} becomes {}", is.name, if after { on } else { off }));
        }
    }
    if was.opt != is.opt {
        lines.push(format!("{} gets other options", is.name));
    }
    if let (Some(from), Some(to)) = (&was.context, &is.context)
        && from != to
    {
        lines.push(format!("{} moves from context {from} to context {to}", is.name));
    }
    lines
}
