//! The laws of permissions (`specs/permissions.md`), of model and crate alike, tried on everything there is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

mod algebra;
mod child_rules;
mod conflicts;

use blockgraph_model::{Pair, Perms};

/// All 2¹⁰ pairs.
fn every_pair() -> impl Iterator<Item = Pair> {
    Perms::every().flat_map(|need| Perms::every().map(move |share| Pair::new(need, share)))
}

/// All 2²⁰ pairs of pairs.
fn every_two() -> impl Iterator<Item = (Pair, Pair)> {
    every_pair().flat_map(|a| every_pair().map(move |b| (a, b)))
}

/// A pair as what it asks of the other parents: ten bits, what it needs and what it withholds. Who asks for less is looser (V7).
fn asks(pair: Pair) -> u16 {
    u16::from(pair.need.0) | u16::from(31 & !pair.share.0) << 5
}

/// The pair that asks for that.
fn asking(bits: u16) -> Pair {
    Pair::new(Perms((bits & 31) as u8), Perms((31 & !(bits >> 5)) as u8))
}
