//! Counts the states of a scope's facets: `cargo run --release -p blockgraph-model --example count -- smoke`; of one facet:
//! `… -- smoke life`; of one facet in another size (nodes, edges, users): `… -- smoke life 3 3 1`.
use blockgraph_model::table::{self, Table};
use blockgraph_model::{explore::explore, scopes};
use std::time::Instant;

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let only = names.get(1).cloned();
    let Some(scope) = scopes::scope(names.first().map_or("smoke", |s| s.as_str())) else {
        return;
    };
    let mut total = Table::default();
    let size: Vec<u8> = names.iter().skip(2).filter_map(|n| n.parse().ok()).collect();
    for (mut facet, _) in scope.facets {
        if let &[nodes, edges, users] = size.as_slice() {
            (facet.nodes, facet.edges, facet.users) = (nodes, edges.into(), users);
        }
        if only.as_ref().is_some_and(|o| o != facet.name) {
            continue;
        }
        let start = Instant::now();
        let (all, tables) = explore(&facet, 2, Table::default, &|_, _| {});
        tables.into_iter().for_each(|table| total.merge(table));
        let t = all.transitions + all.injections;
        println!(
            "{:13} {:>9} states {:>11} transitions {:>10} injections {:>6.1}s {:>10.0}/s findings {:?} levels {}",
            facet.name,
            all.unique(),
            all.transitions,
            all.injections,
            start.elapsed().as_secs_f64(),
            t as f64 / start.elapsed().as_secs_f64(),
            all.findings.first(),
            all.levels.len()
        );
    }
    for (row, column) in (0..table::ROWS).flat_map(|row| (0..table::COLUMNS).map(move |column| (row, column))) {
        let cell = total.cell(row, column);
        if (cell.count > 0) == table::unreachable(row, column).is_some() {
            let (row, column) = (table::row_name(row), table::column_name(column));
            println!("{row} × {column}: met {} times, {:?}", cell.count, cell.witness);
        }
    }
}
