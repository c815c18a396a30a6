//! Opening layer by layer (L5.10), by a catalogue or by the caller.

use super::catalogue::{Catalogue, DriverInfo, LayerRequest};
use super::error::{DriverClass, OpenError, OpenErrorKind};
use super::step::{ChildRef, OpenLayer, OpenLayers, OpenedImage};
use super::tree::{Layer, OpenRequest, OpenTree};
use crate::driver::Driver;
use crate::graph::Graph;
use crate::ops::NodeSpec;
use crate::transaction::Transaction;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The format of a file that no format recognises (L5.6).
const RAW: &str = "raw";

/// An image whose layers are being opened, from the bottom up.
///
/// [`Transaction::open_image`] opens all layers with a catalogue. A caller that cannot block, for example an
/// asynchronous program, opens the layers itself: [`next_layer`](Self::next_layer) returns the next one;
/// [`set_format`](Self::set_format) sets its format if the layer is to be probed; [`layer_opened`](Self::layer_opened)
/// passes its driver. At the end, [`Transaction::open_layers`] adds the nodes to the graph. Dropping a `PendingOpen`
/// closes its drivers, last opened first.
///
/// ```
/// use blockgraph::drivers::{Format, Protocol};
/// use blockgraph::open::{DriverClass, DriverInfo, DriverList, OpenRequest, OpenTree, PendingOpen, Options};
/// use blockgraph::{Graph, Preset};
/// use std::sync::Arc;
///
/// /// The list of drivers: files, and one format.
/// struct Drivers;
///
/// impl DriverList for Drivers {
///     fn driver(&self, name: &str) -> Option<DriverInfo> {
///         (name == "qcow2").then(|| DriverInfo::new(name, DriverClass::Format))
///     }
///     fn protocol(&self, _: &str) -> Option<DriverInfo> { None }
///     fn plain_file(&self) -> Option<DriverInfo> { Some(DriverInfo::new("file", DriverClass::Protocol)) }
///     fn formats(&self) -> Vec<Arc<str>> { vec!["qcow2".into()] }
/// }
///
/// let mut graph: Graph<Preset> = Graph::new();
/// let mut options = Options::new();
/// options.set("driver", "qcow2")?;
/// let tree = OpenTree::resolve(OpenRequest::new(options).filename("a.img"), &graph, &Drivers)?;
///
/// let mut opening: PendingOpen<Preset> = PendingOpen::new(tree);
/// while let Some(layer) = opening.next_layer() {
///     // An asynchronous program can wait here.
///     let driver: Preset = match layer.driver().map(|driver| driver.class) {
///         Some(DriverClass::Protocol) => {
///             layer.options_mut().take_text("filename")?;
///             Protocol.into()
///         }
///         _ => Format.into(),
///     };
///     opening.layer_opened(driver)?;
/// }
/// let mut t = graph.transaction();
/// let opened = t.open_layers(opening)?;
/// t.commit()?;
/// assert_eq!(graph.get(opened.node).map(|node| &**node.name()), Some("#block001"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PendingOpen<D: Driver> {
    tree: OpenTree,
    /// The drivers of the first layers, in order; the driver of the overlay comes last.
    drivers: Vec<D>,
}

impl<D: Driver> Drop for PendingOpen<D> {
    fn drop(&mut self) {
        while let Some(mut driver) = self.drivers.pop() {
            let layer = self.tree.layers.get(self.drivers.len()).map(|layer| &layer.name);
            driver.close(layer.or(self.tree.overlay.as_ref()).map_or("", |name| name));
        }
    }
}

impl<D: Driver> PendingOpen<D> {
    /// Creates a pending open with no open layer.
    #[must_use]
    pub const fn new(tree: OpenTree) -> Self {
        Self { tree, drivers: Vec::new() }
    }

    /// Returns the next layer to be opened; `None` if all layers are open and at most the overlay is left.
    pub fn next_layer(&mut self) -> Option<&mut Layer> {
        self.tree.layers.get_mut(self.drivers.len())
    }

