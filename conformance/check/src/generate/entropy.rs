//! Decisions that are read from bytes.

use crate::generate::setup::Setup;
use blockgraph_model::{Context, EdgeId, Kind, NodeId, OpKind, Opt, Perms, Phase, State, UserFlags, UserId};

/// Reads decisions from bytes. When the bytes are used up, every byte is zero.
#[derive(Clone)]
pub(super) struct Entropy<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) setup: Setup,
}

impl Entropy<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        first
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.byte() as usize % bound
    }

    /// Returns true in one of `count` cases. A zero byte gives false.
    pub(super) fn one_in(&mut self, count: u8) -> bool {
        self.byte() % count == count - 1
    }

    /// Returns one element. A hot one comes from the first third.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let byte = self.byte();
        let range = if byte < self.setup.hot { from.len().div_ceil(3) } else { from.len() };
        from.get(usize::from(byte).checked_rem(range)?).copied()
    }

    /// Returns a node name, in use or not.
    pub(super) fn any_node(&mut self) -> NodeId {
        NodeId(self.below(self.setup.names.max(1).into()) as u8)
    }

    /// Returns a user name, in use or not.
    pub(super) fn any_user(&mut self) -> UserId {
        UserId(self.below(self.setup.users.max(1).into()) as u16)
    }

    /// Returns the node names that are not in use.
    pub(super) fn unused<'s, const N: usize, const E: usize>(
        &self,
        state: &'s State<N, E>,
    ) -> impl Iterator<Item = NodeId> + use<'s, N, E> {
        let names = usize::from(self.setup.names).min(N);
        (0..names).filter(|&i| state.nodes[i].kind.is_none()).map(|i| NodeId(i as u8))
    }

    /// Returns the users that exist, or those that do not.
    pub(super) fn users<const N: usize, const E: usize>(&self, state: &State<N, E>, there: bool) -> Vec<UserId> {
        let is_there = |user: &UserId| state.edge_index(EdgeId::User(*user)).is_some();
        (0..self.setup.users).map(|name| UserId(name.into())).filter(|user| is_there(user) == there).collect()
    }

    /// Returns one element, each with the same probability.
    pub(super) fn even<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(usize::from(self.byte()).checked_rem(from.len())?).copied()
    }

    pub(super) fn perms(&mut self) -> Perms {
        Perms(self.byte() & 31)
    }

    /// Returns a set with few members.
    pub(super) fn few(&mut self) -> Perms {
        self.perms() & self.perms()
    }

    /// Returns a kind of operation that can be blocked. In half of the cases an operation asks for it by itself.
    pub(super) fn op_kind(&mut self) -> OpKind {
        const ASKED: [OpKind; 4] =
            [OpKind::DRIVE_DEL, OpKind::EXTERNAL_SNAPSHOT, OpKind::REPLACE, OpKind::EXTERNAL_SNAPSHOT];
        let byte = self.byte();
        if byte < 128 { ASKED[usize::from(byte % 4)] } else { OpKind(byte % 16) }
    }

    /// Returns the flags of a user; none in half of the cases.
    pub(super) fn user_flags(&mut self) -> UserFlags {
        let bits = self.byte();
        let has = |bit: u8| bits >= 128 && bits >> bit & 1 == 1;
        UserFlags { stay: has(0) && has(1), may_inactivate: has(2), fixed: has(3) && has(4) }
    }

    /// Returns one of four contexts; the main context has the same probability as the other three together.
    pub(super) fn context(&mut self) -> Context {
        Context([0, 0, 0, 1, 2, 3][self.below(6)])
    }

    /// Returns options for this kind.
    pub(super) fn opt(&mut self, kind: Kind) -> Opt {
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

/// Returns the nodes that a step can name.
pub(super) fn existing_nodes<const N: usize, const E: usize>(state: &State<N, E>) -> Vec<NodeId> {
    state.names().filter(|&id| state.node(id).is_some()).collect()
}
