//! Converts between an [`AuditGraph`] and the model: a state on which operations are tried, and an observation to draw
//! (D21–D24).

use crate::audit::graph::{AuditGraph, Edge, EdgeParent, Job, Node, User};
use blockgraph_model::derived::derive;
use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, EdgeId, Grant, Inherits, Kind, NodeId, OpKind, OpKinds, Opt, Pair, Parent, Role, UserFlags,
    UserId, judge, state,
};
use blockgraph_story::subject::{Observation, ObservedChild, ObservedNode, ObservedUser};
use blockgraph_story::text::Names;
use blockgraph_story::text::scenario::{MOST_EDGES, MOST_NODES};
use blockgraph_story::text::value::print_kind;

/// The model's state, large enough for every name that a text can have.
pub type State = state::State<MOST_NODES, MOST_EDGES>;

/// A state of the model for what-if, with the names of what is in it and what was assumed.
#[derive(Clone, Debug)]
pub struct WhatIfState {
    /// The state.
    pub state: Box<State>,
    /// The names of nodes, users and children.
    pub names: Names,
    /// The drivers of the nodes, by the number of the node.
    pub drivers: Vec<String>,
    /// The labels of the users, by the user's main name.
    pub labels: Vec<(UserId, String)>,
    /// The assumptions, one sentence each.
    pub assumed: Vec<String>,
}

/// Defines the names of everything in the graph. The numbers of nodes and users are their indices.
///
/// # Errors
/// Fails if there are more names than the text form allows.
fn define_names(graph: &AuditGraph) -> Result<(Names, Vec<UserId>, Vec<ChildName>), String> {
    let mut names = Names::default();
    for node in &graph.nodes {
        names.define_node(&node.name)?;
    }
    let mut users = Vec::new();
    for user in &graph.users {
        users.push(names.define_user(&user.name)?);
    }
    let children: Result<Vec<_>, String> =
        graph.edges.iter().map(|edge| names.define_child(&operation_name(&edge.name))).collect();
    Ok((names, users, children?))
}

/// Returns a child's name in a form that operations accept.
fn operation_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
    let name: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    if name == "none" || !name.contains(|c: char| c.is_ascii_alphanumeric()) { format!("child{name}") } else { name }
}

/// Returns the user of each edge. The edges of a job are numbered from the top of its chain downwards (J3).
fn job_user_ids(graph: &AuditGraph, users: &[UserId]) -> Vec<Option<UserId>> {
    let mut ids: Vec<Option<UserId>> = vec![None; graph.edges.len()];
    for (user, id) in users.iter().enumerate() {
        let own = |edge: &usize| graph.edges[*edge].parent == EdgeParent::User(user);
        let mut edges: Vec<usize> = (0..graph.edges.len()).filter(own).collect();
        let main = edges.iter().position(|edge| graph.edges[*edge].name == "main node").unwrap_or(0);
        if !edges.is_empty() {
            edges[..=main].rotate_right(1);
        }
        if let Some(&top) = edges.first() {
            let depths = depths(graph, graph.edges[top].child);
            edges[1..].sort_by_key(|edge| depths[graph.edges[*edge].child]);
        }
        for (part, &edge) in edges.iter().enumerate() {
            ids[edge] = u8::try_from(part).ok().map(|part| id.further(part));
        }
    }
    ids
}

/// Returns the distance of each node below another one; `usize::MAX` if it cannot be reached.
fn depths(graph: &AuditGraph, from: usize) -> Vec<usize> {
    let mut depths = vec![usize::MAX; graph.nodes.len()];
    depths[from] = 0;
    let mut remaining = std::collections::VecDeque::from([from]);
    while let Some(node) = remaining.pop_front() {
        for &edge in graph.child_edges(node) {
            let child = graph.edges[edge].child;
            if depths[child] == usize::MAX {
                depths[child] = depths[node] + 1;
                remaining.push_back(child);
            }
        }
    }
    depths
}

