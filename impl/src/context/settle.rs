//! The context of each component after the operation (C2).

use super::ContextId;
use super::operation_changes::OperationChanges;
use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, NodeKey, Parent, UserKey};
use alloc::vec::Vec;

/// A component, and the users that decide its context.
struct Component {
    /// The range of its nodes in [`Components::nodes`].
    start: usize,
    end: usize,
    fixed: Option<UserKey>,
    /// A second fixed user whose context differs.
    other: Option<UserKey>,
    request: Option<(NodeKey, ContextId)>,
    parent_end: Option<ContextId>,
    child_end: Option<ContextId>,
}

/// The components that C2 looks at.
struct Components {
    nodes: Vec<NodeKey>,
    list: Vec<Component>,
    /// The mark of the nodes of the first component. Each next component has the next mark.
    base: u64,
}

impl Components {
    fn new(core: &mut Core) -> Self {
        // No other walk runs meanwhile, so the marks of the components are consecutive.
        Self { nodes: Vec::new(), list: Vec::new(), base: core.pending.epoch.wrapping_add(1) }
    }

    /// Returns the component of a node. It walks over the component if it has not been visited.
    fn of(&mut self, core: &mut Core, from: NodeKey) -> Option<&mut Component> {
        let place = match core.nodes[from].mark.checked_sub(self.base) {
            Some(place) => usize::try_from(place).ok()?,
            None => self.walk(core, from),
        };
        self.list.get_mut(place)
    }

    fn walk(&mut self, core: &mut Core, from: NodeKey) -> usize {
        let (place, start) = (self.list.len(), self.nodes.len());
        let mark = core.pending.next_epoch();
        let (mut fixed, mut other) = (None, None);
        self.join(core, from, mark);
        let mut index = start;
        while let Some(key) = self.nodes.get(index).copied() {
            index += 1;
            let mut next = core.nodes[key].children;
            while let Some(edge) = core.edges.get(next) {
                next = edge.next_child;
                let child = edge.child;
                self.join(core, child, mark);
            }
            let mut next = core.nodes[key].parents;
            while let Some(edge) = core.edges.get(next) {
                next = edge.next_parent;
                match edge.parent {
                    Parent::Node(parent) => self.join(core, parent, mark),
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

    fn join(&mut self, core: &mut Core, key: NodeKey, mark: u64) {
        if core::mem::replace(&mut core.nodes[key].mark, mark) != mark {
            self.nodes.push(key);
        }
    }
}

impl Component {
    /// Checks C2.1.
    fn check(&self, core: &Core) -> Result<(), Error> {
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

    /// Returns the context of the component (C2.2).
    fn goes_to(&self, core: &Core) -> ContextId {
        let fixed = self.fixed.and_then(|user| core.fixed_context(user));
        let request = self.request.map(|(_, to)| to);
        fixed.or(request).or(self.parent_end).or(self.child_end).unwrap_or_default()
    }
}

/// Combines two answers of C2.2: their common value, or the only one that is given, or the main context if they differ,
/// so that no order decides (R4).
fn agreed(one: Option<ContextId>, other: Option<ContextId>) -> Option<ContextId> {
    match (one, other) {
        (Some(a), Some(b)) if a != b => Some(ContextId::MAIN),
        _ => one.or(other),
    }
}

impl Core {
    /// Settles V3.7 and the contexts of C2. O(changes) in the usual case, else O(changes + the components visited).
    pub(crate) fn settle_contexts(&mut self) -> Result<(), Error> {
        self.pending.contexts.uneven = true;
        let changes = OperationChanges::of(self);
        if self.settle_new(&changes) {
            return Ok(());
        }
        let mut components = Components::new(self);
        for edge in changes.edges.iter().copied() {
            let child = self.edges[edge].child;
            let (parent_end, child_end) = (changes.of_parent(self, edge), changes.of_node(self, child));
            if let Some(component) = components.of(self, child) {
                component.parent_end = agreed(component.parent_end, parent_end);
                component.child_end = agreed(component.child_end, child_end);
            }
        }
        for index in 0..self.pending.contexts.requests.len() {
            let request = self.pending.contexts.requests.get(index).copied();
            if let Some(component) = request.and_then(|(node, _)| components.of(self, node)) {
                component.request = request;
            }
        }
        components.list.iter().try_for_each(|component| component.check(self))?;
        // All components are decided before the first one moves, because the decisions depend on the old contexts.
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
