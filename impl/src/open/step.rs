//! O41: what the graph sees of an image being opened, with drivers that are ready.

use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::{Core, EdgeKey, Node, NodeKey};
use crate::journal::Undo;
use crate::ops::{NodeSpec, shape_of};
use crate::permission::{Pair, Permissions};
use crate::role::{Role, Shape, Slot};
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// What is below a node that is opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChildRef {
    /// Another layer that the same operation opens; its index.
    Layer(usize),
    /// A node that is there already.
    Node(NodeKey),
}

/// The file child of a node that is opened (O41).
#[derive(Clone, Debug)]
pub enum FileChild<D> {
    /// Opened together with the node. If the spec says read-only that is its own flag; else it inherits the node's.
    New(NodeSpec, D),
    /// A node that is there already.
    Reference(NodeKey),
}

/// An image to be opened whose drivers are ready (O41).
///
/// ```
/// use blockgraph::drivers::{Format, Protocol};
/// use blockgraph::open::OpenSpec;
/// use blockgraph::{Graph, NodeSpec, Preset};
///
/// let mut graph: Graph<Preset> = Graph::new();
/// let spec = OpenSpec::new(NodeSpec::new("disk").read_only(true), Format.into());
/// let opened = graph.open(spec.file(NodeSpec::new("file"), Protocol.into()))?;
///
/// let file = opened.file.and_then(|file| graph.get(file));
/// assert!(file.is_some_and(|file| file.read_only() && file.inherits_from() == Some(opened.node)));
/// # Ok::<(), blockgraph::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OpenSpec<D> {
    /// How the node is to be.
    pub node: NodeSpec,
    /// Its driver.
    pub driver: D,
    /// Its file child.
    pub file: Option<FileChild<D>>,
    /// Its backing child, which is there already.
    pub backing: Option<NodeKey>,
    /// The name and driver of the overlay of a temporary snapshot (L5.12).
    pub overlay: Option<(Arc<str>, D)>,
    /// Whether the format was probed, so that somebody read the file before (L5.11).
    pub probe: bool,
}

impl<D> OpenSpec<D> {
    /// A node without children.
    #[must_use]
    pub const fn new(node: NodeSpec, driver: D) -> Self {
        Self { node, driver, file: None, backing: None, overlay: None, probe: false }
    }

    /// Opens a file child with it.
    #[must_use]
    pub fn file(self, spec: NodeSpec, driver: D) -> Self {
        Self { file: Some(FileChild::New(spec, driver)), ..self }
    }

    /// Gives it a node that is there as its file child.
    #[must_use]
    pub fn existing_file(self, node: NodeKey) -> Self {
        Self { file: Some(FileChild::Reference(node)), ..self }
    }

    /// Gives it a node that is there as its backing child.
    #[must_use]
    pub fn backing(self, node: NodeKey) -> Self {
        Self { backing: Some(node), ..self }
    }

    /// Puts an overlay above it, which the monitor holds instead.
    #[must_use]
    pub fn overlay(self, name: impl Into<Arc<str>>, driver: D) -> Self {
        Self { overlay: Some((name.into(), driver)), ..self }
    }

    /// Sets whether its format was probed.
    #[must_use]
    pub fn probe(self, on: bool) -> Self {
        Self { probe: on, ..self }
    }
}

/// The nodes of an image that was opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct OpenedImage {
    /// The node.
    pub node: NodeKey,
    /// Its file child, opened with it or referred to.
    pub file: Option<NodeKey>,
    /// The overlay of the temporary snapshot.
    pub overlay: Option<NodeKey>,
}

impl OpenedImage {
    /// What takes the place of the image for the caller: the overlay, or without one the node.
    #[must_use]
    pub fn top(&self) -> NodeKey {
        self.overlay.unwrap_or(self.node)
    }
}

/// One layer with its driver.
pub(crate) struct OpenLayer<D> {
    pub(crate) spec: NodeSpec,
    /// The read-only flag was said, so it is the node's own (S8).
    pub(crate) explicit_read_only: bool,
    /// Until it is the graph's.
    pub(crate) driver: Option<D>,
    pub(crate) file: Option<ChildRef>,
    pub(crate) backing: Option<ChildRef>,
    pub(crate) probe: bool,
}

