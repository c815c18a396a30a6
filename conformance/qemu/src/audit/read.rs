//! Makes a [`AuditGraph`] of a dump (D3–D6).

use crate::audit::dump::Dump;
use crate::audit::graph::{AuditGraph, Edge, Job, Node, Upper, User};
use crate::daemon::graph_query::GRAPH;
use crate::wire::block_graph::{Line, Member, drawn};
use crate::wire::drivers;
use crate::wire::names::PERMISSIONS;
use blockgraph_model::op::Flags;
use blockgraph_model::perm::{ALL, NONE};
use blockgraph_model::{Opt, Pair, Perms, Role};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A graph, and what had to be assumed to read it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reading {
    /// The graph.
    pub web: AuditGraph,
    /// One sentence each.
    pub notes: Vec<String>,
}

/// A word in the reply that is not there, or is of another type: where.
type Read<T> = Result<T, String>;

/// Reads the graph.
///
/// # Errors
/// What is missing or of the wrong type, with its path in the dump. A garbled dump is an error and nothing worse.
pub fn read(dump: &Dump) -> Read<Reading> {
    let graph = dump.part(GRAPH).ok_or_else(|| format!("{GRAPH}: QEMU refused it"))?;
    let mut reader = Reader { infos: infos(dump)?, jobs: jobs(dump), ..Reader::default() };
    let drawn = drawn(graph)?;
    let mut ends: Vec<Upper> = drawn.members.iter().rev().map(|member| reader.member(member)).collect();
    ends.reverse();
    // QEMU puts each edge before those that it has shown (D6).
    for (place, line) in drawn.edges.iter().enumerate().rev() {
        reader.edge(line, &ends, &format!("{GRAPH}.edges[{place}]"))?;
    }
    reader.contexts(dump);
    super::unnamed_users::name(&mut reader.users, &mut reader.edges, &reader.nodes, dump, &mut reader.notes);
    reader.forget_idle();
    reader.roles();
    let mut notes = dump_notes(dump);
    notes.append(&mut reader.notes);
    let mut web = AuditGraph::new(reader.nodes, reader.users, reader.edges);
    super::infer::infer(&mut web, &mut notes);
    Ok(Reading { web, notes })
}

fn dump_notes(dump: &Dump) -> Vec<String> {
    let mut notes = Vec::new();
    if dump.version().is_none() {
        notes.push("the version of QEMU is not told".to_owned());
    }
    for name in dump.missing() {
        let lost = match name {
            "query-named-block-nodes" => "drivers, read-only and inactive are unknown: no pair is derived",
            "query-block-exports" => "exports have no names",
            "query-block-jobs" => "the types of jobs are unknown",
            _ => "devices have no names",
        };
        notes.push(format!("no reply of {name}: {lost}"));
    }
    if dump.part("torn").is_some() {
        notes.push("the graph changed all the time while it was read: what follows may mix two moments".to_owned());
    }
    notes
}

/// What `query-named-block-nodes` says of a node.
#[derive(Clone, Debug)]
struct Info {
    driver: Option<String>,
    read_only: Option<bool>,
    active: Option<bool>,
}

#[derive(Default)]
struct Reader {
    /// `None`: there is no list.
    infos: Option<HashMap<String, Info>>,
    /// To each job its type.
    jobs: HashMap<String, String>,
    nodes: Vec<Node>,
    users: Vec<User>,
    edges: Vec<Edge>,
    taken: HashSet<String>,
    strange: HashSet<String>,
    notes: Vec<String>,
}

impl Reader {
    fn member(&mut self, member: &Member<'_>) -> Upper {
        if member.is_node() {
            self.node(member.name, member.id);
            Upper::Node(self.nodes.len() - 1)
        } else {
            self.user(member.name, member.what, member.id);
            Upper::User(self.users.len() - 1)
        }
    }

