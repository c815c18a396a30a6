//! Jobs: stream, commit, mirror, backup (J1 to J6).
//!
//! A job copies data from node to node while the graph is in use. What it copies is not the graph's business; what it
//! does to the graph is: it *starts* with a filter above the node it works on, frozen edges, and root users that hold
//! and block the nodes it needs; in the end it *finishes*, and the graph becomes what the job was for, or it is
//! *cancelled*. Each of the three is one step of a transaction, judged as a whole (J1). In between any other operation
//! may run, and is refused if it would disturb the job.
//!
//! The graph keeps nothing about a job but these nodes, edges and users (J2). So the caller keeps the [`Job`], which is
//! plain data, and shows it again in the end. The nodes and the users are found by their names; whoever renames or
//! takes away what a job has put there gets the error when the job ends.
//!
//! # A mirror
//!
//! A copy of the disk of a running guest, that replaces it in the end.
//!
//! ```
//! use blockgraph::drivers::Protocol;
//! use blockgraph::jobs::{Job, Work};
//! use blockgraph::{ErrorKind, Graph, NodeSpec, OpKind, Preset, common_users};
//!
//! let mut graph: Graph<Preset> = Graph::new();
//! let source = graph.add(NodeSpec::new("disk"), Protocol.into())?;
//! let target = graph.add(NodeSpec::new("copy"), Protocol.into())?;
//! let guest = graph.attach_user("guest", source, common_users::GUEST, false)?;
//!
//! let mirror = Job::new("mirror0", "mirror0-filter", Work::Mirror { source, target });
//! let filter = graph.start_job(&mirror, mirror.filter_driver())?;
//! assert_eq!(graph.user_view(guest).map(|guest| guest.node()), Some(filter));
//!
//! // Nobody takes its target away, or starts another job on the source.
//! assert!(matches!(graph.delete(target).unwrap_err().kind(), ErrorKind::HasUser { .. }));
//! let error = graph.check_op(source, OpKind::BackupSource).unwrap_err();
//! assert_eq!(error.to_string(), "Node 'disk' is busy: block device is in use by block job: mirror");
//!
//! // All is copied: the guest goes on with the copy, the filter is gone, and the source is free.
//! graph.finish_job(&mirror)?;
//! assert_eq!(graph.user_view(guest).map(|guest| guest.node()), Some(target));
//! assert_eq!(graph.node("mirror0-filter"), None);
//! graph.delete(source)?;
//! # Ok::<(), blockgraph::Error>(())
//! ```
//!
//! # A commit, with drivers of one's own
//!
//! What two overlays hold goes into their base, below the disk of a running guest, which stores the name of the base
//! then. The drivers are trait objects here; that of the filter would be one that knows of the copying.
//!
//! ```
//! use blockgraph::drivers::{CommitTop, Format};
//! use blockgraph::jobs::{Job, Work};
//! use blockgraph::{ErrorKind, Graph, NodeSpec, common_users};
//!
//! let mut graph: Graph = Graph::new();
//! let base = graph.add(NodeSpec::new("base"), Box::new(Format))?;
//! let lower = graph.insert(NodeSpec::new("lower"), Box::new(Format), base)?;
//! let upper = graph.insert(NodeSpec::new("upper"), Box::new(Format), lower)?;
//! let disk = graph.insert(NodeSpec::new("disk"), Box::new(Format), upper)?;
//! graph.attach_user("guest", disk, common_users::GUEST, false)?;
//!
//! let commit = Job::new("commit0", "commit0-filter", Work::Commit { top: upper, base, stored: None });
//! graph.start_job(&commit, Box::new(CommitTop))?;
//! // What is being committed cannot be pulled apart.
//! assert!(matches!(graph.set_backing(upper, Some(base)).unwrap_err().kind(), ErrorKind::Frozen { .. }));
//!
//! // The end, and what is not needed any more goes with it; either all of this happens or nothing.
//! let mut t = graph.transaction();
//! t.finish_job(&commit)?;
//! t.release(upper)?;
//! t.release(lower)?;
//! t.commit()?;
//! let disk = graph.get(disk);
//! assert_eq!(disk.and_then(|disk| disk.stored_backing()).map(|name| &**name), Some("base"));
//! assert_eq!((graph.node_count(), graph.users().count()), (2, 1));
//! # Ok::<(), blockgraph::Error>(())
//! ```

