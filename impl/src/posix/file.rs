//! The driver of an image file.

use super::FileError;
use super::locks::Locks;
use crate::driver::{ChildContext, Driver, DriverOption, Policy, Refusal, UnsupportedOption};
use crate::drivers;
use crate::graph::NodeView;
use crate::permission::{Grant, Pair, Permissions};
use crate::qemu::locks::LockSet;
use alloc::sync::Arc;
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// What needs a descriptor that can be written to.
const WRITING: Permissions = Permissions::WRITING.union(Permissions::RESIZE);

/// An image file that is open, and locked as its node's cumulative pair says (K1 to K9).
///
/// The file is open for reading as long as the driver lives; the locks belong to that description. While the node is
/// writable there is a second descriptor, for reading and writing. So the locks stay where they are when a node is
/// reopened, and the I/O is done through [`file`](Self::file), whichever that is.
///
/// As a [`File`](crate::drivers::File) it refuses to write without resizing what is not aligned (P9), if told
/// [`DriverOption::Unaligned`].
///
/// # System calls
///
/// A change of permissions costs one `fcntl` for each byte that comes, and one for each that goes, at most eight of
/// either; unless it only gives up, also one for each byte of the new set, to test its opposite. A change of the pair
/// that changes no byte, say of who shares G, costs none. Opening costs an `open` and an `fstat`, and the same again for
/// a writable node; so does becoming writable. Becoming read-only costs a `close`.
#[derive(Debug)]
pub struct PosixFile {
    path: Arc<Path>,
    locks: Locks,
    writer: Option<File>,
    /// The descriptor to come, between `prepare` and what follows it.
    prepared: Option<File>,
    rule: drivers::File,
}

impl PosixFile {
    /// Opens the file, for a node that is [read-only](crate::NodeSpec::read_only) or is not. No byte is locked until a
    /// parent of the node needs or withholds something.
    ///
    /// # Errors
    /// `Open`, `NotAnImage`, `Replaced`.
    pub fn open(path: impl AsRef<Path>, read_only: bool) -> Result<Self, FileError> {
        let path: Arc<Path> = path.as_ref().into();
        let (file, _) = open(&path, OpenOptions::new().read(true))?;
        let locks = Locks::new(path.clone(), file);
        let mut this = Self { path, locks, writer: None, prepared: None, rule: drivers::File::default() };
        if !read_only {
            this.writer = Some(this.open_writer()?);
        }
        Ok(this)
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The descriptor for I/O: of a writable node one that can be written to.
    #[must_use]
    pub fn file(&self) -> &File {
        self.writer.as_ref().unwrap_or_else(|| self.locks.file())
    }

    /// The bytes that are locked now.
    #[must_use]
    pub const fn held(&self) -> LockSet {
        self.locks.held()
    }

    /// A descriptor for reading and writing of the file that is locked, and of no other one that has its name now.
    fn open_writer(&self) -> Result<File, FileError> {
        let (writer, found) = open(&self.path, OpenOptions::new().read(true).write(true))?;
        let locked =
            self.locks.file().metadata().map_err(|error| FileError::Open { path: self.path.clone(), error })?;
        if (found.dev(), found.ino()) != (locked.dev(), locked.ino()) {
            return Err(FileError::Replaced { path: self.path.clone() });
        }
        Ok(writer)
    }

    fn lock_for(&mut self, view: &NodeView<'_>, pair: Pair) -> Result<(), Refusal> {
        let set = if view.inactive() { LockSet::NONE } else { LockSet::of(pair) };
        self.locks.prepare(set).map_err(Refusal::because)
    }
}

fn open(path: &Arc<Path>, how: &OpenOptions) -> Result<(File, Metadata), FileError> {
    let failed = |error| FileError::Open { path: path.clone(), error };
    let file = how.open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let kind = found.file_type();
    if kind.is_file() || kind.is_block_device() || kind.is_char_device() {
        return Ok((file, found));
    }
    Err(FileError::NotAnImage { path: path.clone() })
}

impl Policy for PosixFile {
    fn name(&self) -> &'static str {
        "file"
    }

    fn takes_children(&self) -> bool {
        false
    }

    fn filename(&self) -> Option<&str> {
        self.path.to_str()
    }

    /// Never asked; no child can be attached.
    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        self.rule.child_pair(context)
    }
}

impl Driver for PosixFile {
    /// Opens the second descriptor of a node that becomes writable (K7).
    fn prepare(&mut self, _: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        self.prepared = None;
        if !read_only && self.writer.is_none() {
            self.prepared = Some(self.open_writer().map_err(Refusal::because)?);
        }
        Ok(())
    }

    fn commit_prepare(&mut self, _: &NodeView<'_>, read_only: bool) {
        let prepared = self.prepared.take();
        self.writer = if read_only { None } else { prepared.or_else(|| self.writer.take()) };
    }

    fn abort_prepare(&mut self, _: &NodeView<'_>, _: bool) {
        self.prepared = None;
    }

    /// Locks what is needed besides, and tests (K4).
    fn check(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        self.rule.check(view, new)?;
        let can_write = self.writer.is_some() || self.prepared.is_some();
        if new.pair.need.intersects(WRITING) && !can_write {
            return Err(Refusal::because(FileError::ReadOnly { path: self.path.clone() }));
        }
        self.lock_for(view, new.pair)
    }

    fn set(&mut self, _: &NodeView<'_>, _: Grant) {
        self.locks.commit();
    }

    fn abort(&mut self, _: &NodeView<'_>, _: Grant) {
        self.locks.abort();
    }

    /// The image belongs to somebody else, who may lock it (K8). Its pair may have stayed the same, and then nobody
    /// asked for a check.
    fn commit_inactivate(&mut self, _: &NodeView<'_>) {
        self.locks.release();
    }

    /// As `check`, if there was none, or one that was refused and tolerated: without its locks no image comes back (K8).
    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.lock_for(view, view.pair())
    }

    fn commit_activate(&mut self, _: &NodeView<'_>) {
        self.locks.commit();
    }

    fn abort_activate(&mut self, _: &NodeView<'_>) {
        self.locks.abort();
    }

    /// Gives up all (K9). The caller gets the driver back, and may read on at his own risk.
    fn close(&mut self, _: &str) {
        self.locks.release();
        self.writer = None;
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        self.rule.set_option(option)
    }

    fn default_option(&self) -> Option<DriverOption> {
        self.rule.default_option()
    }
}
