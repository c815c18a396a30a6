//! Operations for large graphs, made from plain bytes that are read against the state they meet.
//!
//! A [`Choice`] always means something, whatever the state: bytes pick among what is there. So a list of choices stays
//! valid while it is shrunk, and proptest and a fuzzer drive the same generator. Zeroes are the plainest choice.

mod hostile;
mod jobs;
mod plausible;

use blockgraph_model::step::Work;
use blockgraph_model::{
    Context, Hook, Kind, NodeId, Op, OpKind, Opt, Outcome, Perms, Phase, Refusal, State, UserId, Ways, execute,
};

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
    pub refusal: Option<[u8; 2]>,
}

impl Move {
    /// One in eight moves has a driver that refuses, one in four is a transaction. `None`: the bytes are used up.
    pub fn read(bytes: &mut impl Iterator<Item = u8>) -> Option<Move> {
        let shape = bytes.next()?;
        let refusal = if shape % 8 == 7 { Some([bytes.next()?, bytes.next()?]) } else { None };
        let length = if shape >= 192 { 2 + shape as usize % (MOST_OPS - 1) } else { 1 };
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

/// A transaction and its injected refusals, ready to be executed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// The operations.
    pub ops: Vec<Op>,
    /// At most one: which of several unrelated nodes is asked first is not specified (V5.2).
    pub refusals: Vec<Refusal>,
    /// Operations left out because the model has no room for the edges they add.
    pub skipped: usize,
}

/// Reads one operation against a state (in the middle of a transaction: with what the steps so far did to it).
pub fn op<const N: usize, const E: usize>(mode: Mode, without: Without, choice: Choice, state: &State<N, E>) -> Op {
    let mut dice = Dice(&choice.0);
    match mode {
        Mode::Plausible => plausible::op(without, dice, state),
        // Half of it makes sense: pure noise never builds anything that could be broken.
        Mode::Hostile if dice.one_in(2) => plausible::op(without, dice, state),
        Mode::Hostile => hostile::op(without, dice, state),
    }
}

/// Reads a whole move against a state, within the model's bounds.
pub fn step<const N: usize, const E: usize>(mode: Mode, without: Without, chosen: &Move, state: &State<N, E>) -> Step {
    let mut step = Step::default();
    let mut work = Work::new(state);
    for &choice in &chosen.choices {
        let op = op(mode, without, choice, &work.graph);
        if op.edges_added() > work.graph.free_edges() {
            step.skipped += 1;
            continue;
        }
        step.ops.push(op);
        // Nothing after a step that fails is executed.
        if work.step(op).is_err() {
            break;
        }
    }
    // P9 refuses by itself, and of two refusals the first is a matter of an order that is not specified.
    match by_itself(&step.ops, state) {
        0 => step.refusals.extend(chosen.refusal.and_then(|bytes| refusal(mode, Dice(&bytes), &step.ops, state))),
        1 => {}
        _ => {
            step.skipped += step.ops.len();
            step.ops.clear();
        }
    }
    step
}

/// How many drivers refuse without being told to (P9), as far as that can be seen from outside: 0, 1, or 2 if there may be more.
fn by_itself<const N: usize, const E: usize>(ops: &[Op], state: &State<N, E>) -> usize {
    let refuses = |state: &State<N, E>| match execute(state, ops, &[]) {
        Outcome::Refused { by } => Some(by),
        _ => None,
    };
    let Some(first) = refuses(state) else { return 0 };
    let mut aligned = *state;
    aligned.nodes[usize::from(first.node.0)].opt = Opt::Unaligned(false);
    1 + usize::from(refuses(&aligned).is_some())
}

/// A place of the plan that would come about; to the hostile, in every other case, any place at all.
fn refusal<const N: usize, const E: usize>(
    mode: Mode,
    mut dice: Dice<'_>,
    ops: &[Op],
    state: &State<N, E>,
) -> Option<Refusal> {
    if mode == Mode::Hostile && dice.one_in(2) {
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
        return Some(Refusal { node: NodeId(dice.below(N) as u8), hook });
    }
    let Outcome::Done { plan, .. } = execute(state, ops, &[]) else { return None };
    let hooks: Vec<Refusal> = plan.hooks().collect();
    dice.pick(&hooks)
}

/// Bytes as decisions; when they are used up, zeroes.
#[derive(Clone)]
struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn below(&mut self, bound: usize) -> usize {
        self.byte() as usize % bound
    }

    /// A zero says no.
    fn one_in(&mut self, count: u8) -> bool {
        self.byte() % count == count - 1
    }

    /// One of them: in three cases of four from the first third, which is hot.
    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let byte = self.byte() as usize;
        let range = if byte < 192 { from.len().div_ceil(3) } else { from.len() };
        from.get(byte.checked_rem(range)?).copied()
    }

    /// One of them, each as likely as the others.
    fn even<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.byte().checked_rem(from.len() as u8)? as usize).copied()
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

/// The names of nodes that are not in use.
fn unused<const N: usize, const E: usize>(state: &State<N, E>) -> impl Iterator<Item = NodeId> {
    (0..N).filter(|&i| state.nodes[i].kind.is_none()).map(|i| NodeId(i as u8))
}

/// How many users are ever named.
const USERS: u16 = 8;

/// The users that are there, and that are not.
fn users<const N: usize, const E: usize>(state: &State<N, E>, there: bool) -> Vec<UserId> {
    let is_there = |user: &UserId| state.edge_index(blockgraph_model::EdgeId::User(*user)).is_some();
    (0..USERS).map(UserId).filter(|user| is_there(user) == there).collect()
}
