//! Why a driver refuses.

use alloc::string::ToString;
use alloc::sync::Arc;

/// The driver's own error behind a refusal, shared by reference count. Two causes are equal if their messages are
/// equal.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn core::error::Error + Send + Sync>);

impl Cause {
    /// Returns the error.
    #[must_use]
    pub fn error(&self) -> &(dyn core::error::Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Cause {}

/// The reason for which a driver refuses a step: a message and, optionally, the driver's own error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    message: Arc<str>,
    cause: Option<Cause>,
}

impl Refusal {
    /// Creates a refusal with a message for humans.
    #[must_use]
    pub fn new(message: impl Into<Arc<str>>) -> Self {
        Self { message: message.into(), cause: None }
    }

    /// Creates a refusal with the message of `cause` and keeps `cause`. [`Error::cause`](crate::Error::cause) returns
    /// it by its type.
    #[must_use]
    pub fn because(cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self { message: cause.to_string().into(), cause: Some(Cause(Arc::new(cause))) }
    }

    /// Returns the driver's own error, if the refusal has one.
    #[must_use]
    pub const fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// Returns the message.
    #[must_use]
    pub const fn message(&self) -> &Arc<str> {
        &self.message
    }
}
