//! Errors of opening and creating images: a boxed [`OpenError`] with an [`OpenErrorKind`].

use crate::error::Error;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

/// The names that a look-up considers (L5.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LookUpScope {
    /// Names of root users; the result is the node of the user.
    Device,
    /// Names of nodes.
    Node,
    /// Names of root users first, then names of nodes.
    Either,
}

/// The class of a driver (L5.6, L5.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DriverClass {
    /// A protocol, the bottom of a chain: a file, a device, a connection.
    Protocol,
    /// An image format.
    Format,
    /// A filter.
    Filter,
}

/// The kind of an error. It is displayed in QEMU's words where QEMU has a message.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The name does not have the form of a name that can be chosen (L5.1).
    InvalidName {
        /// The name.
        name: Arc<str>,
    },
    /// The name is that of a root user (L5.1).
    NameIsUser {
        /// The name.
        name: Arc<str>,
    },
    /// The name is that of a node (L5.1).
    NameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// The name has more characters than [`NODE_NAME_MAX`](super::NODE_NAME_MAX) (L5.1).
    NameTooLong {
        /// The name.
        name: Arc<str>,
    },
    /// No root user or node has the name (L5.3).
    NotFound {
        /// The name.
        name: Arc<str>,
        /// The names that were considered.
        scope: LookUpScope,
    },
    /// The key has an empty part, or is empty.
    InvalidKey {
        /// The key.
        key: Arc<str>,
    },
    /// The option is given twice, or as a value and as a tree (L5.4).
    OptionTwice {
        /// The key.
        key: Arc<str>,
    },
    /// The key has more parts than [`OPTION_DEPTH_MAX`](super::OPTION_DEPTH_MAX).
    OptionTooDeep {
        /// The key.
        key: Arc<str>,
    },
    /// The option has a value of another type.
    OptionType {
        /// The key.
        key: Arc<str>,
        /// The expected type: `string`, `boolean`, `integer` or `object`.
        expected: &'static str,
    },
    /// The text after `json:` is not valid JSON (L5.5).
    JsonSyntax {
        /// The parser's message, with the position.
        message: Arc<str>,
        /// The line, from 1.
        line: usize,
        /// The column after `json:`, from 1; 0 before the first character of a line.
        column: usize,
    },
    /// The text after `json:` is JSON, but not an object (L5.5).
    JsonNotObject,
    /// The catalogue has no driver of that name (L5.6).
    UnknownDriver {
        /// The name.
        driver: Arc<str>,
    },
    /// The catalogue has no driver for the prefix of a file name (L5.6).
    UnknownProtocol {
        /// The prefix.
        protocol: Arc<str>,
    },
    /// A format, a filter or a layer to be probed has no file child (L5.7).
    FileMissing {
        /// The driver, if it is known.
        driver: Option<Arc<str>>,
    },
    /// A reference to a node has other options beside it, or a file name (L5.8).
    ReferenceWithOptions {
        /// The key of the reference.
        key: Arc<str>,
    },
    /// No driver took the option (L5.9).
    UnknownOption {
        /// The class of the driver.
        class: DriverClass,
        /// The driver.
        driver: Arc<str>,
        /// The key.
        key: Arc<str>,
    },
    /// The driver could not be opened.
    OpenRefused {
        /// The driver.
        driver: Arc<str>,
        /// The name that the node would have had.
        node: Arc<str>,
        /// The driver's message.
        message: Arc<str>,
    },
    /// The temporary overlay could not be opened (L5.12).
    OverlayRefused {
        /// The name that the overlay would have had.
        node: Arc<str>,
        /// The driver's message.
        message: Arc<str>,
    },
    /// Some layers have no driver yet: a `PendingOpen` is not complete.
    LayersLeft {
        /// The number of these layers.
        layers: usize,
    },
    /// The driver creates no images (L5.14).
    CannotCreate {
        /// The driver.
        driver: Arc<str>,
    },
    /// The driver could not create the image (L5.14).
    CreateRefused {
        /// The driver.
        driver: Arc<str>,
        /// The driver's message.
        message: Arc<str>,
    },
    /// The driver could not delete the file that it had created (L5.14). This kind occurs only as a [cleanup
    /// error](OpenError::cleanup_error).
    DeleteRefused {
        /// The driver.
        driver: Arc<str>,
        /// The driver's message.
        message: Arc<str>,
    },
    /// An error of the graph: a step, the check at commit, or a hook.
    Graph(Error),
}

/// The number of kinds.
const KINDS: usize = 23;

