//! Bytes a node, an edge, a user and a state, as asked of the allocator, and what the process really takes. Not a
//! measurement of time, so not criterion's.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use blockgraph::drivers::{Filter, Protocol};
use blockgraph::{Driver, Graph, NodeSpec, Preset, Role};
use blockgraph_benches::{Listener, crowd};
use blockgraph_model::explore::explore;
use blockgraph_model::scopes;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MILLION: usize = 1_000_000;

/// Bytes that something takes which is made here; it is dropped thereafter.
fn taken<T>(make: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATOR.current_usage();
    let made = make();
    (ALLOCATOR.current_usage() - before, made)
}

/// Resident bytes of the process; nothing where there is no such file.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// A chain of a million nodes and edges, in the room made for it or in room that grew.
fn million<D: Driver>(with_capacity: bool, driver: impl Fn() -> D) -> Graph<D> {
    let room = if with_capacity { MILLION } else { 0 };
    let mut graph = Graph::with_capacity(room, room);
    let file: Arc<str> = "file".into();
    let mut above = graph.add(NodeSpec::new("n0"), driver()).unwrap();
    for index in 1..MILLION {
        let node = graph.add(NodeSpec::new(format!("n{index}")), driver()).unwrap();
        graph.attach(above, node, file.clone(), Role::FILTER).unwrap();
        above = node;
    }
    graph
}

fn nodes_only() -> Graph<Preset> {
    let mut graph = Graph::with_capacity(MILLION, 0);
    for index in 0..MILLION {
        graph.add(NodeSpec::new(format!("n{index}")), Protocol.into()).unwrap();
    }
    graph
}

/// Prints a figure and keeps it.
fn report(figures: &mut Vec<Value>, name: &str, value: usize, unit: &str) {
    println!("{name:<64} {value:>12} {unit}");
    figures.push(json!({ "name": name, "value": value, "unit": unit }));
}

fn graphs(figures: &mut Vec<Value>) {
    let (bytes, graph) = taken(nodes_only);
    let a_node = bytes / MILLION;
    drop(graph);
    report(figures, "a node: driver, name and index included", a_node, "bytes");
    let before = resident();
    let (bytes, graph) = taken(|| million(true, || Preset::from(Filter)));
    report(figures, "an edge", (bytes / MILLION).saturating_sub(a_node), "bytes");
    report(figures, "a million nodes and edges, with_capacity", bytes / MILLION, "MB");
    if let Some((before, after)) = before.zip(resident()) {
        report(figures, "a million nodes and edges, with_capacity, resident", (after - before) / MILLION, "MB");
    }
    drop(graph);
    let (bytes, graph) = taken(|| million(false, || Preset::from(Filter)));
    report(figures, "a million nodes and edges, grown", bytes / MILLION, "MB");
    drop(graph);
    let (bytes, graph) = taken(|| million(true, || -> Box<dyn Driver> { Box::new(Listener::filter()) }));
    report(figures, "a million nodes and edges, with_capacity, boxed drivers", bytes / MILLION, "MB");
    drop(graph);
    let (bytes, graph) = taken(|| crowd(MILLION).unwrap());
    report(figures, "a root user with its edge and name", bytes / MILLION, "bytes");
    drop(graph);
}

fn states(figures: &mut Vec<Value>) {
    let scope = scopes::scope("smoke").unwrap();
    for (facet, _) in scope.facets {
        if !["permissions", "sections", "job-contexts"].contains(&facet.name) {
            continue;
        }
        let (bytes, explored) = taken(|| explore(&facet, 1, || (), &|_, _| {}).0);
        report(figures, &format!("a state of the explorer, {}", facet.name), bytes / explored.unique(), "bytes");
    }
}

fn main() {
    let mut figures = Vec::new();
    graphs(&mut figures);
    states(&mut figures);
    // Beside criterion's, for the page.
    let target = std::env::current_exe().unwrap().ancestors().nth(3).map(PathBuf::from).unwrap();
    let file = target.join("criterion").join("memory.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, serde_json::to_string_pretty(&figures).unwrap()).unwrap();
}
