//! What can be done in a state, within the bounds of a [`Facet`]. A menu enumerates and does not judge.
//!
//! Operands range over the names in use and one free name, because any other free name would be a renaming of it. So
//! every "not found" and every "duplicate" occurs wherever there is room for it. Operations that could exceed the bound
//! on edges or users are not enumerated; that is the only filter.

use crate::canon::Renaming;
use crate::op::{
    Act, ChildName, Context, EdgeId, NodeId, Op, OpKind, OpKinds, Opt, Queue, Refusal, Role, Spec, UserFlags, UserId,
};
use crate::perm::Pair;
use crate::state::{Parent, State};
use arrayvec::ArrayVec;

/// The most operations of a transaction in a menu.
pub const MAX_OPS: usize = 3;

/// The state type of all scopes. A facet's own bounds are smaller.
pub type Small = State<6, 10>;

/// An action: an operation, or several as one transaction, while at most one driver refuses.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Action {
    /// The operations.
    pub ops: ArrayVec<Op, MAX_OPS>,
    /// The refusal.
    pub refusal: Option<Refusal>,
}

impl Action {
    /// Makes an action of a single operation.
    pub fn single(op: Op) -> Action {
        let mut ops = ArrayVec::new();
        ops.push(op);
        Action { ops, refusal: None }
    }

    /// Returns the injected refusals.
    pub fn refusals(&self) -> &[Refusal] {
        self.refusal.as_slice()
    }

    /// Returns the same action while this driver refuses.
    pub fn refused(&self, refusal: Refusal) -> Action {
        Action { refusal: Some(refusal), ..self.clone() }
    }

    /// Returns the same action in other names.
    pub fn renamed(&self, renaming: &Renaming<6, 10>) -> Action {
        Action {
            ops: self.ops.iter().map(|&op| renaming.op(op)).collect(),
            refusal: self.refusal.map(|refusal| renaming.refusal(refusal)),
        }
    }
}

/// The transactions that a facet offers besides single operations.
#[derive(Clone, Copy, Debug)]
pub enum Compounds {
    /// None.
    None,
    /// Every ordered pair of operations of the menu.
    Pairs,
    /// The transactions of this function, with every assignment of names in use: see [`crate::scopes`].
    Menu(fn(&Small) -> Vec<ArrayVec<Op, MAX_OPS>>),
}

/// A facet of the semantics with its bounds: which driver kinds, operations and wishes occur, and how many nodes, edges
/// and users there are at most.
#[derive(Clone, Debug)]
pub struct Facet {
    /// Its name in reports.
    pub name: &'static str,
    /// What it covers.
    pub about: &'static str,
    /// The most nodes at a time.
    pub nodes: u8,
    /// The most edges at a time, those of the users included.
    pub edges: usize,
    /// The most root users at a time.
    pub users: u8,
    /// The verbs that occur.
    pub verbs: &'static [&'static str],
    /// The specs that `add` and `insert` use.
    pub specs: &'static [Spec],
    /// The pairs that users want.
    pub pairs: &'static [Pair],
    /// The flags of users.
    pub user_flags: &'static [UserFlags],
    /// The contexts that `attach-user` gives.
    pub user_contexts: &'static [Option<Context>],
    /// The contexts to which `move-context` moves a node.
    pub moves: &'static [Context],
    /// The most sections of a node, and the most drain-alls. Beyond that there is no `drain-begin`.
    pub sections: u16,
    /// The names and roles that `attach` uses.
    pub roles: &'static [(ChildName, Role)],
    /// The options that `set-option` sets.
    pub opts: &'static [Opt],
    /// The nodes that `open-child` opens, with their names and roles.
    pub opens: &'static [(Spec, ChildName, Role)],
    /// The most callers that hold a node. Beyond that there is no `hold`.
    pub holders: u16,
    /// The kinds that users block, and for which `check-op` asks.
    pub kinds: &'static [OpKinds],
    /// The operations `open`, given the names in use and three free names.
    pub openings: fn(&[NodeId], [NodeId; 3]) -> Vec<Op>,
    /// The lists of `reopen`, given the names in use and one free name.
    pub reopens: fn(&[NodeId]) -> Vec<Queue>,
    /// Whether `append` also stores a name.
    pub stores: bool,
    /// The transactions.
    pub compounds: Compounds,
    /// Whether exploration goes on from states that a tolerated refusal leads to (V7). In other facets such refusals
    /// are executed and compared as well, but lead to no new state.
    pub lags: bool,
}

