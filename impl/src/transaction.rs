//! A transaction: steps, savepoints, and the way to the judgement.

use crate::driver::Driver;
use crate::error::{Error, ErrorKind, StepError};
use crate::graph::pending::Mark;
use crate::graph::{EdgeKey, Graph, NodeKey, UserKey};
use crate::pending_commit::PendingCommit;
use crate::plan::Committed;
use crate::rollback_guard::Guard;
use core::ops::Deref;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Number of savepoints ever made, in all graphs, so that none is taken for another graph's or a clone's.
static SAVEPOINTS: AtomicUsize = AtomicUsize::new(0);

/// A change of the graph in steps, judged once at the end (V1).
///
/// Every method that is a step reads the graph as the steps before left it. It either takes effect or fails at once,
/// with the first failing precondition of its heading in `specs/operations.md` as the error, and then leaves the
/// transaction as it was before that step, usable. A node that loses its last reference is *doomed*: to later steps it
/// does not exist, and the commit closes it (L2). [`commit`](Self::commit) judges, asks the drivers and makes it all
/// permanent. Dropping the transaction undoes it.
///
/// The transaction dereferences to the graph, to be read. Pairs of edges from nodes are brought up to date by the
/// judgement only; what is read here are those of before.
#[derive(Debug)]
pub struct Transaction<'g, D: Driver> {
    guard: Guard<'g, D>,
}

/// A point of a transaction to return to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Savepoint {
    serial: usize,
    /// Its place among the marks of its transaction.
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

    /// Runs one step: counts it, or takes back what it did and puts its index into the error.
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

    /// The graph, to be read.
    #[must_use]
    pub const fn graph(&self) -> &Graph<D> {
        self.guard.graph
    }

    /// How many steps have taken effect.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.guard.graph.core.pending.steps
    }

    /// The edge of that name from a node to a child, as a step would find it. O(1) expected.
    ///
    /// # Errors
    /// `NodeNotFound`, also for a doomed parent; `ChildNotFound`.
    pub fn find_child(&self, parent: NodeKey, name: &str) -> Result<EdgeKey, StepError> {
        self.core.find_child(parent, name).map_err(|error| error.at_step(self.steps()))
    }

    /// The one edge of a root user, as a step would find it. O(1).
    ///
    /// # Errors
    /// `UserNotFound`.
    pub fn find_user_edge(&self, user: UserKey) -> Result<EdgeKey, StepError> {
        self.core.live_user(user).map(|user| user.edge).map_err(|error| error.at_step(self.steps()))
    }

    /// A point to return to. O(1).
    pub fn savepoint(&mut self) -> Savepoint {
        let pending = &mut self.guard.graph.core.pending;
        let (serial, index) = (SAVEPOINTS.fetch_add(1, Ordering::Relaxed), pending.marks.len());
        pending.marks.push(Mark { serial, journal: pending.journal.len(), steps: pending.steps });
        Savepoint { serial, index }
    }

    /// Takes back all steps since the savepoint, which stays valid; those made after it do not. O(what was done).
    ///
    /// # Errors
    /// `SavepointGone` if it is not one of this transaction or was rolled back over; then nothing changes.
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

    /// The pure judgement of the final graph (V3), and the plan for the drivers (V5). Only what changed is looked at.
    ///
    /// # Errors
    /// One violation: `Cycle`, `Conflict`, `ReadOnly`, `InactiveChild`, `InactiveNode`, `ContextClash` or
    /// `ContextFixed`. Then everything has been undone.
    pub fn begin_commit(self) -> Result<PendingCommit<'g, D>, Error> {
        let guard = self.guard;
        guard.graph.check_commit()?;
        Ok(PendingCommit::new(guard))
    }

    /// Judges, asks the drivers through their hooks, and makes everything permanent.
    ///
    /// # Errors
    /// As [`begin_commit`](Self::begin_commit), or `Refused`. Then everything has been undone.
    pub fn commit(self) -> Result<Committed<D>, Error> {
        self.begin_commit()?.run()
    }

    /// As [`commit`](Self::commit), for a caller that does not want to know.
    pub(crate) fn commit_silently(self) -> Result<(), Error> {
        self.begin_commit()?.run_silently()
    }
}

impl<D: Driver> Graph<D> {
    /// Begins a transaction. One that was leaked before is undone first. O(1).
    pub fn transaction(&mut self) -> Transaction<'_, D> {
        Transaction::begin(self)
    }
}
