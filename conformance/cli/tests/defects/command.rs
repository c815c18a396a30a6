//! `blockgraph defects`, and what it writes.

use crate::common::{bad, blockgraph, text};
use crate::quick_rooms::{cheap, cheap_defects};
use blockgraph_model::machines::Defect;
use blockgraph_model::machines::museum::rooms;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

fn objects(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The story of each defect passes on model and crate, and fails in its last step, and only there, with the machine.
#[test]
fn each_story_fails_with_its_defect_and_passes_without() {
    let folder = TempDir::new().unwrap();
    let ids: Vec<&str> = cheap_defects().iter().map(|defect| defect.id()).collect();
    let numbers: Vec<String> = cheap().iter().map(|room| room.number.to_string()).collect();
    let mut arguments = vec!["defects", "--json", "--out", folder.path().to_str().unwrap(), "--room"];
    arguments.extend(numbers.iter().map(String::as_str));
    let output = blockgraph(&arguments, b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr).lines().count(), ids.len());
    for id in ids {
        let path = folder.path().join(format!("{}.scenario", id.to_lowercase()));
        let story = fs::read_to_string(&path).unwrap();
        let path = path.to_str().unwrap();
        let head: Vec<&str> = story.lines().take(3).collect();
        assert!(head.iter().all(|line| line.starts_with("# ")) && head[0].starts_with(&format!("# {id}: ")), "{story}");
        assert!(head[2].ends_with(&format!(": blockgraph replay {path} --with {id}")), "{story}");
        let without = blockgraph(&["replay", path, "--quiet"], b"");
        assert_eq!((without.status.code(), text(&without.stdout)), (Some(0), String::new()), "{id}");
        let with = blockgraph(&["replay", path, "--quiet", "--with", id], b"");
        let step = story.lines().collect::<Vec<_>>().iter().rposition(|line| !line.starts_with([' ', '}'])).unwrap();
        let last = format!("FAILED {path}:{}: room ", step + 1);
        let said = text(&with.stdout);
        assert_eq!(with.status.code(), Some(1), "{id}: {said}{}", text(&with.stderr));
        assert!(said.starts_with(&last) && said.contains(&format!(", {id}: ")) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn json_is_one_object_a_line() {
    let number = cheap().iter().find(|room| room.defects.len() == 1).unwrap().number;
    let output = blockgraph(&["defects", "--room", &number.to_string(), "--json", "--threads", "1"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let objects = objects(&output.stdout);
    let of = |key: &str| objects.iter().filter(|object| object[key].is_string() || object[key].is_u64()).count();
    assert_eq!(of("room"), 1);
    let room = &objects[0];
    assert_eq!((&room["room"], room["missing"].as_array().map(Vec::len)), (&number.into(), Some(0)));
    let id = room["met"][0].as_str().unwrap();
    let defect = objects.iter().find(|object| object["defect"] == id).unwrap();
    let about = Defect::of(id).unwrap().about();
    assert_eq!((defect["title"].as_str(), defect["breaks"].as_str()), (Some(about.title), Some(about.breaks)));
    let (shortest, steps) = (&defect["shortest"], defect["shortest"]["story"].as_array().unwrap().len());
    assert_eq!((&shortest["room"], shortest["steps"].as_u64()), (&number.into(), Some(steps as u64)));
    assert!(defect["count"].as_u64().unwrap() > 0 && shortest["seconds"].as_f64().unwrap() >= 0.0);
    let whole = objects.last().unwrap();
    assert_eq!((&whole["holds"], &whole["met"], &whole["states"]), (&true.into(), &1.into(), &room["states"]));
}

/// The table, the stories, the totals; and nothing is overwritten.
#[test]
fn the_report_for_people() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("new");
    for file in ["h44.scenario", "h44-2.scenario"] {
        let output = blockgraph(&["defects", "--defect", "h44", "--stories", "--out", out.to_str().unwrap()], b"");
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("\nH44     0f12264e7a 3.0") && said.contains("\n          drain-all-begin\n"), "{said}");
        assert!(said.contains("\ndefects met                 1 of 1\n") && said.ends_with("\nOK\n"), "{said}");
        let story = fs::read_to_string(out.join(file)).unwrap();
        assert!(story.contains(&format!("{file} --with H44")), "{story}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let known = Defect::ALL.iter().map(|defect| defect.id()).collect::<Vec<_>>().join(", ");
    bad(&blockgraph(&["defects", "--defect", "H44", "H99"], b""), &format!("no defect \"H99\": there are {known}"));
    bad(
        &blockgraph(&["replay", "-", "--with", "x"], b"add node=a kind=filter\n"),
        &format!("no defect \"x\": there are {known}"),
    );
    let rooms = rooms().len();
    bad(&blockgraph(&["defects", "--room", "0"], b""), &format!("no room 0: there are 1 to {rooms}"));
    for arguments in
        [&["defects", "--check"][..], &["defects", "--room", "1", "--defect", "H44"], &["defects", "--room"]]
    {
        let output = blockgraph(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{arguments:?}");
    }
}

#[test]
fn help_says_what_there_is() {
    let help = text(&blockgraph(&["defects", "--help"], b"").stdout);
    for flag in
        ["--defect <ID>", "--room <N>", "--threads", "--stories", "--json", "--out <DIR>", "--pages <DIR>", "--check"]
    {
        assert!(help.contains(flag), "{flag}: {help}");
    }
    assert!(text(&blockgraph(&["replay", "--help"], b"").stdout).contains("--with <DEFECT>"));
    assert!(text(&blockgraph(&["--help"], b"").stdout).contains("\n  defects "));
}
