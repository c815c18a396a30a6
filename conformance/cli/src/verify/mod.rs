//! `blockgraph verify`: verifies a scope and prints the scoreboard.

mod qemu_comparison;

use crate::ending::{Ending, Stop};
use crate::files::write_counterexample;
use crate::terminal::{cores, grouped, spinner, wrapped};
use blockgraph_check::error_kinds::{self, KindCount};
use blockgraph_check::replay::Tally;
use blockgraph_check::verify::{self, CellReport, FacetReport, Options, Phase};
use blockgraph_model::scopes::{self, SCOPES};
use blockgraph_model::table;
use blockgraph_story::counterexample;
use blockgraph_story::turn::Turn;
use qemu_comparison::QemuComparison;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Explore the models, replay every transition on the crate, and print a scoreboard.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The scope: smoke (some minutes), small (twice as long), medium (twenty minutes and more).
    #[arg(long, default_value = "small", value_parser = SCOPES)]
    scope: String,
    /// Only this facet of the scope.
    #[arg(long)]
    facet: Option<String>,
    /// The number of worker threads [default: the number of cores].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Leave out the walk replay, which takes every transition a second time, on long-lived graphs.
    #[arg(long)]
    no_walk: bool,
    /// Leave out the second count of the states with stateright.
    #[arg(long)]
    no_stateright: bool,
    /// Leave out the comparison with the real `qemu-storage-daemon`. It starts as many daemons as there are worker
    /// threads (smoke: 8,000 operations, about 15 seconds; small: 20,000, half a minute; medium: 80,000, two minutes).
    /// Where no daemon is installed, it uses the recorded traces. `--facet` leaves it out as well.
    #[arg(long)]
    no_qemu: bool,
    /// The seed of the run against QEMU.
    #[arg(long, default_value_t = 1, value_name = "SEED", conflicts_with = "no_qemu")]
    qemu_seed: u64,
    /// Print how the operations of each facet ended, and the whole op × outcome table with the shortest way to each
    /// cell and the reason for each empty cell.
    #[arg(long)]
    table: bool,
    /// Write one JSON object instead of the scoreboard.
    #[arg(long)]
    json: bool,
    /// The folder in which counterexamples are written, as new files only.
    #[arg(long, default_value = "counterexamples")]
    out: PathBuf,
}

/// Runs the command. Returns `Ok(false)` if anything does not hold.
pub fn run(arguments: &Arguments) -> Ending {
    let scope = crate::scope::named(&arguments.scope, arguments.facet.as_deref())?;
    let options = Options {
        threads: arguments.threads.map_or_else(cores, usize::from),
        walk: !arguments.no_walk,
        stateright: !arguments.no_stateright,
    };
    let start = Instant::now();
    let reports = explore(arguments, &scope, options)?;
    let asked = arguments.facet.is_none() && !arguments.no_qemu;
    let qemu = asked.then(|| QemuComparison::ask(scope.name, arguments.qemu_seed, options.threads));
    // The table is about a whole scope, so it means nothing if the exploration stopped early or only one facet was
    // explored.
    let whole = arguments.facet.is_none() && reports.iter().all(|r| r.mismatch.is_none());
    let cells = if whole { verify::cells(&reports) } else { Vec::new() };
    let errors = if whole { error_kinds::counts(&reports) } else { Vec::new() };
    let met = errors.iter().all(|met| met.count != Some(0));
    let explored = met && reports.iter().all(FacetReport::holds) && cells.iter().all(CellReport::holds);
    let holds = explored && qemu.as_ref().is_none_or(QemuComparison::holds);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let (qemu, time) = (qemu.as_ref(), start.elapsed());
        let summary = Summary { scope: scope.name, cells: &cells, errors: &errors, qemu, holds, time };
        writeln!(out, "{}", as_json(&reports, &summary))?;
    } else {
        totals(&mut out, &reports, &cells, start.elapsed())?;
        print_errors(&mut out, &errors)?;
        match &qemu {
            Some(qemu) => qemu.print(&mut out)?,
            None if arguments.no_qemu => writeln!(out, "{:<27} left out", "real QEMU")?,
            None => {}
        }
        if arguments.table {
            print_endings(&mut out, &reports)?;
            print_table(&mut out, &cells)?;
        }
    }
    findings(&reports, &cells, arguments)?;
    if let Some(qemu) = &qemu {
        qemu.finding(&arguments.out)?;
    }
    if !arguments.json {
        writeln!(out, "{}", if holds { "all holds" } else { "NOT everything holds" })?;
    }
    Ok(holds)
}