/// Layers with their drivers, from the bottom up: the last one is the node that was asked for.
pub(crate) struct OpenLayers<D> {
    pub(crate) layers: Vec<OpenLayer<D>>,
    pub(crate) overlay: Option<(Arc<str>, Option<D>)>,
}

impl<D: Driver> OpenLayers<D> {
    /// Closes the drivers that are not the graph's yet, last opened first (L5.10).
    fn close(&mut self) {
        if let Some((name, driver)) = &mut self.overlay {
            close_one(name, driver);
        }
        self.layers.iter_mut().rev().for_each(|layer| close_one(&layer.spec.name, &mut layer.driver));
    }
}

fn close_one<D: Driver>(name: &str, driver: &mut Option<D>) {
    if let Some(mut driver) = driver.take() {
        driver.close(name);
    }
}

impl<D> From<OpenSpec<D>> for OpenLayers<D> {
    fn from(spec: OpenSpec<D>) -> Self {
        let mut layers = Vec::with_capacity(2);
        let file = spec.file.map(|file| match file {
            FileChild::Reference(node) => ChildRef::Node(node),
            FileChild::New(mut below, driver) => {
                let explicit_read_only = below.read_only;
                below.read_only |= spec.node.read_only;
                below.inactive |= spec.node.inactive;
                let (driver, file, backing) = (Some(driver), None, None);
                layers.push(OpenLayer { spec: below, explicit_read_only, driver, file, backing, probe: false });
                ChildRef::Layer(0)
            }
        });
        let (driver, backing) = (Some(spec.driver), spec.backing.map(ChildRef::Node));
        layers.push(OpenLayer { spec: spec.node, explicit_read_only: true, driver, file, backing, probe: spec.probe });
        Self { layers, overlay: spec.overlay.map(|(name, driver)| (name, Some(driver))) }
    }
}

/// The role of a child `file` (O41.5).
const fn file_role(shape: Shape) -> Role {
    if shape.filter.is_some() || shape.takes_filtered {
        Role::FILTER
    } else {
        Role::DATA.union(Role::METADATA).union(Role::PRIMARY)
    }
}

impl<D: Driver> Graph<D> {
    /// O41, and the same for more layers. On an error the drivers that have not joined the graph by then are closed
    /// here; those that have are closed when it is undone.
    pub(crate) fn step_open(&mut self, mut layers: OpenLayers<D>) -> Result<OpenedImage, Error> {
        let result = self.add_layers(&mut layers);
        if result.is_err() {
            layers.close();
        }
        result
    }

    fn add_layers(&mut self, layers: &mut OpenLayers<D>) -> Result<OpenedImage, Error> {
        let references = layers.layers.iter().flat_map(|layer| [layer.file, layer.backing]).flatten();
        for below in references {
            if let ChildRef::Node(node) = below {
                self.core.live(node)?;
            }
        }
        // The keys of the layers that are there, and whether they inherit their flag.
        let mut added: Vec<(NodeKey, bool)> = Vec::with_capacity(layers.layers.len());
        let last = layers.layers.len().saturating_sub(1);
        for (index, layer) in layers.layers.iter_mut().enumerate() {
            let key = self.open_layer(layer, index == last)?;
            self.open_children(key, layer, &added)?;
            added.push((key, !layer.explicit_read_only));
        }
        // There always is a last one; without it nothing was opened.
        let (node, _) = added.last().copied().unwrap_or_default();
        let overlay = match &mut layers.overlay {
            Some((name, driver)) => self.open_overlay(name.clone(), driver, node)?,
            None => None,
        };
        let file = layers.layers.last().and_then(|layer| layer.file);
        let file = file.and_then(|file| match file {
            ChildRef::Node(node) => Some(node),
            ChildRef::Layer(index) => added.get(index).map(|(key, _)| *key),
        });
        Ok(OpenedImage { node, file, overlay })
    }

    /// O41.2 of a layer below, or O41.3 and O41.4 of the node. What is below another layer is held by nobody.
    fn open_layer(&mut self, layer: &mut OpenLayer<D>, held: bool) -> Result<NodeKey, Error> {
        if let (true, Some(ChildRef::Node(file))) = (layer.probe, layer.file) {
            self.core.can_probe(file)?;
        }
        self.open_node(&layer.spec, &mut layer.driver, held)
    }

