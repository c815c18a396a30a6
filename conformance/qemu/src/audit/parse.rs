//! Builds an [`AuditGraph`] from a dump (D3–D6).

use crate::audit::dump::Dump;
use crate::audit::graph::{AuditGraph, Edge, EdgeParent, Job, Node, User};
use crate::daemon::graph_query::GRAPH_QUERY;
use crate::wire::block_graph::{GraphEdge, Vertex, parse as parse_block_graph};
use crate::wire::drivers;
use crate::wire::names::PERMISSIONS;
use blockgraph_model::op::Flags;
use blockgraph_model::perm::{ALL, NONE};
use blockgraph_model::{Opt, Pair, Perms, Role};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A graph, and what had to be assumed to build it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ParsedDump {
    /// The graph.
    pub graph: AuditGraph,
    /// The assumptions, one sentence each.
    pub notes: Vec<String>,
}

/// A result whose error is the path of what is missing or of the wrong type.
type ParseResult<T> = Result<T, String>;

/// Builds the graph.
///
/// # Errors
/// Fails with the path, in the dump, of what is missing or of the wrong type. No dump makes it panic.
pub fn parse(dump: &Dump) -> ParseResult<ParsedDump> {
    let graph = dump.reply(GRAPH_QUERY).ok_or_else(|| format!("{GRAPH_QUERY}: QEMU refused it"))?;
    let mut builder =
        GraphBuilder { infos: parse_node_infos(dump)?, jobs: parse_job_types(dump), ..GraphBuilder::default() };
    let block_graph = parse_block_graph(graph)?;
    let mut ends: Vec<EdgeParent> = block_graph.vertices.iter().rev().map(|vertex| builder.vertex(vertex)).collect();
    ends.reverse();
    // QEMU puts each edge before those that it has already shown (D6).
    for (place, edge) in block_graph.edges.iter().enumerate().rev() {
        builder.edge(edge, &ends, &format!("{GRAPH_QUERY}.edges[{place}]"))?;
    }
    builder.assign_contexts(dump);
    super::unnamed_users::assign_names(
        &mut builder.users,
        &mut builder.edges,
        &builder.nodes,
        dump,
        &mut builder.notes,
    );
    builder.drop_users_without_edges();
    builder.assign_roles();
    let mut notes = dump_notes(dump);
    notes.append(&mut builder.notes);
    let mut graph = AuditGraph::new(builder.nodes, builder.users, builder.edges);
    super::infer::infer_options(&mut graph, &mut notes);
    Ok(ParsedDump { graph, notes })
}

fn dump_notes(dump: &Dump) -> Vec<String> {
    let mut notes = Vec::new();
    if dump.version().is_none() {
        notes.push("the version of QEMU is not in the dump".to_owned());
    }
    for name in dump.missing_replies() {
        let lost = match name {
            "query-named-block-nodes" => "drivers, read-only and inactive are unknown: no pair is derived",
            "query-block-exports" => "exports have no names",
            "query-block-jobs" => "the types of jobs are unknown",
            _ => "devices have no names",
        };
        notes.push(format!("no reply of {name}: {lost}"));
    }
    if dump.reply("torn").is_some() {
        notes.push("the graph kept changing while it was read: the result may mix two states".to_owned());
    }
    notes
}

/// What `query-named-block-nodes` reports about a node.
#[derive(Clone, Debug)]
struct NodeInfo {
    driver: Option<String>,
    read_only: Option<bool>,
    active: Option<bool>,
}

#[derive(Default)]
struct GraphBuilder {
    /// `None` if the dump has no such list.
    infos: Option<HashMap<String, NodeInfo>>,
    /// The type of each job.
    jobs: HashMap<String, String>,
    nodes: Vec<Node>,
    users: Vec<User>,
    edges: Vec<Edge>,
    used_names: HashSet<String>,
    noted: HashSet<String>,
    notes: Vec<String>,
}

