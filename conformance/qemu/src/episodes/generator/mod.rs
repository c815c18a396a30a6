//! Random turns that QMP can express. Most of them make sense, and some do not on purpose.

mod jobs;

use crate::commands::of_operations::{self, EXPORTS};
use crate::session::THREADS;
use crate::state::memory::Memory;
use crate::state::reopen_queue;
use crate::wire::names;
use blockgraph_model::op::{Flags, Opt, UserFlags};
use blockgraph_model::{
    Below, ChildName, Context, Entry, Kind, Layer, NodeId, Op, Parent, Perms, Queue, Role, Spec, State, UserId,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// Nodes have names below this number.
const NODES: usize = 12;
/// Users have names below this number.
const USERS: usize = 6;

/// What an episode is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    /// Everything.
    All,
    /// Images on images, snapshots and jobs.
    Chains,
    /// Nodes that inherit from the node for which they were opened, and reopens.
    Heirs,
}

/// The properties of an episode. Some episodes exclude kinds of turns, and some use more arbitrary names.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The excluded kinds of turns, one bit each.
    without: u16,
    /// One choice in this many is an arbitrary name.
    wild: usize,
    /// One node in this many is read-only.
    sealed: usize,
    about: About,
}

impl Setup {
    /// Draws the properties of an episode.
    pub fn new(random: &mut ChaCha8Rng) -> Setup {
        let mut random = RandomChoice(random);
        let wild = [4, 8, 16, 64][random.below(4)];
        let without = if random.one_in(2) { 0 } else { (random.0.next_u32() & random.0.next_u32()) as u16 };
        let about =
            [About::All, About::All, About::Chains, About::Chains, About::Chains, About::Heirs][random.below(6)];
        let wild = if about == About::Chains { wild.max(8) } else { wild };
        Setup { without, wild, sealed: 2 + random.below(8), about }
    }
}

/// Random numbers as choices.
struct RandomChoice<'a>(&'a mut ChaCha8Rng);

impl RandomChoice<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).copied()
    }

    fn perms(&mut self) -> Perms {
        Perms((self.0.next_u32() & self.0.next_u32()) as u8 & names::QEMU_BITS.0)
    }
}

/// One kind of turn.
type TurnKind<'a, const N: usize, const E: usize> = fn(&mut TurnChooser<'a, N, E>) -> Option<Vec<Op>>;

/// Chooses one turn.
struct TurnChooser<'a, const N: usize, const E: usize> {
    random: RandomChoice<'a>,
    setup: Setup,
    state: &'a State<N, E>,
    memory: &'a Memory,
}

