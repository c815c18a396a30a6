//! The caller's drivers. The crate only calls these traits; the implementation does all I/O.

use super::error::DriverClass;
use super::options::Options;
use crate::driver::Refusal;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A driver of a catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DriverInfo {
    /// The name of the driver (QEMU: `format_name`).
    pub name: Arc<str>,
    /// The class of the driver.
    pub class: DriverClass,
    /// Whether the driver can create images.
    pub creates: bool,
}

impl DriverInfo {
    /// Describes a driver that cannot create images.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, class: DriverClass) -> Self {
        Self { name: name.into(), class, creates: false }
    }

    /// Sets whether the driver can create images.
    #[must_use]
    pub fn creates(self, on: bool) -> Self {
        Self { creates: on, ..self }
    }
}

/// The drivers that exist (L5.6).
pub trait DriverList {
    /// Returns the driver of that name (QEMU: `bdrv_find_format`).
    fn driver(&self, name: &str) -> Option<DriverInfo>;

    /// Returns the driver for file names that begin with this prefix and a colon (QEMU: `bdrv_find_protocol`).
    fn protocol(&self, prefix: &str) -> Option<DriverInfo>;

    /// Returns the driver for file names without such a prefix.
    fn plain_file(&self) -> Option<DriverInfo>;

    /// Returns the names of the formats to probe, in the order in which they are probed.
    fn formats(&self) -> Vec<Arc<str>>;
}

/// A request to open one layer.
#[derive(Debug)]
#[non_exhaustive]
pub struct LayerRequest<'a, D> {
    /// The name of the driver.
    pub driver: &'a str,
    /// The name that the node will have.
    pub node: &'a Arc<str>,
    /// Whether the node will be read-only.
    pub read_only: bool,
    /// Whether the node is force-share: edges from other nodes must share everything.
    pub force_share: bool,
    /// Whether the node will be inactive, because another program owns the image (A1).
    pub inactive: bool,
    /// The driver's own options. The driver takes out those that it knows; an option that is left is an error (L5.9).
    pub options: &'a mut Options,
    /// The driver of the file child.
    pub file: Option<&'a D>,
    /// The driver of the backing child.
    pub backing: Option<&'a D>,
}

/// The reason why no file was deleted (L5.14).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeleteFailure {
    /// There is nothing to delete: no node was created.
    Nothing,
    /// The driver does not support deletion.
    Unsupported,
    /// The driver failed to delete the file.
    Refused(Refusal),
}

/// The caller's drivers, of type `D`: the catalogue opens, probes, creates and deletes. All I/O of opening happens
/// here.
pub trait Catalogue<D>: DriverList {
    /// Returns how certain the format is that the file is one of its images; 0 means that it is not (QEMU:
    /// `bdrv_probe`).
    fn probe(&mut self, format: &str, file: &D) -> u32;

    /// Opens a layer. Its children are already open.
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn open(&mut self, layer: LayerRequest<'_, D>) -> Result<D, Refusal>;

    /// Opens an overlay of a format as a temporary overlay (L5.12), which discards what is written to it. Default: a
    /// refusal.
    ///
    /// # Errors
    /// Returns the driver's refusal.
    fn open_overlay(&mut self, node: &str) -> Result<D, Refusal> {
        let _ = node;
        Err(Refusal::new("Temporary snapshots are not supported"))
    }

    /// Creates a file by a protocol and leaves it open. The crate calls this only if the driver can create images. The
    /// driver takes options out as in [`open`](Self::open).
    ///
    /// # Errors
    /// Returns the driver's refusal; in that case no file must be left.
    fn create_file(&mut self, driver: &str, options: &mut Options) -> Result<D, Refusal>;

    /// Creates an image in a file. The crate calls this only if the driver can create images. The driver takes options
    /// out as in [`open`](Self::open).
    ///
    /// # Errors
    /// Returns the driver's refusal; in that case the crate deletes the file.
    fn create_format(&mut self, driver: &str, options: &mut Options, file: &mut D) -> Result<(), Refusal>;

    /// Deletes a file that was created (QEMU: `bdrv_co_delete_file`). Default: not supported.
    ///
    /// # Errors
    /// See [`DeleteFailure`].
    fn delete_file(&mut self, driver: &str, file: &mut D) -> Result<(), DeleteFailure> {
        let _ = (driver, file);
        Err(DeleteFailure::Unsupported)
    }
}

/// Returns the driver for a file name: the driver of its prefix, or the driver of plain files (L5.6; QEMU:
/// `path_has_protocol`). Returns the prefix as the error if there is no such driver.
pub(crate) fn driver_of_name<C: DriverList + ?Sized>(catalogue: &C, name: &str) -> Result<DriverInfo, Arc<str>> {
    let end = name.find([':', '/']).filter(|end| name.get(*end..).is_some_and(|rest| rest.starts_with(':')));
    match end.and_then(|end| name.get(..end)) {
        Some(prefix) => catalogue.protocol(prefix).ok_or_else(|| prefix.into()),
        None => catalogue.plain_file().ok_or_else(|| "file".into()),
    }
}