impl Facet {
    /// Returns the names in use, the names that are only stored, and one free name if there is room for a node.
    fn names(&self, s: &Small) -> ArrayVec<NodeId, 7> {
        let mut names: ArrayVec<NodeId, 7> = s.names().collect();
        if names.len() < self.nodes as usize {
            let live = names.clone();
            let is_stored = |n: &NodeId| !live.contains(n) && s.nodes.iter().any(|node| node.stored == Some(*n));
            names.extend((0..6).map(NodeId).filter(is_stored));
            let known = names.clone();
            names.extend((0..6).map(NodeId).find(|n| !known.contains(n)));
        }
        names
    }

    fn users(&self, s: &Small) -> ArrayVec<UserId, 11> {
        let used = |u: &UserId| s.edge_index(EdgeId::User(*u)).is_some();
        let every = || (0..=u16::from(self.users)).map(UserId);
        let mut users: ArrayVec<UserId, 11> = every().take(self.users.into()).filter(used).collect();
        users.push(every().find(|u| !used(u)).unwrap_or(UserId(self.users.into())));
        users
    }

    /// Returns whether the operations stay within the bounds.
    fn fits(&self, s: &Small, ops: &[Op]) -> bool {
        let edges: usize = ops.iter().map(|op| op.edges_added_in(s)).sum();
        let user = |op: &Op| named_user(op).is_some_and(|user| user.0 >= u16::from(self.users));
        let held = |node: NodeId| ops.iter().filter(|op| matches!(op, Op::Hold { node: n } if *n == node)).count();
        let begun = |of: &dyn Fn(&Op) -> bool| ops.iter().filter(|op| of(op)).count();
        let holds = |op: &Op| match *op {
            Op::Hold { node } => usize::from(s.nodes[node.0 as usize].holders) + held(node) > self.holders.into(),
            Op::DrainBegin { node } => {
                let begins = begun(&|op| *op == Op::DrainBegin { node });
                usize::from(s.nodes[node.0 as usize].sections) + begins > self.sections.into()
            }
            Op::DrainAllBegin {} => {
                usize::from(s.drain_alls) + begun(&|op| *op == Op::DrainAllBegin {}) > self.sections.into()
            }
            _ => false,
        };
        // A menu has more free names than places only where names are stored.
        let places = !self.stores || self.has_places(s, ops);
        s.edges().len() + edges <= self.edges && !ops.iter().any(|op| user(op) || holds(op)) && places
    }

    /// Returns whether there is a place for every node that the operations make.
    fn has_places(&self, s: &Small, ops: &[Op]) -> bool {
        let mut names: ArrayVec<NodeId, 9> = s.names().collect();
        for name in ops.iter().flat_map(Op::makes) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.len() <= self.nodes as usize || ops.len() == 1
    }

    /// Returns everything that can be done in a state.
    pub fn menu<'a>(&'a self, s: &'a Small) -> Menu<'a> {
        let mut singles = Vec::with_capacity(160);
        self.ops(s, &mut singles);
        let compounds = match self.compounds {
            Compounds::Menu(menu) => menu(s),
            _ => Vec::new(),
        };
        Menu { facet: self, state: s, singles, compounds }
    }

