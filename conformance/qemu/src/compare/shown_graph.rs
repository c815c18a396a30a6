//! The graph as QEMU shows it, and the graph that QEMU should show for a state of the model.

use crate::state::jobs;
use crate::wire::block_graph::{self, GraphEdge, Vertex};
use crate::wire::names;
use blockgraph_model::{Edge, Kind, NodeId, Pair, Parent, Perms, State, derived};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A graph as far as QEMU shows it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ShownGraph {
    /// The nodes by number.
    #[serde(rename = "n")]
    pub nodes: BTreeMap<u8, ShownNode>,
    /// Nodes and jobs with names that the comparison did not give.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_names: Vec<String>,
    /// The jobs by number.
    #[serde(rename = "j", default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<u8>,
}

/// A node as far as QEMU shows it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ShownNode {
    /// The child edges by QEMU's name: child, need, share.
    #[serde(rename = "e", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edges: BTreeMap<String, (u8, u8, u8)>,
    /// What the root users need and share together; `None` without root users.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub users: Option<(u8, u8)>,
    /// What each root user needs and shares, sorted. `None` where it is not compared, because QEMU has more users of a
    /// job than the model.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Vec<(u8, u8)>>,
    /// Driver, read-only and active; `None` if they were not queried.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<(String, bool, bool)>,
}

impl ShownNode {
    /// Returns the names and children of the edges.
    fn targets(&self) -> Vec<(&str, u8)> {
        self.edges.iter().map(|(name, edge)| (name.as_str(), edge.0)).collect()
    }

    fn add_user(&mut self, pair: Pair) {
        let (need, share) = self.users.unwrap_or((0, names::QEMU_BITS.0));
        self.users = Some((need | pair.need.0 & names::QEMU_BITS.0, share & pair.share.0));
        let each = self.each.get_or_insert_default();
        each.push((pair.need.0 & names::QEMU_BITS.0, pair.share.0 & names::QEMU_BITS.0));
        each.sort_unstable();
    }
}

/// What has changed in a graph.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Change {
    /// The nodes that are new or have changed; `None` for a node that is gone.
    #[serde(rename = "n", default, skip_serializing_if = "BTreeMap::is_empty")]
    nodes: BTreeMap<u8, Option<ShownNode>>,
    /// The unknown names, if they have changed.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    unknown_names: Option<Vec<String>>,
    /// The jobs, if they have changed.
    #[serde(rename = "j", default, skip_serializing_if = "Option::is_none")]
    jobs: Option<Vec<u8>>,
}

impl Change {
    /// Returns what changes from one graph to the next.
    pub fn between(old: &ShownGraph, new: &ShownGraph) -> Change {
        let gone = old.nodes.keys().filter(|id| !new.nodes.contains_key(id)).map(|id| (*id, None));
        let other = new.nodes.iter().filter(|(id, node)| old.nodes.get(id) != Some(node));
        Change {
            nodes: gone.chain(other.map(|(id, node)| (*id, Some(node.clone())))).collect(),
            unknown_names: (old.unknown_names != new.unknown_names).then(|| new.unknown_names.clone()),
            jobs: (old.jobs != new.jobs).then(|| new.jobs.clone()),
        }
    }

    /// Applies the change to a graph.
    pub fn of(&self, mut shown: ShownGraph) -> ShownGraph {
        for (id, node) in &self.nodes {
            match node {
                Some(node) => _ = shown.nodes.insert(*id, node.clone()),
                None => _ = shown.nodes.remove(id),
            }
        }
        if let Some(unknown_names) = &self.unknown_names {
            shown.unknown_names.clone_from(unknown_names);
        }
        if let Some(jobs) = &self.jobs {
            shown.jobs.clone_from(jobs);
        }
        shown
    }
}

impl ShownGraph {
    /// Returns this graph without what the other graph does not show.
    pub fn like(&self, other: &ShownGraph) -> ShownGraph {
        let mut same = self.clone();
        for (id, node) in &mut same.nodes {
            let other = other.nodes.get(id);
            node.each = node.each.take().filter(|_| other.is_none_or(|other| other.each.is_some()));
            node.flags = node.flags.take().filter(|_| other.is_none_or(|other| other.flags.is_some()));
        }
        same
    }

