//! What QEMU answers to a turn.

use crate::compare::shown_graph::ShownGraph;
use serde::{Deserialize, Serialize};

/// QEMU's answer to a turn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TurnAnswer {
    /// All commands were done.
    #[serde(rename = "ok")]
    Done,
    /// A command was refused, with this error class and text.
    #[serde(rename = "no")]
    Refused(String, String),
    /// The daemon gave no answer, for this reason.
    #[serde(rename = "lost")]
    Lost(String),
}

/// QEMU's answer to a turn, and its graph afterwards.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TurnResult {
    /// The answer.
    #[serde(rename = "t")]
    pub answer: TurnAnswer,
    /// The graph; `None` if the daemon was lost.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownGraph>,
}

/// The reason if a daemon hangs.
pub const HANGS: &str = "hangs";
/// The reason if a daemon dies; the number of the signal follows.
pub const DIED: &str = "has died of signal";