/// Chooses a turn for this state. QMP may still be unable to express it.
pub fn choose_turn<const N: usize, const E: usize>(
    random: &mut ChaCha8Rng,
    setup: Setup,
    state: &State<N, E>,
    memory: &Memory,
) -> Option<Vec<Op>> {
    let mut chooser = TurnChooser { random: RandomChoice(random), setup, state, memory };
    let (chains, heirs) = (setup.about == About::Chains, setup.about == About::Heirs);
    let turn_kinds: [(usize, TurnKind<'_, N, E>); 12] = [
        (if setup.about == About::All { 24 } else { 6 }, TurnChooser::add),
        (if setup.about == About::All { 12 } else { 24 }, TurnChooser::open),
        (14, TurnChooser::delete),
        (if heirs { 50 } else { 14 }, TurnChooser::reopen),
        (10, TurnChooser::attach_user),
        (8, TurnChooser::detach_user),
        (6, TurnChooser::change_child),
        (if heirs { 16 } else { 8 }, TurnChooser::activity),
        (6, TurnChooser::move_context),
        (if chains { 10 } else { 7 }, TurnChooser::snapshot),
        (if chains { 16 } else { 6 }, TurnChooser::start_job),
        (if chains { 14 } else { 8 }, TurnChooser::end_job),
    ];
    // An empty graph needs nodes, whatever is excluded.
    let few = state.names().count() < 3;
    let mut place = chooser.random.below(turn_kinds.iter().map(|(weight, _)| weight).sum());
    for (number, (weight, way)) in turn_kinds.iter().enumerate() {
        if place < *weight {
            let left_out = number > 2 && setup.without >> number & 1 == 1;
            return if few {
                if setup.about != About::All && chooser.random.one_in(2) { chooser.open() } else { chooser.add() }
            } else if left_out {
                None
            } else {
                way(&mut chooser)
            };
        }
        place -= weight;
    }
    None
}

impl<const N: usize, const E: usize> TurnChooser<'_, N, E> {
    /// Returns a name that is in use, in most cases.
    fn node(&mut self) -> NodeId {
        let there: Vec<NodeId> = self.state.names().collect();
        if self.random.one_in(self.setup.wild * 4) {
            return NodeId(self.random.below(NODES) as u8);
        }
        self.random.of(&there).unwrap_or(NodeId(0))
    }

    fn node_of(&mut self, fits: impl Fn(NodeId, Kind) -> bool) -> NodeId {
        if !self.random.one_in(self.setup.wild) {
            let is = |id: &NodeId| self.state.node(*id).and_then(|n| n.kind).is_some_and(|kind| fits(*id, kind));
            let there: Vec<NodeId> = self.state.names().filter(is).collect();
            if let Some(node) = self.random.of(&there) {
                return node;
            }
        }
        self.node()
    }

    /// Returns a name for a new node; now and then one that is taken.
    fn fresh(&mut self) -> Option<NodeId> {
        if self.random.one_in(self.setup.wild * 8) {
            return Some(self.node());
        }
        let free = |id: &NodeId| self.state.node(*id).is_none();
        let unused: Vec<NodeId> = (0..NODES as u8).map(NodeId).filter(free).collect();
        self.random.of(&unused)
    }

    fn user(&mut self, there: bool) -> UserId {
        let is_there = |id: &UserId| self.state.edges().iter().any(|e| e.parent == Parent::User(*id));
        let wanted = there != self.random.one_in(self.setup.wild * 4);
        let users: Vec<UserId> = (0..USERS as u16).map(UserId).filter(|id| is_there(id) == wanted).collect();
        self.random.of(&users).unwrap_or(UserId(0))
    }

    fn flags(&mut self) -> Flags {
        let rarely = if self.setup.about == About::All { 1 } else { 3 };
        let read_only = self.random.one_in(self.setup.sealed * rarely);
        // A node with this option cannot be reopened any more (D11).
        let force_share = self.random.one_in(if read_only && self.setup.about != About::Heirs { 3 } else { 60 });
        Flags { read_only, force_share, inactive: self.random.one_in(12 * rarely), ..Flags::NONE }
    }

    fn add(&mut self) -> Option<Vec<Op>> {
        let node = self.fresh()?;
        let kinds = [
            Kind::Protocol,
            Kind::Protocol,
            Kind::File,
            Kind::File,
            Kind::Blkdebug,
            Kind::Blkdebug,
            Kind::Quorum,
            Kind::Quorum,
            Kind::Raw,
            Kind::CopyBeforeWrite,
            Kind::SnapshotAccess,
            Kind::Blkverify,
        ];
        let kind = self.random.of(&kinds)?;
        let opt = match kind {
            Kind::Blkdebug => Opt::Debug { take: self.random.perms(), unshare: self.random.perms() },
            Kind::Quorum => Opt::Rewrite(self.random.one_in(3)),
            _ => kind.default_opt(),
        };
        let filtered = Role::FILTERED | Role::PRIMARY;
        let main = Role::DATA | Role::PRIMARY;
        let mut children: Vec<(ChildName, Role)> = match kind {
            Kind::Protocol | Kind::File => vec![],
            Kind::Raw | Kind::SnapshotAccess => vec![(ChildName::FILE, main)],
            Kind::Quorum => (0..=self.random.below(3) as u8).map(|i| (names::quorum_child(i), Role::DATA)).collect(),
            Kind::Blkdebug => vec![(ChildName::FILE, filtered)],
            _ => vec![(ChildName::FILE, filtered), (ChildName::TARGET, Role::DATA)],
        };
        let mut ops = vec![Op::Add { node, spec: Spec { kind, opt, flags: self.flags() } }];
        // Two edges to one node are wanted.
        let mut last = None;
        for (name, role) in children.drain(..) {
            let child = last.filter(|_| self.random.one_in(4)).unwrap_or_else(|| self.node());
            last = Some(child);
            ops.push(Op::Attach { parent: node, child, name, role });
        }
        Some(ops)
    }

    fn open(&mut self) -> Option<Vec<Op>> {
        let node = self.fresh()?;
        let kinds =
            [Kind::Format, Kind::Format, Kind::Format, Kind::Raw, Kind::Filter, Kind::CopyOnRead, Kind::Preallocate];
        let kind = self.random.of(&kinds)?;
        let (chains, is_format) = (self.setup.about == About::Chains, kind == Kind::Format);
        let inline = (self.setup.about == About::All) == self.random.one_in(4);
        let file = if inline {
            let below = self.fresh().filter(|below| *below != node)?;
            let flags = self.flags();
            let kind = if is_format || self.random.one_in(3) { Kind::File } else { Kind::Protocol };
            Below { node: below, opened: Some(Layer { kind, flags }) }
        } else {
            let images = |_, kind| matches!(kind, Kind::File | Kind::Raw | Kind::Filter | Kind::Preallocate);
            let below = if is_format { self.node_of(images) } else { self.node() };
            Below { node: below, opened: None }
        };
        // An image on another one. A node without a parent will become a backing image.
        let state = self.state;
        let backing = (is_format && self.random.one_in(2))
            .then(|| self.node_of(|id, _| !chains || state.parents(id).next().is_none()));
        let flags = self.flags();
        Some(vec![Op::Open {
            node,
            layer: Layer { kind, flags },
            file: Some(file),
            backing,
            overlay: None,
            probe: false,
        }])
    }

    fn delete(&mut self) -> Option<Vec<Op>> {
        let many = self.state.names().count() > 8;
        let state = self.state;
        let node = self.node_of(|id, _| !many || state.parents(id).next().is_none());
        Some(vec![Op::Delete { node }])
    }

    fn reopen(&mut self) -> Option<Vec<Op>> {
        let count = [1, 1, 1, 2, 2, 3, 4][self.random.below(7)];
        let mut entries: Vec<Entry> = (0..count).map(|_| self.entry()).collect();
        // A node that is queued twice, by itself or because it inherits, stays drained (H61), and then little can be
        // done.
        if !self.random.one_in(if self.setup.about == About::Heirs { 10 } else { 40 }) {
            entries.sort_by_key(|entry| entry.node);
            entries.dedup_by_key(|entry| entry.node);
            let by = self.random.below(entries.len());
            entries.rotate_left(by);
            let twice = |entries: &[Entry]| {
                reopen_queue::queue(self.state, &self.memory.options, entries).iter().any(|place| place.times > 1)
            };
            while entries.len() > 1 && twice(&entries) {
                entries.pop();
            }
        }
        Some(vec![Op::Reopen { queue: Queue::new(&entries)? }])
    }

    /// Returns an entry with most of what the node has, and something new.
    fn entry(&mut self) -> Entry {
        let (state, heirs) = (self.state, self.setup.about == About::Heirs && !self.random.one_in(3));
        let inherits = |id: NodeId| state.node(id).is_some_and(|node| node.inherits.is_some());
        let about_heirs = |id: NodeId| inherits(id) || state.children(id).any(|edge| inherits(edge.child));
        // Only a job reopens its own filter.
        let by_job = |kind| matches!(kind, Kind::CommitTop | Kind::MirrorTop);
        let reopens = |id, kind| of_operations::reopens(kind) && !by_job(kind) && (!heirs || about_heirs(id));
        let node = self.node_of(reopens);
        let Some(mut entry) = of_operations::whole(self.state, node) else { return Entry::new(node, false) };
        entry.read_only = match self.random.below(4) {
            0 => None,
            1 => Some(self.random.one_in(2)),
            _ => entry.read_only,
        };
        let kind = self.state.node(node).and_then(|now| now.kind);
        let fixed = matches!(kind, Some(Kind::Blkdebug | Kind::Blkverify | Kind::Format));
        if entry.file.is_some() && !fixed && self.random.one_in(3) {
            entry.file = Some(self.node());
        }
        if entry.backing.is_some() {
            entry.backing = match self.random.below(5) {
                0 => None,
                1 => Some(None),
                2 => Some(Some(self.node())),
                _ => entry.backing,
            };
        }
        entry
    }

    fn attach_user(&mut self) -> Option<Vec<Op>> {
        let (user, node) = (self.user(false), self.node());
        let pair = self.random.of(&EXPORTS)?;
        let fixed = self.random.one_in(5);
        let context = if fixed && self.random.one_in(2) { self.random.of(&THREADS) } else { None };
        let user_flags = UserFlags { stay: false, may_inactivate: self.random.one_in(4), fixed };
        let attach = Op::AttachUser { user, node, pair, user_flags, context };
        let inactive = self.state.node(node).is_some_and(|n| n.flags.inactive);
        Some(if inactive && !user_flags.may_inactivate { vec![Op::Activate { node }, attach] } else { vec![attach] })
    }

    fn detach_user(&mut self) -> Option<Vec<Op>> {
        Some(vec![Op::DetachUser { user: self.user(true) }])
    }

    fn change_child(&mut self) -> Option<Vec<Op>> {
        let parent = self.node_of(|_, kind| kind == Kind::Quorum);
        if self.random.one_in(2) {
            let state = self.state;
            let child = self.node_of(|id, _| state.parents(id).next().is_none());
            let name = names::quorum_child(self.memory.next_child(parent));
            return Some(vec![Op::AddChild { parent, child, name }]);
        }
        let names: Vec<ChildName> = self.state.children(parent).map(|e| e.name).collect();
        let name = self.random.of(&names).filter(|_| !self.random.one_in(self.setup.wild));
        let name = name.unwrap_or_else(|| names::quorum_child(self.random.below(3) as u8));
        Some(vec![Op::RemoveChild { parent, name }])
    }

    fn activity(&mut self) -> Option<Vec<Op>> {
        let state = self.state;
        if self.random.one_in(2) {
            let node = self.node_of(|id, _| state.node(id).is_some_and(|n| n.flags.inactive));
            return Some(vec![Op::Activate { node }]);
        }
        let node = self.node_of(|id, _| state.parents(id).all(|i| matches!(state.edges()[i].parent, Parent::User(_))));
        Some(vec![Op::Inactivate { node }])
    }

    fn move_context(&mut self) -> Option<Vec<Op>> {
        let to = self.random.of(&[Context::MAIN, THREADS[0], THREADS[1]])?;
        Some(vec![Op::MoveContext { node: self.node(), to }])
    }
}