/// Explores and replays, and prints the line of each facet when it ends.
fn explore(arguments: &Arguments, scope: &scopes::Scope, options: Options) -> Result<Vec<FacetReport>, Stop> {
    let bar = spinner();
    let progress = |facet: &str, stage: Phase, states: usize, done: u64| {
        let stage = match stage {
            Phase::Star => "star",
            Phase::Walk => "walk",
            Phase::Stateright => "stateright",
        };
        bar.set_message(format!("{facet}: {stage}, {} states, {} done", grouped(states as u64), grouped(done)));
    };
    let mut failed = None;
    if !arguments.json {
        let about = format!("scope {}, {} threads", scope.name, options.threads);
        bar.suspend(|| writeln!(std::io::stdout(), "{about}\n{HEADING}"))?;
    }
    let reports = verify::scope(scope, options, &progress, &mut |report| {
        if !arguments.json && failed.is_none() {
            failed = bar.suspend(|| writeln!(std::io::stdout(), "{}", line(report))).err();
        }
    });
    bar.finish_and_clear();
    failed.map_or(Ok(reports), |error| Err(error.into()))
}

const HEADING: &str = "facet             states  depth  transitions     injected     star   k/s/core     walk   k/s/core  \
                       equal  pinned  stateright";

fn rate(tally: Tally, time: Duration, threads: usize) -> f64 {
    tally.total() as f64 / time.as_secs_f64().max(1e-9) / threads as f64 / 1e3
}

fn line(r: &FacetReport) -> String {
    let ways =
        |tally: Tally, time: Duration| format!("{:>7.1}s {:>9.0}", time.as_secs_f64(), rate(tally, time, r.threads));
    let walk = r.walk.map_or_else(|| format!("{:>8} {:>9}", "-", "-"), |(tally, time)| ways(tally, time));
    let stateright = match r.stateright {
        None => "-".to_owned(),
        Some((count, time)) if count == r.unique => format!("same {:.1}s", time.as_secs_f64()),
        Some((count, _)) => format!("{count}!"),
    };
    let equal = match (&r.mismatch, r.replayed_all()) {
        (Some(_), _) => "NO",
        (None, true) => "100 %",
        (None, false) => "gaps!",
    };
    let pinned = match &r.mismatch {
        // The exploration stopped early, so the count means nothing.
        Some(_) => "-".to_owned(),
        None if r.unique == r.pinned => "yes".to_owned(),
        None => format!("{}!", r.pinned),
    };
    format!(
        "{:<13} {:>10} {:>6} {:>12} {:>12} {} {walk}  {equal:>6} {pinned:>7}  {stateright}",
        r.facet.name,
        grouped(r.unique as u64),
        r.levels - 1,
        grouped(r.transitions),
        grouped(r.injections),
        ways(r.star.0, r.star.1),
    )
}

