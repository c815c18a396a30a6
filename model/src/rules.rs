//! The permission rules: which parents conflict, and what each kind of driver needs of its children.
//!
//! All functions are pure and work on small sets; the numbers are those of `specs/permissions.md`. In a set expression
//! `|` is union, `&` intersection and `-` difference; `X.when(c)` is X if c holds, and empty otherwise.

use crate::op::{ChildName, Kind, Opt, Phase, Role};
use crate::perm::{ALL, G, Pair, Perms, R, U, W, Z};

/// The permissions that a default rule passes from parent to child.
const PASSED: Perms = Perms(R.0 | W.0 | U.0 | Z.0);

/// P3: parent edge `a` conflicts with parent edge `b` of the same node if `a` needs what `b` does not share.
pub const fn conflict(a: Pair, b: Pair) -> bool {
    !a.need.within(b.share)
}

/// V3.3: no parent may need to write to a read-only node.
pub const fn writes_read_only(need: Perms, read_only: bool) -> bool {
    read_only && need.meets(Perms(W.0 | U.0))
}

/// V3.6: parents may only need to read an inactive node.
pub const fn disturbs_inactive(need: Perms, inactive: bool) -> bool {
    inactive && !need.within(R)
}

/// P9: if the size is not aligned, a write may end in the middle of the last block, and then the image has to grow.
pub const fn misaligned(opt: Opt, need: Perms) -> bool {
    matches!(opt, Opt::Unaligned(true)) && need.meets(Perms(W.0 | U.0)) && !need.meets(Z)
}

/// Everything that the pair of an edge from a node may depend on (P4).
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The parent's cumulative pair.
    pub parent: Pair,
    /// Whether the parent has a parent edge.
    pub has_parents: bool,
    /// Whether the parent is writable after the operation (P7).
    pub writable: bool,
    /// Whether the parent is inactive after the operation.
    pub inactive: bool,
    /// Whether the parent was opened without I/O.
    pub no_io: bool,
    /// The parent's driver.
    pub kind: Kind,
    /// The driver's options.
    pub opt: Opt,
    /// The edge's role.
    pub role: Role,
    /// The edge's name.
    pub name: ChildName,
    /// Whether the child is force-share.
    pub force_share: bool,
}

/// P4: the pair of an edge from a node.
pub fn child_pair(i: Input) -> Pair {
    let (own, n, s) = (by_role(i), i.parent.need, i.parent.share);
    let own = match (i.kind, i.opt) {
        (Kind::ExclusiveWriter, _) => EXCLUSIVE,
        (Kind::NoPermission | Kind::Protocol | Kind::File | Kind::SnapshotAccess | Kind::CommitTop, _) => Pair::FREE,
        (Kind::WriteToSelected, Opt::Select(chosen)) => {
            if chosen == Some(i.name) {
                EXCLUSIVE
            } else {
                Pair::FREE
            }
        }
        (Kind::Blkdebug, Opt::Debug { take, unshare }) => Pair::new(own.need | take, own.share - unshare),
        (Kind::Quorum, Opt::Rewrite(rewrite)) => Pair::new(n & PASSED | W.when(rewrite), s & (R | U) | G),
        (Kind::Raw, _) => Pair::new((own.need - (W | Z)) | n & (W | Z), own.share),
        (Kind::CopyOnRead, _) => Pair::new(n & (R | W | Z) | U.when(!i.inactive), s & (R | W | Z) | U | G),
        (Kind::CopyBeforeWrite, _) if !i.role.has(Role::FILTERED) => Pair::new(W, ALL - Z),
        (Kind::CopyBeforeWrite, _) => {
            Pair::new(own.need | R.when(i.has_parents), own.share - (W | Z).when(i.has_parents))
        }
        (Kind::Preallocate, _) => Pair::new(own.need, own.share - (W | Z).when((W | Z).within(n))),
        (Kind::MirrorTop, Opt::Phase(Phase::Stopped)) => Pair::FREE,
        (Kind::MirrorTop, Opt::Phase(Phase::Commit)) => Pair::new(own.need - R, own.share | W),
        (Kind::Replication, _) => Pair::new(R.when(i.role.has(Role::PRIMARY)) | W.when(i.writable), R | W | U | G),
        (Kind::Vvfat, _) => Pair::new(R | W, U | G),
        _ => own,
    };
    // P8: a force-share node lets every node above it share everything.
    if i.force_share { Pair::new(own.need, ALL) } else { own }
}

/// P6.1: writes, and lets no other parent write.
const EXCLUSIVE: Pair = Pair::new(W, Perms(ALL.0 & !W.0));

/// P5: the default rules.
fn by_role(i: Input) -> Pair {
    if i.role.has(Role::FILTERED) {
        return filtered(i.parent);
    }
    let Pair { need, share } = if i.role.has(Role::COW) { cow(i.parent) } else { storage(i) };
    // P5.5: while the parent is inactive, another process writes.
    Pair::new(need, share | (W | Z).when(i.inactive))
}

/// P5.1: a filter is transparent.
fn filtered(parent: Pair) -> Pair {
    Pair::new(parent.need & PASSED, parent.share & PASSED | G)
}

/// P5.2: a backing file is only read, and only if a parent above reads.
fn cow(parent: Pair) -> Pair {
    let tolerates_change = parent.share.meets(W);
    Pair::new(parent.need & R, R | U | G | (W | Z).when(tolerates_change))
}

/// P5.3 and P5.4: first what metadata need, then what data need.
fn storage(i: Input) -> Pair {
    let Pair { mut need, mut share } = filtered(i.parent);
    if i.role.has(Role::METADATA) {
        need = need | (W | Z).when(i.writable) | R.when(!i.no_io);
        share = share - (W | Z);
    }
    if i.role.has(Role::DATA) {
        share = share - Z;
        need = need | W.when(need.meets(U));
        need = need | Z.when(need.meets(W));
    }
    Pair::new(need, share)
}

/// S3.1: returns whether an edge may have this role at all.
pub fn well_formed(role: Role) -> bool {
    let stores = role.has(Role::DATA) || role.has(Role::METADATA);
    if role.has(Role::FILTERED) {
        role == Role::FILTERED | Role::PRIMARY
    } else if role.has(Role::COW) {
        role == Role::COW
    } else {
        stores
    }
}

/// S3.2: returns whether a well-formed role fits the parent's driver.
pub fn fits(role: Role, kind: Kind) -> bool {
    let filter = kind.filter_slot().is_some();
    (!role.has(Role::FILTERED) || kind.takes_filtered())
        && (!role.has(Role::COW) || kind.supports_cow())
        && (!role.has(Role::PRIMARY) || role.has(Role::FILTERED) || !filter)
}
