//! The rules in numbers; that they are monotone is a theorem (`theorems/loosening`).

use blockgraph_model::op::{Flags, Opt};
use blockgraph_model::perm::{ALL, G, NONE, R, U, W, Z};
use blockgraph_model::rules::{Input, child_pair, conflict, disturbs_inactive, fits, misaligned, well_formed};
use blockgraph_model::{ChildName, Kind, Pair, Perms, Phase, Role, Spec};
use quickcheck::{Arbitrary, Gen, QuickCheck};

#[test]
fn the_default_rules_in_numbers() {
    let base = Input {
        parent: Pair::new(NONE, ALL),
        has_parents: true,
        inactive: false,
        writable: true,
        no_io: false,
        kind: Kind::Format,
        opt: Opt::None,
        role: Role::DATA | Role::METADATA | Role::PRIMARY,
        name: ChildName::FILE,
        force_share: false,
    };
    let rwz = R | W | Z;
    // A writable format node without parents takes rwz and shares ru (and g) on its file, as the real QEMU shows.
    assert_eq!(child_pair(base), Pair::new(rwz, R | U | G));
    assert_eq!(child_pair(Input { writable: false, ..base }), Pair::new(R, R | U | G));
    assert_eq!(child_pair(Input { writable: false, no_io: true, ..base }), Pair::new(NONE, R | U | G));
    assert_eq!(child_pair(Input { force_share: true, ..base }), Pair::new(rwz, ALL));
    let data = Input { role: Role::DATA, ..base };
    assert_eq!(child_pair(data), Pair::new(NONE, ALL - Z));
    assert_eq!(child_pair(Input { parent: Pair::new(U, ALL - W), ..data }), Pair::new(U | W | Z, ALL - W - Z));
    let cow = Input { role: Role::COW, ..base };
    assert_eq!(child_pair(Input { parent: Pair::new(ALL, ALL - R), ..cow }), Pair::new(R, ALL));
    assert_eq!(child_pair(Input { parent: Pair::new(W, ALL - W), ..cow }), Pair::new(NONE, R | U | G));
    let filter = Input { kind: Kind::Filter, role: Role::FILTERED | Role::PRIMARY, ..base };
    assert_eq!(child_pair(Input { parent: Pair::new(ALL, NONE), ..filter }), Pair::new(ALL - G, G));
    let quorum = Input { kind: Kind::Quorum, opt: Opt::Rewrite(true), role: Role::DATA, ..base };
    assert_eq!(child_pair(Input { parent: Pair::new(R, ALL), ..quorum }), Pair::new(R | W, R | U | G));
    let debug = Opt::Debug { take: G, unshare: R };
    let debug = Input { kind: Kind::Blkdebug, opt: debug, ..filter };
    assert_eq!(child_pair(Input { parent: Pair::new(W, ALL), ..debug }), Pair::new(W | G, ALL - R));
}

/// P5.5 to P6.14, by hand.
#[test]
fn other_peoples_rules_in_numbers() {
    let filtered = |kind: Kind, need, share| Input {
        parent: Pair::new(need, share),
        has_parents: true,
        inactive: false,
        writable: true,
        no_io: false,
        kind,
        opt: kind.default_opt(),
        role: Role::FILTERED | Role::PRIMARY,
        name: ChildName::FILE,
        force_share: false,
    };
    let data = |kind, need, share| Input { role: Role::DATA, ..filtered(kind, need, share) };
    let image = |need| Input { role: Role::DATA | Role::METADATA | Role::PRIMARY, ..filtered(Kind::Format, need, ALL) };
    let inactive = |input| Input { inactive: true, writable: false, ..input };
    assert_eq!(child_pair(inactive(image(NONE))), Pair::new(R, ALL));
    assert_eq!(child_pair(inactive(filtered(Kind::Filter, R, ALL - W))), Pair::new(R, ALL - W));
    assert_eq!(child_pair(data(Kind::Raw, U, ALL)), Pair::new(U, ALL - Z));
    assert_eq!(child_pair(data(Kind::Raw, W, ALL)), Pair::new(W, ALL - Z));
    assert_eq!(child_pair(filtered(Kind::CopyOnRead, W | Z, R)), Pair::new(W | U | Z, R | U | G));
    assert_eq!(child_pair(inactive(filtered(Kind::CopyOnRead, R, ALL))), Pair::new(R, ALL));
    assert_eq!(child_pair(filtered(Kind::CopyBeforeWrite, W, ALL)), Pair::new(R | W, R | U | G));
    let alone = Input { has_parents: false, ..filtered(Kind::CopyBeforeWrite, NONE, ALL) };
    assert_eq!(child_pair(alone), Pair::new(NONE, ALL));
    assert_eq!(child_pair(data(Kind::CopyBeforeWrite, NONE, NONE)), Pair::new(W, ALL - Z));
    assert_eq!(child_pair(data(Kind::SnapshotAccess, ALL, NONE)), Pair::FREE);
    assert_eq!(child_pair(filtered(Kind::CommitTop, ALL, NONE)), Pair::FREE);
    assert_eq!(child_pair(filtered(Kind::Preallocate, W, ALL)), Pair::new(W, ALL));
    assert_eq!(child_pair(filtered(Kind::Preallocate, W | Z, ALL)), Pair::new(W | Z, R | U | G));
    let mirror = |phase| Input { opt: Opt::Phase(phase), ..filtered(Kind::MirrorTop, R | W, R | G) };
    assert_eq!(child_pair(mirror(Phase::Mirror)), Pair::new(R | W, R | G));
    assert_eq!(child_pair(mirror(Phase::Commit)), Pair::new(W, R | W | G));
    assert_eq!(child_pair(mirror(Phase::Stopped)), Pair::FREE);
    assert_eq!(child_pair(filtered(Kind::Blkverify, U, W)), Pair::new(U, W | G));
    assert_eq!(child_pair(filtered(Kind::Replication, Z, NONE)), Pair::new(R | W, ALL - Z));
    assert_eq!(child_pair(inactive(data(Kind::Replication, ALL, NONE))), Pair::new(NONE, ALL - Z));
    assert_eq!(child_pair(data(Kind::Vvfat, NONE, ALL)), Pair::new(R | W, U | G));
}

