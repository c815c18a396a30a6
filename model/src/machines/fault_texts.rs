//! What a machine did wrong, in words.

use super::algorithm::{ChangedPart, Fault};
use super::flawed::{Corrected, Flawed, Observed};
use super::polling::Serial;
use crate::machine::{Machine, Variant};
use crate::menu::{Action, Facet, Small};

/// A description for each defect that a step shows. A step shows at most three.
pub type FaultTexts = [&'static str; 3];

impl Fault {
    /// Describes what the algorithm did.
    pub(super) fn text(self) -> &'static str {
        match self {
            Fault::Seen(sight) | Fault::Unsound(sight, _) => sight,
            Fault::Died => "an assertion failed, or the stack ran over",
            Fault::WronglyRefused => "refused it, although nothing is wrong with the graph it leads to",
            Fault::NotUndone(ChangedPart::Lists) => "refused it, and left the lists in another order",
            Fault::NotUndone(ChangedPart::Pairs) => "refused it, and left other permissions on the edges",
            Fault::NotUndone(ChangedPart::Nodes) => "refused it, and left the nodes otherwise than they were",
            Fault::NotUndone(ChangedPart::Edges) => "refused it, and left other edges than there were",
            Fault::WronglyAccepted(kinds) if kinds.cycle => "accepted it, and made a cycle",
            Fault::WronglyAccepted(kinds) if kinds.conflict => "accepted it, and two parents are in conflict",
            Fault::WronglyAccepted(kinds) if kinds.read_only => "accepted it, and a read-only node is written to",
            Fault::WronglyAccepted(_) => "accepted it, where it had to be refused",
            Fault::Otherwise(ChangedPart::Lists) => "accepted it, and the lists came out in another order",
            Fault::Otherwise(ChangedPart::Pairs) => "accepted it, and other permissions came out",
            Fault::Otherwise(ChangedPart::Nodes) => "accepted it, and the nodes came out otherwise",
            Fault::Otherwise(ChangedPart::Edges) => "accepted it, and other edges came out",
        }
    }
}

impl Flawed {
    /// Describes what the flawed step did in a variant that shows its defect, compared with what the mended step does.
    pub fn text(&self, facet: &Facet, state: &Small, action: &Action, tried: &Variant<'_, Observed>) -> &'static str {
        let mut words = "";
        Corrected(self.0).each(facet, state, action, |right| {
            if right.number == tried.number {
                words = difference(tried.outcome, right.outcome);
            }
        });
        words
    }
}

/// Returns the most important difference between a step and the right one.
fn difference(did: &Observed, right: &Observed) -> &'static str {
    match (did.accepted, right.accepted) {
        (true, false) => "accepted it, where it had to be refused",
        (false, true) => "refused it, although nothing is wrong with the graph it leads to",
        (false, false) if did.state != right.state => "refused it, and did not undo all that it had done",
        _ if did.state.edges() != right.state.edges() => "accepted it, and other edges came out",
        _ if did.state != right.state => "accepted it, and the nodes came out otherwise",
        _ if did.kept.counts != right.kept.counts => "counts the sections of a node wrongly from here on",
        _ if did.kept.stopped != right.kept.stopped => "counts the nodes that take no requests wrongly from here on",
        _ if did.kept.disturbed != right.kept.disturbed => "resumed a node that is quiesced before and after",
        _ if did.kept.blocked != right.kept.blocked => "left an operation blocked without a blocker",
        _ => "did it otherwise",
    }
}

/// Describes what an operation that polls did, for each defect of a variant. What other code saw comes first.
pub(super) fn polled(tried: &Variant<'_, Serial>) -> FaultTexts {
    const SEEN: &str = "where it polled, others could see what no operation leaves behind";
    const NEITHER: &str = "it comes to what neither order of the two comes to, or to nothing at all";
    match (tried.outcome, tried.broken.len()) {
        (Serial::Neither, 1) => [NEITHER, "", ""],
        (Serial::Neither, _) => [SEEN, NEITHER, ""],
        _ => [SEEN, "", ""],
    }
}