    fn node(&mut self, said: &str, id: u64) {
        let name = self.name(said, "node", id);
        let info = self.infos.as_ref().map(|infos| infos.get(said));
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
            flags_seen: known.is_some_and(|info| info.read_only.is_some()),
            listed: info.map(|info| info.is_some()),
            context: None,
        });
    }

    fn user(&mut self, said: &str, what: &str, id: u64) {
        let (job, label) = match what {
            "block-job" => {
                let kind = self.jobs.get(said).cloned();
                let of = kind.as_ref().map_or(String::new(), |kind| format!("{kind} "));
                (Some(Job { id: said.to_owned(), kind }), format!("{of}job {said}"))
            }
            "block-backend" if said.is_empty() => (None, format!("block backend {id}")),
            "block-backend" => (None, format!("device {said}")),
            other => (None, format!("{other} {said}")),
        };
        let name = self.name(said, "user", id);
        self.users.push(User { name, label, job });
    }

    /// A name that can stand in an operation, and that nobody else has.
    fn name(&mut self, said: &str, what: &str, id: u64) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
        let good = said.chars().all(fits) && said.chars().any(|c| c.is_ascii_alphanumeric()) && said != "none";
        // Nodes and users have names of their own each.
        let free = |taken: &HashSet<String>, name: &str| !taken.contains(&format!("{what} {name}"));
        let mut name = said.to_owned();
        if !good || !free(&self.taken, &name) {
            name = format!("{what}{id}");
            while !free(&self.taken, &name) {
                name.push('x');
            }
            if !said.is_empty() {
                self.notes.push(format!("the {what} {said:?} is called {name} here"));
            }
        }
        self.taken.insert(format!("{what} {name}"));
        name
    }

    fn edge(&mut self, line: &Line<'_>, ends: &[Upper], path: &str) -> Read<()> {
        // Below every edge is a node.
        let (upper, Upper::Node(child)) = (ends[line.parent], ends[line.child]) else { return Ok(()) };
        let need = self.perms(line.value, "perm", path)?.unwrap_or(NONE);
        let share = self.perms(line.value, "shared-perm", path)?.unwrap_or(ALL);
        self.edges.push(Edge { upper, child, name: line.name.to_owned(), role: None, seen: Pair::new(need, share) });
        Ok(())
    }

    fn perms(&mut self, value: &Value, key: &str, path: &str) -> Read<Option<Perms>> {
        let Some(said) = value.get(key) else {
            self.strange(format!("{path}.{key} is missing: taken as nothing needed, everything shared"));
            return Ok(None);
        };
        let words = said.as_array().ok_or_else(|| format!("{path}.{key}: expected a list"))?;
        let mut perms = NONE;
        for (place, word) in words.iter().enumerate() {
            let word = word.as_str().ok_or_else(|| format!("{path}.{key}[{place}]: expected a text"))?;
            match PERMISSIONS.iter().position(|known| *known == word) {
                Some(bit) => perms = perms | Perms(1 << bit),
                None => self.strange(format!("the permission {word:?} is not known, and is left out")),
            }
        }
        Ok(Some(perms))
    }

    fn strange(&mut self, note: String) {
        if self.strange.insert(note.clone()) {
            self.notes.push(note);
        }
    }

    /// D3: contexts are not shown by QMP; whoever knows them may write them into the dump.
    fn contexts(&mut self, dump: &Dump) {
        let Some(told) = dump.part("contexts") else { return };
        for node in &mut self.nodes {
            node.context = told.get(&node.name).and_then(Value::as_str).map(str::to_owned);
        }
    }

    /// A user without a node (a drive without a medium) is not part of the graph.
    fn forget_idle(&mut self) {
        let uses = |user: usize| self.edges.iter().any(|edge| edge.upper == Upper::User(user));
        let kept: Vec<usize> = (0..self.users.len()).filter(|user| uses(*user)).collect();
        for edge in &mut self.edges {
            if let Upper::User(user) = &mut edge.upper {
                *user = kept.partition_point(|other| other < user);
            }
        }
        self.users = kept.into_iter().map(|user| self.users[user].clone()).collect();
    }

    /// D4: the roles of the edges of nodes whose driver is known.
    fn roles(&mut self) {
        let split: HashSet<Upper> =
            self.edges.iter().filter(|edge| edge.name == "data-file").map(|edge| edge.upper).collect();
        let mut unknown: Vec<usize> = Vec::new();
        for edge in &mut self.edges {
            let Upper::Node(parent) = edge.upper else {
                edge.role = Some(Role(0));
                continue;
            };
            let role = |kind| drivers::role(kind, &edge.name, split.contains(&edge.upper));
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
                .push(format!("not checked: the child edges of {name}, for {why}; their pairs are taken as seen"));
            *kind = None;
        }
    }
}

fn infos(dump: &Dump) -> Read<Option<HashMap<String, Info>>> {
    const NAMED: &str = "query-named-block-nodes";
    let Some(told) = dump.part(NAMED) else { return Ok(None) };
    let told = told.as_array().ok_or_else(|| format!("{NAMED}: expected a list"))?;
    let info = |value: &Value| {
        let switch = |key: &str| value.get(key).and_then(Value::as_bool);
        let driver = value.get("drv").and_then(Value::as_str).map(str::to_owned);
        let name = value.get("node-name").and_then(Value::as_str)?.to_owned();
        Some((name, Info { driver, read_only: switch("ro"), active: switch("active") }))
    };
    Ok(Some(told.iter().filter_map(info).collect()))
}

fn jobs(dump: &Dump) -> HashMap<String, String> {
    let told = dump.part("query-block-jobs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    told.iter().filter_map(|job| Some((text(job, "device")?, text(job, "type")?))).collect()
}
