//! The example of the README is the output of the command.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::path::Path;
use std::process::Command;

/// The lines of the README's replay appear in the output in this order.
#[test]
fn the_replay_prints_what_the_readme_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, example) = readme.split_once("$ cargo run --release -- replay ").unwrap();
    let (file, rest) = example.split_once('\n').unwrap();
    let shown: Vec<&str> = rest.split("```").next().unwrap().lines().filter(|line| *line != "…").collect();
    assert!(shown.len() > 5, "{shown:?}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockgraph"));
    let output = command.args(["replay", file]).current_dir(root).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    for line in shown {
        assert!(lines.any(|printed| printed == line), "not printed in this order: {line}\n{text}");
    }
    assert!(output.status.success());
}
