//! What a fault of seed 0 is.

use crate::machines::Defect;
use crate::machines::trial::{Fault, Met, Verdict};

pub(super) fn verdict(met: &Met<'_>) -> Verdict {
    match met.fault {
        Fault::Seen(_) => Verdict::Defect(Defect::H11),
        _ => Verdict::Unexplained,
    }
}
