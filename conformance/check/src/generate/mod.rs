//! Operations for large graphs, made from plain bytes that are read against the state they meet.
//!
//! A [`Choice`] always means something, whatever the state: bytes pick among what is there. So a list of choices stays
//! valid while it is shrunk, and proptest and a fuzzer drive the same generator. Zeroes are the plainest choice.

mod hostile;
mod jobs;
mod plausible;

use blockgraph_model::step::Work;
use blockgraph_model::{
    Context, EdgeId, Hook, Kind, NodeId, Op, OpKind, Opt, Outcome, Perms, Phase, Refusal, State, UserId, Ways, execute,
};
use blockgraph_story::turn::Turn;

/// How wild the operations are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Mostly accepted: what is named exists, roles fit, wishes are such as the node can grant.
    Plausible,
    /// Anything in any order, names of nodes that are gone included; just enough sense that the graph stays alive.
    Hostile,
}

/// The bytes of one operation.
pub const WIDTH: usize = 16;

/// The most operations of a transaction.
pub const MOST_OPS: usize = 4;

/// One operation, to be read against a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice(pub [u8; WIDTH]);

/// One transaction, to be read against a state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Move {
    /// Its operations, each read against what the ones before it left.
    pub choices: Vec<Choice>,
    /// Which driver refuses, if any.
    pub refusal: Option<[u8; 3]>,
}

impl Move {
    /// One in eight moves has a driver that refuses, one in four is a transaction. `None`: the bytes are used up.
    pub fn read(bytes: &mut impl Iterator<Item = u8>) -> Option<Move> {
        Move::read_as(bytes, 32, 64)
    }

    /// A move that, in so many of 256 cases, has a driver that refuses, or is a transaction of several operations.
    pub fn read_as(bytes: &mut impl Iterator<Item = u8>, refused: u8, joined: u8) -> Option<Move> {
        let refusal = if bytes.next()? < refused { Some([bytes.next()?, bytes.next()?, bytes.next()?]) } else { None };
        let shape = bytes.next()?;
        let length = if shape < joined { 2 + shape as usize % (MOST_OPS - 1) } else { 1 };
        let mut choices = Vec::new();
        for _ in 0..length {
            let mut choice = [0; WIDTH];
            for byte in &mut choice {
                *byte = bytes.next()?;
            }
            choices.push(Choice(choice));
        }
        Some(Move { choices, refusal })
    }
}

/// Which verbs a story leaves out, a bit each (swarm testing: a story without `release` builds what one with it never
/// does). Without `add` nothing happens, so that bit means nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Without(pub u64);

impl Without {
    fn has(self, verb: usize) -> bool {
        verb != 0 && self.0 >> verb & 1 == 1
    }
}

/// Within which bounds, and how, operations are made: the same for a whole story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// How wild they are.
    pub mode: Mode,
    /// What is left out.
    pub without: Without,
    /// Nodes have the names below this number, which is at most what the state has room for.
    pub names: u8,
    /// Users have the names below this number.
    pub users: u8,
    /// Children have the names below this number.
    pub children: u8,
    /// In so many of 256 cases a name is picked from the first third of those that fit, which so is hot.
    pub hot: u8,
}

impl Setup {
    /// Everything, on so many names of nodes.
    pub const fn new(mode: Mode, names: u8) -> Setup {
        Setup { mode, without: Without(0), names, users: 8, children: 6, hot: 192 }
    }
}

/// What a move came to.
#[derive(Clone, Debug)]
pub struct Next<const N: usize, const E: usize> {
    /// What is done, while at most one driver refuses: which of several unrelated nodes is asked first is not specified
    /// (V5.2).
    pub turn: Turn,
    /// What the model says of it.
    pub outcome: Outcome<N, E>,
    /// Operations left out because the model has no room for the edges they add.
    pub skipped: usize,
}

/// Reads one operation against a state (in the middle of a transaction: with what the steps so far did to it).
pub fn op<const N: usize, const E: usize>(setup: Setup, choice: Choice, state: &State<N, E>) -> Op {
    let mut dice = Dice { bytes: &choice.0, setup };
    match setup.mode {
        Mode::Plausible => plausible::op(dice, state),
        // Half of it makes sense: pure noise never builds anything that could be broken.
        Mode::Hostile if dice.one_in(2) => plausible::op(dice, state),
        Mode::Hostile => hostile::op(dice, state),
    }
}

/// Reads a whole move against a state, within the model's bounds, and executes it on the model.
pub fn step<const N: usize, const E: usize>(setup: Setup, chosen: &Move, state: &State<N, E>) -> Next<N, E> {
    let (ops, skipped) = read(setup, chosen, state);
    let outcome = execute(state, &ops, &[]);
    let mut next = Next { turn: Turn { ops, refusals: Vec::new() }, outcome, skipped };
    if !next.turn.has_one_answer(state, &next.outcome) {
        next.skipped += next.turn.ops.len();
        next.turn.ops.clear();
        next.outcome = execute(state, &[], &[]);
    }
    if matches!(next.outcome, Outcome::Refused { .. }) {
        return next;
    }
    let refused = chosen.refusal.and_then(|bytes| refusal(Dice { bytes: &bytes, setup }, &next.outcome));
    if let Some(refused) = refused {
        next.turn.refusals.push(refused);
        next.outcome = execute(state, &next.turn.ops, &next.turn.refusals);
    }
    next
}

