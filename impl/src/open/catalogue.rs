//! What the caller knows of drivers. The crate only calls it; what it opens, reads and creates is its own business.

use super::error::DriverClass;
use super::options::Options;
use crate::driver::Refusal;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A driver that a catalogue has.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DriverInfo {
    /// Its name (QEMU: `format_name`).
    pub name: Arc<str>,
    /// What it is.
    pub class: DriverClass,
    /// Whether it creates images.
    pub creates: bool,
}

impl DriverInfo {
    /// A driver that creates no images.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, class: DriverClass) -> Self {
        Self { name: name.into(), class, creates: false }
    }

    /// Sets whether it creates images.
    #[must_use]
    pub fn creates(self, on: bool) -> Self {
        Self { creates: on, ..self }
    }
}

/// Which drivers there are (L5.6).
pub trait DriverList {
    /// The driver of that name (QEMU: `bdrv_find_format`).
    fn driver(&self, name: &str) -> Option<DriverInfo>;

    /// The driver for file names that begin with this and a colon (QEMU: `bdrv_find_protocol`).
    fn protocol(&self, prefix: &str) -> Option<DriverInfo>;

    /// The driver for file names without such a prefix.
    fn plain_file(&self) -> Option<DriverInfo>;

    /// The names of the formats that are probed, in the order in which they are asked.
    fn formats(&self) -> Vec<Arc<str>>;
}

/// A layer that is to be opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct LayerRequest<'a, D> {
    /// The name of the driver.
    pub driver: &'a str,
    /// The name that the node will have.
    pub node: &'a Arc<str>,
    /// Whether the node will be read-only.
    pub read_only: bool,
    /// Whether node parents must share everything.
    pub force_share: bool,
    /// Whether the image belongs to somebody else (A1).
    pub inactive: bool,
    /// The driver's own options. It takes out those that it knows; what is left is an error (L5.9).
    pub options: &'a mut Options,
    /// The driver of the file child.
    pub file: Option<&'a D>,
    /// The driver of the backing child.
    pub backing: Option<&'a D>,
}

/// Why nothing was deleted (L5.14).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeleteFailure {
    /// There is nothing: no node was made.
    Nothing,
    /// The driver cannot delete.
    Unsupported,
    /// The driver could not delete.
    Refused(Refusal),
}

/// The drivers of a caller, of type `D`: opened, probed, created, deleted. Whatever I/O there is happens in here.
pub trait Catalogue<D>: DriverList {
    /// How certain the format is that the file is one of its images; 0: it is not (QEMU: `bdrv_probe`).
    fn probe(&mut self, format: &str, file: &D) -> u32;

    /// Opens a layer. Its children are open.
    ///
    /// # Errors
    /// The driver's refusal.
    fn open(&mut self, layer: LayerRequest<'_, D>) -> Result<D, Refusal>;

    /// Opens an overlay that discards what is written, for a temporary snapshot (L5.12): the driver of a format.
    /// Default: there is none.
    ///
    /// # Errors
    /// The driver's refusal.
    fn open_overlay(&mut self, node: &str) -> Result<D, Refusal> {
        let _ = node;
        Err(Refusal::new("Temporary snapshots are not supported"))
    }

    /// Creates a file by a protocol, and leaves it open. Asked only if the driver creates. Options are taken out as in
    /// [`open`](Self::open).
    ///
    /// # Errors
    /// The driver's refusal; then nothing is left of the file.
    fn create_file(&mut self, driver: &str, options: &mut Options) -> Result<D, Refusal>;

    /// Creates an image in a file. Asked only if the driver creates. Options are taken out as in [`open`](Self::open).
    ///
    /// # Errors
    /// The driver's refusal; then the file is deleted.
    fn create_format(&mut self, driver: &str, options: &mut Options, file: &mut D) -> Result<(), Refusal>;

    /// Deletes a file that was created (QEMU: `bdrv_co_delete_file`). Default: the driver cannot.
    ///
    /// # Errors
    /// See [`DeleteFailure`].
    fn delete_file(&mut self, driver: &str, file: &mut D) -> Result<(), DeleteFailure> {
        let _ = (driver, file);
        Err(DeleteFailure::Unsupported)
    }
}

/// The driver for a file name: that of its prefix, or that of plain files (L5.6; QEMU: `path_has_protocol`). The
/// prefix, if there is no such driver.
pub(crate) fn driver_of_name<C: DriverList + ?Sized>(catalogue: &C, name: &str) -> Result<DriverInfo, Arc<str>> {
    let end = name.find([':', '/']).filter(|end| name.get(*end..).is_some_and(|rest| rest.starts_with(':')));
    match end.and_then(|end| name.get(..end)) {
        Some(prefix) => catalogue.protocol(prefix).ok_or_else(|| prefix.into()),
        None => catalogue.plain_file().ok_or_else(|| "file".into()),
    }
}
