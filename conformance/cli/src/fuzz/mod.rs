//! `blockgraph fuzz`: random stories and their report.

mod against_qemu;
mod sensitivity;

use crate::ending::{Ending, Stop};
use crate::files::write_counterexample;
use crate::terminal::{cores, grouped, spinner};
use against_qemu::Request;
use blockgraph_check::fuzz::{self, DRIVERS, Episode, Found, Options, Report, Statistics, driver_name, unmet};
use blockgraph_check::generate::Mode;
use blockgraph_model::table::{self, COLUMNS, ROWS};
use blockgraph_story::counterexample;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// Play random stories on model and crate side by side.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The seed of all random numbers; the same seed gives the same run [default: taken from the clock, and printed].
    #[arg(long)]
    seed: Option<u64>,
    /// Which generator: operations that mostly make sense, or anything in any order.
    #[arg(long, value_enum, default_value = "both")]
    generator: Generator,
    /// End after this many operations of each generator [default: 1000000, if no time is given].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    ops: Option<u64>,
    /// End after this many seconds for each generator.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seconds: Option<u64>,
    /// The number of worker threads [default: the number of cores].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Play only the story with this number, with the seed and generator that a finding names.
    #[arg(long, requires = "seed", conflicts_with_all = ["ops", "seconds"])]
    story: Option<u64>,
    /// Print how often each operation ended in each way, with which drivers, and why empty cells are empty.
    #[arg(long)]
    table: bool,
    /// Fail with exit code 1 if a cell without a reason is empty. Filling all cells takes millions of operations.
    #[arg(long)]
    complete: bool,
    /// Write one JSON object instead of the report.
    #[arg(long)]
    json: bool,
    /// What the model is compared with.
    #[arg(long, value_enum, default_value = "crate")]
    against: Against,
    /// With `--against qemu`: write episodes to this folder, in the format of `conformance/traces/`.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// With `--record`: the number of episodes.
    #[arg(long, default_value_t = 200, requires = "record")]
    episodes: usize,
    /// With `--against qemu`: count all differences that no rule explains, instead of stopping at the first.
    #[arg(long)]
    survey: bool,
    /// With `--against qemu`: measure after how many operations each defect of the museum would be noticed.
    #[arg(long, conflicts_with_all = ["record", "survey"])]
    sensitivity: bool,
    /// The folder in which counterexamples are written, as new files only.
    #[arg(long, default_value = "counterexamples")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Against {
    /// The crate `blockgraph`.
    Crate,
    /// A real `qemu-storage-daemon`.
    Qemu,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Generator {
    /// Most operations are accepted.
    Plausible,
    /// Any operation in any order, with stale names.
    Hostile,
    /// Both, one after the other.
    Both,
}

impl Generator {
    fn modes(self) -> &'static [Mode] {
        match self {
            Generator::Plausible => &[Mode::Plausible],
            Generator::Hostile => &[Mode::Hostile],
            Generator::Both => &[Mode::Plausible, Mode::Hostile],
        }
    }
}

/// Runs the command. Returns `Ok(false)` if model and crate differ.
pub fn run(arguments: &Arguments) -> Ending {
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64);
    let seed = arguments.seed.unwrap_or_else(clock);
    let threads = arguments.threads.map_or_else(cores, usize::from);
    if arguments.against == Against::Qemu {
        let ops = arguments.ops.unwrap_or(20_000);
        let (json, out, record, keep) =
            (arguments.json, &*arguments.out, arguments.record.as_ref(), arguments.episodes);
        let survey = arguments.survey;
        if arguments.sensitivity {
            return sensitivity::run(seed, ops, threads, json);
        }
        return against_qemu::run(&Request { seed, ops, threads, json, out, record, keep, survey });
    }
    let mut out = std::io::stdout().lock();
    if !arguments.json {
        writeln!(out, "seed {seed}, {threads} threads\n{HEADING}")?;
    }
    let mut reports = Vec::new();
    for &mode in arguments.generator.modes() {
        let report = play(arguments, mode, seed, threads);
        if !arguments.json {
            writeln!(out, "{}", line(mode, &report, threads))?;
        }
        let stop = report.found.is_some();
        reports.push((mode, report));
        if stop {
            break;
        }
    }
    let mut made = Statistics::default();
    reports.iter().for_each(|(_, report)| made.add(report.made.clone()));
    let holes = unmet::of(&made);
    let same = reports.iter().all(|(_, report)| report.found.is_none());
    let holds = same && holes.wrong.is_empty() && (!arguments.complete || holes.is_complete());
    if arguments.json {
        writeln!(out, "{}", as_json(seed, &reports, &made, &holes, holds))?;
    } else {
        summary(&mut out, &made, &holes)?;
        if arguments.table {
            print_table(&mut out, &made, &holes)?;
        }
    }
    drop(out);
    for (mode, report) in &reports {
        if let Some(found) = &report.found {
            finding(arguments, *mode, seed, found)?;
        }
    }
    problems(arguments, &holes)?;
    if !arguments.json {
        say(if holds {
            "no difference"
        } else if same {
            "the table does not hold"
        } else {
            "model and crate DIFFER"
        })?;
    }
    Ok(holds)
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