    /// Returns whether driver, read-only and active are known of all nodes.
    pub fn has_flags(&self) -> bool {
        self.nodes.values().all(|node| node.flags.is_some())
    }

    /// Returns whether everything agrees that both graphs show.
    pub fn agrees_with(&self, other: &ShownGraph) -> bool {
        self.like(other) == other.like(self)
    }

    /// Returns whether nodes and edges are the same, and the same nodes have root users, whatever these need and share.
    pub fn same_shape(&self, other: &ShownGraph) -> bool {
        fn bare(shown: &ShownGraph) -> impl Iterator<Item = (u8, Vec<(&str, u8)>, bool)> {
            shown.nodes.iter().map(|(id, node)| (*id, node.targets(), node.users.is_some()))
        }
        bare(self).eq(bare(other))
    }

    /// Returns whether only needs and shares differ, and only on edges and users of these nodes.
    pub fn differs_only_in_permissions(&self, other: &ShownGraph, node: impl Fn(u8) -> bool) -> bool {
        let (mut ours, mut theirs) = (other.like(self), self.like(other));
        for (id, ours) in ours.nodes.iter_mut().filter(|(id, _)| node(**id)) {
            let Some(theirs) = theirs.nodes.get_mut(id) else { return false };
            if ours.targets() != theirs.targets() || ours.users.is_none() != theirs.users.is_none() {
                return false;
            }
            (theirs.edges, theirs.users, theirs.each) = (ours.edges.clone(), ours.users, ours.each.clone());
        }
        ours == theirs
    }

    /// Returns how this graph, QEMU's, differs from the model's in what both show.
    pub fn differences_from(&self, model: &ShownGraph) -> Vec<String> {
        self.like(model).differences(&model.like(self))
    }

    /// Returns how this graph, QEMU's, differs from the model's.
    fn differences(&self, model: &ShownGraph) -> Vec<String> {
        let mut lines = Vec::new();
        for id in self.nodes.keys().chain(model.nodes.keys()).collect::<BTreeSet<_>>() {
            let (ours, theirs) = (model.nodes.get(id), self.nodes.get(id));
            if ours != theirs {
                lines.push(format!("n{id}: model {}, QEMU {}", one(ours), one(theirs)));
            }
        }
        if self.unknown_names != model.unknown_names || self.jobs != model.jobs {
            lines.push(format!("jobs: model {:?}, QEMU {:?} and {:?}", model.jobs, self.jobs, self.unknown_names));
        }
        lines
    }
}

fn one(node: Option<&ShownNode>) -> String {
    let pair = |need: u8, share: u8| format!("{:?}/{:?}", Perms(need), Perms(share));
    let Some(node) = node else { return "has no such node".to_owned() };
    let mut line = String::new();
    if let Some((driver, read_only, active)) = &node.flags {
        line =
            format!("{driver}{}{}", if *read_only { " read-only" } else { "" }, if *active { "" } else { " inactive" });
    }
    for (name, (to, need, share)) in &node.edges {
        line += &format!(" {name}=n{to} {}", pair(*need, *share));
    }
    if let Some(each) = &node.each {
        line += &format!(" each {:?}", each.iter().map(|(need, share)| pair(*need, *share)).collect::<Vec<_>>());
    }
    line + &node.users.map_or(" no users".to_owned(), |(need, share)| format!(" users {}", pair(need, share)))
}

