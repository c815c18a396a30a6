//! Resolves a request into layers (L5.4 to L5.9): their children, drivers, flags and options. Nothing is opened here.

use super::catalogue::{DriverInfo, DriverList, driver_of_name};
use super::error::{DriverClass, LookUpScope, OpenError, OpenErrorKind};
use super::json;
use super::options::{OptionValue, Options};
use super::step::ChildRef;
use crate::driver::Driver;
use crate::graph::Graph;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A request to open an image: a file name, options, or both (QEMU: `blk_new_open`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OpenRequest {
    pub(crate) filename: Option<Arc<str>>,
    pub(crate) options: Options,
    protocol: bool,
    pub(crate) temporary_overlay: bool,
}

impl OpenRequest {
    /// Creates a request with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Sets the file name. A name that begins with `json:` is a tree of options (L5.5).
    #[must_use]
    pub fn filename(self, name: impl Into<Arc<str>>) -> Self {
        Self { filename: Some(name.into()), ..self }
    }

    /// Sets whether the name is opened as a protocol, so that no format is probed (L5.6; QEMU: `BDRV_O_PROTOCOL`).
    #[must_use]
    pub fn protocol(self, on: bool) -> Self {
        Self { protocol: on, ..self }
    }

    /// Sets whether a temporary overlay is opened above the image; it discards what is written (L5.12; QEMU:
    /// `BDRV_O_SNAPSHOT`).
    #[must_use]
    pub fn temporary_overlay(self, on: bool) -> Self {
        Self { temporary_overlay: on, ..self }
    }
}

/// One layer of an image that is to be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layer {
    pub(crate) name: Arc<str>,
    pub(crate) driver: Option<DriverInfo>,
    pub(crate) probed: bool,
    pub(crate) read_only: bool,
    pub(crate) explicit_read_only: bool,
    pub(crate) force_share: bool,
    pub(crate) inactive: bool,
    pub(crate) file: Option<ChildRef>,
    pub(crate) backing: Option<ChildRef>,
    pub(crate) options: Options,
}

impl Layer {
    /// Returns the name that the node will have, which is chosen or generated (L5.2).
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the driver; `None` until the format of a layer to be probed is known.
    #[must_use]
    pub const fn driver(&self) -> Option<&DriverInfo> {
        self.driver.as_ref()
    }

    /// Returns whether the node will be read-only: as its options set it, or as its parent is.
    #[must_use]
    pub const fn read_only(&self) -> bool {
        self.read_only
    }

    /// Returns whether the node is force-share: edges from other nodes must share everything.
    #[must_use]
    pub const fn force_share(&self) -> bool {
        self.force_share
    }

    /// Returns whether the node will be inactive, because another program owns the image.
    #[must_use]
    pub const fn inactive(&self) -> bool {
        self.inactive
    }

    /// Returns the file child.
    #[must_use]
    pub const fn file(&self) -> Option<ChildRef> {
        self.file
    }

    /// Returns the backing child.
    #[must_use]
    pub const fn backing(&self) -> Option<ChildRef> {
        self.backing
    }

    /// Returns the driver's own options that have not been taken out.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the driver's own options, so that the driver can take them out.
    pub const fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// L5.9: returns an error if the opened driver left an option.
    pub(crate) fn ensure_options_used(&self) -> Result<(), OpenError> {
        let Some(driver) = &self.driver else { return Ok(()) };
        ensure_all_used(driver, &self.options)
    }
}

/// L5.9: returns an error if any option is left.
pub(crate) fn ensure_all_used(driver: &DriverInfo, options: &Options) -> Result<(), OpenError> {
    let Some((key, _)) = options.iter().next() else { return Ok(()) };
    Err(OpenErrorKind::UnknownOption { class: driver.class, driver: driver.name.clone(), key: key.into() }.into())
}

/// A resolved request: its layers from the bottom up, each after its children. The last layer is the requested image.
/// This is plain data; nothing has been opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenTree {
    pub(crate) layers: Vec<Layer>,
    /// The name of the temporary overlay, if one was requested.
    pub(crate) overlay: Option<Arc<str>>,
}

