//! Activity: which nodes become inactive or active together, which states are forbidden, and which drivers are asked
//! (A1 to A5; O36, O37).

use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, Edge, EdgeKey, NodeKey, Parent};
use crate::permission::Permissions;
use crate::plan::PlanStep;
use alloc::vec::Vec;
use core::cmp::Reverse;
use hashbrown::HashMap;

impl Core {
    /// Inactivates a node and the nodes below it (O36).
    pub(crate) fn inactivate(&mut self, key: NodeKey) -> Result<(), Error> {
        let inactive = self.live(key)?.inactive;
        self.has_driver(key)?;
        if inactive {
            return Ok(());
        }
        let above = |edge: &EdgeKey| self.active_parent(&self.edges[*edge]).is_some();
        if let Some(edge) = self.parents(key).find(above) {
            return Err(ErrorKind::ActiveParent { node: self.node_ref(key), parent: self.edge_ref(edge) }.into());
        }
        let covered = self.covered(key);
        covered.iter().try_for_each(|key| self.may_be_inactivated(*key))?;
        covered.into_iter().for_each(|key| self.set_inactive(key, true));
        Ok(())
    }

    /// Activates a node and the nodes below it (O37).
    pub(crate) fn activate(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        self.has_driver(key)?;
        let mark = self.pending.next_epoch();
        self.nodes[key].mark = mark;
        let mut met = alloc::vec![key];
        let mut index = 0;
        while let Some(key) = met.get(index).copied() {
            index += 1;
            let mut next = self.nodes[key].children;
            while let Some(edge) = self.edges.get(next) {
                next = edge.next_child;
                if core::mem::replace(&mut self.nodes[edge.child].mark, mark) != mark {
                    met.push(edge.child);
                }
            }
        }
        met.retain(|key| self.nodes[*key].inactive);
        met.into_iter().for_each(|key| self.set_inactive(key, false));
        Ok(())
    }

    /// Returns the parent of an edge if it is an active node.
    fn active_parent(&self, edge: &Edge) -> Option<NodeKey> {
        edge.parent_node().filter(|parent| !self.nodes[*parent].inactive)
    }

    /// Returns the nodes that are inactivated together with this active node, itself first (A1). O(these nodes, their
    /// children, and the parents of these).
    fn covered(&mut self, from: NodeKey) -> Vec<NodeKey> {
        let mark = self.pending.next_epoch();
        // For a node that has been reached and is not yet covered: the number of edges from active parents that are not
        // covered either.
        let mut waiting: HashMap<NodeKey, usize> = HashMap::new();
        let mut queue = alloc::vec![from];
        self.nodes[from].mark = mark;
        let mut index = 0;
        while let Some(key) = queue.get(index).copied() {
            index += 1;
            let mut next = self.nodes[key].children;
            while let Some(edge) = self.edges.get(next) {
                let child = edge.child;
                next = edge.next_child;
                let node = &self.nodes[child];
                if node.mark == mark || node.inactive || node.ejected {
                    continue;
                }
                let missing = |edge: &EdgeKey| {
                    let parent = self.active_parent(&self.edges[*edge]);
                    parent.is_some_and(|parent| self.nodes[parent].mark != mark)
                };
                let count = || self.parents(child).filter(missing).count();
                if *waiting.entry(child).or_insert_with(count) > 0 {
                    continue;
                }
                self.nodes[child].mark = mark;
                queue.push(child);
                for below in self.children(child) {
                    if let Some(count) = waiting.get_mut(&self.edges[below].child) {
                        *count = count.saturating_sub(1);
                    }
                }
            }
        }
        queue
    }

    /// Checks O36.4 for one covered node. O(parents).
    fn may_be_inactivated(&self, key: NodeKey) -> Result<(), Error> {
        let refuses = |edge: &EdgeKey| match self.edges[*edge].parent {
            // The node is active, so the edge's pair is what the user wants.
            Parent::User(user) => {
                let data = &self.users[user];
                !data.may_inactivate && (data.stays || !Permissions::READ.contains(self.edges[*edge].pair.need))
            }
            Parent::Node(_) => false,
        };
        match self.parents(key).find(refuses) {
            Some(edge) => Err(ErrorKind::UserActive { node: self.node_ref(key), user: self.edge_ref(edge) }.into()),
            None => Ok(()),
        }
    }

    /// Returns whether an edge leads from an active node to an inactive one, which A4 forbids. O(1).
    pub(crate) fn wakes_up(&self, edge: &Edge) -> bool {
        self.nodes[edge.child].inactive && self.active_parent(edge).is_some()
    }

    pub(crate) fn inactive_child(&self, edge: EdgeKey) -> Error {
        ErrorKind::InactiveChild { edge: self.edge_ref(edge) }.into()
    }

    pub(crate) fn inactive_node(&self, key: NodeKey) -> Error {
        ErrorKind::InactiveNode { node: self.node_ref(key) }.into()
    }

    /// Checks V3.5 around the nodes whose activity changed. Steps have already checked new edges. O(these nodes and
    /// their parents or children).
    pub(crate) fn check_shifted(&self) -> Result<(), Error> {
        for key in self.pending.shifted.iter().map(|(key, _)| *key) {
            let wakes = |edge: &EdgeKey| self.wakes_up(&self.edges[*edge]);
            let inactive = self.nodes.get(key).is_some_and(|node| node.inactive);
            let found = if inactive { self.parents(key).find(wakes) } else { self.children(key).find(wakes) };
            found.map_or(Ok(()), |edge| Err(self.inactive_child(edge)))?;
        }
        Ok(())
    }

    /// Checks the second half of V3.6: the image of an inactive node cannot be written, so no other name can be stored
    /// in it.
    pub(crate) fn check_rest_of_renamed(&self) -> Result<(), Error> {
        let rests = |key: &NodeKey| self.nodes.get(*key).is_some_and(|node| node.is_asked() && node.inactive);
        let found = self.pending.renamed.iter().copied().find(rests);
        found.map_or(Ok(()), |key| Err(self.inactive_node(key)))
    }

    /// Plans the drivers' steps of V5.1 and V5.2: for nodes that become inactive, parents first; for nodes that become
    /// active, children first. A node whose activity is the same as before the transaction is not asked.
    pub(crate) fn plan_shifts(&mut self, inactive: bool) {
        let Self { nodes, pending, .. } = self;
        let first = pending.plan.len();
        for (key, before) in pending.shifted.iter().copied() {
            let shifts = before != inactive && nodes.get(key).is_some_and(|n| n.is_asked() && n.inactive == inactive);
            if shifts {
                let (gives, takes) = (PlanStep::Inactivate { node: key }, PlanStep::Activate { node: key });
                pending.plan.push(if inactive { gives } else { takes });
            }
        }
        let label = |step: &PlanStep| nodes.get(step.node()).map_or(0, |node| node.label);
        let steps = pending.plan.get_mut(first..).unwrap_or_default();
        if inactive {
            steps.sort_by_key(label);
        } else {
            steps.sort_by_key(|step| Reverse(label(step)));
        }
    }
}
