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

/// The permissions that need a writable descriptor.
const WRITING: Permissions = Permissions::WRITING.union(Permissions::RESIZE);

/// An open image file, locked as its node's cumulative pair requires (K1 to K9).
///
/// A descriptor for reading stays open as long as the driver lives, and the locks belong to its open file description.
/// While the node is writable there is a second descriptor, for reading and writing. So the locks stay in place when a
/// node is reopened. I/O uses [`file`](Self::file), which returns the suitable descriptor.
///
/// Like a [`File`](crate::drivers::File), the driver refuses to write to an unaligned file without resizing (P9), if
/// [`DriverOption::Unaligned`] is set.
///
/// # System calls
///
/// A change of permissions costs one `fcntl` for each byte to lock and one for each byte to unlock, at most eight of
/// each. Unless the change only unlocks, one `fcntl` for each byte of the new set tests its opposite. A change of the
/// pair that changes no byte, such as sharing G, costs none. Opening costs an `open` and an `fstat`, and the same again
/// for a writable node; so does becoming writable. Becoming read-only costs a `close`.
#[derive(Debug)]
pub struct PosixFile {
    path: Arc<Path>,
    locks: Locks,
    writer: Option<File>,
    /// The new descriptor between `prepare` and its commit or abort.
    prepared: Option<File>,
    rule: drivers::File,
}

impl PosixFile {
    /// Opens the file for a node that is [read-only](crate::NodeSpec::read_only) or not. No byte is locked until a
    /// parent of the node needs a permission or does not share one.
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

    /// Returns the path that the file was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the descriptor for I/O: a writable one if the node is writable.
    #[must_use]
    pub fn file(&self) -> &File {
        self.writer.as_ref().unwrap_or_else(|| self.locks.file())
    }

    /// Returns the bytes that are locked now.
    #[must_use]
    pub const fn held(&self) -> LockSet {
        self.locks.held()
    }

    /// Opens a descriptor for reading and writing of the locked file. Fails if the path leads to another file by now.
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

    /// The graph never calls this, because no child can be attached.
    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        self.rule.child_pair(context)
    }
}

impl Driver for PosixFile {
    /// Opens the second descriptor for a node that becomes writable (K7).
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

    /// Locks the additional bytes and tests their opposites (K4).
    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        self.rule.check_permissions(view, new)?;
        let can_write = self.writer.is_some() || self.prepared.is_some();
        if new.pair.need.intersects(WRITING) && !can_write {
            return Err(Refusal::because(FileError::ReadOnly { path: self.path.clone() }));
        }
        self.lock_for(view, new.pair)
    }

    fn set_permissions(&mut self, _: &NodeView<'_>, _: Grant) {
        self.locks.commit();
    }

    fn abort_permissions(&mut self, _: &NodeView<'_>, _: Grant) {
        self.locks.abort();
    }

    /// Unlocks everything, because another program owns the image and may lock it (K8). The pair of the node may have
    /// stayed the same, in which case no check has taken place.
    fn commit_inactivate(&mut self, _: &NodeView<'_>) {
        self.locks.release();
    }

    /// Locks the bytes of the pair as the permission check does, in case there was no check, or it was refused and the
    /// refusal was tolerated. An image without its locks cannot be activated (K8).
    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.lock_for(view, view.pair())
    }

    fn commit_activate(&mut self, _: &NodeView<'_>) {
        self.locks.commit();
    }

    fn abort_activate(&mut self, _: &NodeView<'_>) {
        self.locks.abort();
    }

    /// Unlocks everything (K9). The caller gets the driver back and can still read from it, without the protection of
    /// the locks.
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