    /// Returns the name of the overlay if the overlay is to be opened next.
    #[must_use]
    pub fn next_overlay(&self) -> Option<&Arc<str>> {
        self.tree.overlay.as_ref().filter(|_| self.drivers.len() == self.tree.layers.len())
    }

    /// Returns the driver of an open layer or of an existing node.
    #[must_use]
    pub fn driver<'a>(&'a self, graph: &'a Graph<D>, below: ChildRef) -> Option<&'a D> {
        match below {
            ChildRef::Layer(index) => self.drivers.get(index).filter(|_| index < self.tree.layers.len()),
            ChildRef::Node(node) => graph.driver(node),
        }
    }

    /// Sets the format of the next layer, which the caller has found by probing. Does nothing if the layer was not to
    /// be probed.
    pub fn set_format(&mut self, driver: DriverInfo) {
        if let Some(layer) = self.next_layer().filter(|layer| layer.probed) {
            layer.driver = Some(driver);
        }
    }

    /// Takes the driver of the next layer, or of the overlay, which is now open.
    ///
    /// # Errors
    /// `UnknownOption` if the driver left options of the layer (L5.9). The driver is kept in that case too, and closed
    /// with the others.
    pub fn layer_opened(&mut self, driver: D) -> Result<(), OpenError> {
        let layer = self.tree.layers.get(self.drivers.len());
        let result = layer.map_or(Ok(()), Layer::ensure_options_used);
        self.drivers.push(driver);
        result
    }

    /// Returns how many drivers are still to be opened.
    fn left(&self) -> usize {
        let all = self.tree.layers.len() + usize::from(self.tree.overlay.is_some());
        all.saturating_sub(self.drivers.len())
    }

    /// Moves the layers and drivers out, so that dropping `self` closes nothing.
    fn into_layers(mut self) -> OpenLayers<D> {
        let mut drivers = core::mem::take(&mut self.drivers).into_iter();
        let parts = core::mem::take(&mut self.tree.layers).into_iter().zip(drivers.by_ref());
        let layers = parts.map(|(layer, driver)| {
            let spec = NodeSpec::new(layer.name).read_only(layer.read_only).force_share(layer.force_share);
            let (spec, driver) = (spec.inactive(layer.inactive), Some(driver));
            let (file, backing, probe) = (layer.file, layer.backing, layer.probed);
            OpenLayer { spec, explicit_read_only: layer.explicit_read_only, driver, file, backing, probe }
        });
        let layers = layers.collect();
        let overlay = self.tree.overlay.take();
        OpenLayers { layers, overlay: overlay.map(|name| (name, drivers.next())) }
    }

    /// Opens the next layer with the catalogue.
    fn open_next<C: Catalogue<D> + ?Sized>(&mut self, graph: &Graph<D>, catalogue: &mut C) -> Result<(), OpenError> {
        let index = self.drivers.len();
        let Some(layer) = self.next_layer() else { return Ok(()) };
        if layer.driver.is_none() {
            let file = layer.file;
            let format = self.probe(file, graph, catalogue)?;
            self.set_format(format);
        }
        let Self { tree, drivers } = self;
        let Some(layer) = tree.layers.get_mut(index) else { return Ok(()) };
        let below = |below: Option<ChildRef>| match below? {
            ChildRef::Layer(index) => drivers.get(index),
            ChildRef::Node(node) => graph.driver(node),
        };
        let (file, backing) = (below(layer.file), below(layer.backing));
        let Layer { name, driver, read_only, force_share, inactive, options, .. } = layer;
        let driver = driver.as_ref().map_or(RAW, |driver| &*driver.name);
        let (read_only, force_share, inactive) = (*read_only, *force_share, *inactive);
        let request = LayerRequest { driver, node: name, read_only, force_share, inactive, options, file, backing };
        let opened = catalogue.open(request).map_err(|refusal| OpenErrorKind::OpenRefused {
            driver: driver.into(),
            node: name.clone(),
            message: refusal.message().clone(),
        })?;
        self.layer_opened(opened)
    }

