//! Whether the comparison notices: defects put in the model's place, and falsified answers.

pub mod falsify;
pub mod measure;
pub mod mutant;
