//! The audited graph: a graph of any size with the pairs that QEMU showed.
//!
//! It is built from QEMU's replies ([`super::parse`]) or from a state of the model ([`super::state`]). Checks and
//! explanations need nothing else.

use crate::wire::names::PERMISSIONS;
use blockgraph_model::op::Flags;
use blockgraph_model::perm::{G, NONE};
use blockgraph_model::rules::{self, Input};
use blockgraph_model::{ChildName, Kind, Opt, Pair, Perms, Role};

/// The parent end of an edge, as an index into the graph's lists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EdgeParent {
    /// The index of a node.
    Node(usize),
    /// The index of a root user.
    User(usize),
}

/// A node of the audited graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// The node's name.
    pub name: String,
    /// QEMU's name of the driver; `?` if QEMU does not show it.
    pub driver: String,
    /// The driver's kind, if the driver is known (D4).
    pub kind: Option<Kind>,
    /// The driver's options, as far as the pairs of the node's children show them (D7).
    pub opt: Opt,
    /// The node's flags, as far as they are shown or inferred.
    pub flags: Flags,
    /// Whether QEMU shows the read-only flag.
    pub flags_shown: bool,
    /// Whether the node is in the list of named nodes; `None` if there is no such list.
    pub listed: Option<bool>,
    /// The name of the node's context, if the dump contains it (D3).
    pub context: Option<String>,
}

/// A root user of the audited graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The user's name, in a form that operations accept.
    pub name: String,
    /// The user's description: `export e`, `job j`.
    pub label: String,
    /// The job, if the user belongs to one.
    pub job: Option<Job>,
}

/// A job, with its type if QEMU shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The job's id.
    pub id: String,
    /// The job's type: `stream`, `commit`, `mirror`, `backup`, …
    pub kind: Option<String>,
}

/// An edge of the audited graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The parent end.
    pub parent: EdgeParent,
    /// The index of the child node.
    pub child: usize,
    /// The edge's name.
    pub name: String,
    /// The edge's role, if the driver is known. A user's edge has the empty role.
    pub role: Option<Role>,
    /// Need and share as QEMU showed them, including graph-mod.
    pub observed: Pair,
}

impl Edge {
    /// Returns need and share without graph-mod, which QEMU does not have since 7.0 (D5): no edge needs it and every
    /// edge shares it.
    pub const fn pair(&self) -> Pair {
        Pair::new(Perms(self.observed.need.0 & !G.0), Perms(self.observed.share.0 | G.0))
    }
}

/// A block graph as an audit sees it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditGraph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The root users.
    pub users: Vec<User>,
    /// The edges. The edges of one parent, and those of one child, are in the order of its list.
    pub edges: Vec<Edge>,
    parent_edges: Vec<Vec<usize>>,
    child_edges: Vec<Vec<usize>>,
}

impl AuditGraph {
    /// Builds a graph of its parts. Both ends of every edge must exist.
    pub fn new(nodes: Vec<Node>, users: Vec<User>, edges: Vec<Edge>) -> AuditGraph {
        let (mut parent_edges, mut child_edges) = (vec![Vec::new(); nodes.len()], vec![Vec::new(); nodes.len()]);
        for (place, edge) in edges.iter().enumerate() {
            parent_edges[edge.child].push(place);
            if let EdgeParent::Node(parent) = edge.parent {
                child_edges[parent].push(place);
            }
        }
        AuditGraph { nodes, users, edges, parent_edges, child_edges }
    }

    /// Returns the indices of the node's parent edges.
    pub fn parent_edges(&self, node: usize) -> &[usize] {
        &self.parent_edges[node]
    }

    /// Returns the indices of the node's child edges.
    pub fn child_edges(&self, node: usize) -> &[usize] {
        &self.child_edges[node]
    }

    /// Returns the index of the node with that name.
    pub fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Returns the node's cumulative pair (P2) of the pairs that QEMU showed.
    pub fn cumulative(&self, node: usize) -> Pair {
        self.parent_edges[node].iter().fold(Pair::FREE, |sum, edge| sum.with(self.edges[*edge].pair()))
    }

