//! A state as a few words, for the table of visited states.

use crate::op::{ChildName, Flags, Kind, NodeId, Opt, Role, UserId};
use crate::perm::{Pair, Perms};
use crate::state::{Edge, Grant, Node, Parent, State};

/// The words of one state.
pub const WORDS: usize = 6;

/// A packed state: equal exactly if the states are equal.
pub type Packed = [u64; WORDS];

struct Writer {
    words: Packed,
    at: usize,
}

impl Writer {
    /// # Panics
    /// If a value or the state does not fit: a scope too large for [`WORDS`] must not go unnoticed.
    fn put(&mut self, value: u64, bits: usize) {
        assert!(value < 1 << bits && self.at + bits <= 64 * WORDS, "the scope is too large for the packed form");
        let (word, shift) = (self.at / 64, self.at % 64);
        self.words[word] |= value << shift;
        if shift + bits > 64 {
            self.words[word + 1] |= value >> (64 - shift);
        }
        self.at += bits;
    }

    fn bit(&mut self, on: bool) {
        self.put(on.into(), 1);
    }

    fn pair(&mut self, pair: Pair) {
        self.put(u64::from(pair.need.0) | u64::from(pair.share.0) << 5, 10);
    }
}

struct Reader<'a> {
    words: &'a Packed,
    at: usize,
}

impl Reader<'_> {
    fn get(&mut self, bits: usize) -> u8 {
        let (word, shift) = (self.at / 64, self.at % 64);
        let mut value = self.words[word] >> shift;
        if shift + bits > 64 {
            value |= self.words[word + 1] << (64 - shift);
        }
        self.at += bits;
        (value & ((1 << bits) - 1)) as u8
    }

    fn bit(&mut self) -> bool {
        self.get(1) == 1
    }

    fn pair(&mut self) -> Pair {
        Pair::new(Perms(self.get(5)), Perms(self.get(5)))
    }
}

/// Packs a state.
///
/// # Panics
/// If the state does not fit: more than 8 nodes or 15 edges, names beyond 7, more than 3 holders.
pub fn pack<const N: usize, const M: usize>(s: &State<N, M>) -> Packed {
    let mut w = Writer { words: [0; WORDS], at: 0 };
    for node in &s.nodes {
        pack_node(&mut w, node);
    }
    w.put(s.edges().len() as u64, 4);
    for edge in s.edges() {
        w.put(edge.child.0.into(), 3);
        w.put(edge.rank.into(), 3);
        match edge.parent {
            Parent::Node(parent) => {
                w.bit(false);
                w.put(parent.0.into(), 3);
                w.put(edge.name.0.into(), 3);
                w.put(edge.role.0.into(), 5);
                w.bit(edge.frozen);
            }
            Parent::User(user) => {
                w.bit(true);
                w.put(user.0.into(), 3);
                w.pair(edge.wanted);
                w.bit(edge.stay);
            }
        }
    }
    w.words
}

fn pack_node(w: &mut Writer, node: &Node) {
    let Some(kind) = node.kind else {
        return w.put(0, 4);
    };
    w.put(kind as u64 + 1, 4);
    match node.opt {
        Opt::None => {}
        Opt::Debug { take, unshare } => w.pair(Pair::new(take, unshare)),
        Opt::Rewrite(on) => w.bit(on),
        Opt::Select(name) => w.put(name.map_or(7, |n| n.0.into()), 3),
    }
    let f = node.flags;
    [f.read_only, f.force_share, f.no_io, f.never_freeze].into_iter().for_each(|on| w.bit(on));
    w.put(node.holders.into(), 2);
    w.pair(node.granted.pair);
    w.bit(node.granted.writable);
}

/// The state that was packed.
pub fn unpack<const N: usize, const M: usize>(words: &Packed) -> State<N, M> {
    let mut r = Reader { words, at: 0 };
    let nodes = std::array::from_fn(|_| unpack_node(&mut r));
    let edges = (0..r.get(4)).map(|_| {
        let (child, rank) = (NodeId(r.get(3)), r.get(3).into());
        let base = Edge { child, rank, ..Edge::NONE };
        if r.bit() {
            let parent = Parent::User(UserId(r.get(3)));
            Edge { parent, wanted: r.pair(), stay: r.bit(), ..base }
        } else {
            let parent = Parent::Node(NodeId(r.get(3)));
            Edge { parent, name: ChildName(r.get(3)), role: Role(r.get(5)), frozen: r.bit(), ..base }
        }
    });
    State::rebuild(nodes, edges)
}

fn unpack_node(r: &mut Reader<'_>) -> Node {
    let Some(&kind) = Kind::EVERY.get((r.get(4) as usize).wrapping_sub(1)) else {
        return Node::NONE;
    };
    let opt = match kind.default_opt() {
        Opt::None => Opt::None,
        Opt::Debug { .. } => {
            let Pair { need: take, share: unshare } = r.pair();
            Opt::Debug { take, unshare }
        }
        Opt::Rewrite(_) => Opt::Rewrite(r.bit()),
        Opt::Select(_) => {
            let name = r.get(3);
            Opt::Select((name < 7).then_some(ChildName(name)))
        }
    };
    let flags = Flags { read_only: r.bit(), force_share: r.bit(), no_io: r.bit(), never_freeze: r.bit() };
    let holders = r.get(2);
    let granted = Grant { pair: r.pair(), writable: r.bit() };
    Node { kind: Some(kind), opt, flags, holders, granted }
}
