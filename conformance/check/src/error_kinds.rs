//! The kinds of error that the crate has, and how often each was met.

use crate::verify::FacetReport;
use blockgraph::drivers::Protocol;
use blockgraph::open::OpenErrorKind;
use blockgraph::{ErrorKind, Graph, NodeSpec, Pair, Preset, Role};
use blockgraph_model::table;

/// A kind of error, and how often it was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KindCount {
    /// The kind's name.
    pub kind: &'static str,
    /// How many operations of the run met it, on model and crate alike. `None` if the tests of opening meet it
    /// (`specs/opening`, `impl/tests`) and no operation of the run can.
    pub count: Option<u64>,
}

/// Returns all kinds with their counts: the kinds that operations meet in the facets, the kinds that need a stale key
/// and are met on purpose, and the kinds of opening, which are about texts that no operation of the model has.
pub fn counts(reports: &[FacetReport]) -> Vec<KindCount> {
    let sum = |column: usize| -> u64 {
        let cells = (0..table::ROWS).map(|row| reports.iter().map(|r| r.table.cell(row, column).count).sum::<u64>());
        cells.sum()
    };
    let refused: u64 = columns().filter(|(_, name)| name.starts_with("refused ")).map(|(column, _)| sum(column)).sum();
    let errors =
        columns().filter(|(_, name)| is_error(name)).map(|(column, kind)| KindCount { kind, count: Some(sum(column)) });
    let mut all: Vec<KindCount> = errors.collect();
    all.push(KindCount { kind: "Refused", count: Some(refused) });
    all.extend(by_key().map(|(kind, met)| KindCount { kind, count: Some(met.into()) }));
    all.extend(OpenErrorKind::NAMES.iter().map(|kind| KindCount { kind, count: None }));
    all
}

fn columns() -> impl Iterator<Item = (usize, &'static str)> {
    (0..table::COLUMNS).map(|column| (column, table::column_name(column)))
}

/// Columns that are errors have the crate's names, which begin with a capital letter; the other ways to end are
/// lower-case words.
fn is_error(column: &str) -> bool {
    column.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Meets the errors that need the key of an edge that is gone, or a savepoint of another transaction.
fn by_key() -> [(&'static str, bool); 2] {
    let mut graph: Graph<Preset> = Graph::new();
    [("EdgeNotFound", edge_not_found(&mut graph).is_some()), ("SavepointGone", savepoint_gone(&mut graph).is_some())]
}

fn edge_not_found(graph: &mut Graph<Preset>) -> Option<()> {
    let [parent, child] = ["parent", "child"].map(|name| (NodeSpec::new(name), blockgraph::drivers::Quorum::default()));
    let parent = graph.add(parent.0, parent.1.into()).ok()?;
    let child = graph.add(child.0, child.1.into()).ok()?;
    let edge = graph.attach(parent, child, "data", Role::DATA).ok()?;
    graph.detach(edge).ok()?;
    let error = graph.detach(edge).err()?;
    matches!(error.kind(), ErrorKind::EdgeNotFound { .. }).then_some(())
}

fn savepoint_gone(graph: &mut Graph<Preset>) -> Option<()> {
    let node = graph.add(NodeSpec::new("node"), Protocol.into()).ok()?;
    let mut earlier = graph.transaction();
    let savepoint = earlier.savepoint();
    drop(earlier);
    let mut later = graph.transaction();
    later.attach_user("user", node, Pair::NOTHING, false).ok()?;
    let error = later.rollback_to(savepoint).err()?;
    matches!(error.kind(), ErrorKind::SavepointGone).then_some(())
}

#[cfg(test)]
mod tests {
    use super::{by_key, counts};

    #[test]
    fn stale_keys_are_met() {
        assert!(by_key().iter().all(|(_, met)| *met));
    }

    /// Every error kind in the crate's source has a line in the list.
    #[test]
    fn every_kind_is_listed() {
        let source = include_str!("../../../impl/src/error/kind.rs");
        let body = source.split("pub enum ErrorKind {").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
        let names = body.lines().filter_map(|line| line.strip_prefix("    ")).filter_map(|line| {
            let word: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
            line.starts_with(|c: char| c.is_ascii_uppercase()).then_some(word)
        });
        let listed = counts(&[]);
        let missing: Vec<String> = names.filter(|name| !listed.iter().any(|met| met.kind == name)).collect();
        assert_eq!(missing, Vec::<String>::new());
        assert!(listed.len() > 60);
    }
}
