//! The displayed file name of a node (L5.16).

use super::json::Writer;
use crate::driver::Driver;
use crate::graph::Graph;
use crate::graph::arena::{Edge, Named, NodeKey};
use crate::role::Role;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// How often a walk has visited a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visits {
    One,
    Several,
}

/// The work that is left for the writer.
enum Task<'g> {
    /// A child, under the name of its edge.
    Child(&'g str, NodeKey),
    /// The end of an object.
    Close,
}

impl<D: Driver> Graph<D> {
    /// Returns the displayed file name of a node (L5.16; QEMU: `bdrv_refresh_filename`). For a protocol this is the
    /// name that the driver returns. For a node whose own options all have their defaults it is the name of the primary
    /// child. For any other node it is `json:` and the options from which the node can be opened again. The name is
    /// computed from the present graph, also inside a transaction. `None` if there is no such node, or if it has lost
    /// its driver.
    ///
    /// A backing child counts as a default if it is the node that the image names
    /// ([stored](crate::NodeView::stored_backing), S6). A missing backing child counts as a default if the image names
    /// none. Options cannot open one node as two children: a node that is reached twice is written as a reference, and
    /// so is a node without its driver. O(nodes and edges below), each visited once, plus the length of the text.
    #[must_use]
    pub fn filename(&self, node: NodeKey) -> Option<String> {
        let shown = self.named_by(node);
        if let Some(name) = self.driver(shown)?.filename() {
            return Some(name.into());
        }
        let mut writer = Writer::default();
        self.write_tree(shown, &mut writer);
        Some(alloc::format!("json:{}", writer.text))
    }

    /// Returns the node whose name is displayed for `node`: follows primary children while the node adds nothing.
    /// Returns `node` itself if the walk meets a cycle, which can exist inside a transaction.
    fn named_by(&self, node: NodeKey) -> NodeKey {
        let (mut key, mut visited) = (node, HashSet::<NodeKey>::new());
        while visited.insert(key) {
            let Some(next) = self.transparent_primary(key) else { return key };
            key = next;
        }
        node
    }

    /// Returns the primary child if the node adds no option to it.
    fn transparent_primary(&self, key: NodeKey) -> Option<NodeKey> {
        let driver = self.driver(key)?;
        let primary = self.child_edges(key).find(|edge| edge.role.contains(Role::PRIMARY))?.child;
        let only_default = |edge: &Named<Edge>| edge.role.intersects(Role::PRIMARY | Role::COW);
        let adds = driver.filename().is_some()
            || !driver.options().is_empty()
            || !self.child_edges(key).all(only_default)
            || self.is_backing_overridden(key);
        (!adds && self.driver(primary).is_some()).then_some(primary)
    }

    fn child_edges(&self, key: NodeKey) -> impl Iterator<Item = &Named<Edge>> {
        self.core.children(key).filter_map(|edge| self.core.edges.get(edge))
    }

    /// Returns whether the backing child differs from the one that the image names, or is missing although the image
    /// names one (QEMU: `bdrv_backing_overridden`).
    fn is_backing_overridden(&self, key: NodeKey) -> bool {
        let child = self.child_edges(key).find(|edge| edge.role.contains(Role::COW));
        let name = child.and_then(|edge| self.core.nodes.get(edge.child)).map(|node| &*node.name);
        name != self.core.texts.backing.get(&key).map(|name| &**name)
    }

    /// Returns the children that the node's options must contain, by name.
    fn option_children(&self, key: NodeKey) -> Vec<(&str, NodeKey)> {
        let backing = self.is_backing_overridden(key);
        let edges = self.child_edges(key).filter(|edge| backing || !edge.role.contains(Role::COW));
        let mut children: Vec<_> = edges.map(|edge| (&*edge.name, edge.child)).collect();
        children.sort_unstable();
        children
    }

    /// Counts the visits of each node that the options of `node` lead to.
    fn count_visits(&self, node: NodeKey) -> HashMap<NodeKey, Visits> {
        let mut visits = HashMap::<NodeKey, Visits>::from_iter([(node, Visits::One)]);
        let mut stack = Vec::from([node]);
        while let Some(key) = stack.pop() {
            for (_, child) in self.option_children(key) {
                if visits.insert(child, Visits::Several).is_none() {
                    visits.insert(child, Visits::One);
                    stack.push(child);
                }
            }
        }
        visits
    }

    fn write_tree(&self, node: NodeKey, writer: &mut Writer) {
        let visits = self.count_visits(node);
        let mut tasks = Vec::new();
        writer.open(None);
        self.write_node(node, writer, &mut tasks);
        while let Some(task) = tasks.pop() {
            match task {
                Task::Close => writer.close(),
                Task::Child(name, key) if visits.get(&key) == Some(&Visits::One) && self.driver(key).is_some() => {
                    writer.open(Some(name));
                    self.write_node(key, writer, &mut tasks);
                }
                Task::Child(name, key) => {
                    writer.member(name, self.core.nodes.get(key).map_or("", |node| &*node.name));
                }
            }
        }
    }

    /// Writes a node's own options into the open object, and pushes what follows.
    fn write_node<'g>(&'g self, key: NodeKey, writer: &mut Writer, tasks: &mut Vec<Task<'g>>) {
        tasks.push(Task::Close);
        let children = self.option_children(key);
        // Last in, first out.
        tasks.extend(children.iter().rev().map(|(name, child)| Task::Child(name, *child)));
        let Some(driver) = self.driver(key) else { return };
        let options = driver.options();
        writer.member("driver", driver.name());
        if let Some(name) = driver.filename().filter(|_| !options.contains("filename")) {
            writer.member("filename", name);
        }
        writer.options(&options);
        let has_backing = self.child_edges(key).any(|edge| edge.role.contains(Role::COW));
        if !has_backing && self.is_backing_overridden(key) {
            writer.null("backing");
        }
    }
}
