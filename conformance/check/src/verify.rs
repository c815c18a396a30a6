//! Verifies scopes: explores each facet, replays it on the crate in both ways, and holds the number of states against
//! its pin.

use crate::replay::star::{Star, nearest};
use crate::replay::{Mismatch, Tally, differs, walk};
use blockgraph_model::checker::Checked;
use blockgraph_model::explore::{Exploration, Finding, explore};
use blockgraph_model::machine::Atomic;
use blockgraph_model::menu::Facet;
use blockgraph_model::scopes::Scope;
use blockgraph_model::table::{self, Table};
use blockgraph_story::shrink::shrink;
use blockgraph_story::turn::{Turn, turns};
use stateright::{Checker, Model};
use std::time::{Duration, Instant};

/// What to do besides exploring and the star replay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// The number of worker threads.
    pub threads: usize,
    /// Whether to take every transition a second time, on long-lived graphs.
    pub walk: bool,
    /// Whether to count the states a second time, with stateright.
    pub stateright: bool,
}

/// What is running.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The explorer, and the star replay with it.
    Star,
    /// The walk replay.
    Walk,
    /// The count by stateright.
    Stateright,
}

/// Called now and then with the facet, the phase, the number of states, and the number of transitions so far.
pub type Progress<'a> = dyn Fn(&str, Phase, usize, u64) + Sync + 'a;

/// The result of one facet.
#[derive(Debug)]
pub struct FacetReport {
    /// The facet.
    pub facet: Facet,
    /// The number of unique canonical states.
    pub unique: usize,
    /// The pinned value of `unique`.
    pub pinned: usize,
    /// The number of worker threads.
    pub threads: usize,
    /// The number of levels of the search: the length of the longest shortest trace, plus one.
    pub levels: usize,
    /// The number of executed (state, action) pairs.
    pub transitions: u64,
    /// The number of executed (state, action, refusal) triples.
    pub injections: u64,
    /// What the star replay compared, and its time including the exploration.
    pub star: (Tally, Duration),
    /// What the walk replay compared, and its time.
    pub walk: Option<(Tally, Duration)>,
    /// The number of states that stateright counted, and its time.
    pub stateright: Option<(usize, Duration)>,
    /// The op × outcome table.
    pub table: Table,
    /// For each cell that was met, the shortest story that ends in it.
    pub witnesses: Vec<(usize, usize, Vec<Turn>)>,
    /// The invariants of the model that do not hold, each with a shortest story.
    pub broken: Vec<(&'static str, Vec<Turn>)>,
    /// A difference between model and crate.
    pub mismatch: Option<Mismatch>,
}

impl FacetReport {
    /// Returns whether everything holds.
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
            && self.mismatch.is_none()
            && self.unique == self.pinned
            && self.replayed_all()
            && self.counted_alike()
    }

    /// Returns the ways to end that were met by any operation: errors of steps, violations, refusals.
    pub fn endings(&self) -> Vec<&'static str> {
        let met = |column: &usize| (0..table::ROWS).any(|row| self.table.cell(row, *column).count > 0);
        (0..table::COLUMNS).filter(met).map(table::column_name).collect()
    }

    /// Returns whether stateright, if it ran, counted the same states.
    pub fn counted_alike(&self) -> bool {
        // A mismatch stops the exploration early, so there is nothing to compare.
        self.mismatch.is_some() || self.stateright.is_none_or(|(count, _)| count == self.unique)
    }

    /// Returns whether every transition was replayed in each way.
    pub fn replayed_all(&self) -> bool {
        let star = &self.star.0;
        star.accepted + star.refused == self.transitions
            && star.injected == self.injections
            && self.walk.is_none_or(|(walk, _)| walk.accepted + walk.refused == self.transitions)
    }
}

