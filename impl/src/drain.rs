//! Drained sections (Q1 to Q4, O31 to O34): which nodes are quiesced, and which drivers are told.
//!
//! Counts follow the edges. A node that becomes quiesced counts once for every edge to it, and the walk goes on only
//! from nodes whose own state changes by that. In the middle of a transaction the graph may be cyclic, and then more
//! than one set of counts fits the edges. Every change is journalled with its old value, so a rollback does not depend
//! on the choice. Without cycles there is only one.

mod state;

pub(crate) use state::{DrainCounts, Notices};

use crate::context::ContextId;
use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, EdgeKey, NodeKey, Parent, UserKey};
use crate::journal::Undo;
use alloc::vec::Vec;
use hashbrown::HashMap;

impl Core {
    pub(crate) fn drain_counts_of(&self, key: NodeKey) -> DrainCounts {
        self.drain_counts.get(key).copied().unwrap_or_default()
    }

    /// Returns whether a section of the node or of a node below quiesces it. O(1).
    pub(crate) fn is_drained(&self, key: NodeKey) -> bool {
        !self.drain_counts.is_empty() && self.drain_counts.contains_key(key)
    }

    pub(crate) fn is_quiesced(&self, key: NodeKey) -> bool {
        self.drain_alls > 0 || self.is_drained(key)
    }

    /// Returns the quiesce count (Q1). While a drain-all is open, every child is quiesced. O(1).
    pub(crate) fn quiesce_count(&self, key: NodeKey) -> u64 {
        let DrainCounts { sections, children } = self.drain_counts_of(key);
        let children = if self.drain_alls == 0 {
            u64::from(children)
        } else {
            self.nodes.get(key).map_or(0, |node| node.child_count).into()
        };
        u64::from(sections) + u64::from(self.drain_alls) + children
    }

    /// Sets the counts without a record, for rollback and `restore`.
    pub(crate) fn put_drain_counts(&mut self, key: NodeKey, quiet: DrainCounts) {
        if quiet == DrainCounts::NONE {
            self.drain_counts.remove(key);
        } else {
            self.drain_counts.insert(key, quiet);
        }
    }

    /// Sets the counts. Returns `true` if the node thereby becomes quiesced or stops being quiesced.
    fn set_quiet(&mut self, key: NodeKey, quiet: DrainCounts) -> bool {
        let old = self.drain_counts_of(key);
        self.put_drain_counts(key, quiet);
        self.pending.journal.push(Undo::DrainCounts { node: key, old });
        self.pending.drains = true;
        (old == DrainCounts::NONE) != (quiet == DrainCounts::NONE)
    }

    /// Adds or removes one edge to a quiesced child. Returns the same as [`Core::set_quiet`].
    fn count_quiet_child(&mut self, key: NodeKey, on: bool) -> bool {
        let quiet = self.drain_counts_of(key);
        // The count is at most the number of edges, which fits a `u32`, and only edges that were added are removed.
        let children = if on { quiet.children.saturating_add(1) } else { quiet.children.saturating_sub(1) };
        self.set_quiet(key, DrainCounts { children, ..quiet })
    }

    /// Handles an edge from `parent` that begins or stops to lead to a quiesced node (Q1). The state of a user follows
    /// from its node, so it is only noted.
    pub(crate) fn edge_quiesced(&mut self, parent: Parent, on: bool) {
        self.pending.drains = true;
        if let Parent::Node(parent) = parent
            && self.count_quiet_child(parent, on)
        {
            self.spread(parent, on);
        }
    }

    /// Spreads the change of a node's state upwards. Each node changes at most once and in the same direction, so the
    /// walk ends on cycles, too.
    fn spread(&mut self, from: NodeKey, on: bool) {
        let mut stack = core::mem::take(&mut self.pending.stack);
        stack.push(from);
        while let Some(key) = stack.pop() {
            let mut next = self.nodes[key].parents;
            while let Some(edge) = self.edges.get(next) {
                next = edge.next_parent;
                if let Some(parent) = edge.parent_node()
                    && self.count_quiet_child(parent, on)
                {
                    stack.push(parent);
                }
            }
        }
        self.pending.stack = stack;
    }

