//! The rule: who conflicts with whom, and what each kind of driver asks of its children.
//!
//! Pure functions of small sets; the numbers are those of `specs/permissions.md`. In a set expression `|` is union,
//! `&` intersection and `-` difference; `X.when(c)` is X if c holds and nothing otherwise.

use crate::op::{ChildName, Kind, Opt, Role};
use crate::perm::{ALL, G, Pair, Perms, R, U, W, Z};

/// What a default rule passes from parent to child.
const PASSED: Perms = Perms(R.0 | W.0 | U.0 | Z.0);

/// P3: parent edge `a` conflicts with parent edge `b` of the same node: `a` needs what `b` does not share.
pub const fn conflict(a: Pair, b: Pair) -> bool {
    !a.need.within(b.share)
}

/// V3.3: nobody may need to write on a node that is not writable.
pub const fn writes_read_only(need: Perms, writable: bool) -> bool {
    !writable && need.meets(Perms(W.0 | U.0))
}

/// Everything the pair of an edge from a node may depend on (P4).
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The parent's cumulative pair.
    pub parent: Pair,
    /// Is the parent writable after the operation (P7)?
    pub writable: bool,
    /// Was the parent opened without I/O?
    pub no_io: bool,
    /// The parent's driver.
    pub kind: Kind,
    /// The driver's options.
    pub opt: Opt,
    /// The edge's role.
    pub role: Role,
    /// The edge's name.
    pub name: ChildName,
    /// Is the child force-share?
    pub force_share: bool,
}

/// P4: the pair of an edge from a node.
pub fn child_pair(i: Input) -> Pair {
    let own = match (i.kind, i.opt) {
        (Kind::ExclusiveWriter, _) => EXCLUSIVE,
        (Kind::NoPermission | Kind::Protocol, _) => Pair::FREE,
        (Kind::WriteToSelected, Opt::Select(chosen)) => {
            if chosen == Some(i.name) {
                EXCLUSIVE
            } else {
                Pair::FREE
            }
        }
        (Kind::Blkdebug, Opt::Debug { take, unshare }) => {
            let default = by_role(i);
            Pair::new(default.need | take, default.share - unshare)
        }
        (Kind::Quorum, Opt::Rewrite(rewrite)) => {
            Pair::new(i.parent.need & PASSED | W.when(rewrite), i.parent.share & (R | U) | G)
        }
        _ => by_role(i),
    };
    // P8: a force-share node lets every node above it share everything.
    if i.force_share { Pair::new(own.need, ALL) } else { own }
}

/// P6.1: writes, and lets nobody else write.
const EXCLUSIVE: Pair = Pair::new(W, Perms(ALL.0 & !W.0));

/// P5: the default rules.
fn by_role(i: Input) -> Pair {
    if i.role.has(Role::COW) {
        cow(i.parent)
    } else if i.role.has(Role::FILTERED) {
        filtered(i.parent)
    } else {
        storage(i)
    }
}

/// P5.1: a filter is transparent.
fn filtered(parent: Pair) -> Pair {
    Pair::new(parent.need & PASSED, parent.share & PASSED | G)
}

/// P5.2: a backing file is only read, and only if somebody reads above.
fn cow(parent: Pair) -> Pair {
    let tolerates_change = parent.share.meets(W);
    Pair::new(parent.need & R, R | U | G | (W | Z).when(tolerates_change))
}

/// P5.3 and P5.4: metadata first, then data.
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

/// S3.1: may an edge have this role at all?
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

/// S3.2: does a well-formed role fit the parent's driver?
pub fn fits(role: Role, kind: Kind) -> bool {
    let filter = kind.filter_slot().is_some();
    (!role.has(Role::FILTERED) || filter)
        && (!role.has(Role::COW) || kind.supports_cow())
        && (!role.has(Role::PRIMARY) || role.has(Role::FILTERED) || !filter)
}
