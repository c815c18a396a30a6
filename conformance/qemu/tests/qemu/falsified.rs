//! Answers that QEMU did not give, at every recorded turn.

use crate::traces::episodes;
use blockgraph_qemu::sensitivity::falsify::{Falsification, Tallies};

/// The table, a line each.
fn lines(all: &Tallies) -> Vec<String> {
    let mut lines = Vec::new();
    for (&by, turns) in &all.turns {
        let cell = |falsification| {
            let tally = all.at(by, falsification);
            if tally.tried == 0 { "–".to_owned() } else { format!("{}/{}", tally.accepted, tally.tried) }
        };
        let cells: Vec<String> = Falsification::EVERY
            .iter()
            .map(|falsification| format!("{} {}", falsification.name(), cell(Some(*falsification))))
            .collect();
        let name = by.map_or("same", |rule| rule.name());
        lines.push(format!("{name}: {turns} turns: {}; all {}", cells.join(", "), cell(None)));
    }
    for ((by, falsification, rule), count) in &all.accepted {
        let name = by.map_or("same", |rule| rule.name());
        lines.push(format!("  at {name}, {}: {} explains {count}", falsification.name(), rule.name()));
    }
    lines
}

/// Of a thousand lies at turns where model and QEMU agree so many may be explained; to be lowered as rules get narrower.
const MOST: [(Falsification, u64); 6] = [
    (Falsification::Inverted, 4),
    (Falsification::Lost, 15),
    (Falsification::Bit, 1),
    (Falsification::UserBit, 1),
    (Falsification::Edge, 0),
    (Falsification::Flag, 2),
];

#[test]
fn falsified_answers_are_noticed() {
    let mut all = Tallies::default();
    for episode in episodes() {
        episode
            .walk(|turn| {
                all.add(turn);
                Ok(())
            })
            .unwrap();
    }
    println!("{}", lines(&all).join("\n"));
    for (falsification, most) in MOST {
        let tally = all.at(None, Some(falsification));
        assert!(tally.tried > 1_000, "{falsification:?}: {tally:?}");
        assert!(tally.accepted * 1_000 <= most * tally.tried, "{falsification:?}: {tally:?}");
    }
}
