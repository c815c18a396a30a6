//! Assigns owners to block backends without a name (D8), of which QEMU shows only that they exist.

use crate::audit::dump::Dump;
use crate::audit::graph::{Edge, EdgeParent, Node, User};
use blockgraph_model::perm::W;
use serde_json::Value;

/// Names the backends of devices and exports, and merges a job's own backend with the job's edge on the same node.
pub(super) fn assign_names(
    users: &mut [User],
    edges: &mut Vec<Edge>,
    nodes: &[Node],
    dump: &Dump,
    notes: &mut Vec<String>,
) {
    let is_unnamed = |user: &User| user.job.is_none() && user.label.starts_with("block backend ");
    let mut unnamed: Vec<usize> = (0..users.len()).filter(|user| is_unnamed(&users[*user])).collect();
    for user in &unnamed {
        let id = users[*user].label.rsplit(' ').next().unwrap_or_default().to_owned();
        users[*user].name = unused_name(users, &format!("blk{id}"));
    }
    for BackendOwner { node, name, label } in devices(dump).into_iter().chain(exports(dump)) {
        let uses_node =
            |user: &usize| edges.iter().any(|edge| belongs_to(edge, *user) && nodes[edge.child].name == node);
        let writes = |user: &usize| edges.iter().any(|edge| belongs_to(edge, *user) && edge.observed.need.meets(W));
        let candidates: Vec<usize> = unnamed.iter().copied().filter(uses_node).collect();
        // A job's own backend on the same node seldom writes, so a backend that writes is preferred.
        let Some(user) = candidates.iter().copied().find(writes).or(candidates.first().copied()) else { continue };
        if candidates.len() > 1 {
            notes.push(format!(
                "{label} is taken to be the block backend {}, one of several on {node}",
                users[user].name
            ));
        }
        unnamed.retain(|other| *other != user);
        users[user].name = unused_name(users, &name);
        users[user].label = label;
    }
    join_job_backends(users, edges, nodes, &unnamed, notes);
}

/// Merges a job's own block backends with its edges, because the model has one user for each node of a job.
fn join_job_backends(
    users: &[User],
    edges: &mut Vec<Edge>,
    nodes: &[Node],
    unnamed: &[usize],
    notes: &mut Vec<String>,
) {
    for &user in unnamed {
        let Some(own_edge) = edges.iter().position(|edge| belongs_to(edge, user)) else { continue };
        let Edge { child, observed, .. } = edges[own_edge];
        let is_job = |edge: &Edge| matches!(edge.parent, EdgeParent::User(other) if users[other].job.is_some());
        let Some(job_edge) = edges.iter().position(|edge| edge.child == child && is_job(edge)) else { continue };
        edges[job_edge].observed = edges[job_edge].observed.with(observed);
        if let EdgeParent::User(job) = edges[job_edge].parent {
            let (blk, label, node) = (&users[user].name, &users[job].label, &nodes[child].name);
            notes
                .push(format!("{blk} is taken to be a block backend of {label}'s own, and part of its edge on {node}"));
        }
        edges.remove(own_edge);
    }
}

fn belongs_to(edge: &Edge, user: usize) -> bool {
    edge.parent == EdgeParent::User(user)
}

/// A device or export that must have a block backend.
struct BackendOwner {
    node: String,
    name: String,
    label: String,
}

fn devices(dump: &Dump) -> Vec<BackendOwner> {
    let owner = |value: &Value| {
        let node = value["inserted"]["node-name"].as_str()?.to_owned();
        // A backend with a name is already shown with it.
        let path = value["qdev"].as_str().filter(|_| value["device"] == "")?;
        let path = path.strip_suffix("/virtio-backend").unwrap_or(path);
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        Some(BackendOwner { node, label: format!("device {name}"), name })
    };
    reply_list(dump, "query-block").iter().filter_map(owner).collect()
}

fn exports(dump: &Dump) -> Vec<BackendOwner> {
    let owner = |value: &Value| {
        let (id, node) = (value["id"].as_str()?, value["node-name"].as_str()?);
        Some(BackendOwner { node: node.to_owned(), name: id.to_owned(), label: format!("export {id}") })
    };
    reply_list(dump, "query-block-exports").iter().filter_map(owner).collect()
}

fn reply_list<'a>(dump: &'a Dump, part: &str) -> &'a [Value] {
    dump.reply(part).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the name with characters that operations accept, made unique among the users.
fn unused_name(users: &[User], name: &str) -> String {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
    let mut name: String = name.chars().map(|c| if is_allowed(c) { c } else { '-' }).collect();
    while name == "none"
        || !name.contains(|c: char| c.is_ascii_alphanumeric())
        || users.iter().any(|user| user.name == name)
    {
        name.push('x');
    }
    name
}
