//! P1 and P2: the algebra of permission sets and pairs, of the model and of the crate: each law on everything there is, and
//! both the same.

use crate::{asking, asks, every_pair};
use blockgraph::Permissions;
use blockgraph_check::translate::{pair, pair_back, permissions};
use blockgraph_model::perm::{ALL, NONE};
use blockgraph_model::{Pair, Perms};
use blockgraph_story::text::value::{Type, Value, print_perms};
use blockgraph_story::text::{Names, parse, print};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// A set of five bits, of the model or of the crate.
trait Set: Copy + Eq + Debug {
    const NONE: Self;
    const ALL: Self;
    fn of(bits: u8) -> Self;
    fn bits(self) -> u8;
    fn or(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn within(self, other: Self) -> bool;
    fn meets(self, other: Self) -> bool;

    fn every() -> impl Iterator<Item = Self> + Clone {
        (0..32).map(Self::of)
    }
}

impl Set for Perms {
    const NONE: Self = NONE;
    const ALL: Self = ALL;
    fn of(bits: u8) -> Self {
        Perms(bits)
    }
    fn bits(self) -> u8 {
        self.0
    }
    fn or(self, other: Self) -> Self {
        self | other
    }
    fn and(self, other: Self) -> Self {
        self & other
    }
    fn minus(self, other: Self) -> Self {
        self - other
    }
    fn within(self, other: Self) -> bool {
        Perms::within(self, other)
    }
    fn meets(self, other: Self) -> bool {
        Perms::meets(self, other)
    }
}

impl Set for Permissions {
    const NONE: Self = Permissions::NONE;
    const ALL: Self = Permissions::ALL;
    fn of(bits: u8) -> Self {
        Permissions::from_bits(bits).unwrap()
    }
    fn bits(self) -> u8 {
        Permissions::bits(&self)
    }
    fn or(self, other: Self) -> Self {
        self | other
    }
    fn and(self, other: Self) -> Self {
        self & other
    }
    fn minus(self, other: Self) -> Self {
        self - other
    }
    fn within(self, other: Self) -> bool {
        other.contains(self)
    }
    fn meets(self, other: Self) -> bool {
        self.intersects(other)
    }
}

fn has(bits: u8, bit: u8) -> bool {
    bits >> bit & 1 == 1
}

/// The set of those of the five bits for which it is true.
fn those(is: impl Fn(u8) -> bool) -> u8 {
    (0..5).filter(|bit| is(*bit)).map(|bit| 1 << bit).sum()
}

/// P1: a set is its members, and an operation on sets one on members.
fn members_decide<S: Set>() {
    assert_eq!((S::NONE.bits(), S::ALL.bits(), S::every().count()), (0, 31, 32));
    for (a, b) in S::every().flat_map(|a| S::every().map(move |b| (a, b))) {
        let (x, y) = (a.bits(), b.bits());
        assert_eq!(a.or(b).bits(), those(|bit| has(x, bit) || has(y, bit)), "{a:?} {b:?}");
        assert_eq!(a.and(b).bits(), those(|bit| has(x, bit) && has(y, bit)), "{a:?} {b:?}");
        assert_eq!(a.minus(b).bits(), those(|bit| has(x, bit) && !has(y, bit)), "{a:?} {b:?}");
        assert_eq!(a.within(b), (0..5).all(|bit| !has(x, bit) || has(y, bit)), "{a:?} {b:?}");
        assert_eq!(a.meets(b), (0..5).any(|bit| has(x, bit) && has(y, bit)), "{a:?} {b:?}");
        assert_eq!(a == b, a.within(b) && b.within(a), "{a:?} {b:?}");
        assert!(a.or(b) == b.or(a) && a.and(b) == b.and(a) && a.or(a.and(b)) == a && a.and(a.or(b)) == a);
        assert!(a.minus(b) == a.and(S::ALL.minus(b)) && a.meets(b) == (a.and(b) != S::NONE));
    }
}

/// P1: sets make a Boolean algebra.
fn triples_agree<S: Set>() {
    let not = |set: S| S::ALL.minus(set);
    for (a, b) in S::every().flat_map(|a| S::every().map(move |b| (a, b))) {
        assert!(not(a.or(b)) == not(a).and(not(b)) && not(a.and(b)) == not(a).or(not(b)), "{a:?} {b:?}");
        for c in S::every() {
            assert!(a.or(b).or(c) == a.or(b.or(c)) && a.and(b).and(c) == a.and(b.and(c)), "{a:?} {b:?} {c:?}");
            assert!(a.and(b.or(c)) == a.and(b).or(a.and(c)) && a.or(b.and(c)) == a.or(b).and(a.or(c)));
            assert!(a.minus(b).minus(c) == a.minus(b.or(c)), "{a:?} {b:?} {c:?}");
            assert!(!a.within(b) || a.or(c).within(b.or(c)) && a.minus(c).within(b.minus(c)) && a.and(c).within(b));
            assert!(!(a.within(b) && b.within(c)) || a.within(c), "{a:?} {b:?} {c:?}");
        }
    }
}

#[test]
fn sets_are_a_boolean_algebra_in_both() {
    members_decide::<Perms>();
    members_decide::<Permissions>();
    triples_agree::<Perms>();
    triples_agree::<Permissions>();
}

/// Both operate alike on the same bits, and translation there and back is the identity.
#[test]
fn sets_of_model_and_crate_are_the_same() {
    for (a, b) in Perms::every().flat_map(|a| Perms::every().map(move |b| (a, b))) {
        let (x, y) = (permissions(a), permissions(b));
        assert_eq!(permissions(a | b), x | y);
        assert_eq!(permissions(a & b), x & y);
        assert_eq!(permissions(a - b), x - y);
        assert_eq!((a.within(b), a.meets(b)), (y.contains(x), x.intersects(y)));
        assert_eq!(pair_back(pair(Pair::new(a, b))), Pair::new(a, b));
    }
    for set in Permissions::ALL.iter() {
        assert_eq!(set.bits().count_ones(), 1);
        for on in [true, false] {
            assert_eq!(permissions(Perms(set.bits()).when(on)), if on { set } else { Permissions::NONE });
        }
    }
    let (rwuz, writing) = (Permissions::PASS_THROUGH, Permissions::WRITING);
    assert_eq!((rwuz.bits(), writing.bits()), (0b01111, 0b00110), "P1, V3.3");
}

/// P1: the words of messages are QEMU's, in the order of the bits, one for each; and so are the letters.
#[test]
fn every_set_has_its_words_and_letters() {
    const WORDS: [&str; 5] = ["consistent read", "write", "write unchanged", "resize", "change children"];
    let mut spellings = BTreeSet::new();
    for set in Perms::every() {
        let of = |table: [&str; 5], separator: &str| {
            let words: Vec<_> = (0..5).filter(|bit| has(set.0, *bit)).map(|bit| table[usize::from(bit)]).collect();
            words.join(separator)
        };
        let (message, letters) = (of(WORDS, ", "), of(["r", "w", "u", "z", "g"], ""));
        let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
        assert_eq!(permissions(set).to_string(), or(message, "none"));
        assert_eq!(format!("{set:?}"), or(letters, "-"));
        assert_eq!(format!("{:?}", Pair::new(set, ALL - set)), format!("{set:?}/{:?}", ALL - set));
        spellings.insert(permissions(set).to_string());
        // Separated at the commas the words give the set back.
        let bit = |word: &str| WORDS.iter().position(|known| *known == word).map_or(0, |place| 1 << place);
        let back: u8 = permissions(set).to_string().split(", ").map(bit).sum();
        assert_eq!(back, set.0);
    }
    assert_eq!(spellings.len(), 32);
}

/// T6: what is printed is read back, in values and in a whole line; other spellings of the same set are the same set.
#[test]
fn every_set_is_read_back_from_text() {
    let names = &mut Names::default();
    let mut read = |word: &str| Type::Perms.read(word, names);
    let mut spellings = BTreeSet::new();
    for set in Perms::every() {
        let canonical = print_perms(set);
        assert_eq!(Value::Perms(set).print(&Names::default()), canonical);
        let but = |left: Perms| if left == NONE { "all".to_owned() } else { format!("all-{left:?}") };
        let backwards: String = format!("{set:?}").chars().rev().collect();
        for word in [canonical.clone(), format!("{set:?}"), backwards, but(ALL - set)] {
            assert_eq!(read(&word), Ok(Value::Perms(set)), "{word}");
        }
        let line = format!("name user=u\nset-user user=u need={canonical} share={}\n", print_perms(ALL - set));
        assert_eq!(print(&parse(&line).unwrap().0), line);
        spellings.insert(canonical);
    }
    assert_eq!(spellings.len(), 32);
    for word in ["", "rr", "x", "all-", "all-rr", "R", "r,w", "--", "none"] {
        assert!(read(word).is_err(), "{word}");
    }
}

/// P2: several parents together need what one of them needs, and no parents need nothing. V7: a loosening needs no
/// more. The test covers all 2²⁰ pairs of pairs. Both properties are defined bit by bit on ten bits, so the pairs are
/// an upper semilattice with a least element and its order, because single bits are associative and transitive.
#[test]
fn pairs_add_up_and_are_ordered() {
    let mut loosenings = 0;
    for a in every_pair() {
        assert_eq!((a.with(a), a.with(Pair::FREE), Pair::FREE.with(a)), (a, a, a));
        assert_eq!(asking(asks(a)), a);
        assert!(a.loosens(a) && Pair::FREE.loosens(a) && (a == Pair::FREE || !a.loosens(Pair::FREE)));
        assert_eq!(permissions(ALL - a.share), pair(a).unshares());
        for b in every_pair() {
            let both = a.with(b);
            assert_eq!(asks(both), asks(a) | asks(b), "{a:?} {b:?}");
            assert_eq!(both, b.with(a), "{a:?} {b:?}");
            let loosens = a.loosens(b);
            assert_eq!(loosens, asks(a) & !asks(b) == 0, "{a:?} {b:?}");
            assert_eq!(loosens, both == b, "the order is that of adding up: {a:?} {b:?}");
            assert_eq!(loosens, pair(a).is_loosening_of(pair(b)), "{a:?} {b:?}");
            assert!(!(loosens && b.loosens(a)) || a == b, "{a:?} {b:?}");
            loosenings += u32::from(loosens);
        }
    }
    assert_eq!(loosenings, 3u32.pow(10), "each of ten bits is in both, in the tighter one, or in neither");
    assert_eq!((pair(Pair::FREE), blockgraph::Pair::default()), (blockgraph::Pair::NOTHING, pair(Pair::FREE)));
}

/// P2: in which order and how they are bracketed does not matter. All triples of needs beside all triples of shares.
#[test]
fn adding_up_is_associative() {
    for bits in 0..1u16 << 15 {
        let part = |at: u16, by: u16| Perms(((bits ^ by) >> at & 31) as u8);
        let [a, b, c] = [0, 5, 10].map(|at| Pair::new(part(at, 0), part(10 - at, 0x2a95)));
        assert_eq!(a.with(b).with(c), a.with(b.with(c)));
        let loosened = !a.loosens(b) || a.with(c).loosens(b.with(c));
        assert!(loosened && (!(a.loosens(b) && b.loosens(c)) || a.loosens(c)), "{a:?} {b:?} {c:?}");
    }
}
