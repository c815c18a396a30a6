//! Jobs: stream, commit, mirror, backup (J1 to J6).
//!
//! A job copies data from node to node while the graph is in use. The graph knows nothing of the copied data, only of
//! the job's nodes, edges and users. A job *starts* with a filter above the node it works on, frozen edges, and root
//! users that hold the nodes it needs and block operations on them. It either *finishes*, which changes the graph as
//! the job intends, or it is *cancelled*. Each of the three is one step of a transaction, checked as a whole (J1). In
//! between, any other operation may run; it is refused if it would disturb the job.
//!
//! The graph stores nothing about a job besides these nodes, edges and users (J2). The caller therefore keeps the
//! [`Job`], which is plain data, and passes it again to finish or cancel. The nodes and users are found by their names.
//! If the caller has renamed or removed what the job added, finish and cancel return an error.
//!
//! # A mirror
//!
//! A mirror copies the disk of a running guest, and the copy replaces the disk in the end.
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
//! // The target cannot be deleted, and no other job can start on the source.
//! assert!(matches!(graph.delete(target).unwrap_err().kind(), ErrorKind::HasUser { .. }));
//! let error = graph.ensure_not_blocked(source, OpKind::BackupSource).unwrap_err();
//! assert_eq!(error.to_string(), "Node 'disk' is busy: block device is in use by block job: mirror");
//!
//! // The copy is complete: the guest continues on it, the filter is gone, and the source is free.
//! graph.finish_job(&mirror)?;
//! assert_eq!(graph.user_view(guest).map(|guest| guest.node()), Some(target));
//! assert_eq!(graph.node("mirror0-filter"), None);
//! graph.delete(source)?;
//! # Ok::<(), blockgraph::Error>(())
//! ```
//!
//! # A commit, with custom drivers
//!
//! A commit copies the data of two overlays into their base, below the disk of a running guest. The disk then stores
//! the name of the base. The drivers are trait objects here. In a real program, the driver of the filter takes part in
//! the copying.
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
//! // The chain cannot be changed during the commit.
//! assert!(matches!(graph.set_backing(upper, Some(base)).unwrap_err().kind(), ErrorKind::Frozen { .. }));
//!
//! // The commit finishes and the overlays are released, in one transaction.
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

/// A job: the argument of start, finish and cancel (J2). It is plain data, which the caller keeps.
///
/// A program that stores a job together with a [saved graph](Graph::save) stores the names of the nodes: a
/// [restored](Graph::restore) graph has other keys, and the program puts those into the job.
///
/// See the [module](self) for examples.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Job {
    /// The name of the job and of its main root user. Its further users are called *name*`#1` and so on (J3).
    pub name: Arc<str>,
    /// The name of the job's filter (J4).
    pub filter: Arc<str>,
    /// What the job does.
    pub work: Work,
}

/// What a [`Job`] does, and with which nodes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Work {
    /// Copies the data of all nodes below `node`, down to and including `bottom`, into `node`. The child that `bottom`
    /// has at the end becomes the backing file of `node` (O42; QEMU: `stream_start`). The filter is a [`CopyOnRead`].
    Stream {
        /// The node that gets the data.
        node: NodeKey,
        /// The last node in the chain whose data is copied; `node` itself if there is none.
        bottom: NodeKey,
    },
    /// Copies the data of `top` and of the nodes between into `base`. The parents of `top` get `base` as their child
    /// (O43; QEMU: `commit_start`). The filter is a [`CommitTop`]. A read-only base must be reopened before (J7).
    Commit {
        /// The topmost node whose data goes into `base`.
        top: NodeKey,
        /// The node of the chain that gets the data.
        base: NodeKey,
        /// The backing name that the images above `top` store in the end; `None` means the name of `base`.
        stored: Option<Arc<str>>,
    },
    /// A commit while `top` is being written to; in the end `base` replaces `top` (O44; QEMU: `commit_active_start`).
    /// The filter is a [`MirrorTop`] in the phase [`Commit`](MirrorPhase::Commit).
    CommitActive {
        /// The node whose data goes into `base`, with the data of the nodes between.
        top: NodeKey,
        /// The node of the chain that gets the data.
        base: NodeKey,
    },
    /// Makes a copy that replaces `source` (O45; QEMU: `mirror_start`). The filter is a [`MirrorTop`] in the phase
    /// [`Mirror`](MirrorPhase::Mirror). To replace another node, a caller first calls
    /// [`check_replace`](Transaction::check_replace).
    Mirror {
        /// The node that is copied.
        source: NodeKey,
        /// The node that becomes the copy.
        target: NodeKey,
    },
    /// Makes a copy of the present data of `source` (O46; QEMU: `backup_job_create`). The filter is a
    /// [`CopyBeforeWrite`].
    Backup {
        /// The node that is copied.
        source: NodeKey,
        /// The node that becomes the copy.
        target: NodeKey,
    },
}

