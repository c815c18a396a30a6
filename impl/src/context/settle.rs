//! Which context a component is in after the operation (C2).

use super::ContextId;
use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, NodeKey, Parent, UserKey};
use crate::journal::Undo;
use alloc::vec::Vec;
use slotmap::SecondaryMap;

/// What the operation has made and moved, as the journal knows it.
#[derive(Default)]
struct Survey {
    new_nodes: SecondaryMap<NodeKey, ()>,
    new_users: SecondaryMap<UserKey, ()>,
    /// Where retargeted edges led before.
    first_target: SecondaryMap<EdgeKey, NodeKey>,
    /// The new edges.
    edges: Vec<EdgeKey>,
}

impl Survey {
    /// O(what was done).
    fn of(core: &Core) -> Self {
        let mut survey = Self::default();
        let mut seen = SecondaryMap::new();
        // Backwards, so that where an edge led first is met last.
        for undo in core.pending.journal.iter().rev() {
            let edge = match *undo {
                Undo::Added(key) => {
                    survey.new_nodes.insert(key, ());
                    continue;
                }
                Undo::UserAdded(key) => {
                    survey.new_users.insert(key, ());
                    continue;
                }
                Undo::Linked(edge) => edge,
                Undo::Retargeted { edge, child, .. } => {
                    survey.first_target.insert(edge, child);
                    edge
                }
                _ => continue,
            };
            let is_linked = core.edges.get(edge).is_some_and(|edge| edge.linked);
            if is_linked && seen.insert(edge, ()).is_none() {
                survey.edges.push(edge);
            }
        }
        survey
    }

    /// C2.2: the context that a node had, if it was there.
    fn of_node(&self, core: &Core, key: NodeKey) -> Option<ContextId> {
        if self.new_nodes.contains_key(key) { None } else { core.nodes.get(key).map(|node| node.context) }
    }

    /// C2.2: the context of the parent end of a new edge, if it has one.
    fn of_parent(&self, core: &Core, edge: EdgeKey) -> Option<ContextId> {
        match core.edges[edge].parent {
            Parent::Node(node) => self.of_node(core, node),
            Parent::User(user) if self.new_users.contains_key(user) => core.users[user].context,
            Parent::User(_) => self.first_target.get(edge).and_then(|node| self.of_node(core, *node)),
        }
    }
}

/// Nodes and users that are connected by edges, and who has a say in where they go.
struct Component {
    /// The places of its nodes in the list of all that are looked at.
    start: usize,
    end: usize,
    fixed: Option<UserKey>,
    /// A fixed user that does not agree with that one.
    other: Option<UserKey>,
    request: Option<(NodeKey, ContextId)>,
    parent_end: Option<ContextId>,
    child_end: Option<ContextId>,
}

/// The components that are looked at.
#[derive(Default)]
struct Components {
    nodes: Vec<NodeKey>,
    part_of: SecondaryMap<NodeKey, usize>,
    list: Vec<Component>,
}

impl Components {
    /// The component of a node; if it has not been looked at, by a walk over all of it.
    fn of(&mut self, core: &Core, from: NodeKey) -> Option<&mut Component> {
        let place = match self.part_of.get(from) {
            Some(place) => *place,
            None => self.walk(core, from),
        };
        self.list.get_mut(place)
    }

    fn walk(&mut self, core: &Core, from: NodeKey) -> usize {
        let (place, start) = (self.list.len(), self.nodes.len());
        let (mut fixed, mut other) = (None, None);
        self.join(from, place);
        let mut index = start;
        while let Some(key) = self.nodes.get(index).copied() {
            index += 1;
            for edge in core.children(key) {
                self.join(core.edges[edge].child, place);
            }
            for edge in core.parents(key) {
                match core.edges[edge].parent {
                    Parent::Node(parent) => self.join(parent, place),
                    Parent::User(user) if core.users[user].fixed => match fixed {
                        None => fixed = Some(user),
                        Some(first) if core.fixed_context(first) != core.fixed_context(user) => other = Some(user),
                        Some(_) => {}
                    },
                    Parent::User(_) => {}
                }
            }
        }
        let end = self.nodes.len();
        self.list.push(Component { start, end, fixed, other, request: None, parent_end: None, child_end: None });
        place
    }

    fn join(&mut self, key: NodeKey, place: usize) {
        if self.part_of.insert(key, place).is_none() {
            self.nodes.push(key);
        }
    }
}

impl Component {
    /// C2.1.
    fn judge(&self, core: &Core) -> Result<(), Error> {
        let Some(user) = self.fixed else { return Ok(()) };
        let lives = |user| core.fixed_context(user).unwrap_or_default();
        if let Some(other) = self.other {
            // In the order of the names (V4).
            let (user, other) =
                if core.users[other].name < core.users[user].name { (other, user) } else { (user, other) };
            return Err(ErrorKind::ContextClash {
                user: core.edge_ref(core.users[user].edge),
                context: lives(user),
                other: core.edge_ref(core.users[other].edge),
                other_context: lives(other),
            }
            .into());
        }
        match self.request {
            Some((node, to)) if to != lives(user) => Err(ErrorKind::ContextFixed {
                node: core.node_ref(node),
                to,
                user: core.edge_ref(core.users[user].edge),
                context: lives(user),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// C2.2.
    fn goes_to(&self, core: &Core) -> ContextId {
        let fixed = self.fixed.and_then(|user| core.fixed_context(user));
        let request = self.request.map(|(_, to)| to);
        fixed.or(request).or(self.parent_end).or(self.child_end).unwrap_or_default()
    }
}

/// C2.2: what both say, or the one who says something; main if they differ, so that no order decides (R4).
fn agreed(one: Option<ContextId>, other: Option<ContextId>) -> Option<ContextId> {
    match (one, other) {
        (Some(a), Some(b)) if a != b => Some(ContextId::MAIN),
        _ => one.or(other),
    }
}

impl Core {
    /// V3.7, and the contexts of C2. O(what was done + the components looked at).
    pub(crate) fn settle_contexts(&mut self) -> Result<(), Error> {
        self.pending.contexts.uneven = true;
        let survey = Survey::of(self);
        let mut components = Components::default();
        for edge in survey.edges.iter().copied() {
            let child = self.edges[edge].child;
            let (parent_end, child_end) = (survey.of_parent(self, edge), survey.of_node(self, child));
            if let Some(component) = components.of(self, child) {
                component.parent_end = agreed(component.parent_end, parent_end);
                component.child_end = agreed(component.child_end, child_end);
            }
        }
        for request in self.pending.contexts.requests.iter().copied() {
            if let Some(component) = components.of(self, request.0) {
                component.request = Some(request);
            }
        }
        components.list.iter().try_for_each(|component| component.judge(self))?;
        // All are decided before the first moves, because what is asked is where things were before.
        for component in &components.list {
            let to = component.goes_to(self);
            for key in components.nodes.get(component.start..component.end).unwrap_or_default().iter().copied() {
                let node = &self.nodes[key];
                if node.context != to && !node.doomed {
                    self.set_context(key, to);
                    self.pending.contexts.moved.push(key);
                }
            }
        }
        self.pending.contexts.looked_at = components.nodes;
        Ok(())
    }
}
