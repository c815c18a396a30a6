//! Answers that QEMU did not give, at every recorded turn.

use crate::traces::episodes;
use blockgraph_conformance::qemu::falsify::{Lie, Tallies};

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
}