    /// Enumerates the single operations.
    fn ops(&self, s: &Small, out: &mut Vec<Op>) {
        let names = self.names(s);
        for &verb in self.verbs {
            match verb {
                "insert" => self.inserts(s, &names, out),
                "add" | "release" | "drop-filter" | "set-read-only" | "set-option" | "hold" | "delete" | "eject"
                | "check-op" | "drain-begin" | "drain-end" | "move-context" | "inactivate" | "activate" => {
                    self.node_ops(verb, &names, out);
                }
                "attach-user" | "detach-user" | "set-user" | "replace-user-child" | "block" | "unblock"
                | "truncate" => {
                    self.user_ops(verb, s, &names, out);
                }
                "drain-all-begin" => out.push(Op::DrainAllBegin {}),
                "drain-all-end" => out.push(Op::DrainAllEnd {}),
                "open-child" => self.opens(&names, out),
                "reopen" => out.extend((self.reopens)(&names).into_iter().map(|queue| Op::Reopen { queue })),
                "append" | "drop-intermediate" if self.stores => {
                    two_node_ops(verb, &names, out);
                    let pairs = names.iter().flat_map(|&a| names.iter().map(move |&b| (a, b)));
                    out.extend(pairs.map(|(a, b)| match verb {
                        "append" => Op::Append { new: a, top: b, store: true },
                        _ => Op::DropIntermediate { top: a, base: b, name: Some(a) },
                    }));
                }
                "attach" | "detach" | "replace-child" | "remove-child" => self.edge_ops(verb, s, &names, out),
                "open" => {
                    let free: ArrayVec<NodeId, 6> = (0..6).map(NodeId).filter(|n| !names[..].contains(n)).collect();
                    let last = names.last().copied().unwrap_or(NodeId(0));
                    let free = |i: usize| free.get(i).copied().unwrap_or(last);
                    let used: ArrayVec<NodeId, 6> = s.names().collect();
                    out.extend((self.openings)(&used, [last, free(0), free(1)]));
                }
                "stream" | "commit" | "commit-active" | "mirror" | "backup" => self.jobs(verb, s, &names, out),
                _ => two_node_ops(verb, &names, out),
            }
        }
        // If there is room for an edge and a user, everything fits.
        let free = |last| s.edge_index(EdgeId::User(UserId(u16::from(last)))).is_none();
        let bounded = ["hold", "reopen", "drain-begin", "drain-all-begin", "open", "stream", "commit", "commit-active"];
        let bounded = bounded.iter().chain(&["mirror", "backup"]).any(|verb| self.verbs.contains(verb));
        let room = !bounded && s.edges().len() < self.edges && self.users.checked_sub(1).is_some_and(free);
        if !room {
            out.retain(|op| self.fits(s, &[*op]));
        }
    }

    fn node_ops(&self, verb: &str, names: &[NodeId], out: &mut Vec<Op>) {
        for &node in names {
            match verb {
                "add" => out.extend(self.specs.iter().map(|&spec| Op::Add { node, spec })),
                "release" => out.push(Op::Release { node }),
                "drop-filter" => out.push(Op::DropFilter { filter: node }),
                "set-read-only" => out.extend([false, true].map(|on| Op::SetReadOnly { node, on })),
                "hold" => out.push(Op::Hold { node }),
                "delete" => out.push(Op::Delete { node }),
                "eject" => out.push(Op::Eject { node }),
                "drain-begin" => out.push(Op::DrainBegin { node }),
                "drain-end" => out.push(Op::DrainEnd { node }),
                "move-context" => out.extend(self.moves.iter().map(|&to| Op::MoveContext { node, to })),
                "inactivate" => out.push(Op::Inactivate { node }),
                "activate" => out.push(Op::Activate { node }),
                "check-op" => {
                    let kinds: ArrayVec<OpKind, 16> =
                        OpKinds(self.kinds.iter().fold(0, |all, k| all | k.0)).iter().collect();
                    out.extend(kinds.into_iter().map(|kind| Op::CheckOp { node, kind }));
                }
                _ => out.extend(self.opts.iter().map(|&opt| Op::SetOption { node, opt })),
            }
        }
    }

    /// Enumerates `insert`. Both the new node and its top can be missing, so it needs a second free name.
    fn inserts(&self, s: &Small, names: &[NodeId], out: &mut Vec<Op>) {
        let second = (0..self.nodes).map(NodeId).filter(|n| s.nodes[n.0 as usize].kind.is_none()).nth(1);
        for &new in names {
            for &top in names.iter().chain(&second) {
                out.extend(self.specs.iter().map(|&spec| Op::Insert { new, spec, top }));
            }
        }
    }

    fn opens(&self, names: &[NodeId], out: &mut Vec<Op>) {
        for &parent in names {
            for &node in names {
                let every = self.opens.iter();
                out.extend(every.map(|&(spec, name, role)| Op::OpenChild { parent, node, spec, name, role }));
            }
        }
    }