impl OpenErrorKind {
    /// The names of all kinds, as spelled in Rust, at their [`index`](Self::index).
    pub const NAMES: [&'static str; KINDS] = [
        "InvalidName",
        "NameIsUser",
        "NameTaken",
        "NameTooLong",
        "NotFound",
        "InvalidKey",
        "OptionTwice",
        "OptionTooDeep",
        "OptionType",
        "JsonSyntax",
        "JsonNotObject",
        "UnknownDriver",
        "UnknownProtocol",
        "FileMissing",
        "ReferenceWithOptions",
        "UnknownOption",
        "OpenRefused",
        "OverlayRefused",
        "LayersLeft",
        "CannotCreate",
        "CreateRefused",
        "DeleteRefused",
        "Graph",
    ];

    /// Returns the index of the kind in [`NAMES`](Self::NAMES).
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::InvalidName { .. } => 0,
            Self::NameIsUser { .. } => 1,
            Self::NameTaken { .. } => 2,
            Self::NameTooLong { .. } => 3,
            Self::NotFound { .. } => 4,
            Self::InvalidKey { .. } => 5,
            Self::OptionTwice { .. } => 6,
            Self::OptionTooDeep { .. } => 7,
            Self::OptionType { .. } => 8,
            Self::JsonSyntax { .. } => 9,
            Self::JsonNotObject => 10,
            Self::UnknownDriver { .. } => 11,
            Self::UnknownProtocol { .. } => 12,
            Self::FileMissing { .. } => 13,
            Self::ReferenceWithOptions { .. } => 14,
            Self::UnknownOption { .. } => 15,
            Self::OpenRefused { .. } => 16,
            Self::OverlayRefused { .. } => 17,
            Self::LayersLeft { .. } => 18,
            Self::CannotCreate { .. } => 19,
            Self::CreateRefused { .. } => 20,
            Self::DeleteRefused { .. } => 21,
            Self::Graph(_) => 22,
        }
    }

    /// Returns the name of the kind.
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// Writes the message of an error about a name.
    fn fmt_name(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { name } => write!(f, "Invalid node-name: '{name}'"),
            Self::NameIsUser { name } => write!(f, "node-name={name} is conflicting with a device id"),
            Self::NameTaken { name } => write!(f, "Duplicate nodes with node-name='{name}'"),
            Self::NotFound { name, scope: LookUpScope::Either } => {
                write!(f, "Cannot find device='{name}' nor node-name='{name}'")
            }
            Self::NotFound { name, scope: LookUpScope::Device } => write!(f, "Cannot find device='{name}'"),
            Self::NotFound { name, scope: LookUpScope::Node } => write!(f, "Cannot find node-name='{name}'"),
            Self::UnknownDriver { driver } => write!(f, "Unknown driver '{driver}'"),
            Self::UnknownProtocol { protocol } => write!(f, "Unknown protocol '{protocol}'"),
            _ => f.write_str("Node name too long"),
        }
    }

    /// Writes the message of an error about an option.
    fn fmt_option(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidKey { key } => write!(f, "Invalid parameter '{key}'"),
            Self::OptionTwice { key } => write!(f, "Parameter '{key}' is given twice"),
            Self::OptionTooDeep { key } => write!(f, "Parameter '{key}' is nested too deeply"),
            Self::OptionType { key, expected } => {
                write!(f, "Invalid parameter type for '{key}', expected: {expected}")
            }
            Self::JsonSyntax { message, .. } => write!(f, "Could not parse the JSON options: {message}"),
            Self::FileMissing { .. } => f.write_str("A block device must be specified for \"file\""),
            Self::ReferenceWithOptions { .. } => {
                f.write_str("Cannot reference an existing block device with additional options or a new filename")
            }
            Self::UnknownOption { class: DriverClass::Protocol, driver, key } => {
                write!(f, "Block protocol '{driver}' doesn't support the option '{key}'")
            }
            Self::UnknownOption { driver, key, .. } => {
                write!(f, "Block format '{driver}' does not support the option '{key}'")
            }
            _ => f.write_str("Invalid JSON object given"),
        }
    }
}

impl fmt::Display for OpenErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { .. }
            | Self::NameIsUser { .. }
            | Self::NameTaken { .. }
            | Self::NameTooLong { .. }
            | Self::NotFound { .. }
            | Self::UnknownDriver { .. }
            | Self::UnknownProtocol { .. } => self.fmt_name(f),
            Self::OpenRefused { message, .. }
            | Self::OverlayRefused { message, .. }
            | Self::CreateRefused { message, .. }
            | Self::DeleteRefused { message, .. } => f.write_str(message),
            Self::LayersLeft { layers } => write!(f, "{layers} layers have not been opened yet"),
            Self::CannotCreate { driver } => write!(f, "Driver '{driver}' does not support image creation"),
            Self::Graph(error) => error.fmt(f),
            _ => self.fmt_option(f),
        }
    }
}