/// Returns the filters of the jobs and the edges that the jobs are taken to have frozen (O42 to O44).
fn job_effects(graph: &AuditGraph, assumed: &mut Vec<String>) -> (Vec<usize>, Vec<usize>) {
    let (mut filters, mut frozen) = (Vec::new(), Vec::new());
    for (user, info) in graph.users.iter().enumerate() {
        let Some(job) = &info.job else { continue };
        let job_edges: Vec<&Edge> = graph.edges.iter().filter(|edge| edge.parent == EdgeParent::User(user)).collect();
        let main = job_edges.iter().find(|edge| edge.name == "main node").map(|edge| edge.child);
        let mut nodes: Vec<usize> =
            job_edges.iter().map(|edge| edge.child).filter(|node| Some(*node) != main).collect();
        let filter = commit_top(graph, job, &nodes).or(main);
        nodes.extend(filter);
        filters.extend(filter);
        let freezes_filter = match job.kind.as_deref() {
            Some("stream") => false,
            Some("commit") => true,
            _ => continue,
        };
        let is_frozen = |edge: &usize| match graph.edges[*edge].parent {
            EdgeParent::Node(parent) => {
                nodes.contains(&parent)
                    && nodes.contains(&graph.edges[*edge].child)
                    && (freezes_filter || Some(parent) != filter)
            }
            EdgeParent::User(_) => false,
        };
        frozen.extend((0..graph.edges.len()).filter(is_frozen));
        assumed.push(format!("{} has frozen the edges between its nodes", info.label));
    }
    (filters, frozen)
}

/// Returns the filter of a commit, which is a parent of one of its nodes. QEMU puts the main user of a commit on the
/// topmost image, and that of every other job on its filter.
fn commit_top(graph: &AuditGraph, job: &Job, nodes: &[usize]) -> Option<usize> {
    let above = nodes.iter().flat_map(|node| graph.parent_edges(*node));
    let mut parents = above.filter_map(|edge| match graph.edges[*edge].parent {
        EdgeParent::Node(parent) => Some(parent),
        EdgeParent::User(_) => None,
    });
    let commits = job.kind.as_deref() == Some("commit");
    parents.find(|parent| commits && graph.nodes[*parent].kind == Some(Kind::CommitTop))
}

/// Builds the state of the model.
///
/// # Errors
/// Fails if the graph is too large, or has a shape that no state can have: a cycle, or two children of one name below a
/// node.
pub fn build_state(graph: &AuditGraph) -> Result<WhatIfState, String> {
    let (names, users, children) = define_names(graph)?;
    if graph.edges.len() > MOST_EDGES {
        return Err(format!("more than {MOST_EDGES} edges"));
    }
    if !graph.cycles().is_empty() {
        return Err("the graph has a cycle, so its pairs mean nothing".to_owned());
    }
    let mut assumed =
        vec![
        "nodes with a name of the user's are held by the monitor, others by their parents; no section is open, no \
            other caller holds a node".to_owned(),
        "the lists of parents and children are in the order in which QEMU shows them; a format with a backing child \
            has stored its name".to_owned(),
        "users are movable, not may-inactivate; only jobs block operations, and stay at their nodes; images are \
            aligned".to_owned(),
        "no driver refuses: whether a file can be opened, locked, flushed or written cannot be known in \
            advance".to_owned(),
    ];
    let (filters, frozen) = job_effects(graph, &mut assumed);
    let ids = job_user_ids(graph, &users);
    let mut nodes = [state::Node::NONE; MOST_NODES];
    for (place, info) in graph.nodes.iter().enumerate() {
        nodes[place] = state_node(graph, place, filters.contains(&place));
        if nodes[place].ejected {
            assumed.push(format!(
                "{}: its driver is not known, so what is below it keeps the pairs it has, and nothing can be tried \
                    on it",
                graph.node_title(place)
            ));
        } else if info.kind.is_none() {
            assumed.push(format!("{}: its driver is not known; it is treated as a protocol", graph.node_title(place)));
        }
    }
    let mut ranks = vec![0u16; graph.nodes.len()];
    let mut edges = Vec::new();
    for (place, edge) in graph.edges.iter().enumerate() {
        let rank = ranks[edge.child];
        ranks[edge.child] += 1;
        let new_edge = state_edge(graph, place, ids[place], children[place], frozen.contains(&place), rank);
        edges.push(new_edge.ok_or_else(|| format!("{} has too many edges", graph.parent_name(place)))?);
    }
    let is_duplicate =
        |(place, edge): (usize, &state::Edge)| edges[..place].iter().any(|other| other.id() == edge.id());
    if edges.iter().enumerate().any(is_duplicate) {
        return Err("a node has two children of one name".to_owned());
    }
    let mut state = Box::new(State::rebuild(nodes, 0, edges.into_iter()));
    assign_contexts(graph, &mut state);
    grant_derived_pairs(&mut state);
    let drivers = graph.nodes.iter().map(|node| node.driver.clone()).collect();
    let labels = graph.users.iter().zip(&users).map(|(user, id)| (*id, user.label.clone())).collect();
    Ok(WhatIfState { state, names, drivers, labels, assumed })
}

