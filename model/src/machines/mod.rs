//! Algorithms on trial: what QEMU did in 2017 (`recursive`) and in 2021 (`transactional`, `polling`), and our own step with a
//! defect put in (`flawed`), each held against the machine `atomic` in every state that it reaches.
//!
//! A machine starts every step from a state in which all invariants hold. What it does then is compared with what
//! [`crate::execute`] says, and every intermediate state that somebody could see is looked at. A difference is met under
//! the name of the [`Defect`] whose signature it has; a step that ends in a wrong state is recorded and leads nowhere, so
//! that one exploration meets many defects, each first on a shortest way.

mod defect;
pub mod flawed;
mod heap;
pub mod museum;
pub mod polling;
mod recursive;
mod transactional;
mod trial;
mod words;

pub use defect::{About, Defect, Hall};
pub use polling::Polling;
pub use recursive::{Recursive, Reopening};
pub use transactional::{Repairs, Transactional};
pub use trial::{Exception, How, Stepped, Told, Trial};
pub use words::Did;
