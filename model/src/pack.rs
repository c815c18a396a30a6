//! A state packed into a few words, for the table of visited states.

use crate::op::{ChildName, Context, Flags, Kind, NodeId, OpKinds, Opt, Phase, Role, UserFlags, UserId};
use crate::perm::{Pair, Perms};
use crate::state::{Edge, Grant, Inherits, Node, Parent, State};

/// The number of words of a state.
pub const WORDS: usize = 6;

/// A packed state. Two packed states are equal exactly if the states are equal.
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

    /// Writes one bit, and the value if there is one.
    fn maybe(&mut self, value: Option<u64>, bits: usize) {
        self.bit(value.is_some());
        value.into_iter().for_each(|value| self.put(value, bits));
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

    fn maybe(&mut self, bits: usize) -> Option<u8> {
        self.bit().then(|| self.get(bits))
    }

    fn pair(&mut self) -> Pair {
        Pair::new(Perms(self.get(5)), Perms(self.get(5)))
    }
}

/// Packs a state.
///
/// # Panics
/// If the state does not fit: more than 8 nodes or 15 edges, names beyond 7, contexts beyond 3, more than 3 holders or sections of a
/// node or drain-alls.
pub fn pack<const N: usize, const M: usize>(s: &State<N, M>) -> Packed {
    let mut w = Writer { words: [0; WORDS], at: 0 };
    for node in &s.nodes {
        pack_node(&mut w, node);
    }
    w.put(s.drain_alls.into(), 2);
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
                if s.nodes[parent.0 as usize].ejected {
                    w.pair(edge.wanted);
                }
            }
            Parent::User(user) => {
                w.bit(true);
                w.put(user.main().0.into(), 3);
                w.maybe((user.further_number() > 0).then_some(user.further_number().into()), 3);
                w.pair(edge.wanted);
                [edge.user_flags.stay, edge.user_flags.may_inactivate, edge.user_flags.fixed]
                    .into_iter()
                    .for_each(|on| w.bit(on));
                w.maybe((edge.blocks != OpKinds::NONE).then_some(edge.blocks.0.into()), 16);
            }
        }
    }
    w.words
}

fn pack_node(w: &mut Writer, node: &Node) {
    let Some(kind) = node.kind else {
        return w.put(0, 5);
    };
    w.put(kind as u64 + 1, 5);
    match node.opt {
        Opt::None => {}
        Opt::Debug { take, unshare } => w.pair(Pair::new(take, unshare)),
        Opt::Rewrite(on) | Opt::Unaligned(on) => w.bit(on),
        Opt::Phase(phase) => w.put(phase as u64, 2),
        Opt::Select(name) => w.put(name.map_or(7, |n| n.0.into()), 3),
    }
    let f = node.flags;
    [f.read_only, f.force_share, f.no_io, f.never_freeze, f.implicit, f.inactive].into_iter().for_each(|on| w.bit(on));
    w.put(node.context.0.into(), 2);
    w.put(node.sections.into(), 2);
    w.bit(node.monitor);
    w.put(node.holders.into(), 2);
    w.bit(node.ejected);
    w.maybe(node.inherits.map(|i| u64::from(i.from.0) | u64::from(i.read_only) << 3), 4);
    w.maybe(node.stored.map(|name| name.0.into()), 3);
    w.pair(node.granted.pair);
    w.bit(node.granted.writable);
}

/// Unpacks a state.
pub fn unpack<const N: usize, const M: usize>(words: &Packed) -> State<N, M> {
    let mut r = Reader { words, at: 0 };
    let nodes: [Node; N] = std::array::from_fn(|_| unpack_node(&mut r));
    let drain_alls = r.get(2).into();
    let edges = (0..r.get(4)).map(|_| {
        let (child, rank) = (NodeId(r.get(3)), r.get(3).into());
        let base = Edge { child, rank, ..Edge::NONE };
        if r.bit() {
            let parent = Parent::User(UserId(r.get(3).into()).further(r.maybe(3).unwrap_or(0)));
            let wanted = r.pair();
            let user_flags = UserFlags { stay: r.bit(), may_inactivate: r.bit(), fixed: r.bit() };
            let blocks = if r.bit() { OpKinds(u16::from(r.get(8)) | u16::from(r.get(8)) << 8) } else { OpKinds::NONE };
            Edge { parent, wanted, user_flags, blocks, ..base }
        } else {
            let above = NodeId(r.get(3));
            let (name, role, frozen) = (ChildName(r.get(3)), Role(r.get(5)), r.bit());
            let wanted = if nodes[above.0 as usize].ejected { r.pair() } else { Pair::FREE };
            Edge { parent: Parent::Node(above), name, role, frozen, wanted, ..base }
        }
    });
    State::rebuild(nodes, drain_alls, edges)
}

fn unpack_node(r: &mut Reader<'_>) -> Node {
    let Some(&kind) = Kind::EVERY.get((r.get(5) as usize).wrapping_sub(1)) else {
        return Node::NONE;
    };
    let opt = match kind.default_opt() {
        Opt::None => Opt::None,
        Opt::Debug { .. } => {
            let Pair { need: take, share: unshare } = r.pair();
            Opt::Debug { take, unshare }
        }
        Opt::Rewrite(_) => Opt::Rewrite(r.bit()),
        Opt::Unaligned(_) => Opt::Unaligned(r.bit()),
        Opt::Phase(_) => Opt::Phase(Phase::EVERY.get(r.get(2) as usize).copied().unwrap_or(Phase::Mirror)),
        Opt::Select(_) => {
            let name = r.get(3);
            Opt::Select((name < 7).then_some(ChildName(name)))
        }
    };
    let mut flags = Flags { read_only: r.bit(), force_share: r.bit(), no_io: r.bit(), ..Flags::NONE };
    (flags.never_freeze, flags.implicit, flags.inactive) = (r.bit(), r.bit(), r.bit());
    let (context, sections) = (Context(r.get(2)), r.get(2).into());
    let (monitor, holders, ejected) = (r.bit(), r.get(2).into(), r.bit());
    let inherits = r.maybe(4).map(|i| Inherits { from: NodeId(i & 7), read_only: i >> 3 == 1 });
    let stored = r.maybe(3).map(NodeId);
    let granted = Grant { pair: r.pair(), writable: r.bit() };
    Node { kind: Some(kind), opt, flags, context, sections, monitor, holders, ejected, inherits, stored, granted }
}