    fn set_sections(&mut self, key: NodeKey, sections: u32) {
        let quiet = DrainCounts { sections, ..self.drain_counts_of(key) };
        if self.set_quiet(key, quiet) {
            self.spread(key, sections > 0);
        }
    }

    /// Begins a section (O31). At `u32::MAX` sections the count stays the same.
    pub(crate) fn drain_begin(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        self.set_sections(key, self.drain_counts_of(key).sections.saturating_add(1));
        Ok(())
    }

    /// Ends a section (O32).
    pub(crate) fn drain_end(&mut self, key: NodeKey) -> Result<(), Error> {
        self.live(key)?;
        let Some(sections) = self.drain_counts_of(key).sections.checked_sub(1) else {
            return Err(ErrorKind::NotDrained { node: self.node_ref(key) }.into());
        };
        self.set_sections(key, sections);
        self.doom_if_unreferenced(key);
        Ok(())
    }

    /// Begins a drain-all (O33).
    pub(crate) fn drain_all_begin(&mut self) {
        self.set_drain_alls(self.drain_alls.saturating_add(1));
    }

    /// Ends a drain-all (O34).
    pub(crate) fn drain_all_end(&mut self) -> Result<(), Error> {
        let left = self.drain_alls.checked_sub(1).ok_or(ErrorKind::NotDrainedAll)?;
        self.set_drain_alls(left);
        Ok(())
    }

    fn set_drain_alls(&mut self, count: u32) {
        let old = core::mem::replace(&mut self.drain_alls, count);
        self.pending.journal.push(Undo::DrainAlls(old));
        self.pending.drains = true;
    }
}

/// The state of a node before the transaction, as far as it has changed.
#[derive(Clone, Copy, Default)]
struct Past {
    new: bool,
    quiet: Option<bool>,
    context: Option<ContextId>,
}

/// The state before the transaction, read from the journal.
struct History {
    drained_all: bool,
    /// The nodes that have changed, in the order of their first change. Each is marked with its index.
    nodes: Vec<(NodeKey, Past)>,
    /// The mark of the first of these nodes.
    base: u64,
    /// Users that were added or moved, with the node they had before, or `None` for new users.
    users: HashMap<UserKey, Option<NodeKey>>,
    user_order: Vec<UserKey>,
}

impl History {
    /// Reads the journal. O(records).
    fn of(core: &mut Core) -> Self {
        let mut history = Self {
            drained_all: core.drain_alls > 0,
            nodes: Vec::new(),
            base: core.pending.next_epoch(),
            users: HashMap::new(),
            user_order: Vec::new(),
        };
        // The journal is taken out so that nodes can be marked meanwhile.
        let journal = core::mem::take(&mut core.pending.journal);
        // It goes backwards, so the oldest record of a thing wins.
        for undo in journal.iter().rev() {
            match *undo {
                Undo::DrainAlls(old) => history.drained_all = old > 0,
                Undo::Added(key) => history.change(core, key, |past| past.new = true),
                Undo::DrainCounts { node, old } => {
                    history.change(core, node, |past| past.quiet = Some(old != DrainCounts::NONE))
                }
                Undo::Context { node, old } => history.change(core, node, |past| past.context = Some(old)),
                Undo::UserAdded(key) => history.user(key, None),
                Undo::Retargeted { edge, child, .. } => history.retargeted(core, edge, child),
                _ => {}
            }
        }
        core.pending.journal = journal;
        // No later walk may use the same marks.
        core.pending.epoch = core.pending.epoch.wrapping_add(history.nodes.len() as u64);
        history
    }

    /// Returns the index of a node. A node that has not changed has none.
    fn place(&self, core: &Core, key: NodeKey) -> Option<usize> {
        let mark = core.nodes.get(key)?.mark;
        mark.checked_sub(self.base).and_then(|place| usize::try_from(place).ok())
    }

