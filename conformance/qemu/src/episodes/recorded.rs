//! The recorded episodes of `conformance/traces/`, which are part of the program: to be compared where there is no QEMU.

use crate::episodes::counts::Counts;
use crate::episodes::trace::Episode;
use std::collections::BTreeSet;

/// The names of the files in that folder and what is in them.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../traces/", $name))),)*]
    };
}

/// All files: name, and an episode a line.
pub const FILES: &[(&str, &str)] = files! {
    "qemu-10.0.2-51.jsonl"
    "qemu-10.0.2-52.jsonl"
};

/// What recorded episodes say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// The versions of QEMU that played them.
    pub versions: BTreeSet<String>,
    /// Of those episodes in which nothing differs without a rule.
    pub counts: Counts,
    /// Episodes that cannot be read, or in which something differs: where, and what.
    pub wrong: Vec<String>,
}

/// Compares all episodes again. Costs about a tenth of a millisecond an operation.
pub fn check(files: &[(&str, &str)]) -> Checked {
    let mut checked = Checked::default();
    for (name, text) in files {
        for (number, line) in text.lines().enumerate() {
            let read = serde_json::from_str::<Episode>(line).map_err(|error| error.to_string());
            let counts = read.and_then(|episode| {
                checked.versions.insert(episode.qemu.clone());
                episode.check()
            });
            match counts {
                Ok(counts) => checked.counts.add(&counts),
                Err(what) => checked.wrong.push(format!("{name}:{}: {what}", number + 1)),
            }
        }
    }
    checked
}
