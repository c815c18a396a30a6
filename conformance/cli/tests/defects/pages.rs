//! Pages: written by a person, with a block that is generated; and those that are committed.

use crate::common::{bad, blockgraph, file, text};
use blockgraph_model::machines::Defect;
use blockgraph_museum::page;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const PAGE: &str = "# H42\n\n<!-- defect: H42 -->\n\n<!-- generated -->\nold\n<!-- end -->\n\nwhy\n";

#[test]
fn pages_are_rewritten_and_checked() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "01-x.md", PAGE.as_bytes());
    file(&folder, "README.md", b"no defect here\n");
    let pages = |more: &[&str]| {
        let arguments = ["defects", "--defect", "H42", "--pages", folder.path().to_str().unwrap()];
        blockgraph(&[&arguments[..], more].concat(), b"")
    };
    let stale = pages(&["--check"]);
    assert_eq!((stale.status.code(), fs::read_to_string(&path).unwrap()), (Some(1), PAGE.to_owned()));
    assert!(text(&stale.stderr).starts_with(&format!("{path}: not as generated; ")), "{}", text(&stale.stderr));
    assert_eq!(pages(&[]).status.code(), Some(0));
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("# H42\n") && written.ends_with("<!-- end -->\n\nwhy\n") && !written.contains("old"));
    for part in ["**H42**: ", "4be6a6d118", "| 4 | `attach ", "quiesce=1", "| steps | 4 |", "--with H42"] {
        assert!(written.contains(part), "{part}: {written}");
    }
    assert_eq!(pages(&["--check"]).status.code(), Some(0));
    // What a person wrote is theirs.
    fs::write(&path, written.replace("why", "because")).unwrap();
    assert_eq!(pages(&["--check"]).status.code(), Some(0));
    fs::write(&path, written.replace("steps | 4", "steps | 5")).unwrap();
    assert_eq!(pages(&["--check"]).status.code(), Some(1));
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let folder = TempDir::new().unwrap();
    let here = folder.path().to_str().unwrap();
    let arguments = ["defects", "--defect", "H42", "--pages", here];
    bad(&blockgraph(&arguments, b""), &format!("{here}: no page names a defect"));
    let path = file(&folder, "1.md", b"<!-- defect: H99 -->\n");
    bad(&blockgraph(&arguments, b""), &format!("{path}: no defect \"H99\""));
    let path = file(&folder, "1.md", b"<!-- defect: H42 -->\n");
    let output = blockgraph(&arguments, b"");
    let line = format!("{path}: expected one line <!-- generated --> and after it one line <!-- end -->\n");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), line));
}

/// The twelve: each speaks of one defect, and its block is the one of that defect. Whether all that is in it is as it must be
/// takes the whole museum: `blockgraph defects --pages specs/counterexamples --check`.
#[test]
fn the_committed_pages() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs/counterexamples");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut defects: Vec<Defect> = Vec::new();
    for path in paths {
        let (name, text) = (path.file_name().unwrap().to_string_lossy(), fs::read_to_string(&path).unwrap());
        let Some(defect) = page::defect(&text).unwrap() else { continue };
        let title = format!("# {}: ", defect.id());
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        let expected = ["## Result", "## Why QEMU's tests missed it", "## Why it fails", "## What mends it"];
        assert!(headings[0].starts_with(&title) && headings[1..] == expected, "{name}: {headings:?}");
        let block = text.split_once("<!-- generated -->\n").unwrap().1.split_once("<!-- end -->").unwrap().0;
        let other =
            Defect::ALL.iter().find(|other| **other != defect && block.contains(&format!("**{}**", other.id())));
        assert!(
            block.is_empty() || block.contains(&format!("**{}**: ", defect.id())) && other.is_none(),
            "{name}: {block}"
        );
        let number = defects.len() + 1;
        assert!(name.starts_with(&format!("{number:02}-")), "{name}: expected number {number}");
        defects.push(defect);
    }
    assert_eq!(defects.len(), 12, "{defects:?}");
}
