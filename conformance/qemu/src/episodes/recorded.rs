//! The recorded episodes of `conformance/traces/`. They are part of the program, and are compared where no QEMU is
//! installed.

use crate::episodes::counts::Counts;
use crate::episodes::trace::Episode;
use std::collections::BTreeSet;

/// The names of the files in that folder, and their contents.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../traces/", $name))),)*]
    };
}

/// All files: the name, and one episode a line.
pub const FILES: &[(&str, &str)] = files! {
    "qemu-10.0.2-51.jsonl"
    "qemu-10.0.2-52.jsonl"
};

/// The result of comparing recorded episodes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// The versions of QEMU that played them.
    pub versions: BTreeSet<String>,
    /// The counts of the episodes without an unexplained difference.
    pub counts: Counts,
    /// The episodes that cannot be read, or that differ: where, and how.
    pub wrong: Vec<String>,
}

/// Compares all episodes again. Costs about a tenth of a millisecond for each operation.
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