/// Verifies one facet.
pub fn facet(facet: &Facet, pinned: usize, options: Options, progress: &Progress<'_>) -> FacetReport {
    let start = Instant::now();
    let seen = |states, done| progress(facet.name, Phase::Star, states, done);
    let (explored, stars) = explore(facet, options.threads, Star::default, &seen);
    let mut mismatch = nearest(&explored, facet, &stars);
    let mut tally = Tally::default();
    let mut table = Table::default();
    for star in stars {
        tally.add(star.tally);
        table.merge(star.table);
    }
    let star = (tally, start.elapsed());
    let walk = (options.walk && mismatch.is_none()).then(|| {
        let start = Instant::now();
        let seen = |done| progress(facet.name, Phase::Walk, explored.unique(), done as u64);
        let (tally, found) = walk::walk(facet, &explored, options.threads, &seen);
        mismatch = found;
        (tally, start.elapsed())
    });
    let mismatch = mismatch.map(shortened);
    FacetReport {
        facet: facet.clone(),
        unique: explored.unique(),
        pinned,
        threads: options.threads,
        levels: explored.levels.len(),
        transitions: explored.transitions,
        injections: explored.injections,
        star,
        walk,
        stateright: options.stateright.then(|| stateright(facet, options.threads, progress)),
        witnesses: witnesses(&explored, facet, &table),
        table,
        broken: broken(&explored, facet),
        mismatch,
    }
}

fn shortened(mismatch: Mismatch) -> Mismatch {
    let (story, what) = shrink(&mismatch.story, differs::differs::<6, 10>);
    Mismatch { story, what: what.unwrap_or(mismatch.what), ..mismatch }
}

fn stateright(facet: &Facet, threads: usize, progress: &Progress<'_>) -> (usize, Duration) {
    progress(facet.name, Phase::Stateright, 0, 0);
    let start = Instant::now();
    let checker = Checked { facet: facet.clone(), machine: Atomic }.checker().threads(threads).spawn_bfs().join();
    (checker.unique_state_count(), start.elapsed())
}

fn broken(explored: &Exploration, facet: &Facet) -> Vec<(&'static str, Vec<Turn>)> {
    let story = |found: &Finding| turns(&explored.trace_and(&Atomic, facet, found.state, &found.actions));
    explored.findings.iter().map(|found| (found.broken, story(found))).collect()
}

fn witnesses(explored: &Exploration, facet: &Facet, table: &Table) -> Vec<(usize, usize, Vec<Turn>)> {
    let cells = (0..table::ROWS).flat_map(|row| (0..table::COLUMNS).map(move |column| (row, column)));
    let met = cells.filter_map(|(row, column)| {
        let (state, action) = table.cell(row, column).witness.as_ref()?;
        Some((row, column, turns(&explored.trace_and(&Atomic, facet, *state, std::slice::from_ref(action)))))
    });
    met.collect()
}

/// One cell of the op × outcome table over all facets.
#[derive(Clone, Debug)]
pub struct CellReport {
    /// The row: the operation.
    pub row: usize,
    /// The column: the outcome.
    pub column: usize,
    /// How often the cell was met.
    pub count: u64,
    /// The shortest story over all facets, with the facet's name.
    pub witness: Option<(&'static str, Vec<Turn>)>,
    /// The reason if the cell must be empty.
    pub unreachable: Option<&'static str>,
}

impl CellReport {
    /// Returns whether the cell was met exactly if it can be.
    pub fn holds(&self) -> bool {
        (self.count > 0) == self.unreachable.is_none()
    }
}

/// Builds the table of a whole scope. It includes the rows that no facet offers, because a scope must cover everything.
pub fn cells(reports: &[FacetReport]) -> Vec<CellReport> {
    let mut all = Vec::new();
    for row in 0..table::ROWS {
        for column in 0..table::COLUMNS {
            let count = reports.iter().map(|r| r.table.cell(row, column).count).sum();
            let stories = reports.iter().flat_map(|r| r.witnesses.iter().map(move |w| (r.facet.name, w)));
            let here = stories.filter(|(_, (r, c, _))| (*r, *c) == (row, column));
            let witness = here.min_by_key(|(_, (_, _, story))| story.len()).map(|(name, (_, _, s))| (name, s.clone()));
            all.push(CellReport { row, column, count, witness, unreachable: table::unreachable(row, column) });
        }
    }
    all
}

/// Returns the bound on the probability that stateright's 64-bit fingerprints merged two states: n² / 2⁶⁵.
pub fn collision_bound(states: usize) -> f64 {
    (states as f64).powi(2) / 2f64.powi(65)
}

/// Verifies the facets of a scope one after another.
pub fn scope(
    scope: &Scope,
    options: Options,
    progress: &Progress<'_>,
    done: &mut dyn FnMut(&FacetReport),
) -> Vec<FacetReport> {
    let mut reports = Vec::new();
    for (each, pinned) in &scope.facets {
        let report = facet(each, *pinned, options, progress);
        done(&report);
        reports.push(report);
    }
    reports
}
