//! The graph as the audit knows it: of any size, with the pairs that were seen.
//!
//! It comes from what QEMU says ([`super::read`]) or from a state of the model ([`super::state`]); checks and explanations
//! need nothing else.

use crate::wire::names::PERMISSIONS;
use blockgraph_model::op::Flags;
use blockgraph_model::perm::{G, NONE};
use blockgraph_model::rules::{self, Input};
use blockgraph_model::{ChildName, Kind, Opt, Pair, Perms, Role};

/// The upper end of an edge, by place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EdgeParent {
    /// A node.
    Node(usize),
    /// A root user.
    User(usize),
}

/// A node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// QEMU's name of its driver; `?` if that is not shown.
    pub driver: String,
    /// The driver's kind, if it is known (D4).
    pub kind: Option<Kind>,
    /// The driver's options, as far as the pairs show them (D7).
    pub opt: Opt,
    /// Its flags, as far as they are shown or inferred.
    pub flags: Flags,
    /// Is its read-only flag shown?
    pub flags_shown: bool,
    /// Is it in the list of named nodes? `None`: there is no such list.
    pub listed: Option<bool>,
    /// Where it lives, if that is told (D3).
    pub context: Option<String>,
}

/// A root user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// A name that can stand in an operation.
    pub name: String,
    /// What people call it: `export e`, `job j`.
    pub label: String,
    /// Is it a job's?
    pub job: Option<Job>,
}

/// Which job, and of which type if that is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// `stream`, `commit`, `mirror`, `backup`, …
    pub kind: Option<String>,
}

/// An edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Upper end.
    pub parent: EdgeParent,
    /// Lower end.
    pub child: usize,
    /// Its name.
    pub name: String,
    /// Its role, if the driver is known; a user's edge: empty.
    pub role: Option<Role>,
    /// Need and share as they were seen, graph-mod and all.
    pub observed: Pair,
}

impl Edge {
    /// Need and share without graph-mod, which QEMU 7.0 has no more (D5): nobody needs it, everybody shares it.
    pub const fn pair(&self) -> Pair {
        Pair::new(Perms(self.observed.need.0 & !G.0), Perms(self.observed.share.0 | G.0))
    }
}

/// The graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditGraph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The root users.
    pub users: Vec<User>,
    /// The edges; those of one parent, and those of one child, in the order of its list.
    pub edges: Vec<Edge>,
    parent_edges: Vec<Vec<usize>>,
    child_edges: Vec<Vec<usize>>,
}

impl AuditGraph {
    /// Joins the parts; every end of an edge must be there.
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

    /// The parent edges of a node.
    pub fn parent_edges(&self, node: usize) -> &[usize] {
        &self.parent_edges[node]
    }

    /// The child edges of a node.
    pub fn child_edges(&self, node: usize) -> &[usize] {
        &self.child_edges[node]
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// P2, of the pairs that were seen.
    pub fn cumulative(&self, node: usize) -> Pair {
        self.parent_edges[node].iter().fold(Pair::FREE, |sum, edge| sum.with(self.edges[*edge].pair()))
    }

    /// P4: what the rule gives an edge from a node with that cumulative pair; `None` if the driver is not known, or it is no
    /// edge from a node.
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

    /// What the rule gives the edge as things are.
    pub fn rule_pair(&self, edge: usize) -> Option<Pair> {
        let EdgeParent::Node(parent) = self.edges[edge].parent else { return None };
        self.pair_by_rule(edge, self.cumulative(parent), !self.parent_edges[parent].is_empty())
    }

    /// The name of an edge's upper end.
    pub fn parent_name(&self, edge: usize) -> &str {
        match self.edges[edge].parent {
            EdgeParent::Node(node) => &self.nodes[node].name,
            EdgeParent::User(user) => &self.users[user].label,
        }
    }

    /// An edge in words: `export e`, `qcow2 node top (backing)`.
    pub fn party(&self, edge: usize) -> String {
        match self.edges[edge].parent {
            EdgeParent::Node(node) => format!("{} ({})", self.node_title(node), self.edges[edge].name),
            EdgeParent::User(user) => self.users[user].label.clone(),
        }
    }

    /// A node with its driver: `qcow2 node top`.
    pub fn node_title(&self, node: usize) -> String {
        format!("{} node {}", self.nodes[node].driver, self.nodes[node].name)
    }

    /// What of a node is on a cycle: the edges from whose child their parent can be reached (V3.1).
    pub fn cycles(&self) -> Vec<usize> {
        // Whoever is left when all without parents have been taken away is on a cycle or below one.
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

    /// Can one node be reached from another one downwards?
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

/// The words of a set in sentences: `write and resize`, `nothing`.
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

/// Each bit of a set for itself, graph-mod left out.
pub fn bits(perms: Perms) -> impl Iterator<Item = Perms> {
    (0..4).map(|bit| Perms(1 << bit)).filter(move |bit| bit.within(perms) && perms != NONE)
}
