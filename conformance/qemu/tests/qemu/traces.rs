//! Recorded episodes, compared without QEMU; and what a comparison must notice.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use blockgraph_qemu::compare::answer::TurnAnswer;
use blockgraph_qemu::episodes::recorded::{Checked, FILES, check};
use blockgraph_qemu::episodes::trace::{Episode, Recorded};
use std::collections::BTreeSet;
use std::path::PathBuf;

pub(crate) fn episodes() -> Vec<Episode> {
    FILES.iter().flat_map(|(_, text)| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The program has all files of the folder in it, as they are.
#[test]
fn the_list_of_files_is_the_folder() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../traces");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    let mut there: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect();
    there.sort();
    let listed: Vec<_> = FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&listed), names(&there), "the list in conformance/src/qemu/recorded.rs");
    assert!(listed == there);
}

/// What QEMU did is what the model says, or differs by a rule.
#[test]
fn recorded_episodes_agree() {
    let Checked { versions, counts, wrong } = check(FILES);
    assert_eq!(wrong, [""; 0]);
    assert!(counts.episodes >= 100 && counts.ops >= 5_000, "{} episodes, {} operations", counts.episodes, counts.ops);
    assert_eq!(counts.alike + counts.explained(), counts.turns);
    assert_eq!(versions.len(), FILES.iter().map(|(name, _)| name.split('-').nth(1)).collect::<BTreeSet<_>>().len());
}

/// `verify` fails by a file in which one answer is another, and by one that is broken.
#[test]
fn a_falsified_file_is_wrong() {
    let (name, text) = FILES[0];
    let first = text.lines().next().unwrap();
    let mut episode: Episode = serde_json::from_str(first).unwrap();
    let last = episode.turns.iter_mut().rfind(|turn| turn.answer == TurnAnswer::Done).unwrap();
    last.answer = TurnAnswer::Refused("GenericError".to_owned(), "Block node is read-only".to_owned());
    let text = format!("{first}\n{}\n{{\n", serde_json::to_string(&episode).unwrap());
    let Checked { counts, wrong, .. } = check(&[(name, &text)]);
    assert_eq!(counts.episodes, 1);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with(&format!("{name}:2: turn ")), "{wrong:?}");
    assert!(wrong[1].starts_with(&format!("{name}:3: EOF while parsing")), "{wrong:?}");
}

/// The first turn of all episodes to which QEMU said that; the episode ends with it.
fn ending_with(is: impl Fn(&TurnAnswer) -> bool) -> Vec<Episode> {
    let cut = |mut episode: Episode| {
        let place = episode.turns.iter().position(|turn| is(&turn.answer) && turn.change.is_some())?;
        episode.turns.truncate(place + 1);
        Some(episode)
    };
    episodes().into_iter().filter_map(cut).collect()
}

/// A comparison that cannot fail would be worth nothing: every answer turned round is noticed.
#[test]
fn a_wrong_answer_is_noticed() {
    let mut tried = 0;
    for mut episode in ending_with(|answer| *answer == TurnAnswer::Done) {
        episode.check().unwrap();
        let last = episode.turns.last_mut().unwrap();
        last.answer = TurnAnswer::Refused("GenericError".to_owned(), "Block node is read-only".to_owned());
        assert!(episode.check().is_err(), "{:?}", episode.turns.last());
        tried += 1;
    }
    for mut episode in
        ending_with(|answer| matches!(answer, TurnAnswer::Refused(_, text) if text.contains("Permission conflict")))
    {
        if episode.check().is_err() {
            continue;
        }
        let last = episode.turns.last_mut().unwrap();
        last.answer = TurnAnswer::Done;
        assert!(episode.check().is_err(), "{:?}", episode.turns.last());
        tried += 1;
    }
    assert!(tried > 100, "{tried}");
}

/// So is every bit of a need or a share that is otherwise.
#[test]
fn a_wrong_bit_is_noticed() {
    let mut tried = 0;
    for episode in episodes().into_iter().take(60) {
        let with_edges = |turn: &Recorded| {
            let edges =
                turn.change.as_ref().is_some_and(|change| serde_json::to_string(change).unwrap().contains("\"e\""));
            turn.answer == TurnAnswer::Done && edges
        };
        let Some(place) = episode.turns.iter().position(with_edges) else { continue };
        for bit in 0..8 {
            let mut other = episode.clone();
            other.turns.truncate(place + 1);
            let mut change = serde_json::to_value(&other.turns[place].change).unwrap();
            let node = change["n"].as_object_mut().unwrap().values_mut().find(|node| node["e"].is_object()).unwrap();
            let edge = node["e"].as_object_mut().unwrap().values_mut().next().unwrap();
            let (at, flip) = (1 + bit / 4, 1 << (bit % 4));
            edge[at] = (edge[at].as_u64().unwrap() ^ flip).into();
            other.turns[place].change = serde_json::from_value(change).unwrap();
            assert!(other.check().is_err(), "bit {bit}: {:?}", other.turns[place]);
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}