impl Job {
    /// Creates a job with the given name and the name that its filter will have.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, filter: impl Into<Arc<str>>, work: Work) -> Self {
        Self { name: name.into(), filter: filter.into(), work }
    }

    /// Returns a ready-made driver for the filter, of the kind and in the phase that the job needs.
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

    /// Returns the name of one of the job's root users (J3); number 0 is the main one.
    #[must_use]
    pub fn user_name(&self, number: usize) -> Arc<str> {
        match number {
            0 => self.name.clone(),
            _ => alloc::format!("{}#{number}", self.name).into(),
        }
    }

    /// Returns QEMU's name for the kind of job, which the job's blockers give as their reason: `stream`, `commit` (of
    /// both kinds), `mirror`, `backup`.
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

/// The operations on jobs, each as one step (J1). A step that fails leaves the transaction as it was before.
impl<D: Driver> Transaction<'_, D> {
    /// Starts a job (O42 to O46): adds its filter, with this driver, above the node it works on, freezes the chain that
    /// it needs, and attaches its root users, which block all kinds of operation except `dataplane`. Returns the
    /// filter.
    ///
    /// The driver must behave like the one that [`Job::filter_driver`] returns. The driver of a mirror or an active
    /// commit must accept [`DriverOption::Phase`](crate::DriverOption::Phase). O(chain + parents).
    ///
    /// # Errors
    /// First, before any change: `NodeNotFound`; `SameNode`, except for a stream; `NotInChain` for a stream or a
    /// commit; `Blocked`. Then those of [`insert`](Self::insert) (for a backup [`add`](Self::add),
    /// [`attach`](Self::attach) and [`append`](Self::append)), [`freeze`](Self::freeze) and
    /// [`attach_user`](Self::attach_user).
    pub fn start_job(&mut self, job: &Job, driver: D) -> Result<NodeKey, StepError> {
        self.step(|graph| graph.step_start_job(job, driver))
    }

    /// Finishes a job with success (O42 to O46): detaches its users, thaws its chain, drops its filter, and then
    ///
    /// * stream: makes the child that `bottom` has now the backing file of `node`, which stores its name, or none;
    /// * commit: gives `base` to the parents of the filter as their child; they store a name, as in
    ///   [`drop_intermediate`](Self::drop_intermediate);
    /// * active commit, mirror: replaces `top` or `source` by `base` or `target`;
    /// * backup: does nothing else.
    ///
    /// O(chain + parents).
    ///
    /// # Errors
    /// `NodeNotFound`; `NotInChain` for a stream or a commit; then those of [`thaw`](Self::thaw),
    /// [`detach_user`](Self::detach_user), [`drop_filter`](Self::drop_filter), and of the steps listed above.
    pub fn finish_job(&mut self, job: &Job) -> Result<(), StepError> {
        self.step(|graph| graph.step_finish_job(job))
    }

    /// Cancels a job that failed or is no longer wanted (O42 to O46): detaches its users, thaws its chain and drops its
    /// filter. O(chain + parents).
    ///
    /// # Errors
    /// `NodeNotFound`; `NotInChain` for a stream or a commit; then those of [`thaw`](Self::thaw),
    /// [`detach_user`](Self::detach_user) and [`drop_filter`](Self::drop_filter).
    pub fn cancel_job(&mut self, job: &Job) -> Result<(), StepError> {
        self.step(|graph| graph.step_cancel_job(job))
    }
}

/// The operations on jobs, each as a transaction of one step.
///
/// # Errors
/// Those of the step, a violation (V3), or a driver's refusal (V7); on an error nothing has changed.
impl<D: Driver> Graph<D> {
    /// [`Transaction::start_job`] as a transaction of one step.
    ///
    /// # Errors
    /// Those of the step, a violation (V3), or a driver's refusal (V7); on an error nothing has changed.
    pub fn start_job(&mut self, job: &Job, driver: D) -> Result<NodeKey, Error> {
        let mut transaction = self.transaction();
        let filter = transaction.start_job(job, driver)?;
        transaction.commit_silently()?;
        Ok(filter)
    }

    /// [`Transaction::finish_job`] as a transaction of one step.
    ///
    /// # Errors
    /// Those of the step, a violation (V3), or a driver's refusal (V7); on an error nothing has changed.
    pub fn finish_job(&mut self, job: &Job) -> Result<(), Error> {
        let mut transaction = self.transaction();
        transaction.finish_job(job)?;
        transaction.commit_silently()
    }

    /// [`Transaction::cancel_job`] as a transaction of one step.
    ///
    /// # Errors
    /// Those of the step, a violation (V3), or a driver's refusal (V7); on an error nothing has changed.
    pub fn cancel_job(&mut self, job: &Job) -> Result<(), Error> {
        let mut transaction = self.transaction();
        transaction.cancel_job(job)?;
        transaction.commit_silently()
    }
}