fn state_node(graph: &AuditGraph, place: usize, filter: bool) -> state::Node {
    let info = &graph.nodes[place];
    let driver_unknown = info.kind.is_none() && !graph.child_edges(place).is_empty();
    let is_hidden = info.name.starts_with('#') || info.listed == Some(false);
    let monitor = !is_hidden && !filter;
    let caller_holds = graph.parent_edges(place).is_empty() && !monitor;
    let kind = info.kind.unwrap_or(if driver_unknown { Kind::NoPermission } else { Kind::Protocol });
    let opt = if info.kind.is_none() { kind.default_opt() } else { info.opt };
    state::Node {
        kind: Some(kind),
        opt,
        flags: Flags { implicit: filter && is_hidden && kind.filter_slot().is_some(), ..info.flags },
        monitor,
        holders: u16::from(filter || caller_holds),
        ejected: driver_unknown,
        inherits: inherits(graph, place, is_hidden && !filter),
        stored: stored(graph, place),
        ..state::Node::NONE
    }
}

/// Returns what the node inherits (S8): a node without a name of the user's was opened for its parent.
fn inherits(graph: &AuditGraph, place: usize, is_hidden: bool) -> Option<Inherits> {
    let [edge] = *graph.parent_edges(place) else { return None };
    let EdgeParent::Node(parent) = graph.edges[edge].parent else { return None };
    let from = NodeId(u8::try_from(parent).ok()?);
    is_hidden.then_some(Inherits { from, read_only: true })
}

/// Returns the stored backing name (S6), taken from the backing child.
fn stored(graph: &AuditGraph, place: usize) -> Option<NodeId> {
    graph.nodes[place].kind.filter(|kind| kind.supports_cow())?;
    let is_cow = |edge: &&usize| graph.edges[**edge].role == Some(Role::COW);
    let edge = graph.child_edges(place).iter().find(is_cow)?;
    u8::try_from(graph.edges[*edge].child).ok().map(NodeId)
}

fn state_edge(
    graph: &AuditGraph,
    place: usize,
    id: Option<UserId>,
    name: ChildName,
    frozen: bool,
    rank: u16,
) -> Option<state::Edge> {
    let edge = &graph.edges[place];
    let child = NodeId(u8::try_from(edge.child).ok()?);
    Some(match edge.parent {
        EdgeParent::User(user) => {
            let job = graph.users[user].job.is_some();
            state::Edge {
                parent: Parent::User(id?),
                child,
                wanted: edge.pair(),
                user_flags: if job { UserFlags::STAY } else { UserFlags::NONE },
                blocks: if job { OpKinds(!OpKinds::of(OpKind::DATAPLANE).0) } else { OpKinds::NONE },
                rank,
                ..state::Edge::NONE
            }
        }
        EdgeParent::Node(parent) => {
            let driver_unknown = graph.nodes[parent].kind.is_none();
            state::Edge {
                parent: Parent::Node(NodeId(u8::try_from(parent).ok()?)),
                child,
                name,
                role: edge.role.unwrap_or(Role::DATA),
                frozen,
                wanted: if driver_unknown { edge.pair() } else { Pair::FREE },
                rank,
                ..state::Edge::NONE
            }
        }
    })
}

/// Sets the contexts that the dump contains (C1), numbered in the order of their first node. All other nodes are in the
/// main context.
fn assign_contexts(graph: &AuditGraph, state: &mut State) {
    let mut known: Vec<&str> = Vec::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        let Some(context) = node.context.as_deref().filter(|context| *context != "main") else { continue };
        let number = known.iter().position(|other| *other == context).unwrap_or_else(|| {
            known.push(context);
            known.len() - 1
        });
        state.nodes[place].context = Context(u8::try_from(number + 1).unwrap_or(u8::MAX));
    }
}

/// Sets the granted pair of every node to the derived one (V7.1), so that no driver is stale.
fn grant_derived_pairs(state: &mut State) {
    let Some(derived) = derive(state) else { return };
    for (node, pair) in state.nodes.iter_mut().zip(derived.nodes) {
        node.granted = Grant { pair, writable: node.writable() };
    }
}

