//! A transaction: steps, savepoints, and the begin of a commit.

use crate::driver::Driver;
use crate::error::{Error, ErrorKind, StepError};
use crate::graph::pending::Mark;
use crate::graph::{EdgeKey, Graph, NodeKey, UserKey};
use crate::pending_commit::PendingCommit;
use crate::plan::Committed;
use crate::rollback_guard::Guard;
use core::ops::Deref;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The number of savepoints ever made, in all graphs, so that a savepoint of another graph or of a clone is recognised.
static SAVEPOINTS: AtomicUsize = AtomicUsize::new(0);

/// A change of the graph in steps, checked once at the end (V1).
///
/// Every method that is a step reads the graph as the earlier steps left it. It takes effect, or it fails at once with
/// the first failing precondition of its heading in `specs/operations.md`. A failed step leaves the transaction usable
/// and as it was before the step. A node that loses its last reference is *doomed*: it does not exist for later steps,
/// and the commit closes it (L2). [`commit`](Self::commit) checks the final graph, asks the drivers and makes
/// everything permanent. Dropping the transaction rolls it back.
///
/// The transaction dereferences to the graph, for reading. The pairs of edges from nodes are the old ones until the
/// commit.
#[derive(Debug)]
pub struct Transaction<'g, D: Driver> {
    guard: Guard<'g, D>,
}

/// A point of a transaction to which it can be rolled back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Savepoint {
    serial: usize,
    /// Its index among the marks of its transaction.
    index: usize,
}

impl<D: Driver> Deref for Transaction<'_, D> {
    type Target = Graph<D>;

    fn deref(&self) -> &Graph<D> {
        self.guard.graph
    }
}

impl<'g, D: Driver> Transaction<'g, D> {
    pub(crate) fn begin(graph: &'g mut Graph<D>) -> Self {
        graph.undo_all();
        graph.core.pending.open = true;
        Self { guard: Guard { graph } }
    }

    /// Runs one step. On success it counts the step. On an error it undoes the step and adds the step's index to the
    /// error.
    pub(crate) fn step<T>(&mut self, step: impl FnOnce(&mut Graph<D>) -> Result<T, Error>) -> Result<T, Error> {
        let graph = &mut *self.guard.graph;
        let mark = graph.core.pending.journal.len();
        match step(graph) {
            Ok(value) => {
                graph.core.pending.steps += 1;
                Ok(value)
            }
            Err(error) => {
                graph.undo_to(mark);
                Err(error.at_step(graph.core.pending.steps))
            }
        }
    }

    /// Returns the graph, for reading.
    #[must_use]
    pub const fn graph(&self) -> &Graph<D> {
        self.guard.graph
    }

    /// Returns the number of steps that have taken effect.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.guard.graph.core.pending.steps
    }

    /// Returns the edge of this name from a node to a child, as a step would find it. O(1) expected.
    ///
    /// # Errors
    /// `NodeNotFound`, also for a doomed parent; `ChildNotFound`.
    pub fn find_child(&self, parent: NodeKey, name: &str) -> Result<EdgeKey, StepError> {
        self.core.find_child(parent, name).map_err(|error| error.at_step(self.steps()))
    }

    /// Returns the only edge of a root user, as a step would find it. O(1).
    ///
    /// # Errors
    /// `UserNotFound`.
    pub fn find_user_edge(&self, user: UserKey) -> Result<EdgeKey, StepError> {
        self.core.live_user(user).map(|user| user.edge).map_err(|error| error.at_step(self.steps()))
    }

    /// Makes a savepoint. O(1).
    pub fn savepoint(&mut self) -> Savepoint {
        let pending = &mut self.guard.graph.core.pending;
        let (serial, index) = (SAVEPOINTS.fetch_add(1, Ordering::Relaxed), pending.marks.len());
        pending.marks.push(Mark { serial, journal: pending.journal.len(), steps: pending.steps });
        Savepoint { serial, index }
    }

    /// Undoes all steps since the savepoint, which stays valid. Later savepoints become invalid. O(undone steps).
    ///
    /// # Errors
    /// `SavepointGone` if the savepoint is not one of this transaction or was rolled back over. Then nothing changes.
    pub fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), StepError> {
        let pending = &mut self.guard.graph.core.pending;
        let mark = pending.marks.get(savepoint.index).copied().filter(|mark| mark.serial == savepoint.serial);
        let Some(mark) = mark else {
            return Err(Error::from(ErrorKind::SavepointGone).at_step(pending.steps));
        };
        pending.marks.truncate(savepoint.index + 1);
        pending.steps = mark.steps;
        self.guard.graph.undo_to(mark.journal);
        Ok(())
    }

    /// Checks the final graph (V3) and makes the plan for the drivers (V5). Only changed parts of the graph are
    /// visited.
    ///
    /// # Errors
    /// One violation: `Cycle`, `Conflict`, `ReadOnly`, `InactiveChild`, `InactiveNode`, `ContextClash` or
    /// `ContextFixed`. Then everything has been rolled back.
    pub fn begin_commit(self) -> Result<PendingCommit<'g, D>, Error> {
        let guard = self.guard;
        guard.graph.check_commit()?;
        Ok(PendingCommit::new(guard))
    }

    /// Checks the final graph, asks the drivers through their hooks, and makes everything permanent.
    ///
    /// # Errors
    /// Those of [`begin_commit`](Self::begin_commit), or `Refused`. Then everything has been rolled back.
    pub fn commit(self) -> Result<Committed<D>, Error> {
        self.begin_commit()?.run()
    }

    /// The same as [`commit`](Self::commit), without a return value.
    pub(crate) fn commit_silently(self) -> Result<(), Error> {
        self.begin_commit()?.run_silently()
    }
}

impl<D: Driver> Graph<D> {
    /// Begins a transaction. A leaked earlier transaction is rolled back first. O(1).
    pub fn transaction(&mut self) -> Transaction<'_, D> {
        Transaction::begin(self)
    }
}
