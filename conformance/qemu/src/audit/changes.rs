//! What is different between two graphs, in the words of the audit.

use crate::audit::explain::pair;
use crate::audit::graph::{AuditGraph, Node, Upper};

/// What an edge is known by: is its parent a user, that one's name, its own name.
type Known<'a> = (bool, &'a str, &'a str);

fn known(web: &AuditGraph, edge: usize) -> Known<'_> {
    let of = &web.edges[edge];
    match of.upper {
        Upper::Node(node) => (false, &web.nodes[node].name, &of.name),
        Upper::User(user) => (true, &web.users[user].name, ""),
    }
}

/// As operations name it: `@user`, `parent/child`.
fn named(web: &AuditGraph, edge: usize) -> String {
    match known(web, edge) {
        (true, user, _) => format!("@{user}"),
        (false, parent, name) => format!("{parent}/{name}"),
    }
}

/// One line for each node and edge that is new, gone or otherwise.
pub fn changes(before: &AuditGraph, after: &AuditGraph) -> Vec<String> {
    let mut lines = Vec::new();
    for node in &before.nodes {
        match after.nodes.iter().find(|other| other.name == node.name) {
            Some(other) => lines.extend(turned(node, other)),
            None => lines.push(format!("{} node {} is closed", node.driver, node.name)),
        }
    }
    let new = after.nodes.iter().filter(|node| before.node(&node.name).is_none());
    lines.extend(new.map(|node| format!("{} node {} is new", node.driver, node.name)));
    let end = |web: &AuditGraph, edge: usize| web.nodes[web.edges[edge].child].name.clone();
    for edge in 0..before.edges.len() {
        let id = known(before, edge);
        let name = named(before, edge);
        let Some(now) = (0..after.edges.len()).find(|other| known(after, *other) == id) else {
            lines.push(format!("{name} → {} is gone", end(before, edge)));
            continue;
        };
        let (was, is) = (before.edges[edge].pair(), after.edges[now].pair());
        let pairs = if was == is { String::new() } else { format!(": {} becomes {}", pair(was), pair(is)) };
        let (from, to) = (end(before, edge), end(after, now));
        if from != to {
            lines.push(format!("{name} moves from {from} to {to}{pairs}"));
        } else if was != is {
            lines.push(format!("{name} → {to}{pairs}"));
        }
    }
    for edge in 0..after.edges.len() {
        let id = known(after, edge);
        if (0..before.edges.len()).all(|other| known(before, other) != id) {
            let (name, child) = (named(after, edge), end(after, edge));
            lines.push(format!("{name} → {child} is new: {}", pair(after.edges[edge].pair())));
        }
    }
    lines
}

/// What became of a node.
fn turned(was: &Node, is: &Node) -> Vec<String> {
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
