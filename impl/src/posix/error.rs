//! What can go wrong with an image file.

use crate::qemu::locks::{LockByte, LockKind};
use alloc::sync::Arc;
use core::fmt;
use std::io;
use std::path::Path;

/// Why an image file cannot be opened, reopened or locked. Displayed in QEMU's words where QEMU has them.
///
/// A driver refuses with it, so [`Error::cause`](crate::Error::cause) finds it in the error of a transaction.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// Another opener of the file, of this process or of another one, holds the [opposite](LockByte::opposite) of the
    /// byte (K3): it does not share what is needed, or it needs what is not to be shared. Who it is, the kernel does
    /// not say.
    InUse {
        /// The file.
        path: Arc<Path>,
        /// The byte that could not be had.
        byte: LockByte,
    },
    /// The byte could not be locked at all: the file system knows no such locks, has no more of them, or a program that
    /// is not QEMU holds the byte exclusively.
    Lock {
        /// The file.
        path: Arc<Path>,
        /// The byte.
        byte: LockByte,
        /// What the system said.
        error: io::Error,
    },
    /// The file could not be opened.
    Open {
        /// The file.
        path: Arc<Path>,
        /// What the system said.
        error: io::Error,
    },
    /// There is something of that name, but it is neither a regular file nor a device.
    NotAnImage {
        /// The file.
        path: Arc<Path>,
    },
    /// The path leads to another file than it did when the image was opened (K7).
    Replaced {
        /// The file.
        path: Arc<Path>,
    },
    /// Writing is needed, and the file was opened only for reading.
    ReadOnly {
        /// The file.
        path: Arc<Path>,
    },
}

impl FileError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::InUse { path, .. }
            | Self::Lock { path, .. }
            | Self::Open { path, .. }
            | Self::NotAnImage { path }
            | Self::Replaced { path }
            | Self::ReadOnly { path } => path,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        match self {
            Self::InUse { byte, .. } => {
                let shared = if byte.kind() == LockKind::Unshare { "shared " } else { "" };
                writeln!(f, "Failed to get {shared}\"{}\" lock", byte.permission())?;
                write!(f, "Is another process using the image [{path}]?")
            }
            Self::Lock { byte, error, .. } => write!(f, "Failed to lock byte {} of '{path}': {error}", byte.offset()),
            Self::Open { error, .. } => write!(f, "Could not open '{path}': {error}"),
            Self::NotAnImage { .. } => {
                write!(f, "Could not open '{path}': A regular file or a device was expected")
            }
            Self::Replaced { .. } => write!(f, "Could not reopen '{path}': It is another file by now"),
            Self::ReadOnly { .. } => write!(f, "Could not write to '{path}': It was opened read-only"),
        }
    }
}

impl core::error::Error for FileError {}
