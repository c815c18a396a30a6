//! Indices of child names for nodes with many children. With an index, finding a name does not compare all names. Most
//! nodes have few children, and for these a list is faster.

use super::arena::{Core, EdgeKey, Named, NodeKey};
use super::elements::{Edge, Node};
use super::names::NameIndex;
use alloc::boxed::Box;

/// A node with more children than this has an index.
const FEW: u32 = 16;

impl Core {
    /// Returns the child edge of this name. O(1) expected.
    pub(crate) fn child_named(&self, parent: NodeKey, name: &str) -> Option<EdgeKey> {
        if self.nodes.get(parent)?.child_count > FEW
            && let Some(index) = self.child_names.get(&parent)
        {
            return index.find(name, |key| self.edges.get(key).map(|edge| &*edge.name));
        }
        self.children(parent).find(|edge| self.edges.get(*edge).is_some_and(|edge| *edge.name == *name))
    }

    /// Handles an edge that was added to the list of children. O(1) expected, amortised.
    pub(super) fn child_joined(&mut self, parent: NodeKey, key: EdgeKey) {
        let node = &mut self.nodes[parent];
        node.child_count += 1;
        let count = node.child_count;
        if count <= FEW {
            return;
        }
        let edges = &self.edges;
        let name_of = |key| edges.get(key).map(|edge: &Named<Edge>| &*edge.name);
        if let Some(index) = self.child_names.get_mut(&parent) {
            return index.insert(&edges[key].name, key, name_of);
        }
        let mut index = Box::new(NameIndex::with_capacity(2 * FEW as usize));
        for edge in self.children(parent) {
            index.insert(&edges[edge].name, edge, name_of);
        }
        self.child_names.insert(parent, index);
    }

    /// Handles an edge that was removed from the list. O(1) expected.
    pub(super) fn child_left(&mut self, parent: NodeKey, key: EdgeKey) {
        let node = &mut self.nodes[parent];
        node.child_count -= 1;
        let count = node.child_count;
        if count == FEW {
            self.child_names.remove(&parent);
        } else if count > FEW
            && let Some(index) = self.child_names.get_mut(&parent)
        {
            index.remove(&self.edges[key].name, key);
        }
    }

    /// Returns whether exactly the nodes with many children have an index, and whether each index has all names.
    pub(crate) fn child_name_indices_are_right(&self) -> bool {
        let mut large = self.nodes.iter().filter(|(_, node)| node.child_count > FEW);
        let fits = |(key, node): (NodeKey, &Named<Node>)| {
            self.child_names.get(&key).is_some_and(|index| index.len() == node.child_count as usize)
        };
        large.all(fits)
            && self.child_names.keys().all(|key| self.nodes.get(*key).is_some_and(|node| node.child_count > FEW))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::FEW;
    use crate::drivers::{Protocol, Quorum};
    use crate::{ErrorKind, Graph, NodeSpec, Preset, Role};
    use alloc::format;

    /// Children are added and removed, with rollbacks, so that the node gains and loses its index. Names are found at
    /// every point, in copies and restored graphs, too.
    #[test]
    fn names_are_found_among_many_children() {
        let mut graph: Graph<Preset> = Graph::new();
        let top = graph.add(NodeSpec::new("top"), Quorum::default().into()).unwrap();
        let file = graph.add(NodeSpec::new("file"), Protocol.into()).unwrap();
        let mut edges = alloc::vec::Vec::new();
        for number in 0..3 * FEW {
            edges.push(graph.attach(top, file, format!("{number}"), Role::DATA).unwrap());
            let error = graph.attach(top, file, format!("{}", number / 2), Role::DATA).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::DuplicateChild { .. }));
            let mut t = graph.transaction();
            for more in 0..FEW {
                t.attach(top, file, format!("more{more}"), Role::DATA).unwrap();
            }
            for edge in &edges {
                t.detach(*edge).unwrap();
            }
            drop(t);
            assert_eq!(graph.child(top, &format!("{number}")), edges.last().copied());
            assert_eq!(graph.child(top, "more0"), None);
            assert_eq!(graph.inconsistencies(), []);
            assert_eq!(graph.clone().inconsistencies(), []);
            let restored = Graph::restore(&graph.save()).unwrap();
            assert_eq!(restored.inconsistencies(), []);
        }
        for (number, edge) in edges.into_iter().enumerate() {
            graph.detach(edge).unwrap();
            assert_eq!(graph.child(top, &format!("{number}")), None);
            assert_eq!(graph.inconsistencies(), []);
        }
        assert!(graph.core.child_names.is_empty());
    }
}
