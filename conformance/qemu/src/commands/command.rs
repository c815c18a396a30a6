//! One thing that is done to a daemon.

use blockgraph_model::{NodeId, UserId};
use serde_json::Value;

/// A thing to do to a daemon.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Send a command.
    Ask(&'static str, Value),
    /// Make a new file for this node, with an empty image in it.
    Image(NodeId),
    /// Wait until the export is gone.
    ExportGone(UserId),
    /// Wait until the job has this status, or is gone.
    JobIs(UserId, &'static str),
    /// Wait until the job is gone. The way it ended is the answer.
    JobEnds(UserId),
}
