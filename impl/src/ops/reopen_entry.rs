//! One entry of a reopen.

use crate::driver::DriverOption;
use crate::graph::keys::NodeKey;

/// One entry of a [reopen](crate::Transaction::reopen): a node, and what is said about it (O25).
///
/// ```
/// use blockgraph::drivers::{Format, Protocol};
/// use blockgraph::{Graph, NodeSpec, Preset, Reopen, Role};
///
/// let mut graph: Graph<Preset> = Graph::new();
/// let disk = graph.add(NodeSpec::new("disk"), Format.into())?;
/// let file = graph.open_child(disk, NodeSpec::new("file"), Protocol.into(), "file", Role::DATA | Role::PRIMARY)?;
/// let base = graph.add(NodeSpec::new("base"), Format.into())?;
///
/// // Read-only and with a backing file. The file inherits from the disk, so it becomes read-only, too.
/// graph.reopen(&[Reopen::new(disk).keep(true).read_only(true).backing(Some(base))])?;
/// assert!(graph.get(file).is_some_and(|file| file.read_only() && file.inherits_read_only()));
///
/// // Without *keep*, what is not said becomes the default: writable. The backing file has to be said.
/// assert!(graph.reopen(&[Reopen::new(disk)]).is_err());
/// graph.reopen(&[Reopen::new(disk).backing(None)])?;
/// assert!(graph.get(file).is_some_and(|file| file.writable()));
/// # Ok::<(), blockgraph::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Reopen {
    /// The node.
    pub node: NodeKey,
    /// Whether what is not said stays as it is, or becomes the default (R1.1, R1.2).
    pub keep: bool,
    /// The flag *read-only*, if it is said.
    pub read_only: Option<bool>,
    /// The driver's options, if they are said.
    pub option: Option<DriverOption>,
    /// The backing child, or that there is none; if it is said.
    pub backing: Option<Option<NodeKey>>,
    /// The file child, if it is said.
    pub file: Option<NodeKey>,
}

impl Reopen {
    /// An entry that says nothing, and does not keep what it does not say.
    #[must_use]
    pub const fn new(node: NodeKey) -> Self {
        Self { node, keep: false, read_only: None, option: None, backing: None, file: None }
    }

    /// Whether to keep what is not said.
    #[must_use]
    pub const fn keep(mut self, on: bool) -> Self {
        self.keep = on;
        self
    }

    /// Says the flag *read-only*.
    #[must_use]
    pub const fn read_only(mut self, on: bool) -> Self {
        self.read_only = Some(on);
        self
    }

    /// Says the driver's options.
    #[must_use]
    pub fn option(mut self, option: DriverOption) -> Self {
        self.option = Some(option);
        self
    }

    /// Says the backing child, or that there is none.
    #[must_use]
    pub const fn backing(mut self, to: Option<NodeKey>) -> Self {
        self.backing = Some(to);
        self
    }

    /// Says the file child.
    #[must_use]
    pub const fn file(mut self, to: NodeKey) -> Self {
        self.file = Some(to);
        self
    }
}
