//! Between a [`AuditGraph`] and the model: a state to try operations on, an observation to draw (D21–D24).

use crate::audit::graph::{AuditGraph, Edge, EdgeParent, Job, Node, User};
use blockgraph_model::judge::{self, derive};
use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, EdgeId, Grant, Inherits, Kind, NodeId, OpKind, OpKinds, Opt, Pair, Parent, Role, UserId, Ways,
    state,
};
use blockgraph_story::subject::{ChildSeen, NodeSeen, Observation, UserSeen};
use blockgraph_story::text::Names;
use blockgraph_story::text::scenario::{MOST_EDGES, MOST_NODES};
use blockgraph_story::text::value::print_kind;

/// The model's state; large enough for every name that a text can have.
pub type State = state::State<MOST_NODES, MOST_EDGES>;

/// A state of the model with the names of what is in it, and what was assumed.
#[derive(Clone, Debug)]
pub struct WhatIfState {
    /// The state.
    pub state: Box<State>,
    /// The names.
    pub names: Names,
    /// The drivers of the nodes, by name.
    pub drivers: Vec<String>,
    /// How people call the users, by the lower byte of the name.
    pub labels: Vec<(UserId, String)>,
    /// One sentence each.
    pub assumed: Vec<String>,
}

/// The names of everything in the graph: those of nodes and users are their places.
///
/// # Errors
/// If there are more than the text form can name.
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

/// A child's name that can stand in an operation.
fn operation_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
    let name: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    if name == "none" || !name.contains(|c: char| c.is_ascii_alphanumeric()) { format!("child{name}") } else { name }
}

/// The further users of jobs: a job's edges in the order from the top of its chain downwards (J3).
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

/// How far each node is below another one.
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

/// What a job is taken to have done to a graph: its filter, and the edges that it froze (O42 to O44).
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

/// The filter of a commit, above one of its nodes: QEMU puts the job's main user on the topmost image, and that of every other job
/// on its filter.
fn commit_top(graph: &AuditGraph, job: &Job, nodes: &[usize]) -> Option<usize> {
    let above = nodes.iter().flat_map(|node| graph.parent_edges(*node));
    let mut parents = above.filter_map(|edge| match graph.edges[*edge].parent {
        EdgeParent::Node(parent) => Some(parent),
        EdgeParent::User(_) => None,
    });
    let commits = job.kind.as_deref() == Some("commit");
    parents.find(|parent| commits && graph.nodes[*parent].kind == Some(Kind::CommitTop))
}