/// A layer that is still to be resolved.
struct PendingLayer {
    filename: Option<Arc<str>>,
    options: Options,
    protocol: bool,
    /// The parent for which the layer is opened, if any: its index, and whether the layer is its backing child. The
    /// following two fields hold what the layer inherits if its options do not set it.
    parent: Option<(usize, bool)>,
    read_only: bool,
    inactive: bool,
}

/// A child as the options give it.
enum ChildOption {
    Nothing,
    Reference(Arc<str>),
    Tree(Options),
}

impl OpenTree {
    /// Returns the layers, each after its children.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Returns the name that the temporary overlay will have, if one was requested.
    #[must_use]
    pub const fn overlay(&self) -> Option<&Arc<str>> {
        self.overlay.as_ref()
    }

    /// Resolves a request with the given drivers and the nodes that it refers to. O(options and layers).
    ///
    /// # Errors
    /// Those of L5.1 and L5.3 to L5.8, except those that only an open driver can detect.
    pub fn resolve<D: Driver, L: DriverList + ?Sized>(
        request: OpenRequest,
        graph: &Graph<D>,
        drivers: &L,
    ) -> Result<Self, OpenError> {
        let OpenRequest { filename, options, protocol, temporary_overlay } = request;
        let (parent, read_only, inactive) = (None, false, false);
        let mut stack = Vec::from([PendingLayer { filename, options, protocol, parent, read_only, inactive }]);
        // Parents come first, and the backing child comes before the file child. Reversed, this is the order of
        // opening.
        let mut found: Vec<(Layer, bool)> = Vec::new();
        while let Some(item) = stack.pop() {
            let place = found.len();
            if let Some((parent, is_backing)) = item.parent
                && let Some((layer, _)) = found.get_mut(parent)
            {
                let child = if is_backing { &mut layer.backing } else { &mut layer.file };
                *child = Some(ChildRef::Layer(place));
            }
            found.push(resolve_one(item, place, graph, drivers, &mut stack)?);
        }
        Ok(Self::ordered_and_named(found, temporary_overlay, graph))
    }

    /// Returns the layers from the bottom up, with generated names where none was chosen.
    fn ordered_and_named<D: Driver>(found: Vec<(Layer, bool)>, temporary_overlay: bool, graph: &Graph<D>) -> Self {
        let (count, mut number) = (found.len(), 0);
        let mut generate = || {
            let (taken, name) = graph.generate_from(number);
            number = taken.saturating_add(1);
            name
        };
        let reverse_index = |below: &mut Option<ChildRef>| {
            if let Some(ChildRef::Layer(place)) = below {
                *place = (count - 1).saturating_sub(*place);
            }
        };
        let mut layers = Vec::with_capacity(count);
        for (mut layer, named) in found.into_iter().rev() {
            reverse_index(&mut layer.file);
            reverse_index(&mut layer.backing);
            if !named {
                layer.name = generate();
            }
            layers.push(layer);
        }
        Self { layers, overlay: temporary_overlay.then(generate) }
    }
}

/// Resolves one layer and returns it with whether its name was chosen. Pushes its children onto the stack.
fn resolve_one<D: Driver, L: DriverList + ?Sized>(
    mut item: PendingLayer,
    place: usize,
    graph: &Graph<D>,
    drivers: &L,
    stack: &mut Vec<PendingLayer>,
) -> Result<(Layer, bool), OpenError> {
    let filename = take_filename(&mut item)?;
    let driver = match item.options.take_text("driver")? {
        Some(name) => Some(drivers.driver(&name).ok_or_else(|| OpenErrorKind::UnknownDriver { driver: name.clone() })?),
        None if item.protocol => Some(protocol_for(filename.as_deref(), drivers)?),
        None => None,
    };
    let name = item.options.take_text("node-name")?;
    name.as_deref().map_or(Ok(()), |name| graph.check_node_name(name))?;
    let read_only = item.options.take_flag("read-only")?;
    let mut layer = Layer {
        name: name.clone().unwrap_or_default(),
        probed: driver.is_none(),
        read_only: read_only.unwrap_or(item.read_only),
        explicit_read_only: read_only.is_some(),
        force_share: item.options.take_flag("force-share")?.unwrap_or(false),
        inactive: item.options.take_flag("active")? == Some(false) || item.inactive,
        file: None,
        backing: None,
        options: Options::new(),
        driver,
    };
    match layer.driver.as_ref().map(|driver| driver.class) {
        Some(DriverClass::Protocol) => {
            if let Some(filename) = filename {
                item.options.set("filename", filename)?;
            }
        }
        class => resolve_children(&mut item, filename, class, (&mut layer, place), graph, stack)?,
    }
    layer.options = item.options;
    Ok((layer, name.is_some()))
}

