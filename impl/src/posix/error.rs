//! Errors of image files.

use crate::qemu::locks::{LockByte, LockKind};
use alloc::sync::Arc;
use core::fmt;
use std::io;
use std::path::Path;

/// The reason why an image file cannot be opened, reopened or locked. It is displayed in QEMU's words where QEMU has a
/// message.
///
/// A driver refuses with this error, and [`Error::cause`](crate::Error::cause) returns it from the error of a
/// transaction.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// Another opener of the file, in this process or another one, holds the [opposite](LockByte::opposite) of the byte
    /// (K3). It does not share a needed permission, or it needs a permission that is not to be shared. The kernel does
    /// not report which process it is.
    InUse {
        /// The path of the file.
        path: Arc<Path>,
        /// The byte that could not be locked.
        byte: LockByte,
    },
    /// The byte could not be locked: the file system does not support such locks or has run out of them, or a program
    /// other than QEMU holds an exclusive lock on the byte.
    Lock {
        /// The path of the file.
        path: Arc<Path>,
        /// The byte.
        byte: LockByte,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The file could not be opened.
    Open {
        /// The path of the file.
        path: Arc<Path>,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The path is neither a regular file nor a device.
    NotAnImage {
        /// The path of the file.
        path: Arc<Path>,
    },
    /// The path leads to another file than when the image was opened (K7).
    Replaced {
        /// The path of the file.
        path: Arc<Path>,
    },
    /// A write permission is needed, and the file was opened read-only.
    ReadOnly {
        /// The path of the file.
        path: Arc<Path>,
    },
}

impl FileError {
    /// The path of the file.
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