/// Builds a state of the model.
///
/// # Errors
/// If the graph is too large, or has a shape that no state can have: a cycle, a name twice.
pub fn build_state(graph: &AuditGraph) -> Result<WhatIfState, String> {
    let (names, users, children) = define_names(graph)?;
    if graph.edges.len() > MOST_EDGES {
        return Err(format!("more than {MOST_EDGES} edges"));
    }
    if !graph.cycles().is_empty() {
        return Err("the graph has a cycle, so its pairs mean nothing".to_owned());
    }
    let mut assumed = vec![
        "nodes with a name of the user's are held by the monitor, others by their parents; no section is open, nobody else holds a node".to_owned(),
        "the lists of parents and children are in the order in which QEMU shows them; a format with a backing child has stored its name".to_owned(),
        "users are movable, not may-inactivate; only jobs block operations, and stay at their nodes; images are aligned".to_owned(),
        "no driver refuses: whether a file can be opened, locked, flushed or written nobody knows before".to_owned(),
    ];
    let (filters, frozen) = job_effects(graph, &mut assumed);
    let ids = job_user_ids(graph, &users);
    let mut nodes = [state::Node::NONE; MOST_NODES];
    for (place, info) in graph.nodes.iter().enumerate() {
        nodes[place] = state_node(graph, place, filters.contains(&place));
        if nodes[place].ejected {
            assumed.push(format!(
                "{}: its driver is not known, so what is below it keeps the pairs it has, and nothing can be tried on it",
                graph.node_title(place)
            ));
        } else if info.kind.is_none() {
            assumed.push(format!("{}: its driver is not known; it is taken for a protocol", graph.node_title(place)));
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

/// S8: a node without a name of its own was opened for its parent.
fn inherits(graph: &AuditGraph, place: usize, is_hidden: bool) -> Option<Inherits> {
    let [edge] = *graph.parent_edges(place) else { return None };
    let EdgeParent::Node(parent) = graph.edges[edge].parent else { return None };
    let from = NodeId(u8::try_from(parent).ok()?);
    is_hidden.then_some(Inherits { from, read_only: true })
}

/// S6: the name of the backing child.
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
                ways: if job { Ways::STAY } else { Ways::NONE },
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

/// C1: the contexts that are told, numbered in the order of their first node; others are main.
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

/// V7.1: no driver lags.
fn grant_derived_pairs(state: &mut State) {
    let Some(derived) = derive(state) else { return };
    for (node, pair) in state.nodes.iter_mut().zip(derived.nodes) {
        node.granted = Grant { pair, writable: node.writable() };
    }
}

/// What the web looks like, with the pairs that were seen and not those of the rules; to be drawn.
pub fn observation(graph: &AuditGraph, what_if_state: &WhatIfState) -> Observation {
    let mut observation = blockgraph_story::model_subject::observe(&what_if_state.state);
    let order: Vec<(EdgeId, usize)> = edge_indices(graph, what_if_state);
    let pair_of =
        |id: EdgeId| order.iter().find(|(known, _)| *known == id).map(|(_, place)| graph.edges[*place].pair());
    for NodeSeen { id, pair, granted, children, flags, stored, inherits, monitor, holders, .. } in
        &mut observation.nodes
    {
        *pair = graph.cumulative(usize::from(id.0));
        // Nothing of what was merely assumed is drawn.
        *granted = Grant { pair: *pair, writable: !flags.read_only && !flags.inactive };
        (*stored, *inherits, *monitor, *holders) = (None, None, true, 0);
        for ChildSeen { name, pair, frozen, .. } in children {
            *frozen = false;
            *pair = pair_of(EdgeId::Child(*id, *name)).unwrap_or(*pair);
        }
    }
    for UserSeen { id, pair, wanted, blocks, ways, .. } in &mut observation.users {
        *pair = pair_of(EdgeId::User(*id)).unwrap_or(*pair);
        (*wanted, *blocks, *ways) = (*pair, OpKinds::NONE, Ways::NONE);
    }
    for node in &mut observation.nodes {
        node.ejected = false;
    }
    observation
}

/// To each edge of the state its place in the web.
fn edge_indices(graph: &AuditGraph, what_if_state: &WhatIfState) -> Vec<(EdgeId, usize)> {
    let mut remaining: Vec<usize> = (0..graph.edges.len()).collect();
    let mut found = Vec::new();
    for edge in what_if_state.state.edges() {
        let same = |place: &usize| {
            let of = &graph.edges[*place];
            let parent = match (edge.parent, of.parent) {
                (Parent::Node(parent), EdgeParent::Node(node)) => usize::from(parent.0) == node,
                (Parent::User(id), EdgeParent::User(user)) => what_if_state.labels[user].0 == id.main(),
                _ => false,
            };
            parent
                && of.child == usize::from(edge.child.0)
                && (matches!(edge.parent, Parent::User(_))
                    || operation_name(&of.name) == what_if_state.names.child(edge.name))
        };
        if let Some(info) = remaining.iter().position(same) {
            found.push((edge.id(), remaining.remove(info)));
        }
    }
    found
}

/// A state of the model as a web, to explain what an operation would make of it.
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

/// Which edge of [`web`] that is: they stand in the order of the state's.
pub fn edge_index(state: &State, edge: EdgeId) -> Option<usize> {
    state.edge_index(edge)
}

/// What the state breaks already.
pub fn violations(state: &State) -> Vec<blockgraph_model::Violation> {
    judge::violations(state)
}