/// Returns what is drawn of the graph: the state, with the pairs that QEMU showed instead of those of the rules.
pub fn observation(graph: &AuditGraph, what_if_state: &WhatIfState) -> Observation {
    let mut observation = blockgraph_story::model_subject::observe(&what_if_state.state);
    let order: Vec<(EdgeId, usize)> = edge_indices(graph, what_if_state);
    let pair_of =
        |id: EdgeId| order.iter().find(|(known, _)| *known == id).map(|(_, place)| graph.edges[*place].pair());
    for ObservedNode { id, pair, granted, children, flags, stored, inherits, monitor, holders, .. } in
        &mut observation.nodes
    {
        *pair = graph.cumulative(usize::from(id.0));
        // What was only assumed is not drawn.
        *granted = Grant { pair: *pair, writable: !flags.read_only && !flags.inactive };
        (*stored, *inherits, *monitor, *holders) = (None, None, true, 0);
        for ObservedChild { name, pair, frozen, .. } in children {
            *frozen = false;
            *pair = pair_of(EdgeId::Child(*id, *name)).unwrap_or(*pair);
        }
    }
    for ObservedUser { id, pair, wanted, blocks, user_flags, .. } in &mut observation.users {
        *pair = pair_of(EdgeId::User(*id)).unwrap_or(*pair);
        (*wanted, *blocks, *user_flags) = (*pair, OpKinds::NONE, UserFlags::NONE);
    }
    for node in &mut observation.nodes {
        node.ejected = false;
    }
    observation
}

/// Returns the index in the graph of each edge of the state.
fn edge_indices(graph: &AuditGraph, what_if_state: &WhatIfState) -> Vec<(EdgeId, usize)> {
    let mut remaining: Vec<usize> = (0..graph.edges.len()).collect();
    let mut found = Vec::new();
    for edge in what_if_state.state.edges() {
        let same = |place: &usize| {
            let of = &graph.edges[*place];
            let same_parent = match (edge.parent, of.parent) {
                (Parent::Node(parent), EdgeParent::Node(node)) => usize::from(parent.0) == node,
                (Parent::User(id), EdgeParent::User(user)) => what_if_state.labels[user].0 == id.main(),
                _ => false,
            };
            same_parent
                && of.child == usize::from(edge.child.0)
                && (matches!(edge.parent, Parent::User(_))
                    || operation_name(&of.name) == what_if_state.names.child(edge.name))
        };
        if let Some(position) = remaining.iter().position(same) {
            found.push((edge.id(), remaining.remove(position)));
        }
    }
    found
}

/// Returns a state of the model as a graph, so that the effect of an operation can be explained.
pub fn to_graph(state: &State, what_if_state: &WhatIfState, names: &Names) -> AuditGraph {
    let derived = derive(state);
    let mut place_of = [usize::MAX; MOST_NODES];
    let mut nodes = Vec::new();
    for id in state.names() {
        let node = &state.nodes[usize::from(id.0)];
        place_of[usize::from(id.0)] = nodes.len();
        let kind = node.kind.filter(|_| !node.ejected);
        let driver = what_if_state.drivers.get(usize::from(id.0)).cloned();
        nodes.push(Node {
            name: names.node(id).to_owned(),
            driver: driver.unwrap_or_else(|| kind.map_or("?", print_kind).to_owned()),
            kind,
            opt: if kind.is_some() { node.opt } else { Opt::None },
            flags: node.flags,
            flags_shown: true,
            listed: Some(node.monitor),
            context: Some(node.context.0.to_string()),
        });
    }
    let (mut users, mut edges): (Vec<User>, Vec<Edge>) = (Vec::new(), Vec::new());
    for (place, edge) in state.edges().iter().enumerate() {
        let parent = match edge.parent {
            Parent::Node(parent) => EdgeParent::Node(place_of[usize::from(parent.0)]),
            Parent::User(id) => {
                let known =
                    what_if_state.labels.iter().find(|(known, _)| *known == id.main()).map(|(_, label)| label.clone());
                let name = names.user(id);
                users.push(User { label: known.unwrap_or_else(|| format!("user {name}")), name, job: None });
                EdgeParent::User(users.len() - 1)
            }
        };
        let pair = derived.as_ref().map_or(Pair::FREE, |derived| derived.edges[place]);
        let name = names.child(edge.name).to_owned();
        let child = place_of[usize::from(edge.child.0)];
        edges.push(Edge { parent, child, name, role: Some(edge.role), observed: pair });
    }
    AuditGraph::new(nodes, users, edges)
}

/// Returns the index of an edge in the result of [`to_graph`], whose edges are in the order of the state's.
pub fn edge_index(state: &State, edge: EdgeId) -> Option<usize> {
    state.edge_index(edge)
}

/// Returns the violations that the state already has.
pub fn violations(state: &State) -> Vec<blockgraph_model::Violation> {
    judge::violations(state)
}