/// Returns the graph that QEMU should show for a state.
pub fn expected<const N: usize, const E: usize>(state: &State<N, E>) -> ShownGraph {
    let (mut shown, mut shared_with_jobs) = (ShownGraph::default(), Vec::new());
    let Some(derived) = derived::derive(state) else { return shown };
    for id in state.names() {
        let node = &state.nodes[usize::from(id.0)];
        let driver = node.kind.and_then(names::driver).unwrap_or("?").to_owned();
        // QEMU opens a commit's filter read-only.
        let read_only = node.flags.read_only || node.kind == Some(Kind::CommitTop);
        let flags = Some((driver, read_only, !node.flags.inactive));
        shown.nodes.insert(id.0, ShownNode { flags, ..ShownNode::default() });
    }
    for (edge, pair) in state.edges().iter().zip(derived.edges) {
        match edge.parent {
            Parent::User(user) => {
                if edge.user_flags.stay {
                    shared_with_jobs.extend([edge.child.0, user_node(state, edge).0]);
                }
                if edge.user_flags.stay && !shown.jobs.contains(&(user.main().0 as u8)) {
                    shown.jobs.push(user.main().0 as u8);
                }
                if let Some(node) = shown.nodes.get_mut(&user_node(state, edge).0) {
                    node.add_user(pair);
                }
            }
            Parent::Node(parent) => {
                let Some(kind) = state.node(parent).and_then(|n| n.kind) else { continue };
                if let Some(node) = shown.nodes.get_mut(&parent.0) {
                    let bits = (edge.child.0, pair.need.0 & names::QEMU_BITS.0, pair.share.0 & names::QEMU_BITS.0);
                    node.edges.insert(names::child(kind, edge.name), bits);
                }
            }
        }
    }
    for id in shared_with_jobs {
        if let Some(node) = shown.nodes.get_mut(&id) {
            node.each = None;
        }
    }
    shown.jobs.sort_unstable();
    shown
}

/// Returns the node on which QEMU has this user. A commit's main user is on the uppermost image of the chain, not on
/// the filter.
fn user_node<const N: usize, const E: usize>(state: &State<N, E>, edge: &Edge) -> NodeId {
    let filter = state.node(edge.child).is_some_and(|node| node.kind == Some(Kind::CommitTop));
    if edge.user_flags.stay && filter { jobs::uppermost(state, edge.child).unwrap_or(edge.child) } else { edge.child }
}

/// Parses the reply of `x-debug-query-block-graph`, and of `query-named-block-nodes` if it was queried. Returns `None`
/// if a reply does not have the expected form.
pub fn shown(graph: &Value, named: Option<&Value>) -> Option<ShownGraph> {
    let mut shown = ShownGraph::default();
    let drawn = block_graph::parse(graph).ok()?;
    let mut known: Vec<Option<NodeId>> = Vec::new();
    for Vertex { name, kind: what, .. } in drawn.vertices {
        let node = names::parse_node(name).filter(|_| what == "block-driver");
        match (what, node, names::parse_user(name)) {
            ("block-driver", Some(node), _) => _ = shown.nodes.insert(node.0, ShownNode::default()),
            ("block-job", _, Some(user)) => shown.jobs.push(user.0 as u8),
            ("block-driver" | "block-job", ..) => shown.unknown_names.push(name.to_owned()),
            _ => {}
        }
        known.push(node);
    }
    for GraphEdge { parent, child, name, value } in drawn.edges {
        let (need, share) =
            (names::parse_permissions(&value["perm"])?, names::parse_permissions(&value["shared-perm"])?);
        let Some(child) = known[child] else { continue };
        match known[parent] {
            Some(parent) => {
                _ = shown.nodes.get_mut(&parent.0)?.edges.insert(name.to_owned(), (child.0, need.0, share.0));
            }
            None => shown.nodes.get_mut(&child.0)?.add_user(Pair::new(need, share)),
        }
    }
    for node in named.and_then(Value::as_array).into_iter().flatten() {
        let driver = node["drv"].as_str()?.to_owned();
        // Older versions do not show whether a node is active.
        let flags = Some((driver, node["ro"].as_bool()?, node["active"].as_bool().unwrap_or(true)));
        if let Some(id) = node["node-name"].as_str().and_then(names::parse_node) {
            shown.nodes.get_mut(&id.0)?.flags = flags;
        }
    }
    shown.jobs.sort_unstable();
    Some(shown)
}

/// Returns whether this graph is the one that the state should show.
pub fn is<const N: usize, const E: usize>(shown: &ShownGraph, state: &State<N, E>) -> bool {
    shown.agrees_with(&expected(state))
}

/// Returns the state with those nodes active that QEMU shows as active, or `None` if QEMU does not show it.
pub fn with_activity<const N: usize, const E: usize>(shown: &ShownGraph, state: &State<N, E>) -> Option<State<N, E>> {
    let mut state = *state;
    for (id, node) in &shown.nodes {
        let (_, _, active) = node.flags.as_ref()?;
        state.nodes.get_mut(usize::from(*id)).filter(|node| node.kind.is_some())?.flags.inactive = !active;
    }
    Some(state)
}
