//! `specs/coverage.md` points at files, functions, tests and scenarios: all of them are there.
#![allow(clippy::unwrap_used, reason = "what a test's helpers cannot do fails the test")]

use blockgraph_model::scopes::scope;
use std::fs;
use std::path::Path;

/// The pieces between backticks of one cell, in order.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The facets, which cells name as well.
fn facets() -> impl Iterator<Item = &'static str> {
    scope("smoke").into_iter().flat_map(|scope| scope.facets.into_iter().map(|(facet, _)| facet.name))
}

/// What a cell names that is not there: a file, or a name that the file before it does not have.
fn missing(root: &Path, cell: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut text: Option<String> = None;
    for piece in quoted(cell) {
        if piece.ends_with(".scenario") {
            if !root.join("specs/scenarios").join(piece).exists() {
                wrong.push(piece.to_owned());
            }
        } else if piece.ends_with(".rs") || piece.ends_with(".md") || piece.ends_with('/') {
            // A folder stands for everything in it.
            text = fs::read_to_string(root.join(piece)).ok();
            if text.is_none() && !root.join(piece).is_dir() {
                wrong.push(piece.to_owned());
            }
        } else if piece.chars().any(|c| !c.is_ascii_alphanumeric() && !"_:()".contains(c))
            || facets().any(|f| f == piece)
        {
            // A message, an edge; or a facet of the scopes.
        } else if let Some(text) = &text {
            let name = piece.rsplit("::").next().unwrap().trim_end_matches("()");
            if !text.contains(name) {
                wrong.push(piece.to_owned());
            }
        }
    }
    wrong
}

#[test]
fn everything_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let page = fs::read_to_string(root.join("specs/coverage.md")).unwrap();
    let mut rows = 0;
    let mut wrong = Vec::new();
    for (number, line) in page.lines().enumerate().filter(|(_, line)| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        if cells.len() != 6 {
            continue;
        }
        rows += 1;
        assert!(cells.iter().all(|cell| !cell.trim().is_empty()), "line {}: an empty cell", number + 1);
        for cell in &cells[3..] {
            wrong.extend(missing(root, cell).into_iter().map(|what| format!("line {}: {what}", number + 1)));
        }
    }
    assert!(rows > 150, "only {rows} rows: is the table still a table?");
    assert!(wrong.is_empty(), "named in specs/coverage.md but not there:\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_name_is_noticed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    assert!(missing(root, "`model/src/step.rs` `Work::append`, `h10-cycles.scenario`").is_empty());
    assert_eq!(missing(root, "`model/src/step.rs` `Work::vanish`"), ["Work::vanish"]);
    assert_eq!(missing(root, "`model/src/steps.rs` `Work::append`"), ["model/src/steps.rs"]);
    assert_eq!(missing(root, "`h99-none.scenario`"), ["h99-none.scenario"]);
}