fn totals(out: &mut impl Write, reports: &[FacetReport], cells: &[CellReport], time: Duration) -> std::io::Result<()> {
    let sum = |f: fn(&FacetReport) -> u64| grouped(reports.iter().map(f).sum());
    writeln!(out)?;
    writeln!(out, "unique canonical states     {}", sum(|r| r.unique as u64))?;
    writeln!(out, "(state, op) explored        {}", sum(|r| r.transitions))?;
    let equal = if reports.iter().all(|r| r.mismatch.is_none()) { " and equal" } else { ", NOT all equal" };
    writeln!(out, "{:<27} {}", format!("replayed{equal}, star"), sum(|r| r.star.0.total()))?;
    let walked = sum(|r| r.walk.map_or(0, |(tally, _)| tally.total()));
    writeln!(out, "{:<27} {walked}", format!("replayed{equal}, walk"))?;
    writeln!(
        out,
        "  of these a driver refused {}",
        sum(|r| r.star.0.injected + r.walk.map_or(0, |(t, _)| t.injected))
    )?;
    if !cells.is_empty() {
        let can = cells.iter().filter(|c| c.unreachable.is_none());
        let met = can.clone().filter(|c| c.count > 0).count();
        let cannot = cells.iter().filter(|c| c.unreachable.is_some()).count();
        writeln!(out, "op × outcome cells          {met} of {} met, {cannot} unreachable with a reason", can.count())?;
    }
    let counted: usize = reports.iter().filter_map(|r| r.stateright.map(|(count, _)| count)).sum();
    if counted > 0 {
        let bound = verify::collision_bound(counted);
        let same = reports.iter().all(FacetReport::counted_alike);
        let verdict = if same { "the same counts" } else { "OTHER counts" };
        writeln!(out, "stateright                  {verdict} (64-bit fingerprints: collision under {bound:.1e})")?;
    }
    writeln!(out, "time                        {:.1} s", time.as_secs_f64())
}

