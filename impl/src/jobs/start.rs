//! Starting jobs (O42 to O46, J3 to J6).

use super::{Job, Work};
use crate::driver::Driver;
use crate::error::Error;
use crate::graph::Graph;
use crate::graph::arena::{Core, NodeKey};
use crate::op_kind::{OpKind, OpKinds};
use crate::ops::{NodeSpec, UserSpec};
use crate::permission::{Pair, Permissions};
use crate::role::Role;
use alloc::sync::Arc;
use alloc::vec::Vec;

const R: Permissions = Permissions::READ;
const W: Permissions = Permissions::WRITE;
const Z: Permissions = Permissions::RESIZE;
/// The permissions that every user of a job shares.
const UG: Permissions = Permissions::WRITE_UNCHANGED.union(Permissions::GRAPH_MOD);
const RUG: Permissions = UG.union(R);
const WUG: Permissions = UG.union(W);
const RWUG: Permissions = RUG.union(W);

/// Returns the pair of a user that needs nothing.
const fn share_only(share: Permissions) -> Pair {
    Pair::new(Permissions::NONE, share)
}

/// The pair of the user on the filter of a job that reads while guests write.
const OBSERVER: Pair = Pair::new(R, RWUG);

/// The pairs of the users of a commit.
struct CommitPairs {
    filter: Pair,
    top: Pair,
    /// On the nodes between `top` and `base`.
    intermediate: Pair,
    base: Pair,
}

/// The pairs of a commit (O43).
const COMMIT: CommitPairs = CommitPairs {
    filter: Pair::NOTHING,
    top: share_only(WUG),
    intermediate: share_only(WUG),
    base: Pair::new(R.union(W).union(Z), RUG),
};

/// The pairs of an active commit (O44).
const COMMIT_ACTIVE: CommitPairs = CommitPairs {
    filter: OBSERVER,
    top: share_only(RWUG),
    intermediate: share_only(WUG),
    base: Pair::new(W.union(Z), RWUG),
};

/// A root user that a job attaches: its node and its pair.
type JobUser = (NodeKey, Pair);

impl Core {
    /// Returns the nodes of the chain (S4) from `top` down to and including `base`; O15.1 to O15.3. O(chain).
    pub(super) fn chain_nodes(&mut self, top: NodeKey, base: NodeKey) -> Result<Vec<NodeKey>, Error> {
        let edges = self.chain_between(top, Some(base))?;
        let below = edges.iter().map(|edge| self.edges[*edge].child);
        let nodes = core::iter::once(top).chain(below).collect();
        self.pending.moving = edges;
        Ok(nodes)
    }

    /// Checks that both nodes exist and are different.
    fn two_nodes(&self, first: NodeKey, second: NodeKey) -> Result<(), Error> {
        self.live(first)?;
        self.live(second)?;
        if first == second {
            return Err(self.same_node(first));
        }
        Ok(())
    }

    /// J3: attaches the users of a job, the main one first. Each blocks the operations that would disturb the job.
    fn attach_job_users(&mut self, job: &Job, users: impl IntoIterator<Item = JobUser>) -> Result<(), Error> {
        let reason: Arc<str> = alloc::format!("block device is in use by block job: {}", job.kind()).into();
        for (number, (node, pair)) in users.into_iter().enumerate() {
            let user = self.attach_user(UserSpec::new(job.user_name(number), pair).stays(true), node)?;
            self.block(user, OpKinds::all() - OpKinds::DATAPLANE, reason.clone())?;
        }
        Ok(())
    }
}

impl<D: Driver> Graph<D> {
    /// Starts a job and returns its filter.
    pub(crate) fn step_start_job(&mut self, job: &Job, driver: D) -> Result<NodeKey, Error> {
        match job.work {
            Work::Stream { node, bottom } => self.start_stream(job, driver, node, bottom),
            Work::Commit { top, base, .. } => self.start_commit(job, driver, (top, base), COMMIT),
            Work::CommitActive { top, base } => self.start_commit(job, driver, (top, base), COMMIT_ACTIVE),
            Work::Mirror { source, target } => self.start_mirror(job, driver, source, target),
            Work::Backup { source, target } => self.start_backup(job, driver, source, target),
        }
    }

