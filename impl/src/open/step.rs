//! O41: adding an image whose drivers are already open.

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

/// A child of a node that is being opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChildRef {
    /// Another layer of the same operation, by its index.
    Layer(usize),
    /// A node that already exists.
    Node(NodeKey),
}

/// The file child of a node that is being opened (O41).
#[derive(Clone, Debug)]
pub enum FileChild<D> {
    /// A node that is opened together with its parent. If its spec is read-only, the flag is its own; otherwise it
    /// inherits the parent's.
    New(NodeSpec, D),
    /// A node that already exists.
    Reference(NodeKey),
}

/// An image to be opened whose drivers are already open (O41).
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
    /// The properties of the node.
    pub node: NodeSpec,
    /// The driver of the node.
    pub driver: D,
    /// The file child of the node.
    pub file: Option<FileChild<D>>,
    /// The backing child, which already exists.
    pub backing: Option<NodeKey>,
    /// The name and driver of the temporary overlay (L5.12).
    pub overlay: Option<(Arc<str>, D)>,
    /// Whether the format was probed, so that the file was read before (L5.11).
    pub probe: bool,
}

impl<D> OpenSpec<D> {
    /// Describes a node without children.
    #[must_use]
    pub const fn new(node: NodeSpec, driver: D) -> Self {
        Self { node, driver, file: None, backing: None, overlay: None, probe: false }
    }

    /// Opens a file child together with the node.
    #[must_use]
    pub fn file(self, spec: NodeSpec, driver: D) -> Self {
        Self { file: Some(FileChild::New(spec, driver)), ..self }
    }

    /// Uses an existing node as the file child.
    #[must_use]
    pub fn existing_file(self, node: NodeKey) -> Self {
        Self { file: Some(FileChild::Reference(node)), ..self }
    }

    /// Uses an existing node as the backing child.
    #[must_use]
    pub fn backing(self, node: NodeKey) -> Self {
        Self { backing: Some(node), ..self }
    }

    /// Opens an overlay above the node. The monitor holds the overlay instead of the node.
    #[must_use]
    pub fn overlay(self, name: impl Into<Arc<str>>, driver: D) -> Self {
        Self { overlay: Some((name.into(), driver)), ..self }
    }

    /// Sets whether the format was probed.
    #[must_use]
    pub fn probe(self, on: bool) -> Self {
        Self { probe: on, ..self }
    }
}

/// The nodes of an image that was opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct OpenedImage {
    /// The node itself.
    pub node: NodeKey,
    /// The file child, opened with the node or already existing.
    pub file: Option<NodeKey>,
    /// The temporary overlay.
    pub overlay: Option<NodeKey>,
}

impl OpenedImage {
    /// Returns the node that the caller uses as the image: the overlay, or the node itself if there is no overlay.
    #[must_use]
    pub fn top(&self) -> NodeKey {
        self.overlay.unwrap_or(self.node)
    }
}

/// One layer with its driver.
pub(crate) struct OpenLayer<D> {
    pub(crate) spec: NodeSpec,
    /// The read-only flag was given explicitly, so it is the node's own (S8).
    pub(crate) explicit_read_only: bool,
    /// `None` once the graph owns the driver.
    pub(crate) driver: Option<D>,
    pub(crate) file: Option<ChildRef>,
    pub(crate) backing: Option<ChildRef>,
    pub(crate) probe: bool,
}

/// Layers with their drivers, from the bottom up. The last one is the requested node.
pub(crate) struct OpenLayers<D> {
    pub(crate) layers: Vec<OpenLayer<D>>,
    pub(crate) overlay: Option<(Arc<str>, Option<D>)>,
}

impl<D: Driver> OpenLayers<D> {
    /// Closes the drivers that the graph does not own yet, last opened first (L5.10).
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

/// Returns the role of a child `file` (O41.5).
const fn file_role(shape: Shape) -> Role {
    if shape.filter.is_some() || shape.takes_filtered {
        Role::FILTER
    } else {
        Role::DATA.union(Role::METADATA).union(Role::PRIMARY)
    }
}

impl<D: Driver> Graph<D> {
    /// O41 for any number of layers. On an error this method closes the drivers that the graph does not own yet; the
    /// undo log closes the others.
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
        // The keys of the layers that have been added, and whether each inherits its read-only flag.
        let mut added: Vec<(NodeKey, bool)> = Vec::with_capacity(layers.layers.len());
        let last = layers.layers.len().saturating_sub(1);
        for (index, layer) in layers.layers.iter_mut().enumerate() {
            let key = self.open_layer(layer, index == last)?;
            self.open_children(key, layer, &added)?;
            added.push((key, !layer.explicit_read_only));
        }
        // There is always a last layer.
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

    /// O41.2 for a layer below, or O41.3 and O41.4 for the requested node. A layer below another one has no holder.
    fn open_layer(&mut self, layer: &mut OpenLayer<D>, held: bool) -> Result<NodeKey, Error> {
        if let (true, Some(ChildRef::Node(file))) = (layer.probe, layer.file) {
            self.core.can_probe(file)?;
        }
        self.open_node(&layer.spec, &mut layer.driver, held)
    }

    /// O1 for a driver that a rollback closes.
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

    /// Attaches the children of a layer (O41.5 and O41.6).
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

    /// Adds the overlay (O41.7).
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
    /// Records that a node opened for `parent` inherits from it (S8); does nothing for a node that existed before.
    fn set_inheritance(&mut self, node: NodeKey, parent: NodeKey, inherits_read_only: Option<bool>) {
        if let Some(read_only) = inherits_read_only {
            self.set_inherits(node, parent, read_only);
        }
    }

    /// L5.11: checks that no parent forbids reading the node. Probing needs R and shares everything. O(parents + steps
    /// of the transaction).
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

    /// Returns the pairs that parent edges of the node had before the transaction, where they differ from the present
    /// ones.
    ///
    /// Only the judgement writes the pair of a node's edge, and no part of an open transaction has been judged. So the
    /// present pair is the previous one, also for an edge that was moved here. An edge that this transaction created
    /// has not been judged and denies nothing yet. Steps write the pair of a user's edge (set-user, and operations that
    /// make its node inactive), but always with a journal entry, and the oldest entry of an edge holds the previous
    /// pair. So the journal contains every difference. In an operation of its own the journal is empty.
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