/// L5.6: returns the driver for the name of an image that is opened as a protocol.
fn protocol_for<L: DriverList + ?Sized>(filename: Option<&str>, drivers: &L) -> Result<DriverInfo, OpenError> {
    let name = filename.ok_or(OpenErrorKind::FileMissing { driver: None })?;
    driver_of_name(drivers, name).map_err(|protocol| OpenErrorKind::UnknownProtocol { protocol }.into())
}

/// Returns the file name of a layer, which is given beside the options or in them. A name that is a tree of options is
/// merged into the options, and may contain another file name (L5.5).
fn take_filename(item: &mut PendingLayer) -> Result<Option<Arc<str>>, OpenError> {
    let option = item.options.take_text("filename")?;
    if item.filename.is_some() && option.is_some() {
        return Err(OpenErrorKind::OptionTwice { key: "filename".into() }.into());
    }
    let name = item.filename.take().or(option);
    let Some(text) = name.as_deref().and_then(json::strip_prefix) else { return Ok(name) };
    let clash = item.options.merge(Options::from_json(text)?);
    if let Some(key) = clash.filter(|key| matches!(&**key, "file" | "backing")) {
        return Err(OpenErrorKind::ReferenceWithOptions { key }.into());
    }
    item.options.take_text("filename")
}

/// Resolves the children of a layer that is not a protocol (L5.7 and L5.8).
fn resolve_children<D: Driver>(
    item: &mut PendingLayer,
    filename: Option<Arc<str>>,
    class: Option<DriverClass>,
    (layer, place): (&mut Layer, usize),
    graph: &Graph<D>,
    stack: &mut Vec<PendingLayer>,
) -> Result<(), OpenError> {
    // The file of a format or of a probed layer is opened as a protocol. The file of a filter is opened in the way in
    // which the filter was requested.
    let protocol = class != Some(DriverClass::Filter) || item.protocol;
    let inactive = layer.inactive;
    let below = |filename, options, protocol, is_backing, read_only| {
        let parent = Some((place, is_backing));
        PendingLayer { filename, options, protocol, parent, read_only, inactive }
    };
    match take_child(&mut item.options, "file")? {
        ChildOption::Reference(_) if filename.is_some() => {
            return Err(OpenErrorKind::ReferenceWithOptions { key: "file".into() }.into());
        }
        ChildOption::Reference(name) => layer.file = Some(ChildRef::Node(graph.look_up(&name, LookUpScope::Either)?)),
        ChildOption::Tree(options) => stack.push(below(filename, options, protocol, false, layer.read_only)),
        ChildOption::Nothing if filename.is_some() => {
            stack.push(below(filename, Options::new(), protocol, false, layer.read_only));
        }
        ChildOption::Nothing => {
            let driver = layer.driver.as_ref().map(|driver| driver.name.clone());
            return Err(OpenErrorKind::FileMissing { driver }.into());
        }
    }
    if item.options.get("backing") == Some(&OptionValue::Null) {
        item.options.take("backing");
        return Ok(());
    }
    match take_child(&mut item.options, "backing")? {
        ChildOption::Nothing => {}
        ChildOption::Reference(name) => {
            layer.backing = Some(ChildRef::Node(graph.look_up(&name, LookUpScope::Either)?))
        }
        ChildOption::Tree(options) => stack.push(below(None, options, false, true, true)),
    }
    Ok(())
}

/// Takes the option of a child out of the options.
fn take_child(options: &mut Options, key: &str) -> Result<ChildOption, OpenError> {
    if matches!(options.get(key), Some(OptionValue::Text(_))) {
        return Ok(options.take_text(key)?.map_or(ChildOption::Nothing, ChildOption::Reference));
    }
    Ok(options.take_tree(key)?.map_or(ChildOption::Nothing, ChildOption::Tree))
}
