//! Finishing and cancelling jobs (O42 to O46, J3, J6).

use super::{Job, Work};
use crate::driver::{Driver, DriverOption, MirrorPhase};
use crate::error::{Error, ErrorKind};
use crate::graph::Graph;
use crate::graph::arena::{Core, NodeKey, UserKey};
use slotmap::Key;

/// The number of users of a mirror besides the main one: on the source and on the target.
const MIRROR_EXTRA_USERS: usize = 2;
/// The number of users of a backup besides the main one: on the target.
const BACKUP_EXTRA_USERS: usize = 1;

impl Core {
    /// Returns the node that has the name of the job's filter.
    fn filter_of(&self, job: &Job) -> Result<NodeKey, Error> {
        let not_found = || ErrorKind::NodeNotFound { node: NodeKey::null(), name: Some(job.filter.clone()) }.into();
        self.node_named(&job.filter).ok_or_else(not_found)
    }

    /// J3: detaches the users of a job: the main one and `extra` others.
    fn detach_job_users(&mut self, job: &Job, extra: usize) -> Result<(), Error> {
        for name in (0..=extra).map(|number| job.user_name(number)) {
            let Some(user) = self.user_named(&name) else {
                return Err(ErrorKind::UserNotFound { user: UserKey::null(), name: Some(name) }.into());
            };
            self.detach_user(user)?;
        }
        Ok(())
    }

    /// The common beginning of finishing and cancelling a stream: thaws the chain and returns the number of users
    /// besides the main one.
    fn thaw_stream(&mut self, node: NodeKey, bottom: NodeKey) -> Result<usize, Error> {
        let extra = self.chain_nodes(node, bottom)?.len();
        self.thaw(node, Some(bottom))?;
        Ok(extra)
    }

    /// The common beginning of finishing and cancelling a commit: thaws the chain below the filter, detaches the users,
    /// and returns the filter.
    fn end_commit_users(&mut self, job: &Job, top: NodeKey, base: NodeKey) -> Result<NodeKey, Error> {
        let extra = self.chain_nodes(top, base)?.len();
        let filter = self.filter_of(job)?;
        self.thaw(filter, Some(base))?;
        self.detach_job_users(job, extra)?;
        Ok(filter)
    }

    /// Returns the child in the chain slot, unless the node ends its chain (S4).
    fn chain_child(&self, key: NodeKey) -> Option<NodeKey> {
        let node = self.nodes.get(key).filter(|node| !node.ejected)?;
        self.edges.get(node.chain_edge()).map(|edge| edge.child)
    }

    fn drop_filter_of(&mut self, job: &Job) -> Result<(), Error> {
        let filter = self.filter_of(job)?;
        self.drop_filter(filter)
    }
}

impl<D: Driver> Graph<D> {
    /// Finishes a job.
    pub(crate) fn step_finish_job(&mut self, job: &Job) -> Result<(), Error> {
        self.as_one_step(|graph| graph.finish_job_steps(job))
    }

    /// Cancels a job.
    pub(crate) fn step_cancel_job(&mut self, job: &Job) -> Result<(), Error> {
        self.as_one_step(|graph| graph.cancel_job_steps(job))
    }

    /// Runs several steps as one: no node becomes doomed in between (L2). So a target that only the job holds survives
    /// when the job's users are detached.
    fn as_one_step(&mut self, steps: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.core.pending.deferring = true;
        let done = steps(self);
        if done.is_err() {
            // The whole step is undone.
            self.core.pending.losing.clear();
        }
        self.core.doom_deferred();
        done
    }

    fn finish_job_steps(&mut self, job: &Job) -> Result<(), Error> {
        match &job.work {
            Work::Stream { node, bottom } => self.finish_stream(job, *node, *bottom),
            Work::Commit { top, base, stored } => {
                let filter = self.core.end_commit_users(job, *top, *base)?;
                self.core.drop_intermediate(filter, *base, stored.clone())?;
                self.core.release(filter)
            }
            Work::CommitActive { top, base } => {
                self.core.end_commit_users(job, *top, *base)?;
                self.replace_by_copy(job, *top, *base)
            }
            Work::Mirror { source, target } => {
                self.core.detach_job_users(job, MIRROR_EXTRA_USERS)?;
                self.replace_by_copy(job, *source, *target)
            }
            Work::Backup { .. } => self.cancel_job_steps(job),
        }
    }

    fn cancel_job_steps(&mut self, job: &Job) -> Result<(), Error> {
        let core = &mut self.core;
        match job.work {
            Work::Stream { node, bottom } => {
                let extra = core.thaw_stream(node, bottom)?;
                core.detach_job_users(job, extra)?;
            }
            Work::Commit { top, base, .. } | Work::CommitActive { top, base } => {
                core.end_commit_users(job, top, base)?;
            }
            Work::Mirror { .. } => core.detach_job_users(job, MIRROR_EXTRA_USERS)?,
            Work::Backup { .. } => core.detach_job_users(job, BACKUP_EXTRA_USERS)?,
        }
        core.drop_filter_of(job)
    }

    /// O42. The base is the present one, whatever other jobs have done since the start (H47).
    fn finish_stream(&mut self, job: &Job, node: NodeKey, bottom: NodeKey) -> Result<(), Error> {
        let extra = self.core.thaw_stream(node, bottom)?;
        let base = self.core.chain_child(bottom);
        self.step_set_backing(node, base)?;
        let core = &mut self.core;
        if core.nodes[node].shape().supports_backing {
            let explicit = base.map(|base| core.skip_implicit(base));
            let name = explicit.map(|key| core.nodes[key].name.clone());
            core.store_name(node, name);
        }
        core.detach_job_users(job, extra)?;
        core.drop_filter_of(job)
    }

    /// The common end of O44 and O45. The stopped filter needs nothing and does not conflict with the copy.
    fn replace_by_copy(&mut self, job: &Job, from: NodeKey, copy: NodeKey) -> Result<(), Error> {
        let filter = self.core.filter_of(job)?;
        self.step_set_option(filter, DriverOption::Phase(MirrorPhase::Stopped))?;
        self.core.replace_node(from, copy)?;
        self.core.drop_filter(filter)
    }
}