    /// Returns the pair that the rule (P4) gives an edge if the parent node has that cumulative pair. Returns `None` if
    /// the driver is unknown, or if the edge's parent is a root user.
    pub fn pair_by_rule(&self, edge: usize, parent: Pair, has_parents: bool) -> Option<Pair> {
        let Edge { parent: EdgeParent::Node(parent_node), child, role, .. } = &self.edges[edge] else {
            return None;
        };
        let node = &self.nodes[*parent_node];
        let pair = rules::child_pair(Input {
            parent,
            has_parents,
            writable: !node.flags.read_only && !node.flags.inactive,
            inactive: node.flags.inactive,
            no_io: node.flags.no_io,
            kind: node.kind?,
            opt: node.opt,
            role: (*role)?,
            name: ChildName::FILE,
            force_share: self.nodes[*child].flags.force_share,
        });
        Some(Pair::new(pair.need - G, pair.share | G))
    }

    /// Returns the pair that the rule gives the edge for its parent's present cumulative pair.
    pub fn rule_pair(&self, edge: usize) -> Option<Pair> {
        let EdgeParent::Node(parent) = self.edges[edge].parent else { return None };
        self.pair_by_rule(edge, self.cumulative(parent), !self.parent_edges[parent].is_empty())
    }

    /// Returns the name of the edge's parent node, or the label of its root user.
    pub fn parent_name(&self, edge: usize) -> &str {
        match self.edges[edge].parent {
            EdgeParent::Node(node) => &self.nodes[node].name,
            EdgeParent::User(user) => &self.users[user].label,
        }
    }

    /// Describes the parent end of an edge: `export e`, `qcow2 node top (backing)`.
    pub fn party(&self, edge: usize) -> String {
        match self.edges[edge].parent {
            EdgeParent::Node(node) => format!("{} ({})", self.node_title(node), self.edges[edge].name),
            EdgeParent::User(user) => self.users[user].label.clone(),
        }
    }

    /// Describes a node with its driver: `qcow2 node top`.
    pub fn node_title(&self, node: usize) -> String {
        format!("{} node {}", self.nodes[node].driver, self.nodes[node].name)
    }

    /// Returns the edges on cycles: those from whose child their parent can be reached (V3.1).
    pub fn cycles(&self) -> Vec<usize> {
        // Nodes without parents are removed repeatedly. What remains is on a cycle or below one.
        let from_node = |edge: &&usize| matches!(self.edges[**edge].parent, EdgeParent::Node(_));
        let mut open_parents: Vec<usize> =
            self.parent_edges.iter().map(|edges| edges.iter().filter(from_node).count()).collect();
        let mut ready: Vec<usize> = (0..self.nodes.len()).filter(|node| open_parents[*node] == 0).collect();
        while let Some(node) = ready.pop() {
            for &edge in &self.child_edges[node] {
                let child = self.edges[edge].child;
                open_parents[child] -= 1;
                if open_parents[child] == 0 {
                    ready.push(child);
                }
            }
        }
        let is_on_cycle = |edge: &usize| match self.edges[*edge].parent {
            EdgeParent::Node(parent) => open_parents[parent] > 0 && self.reaches(self.edges[*edge].child, parent),
            EdgeParent::User(_) => false,
        };
        (0..self.edges.len()).filter(is_on_cycle).collect()
    }

    /// Returns whether one node can be reached from another one along child edges.
    pub fn reaches(&self, from: usize, to: usize) -> bool {
        let mut visited = vec![false; self.nodes.len()];
        let mut left = vec![from];
        while let Some(node) = left.pop() {
            if node == to {
                return true;
            }
            if !std::mem::replace(&mut visited[node], true) {
                left.extend(self.child_edges[node].iter().map(|edge| self.edges[*edge].child));
            }
        }
        false
    }
}

/// Returns the permissions as a list in words: `write and resize`, `nothing`.
pub fn permission_list(perms: Perms) -> String {
    let bits = (0..5).filter(|bit| perms.0 >> bit & 1 == 1);
    let mut words: Vec<&str> = bits.map(|bit| PERMISSIONS[bit]).collect();
    let last = words.pop();
    match (words.is_empty(), last) {
        (_, None) => "nothing".to_owned(),
        (true, Some(last)) => last.to_owned(),
        (false, Some(last)) => format!("{} and {last}", words.join(", ")),
    }
}

/// Returns each permission of a set as a set of its own, without graph-mod.
pub fn bits(perms: Perms) -> impl Iterator<Item = Perms> {
    (0..4).map(|bit| Perms(1 << bit)).filter(move |bit| bit.within(perms) && perms != NONE)
}
