//! What a generator reads: the bounds of a story, and moves as bytes.

/// How plausible the operations are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Most operations are accepted: the names exist, roles fit, and the node can grant what is wished.
    Plausible,
    /// Any operation in any order, with names of nodes that are gone; plausible just often enough that the graph grows.
    Hostile,
}

/// The number of bytes of one operation.
pub const WIDTH: usize = 16;

/// The most operations of a transaction.
pub const MOST_OPS: usize = 4;

/// One operation, to be read against a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice(pub [u8; WIDTH]);

/// One transaction, to be read against a state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Move {
    /// The operations, each read against the state after the ones before it.
    pub choices: Vec<Choice>,
    /// The bytes that choose the driver that refuses, if any.
    pub refusal: Option<[u8; 3]>,
}

impl Move {
    /// Reads a move. One in eight moves has a driver that refuses, one in four is a transaction. Returns `None` when
    /// the bytes are used up.
    pub fn read(bytes: &mut impl Iterator<Item = u8>) -> Option<Move> {
        Move::read_as(bytes, 32, 64)
    }

    /// Reads a move that has a driver that refuses in `refused` of 256 cases, and is a transaction of several
    /// operations in `joined` of 256 cases.
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

/// The verbs that a story excludes, one bit each. In swarm testing, a story without `release` builds graphs that a
/// story with it never builds. The bit of `add` has no effect, because without it nothing happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExcludedVerbs(pub u64);

impl ExcludedVerbs {
    pub(super) fn has(self, verb: usize) -> bool {
        verb != 0 && self.0 >> verb & 1 == 1
    }
}

/// The bounds and the generator of a story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// How plausible the operations are.
    pub mode: Mode,
    /// The excluded verbs.
    pub excluded: ExcludedVerbs,
    /// Nodes have names below this number, which is at most what the state has room for.
    pub names: u8,
    /// Users have names below this number.
    pub users: u8,
    /// Children have names below this number.
    pub children: u8,
    /// In this many of 256 cases a name comes from the first third of those that fit. These names are hot.
    pub hot: u8,
}

impl Setup {
    /// Returns a setup with all verbs and this many node names.
    pub const fn new(mode: Mode, names: u8) -> Setup {
        Setup { mode, excluded: ExcludedVerbs(0), names, users: 8, children: 6, hot: 192 }
    }
}
