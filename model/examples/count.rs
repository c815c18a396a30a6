//! Counts the states of a scope's facets: `cargo run --release -p blockgraph-model --example count -- smoke`.
use blockgraph_model::{explore::explore, scopes};
use std::time::Instant;

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let only = names.get(1).cloned();
    let Some(scope) = scopes::scope(names.first().map_or("smoke", |s| s.as_str())) else {
        return;
    };
    for (facet, _) in scope.facets {
        if only.as_ref().is_some_and(|o| o != facet.name) {
            continue;
        }
        let start = Instant::now();
        let (all, _) = explore(&facet, 2, || (), &|_, _| {});
        let t = all.transitions + all.injections;
        println!(
            "{:12} {:>9} states {:>11} transitions {:>10} injections {:>6.1}s {:>10.0}/s findings {:?} levels {}",
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
}
