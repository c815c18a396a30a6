//! Specs, pairs and roles that many facets share.

use crate::menu::{Compounds, Facet, MAX_OPS};
use crate::op::{ChildName, Flags, Kind, Layer, NodeId, Op, Opt, Role, Spec, UserFlags};
use crate::perm::{ALL, G, NONE, Pair, Perms, R, U, W, Z};
use arrayvec::ArrayVec;

/// The transactions of a facet's own menu.
pub(crate) type Transactions = Vec<ArrayVec<Op, MAX_OPS>>;

pub(crate) const FILE: ChildName = ChildName::FILE;
pub(crate) const BACKING: ChildName = ChildName::BACKING;
pub(crate) const OTHER: ChildName = ChildName(2);
pub(crate) const FILTERED: Role = Role(Role::FILTERED.0 | Role::PRIMARY.0);
pub(crate) const STORAGE: Role = Role(Role::DATA.0 | Role::METADATA.0 | Role::PRIMARY.0);

pub(crate) const fn but(set: Perms) -> Perms {
    Perms(ALL.0 & !set.0)
}

pub(crate) const PROTOCOL: Spec = Spec::plain(Kind::Protocol);
/// A driver with options of another kind.
pub(crate) const MISMATCHED: Spec = Spec { opt: Opt::Rewrite(true), ..PROTOCOL };
pub(crate) const FILTER: Spec = Spec::plain(Kind::Filter);
pub(crate) const BACKING_FILTER: Spec = Spec::plain(Kind::BackingFilter);
pub(crate) const FORMAT: Spec = Spec::plain(Kind::Format);
pub(crate) const NO_PERMISSION: Spec = Spec::plain(Kind::NoPermission);
pub(crate) const EXCLUSIVE: Spec = Spec::plain(Kind::ExclusiveWriter);

pub(crate) const fn flagged(kind: Kind, read_only: bool, force_share: bool, no_io: bool, never_freeze: bool) -> Spec {
    let flags = Flags { read_only, force_share, no_io, never_freeze, ..Flags::NONE };
    Spec { kind, opt: kind.default_opt(), flags }
}

pub(crate) const fn implicit(kind: Kind) -> Spec {
    let flags = Flags { implicit: true, ..Flags::NONE };
    Spec { kind, opt: kind.default_opt(), flags }
}

/// Returns a spec as a layer that is opened (O41).
pub(crate) const fn layer(spec: Spec) -> Layer {
    Layer { kind: spec.kind, flags: spec.flags }
}

/// A facet in which nothing happens, to be filled in.
pub(crate) const BLANK: Facet = Facet {
    name: "",
    about: "",
    nodes: 0,
    edges: 0,
    users: 0,
    verbs: &[],
    specs: &[],
    pairs: &[],
    user_flags: &[UserFlags::NONE],
    user_contexts: &[None],
    moves: &[],
    sections: 1,
    roles: &[],
    opts: &[],
    opens: &[],
    holders: 2,
    kinds: &[],
    openings: |_, _| Vec::new(),
    reopens: |_| Vec::new(),
    stores: false,
    compounds: Compounds::None,
    lags: false,
};

/// Every bit is needed by one pair and not shared by another.
pub(crate) const EVERY_BIT: [Pair; 6] = [
    Pair::new(R, ALL),
    Pair::new(Perms(R.0 | W.0), but(W)),
    Pair::new(U, but(R)),
    Pair::new(Z, but(U)),
    Pair::new(G, but(Z)),
    Pair::new(NONE, but(G)),
];

/// Every ordered pair of different names.
pub(crate) fn pairs_of(names: &[NodeId]) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
    names.iter().flat_map(|&a| names.iter().map(move |&b| (a, b))).filter(|(a, b)| a != b)
}