    /// O1, of a driver that is to be closed if it is taken back.
    fn open_node(&mut self, spec: &NodeSpec, driver: &mut Option<D>, held: bool) -> Result<NodeKey, Error> {
        let shape = driver.as_ref().map(shape_of).unwrap_or_default();
        self.can_add(spec, shape)?;
        let mut node = Node::new(spec, shape, self.core.front_label());
        if !held {
            (node.holders, node.monitor) = (0, false);
        }
        let key = self.core.add_node(spec.name.clone(), node);
        self.drivers.extend(driver.take().map(|driver| (key, driver)));
        self.core.pending.journal.push(Undo::Opened(key));
        Ok(key)
    }

    /// O41.5 and O41.6.
    fn open_children(&mut self, key: NodeKey, layer: &OpenLayer<D>, layers: &[(NodeKey, bool)]) -> Result<(), Error> {
        let find = |below: ChildRef| match below {
            ChildRef::Node(node) => Some((node, None)),
            ChildRef::Layer(index) => layers.get(index).map(|(node, inherits)| (*node, Some(*inherits))),
        };
        if let Some((file, inherits)) = layer.file.and_then(find) {
            let role = file_role(self.core.nodes[key].shape());
            let name = self.core.words.of(Slot::File).clone();
            self.core.can_attach(key, &name, role)?;
            self.core.add_child(key, file, name, role);
            self.core.set_inheritance(file, key, inherits);
        }
        if let Some((backing, inherits)) = layer.backing.and_then(find) {
            let role = self.can_set_backing(key, Some(backing))?;
            self.core.swap_child(key, Slot::Backing, Some(backing), role);
            self.core.set_inheritance(backing, key, inherits);
        }
        Ok(())
    }

    /// O41.7.
    fn open_overlay(
        &mut self,
        name: Arc<str>,
        driver: &mut Option<D>,
        node: NodeKey,
    ) -> Result<Option<NodeKey>, Error> {
        let spec = NodeSpec::new(name).inactive(self.core.nodes[node].inactive);
        let overlay = self.open_node(&spec, driver, true)?;
        self.step_append(overlay, node, false)?;
        self.core.drop_monitor(node);
        Ok(Some(overlay))
    }
}

impl Core {
    /// S8 of a node that was opened for `parent`; nothing of one that was there.
    fn set_inheritance(&mut self, node: NodeKey, parent: NodeKey, inherits_read_only: Option<bool>) {
        if let Some(read_only) = inherits_read_only {
            self.set_inherits(node, parent, read_only);
        }
    }

    /// L5.11: somebody is about to read the node to find out its format, who needs R and shares everything. O(parents
    /// + what the transaction did).
    pub(crate) fn can_probe(&self, node: NodeKey) -> Result<(), Error> {
        let before = self.pairs_before(node);
        let denies = |edge: &EdgeKey| {
            let pair = before.get(edge).copied().unwrap_or(self.edges[*edge].pair);
            !pair.share.contains(Permissions::READ)
        };
        match self.parents(node).find(denies) {
            Some(edge) => Err(ErrorKind::ProbeDenied { node: self.node_ref(node), denies: self.edge_ref(edge) }.into()),
            None => Ok(()),
        }
    }

    /// The pairs that parent edges of the node had before the transaction, as far as these are not the present ones.
    ///
    /// The pair of a node's edge is written by the judgement alone, and of a transaction that is still open nothing
    /// has been judged: the present one is that of before, also of an edge that was moved here. An edge that this
    /// transaction made has not been judged, and denies nothing yet. The pair of a user's edge is written by steps
    /// (set-user, and what makes its node inactive), but never without a record, and the oldest record of an edge has
    /// the pair of before. So the journal knows all that differs; in an operation of its own it is empty.
    fn pairs_before(&self, node: NodeKey) -> HashMap<EdgeKey, Pair> {
        let mut pairs = HashMap::new();
        for undo in &self.pending.journal {
            let (edge, pair) = match *undo {
                Undo::Pair(edge, pair) => (edge, pair),
                Undo::Linked(edge) => (edge, Pair::NOTHING),
                _ => continue,
            };
            if self.edges.get(edge).is_some_and(|edge| edge.linked && edge.child == node) {
                pairs.entry(edge).or_insert(pair);
            }
        }
        pairs
    }
}
