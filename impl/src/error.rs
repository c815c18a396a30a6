//! Errors: a boxed [`Error`] with an [`ErrorKind`] that names every node and edge involved.

use alloc::boxed::Box;

mod display;
mod kind;
mod refs;

pub use kind::{ErrorKind, Hook};
pub use refs::{EdgeRef, NodeRef};

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
    /// before it. `None` if the check at commit or a driver refused.
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
