//! One entry of a reopen.

use crate::driver::DriverOption;
use crate::graph::keys::NodeKey;

/// One entry of a [reopen](crate::Transaction::reopen): a node, and the properties to change (O25).
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
/// // Without *keep*, a property that is not given becomes the default: writable. The backing file must be given.
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
    /// Whether properties that are not given stay as they are. Otherwise they become the default (R1.1, R1.2).
    pub keep: bool,
    /// The flag *read-only*, if it is given.
    pub read_only: Option<bool>,
    /// The driver's options, if they are given.
    pub option: Option<DriverOption>,
    /// The backing child, if it is given. `Some(None)` removes it.
    pub backing: Option<Option<NodeKey>>,
    /// The file child, if it is given.
    pub file: Option<NodeKey>,
}

impl Reopen {
    /// Makes an entry that gives no property and does not keep the others.
    #[must_use]
    pub const fn new(node: NodeKey) -> Self {
        Self { node, keep: false, read_only: None, option: None, backing: None, file: None }
    }

    /// Sets whether properties that are not given stay as they are.
    #[must_use]
    pub const fn keep(mut self, on: bool) -> Self {
        self.keep = on;
        self
    }

    /// Gives the flag *read-only*.
    #[must_use]
    pub const fn read_only(mut self, on: bool) -> Self {
        self.read_only = Some(on);
        self
    }

    /// Gives the driver's options.
    #[must_use]
    pub fn option(mut self, option: DriverOption) -> Self {
        self.option = Some(option);
        self
    }

    /// Gives the backing child. `None` removes it.
    #[must_use]
    pub const fn backing(mut self, to: Option<NodeKey>) -> Self {
        self.backing = Some(to);
        self
    }

    /// Gives the file child.
    #[must_use]
    pub const fn file(mut self, to: NodeKey) -> Self {
        self.file = Some(to);
        self
    }
}
