//! Renaming symmetry: the names of nodes and users carry no meaning, so one state represents all its renamings.
//!
//! Colour refinement tells almost all nodes apart, because the places in the lists are part of the colours. The search
//! tries the remaining ties, and the smallest result is the representative. Users need no search: a user has one edge,
//! so its node and its place in that node's parents list determine it.

use crate::op::{EdgeId, NodeId, Op, OpKinds, Refusal, UserId};
use crate::state::{Edge, Inherits, Node, Parent, State};

/// A renaming from old names to new ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Renaming<const N: usize, const M: usize> {
    nodes: [u8; N],
    /// The pairs (old, new) of the users that exist.
    users: [(u8, u8); M],
    user_count: usize,
}

/// Returns the representative of a state's renamings, and the renaming that leads to it.
pub fn canonical<const N: usize, const M: usize>(s: &State<N, M>) -> (State<N, M>, Renaming<N, M>) {
    search(s, refined(s))
}

/// Returns the colours of the names before any tie is broken.
fn refined<const N: usize, const M: usize>(s: &State<N, M>) -> [u64; N] {
    let mut colours = [0; N];
    for (colour, node) in colours.iter_mut().zip(&s.nodes) {
        *colour = own_colour(node);
    }
    for (_, to, _) in links(s) {
        let to = &mut colours[to as usize];
        *to = (*to).max(STORED_ONLY);
    }
    refine(s, &mut colours);
    colours
}

fn mix(a: u64, b: u64) -> u64 {
    let x = (a ^ b.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x ^ (x >> 32)
}

/// Returns a number that all renamings of a state share, and two other states only seldom. It is for large graphs,
/// where the search for ties would take too long: states that colour refinement cannot tell apart have the same number.
pub fn fingerprint<const N: usize, const M: usize>(s: &State<N, M>) -> u64 {
    let colours = refined(s);
    let nodes = colours.iter().fold(0u64, |sum, colour| sum.wrapping_add(mix(*colour, 1)));
    s.edges().iter().fold(mix(nodes, s.drain_alls.into()), |sum, edge| {
        let above = match edge.parent {
            Parent::Node(parent) => colours[parent.0 as usize],
            Parent::User(user) => 7 + u64::from(user.further_number()),
        };
        sum.wrapping_add(mix(mix(edge_colour(edge, edge.rank.into()), above), colours[edge.child.0 as usize]))
    })
}

/// Returns the [`fingerprint`] of only the driver kinds and the edges with their roles and orders.
pub fn shape<const N: usize, const M: usize>(s: &State<N, M>) -> u64 {
    let bare = s.nodes.map(|node| Node { kind: node.kind, ..Node::NONE });
    let edges =
        s.edges().iter().map(|e| Edge { parent: e.parent, child: e.child, role: e.role, rank: e.rank, ..Edge::NONE });
    fingerprint(&State::<N, M>::rebuild(bare, 0, edges))
}

/// The colour of a name that no node has, but that is stored in a node's image (S6).
const STORED_ONLY: u64 = 1;

/// Returns the pointers between names that are not edges: the name that has it, the name to which it leads, and its
/// type.
fn links<const N: usize, const M: usize>(s: &State<N, M>) -> impl Iterator<Item = (u8, u8, u64)> + '_ {
    (0..N).flat_map(|i| {
        let inherits = s.nodes[i].inherits.map(|inherits| (i as u8, inherits.from.0, 1));
        let stored = s.nodes[i].stored.map(|name| (i as u8, name.0, 2));
        inherits.into_iter().chain(stored)
    })
}

/// Returns what a node shows without its edges. It is 0 for a free name, so that free names come first and move last.
fn own_colour(node: &Node) -> u64 {
    let Some(kind) = node.kind else { return 0 };
    let flags = node.flags;
    let inherits = node.inherits;
    let bits = [
        flags.read_only,
        flags.force_share,
        flags.no_io,
        flags.never_freeze,
        flags.implicit,
        node.granted.writable,
        node.monitor,
        node.ejected,
        inherits.is_some(),
        inherits.is_some_and(|i| i.read_only),
        node.stored.is_some(),
    ];
    let bits = bits.iter().fold(u64::from(flags.inactive) << 1 | 1, |all, bit| all << 1 | u64::from(*bit));
    let granted = u64::from(node.granted.pair.need.0) << 8 | u64::from(node.granted.pair.share.0);
    let opt = match node.opt {
        crate::op::Opt::None => 0,
        crate::op::Opt::Debug { take, unshare } => 1 << 16 | u64::from(take.0) << 8 | u64::from(unshare.0),
        crate::op::Opt::Rewrite(on) => 2 << 16 | u64::from(on),
        crate::op::Opt::Select(name) => 3 << 16 | name.map_or(0xFFF, |n| u64::from(n.0)),
        crate::op::Opt::Phase(phase) => 4 << 16 | phase as u64,
        crate::op::Opt::Unaligned(on) => 5 << 16 | u64::from(on),
    };
    let place = u64::from(node.sections) << 48 | u64::from(node.context.0) << 40;
    mix(mix(bits << 8 | kind as u64, place | granted << 8 | u64::from(node.holders)), opt) | 1
}