    /// Inserts the filter of a job (J4).
    fn insert_filter(&mut self, job: &Job, driver: D, above: NodeKey) -> Result<NodeKey, Error> {
        self.step_insert(NodeSpec::new(job.filter.clone()).implicit(true), driver, above)
    }

    /// O42.
    fn start_stream(&mut self, job: &Job, driver: D, node: NodeKey, bottom: NodeKey) -> Result<NodeKey, Error> {
        let chain = self.core.chain_nodes(node, bottom)?;
        chain.iter().try_for_each(|key| self.core.not_blocked(*key, OpKind::Stream))?;
        let filter = self.insert_filter(job, driver, node)?;
        self.core.freeze(node, Some(bottom))?;
        let below = chain.into_iter().skip(1).map(|key| (key, share_only(RUG)));
        self.core.attach_job_users(job, [(filter, OBSERVER), (node, share_only(RWUG))].into_iter().chain(below))?;
        Ok(filter)
    }

    /// O43 and O44.
    fn start_commit(
        &mut self,
        job: &Job,
        driver: D,
        (top, base): (NodeKey, NodeKey),
        pairs: CommitPairs,
    ) -> Result<NodeKey, Error> {
        self.core.two_nodes(top, base)?;
        let chain = self.core.chain_nodes(top, base)?;
        chain.iter().try_for_each(|key| self.core.not_blocked(*key, OpKind::CommitTarget))?;
        let filter = self.insert_filter(job, driver, top)?;
        self.core.freeze(filter, Some(base))?;
        // The filters directly above base show the data of base, which stays consistent, and grow with it.
        let is_filter = |key: &&NodeKey| self.core.nodes[**key].shape().filter.is_some();
        let over_base = chain.len() - 1 - chain.iter().rev().skip(1).take_while(is_filter).count();
        let on_chain = |(place, key)| match key {
            _ if key == base => (key, pairs.base),
            _ if key == top => (key, pairs.top),
            _ if place >= over_base => (key, Pair::NOTHING),
            _ => (key, pairs.intermediate),
        };
        let main = core::iter::once((filter, pairs.filter));
        let users: Vec<JobUser> = main.chain(chain.into_iter().enumerate().map(on_chain)).collect();
        self.core.attach_job_users(job, users)?;
        Ok(filter)
    }

    /// O45.
    fn start_mirror(&mut self, job: &Job, driver: D, source: NodeKey, target: NodeKey) -> Result<NodeKey, Error> {
        self.core.two_nodes(source, target)?;
        self.core.not_blocked(source, OpKind::MirrorSource)?;
        self.core.not_blocked(target, OpKind::MirrorTarget)?;
        let filter = self.insert_filter(job, driver, source)?;
        let users = [(filter, OBSERVER), (source, share_only(RWUG)), (target, Pair::new(W, UG))];
        self.core.attach_job_users(job, users)?;
        Ok(filter)
    }

    /// O46.
    fn start_backup(&mut self, job: &Job, driver: D, source: NodeKey, target: NodeKey) -> Result<NodeKey, Error> {
        self.core.two_nodes(source, target)?;
        self.core.not_blocked(source, OpKind::BackupSource)?;
        self.core.not_blocked(target, OpKind::BackupTarget)?;
        let filter = self.step_add(NodeSpec::new(job.filter.clone()).implicit(true), driver)?;
        self.core.attach(filter, target, "target".into(), Role::DATA)?;
        self.step_append(filter, source, false)?;
        self.core.attach_job_users(job, [(filter, Pair::NOTHING), (target, Pair::NOTHING)])?;
        Ok(filter)
    }
}
