//! Freeze and thaw (O15, O16).

use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, NodeKey};
use alloc::vec::Vec;

impl Core {
    /// Checks O15.1 to O15.3 and returns the edges between. The caller gives the list back, as that of [`Core::chain`].
    pub(crate) fn chain_between(&mut self, top: NodeKey, base: Option<NodeKey>) -> Result<Vec<EdgeKey>, Error> {
        self.live(top)?;
        if let Some(base) = base {
            self.live(base)?;
        }
        self.chain(top, base).ok_or_else(|| {
            let base = base.map(|base| self.node_ref(base));
            ErrorKind::NotInChain { top: self.node_ref(top), base }.into()
        })
    }

    /// Freezes a chain (O15). O(chain).
    pub(crate) fn freeze(&mut self, top: NodeKey, base: Option<NodeKey>) -> Result<(), Error> {
        let edges = self.chain_between(top, base)?;
        let result = self.can_freeze(&edges);
        self.set_all_frozen(edges, result, true)
    }

    /// Thaws a chain (O16). O(chain).
    pub(crate) fn thaw(&mut self, top: NodeKey, base: Option<NodeKey>) -> Result<(), Error> {
        let edges = self.chain_between(top, base)?;
        let not_frozen = edges.iter().find(|edge| !self.edges[**edge].frozen);
        let result = not_frozen.map_or(Ok(()), |edge| Err(ErrorKind::NotFrozen { edge: self.edge_ref(*edge) }.into()));
        self.set_all_frozen(edges, result, false)
    }

    /// Checks O15.4 for all edges, then O15.5 for all.
    fn can_freeze(&self, edges: &[EdgeKey]) -> Result<(), Error> {
        edges.iter().try_for_each(|edge| self.not_frozen(*edge))?;
        let never = edges.iter().find(|edge| self.nodes[self.edges[**edge].child].never_freeze());
        never.map_or(Ok(()), |edge| Err(ErrorKind::NeverFreeze { edge: self.edge_ref(*edge) }.into()))
    }

    fn set_all_frozen(&mut self, edges: Vec<EdgeKey>, result: Result<(), Error>, frozen: bool) -> Result<(), Error> {
        if result.is_ok() {
            edges.iter().for_each(|edge| self.set_frozen(*edge, frozen));
        }
        self.pending.moving = edges;
        result
    }
}
