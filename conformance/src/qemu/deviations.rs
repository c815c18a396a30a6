//! Where QEMU does otherwise on purpose of ours: rules over state, operation and answer; `specs/qemu-deviations.md` explains each.

use super::judge::Case;

/// A rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
}

impl Rule {
    /// All of them.
    pub const EVERY: [Rule; 0] = [];
    /// Its number in `specs/qemu-deviations.md`.
    pub const fn name(self) -> &'static str {
        match self {}
    }
    /// In a few words.
    pub const fn what(self) -> &'static str {
        match self {}
    }
}

/// The rule by which this case differs, if there is one.
pub fn rule<const N: usize, const E: usize>(_case: &Case<'_, N, E>) -> Option<Rule> {
    None
}
