//! What the tests of jobs share: a chain of images, and how jobs look in words.

use super::{Behaviour, Injected, add};
use blockgraph::drivers::{Format, Protocol};
use blockgraph::jobs::{Job, Work};
use blockgraph::{Error, Graph, NodeKey, OpKinds, Permissions, SavedGraph, common_users};

/// Images `n0`, `n1` and so on, each the backing file of the next, a guest on the last; and `t`, a node for copies.
pub fn images(count: usize) -> (Graph<Injected>, Vec<NodeKey>, NodeKey) {
    let mut graph = Graph::new();
    let nodes: Vec<_> = (0..count).map(|i| add(&mut graph, &format!("n{i}"), Format)).collect();
    for pair in nodes.windows(2) {
        graph.set_backing(pair[1], Some(pair[0])).unwrap();
    }
    graph.attach_user("guest", nodes[count - 1], common_users::GUEST, false).unwrap();
    let target = add(&mut graph, "t", Protocol);
    (graph, nodes, target)
}

/// One job of each kind on `images(5)`, with the name of the node above which it puts its filter.
pub fn all_jobs(n: &[NodeKey], target: NodeKey) -> [(Job, &'static str); 5] {
    let job = |work| Job::new("job", "f", work);
    [
        (job(Work::Stream { node: n[4], bottom: n[2] }), "n4"),
        (job(Work::Commit { top: n[3], base: n[1], stored: None }), "n3"),
        (job(Work::CommitActive { top: n[4], base: n[2] }), "n4"),
        (job(Work::Mirror { source: n[4], target }), "n4"),
        (job(Work::Backup { source: n[4], target }), "n4"),
    ]
}

pub fn driver(job: &Job) -> Injected {
    Injected::new(job.filter_driver(), Behaviour::Accept)
}

pub fn start(graph: &mut Graph<Injected>, job: &Job) -> Result<NodeKey, Error> {
    graph.start_job(job, driver(job))
}

fn letters(set: Permissions) -> String {
    const LETTERS: [(Permissions, char); 5] = [
        (Permissions::READ, 'R'),
        (Permissions::WRITE, 'W'),
        (Permissions::WRITE_UNCHANGED, 'U'),
        (Permissions::RESIZE, 'Z'),
        (Permissions::GRAPH_MOD, 'G'),
    ];
    let found: String = LETTERS.iter().filter(|(bit, _)| set.contains(*bit)).map(|(_, letter)| *letter).collect();
    if found.is_empty() { "-".into() } else { found }
}

pub fn name(graph: &Graph<Injected>, node: NodeKey) -> String {
    graph.get(node).unwrap().name().to_string()
}

/// All users but the guest, in the order in which they came, as `name on node: need / share`; each must have what a
/// job's user has besides (J3).
pub fn users(graph: &Graph<Injected>, kind: &str) -> Vec<String> {
    let views = graph.users().map(|user| graph.user_view(user).unwrap()).filter(|user| **user.name() != *"guest");
    let describe = |user: blockgraph::UserView<'_>| {
        assert!(user.stays() && !user.may_inactivate());
        assert_eq!(user.blocks(), OpKinds::all() - OpKinds::DATAPLANE);
        assert_eq!(**user.block_reason().unwrap(), *format!("block device is in use by block job: {kind}"));
        let (need, share) = (letters(user.pair().need), letters(user.pair().share));
        format!("{} on {}: {need} / {share}", user.name(), name(graph, user.node()))
    };
    views.map(describe).collect()
}

/// The frozen edges, as `parent>child`, from the node down along the chain.
pub fn frozen(graph: &Graph<Injected>) -> Vec<String> {
    let mut found = Vec::new();
    for node in graph.nodes() {
        for edge in graph.get(node).unwrap().children().map(|edge| graph.edge(edge).unwrap()) {
            if edge.is_frozen() {
                found.push(format!("{}>{}", name(graph, node), name(graph, edge.child())));
            }
        }
    }
    found.sort();
    found
}

/// The node that is in the node's slot backing, or else file.
pub fn below(graph: &Graph<Injected>, node: NodeKey) -> Option<NodeKey> {
    let view = graph.get(node).unwrap();
    view.backing().or(view.file()).and_then(|edge| graph.edge(edge)).map(|edge| edge.child())
}

/// The names from a node down.
pub fn chain_of(graph: &Graph<Injected>, node: NodeKey) -> String {
    let down = std::iter::successors(Some(node), |node| below(graph, *node));
    down.map(|node| name(graph, node)).collect::<Vec<_>>().join(">")
}

/// The node on which the user is.
pub fn node_of(graph: &Graph<Injected>, user: &str) -> NodeKey {
    graph.user_view(graph.user(user).unwrap()).unwrap().node()
}

pub fn stored(graph: &Graph<Injected>, node: NodeKey) -> Option<String> {
    let name = graph.get(node).unwrap().stored_backing().cloned();
    assert_eq!(graph.driver(node).unwrap().stored, name, "the driver was told");
    name.map(|name| name.to_string())
}

/// All that can be seen but what the drivers remember of having been asked.
pub fn picture(graph: &Graph<Injected>) -> SavedGraph<String> {
    graph.save_with(|_, driver| format!("{:?}", driver.preset))
}