fn edge_colour(edge: &Edge, place: u64) -> u64 {
    let flag_bits = u64::from(edge.user_flags.may_inactivate) << 1 | u64::from(edge.user_flags.fixed);
    let marks = flag_bits << 2 | u64::from(edge.frozen) << 1 | u64::from(edge.user_flags.stay);
    let wanted = u64::from(edge.wanted.need.0) << 8 | u64::from(edge.wanted.share.0);
    let blocks = if edge.blocks == OpKinds::NONE { 0 } else { mix(edge.blocks.0.into(), 5) };
    blocks ^ place << 40 | u64::from(edge.name.0) << 32 | u64::from(edge.role.0) << 24 | marks << 16 | wanted
}

/// Splits colours by the colours of the neighbours until nothing more splits.
fn refine<const N: usize, const M: usize>(s: &State<N, M>, colours: &mut [u64; N]) {
    let mut classes = count_classes(colours);
    let names = colours.iter().filter(|c| **c != 0).count();
    while classes < names {
        let old = *colours;
        for (from, to, which) in links(s) {
            let (from, to) = (from as usize, to as usize);
            colours[to] = colours[to].wrapping_add(mix(which, old[from]));
            colours[from] = colours[from].wrapping_add(mix(which << 8, old[to]));
        }
        let mut above = Parent::User(UserId(0));
        let mut place = 0;
        for edge in s.edges() {
            place = if edge.parent == above { place + 1 } else { 0 };
            above = edge.parent;
            let child = edge.child.0 as usize;
            let up = edge_colour(edge, edge.rank.into());
            match edge.parent {
                Parent::Node(parent) => {
                    let parent = parent.0 as usize;
                    colours[child] = colours[child].wrapping_add(mix(up, old[parent]));
                    let down = edge_colour(edge, place | 1 << 15);
                    colours[parent] = colours[parent].wrapping_add(mix(down, old[child]));
                }
                Parent::User(user) => {
                    colours[child] = colours[child].wrapping_add(mix(up, 7 + u64::from(user.further_number())));
                }
            }
        }
        let now = count_classes(colours);
        if now == classes {
            break;
        }
        classes = now;
    }
}

/// Returns the number of different colours of names that are in use or stored.
fn count_classes<const N: usize>(colours: &[u64; N]) -> usize {
    (0..N).filter(|&i| colours[i] != 0 && !colours[..i].contains(&colours[i])).count()
}

/// If two nodes have the same colour, sets each member of that class apart in turn, and returns the smallest result.
fn search<const N: usize, const M: usize>(s: &State<N, M>, colours: [u64; N]) -> (State<N, M>, Renaming<N, M>) {
    let tied = (0..N).filter(|&i| colours[i] != 0 && colours.iter().filter(|c| **c == colours[i]).count() > 1);
    let Some(class) = tied.map(|i| colours[i]).min() else {
        return rename(s, &colours);
    };
    let members = (0..N).filter(|&i| colours[i] == class);
    let alone = |i: usize| {
        !s.edges().iter().any(|e| e.child.0 as usize == i || e.parent == Parent::Node(NodeId(i as u8)))
            && !links(s).any(|(from, to, _)| from as usize == i || to as usize == i)
    };
    let mut best: Option<(State<N, M>, Renaming<N, M>)> = None;
    for member in members {
        let mut apart = colours;
        apart[member] = mix(class, 0x5E7) | 1;
        refine(s, &mut apart);
        let found = search(s, apart);
        if best.as_ref().is_none_or(|b| found.0 < b.0) {
            best = Some(found);
        }
        // Nodes without edges and with the same colour are interchangeable.
        if alone(member) {
            break;
        }
    }
    best.unwrap_or_else(|| rename(s, &colours))
}

