//! Errors: a boxed [`Error`] with an [`ErrorKind`] that names every node and edge involved.

use crate::graph::arena::{Core, EdgeKey, NodeKey, Parent};
use alloc::boxed::Box;
use alloc::sync::Arc;

mod display;
mod kind;

pub use kind::{ErrorKind, Hook};

/// A node in an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRef {
    /// The key of the node. It is no longer valid if the refused operation would have added the node.
    pub key: NodeKey,
    /// The name of the node.
    pub name: Arc<str>,
}

/// An edge in an error: both ends and the name of the edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EdgeRef {
    /// The key of the edge. It is no longer valid if the refused operation would have added the edge.
    pub key: EdgeKey,
    /// The parent.
    pub parent: Parent,
    /// The name of the node or user that is the parent.
    pub parent_name: Arc<str>,
    /// The name of the edge; `root` for the edge of a user.
    pub name: Arc<str>,
    /// The child.
    pub child: NodeKey,
    /// The name of the child.
    pub child_name: Arc<str>,
}

/// A boxed [`ErrorKind`], and the index of the failed step. The box keeps `Result`s small.
///
/// Creating an error allocates once and shares the names; the text is created only for display.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Inner {
    kind: ErrorKind,
    step: Option<usize>,
}

/// The error of one step of a transaction; [`Error::step`] is its index.
pub type StepError = Error;

impl Error {
    /// Returns the kind of the error.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// Returns the kind of the error by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the index of the step that failed (V2): the number of steps of the transaction that had taken effect
    /// before it. `None` if the judgement or a driver refused.
    #[must_use]
    pub const fn step(&self) -> Option<usize> {
        self.inner.step
    }

    /// Returns the driver's own error, if a driver refused with an error of this type
    /// ([`Refusal::because`](crate::Refusal::because)).
    #[must_use]
    pub fn cause<T: core::error::Error + 'static>(&self) -> Option<&T> {
        match self.kind() {
            ErrorKind::Refused { cause: Some(cause), .. } => cause.error().downcast_ref(),
            _ => None,
        }
    }

    pub(crate) fn at_step(mut self, step: usize) -> Self {
        self.inner.step = Some(step);
        self
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { inner: Box::new(Inner { kind, step: None }) }
    }
}

impl core::error::Error for Error {}

impl Core {
    pub(crate) fn node_ref(&self, key: NodeKey) -> NodeRef {
        NodeRef { key, name: self.nodes[key].name.clone() }
    }

    pub(crate) fn edge_ref(&self, key: EdgeKey) -> EdgeRef {
        let edge = &self.edges[key];
        let parent_name = match edge.parent {
            Parent::Node(node) => self.nodes[node].name.clone(),
            Parent::User(user) => self.users[user].name.clone(),
        };
        EdgeRef {
            key,
            parent: edge.parent,
            parent_name,
            name: edge.name.clone(),
            child: edge.child,
            child_name: self.nodes[edge.child].name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};

    #[test]
    fn results_are_small() {
        assert!(size_of::<Result<(), Error>>() <= 16);
        assert!(size_of::<Result<crate::NodeKey, Error>>() <= 16);
    }

    #[test]
    fn display_uses_the_words_of_qemu() {
        let error = Error::from(ErrorKind::DuplicateNode { name: "x".into() });
        assert_eq!(alloc::format!("{error}"), "Duplicate nodes with node-name='x'");
        assert_eq!(error.step(), None);
    }
}