mod finish;
mod start;

use crate::driver::{Driver, MirrorPhase};
use crate::drivers::{CommitTop, CopyBeforeWrite, CopyOnRead, MirrorTop, Preset};
use crate::error::{Error, StepError};
use crate::graph::{Graph, NodeKey};
use crate::transaction::Transaction;
use alloc::sync::Arc;

/// A job: what its start, its finish and its cancel are told (J2). Plain data, which the caller keeps.
///
/// Whoever stores it together with a [snapshot](Graph::snapshot) of the graph stores the names of the nodes: in a graph
/// that was [restored](Graph::restore) the keys are others, and the job goes on with those.
///
/// See the [module](self) for examples.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Job {
    /// The name of the job, and of its main root user; its further users are called *name*`#1` and so on (J3).
    pub name: Arc<str>,
    /// The name of its filter (J4).
    pub filter: Arc<str>,
    /// What it does.
    pub work: Work,
}

/// What a [`Job`] does, with which nodes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Work {
    /// All data from below `node` down to and with `bottom` goes into `node`, whose backing file is then what `bottom`
    /// has below it at that time (O42; QEMU: `stream_start`). The filter is a [`CopyOnRead`].
    Stream {
        /// What is streamed into.
        node: NodeKey,
        /// The last node in the chain of `node` whose data it gets; `node` itself if there is none.
        bottom: NodeKey,
    },
    /// What `top` and those below it hold goes into `base`, and those above `top` get `base` below them (O43; QEMU:
    /// `commit_start`). The filter is a [`CommitTop`]. A base that is read-only has to be reopened before (J7).
    Commit {
        /// The uppermost node that goes into `base`.
        top: NodeKey,
        /// The node of its chain that gets the data.
        base: NodeKey,
        /// The backing name that the images above `top` store in the end; that of `base` if none is given.
        stored: Option<Arc<str>>,
    },
    /// As a commit, while `top` is written to; `base` replaces it in the end (O44; QEMU: `commit_active_start`). The
    /// filter is a [`MirrorTop`] in the phase [`Commit`](MirrorPhase::Commit).
    CommitActive {
        /// The node that goes into `base`, with those between.
        top: NodeKey,
        /// The node of its chain that gets the data.
        base: NodeKey,
    },
    /// A copy that replaces `source` (O45; QEMU: `mirror_start`). The filter is a [`MirrorTop`] in the phase
    /// [`Mirror`](MirrorPhase::Mirror). Whoever wants another node replaced asks
    /// [`check_replace`](Transaction::check_replace) before.
    Mirror {
        /// The node that is copied.
        source: NodeKey,
        /// The node that becomes the copy.
        target: NodeKey,
    },
    /// A copy of `source` as it is now (O46; QEMU: `backup_job_create`). The filter is a [`CopyBeforeWrite`].
    Backup {
        /// The node that is copied.
        source: NodeKey,
        /// The node that becomes the copy.
        target: NodeKey,
    },
}

impl Job {
    /// A job of that name, and the name that its filter is to have.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, filter: impl Into<Arc<str>>, work: Work) -> Self {
        Self { name: name.into(), filter: filter.into(), work }
    }

    /// A ready-made driver for the filter: of the kind and in the phase that the job needs.
    #[must_use]
    pub fn filter_driver(&self) -> Preset {
        match self.work {
            Work::Stream { .. } => CopyOnRead.into(),
            Work::Commit { .. } => CommitTop.into(),
            Work::CommitActive { .. } => MirrorTop { phase: MirrorPhase::Commit }.into(),
            Work::Mirror { .. } => MirrorTop { phase: MirrorPhase::Mirror }.into(),
            Work::Backup { .. } => CopyBeforeWrite.into(),
        }
    }

    /// The name of one of its root users (J3): 0 is the main one.
    #[must_use]
    pub fn user_name(&self, number: usize) -> Arc<str> {
        match number {
            0 => self.name.clone(),
            _ => alloc::format!("{}#{number}", self.name).into(),
        }
    }

    /// QEMU's word for what the job does, as in the reason for which it blocks operations: `stream`, `commit` (of both
    /// kinds), `mirror`, `backup`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.work {
            Work::Stream { .. } => "stream",
            Work::Commit { .. } | Work::CommitActive { .. } => "commit",
            Work::Mirror { .. } => "mirror",
            Work::Backup { .. } => "backup",
        }
    }
}