    fn user_ops(&self, verb: &str, s: &Small, names: &[NodeId], out: &mut Vec<Op>) {
        for user in self.users(s) {
            match verb {
                "attach-user" => {
                    for (&node, &pair) in names.iter().flat_map(|node| self.pairs.iter().map(move |pair| (node, pair)))
                    {
                        for &user_flags in self.user_flags {
                            let every = self.user_contexts.iter();
                            out.extend(every.map(|&context| Op::AttachUser { user, node, pair, user_flags, context }));
                        }
                    }
                }
                "detach-user" => out.push(Op::DetachUser { user }),
                "set-user" => out.extend(self.pairs.iter().map(|&pair| Op::SetUser { user, pair })),
                "block" => out.extend(self.kinds.iter().map(|&kinds| Op::Block { user, kinds })),
                "unblock" => out.extend(self.kinds.iter().map(|&kinds| Op::Unblock { user, kinds })),
                "truncate" => out.extend([false, true].map(|unaligned| Op::Truncate { user, unaligned })),
                _ => out.extend(names.iter().map(|&to| Op::ReplaceUserChild { user, to })),
            }
        }
    }

    /// Enumerates jobs. A job starts on any two nodes with a new or existing filter, and ends with any two existing
    /// nodes and any filter of its kind or none.
    fn jobs(&self, verb: &str, s: &Small, names: &[NodeId], out: &mut Vec<Op>) {
        let op = |act, job, a, b, filter| match verb {
            "stream" => Op::Stream { act, job, node: a, bottom: b, filter },
            "commit" => Op::Commit { act, job, top: a, base: b, filter, name: None },
            "commit-active" => Op::CommitActive { act, job, top: a, base: b, filter },
            "mirror" => Op::Mirror { act, job, source: a, target: b, filter },
            _ => Op::Backup { act, job, source: a, target: b, filter },
        };
        let used = |user: &UserId| s.edge_index(EdgeId::User(*user)).is_some();
        let new = (0..self.users.into()).map(UserId).find(|user| !used(user));
        let known = (0..self.users.into()).map(UserId).filter(used).take(1);
        let free = names.iter().filter(|n| s.nodes[n.0 as usize].kind.is_none());
        let filters = || s.names().filter(|n| s.nodes[n.0 as usize].kind.is_some_and(|k| k.filter_slot().is_some()));
        let plain = s.names().find(|n| !filters().any(|filter| filter == *n));
        let pairs = || names.iter().flat_map(|&a| names.iter().map(move |&b| (a, b)));
        for (a, b) in pairs() {
            for &filter in free.clone().take(1).chain(plain.iter()) {
                out.extend(new.iter().map(|&job| op(Act::Start, job, a, b, filter)));
                if Some(filter) != plain {
                    out.extend(known.clone().map(|job| op(Act::Start, job, a, b, filter)));
                }
            }
            for filter in filters().chain(plain).chain(free.clone().copied().take(1)) {
                out.extend([Act::Finish, Act::Cancel].map(|act| op(act, UserId(0), a, b, filter)));
            }
        }
    }

    fn edge_ops(&self, verb: &str, s: &Small, names: &[NodeId], out: &mut Vec<Op>) {
        if verb == "attach" {
            for &parent in names {
                for &child in names {
                    let every = self.roles.iter();
                    out.extend(every.map(|&(name, role)| Op::Attach { parent, child, name, role }));
                }
            }
            return;
        }
        let edges = s.edges().iter().filter_map(|e| match e.parent {
            Parent::Node(parent) => Some((parent, e.name)),
            Parent::User(_) => None,
        });
        // A child that is missing: of a node without such a child, and of a missing node.
        let missing = names.iter().filter(|n| s.edge_index(EdgeId::Child(**n, ChildName::FILE)).is_none());
        for (parent, name) in edges.chain(missing.map(|n| (*n, ChildName::FILE))) {
            match verb {
                "detach" => out.push(Op::Detach { parent, name }),
                "remove-child" => out.push(Op::RemoveChild { parent, name }),
                _ => out.extend(names.iter().map(|&to| Op::ReplaceChild { parent, name, to })),
            }
        }
    }
}