/// P9, V3.6.
#[test]
fn what_a_size_and_a_sleeping_image_allow() {
    let (odd, even) = (Opt::Unaligned(true), Opt::Unaligned(false));
    assert!([W, U, R | W].iter().all(|need| misaligned(odd, *need) && !misaligned(even, *need)));
    assert!([NONE, R, Z, W | Z, G].iter().all(|need| !misaligned(odd, *need)));
    assert!([W, U, Z, G, R | Z].iter().all(|need| disturbs_inactive(*need, true) && !disturbs_inactive(*need, false)));
    assert!([NONE, R].iter().all(|need| !disturbs_inactive(*need, true)));
}

#[test]
fn roles_are_counted() {
    // FILTERED|PRIMARY, COW, and {DATA, METADATA, both} with and without PRIMARY.
    assert_eq!((0..32).map(Role).filter(|r| well_formed(*r)).count(), 8);
    let fitting = |kind| (0..32).map(Role).filter(|r| well_formed(*r) && fits(*r, kind)).count();
    assert_eq!(fitting(Kind::Filter), 4);
    assert_eq!(fitting(Kind::Format), 7);
    assert_eq!(fitting(Kind::Quorum), 6);
    // FILTERED as well, though it is no filter (S3.2).
    assert_eq!(fitting(Kind::Raw), 7);
    assert!(Spec::plain(Kind::Quorum).flags == Flags::default());
}

#[derive(Clone, Debug)]
struct AnyPair(Pair);

impl Arbitrary for AnyPair {
    fn arbitrary(g: &mut Gen) -> Self {
        AnyPair(Pair::new(Perms(u8::arbitrary(g) & 31), Perms(u8::arbitrary(g) & 31)))
    }
}

#[test]
fn laws_of_pairs() {
    fn with_is_the_greatest_loosening(a: AnyPair, b: AnyPair) -> bool {
        let both = a.0.with(b.0);
        a.0.loosens(both) && b.0.loosens(both) && both == b.0.with(a.0) && both.with(a.0) == both
    }
    fn loosening_never_makes_a_conflict(a: AnyPair, b: AnyPair, c: AnyPair) -> bool {
        !c.0.loosens(a.0) || !conflict(c.0, b.0) || conflict(a.0, b.0)
    }
    fn a_conflict_is_seen_in_the_sums(a: AnyPair, b: AnyPair) -> bool {
        let both = a.0.with(b.0);
        !conflict(a.0, b.0) || !both.need.within(both.share)
    }
    let mut check = QuickCheck::new();
    check.quickcheck(with_is_the_greatest_loosening as fn(AnyPair, AnyPair) -> bool);
    check.quickcheck(loosening_never_makes_a_conflict as fn(AnyPair, AnyPair, AnyPair) -> bool);
    check.quickcheck(a_conflict_is_seen_in_the_sums as fn(AnyPair, AnyPair) -> bool);
}
