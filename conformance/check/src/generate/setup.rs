//! What a generator reads: the bounds of a story, and moves as bytes.

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
/// does). ExcludedVerbs `add` nothing happens, so that bit means nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExcludedVerbs(pub u64);

impl ExcludedVerbs {
    pub(super) fn has(self, verb: usize) -> bool {
        verb != 0 && self.0 >> verb & 1 == 1
    }
}

/// Within which bounds, and how, operations are made: the same for a whole story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// How wild they are.
    pub mode: Mode,
    /// What is left out.
    pub excluded: ExcludedVerbs,
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
        Setup { mode, excluded: ExcludedVerbs(0), names, users: 8, children: 6, hot: 192 }
    }
}