fn two_node_ops(verb: &str, names: &[NodeId], out: &mut Vec<Op>) {
    for &a in names {
        match verb {
            "set-backing" => out.push(Op::SetBacking { node: a, to: None }),
            "freeze" => out.push(Op::Freeze { top: a, base: None }),
            "thaw" => out.push(Op::Thaw { top: a, base: None }),
            _ => {}
        }
        for &b in names {
            out.push(match verb {
                "set-backing" => Op::SetBacking { node: a, to: Some(b) },
                "set-file" => Op::SetFile { node: a, to: b },
                "replace-node" => Op::ReplaceNode { from: a, to: b },
                "append" => Op::Append { new: a, top: b, store: false },
                "freeze" => Op::Freeze { top: a, base: Some(b) },
                "snapshot" => Op::Snapshot { node: a, overlay: b },
                "check-replace" => Op::CheckReplace { parent: a, node: b },
                "drop-intermediate" => Op::DropIntermediate { top: a, base: b, name: None },
                "add-child" => Op::AddChild { parent: a, child: b, name: ChildName(3) },
                _ => Op::Thaw { top: a, base: Some(b) },
            });
        }
    }
}

/// Returns the user that the operation makes; for a job its main user.
fn named_user(op: &Op) -> Option<UserId> {
    match *op {
        Op::AttachUser { user, .. } => Some(user),
        Op::Stream { act: Act::Start, job, .. }
        | Op::Commit { act: Act::Start, job, .. }
        | Op::CommitActive { act: Act::Start, job, .. }
        | Op::Mirror { act: Act::Start, job, .. }
        | Op::Backup { act: Act::Start, job, .. } => Some(job),
        _ => None,
    }
}

/// What can be done in one state: places 0 to [`Menu::len`]. Some places are empty, because their operation would
/// exceed the bounds.
#[derive(Clone, Debug)]
pub struct Menu<'a> {
    facet: &'a Facet,
    state: &'a Small,
    singles: Vec<Op>,
    compounds: Vec<ArrayVec<Op, MAX_OPS>>,
}

impl Menu<'_> {
    /// Returns the number of places.
    pub fn len(&self) -> usize {
        let singles = self.singles.len();
        match self.facet.compounds {
            Compounds::None => singles,
            Compounds::Pairs => {
                singles + self.singles.iter().map(|first| singles + sequels(*first).len()).sum::<usize>()
            }
            Compounds::Menu(_) => singles + self.compounds.len(),
        }
    }

    /// Returns whether there are no places.
    pub fn is_empty(&self) -> bool {
        self.singles.is_empty()
    }

    /// Returns the action at a place, unless it would exceed the bounds.
    pub fn get(&self, place: usize) -> Option<Action> {
        if let Some(&op) = self.singles.get(place) {
            return Some(Action::single(op));
        }
        let place = place - self.singles.len();
        let ops = match self.facet.compounds {
            Compounds::None => return None,
            Compounds::Pairs => self.pair(place)?,
            Compounds::Menu(_) => self.compounds.get(place)?.clone(),
        };
        self.facet.fits(self.state, &ops).then_some(Action { ops, refusal: None })
    }

    fn pair(&self, mut place: usize) -> Option<ArrayVec<Op, MAX_OPS>> {
        for &first in &self.singles {
            let sequels = sequels(first);
            if let Some(&second) = self.singles.get(place) {
                return Some([first, second].into_iter().collect());
            }
            place -= self.singles.len();
            if let Some(&second) = sequels.get(place) {
                return Some([first, second].into_iter().collect());
            }
            place -= sequels.len();
        }
        None
    }

    /// Returns all actions with their places.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Action)> + '_ {
        (0..self.len()).filter_map(|place| Some((place, self.get(place)?)))
    }
}

/// Returns operations on a name that exists only after the first operation of a pair has made it.
fn sequels(first: Op) -> ArrayVec<Op, 2> {
    let slot_edges = |parent| [ChildName::FILE, ChildName::BACKING].map(|name| Op::Detach { parent, name });
    match first {
        Op::AttachUser { user, node, .. } => [Op::DetachUser { user }, Op::ReplaceUserChild { user, to: node }].into(),
        Op::Attach { parent, child, name, .. } => {
            [Op::Detach { parent, name }, Op::ReplaceChild { parent, name, to: child }].into()
        }
        Op::SetBacking { node, .. } | Op::SetFile { node, .. } => slot_edges(node).into(),
        Op::Append { new, .. } | Op::Insert { new, .. } => slot_edges(new).into(),
        _ => ArrayVec::new(),
    }
}
