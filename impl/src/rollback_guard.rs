//! Undoes a transaction that ends without a commit.

use crate::driver::Driver;
use crate::graph::Graph;

/// Undoes the open transaction when it is dropped, by return, by error or by unwinding.
#[derive(Debug)]
pub(crate) struct Guard<'g, D: Driver> {
    pub(crate) graph: &'g mut Graph<D>,
}

impl<D: Driver> Drop for Guard<'_, D> {
    fn drop(&mut self) {
        self.graph.undo_all();
    }
}