/// Plays the stories of one generator, and shows progress on a terminal.
fn play(arguments: &Arguments, mode: Mode, seed: u64, threads: usize) -> Report {
    let time = arguments.seconds.map(Duration::from_secs);
    let endless = if time.is_some() { u64::MAX } else { 1_000_000 };
    let (first, ops) = match arguments.story {
        Some(story) => (story, Episode::of(seed, mode, story).ops),
        None => (0, arguments.ops.unwrap_or(endless)),
    };
    let (bar, start) = (spinner(), Instant::now());
    let progress = |done: u64| {
        let rate = (done as f64 / start.elapsed().as_secs_f64().max(1e-9)) as u64;
        bar.set_message(format!("{}: {} operations, {} a second", name(mode), grouped(done), grouped(rate)));
    };
    let report = fuzz::run(Options { seed, mode, first, ops, time, threads }, &progress);
    bar.finish_and_clear();
    report
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Plausible => "plausible",
        Mode::Hostile => "hostile",
    }
}

const HEADING: &str = "generator   stories        turns          ops  ops/core-min  accepted  failed  violates  refused  \
                       most nodes, edges  graphs seen     shapes";

/// Returns the number of operations a minute on one core.
fn rate(report: &Report, threads: usize) -> f64 {
    report.made.ops as f64 * 60.0 / report.time.as_secs_f64().max(1e-9) / threads as f64
}

fn line(mode: Mode, report: &Report, threads: usize) -> String {
    let made = &report.made;
    let percent = |part: u64| format!("{:.1} %", part as f64 * 100.0 / made.turns.max(1) as f64);
    let [accepted, failed, violates, refused] = made.ends.map(percent);
    let (states, shapes) = made.distinct();
    format!(
        "{:<10} {:>8} {:>12} {:>12} {:>13} {accepted:>9} {failed:>7} {violates:>9} {refused:>8} {:>12} {:>5} {:>12} {:>10}",
        name(mode),
        grouped(made.episodes),
        grouped(made.turns),
        grouped(made.ops),
        grouped(rate(report, threads) as u64),
        made.most.0,
        made.most.1,
        grouped(states as u64),
        grouped(shapes as u64),
    )
}

fn summary(out: &mut impl Write, made: &Statistics, holes: &unmet::UnmetCells) -> std::io::Result<()> {
    writeln!(out)?;
    let bounds = ["0", "1", "2", "3-4", "5-8", "9-16", "17-32", "33-64", "65-128", "129-"];
    let parts = bounds
        .iter()
        .zip(made.sizes)
        .map(|(of, count)| format!("{of}: {:.1} %", count as f64 * 100.0 / made.turns.max(1) as f64));
    writeln!(out, "nodes before a turn         {}", parts.collect::<Vec<_>>().join(", "))?;
    writeln!(out, "most children, parents      {}, {}", made.most_around.0, made.most_around.1)?;
    let (met, all) = (holes.outcomes_met, holes.outcomes_met + holes.outcomes.len());
    writeln!(out, "op × outcome                {met} of {all} met, {} unreachable with a reason", holes.unreachable)?;
    let (met, all) = (holes.drivers_met, holes.drivers_met + holes.drivers.len());
    writeln!(out, "op × driver × done or not   {met} of {all} met, {} impossible with a reason", holes.impossible)?;
    let filled = (0..ROWS * COLUMNS * DRIVERS)
        .filter(|i| made.cell(i / DRIVERS / COLUMNS, i / DRIVERS % COLUMNS, i % DRIVERS) > 0);
    writeln!(out, "op × outcome × driver       {} different met", grouped(filled.count() as u64))
}

/// Returns what does not hold besides differences.
fn problems(arguments: &Arguments, holes: &unmet::UnmetCells) -> Result<(), Stop> {
    let mut err = std::io::stderr().lock();
    for wrong in &holes.wrong {
        writeln!(err, "{wrong}")?;
    }
    if arguments.complete {
        for &(row, column) in &holes.outcomes {
            writeln!(err, "{} × {}: not met", table::row_name(row), table::column_name(column))?;
        }
        for &cell in &holes.drivers {
            writeln!(err, "{}: not met", unmet::name(cell))?;
        }
    }
    Ok(())
}

