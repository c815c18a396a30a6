//! What can go wrong: one boxed [`Error`] with an [`ErrorKind`] that has all parties as fields.

use alloc::boxed::Box;

mod display;
mod kind;
mod refs;

pub use kind::{ErrorKind, Hook};
pub use refs::{EdgeRef, NodeRef};

/// An [`ErrorKind`] in a box, so that a `Result` stays small, and the step it belongs to.
///
/// Making one allocates once and copies shared names; text is made only when it is displayed.
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
    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The error itself, out of its box.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        self.inner.kind
    }

    /// The index of the step that failed (V2): how many steps of the transaction had taken effect before it. `None`
    /// if the judgement or a driver refused.
    #[must_use]
    pub const fn step(&self) -> Option<usize> {
        self.inner.step
    }

    /// The driver's own error of this type, if it refused with one
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
    fn display_speaks_like_qemu() {
        let error = Error::from(ErrorKind::DuplicateNode { name: "x".into() });
        assert_eq!(alloc::format!("{error}"), "Duplicate nodes with node-name='x'");
        assert_eq!(error.step(), None);
    }
}
