//! Recorded episodes, compared without QEMU; and what a comparison must notice.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use blockgraph_conformance::qemu::judge::Told;
use blockgraph_conformance::qemu::trace::{Episode, Recorded};
use std::path::PathBuf;

pub(crate) fn episodes() -> Vec<Episode> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("traces");
    let mut all = Vec::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    // The order in which a folder is read is not the same everywhere.
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        all.extend(text.lines().map(|line| serde_json::from_str::<Episode>(line).unwrap()));
    }
    all
}

/// What QEMU did is what the model says, or differs by a rule.
#[test]
fn recorded_episodes_agree() {
    let episodes = episodes();
    let mut ops = 0;
    for (number, episode) in episodes.iter().enumerate() {
        ops += episode.check().unwrap_or_else(|what| panic!("episode {}: {what}", number + 1));
    }
    assert!(episodes.len() >= 100 && ops >= 5_000, "{} episodes, {ops} operations", episodes.len());
}

/// The first turn of all episodes to which QEMU said that; the episode ends with it.
fn ending_with(is: impl Fn(&Told) -> bool) -> Vec<Episode> {
    let cut = |mut episode: Episode| {
        let place = episode.turns.iter().position(|turn| is(&turn.told) && turn.change.is_some())?;
        episode.turns.truncate(place + 1);
        Some(episode)
    };
    episodes().into_iter().filter_map(cut).collect()
}

/// A comparison that cannot fail would be worth nothing: every answer turned round is noticed.
#[test]
fn a_wrong_answer_is_noticed() {
    let mut tried = 0;
    for mut episode in ending_with(|told| *told == Told::Done) {
        episode.check().unwrap();
        let last = episode.turns.last_mut().unwrap();
        last.told = Told::Refused("GenericError".to_owned(), "Block node is read-only".to_owned());
        assert!(episode.check().is_err(), "{:?}", episode.turns.last());
        tried += 1;
    }
    for mut episode in
        ending_with(|told| matches!(told, Told::Refused(_, text) if text.contains("Permission conflict")))
    {
        if episode.check().is_err() {
            continue;
        }
        let last = episode.turns.last_mut().unwrap();
        last.told = Told::Done;
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
            turn.told == Told::Done && edges
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
