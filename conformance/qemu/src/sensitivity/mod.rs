//! Whether the comparison notices defects: defects in the model's place, and falsified answers.

pub mod falsify;
pub mod measure;
pub mod mutant;
