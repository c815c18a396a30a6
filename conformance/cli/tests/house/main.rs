//! Rules for the sources of all crates that no compiler checks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

mod modules;

use modules::Crate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The folders of the workspace's crates.
const CRATES: [&str; 8] = [
    "model",
    "impl",
    "benches",
    "conformance/story",
    "conformance/check",
    "conformance/qemu",
    "conformance/museum",
    "conformance/cli",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The files that can be reached from each file by imports.
fn reached<'a>(imports: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> BTreeMap<&'a Path, BTreeSet<&'a Path>> {
    let mut all = imports.clone();
    for _ in 0..imports.len() {
        let before = all.clone();
        for (file, known) in &mut all {
            known.extend(imports[file].iter().flat_map(|next| before.get(next).into_iter().flatten()));
        }
        if before == all {
            break;
        }
    }
    all
}

/// Files that import each other in a circle cannot be read or changed one at a time.
#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for name in CRATES {
        let folder = root().join(name);
        let read = Crate::read(&folder);
        let imports = read.imports();
        assert!(imports.values().any(|files| !files.is_empty()) || imports.len() < 3, "{name}: no import was found");
        let reached = reached(&imports);
        for (file, targets) in &imports {
            let back = |target: &&&Path| reached[**target].contains(file);
            for target in targets.iter().filter(back) {
                let short = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
                circles.push(format!("{} -> {}", short(file), short(target)));
            }
        }
    }
    assert!(circles.is_empty(), "these imports are part of a circle:\n{}", circles.join("\n"));
}