impl GraphBuilder {
    fn vertex(&mut self, vertex: &Vertex<'_>) -> EdgeParent {
        if vertex.is_node() {
            self.node(vertex.name, vertex.id);
            EdgeParent::Node(self.nodes.len() - 1)
        } else {
            self.user(vertex.name, vertex.kind, vertex.id);
            EdgeParent::User(self.users.len() - 1)
        }
    }

    fn node(&mut self, qemu_name: &str, id: u64) {
        let name = self.unique_name(qemu_name, "node", id);
        let info = self.infos.as_ref().map(|infos| infos.get(qemu_name));
        let known = info.flatten();
        let driver = known.and_then(|info| info.driver.clone());
        let flags = Flags {
            read_only: known.and_then(|info| info.read_only).unwrap_or(false),
            inactive: known.and_then(|info| info.active).is_some_and(|active| !active),
            ..Flags::NONE
        };
        let kind = driver.as_deref().and_then(drivers::kind);
        self.nodes.push(Node {
            name,
            driver: driver.unwrap_or_else(|| "?".to_owned()),
            kind,
            opt: kind.map_or(Opt::None, |kind| kind.default_opt()),
            flags,
            flags_shown: known.is_some_and(|info| info.read_only.is_some()),
            listed: info.map(|info| info.is_some()),
            context: None,
        });
    }

    fn user(&mut self, qemu_name: &str, what: &str, id: u64) {
        let (job, label) = match what {
            "block-job" => {
                let kind = self.jobs.get(qemu_name).cloned();
                let of = kind.as_ref().map_or(String::new(), |kind| format!("{kind} "));
                (Some(Job { id: qemu_name.to_owned(), kind }), format!("{of}job {qemu_name}"))
            }
            "block-backend" if qemu_name.is_empty() => (None, format!("block backend {id}")),
            "block-backend" => (None, format!("device {qemu_name}")),
            other => (None, format!("{other} {qemu_name}")),
        };
        let name = self.unique_name(qemu_name, "user", id);
        self.users.push(User { name, label, job });
    }

    /// Returns a name that operations accept and that no other node (or no other user) has.
    fn unique_name(&mut self, qemu_name: &str, what: &str, id: u64) -> String {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
        let is_usable = qemu_name.chars().all(is_allowed)
            && qemu_name.chars().any(|c| c.is_ascii_alphanumeric())
            && qemu_name != "none";
        // Nodes and users have separate name spaces.
        let is_free = |used_names: &HashSet<String>, name: &str| !used_names.contains(&format!("{what} {name}"));
        let mut name = qemu_name.to_owned();
        if !is_usable || !is_free(&self.used_names, &name) {
            name = format!("{what}{id}");
            while !is_free(&self.used_names, &name) {
                name.push('x');
            }
            if !qemu_name.is_empty() {
                self.notes.push(format!("the {what} {qemu_name:?} is called {name} here"));
            }
        }
        self.used_names.insert(format!("{what} {name}"));
        name
    }

    fn edge(&mut self, edge: &GraphEdge<'_>, ends: &[EdgeParent], path: &str) -> ParseResult<()> {
        // The lower end of every edge is a node; the block graph's parser has checked that.
        let (parent, EdgeParent::Node(child)) = (ends[edge.parent], ends[edge.child]) else { return Ok(()) };
        let need = self.perms(edge.value, "perm", path)?.unwrap_or(NONE);
        let share = self.perms(edge.value, "shared-perm", path)?.unwrap_or(ALL);
        self.edges.push(Edge {
            parent,
            child,
            name: edge.name.to_owned(),
            role: None,
            observed: Pair::new(need, share),
        });
        Ok(())
    }

