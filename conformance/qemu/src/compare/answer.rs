//! What QEMU answers to a turn.

use crate::compare::shown_graph::ShownGraph;
use serde::{Deserialize, Serialize};

/// What QEMU says to a turn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TurnAnswer {
    /// All was done.
    #[serde(rename = "ok")]
    Done,
    /// A command was refused: class and sentence.
    #[serde(rename = "no")]
    Refused(String, String),
    /// It gave no answer: what became of it.
    #[serde(rename = "lost")]
    Lost(String),
}

/// What QEMU says to a turn and shows after it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TurnResult {
    /// The answer.
    #[serde(rename = "t")]
    pub told: TurnAnswer,
    /// The graph; none after it was lost.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownGraph>,
}

/// What becomes of a daemon that hangs.
pub const HANGS: &str = "hangs";
/// What becomes of a daemon that dies; the number of the signal follows.
pub const DIED: &str = "has died of signal";
