//! What is done to a daemon.

use blockgraph_model::{NodeId, UserId};
use serde_json::Value;

/// What is done to the daemon.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// A command is sent.
    Ask(&'static str, Value),
    /// The file of this node is made new, with an empty image in it.
    Image(NodeId),
    /// Wait until the export is gone.
    ExportGone(UserId),
    /// Wait until the job has that status, or is gone.
    JobIs(UserId, &'static str),
    /// Wait until the job is gone; how it ended is the answer.
    JobEnds(UserId),
}