    fn perms(&mut self, value: &Value, key: &str, path: &str) -> ParseResult<Option<Perms>> {
        let Some(list) = value.get(key) else {
            self.note_once(format!("{path}.{key} is missing: taken as nothing needed, everything shared"));
            return Ok(None);
        };
        let words = list.as_array().ok_or_else(|| format!("{path}.{key}: expected a list"))?;
        let mut perms = NONE;
        for (place, word) in words.iter().enumerate() {
            let word = word.as_str().ok_or_else(|| format!("{path}.{key}[{place}]: expected a text"))?;
            match PERMISSIONS.iter().position(|known| *known == word) {
                Some(bit) => perms = perms | Perms(1 << bit),
                None => self.note_once(format!("the permission {word:?} is not known, and is left out")),
            }
        }
        Ok(Some(perms))
    }

    fn note_once(&mut self, note: String) {
        if self.noted.insert(note.clone()) {
            self.notes.push(note);
        }
    }

    /// Sets the contexts (D3). QMP does not show them, but they can be added to the dump.
    fn assign_contexts(&mut self, dump: &Dump) {
        let Some(reply) = dump.reply("contexts") else { return };
        for node in &mut self.nodes {
            node.context = reply.get(&node.name).and_then(Value::as_str).map(str::to_owned);
        }
    }

    /// Drops users without an edge, such as a drive without a medium.
    fn drop_users_without_edges(&mut self) {
        let uses = |user: usize| self.edges.iter().any(|edge| edge.parent == EdgeParent::User(user));
        let kept: Vec<usize> = (0..self.users.len()).filter(|user| uses(*user)).collect();
        for edge in &mut self.edges {
            if let EdgeParent::User(user) = &mut edge.parent {
                *user = kept.partition_point(|other| other < user);
            }
        }
        self.users = kept.into_iter().map(|user| self.users[user].clone()).collect();
    }

    /// Sets the roles of the edges below nodes whose driver is known (D4).
    fn assign_roles(&mut self) {
        let with_data_file: HashSet<EdgeParent> =
            self.edges.iter().filter(|edge| edge.name == "data-file").map(|edge| edge.parent).collect();
        let mut unknown: Vec<usize> = Vec::new();
        for edge in &mut self.edges {
            let EdgeParent::Node(parent) = edge.parent else {
                edge.role = Some(Role(0));
                continue;
            };
            let role = |kind| drivers::role(kind, &edge.name, with_data_file.contains(&edge.parent));
            edge.role = self.nodes[parent].kind.and_then(role);
            if edge.role.is_none() && !unknown.contains(&parent) {
                unknown.push(parent);
            }
        }
        for parent in unknown {
            let Node { name, driver, kind, .. } = &mut self.nodes[parent];
            let why = match kind {
                Some(_) => format!("{driver} has a child whose role is not known"),
                None => format!("driver {driver} is not known"),
            };
            self.notes
                .push(format!("not checked: the child edges of {name}, because {why}; their pairs are taken as seen"));
            *kind = None;
        }
    }
}

fn parse_node_infos(dump: &Dump) -> ParseResult<Option<HashMap<String, NodeInfo>>> {
    const NODE_QUERY: &str = "query-named-block-nodes";
    let Some(reply) = dump.reply(NODE_QUERY) else { return Ok(None) };
    let reply = reply.as_array().ok_or_else(|| format!("{NODE_QUERY}: expected a list"))?;
    let info = |value: &Value| {
        let switch = |key: &str| value.get(key).and_then(Value::as_bool);
        let driver = value.get("drv").and_then(Value::as_str).map(str::to_owned);
        let name = value.get("node-name").and_then(Value::as_str)?.to_owned();
        Some((name, NodeInfo { driver, read_only: switch("ro"), active: switch("active") }))
    };
    Ok(Some(reply.iter().filter_map(info).collect()))
}

fn parse_job_types(dump: &Dump) -> HashMap<String, String> {
    let reply = dump.reply("query-block-jobs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    reply.iter().filter_map(|job| Some((text(job, "device")?, text(job, "type")?))).collect()
}