    fn change(&mut self, core: &mut Core, key: NodeKey, change: impl FnOnce(&mut Past)) {
        let place = self.place(core, key);
        if let Some((_, past)) = place.and_then(|place| self.nodes.get_mut(place)) {
            return change(past);
        }
        let mut past = Past::default();
        change(&mut past);
        if let Some(node) = core.nodes.get_mut(key) {
            node.mark = self.base.wrapping_add(self.nodes.len() as u64);
            self.nodes.push((key, past));
        }
    }

    fn past(&self, core: &Core, key: NodeKey) -> Past {
        let place = self.place(core, key);
        place.and_then(|place| self.nodes.get(place)).map(|(_, past)| *past).unwrap_or_default()
    }

    fn user(&mut self, key: UserKey, was_at: Option<NodeKey>) {
        if self.users.insert(key, was_at).is_none() {
            self.user_order.push(key);
        }
    }

    fn retargeted(&mut self, core: &Core, edge: EdgeKey, child: NodeKey) {
        if let Some(Parent::User(user)) = core.edges.get(edge).map(|edge| edge.parent) {
            self.user(user, Some(child));
        }
    }

    fn was_quiesced(&self, core: &Core, key: NodeKey) -> bool {
        let past = self.past(core, key);
        !past.new && (self.drained_all || past.quiet.unwrap_or_else(|| core.is_drained(key)))
    }

    /// Returns whether an existing node, or a user of it, is now in another context than this node was.
    fn moves(&self, core: &Core, was_at: NodeKey, is_at: NodeKey) -> bool {
        let past = self.past(core, was_at).context;
        past.unwrap_or(core.nodes[was_at].context) != core.nodes[is_at].context
    }

    /// Returns the nodes whose state may have changed.
    fn changed_nodes(&self, core: &Core) -> Vec<NodeKey> {
        if self.drained_all != (core.drain_alls > 0) {
            return core.node_keys().collect();
        }
        self.nodes.iter().map(|(key, _)| *key).collect()
    }

    /// Returns the users whose state may have changed: the users of these nodes, and users that were added or moved.
    fn changed_users(&self, core: &Core, nodes: &[NodeKey]) -> Vec<UserKey> {
        if self.drained_all != (core.drain_alls > 0) {
            return core.user_keys().collect();
        }
        let mut users = self.user_order.clone();
        for edge in nodes.iter().flat_map(|node| core.parents(*node)) {
            if let Parent::User(user) = core.edges[edge].parent
                && !self.users.contains_key(&user)
            {
                users.push(user);
            }
        }
        users
    }
}

impl Core {
    /// Decides which drivers and users are told to quiesce and which to resume, after all drivers have agreed (Q4).
    /// O(1) if no section is or was open and all nodes are in the main context, else O(changes), and O(nodes) when the
    /// first drain-all begins or the last one ends.
    pub(crate) fn order_notices(&mut self) {
        if !self.pending.drains && self.drain_alls == 0 && !self.pending.contexts.uneven {
            return;
        }
        let history = History::of(self);
        let stays = self.pending.contexts.stays.clone();
        let mut notices = Notices { stays, ..Notices::default() };
        let nodes = history.changed_nodes(self);
        for key in nodes.iter().copied() {
            if !self.nodes.get(key).is_some_and(|node| node.is_asked()) {
                continue;
            }
            let (before, after) = (history.was_quiesced(self, key), self.is_quiesced(key));
            let moves = history.moves(self, key, key);
            if !before && (after || moves) {
                notices.quiesced.push(key);
            }
            if !after && (before || moves) {
                notices.resumed.push(key);
            }
        }
        for user in history.changed_users(self, &nodes) {
            let Ok(edge) = self.live_user(user).map(|user| user.edge) else { continue };
            let node = self.edges[edge].child;
            let was_at = history.users.get(&user).copied().unwrap_or(Some(node));
            let before = was_at.is_some_and(|node| history.was_quiesced(self, node));
            let moves = was_at.is_some_and(|was_at| history.moves(self, was_at, node));
            let after = self.is_quiesced(node);
            if !before && (after || moves) {
                notices.quiesced_users.push(user);
            }
            if !after && (before || moves) {
                notices.resumed_users.push(user);
            }
        }
        if notices != Notices::default() {
            self.pending.notices = Some(alloc::boxed::Box::new(notices));
        }
    }
}
