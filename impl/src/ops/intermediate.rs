//! Drop intermediate (O24).

use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, NodeKey};
use crate::role::Role;
use alloc::sync::Arc;
use slotmap::Key;

impl Core {
    /// Drops the nodes between `top` and `base` (O24).
    pub(crate) fn drop_intermediate(
        &mut self,
        top: NodeKey,
        base: NodeKey,
        name: Option<Arc<str>>,
    ) -> Result<(), Error> {
        let name = self.can_drop_intermediate(top, base).map(|base_name| name.unwrap_or(base_name))?;
        let explicit = self.skip_implicit(top);
        let moving = self.edges_to_move(top, base);
        let result = self.all_may_move(top, base, &moving);
        if result.is_ok() {
            for edge in moving.iter().copied() {
                self.retarget(edge, base);
                if self.edges[edge].role.contains(Role::COW)
                    && let Some(parent) = self.edges[edge].parent_node()
                {
                    self.store_name(parent, Some(name.clone()));
                }
            }
        }
        self.pending.moving = moving;
        result?;
        // S8.4.
        if explicit != base && self.inherits_through(base, explicit) {
            let heir_of = self.inherits(explicit).unwrap_or(NodeKey::null());
            let read_only = self.nodes[base].inherits_read_only;
            self.set_inherits(base, heir_of, read_only);
        }
        self.doom_if_unreferenced(top);
        Ok(())
    }

    /// Checks O24.1 to O24.5 and returns the name of the base.
    fn can_drop_intermediate(&mut self, top: NodeKey, base: NodeKey) -> Result<Arc<str>, Error> {
        self.live(top)?;
        let name = self.live(base)?.name.clone();
        if top == base {
            return Err(self.same_node(top));
        }
        self.has_driver(top)?;
        self.has_driver(base)?;
        let Some(edges) = self.chain(top, Some(base)) else {
            return Err(ErrorKind::NotInChain { top: self.node_ref(top), base: Some(self.node_ref(base)) }.into());
        };
        self.pending.moving = edges;
        Ok(name)
    }

    /// Checks O24.6 for all parent edges of the top, then O24.7 for all, then O24.8. Both lists are in the order of the
    /// list of parents.
    fn all_may_move(&self, top: NodeKey, base: NodeKey, moving: &[EdgeKey]) -> Result<(), Error> {
        let mut movable = moving.iter().peekable();
        let stays = self.parents(top).find(|edge| movable.next_if_eq(&edge).is_none());
        if let Some(edge) = stays {
            return Err(ErrorKind::ShouldNotChange { edge: self.edge_ref(edge), to: self.node_ref(base) }.into());
        }
        moving.iter().try_for_each(|edge| self.not_frozen(*edge))?;
        let overlays = moving.iter().map(|edge| &self.edges[*edge]).filter(|edge| edge.role.contains(Role::COW));
        overlays.filter_map(|edge| edge.parent_node()).try_for_each(|overlay| self.has_driver(overlay))
    }
}