/// The operations of a move, each read against what the ones before it left, and how many there is no room for.
fn read<const N: usize, const E: usize>(setup: Setup, chosen: &Move, state: &State<N, E>) -> (Vec<Op>, usize) {
    let (mut ops, mut skipped) = (Vec::new(), 0);
    let mut work = Work::new(state);
    for (place, &choice) in chosen.choices.iter().enumerate() {
        let op = op(setup, choice, &work.graph);
        if op.edges_added_in(&work.graph) > work.graph.free_edges() {
            skipped += 1;
            continue;
        }
        ops.push(op);
        // Nothing after a step that fails is executed.
        if place + 1 < chosen.choices.len() && work.step(op).is_err() {
            break;
        }
    }
    (ops, skipped)
}

/// A place of the plan that would come about; to the hostile, in every other case, any place at all.
fn refusal<const N: usize, const E: usize>(mut dice: Dice<'_>, outcome: &Outcome<N, E>) -> Option<Refusal> {
    if dice.setup.mode == Mode::Hostile && dice.one_in(2) {
        const HOOKS: [Hook; 8] = [
            Hook::Prepare,
            Hook::Check,
            Hook::Rename,
            Hook::Flush,
            Hook::Context,
            Hook::Inactivate,
            Hook::Activate,
            Hook::Context,
        ];
        let hook = HOOKS[dice.below(HOOKS.len())];
        return Some(Refusal { node: dice.any_node(), hook });
    }
    let Outcome::Done { plan, .. } = outcome else { return None };
    let hooks: Vec<Refusal> = plan.hooks().collect();
    dice.even(&hooks)
}

/// Bytes as decisions; when they are used up, zeroes.
#[derive(Clone)]
struct Dice<'a> {
    bytes: &'a [u8],
    setup: Setup,
}

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        first
    }

    fn below(&mut self, bound: usize) -> usize {
        self.byte() as usize % bound
    }

    /// A zero says no.
    fn one_in(&mut self, count: u8) -> bool {
        self.byte() % count == count - 1
    }

    /// One of them, from the first third if it is to be a hot one.
    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let byte = self.byte();
        let range = if byte < self.setup.hot { from.len().div_ceil(3) } else { from.len() };
        from.get(usize::from(byte).checked_rem(range)?).copied()
    }

    /// Any name, of a node that is there or not.
    fn any_node(&mut self) -> NodeId {
        NodeId(self.below(self.setup.names.max(1).into()) as u8)
    }

    /// A user's name, in use or not.
    fn any_user(&mut self) -> UserId {
        UserId(self.below(self.setup.users.max(1).into()) as u16)
    }

    /// The names of nodes that are not in use.
    fn unused<'s, const N: usize, const E: usize>(
        &self,
        state: &'s State<N, E>,
    ) -> impl Iterator<Item = NodeId> + use<'s, N, E> {
        let names = usize::from(self.setup.names).min(N);
        (0..names).filter(|&i| state.nodes[i].kind.is_none()).map(|i| NodeId(i as u8))
    }

    /// The users that are there, or that are not.
    fn users<const N: usize, const E: usize>(&self, state: &State<N, E>, there: bool) -> Vec<UserId> {
        let is_there = |user: &UserId| state.edge_index(EdgeId::User(*user)).is_some();
        (0..self.setup.users).map(|name| UserId(name.into())).filter(|user| is_there(user) == there).collect()
    }

    /// One of them, each as likely as the others.
    fn even<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(usize::from(self.byte()).checked_rem(from.len())?).copied()
    }

    fn perms(&mut self) -> Perms {
        Perms(self.byte() & 31)
    }

    /// A set with few members.
    fn few(&mut self) -> Perms {
        self.perms() & self.perms()
    }

    /// A kind of operation that can be blocked; in every other case one for which an operation asks by itself.
    fn op_kind(&mut self) -> OpKind {
        const ASKED: [OpKind; 4] =
            [OpKind::DRIVE_DEL, OpKind::EXTERNAL_SNAPSHOT, OpKind::REPLACE, OpKind::EXTERNAL_SNAPSHOT];
        let byte = self.byte();
        if byte < 128 { ASKED[usize::from(byte % 4)] } else { OpKind(byte % 16) }
    }

    /// What a user is besides; in half of all cases nothing.
    fn ways(&mut self) -> Ways {
        let bits = self.byte();
        let has = |bit: u8| bits >= 128 && bits >> bit & 1 == 1;
        Ways { stay: has(0) && has(1), may_inactivate: has(2), fixed: has(3) && has(4) }
    }

    /// One of four; main is as likely as the other three together.
    fn context(&mut self) -> Context {
        Context([0, 0, 0, 1, 2, 3][self.below(6)])
    }

    /// Options of that kind.
    fn opt(&mut self, kind: Kind) -> Opt {
        match kind {
            Kind::WriteToSelected => match self.below(5) as u8 {
                0 => Opt::Select(None),
                name => Opt::Select(Some(blockgraph_model::ChildName(name - 1))),
            },
            Kind::Blkdebug => Opt::Debug { take: self.few(), unshare: self.few() },
            Kind::Quorum => Opt::Rewrite(self.one_in(2)),
            Kind::MirrorTop => Opt::Phase(Phase::EVERY[self.below(3)]),
            Kind::File => Opt::Unaligned(self.one_in(2)),
            _ => Opt::None,
        }
    }
}

/// The nodes that a step can name.
fn alive<const N: usize, const E: usize>(state: &State<N, E>) -> Vec<NodeId> {
    state.names().filter(|&id| state.node(id).is_some()).collect()
}