/// Prints the story in which model and crate differ, and the commands that show it again.
fn finding(arguments: &Arguments, mode: Mode, seed: u64, found: &Found) -> Result<(), Stop> {
    let mut err = std::io::stderr().lock();
    let (index, met, short) = (found.episode.index, &found.met, &found.short);
    writeln!(err, "seed {seed}, {} story {index}: model and crate differ:\n{}", name(mode), short.what)?;
    writeln!(err, "{} turns as met, {} when shrunk:", grouped(met.story.len() as u64), short.story.len())?;
    for turn in &short.story {
        writeln!(err, "    {}", counterexample::line(turn))?;
    }
    let file = format!("fuzz-{}-{seed}-{index}", name(mode));
    write_counterexample(&mut err, &arguments.out, &file, &short.story, &short.what)?;
    writeln!(err, "  play the whole story: blockgraph fuzz --seed {seed} --generator {} --story {index}", name(mode))?;
    Ok(())
}

fn print_table(out: &mut impl Write, made: &Statistics, holes: &unmet::UnmetCells) -> std::io::Result<()> {
    for row in 0..ROWS {
        writeln!(out, "\n{}", table::row_name(row))?;
        for column in 0..COLUMNS {
            let count = made.outcome(row, column);
            let end = table::column_name(column);
            if count > 0 {
                let drivers = (0..DRIVERS).filter(|driver| made.cell(row, column, *driver) > 0).count();
                writeln!(out, "  {end:<20} {:>13}  {drivers} drivers", grouped(count))?;
            } else if holes.outcomes.contains(&(row, column)) {
                writeln!(out, "  {end:<20} {:>13}  NOT MET", 0)?;
            }
        }
        for (done, what) in [(true, "done with"), (false, "not done with")] {
            let of = |driver| (grouped(made.done((row, driver, done))), driver_name(driver));
            let met = (0..DRIVERS).filter(|driver| made.done((row, *driver, done)) > 0).map(of);
            let met: Vec<String> = met.map(|(count, driver)| format!("{driver} {count}")).collect();
            writeln!(out, "  {what}: {}", met.join(", "))?;
            let mut never = BTreeMap::<_, Vec<_>>::new();
            for driver in 0..DRIVERS {
                if let Some(reason) = unmet::never((row, driver, done)) {
                    never.entry(reason).or_default().push(driver_name(driver));
                }
            }
            for (reason, drivers) in never {
                writeln!(out, "  never {what} {}: {reason}", drivers.join(", "))?;
            }
        }
        for cell in (0..DRIVERS).flat_map(|driver| [(row, driver, true), (row, driver, false)]) {
            if holes.drivers.contains(&cell) {
                writeln!(out, "  NOT MET: {}", unmet::name(cell))?;
            }
        }
    }
    Ok(())
}

fn as_json(seed: u64, reports: &[(Mode, Report)], made: &Statistics, holes: &unmet::UnmetCells, holds: bool) -> Value {
    let generator = |(mode, report): &(Mode, Report)| {
        let (made, (states, shapes)) = (&report.made, report.made.distinct());
        let found = report.found.as_ref().map(|found| {
            json!({"story": found.episode.index, "what": found.short.what, "met": found.met.story.len(),
                   "shrunk": found.short.story.iter().map(counterexample::line).collect::<Vec<_>>()})
        });
        json!({"generator": name(*mode), "stories": made.episodes, "turns": made.turns, "ops": made.ops,
               "seconds": report.time.as_secs_f64(), "ends": made.ends, "skipped": made.skipped, "sizes": made.sizes,
               "most": made.most, "most_around": made.most_around, "graphs": states, "shapes": shapes, "difference": found})
    };
    let cells = (0..ROWS * COLUMNS * DRIVERS).map(|i| (i / DRIVERS / COLUMNS, i / DRIVERS % COLUMNS, i % DRIVERS));
    let met = cells.filter_map(|(row, column, driver)| {
        let count = made.cell(row, column, driver);
        let (op, end) = (table::row_name(row), table::column_name(column));
        (count > 0).then(|| json!({"op": op, "outcome": end, "driver": driver_name(driver), "count": count}))
    });
    let names = |(row, column): &(usize, usize)| json!([table::row_name(*row), table::column_name(*column)]);
    json!({"seed": seed, "holds": holds, "generators": reports.iter().map(generator).collect::<Vec<_>>(),
           "cells": met.collect::<Vec<_>>(), "wrong": holes.wrong,
           "not_met": {"outcomes": holes.outcomes.iter().map(names).collect::<Vec<_>>(),
                       "drivers": holes.drivers.iter().map(|cell| unmet::name(*cell)).collect::<Vec<_>>()}})
}
