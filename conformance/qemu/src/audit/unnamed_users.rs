//! Whose the block backends without a name are (D8): QEMU shows only that they are there.

use crate::audit::dump::Dump;
use crate::audit::graph::{Edge, Node, Upper, User};
use blockgraph_model::perm::W;
use serde_json::Value;

/// Gives names to the backends of devices and exports, and joins a job's own with the job's edge on the same node.
pub(super) fn name(users: &mut [User], edges: &mut Vec<Edge>, nodes: &[Node], dump: &Dump, notes: &mut Vec<String>) {
    let nameless = |user: &User| user.job.is_none() && user.label.starts_with("block backend ");
    let mut free: Vec<usize> = (0..users.len()).filter(|user| nameless(&users[*user])).collect();
    for user in &free {
        let id = users[*user].label.rsplit(' ').next().unwrap_or_default().to_owned();
        users[*user].name = unused(users, &format!("blk{id}"));
    }
    for Owner { node, name, label } in devices(dump).into_iter().chain(exports(dump)) {
        let here = |user: &usize| edges.iter().any(|edge| of(edge, *user) && nodes[edge.child].name == node);
        let writes = |user: &usize| edges.iter().any(|edge| of(edge, *user) && edge.seen.need.meets(W));
        let there: Vec<usize> = free.iter().copied().filter(here).collect();
        // A job's own backend on the same node seldom writes.
        let Some(user) = there.iter().copied().find(writes).or(there.first().copied()) else { continue };
        if there.len() > 1 {
            notes.push(format!(
                "{label} is taken to be the block backend {}, one of several on {node}",
                users[user].name
            ));
        }
        free.retain(|other| *other != user);
        users[user].name = unused(users, &name);
        users[user].label = label;
    }
    join(users, edges, nodes, &free, notes);
}

/// A job has block backends of its own beside its edges; to the model that is one user for each node.
fn join(users: &[User], edges: &mut Vec<Edge>, nodes: &[Node], free: &[usize], notes: &mut Vec<String>) {
    for &user in free {
        let Some(place) = edges.iter().position(|edge| of(edge, user)) else { continue };
        let Edge { child, seen, .. } = edges[place];
        let is_job = |edge: &Edge| matches!(edge.upper, Upper::User(other) if users[other].job.is_some());
        let Some(joined) = edges.iter().position(|edge| edge.child == child && is_job(edge)) else { continue };
        edges[joined].seen = edges[joined].seen.with(seen);
        if let Upper::User(job) = edges[joined].upper {
            let (blk, label, node) = (&users[user].name, &users[job].label, &nodes[child].name);
            notes
                .push(format!("{blk} is taken to be a block backend of {label}'s own, and part of its edge on {node}"));
        }
        edges.remove(place);
    }
}

fn of(edge: &Edge, user: usize) -> bool {
    edge.upper == Upper::User(user)
}

/// Somebody who must have a block backend.
struct Owner {
    node: String,
    name: String,
    label: String,
}

fn devices(dump: &Dump) -> Vec<Owner> {
    let owner = |value: &Value| {
        let node = value["inserted"]["node-name"].as_str()?.to_owned();
        // One with a name is shown with it.
        let path = value["qdev"].as_str().filter(|_| value["device"] == "")?;
        let path = path.strip_suffix("/virtio-backend").unwrap_or(path);
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        Some(Owner { node, label: format!("device {name}"), name })
    };
    list(dump, "query-block").iter().filter_map(owner).collect()
}

fn exports(dump: &Dump) -> Vec<Owner> {
    let owner = |value: &Value| {
        let (id, node) = (value["id"].as_str()?, value["node-name"].as_str()?);
        Some(Owner { node: node.to_owned(), name: id.to_owned(), label: format!("export {id}") })
    };
    list(dump, "query-block-exports").iter().filter_map(owner).collect()
}

fn list<'a>(dump: &'a Dump, part: &str) -> &'a [Value] {
    dump.part(part).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// That name, or one made from it that can stand in an operation and that no user has.
fn unused(users: &[User], name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
    let mut name: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    while name == "none"
        || !name.contains(|c: char| c.is_ascii_alphanumeric())
        || users.iter().any(|user| user.name == name)
    {
        name.push('x');
    }
    name
}
