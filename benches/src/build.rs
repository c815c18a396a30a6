//! Builders of graphs.

use blockgraph::drivers::{Filter, Format, Protocol, Quorum};
use blockgraph::{Driver, Error, Graph, NodeKey, NodeSpec, Pair, Permissions, Preset, Role, UserKey};
use std::sync::Arc;

/// A graph of ready-made drivers.
pub type PresetGraph = Graph<Preset>;

/// Reads and shares everything.
pub const READER: Pair = Pair::new(Permissions::READ, Permissions::ALL);

/// Reads and writes, and shares everything.
pub const WRITER: Pair = Pair::new(Permissions::READ.union(Permissions::WRITE), Permissions::ALL);

/// The role of the file below a format.
pub const IMAGE: Role = Role::DATA.union(Role::METADATA).union(Role::PRIMARY);

/// A graph, and the places in it that a benchmark works on.
#[derive(Debug)]
pub struct Built<D: Driver = Preset> {
    /// The graph.
    pub graph: Graph<D>,
    /// The topmost node.
    pub top: NodeKey,
    /// The bottom node.
    pub bottom: NodeKey,
    /// A root user on the topmost node.
    pub user: UserKey,
}

/// Five nodes as a small virtual machine has them: a user on a throttle filter on an overlay with its file, and a
/// backing image with its file; the filter, overlay, backing image and the two files.
///
/// # Errors
/// None, unless the graph is broken.
pub fn five_nodes() -> Result<Built, Error> {
    let mut graph = PresetGraph::new();
    let (top, bottom, user) = five_more(&mut graph, "")?;
    Ok(Built { graph, top, bottom, user })
}

/// Such five again, their names marked.
fn five_more(graph: &mut PresetGraph, mark: &str) -> Result<(NodeKey, NodeKey, UserKey), Error> {
    let name = |name: &str| format!("{name}{mark}");
    let bottom = graph.add(NodeSpec::new(name("base-file")).read_only(true), Protocol.into())?;
    let base = graph.add(NodeSpec::new(name("base")).read_only(true), Format.into())?;
    graph.attach(base, bottom, "file", IMAGE)?;
    let file = graph.add(NodeSpec::new(name("overlay-file")), Protocol.into())?;
    let overlay = graph.add(NodeSpec::new(name("overlay")), Format.into())?;
    graph.attach(overlay, file, "file", IMAGE)?;
    graph.set_backing(overlay, Some(base))?;
    let top = graph.add(NodeSpec::new(name("throttle")), Filter.into())?;
    graph.attach(top, overlay, "file", Role::FILTER)?;
    let user = graph.attach_user(name("disk"), top, WRITER, false)?;
    Ok((top, bottom, user))
}

/// Many virtual machines in one graph: so many nodes, five a machine; the places are those of the last machine.
///
/// # Errors
/// None, unless the graph is broken.
pub fn forest(nodes: usize) -> Result<Built, Error> {
    let mut graph = PresetGraph::with_capacity(nodes, nodes);
    let (mut top, mut bottom, mut user) = five_more(&mut graph, "")?;
    for machine in 1..nodes / 5 {
        (top, bottom, user) = five_more(&mut graph, &machine.to_string())?;
    }
    Ok(Built { graph, top, bottom, user })
}

/// A chain of filters above a protocol node, `length` nodes in all, with one reader on top.
///
/// # Errors
/// None, unless the graph is broken.
pub fn chain(length: usize) -> Result<Built, Error> {
    chain_of(length, Protocol.into(), || Filter.into())
}

/// A chain of filters above a protocol node, `length` nodes in all, with one reader on top.
///
/// # Errors
/// None, unless the graph is broken.
pub fn chain_of<D: Driver>(length: usize, protocol: D, filter: impl Fn() -> D) -> Result<Built<D>, Error> {
    let mut graph = Graph::with_capacity(length, length);
    let bottom = graph.add(NodeSpec::new("n0"), protocol)?;
    let file: Arc<str> = "file".into();
    let mut top = bottom;
    for index in 1..length {
        let node = graph.add(NodeSpec::new(format!("n{index}")), filter())?;
        graph.attach(node, top, file.clone(), Role::FILTER)?;
        top = node;
    }
    let user = graph.attach_user("user", top, READER, false)?;
    Ok(Built { graph, top, bottom, user })
}

/// An image with overlays, `length` nodes in all, with one writer on top.
///
/// # Errors
/// None, unless the graph is broken.
pub fn images(length: usize) -> Result<Built, Error> {
    let mut graph = PresetGraph::with_capacity(length, length);
    let bottom = graph.add(NodeSpec::new("n0"), Format.into())?;
    let mut top = bottom;
    for index in 1..length {
        let node = graph.add(NodeSpec::new(format!("n{index}")), Format.into())?;
        graph.set_backing(node, Some(top))?;
        top = node;
    }
    let user = graph.attach_user("user", top, WRITER, false)?;
    Ok(Built { graph, top, bottom, user })
}

/// One protocol node with so many readers.
///
/// # Errors
/// None, unless the graph is broken.
pub fn crowd(parents: usize) -> Result<Built, Error> {
    let mut graph = PresetGraph::with_capacity(1, parents);
    let node = graph.add(NodeSpec::new("node"), Protocol.into())?;
    let user = graph.attach_user("user", node, READER, false)?;
    for index in 1..parents {
        graph.attach_user(format!("user{index}"), node, READER, false)?;
    }
    Ok(Built { graph, top: node, bottom: node, user })
}

/// One quorum with so many children, which is the top; the bottom is the last of them.
///
/// # Errors
/// None, unless the graph is broken.
pub fn quorum(children: usize) -> Result<Built, Error> {
    let mut graph = PresetGraph::with_capacity(children + 1, children);
    let top = graph.add(NodeSpec::new("quorum"), Quorum::default().into())?;
    let mut bottom = top;
    for index in 0..children {
        bottom = graph.add(NodeSpec::new(format!("n{index}")), Protocol.into())?;
        graph.attach(top, bottom, format!("children.{index}"), Role::DATA)?;
    }
    let user = graph.attach_user("user", top, READER, false)?;
    Ok(Built { graph, top, bottom, user })
}

/// Layers of one node each, with two edges from each layer to the next: `2^layers` paths.
///
/// # Errors
/// None, unless the graph is broken.
pub fn ladder(layers: usize) -> Result<Built, Error> {
    let mut graph = PresetGraph::with_capacity(layers, layers * 2);
    let bottom = graph.add(NodeSpec::new("n0"), Protocol.into())?;
    let mut top = bottom;
    for index in 1..layers {
        let node = graph.add(NodeSpec::new(format!("n{index}")), Quorum::default().into())?;
        graph.attach(node, top, "left", Role::DATA)?;
        graph.attach(node, top, "right", Role::DATA)?;
        top = node;
    }
    let user = graph.attach_user("user", top, Pair::NOTHING, false)?;
    Ok(Built { graph, top, bottom, user })
}