/// A boxed [`OpenErrorKind`], and the error of the cleanup after it, if the cleanup failed too.
///
/// It is displayed as the message of the first error. The message of the cleanup error follows after a semicolon.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenError {
    inner: Box<Inner>,
}

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: OpenErrorKind,
    cleanup: Option<OpenErrorKind>,
}

impl OpenError {
    /// Returns the kind of the first error.
    #[must_use]
    pub const fn kind(&self) -> &OpenErrorKind {
        &self.inner.kind
    }

    /// Returns the kind of the first error by value.
    #[must_use]
    pub fn into_kind(self) -> OpenErrorKind {
        self.inner.kind
    }

    /// Returns the error of deleting a created file after the first error (L5.14), if the deletion failed.
    #[must_use]
    pub const fn cleanup_error(&self) -> Option<&OpenErrorKind> {
        self.inner.cleanup.as_ref()
    }

    /// Returns the error of the graph, if the first error is one.
    #[must_use]
    pub const fn graph_error(&self) -> Option<&Error> {
        match self.kind() {
            OpenErrorKind::Graph(error) => Some(error),
            _ => None,
        }
    }

    /// Adds the error of a cleanup; the first error stays first.
    #[cfg(feature = "open")]
    pub(crate) fn with_cleanup_error(mut self, cleanup: OpenErrorKind) -> Self {
        self.inner.cleanup = Some(cleanup);
        self
    }
}

impl From<OpenErrorKind> for OpenError {
    fn from(kind: OpenErrorKind) -> Self {
        Self { inner: Box::new(Inner { kind, cleanup: None }) }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        OpenErrorKind::Graph(error).into()
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)?;
        match self.cleanup_error() {
            Some(cleanup) => write!(f, "; {cleanup}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenError").field("kind", self.kind()).field("cleanup_error", &self.cleanup_error()).finish()
    }
}

impl core::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.graph_error().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests {
    use super::{DriverClass, LookUpScope, OpenError, OpenErrorKind};
    use alloc::format;
    use alloc::sync::Arc;

    #[test]
    fn every_kind_has_its_name() {
        let x = || -> Arc<str> { "x".into() };
        let kinds = [
            OpenErrorKind::InvalidName { name: x() },
            OpenErrorKind::NameIsUser { name: x() },
            OpenErrorKind::NameTaken { name: x() },
            OpenErrorKind::NameTooLong { name: x() },
            OpenErrorKind::NotFound { name: x(), scope: LookUpScope::Either },
            OpenErrorKind::InvalidKey { key: x() },
            OpenErrorKind::OptionTwice { key: x() },
            OpenErrorKind::OptionTooDeep { key: x() },
            OpenErrorKind::OptionType { key: x(), expected: "string" },
            OpenErrorKind::JsonSyntax { message: x(), line: 1, column: 2 },
            OpenErrorKind::JsonNotObject,
            OpenErrorKind::UnknownDriver { driver: x() },
            OpenErrorKind::UnknownProtocol { protocol: x() },
            OpenErrorKind::FileMissing { driver: None },
            OpenErrorKind::ReferenceWithOptions { key: x() },
            OpenErrorKind::UnknownOption { class: DriverClass::Format, driver: x(), key: x() },
            OpenErrorKind::OpenRefused { driver: x(), node: x(), message: x() },
            OpenErrorKind::OverlayRefused { node: x(), message: x() },
            OpenErrorKind::LayersLeft { layers: 1 },
            OpenErrorKind::CannotCreate { driver: x() },
            OpenErrorKind::CreateRefused { driver: x(), message: x() },
            OpenErrorKind::DeleteRefused { driver: x(), message: x() },
            OpenErrorKind::Graph(crate::ErrorKind::SavepointGone.into()),
        ];
        for (index, kind) in kinds.iter().enumerate() {
            assert_eq!(kind.index(), index);
            let debug = format!("{kind:?}");
            assert_eq!(debug.split(['(', ' ']).next(), Some(kind.name()));
            assert!(!format!("{kind}").is_empty());
        }
        assert_eq!(kinds.len(), OpenErrorKind::NAMES.len());
    }

    #[test]
    fn results_are_small() {
        assert!(size_of::<Result<(), OpenError>>() <= 16);
    }
}