/// The jobs, each one step (J1). One that fails leaves the transaction as before it.
impl<D: Driver> Transaction<'_, D> {
    /// Starts a job (O42 to O46): puts its filter, with this driver, above the node it works on, freezes the chain that
    /// it needs, and attaches its root users, which block all kinds of operation but `dataplane`. Returns the filter.
    ///
    /// The driver has to behave as the one of [`Job::filter_driver`]: that of a mirror and of an active commit takes
    /// [`DriverOption::Phase`](crate::DriverOption::Phase). O(chain + parents).
    ///
    /// # Errors
    /// First, before anything is done: `NodeNotFound`; `SameNode`, but of a stream; `NotInChain` of a stream and a
    /// commit; `Blocked`. Then those of [`insert`](Self::insert) (of a backup [`add`](Self::add),
    /// [`attach`](Self::attach), [`append`](Self::append)), [`freeze`](Self::freeze),
    /// [`attach_user`](Self::attach_user).
    pub fn start_job(&mut self, job: &Job, driver: D) -> Result<NodeKey, StepError> {
        self.step(|graph| graph.step_start_job(job, driver))
    }

    /// Finishes a job with success (O42 to O46): its users leave, its chain is thawed, its filter goes, and
    ///
    /// * stream: what `bottom` has below it becomes the backing file of `node`, which stores its name, or none;
    /// * commit: the parents of the filter get `base` below them and store a name, as in
    ///   [`drop_intermediate`](Self::drop_intermediate);
    /// * active commit, mirror: `base` or `target` replaces `top` or `source`;
    /// * backup: nothing else.
    ///
    /// O(chain + parents).
    ///
    /// # Errors
    /// `NodeNotFound`, `NotInChain` of a stream and a commit; then those of [`thaw`](Self::thaw),
    /// [`detach_user`](Self::detach_user), [`drop_filter`](Self::drop_filter), and of the steps that do the above.
    pub fn finish_job(&mut self, job: &Job) -> Result<(), StepError> {
        self.step(|graph| graph.step_finish_job(job))
    }

    /// Ends a job that failed or is not wanted any more (O42 to O46): its users leave, its chain is thawed, its filter
    /// is dropped. O(chain + parents).
    ///
    /// # Errors
    /// `NodeNotFound`, `NotInChain` of a stream and a commit; then those of [`thaw`](Self::thaw),
    /// [`detach_user`](Self::detach_user), [`drop_filter`](Self::drop_filter).
    pub fn cancel_job(&mut self, job: &Job) -> Result<(), StepError> {
        self.step(|graph| graph.step_cancel_job(job))
    }
}

/// The jobs, each a transaction of one step.
///
/// # Errors
/// Those of the step, a violation (V3), or a driver's refusal (V7); then nothing has changed.
impl<D: Driver> Graph<D> {
    /// [`Transaction::start_job`], alone.
    ///
    /// # Errors
    /// Those of the step, a violation (V3), or a driver's refusal (V7); then nothing has changed.
    pub fn start_job(&mut self, job: &Job, driver: D) -> Result<NodeKey, Error> {
        let mut transaction = self.transaction();
        let filter = transaction.start_job(job, driver)?;
        transaction.commit_silently()?;
        Ok(filter)
    }

    /// [`Transaction::finish_job`], alone.
    ///
    /// # Errors
    /// Those of the step, a violation (V3), or a driver's refusal (V7); then nothing has changed.
    pub fn finish_job(&mut self, job: &Job) -> Result<(), Error> {
        let mut transaction = self.transaction();
        transaction.finish_job(job)?;
        transaction.commit_silently()
    }

    /// [`Transaction::cancel_job`], alone.
    ///
    /// # Errors
    /// Those of the step, a violation (V3), or a driver's refusal (V7); then nothing has changed.
    pub fn cancel_job(&mut self, job: &Job) -> Result<(), Error> {
        let mut transaction = self.transaction();
        transaction.cancel_job(job)?;
        transaction.commit_silently()
    }
}