/// Renames in the order of the colours; names that are only stored come next, and free names last.
fn rename<const N: usize, const M: usize>(s: &State<N, M>, colours: &[u64; N]) -> (State<N, M>, Renaming<N, M>) {
    let mut order: [u8; N] = std::array::from_fn(|i| i as u8);
    let place = |i: u8| (s.nodes[i as usize].kind.is_none(), colours[i as usize] == 0, colours[i as usize], i);
    order.sort_by_key(|&i| place(i));
    let mut renaming = Renaming { nodes: [0; N], users: [(0, 0); M], user_count: 0 };
    let mut nodes = [Node::NONE; N];
    order.iter().enumerate().for_each(|(new, &old)| renaming.nodes[old as usize] = new as u8);
    for (&old, node) in order.iter().zip(&mut nodes) {
        *node = s.nodes[old as usize];
        node.inherits = node.inherits.map(|i| Inherits { from: renaming.node(i.from), ..i });
        node.stored = node.stored.map(|name| renaming.node(name));
    }
    // The users of a job share one name, which is that of the first of them in this order.
    let mut users: [(u8, u16, u8); M] = [(0, 0, 0); M];
    let mut count = 0;
    for edge in s.edges() {
        if let Parent::User(user) = edge.parent {
            users[count] = (renaming.nodes[edge.child.0 as usize], edge.rank, user.main().0 as u8);
            count += 1;
        }
    }
    users[..count].sort_unstable();
    for &(_, _, old) in &users[..count] {
        if !renaming.users[..renaming.user_count].iter().any(|(known, _)| *known == old) {
            renaming.users[renaming.user_count] = (old, renaming.user_count as u8);
            renaming.user_count += 1;
        }
    }
    (renaming.state(s, nodes), renaming)
}

impl<const N: usize, const M: usize> Renaming<N, M> {
    /// Returns the renaming that changes nothing.
    pub fn identity() -> Self {
        Renaming { nodes: std::array::from_fn(|i| i as u8), users: [(0, 0); M], user_count: 0 }
    }

    /// Returns the new name of a node.
    pub fn node(&self, node: NodeId) -> NodeId {
        NodeId(self.nodes[node.0 as usize])
    }

    /// Returns the new name of a user. Users that did not exist keep the order of the free names.
    pub fn user(&self, user: UserId) -> UserId {
        let known = &self.users[..self.user_count];
        let name = user.main().0 as u8;
        let renamed = |name: u8| UserId(name.into()).further(user.further_number());
        if let Some((_, new)) = known.iter().find(|(old, _)| *old == name) {
            return renamed(*new);
        }
        // The k-th free old name becomes the k-th free new name.
        let free_before = name - known.iter().filter(|(old, _)| *old < name).count() as u8;
        let taken = |name: u8| known.iter().any(|(_, new)| *new == name);
        let mut free = (0..=u8::MAX).filter(|n| !taken(*n));
        renamed(free.nth(free_before.into()).unwrap_or(name))
    }

    /// Returns the inverse renaming, for users with names below `users`.
    pub fn inverse(&self, users: u8) -> Self {
        let mut back = Renaming { nodes: [0; N], users: [(0, 0); M], user_count: (users as usize).min(M) };
        self.nodes.iter().enumerate().for_each(|(old, &new)| back.nodes[new as usize] = old as u8);
        for old in 0..back.user_count as u8 {
            back.users[old as usize] = (self.user(UserId(old.into())).0 as u8, old);
        }
        back
    }

    fn state(&self, s: &State<N, M>, nodes: [Node; N]) -> State<N, M> {
        let edges = s.edges().iter().map(|edge| Edge {
            parent: match edge.parent {
                Parent::Node(parent) => Parent::Node(self.node(parent)),
                Parent::User(user) => Parent::User(self.user(user)),
            },
            child: self.node(edge.child),
            ..*edge
        });
        State::rebuild(nodes, s.drain_alls, edges)
    }

    /// Renames an operation.
    pub fn op(&self, op: Op) -> Op {
        op.renamed(|node| self.node(node), |user| self.user(user))
    }

    /// Renames a refusal.
    pub fn refusal(&self, refusal: Refusal) -> Refusal {
        Refusal { node: self.node(refusal.node), ..refusal }
    }

    /// Renames an edge.
    pub fn edge(&self, edge: EdgeId) -> EdgeId {
        match edge {
            EdgeId::Child(parent, name) => EdgeId::Child(self.node(parent), name),
            EdgeId::User(user) => EdgeId::User(self.user(user)),
        }
    }
}
