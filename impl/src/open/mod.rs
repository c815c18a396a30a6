//! Opening images, node names, and properties that a node derives from its children (L5, O41).
//!
//! Without features: [`OpenSpec`], an image whose drivers are already open; node names that are chosen, generated and
//! looked up ([`Graph::check_node_name`](crate::Graph::check_node_name), [`Graph::look_up`](crate::Graph::look_up));
//! trees of [`Options`]; the [`Limits`] of a node.
//!
//! With the feature `open`: requests by file name and options, opened by a catalogue of drivers or layer by layer by
//! the caller; `json:` names; creation of images; displayed file names.
#![cfg_attr(feature = "open", doc = include_str!("example.md"))]

#[cfg(feature = "open")]
mod catalogue;
#[cfg(feature = "open")]
mod create;
mod error;
#[cfg(feature = "open")]
mod filename;
#[cfg(feature = "open")]
mod json;
mod limits;
mod names;
mod node_limits;
mod options;
#[cfg(feature = "open")]
mod pending;
mod step;
#[cfg(feature = "open")]
mod tree;

#[cfg(feature = "open")]
pub use catalogue::{Catalogue, DeleteFailure, DriverInfo, DriverList, LayerRequest};
#[cfg(feature = "open")]
pub use create::create;
pub use error::{DriverClass, LookUpScope, OpenError, OpenErrorKind};
pub use limits::Limits;
pub use names::NODE_NAME_MAX;
pub use options::{OPTION_DEPTH_MAX, OptionValue, Options};
#[cfg(feature = "open")]
pub use pending::PendingOpen;
pub use step::{ChildRef, FileChild, OpenSpec, OpenedImage};
#[cfg(feature = "open")]
pub use tree::{Layer, OpenRequest, OpenTree};
