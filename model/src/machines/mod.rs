//! Algorithms on trial: QEMU's of 2017 (`recursive`) and of 2021 (`transactional`, `polling`), and the model's own step
//! with a defect put in (`flawed`). Each is compared with the machine `atomic` in every state that it reaches.
//!
//! A machine starts every step from a state in which all invariants hold. Its result is compared with that of
//! [`crate::execute`], and every intermediate state that other code could see is checked. A difference is reported
//! under the name of the [`Defect`] whose signature it has. A step that ends in a wrong state is recorded and leads to
//! no new state, so one exploration meets many defects, each of them first on a shortest trace.

mod algorithm;
mod defect;
mod fault_texts;
pub mod flawed;
mod heap;
pub mod museum;
pub mod polling;
mod recursive;
mod transactional;
mod trial;

pub use algorithm::Exception;
pub use defect::{About, Defect, Hall};
pub use fault_texts::FaultTexts;
pub use polling::Polling;
pub use recursive::{Recursive, Reopening};
pub use transactional::{Repairs, Transactional};
pub use trial::{EndKind, StepReport, Trial, TrialResult};