    /// Returns the format that is most certain of a file, the first one probed if several are equally certain, and
    /// `raw` if no format recognises the file (L5.6). A parent that does not let others read the file makes this fail
    /// (L5.11).
    fn probe<C: Catalogue<D> + ?Sized>(
        &self,
        file: Option<ChildRef>,
        graph: &Graph<D>,
        catalogue: &mut C,
    ) -> Result<DriverInfo, OpenError> {
        if let Some(ChildRef::Node(node)) = file {
            graph.core.can_probe(node)?;
        }
        let mut best: (u32, Arc<str>) = (0, RAW.into());
        // A file without its driver is not read.
        if let Some(file) = file.and_then(|file| self.driver(graph, file)) {
            for format in catalogue.formats() {
                let certainty = catalogue.probe(&format, file);
                if certainty > best.0 {
                    best = (certainty, format);
                }
            }
        }
        let (_, driver) = best;
        catalogue.driver(&driver).ok_or_else(|| OpenErrorKind::UnknownDriver { driver }.into())
    }
}

impl<D: Driver> Transaction<'_, D> {
    /// Opens an image by its name and options (L5.10; QEMU: `bdrv_open_inherit`): resolves the request, lets the
    /// catalogue open the layers from the bottom up, and adds them as one step. O(options and layers), plus the cost of
    /// the catalogue.
    ///
    /// # Errors
    /// Those of [`OpenTree::resolve`], the catalogue's refusals, `UnknownOption`, and those of [`open`](Self::open). On
    /// an error the transaction is as before, and all drivers that were opened are closed, last opened first. They are
    /// closed in the same way if the transaction is not committed.
    pub fn open_image<C: Catalogue<D> + ?Sized>(
        &mut self,
        request: OpenRequest,
        catalogue: &mut C,
    ) -> Result<OpenedImage, OpenError> {
        let mut opening = PendingOpen::new(OpenTree::resolve(request, self, catalogue)?);
        while opening.next_layer().is_some() {
            opening.open_next(self, catalogue)?;
        }
        if let Some(node) = opening.next_overlay().cloned() {
            let overlay = catalogue.open_overlay(&node);
            let refused = |message| OpenErrorKind::OverlayRefused { node, message };
            opening.layer_opened(overlay.map_err(|refusal| refused(refusal.message().clone()))?)?;
        }
        self.open_layers(opening)
    }

    /// Adds the layers whose drivers the caller has opened, as one step.
    ///
    /// # Errors
    /// `LayersLeft`; those of [`open`](Self::open). On an error all drivers of the layers have been closed, last opened
    /// first.
    pub fn open_layers(&mut self, opening: PendingOpen<D>) -> Result<OpenedImage, OpenError> {
        let layers = opening.left();
        if layers > 0 {
            return Err(OpenErrorKind::LayersLeft { layers }.into());
        }
        let parts = opening.into_layers();
        Ok(self.step(|graph| graph.step_open(parts))?)
    }
}

impl<D: Driver> Graph<D> {
    /// [`Transaction::open_image`] as a transaction of one step. Either the image is open, or no node is left and all
    /// drivers that were opened are closed, last opened first.
    ///
    /// # Errors
    /// Those of [`Transaction::open_image`], a violation (V3), or a driver's refusal (V7).
    pub fn open_image<C: Catalogue<D> + ?Sized>(
        &mut self,
        request: OpenRequest,
        catalogue: &mut C,
    ) -> Result<OpenedImage, OpenError> {
        let mut transaction = self.transaction();
        let opened = transaction.open_image(request, catalogue)?;
        transaction.commit_silently()?;
        Ok(opened)
    }
}

impl DriverInfo {
    /// Returns whether the driver is a protocol, the bottom of a chain.
    pub(crate) fn is_protocol(&self) -> bool {
        self.class == DriverClass::Protocol
    }
}
