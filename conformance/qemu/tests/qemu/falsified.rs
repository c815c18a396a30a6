//! Answers that QEMU did not give, at every recorded turn.

use crate::traces::episodes;
use blockgraph_qemu::sensitivity::falsify::{Lie, Tallies};

/// The table, a line each.
fn lines(all: &Tallies) -> Vec<String> {
    let mut lines = Vec::new();
    for (&by, turns) in &all.turns {
        let cell = |lie| {
            let tally = all.at(by, lie);
            if tally.tried == 0 { "–".to_owned() } else { format!("{}/{}", tally.accepted, tally.tried) }
        };
        let cells: Vec<String> = Lie::EVERY.iter().map(|lie| format!("{} {}", lie.name(), cell(Some(*lie)))).collect();
        let name = by.map_or("same", |rule| rule.name());
        lines.push(format!("{name}: {turns} turns: {}; all {}", cells.join(", "), cell(None)));
    }
    for ((by, lie, rule), count) in &all.accepted {
        let name = by.map_or("same", |rule| rule.name());
        lines.push(format!("  at {name}, {}: {} explains {count}", lie.name(), rule.name()));
    }
    lines
}

/// Of a thousand lies at turns where model and QEMU agree so many may be explained; to be lowered as rules get narrower.
const MOST: [(Lie, u64); 6] =
    [(Lie::PlayedTurn, 4), (Lie::Lost, 15), (Lie::Bit, 1), (Lie::UserBit, 1), (Lie::Edge, 0), (Lie::Flag, 2)];

#[test]
fn falsified_answers_are_noticed() {
    let mut all = Tallies::default();
    for episode in episodes() {
        episode
            .walk(|again| {
                all.add(again);
                Ok(())
            })
            .unwrap();
    }
    println!("{}", lines(&all).join("\n"));
    for (lie, most) in MOST {
        let tally = all.at(None, Some(lie));
        assert!(tally.tried > 1_000, "{lie:?}: {tally:?}");
        assert!(tally.accepted * 1_000 <= most * tally.tried, "{lie:?}: {tally:?}");
    }
}