/// Prints the kinds of error that were met.
fn print_errors(out: &mut impl Write, errors: &[KindCount]) -> std::io::Result<()> {
    let names = |wanted: &dyn Fn(Option<u64>) -> bool| -> Vec<&str> {
        errors.iter().filter(|met| wanted(met.count)).map(|met| met.kind).collect()
    };
    let lists = [
        ("error kinds met", names(&|count| count.is_some_and(|count| count > 0))),
        ("error kinds NOT MET", names(&|count| count == Some(0))),
        ("met by opening's own tests", names(&|count| count.is_none())),
    ];
    for (what, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
        writeln!(out, "{what:<27} {}", names.len())?;
        for line in wrapped(names) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// Prints the ways in which the operations of each facet ended.
fn print_endings(out: &mut impl Write, reports: &[FacetReport]) -> std::io::Result<()> {
    reports.iter().try_for_each(|r| {
        let endings = r.endings();
        writeln!(out, "\n{}: {}\n  {} endings: {}", r.facet.name, r.facet.about, endings.len(), endings.join(", "))
    })
}

fn print_table(out: &mut impl Write, cells: &[CellReport]) -> std::io::Result<()> {
    for row in 0..table::ROWS {
        writeln!(out, "\n{}", table::row_name(row))?;
        for cell in cells.iter().filter(|c| c.row == row) {
            let end = table::column_name(cell.column);
            match (&cell.witness, cell.unreachable) {
                (Some((facet, story)), _) => {
                    let story = counterexample::lines(story).join(" | ");
                    writeln!(out, "  {end:<20} {:>13}  {facet}: {story}", grouped(cell.count))?;
                }
                (None, Some(why)) if why.starts_with("no precondition") => {}
                (None, why) => writeln!(out, "  {end:<20} {:>13}  {}", 0, why.unwrap_or("NOT REACHED"))?,
            }
        }
    }
    writeln!(out, "\nStep errors that are not listed: no precondition of that heading of specs/operations.md.")
}

/// Prints what does not hold on standard error, and writes each difference to a file that can be replayed.
fn findings(reports: &[FacetReport], cells: &[CellReport], arguments: &Arguments) -> Result<(), Stop> {
    let mut err = std::io::stderr().lock();
    for report in reports {
        let name = report.facet.name;
        if report.unique != report.pinned && report.mismatch.is_none() {
            writeln!(err, "{name}: {} states, pinned are {}", report.unique, report.pinned)?;
        }
        if let (false, Some((count, _))) = (report.counted_alike(), report.stateright) {
            writeln!(err, "{name}: {} states, stateright counts {count}", report.unique)?;
        }
        if report.mismatch.is_none() && !report.replayed_all() {
            writeln!(err, "{name}: not every transition was replayed")?;
        }
        for (broken, story) in &report.broken {
            writeln!(err, "{name}: the model breaks: {broken}")?;
            write_story(&mut err, arguments, &format!("{name}-invariant"), story, broken)?;
        }
        if let Some(found) = &report.mismatch {
            writeln!(err, "{name}: model and crate differ:\n{}", found.what)?;
            write_story(&mut err, arguments, name, &found.story, &found.what)?;
        }
    }
    for cell in cells.iter().filter(|c| !c.holds()) {
        let (row, end) = (table::row_name(cell.row), table::column_name(cell.column));
        match cell.unreachable {
            Some(why) => writeln!(err, "{row} × {end}: met {} times, but should not be: {why}", cell.count)?,
            None => writeln!(err, "{row} × {end}: not met by any facet of this scope")?,
        }
    }
    Ok(())
}

fn write_story(
    err: &mut impl Write,
    arguments: &Arguments,
    name: &str,
    story: &[Turn],
    what: &str,
) -> Result<(), Stop> {
    for line in counterexample::lines(story) {
        writeln!(err, "    {line}")?;
    }
    let name = format!("{}-{name}", arguments.scope);
    write_counterexample(err, &arguments.out, &name, story, what)
}

/// The summary of a run.
struct Summary<'a> {
    scope: &'a str,
    cells: &'a [CellReport],
    errors: &'a [KindCount],
    qemu: Option<&'a QemuComparison>,
    holds: bool,
    time: Duration,
}

fn as_json(reports: &[FacetReport], summary: &Summary<'_>) -> Value {
    let Summary { scope, cells, errors, qemu, holds, time } = summary;
    let tally = |(t, time): (Tally, Duration)| {
        json!({"accepted": t.accepted, "refused": t.refused, "injected": t.injected, "again": t.again, "restored": t.restored,
               "seconds": time.as_secs_f64()})
    };
    let facet = |r: &FacetReport| {
        json!({
            "facet": r.facet.name, "about": r.facet.about, "states": r.unique, "pinned": r.pinned,
            "endings": r.endings(), "depth": r.levels - 1, "transitions": r.transitions, "injections": r.injections,
            "star": tally(r.star), "walk": r.walk.map(tally),
            "stateright": r.stateright.map(|(count, time)| json!({"states": count, "seconds": time.as_secs_f64()})),
            "broken": r.broken.iter().map(|(name, story)| json!({"invariant": name, "story": counterexample::lines(story)})).collect::<Vec<_>>(),
            "mismatch": r.mismatch.as_ref().map(|m| json!({"what": m.what, "story": counterexample::lines(&m.story)})),
            "holds": r.holds(),
        })
    };
    let cell = |c: &CellReport| {
        json!({"op": table::row_name(c.row), "outcome": table::column_name(c.column), "count": c.count,
               "unreachable": c.unreachable,
               "witness": c.witness.as_ref().map(|(facet, story)| json!({"facet": facet, "story": counterexample::lines(story)}))})
    };
    json!({"scope": scope, "seconds": time.as_secs_f64(), "holds": holds,
           "qemu": qemu.map(QemuComparison::as_json),
           "facets": reports.iter().map(facet).collect::<Vec<_>>(),
           "errors": errors.iter().map(|met| json!({"kind": met.kind, "count": met.count})).collect::<Vec<_>>(),
           "cells": cells.iter().map(cell).collect::<Vec<_>>()})
}
