//! The parameters of jobs.

use crate::op::{NodeId, UserId};

/// A commit or an active commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    pub(super) job: UserId,
    pub(super) top: NodeId,
    pub(super) base: NodeId,
    pub(super) filter: NodeId,
}

/// A mirror or a backup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copy {
    pub(super) job: UserId,
    pub(super) source: NodeId,
    pub(super) target: NodeId,
    pub(super) filter: NodeId,
}
