//! Why a driver refuses.

use alloc::string::ToString;
use alloc::sync::Arc;

/// The driver's own error behind a refusal, shared. Two are equal if they say the same.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn core::error::Error + Send + Sync>);

impl Cause {
    /// The error.
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

/// Why a driver refuses a step, in its own words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    message: Arc<str>,
    cause: Option<Cause>,
}

impl Refusal {
    /// A refusal with a message for people.
    #[must_use]
    pub fn new(message: impl Into<Arc<str>>) -> Self {
        Self { message: message.into(), cause: None }
    }

    /// A refusal that says what `cause` says, and keeps it: whoever gets the error finds it by its type, with
    /// [`Error::cause`](crate::Error::cause).
    #[must_use]
    pub fn because(cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self { message: cause.to_string().into(), cause: Some(Cause(Arc::new(cause))) }
    }

    /// The driver's own error, if it was given.
    #[must_use]
    pub const fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Arc<str> {
        &self.message
    }
}
