//! What the coverage-guided fuzzer found worth keeping (`conformance/fuzz/corpus/`), played once more without it (F8).
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

use blockgraph_check::fuzz::Difference;
use blockgraph_check::fuzz::byte_story::{self, ByteStory};
use blockgraph_check::generate::Mode;
use blockgraph_story::counterexample;
use std::fs;
use std::path::Path;

/// The inputs of one target, by file name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| (path.display().to_string(), fs::read(path).unwrap());
    let mut all: Vec<_> = files.map(read).collect();
    all.sort();
    assert!(all.len() > 20, "{target}: {} inputs", all.len());
    all
}

fn play(target: &str, mode: Mode, play: fn(&ByteStory) -> Option<Difference>) {
    for (name, bytes) in corpus(target) {
        if let Some(found) = play(&ByteStory::read(mode, &bytes)) {
            panic!("{name}: model and crate differ:\n{}", counterexample::text(&found.story, &found.what));
        }
    }
}

#[test]
fn ops_differential() {
    play("ops_differential", Mode::Plausible, ByteStory::play);
}

#[test]
fn ops_hostile() {
    play("ops_hostile", Mode::Hostile, ByteStory::play);
}

#[test]
fn rollback_injection() {
    play("rollback_injection", Mode::Plausible, ByteStory::play_injected);
}

#[test]
fn scenario_parser() {
    for (name, bytes) in corpus("scenario_parser") {
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(byte_story::check_scenario(&text), Ok(()), "{name}");
    }
}
