//! `blockgraph fuzz --against qemu`: random turns on the model and a real QEMU.

use super::{Ending, Stop, grouped, spinner, write_counterexample};
use crate::counterexample;
use crate::qemu::run::{self, Found, Options, Report};
use crate::qemu::{deviations::Rule, find};
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What was asked for.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub seed: u64,
    pub ops: u64,
    pub threads: usize,
    pub json: bool,
    pub out: &'a Path,
    pub record: Option<&'a PathBuf>,
    pub keep: usize,
    pub survey: bool,
}

/// Who says nothing for that long is said to hang.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Where the real QEMU is.
pub(super) fn program() -> Result<PathBuf, Stop> {
    let missing = "qemu-storage-daemon is not installed (in Debian: apt-get install qemu-utils)";
    find().ok_or_else(|| Stop::Input(missing.to_owned()))
}

pub(super) fn run(request: &Request<'_>) -> Ending {
    let program = program()?;
    let options = Options {
        seed: request.seed,
        ops: request.ops,
        threads: request.threads,
        program,
        patience: PATIENCE,
        survey: request.survey,
        keep: if request.record.is_some() { request.keep } else { 0 },
    };
    let (bar, start) = (spinner(), Instant::now());
    let report = run::run(&options, &|done| {
        let rate = done as f64 / start.elapsed().as_secs_f64().max(1e-9);
        bar.set_message(format!("{} operations, {rate:.0} a second", grouped(done)));
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| Stop::Input(format!("the real QEMU: {error}")))?;
    if let Some(folder) = request.record {
        record(folder, request.seed, &report)?;
    }
    if request.json {
        as_json(request, &report)?
    } else {
        print(request, &report)?
    }
    if let Some(found) = &report.found {
        finding(request, found)?;
    }
    Ok(report.found.is_none() && report.counts.unexplained.is_empty())
}

fn rate(report: &Report) -> f64 {
    report.counts.ops as f64 / report.time.as_secs_f64().max(1e-9)
}

fn print(request: &Request<'_>, report: &Report) -> io::Result<()> {
    let (mut out, counts) = (io::stdout().lock(), &report.counts);
    let (episodes, turns, ops) = (grouped(counts.episodes), grouped(counts.turns), grouped(counts.ops));
    writeln!(
        out,
        "QEMU {}, seed {}: {episodes} episodes, {turns} turns, {ops} operations compared",
        report.version, request.seed
    )?;
    writeln!(out, "{:.0} operations a second with {} daemon(s) at once", rate(report), request.threads)?;
    let mut verb = "";
    for ((row, end), count) in &counts.matrix {
        if *row != verb {
            writeln!(out, "{row}")?;
            verb = row;
        }
        writeln!(out, "  {end:<24} {:>10}", grouped(*count))?;
    }
    for &rule in Rule::EVERY {
        let count = counts.deviations.get(&rule).copied().unwrap_or(0);
        writeln!(out, "deviation {:<14} {:>10}  {}", rule.name(), grouped(count), rule.what())?;
    }
    for (kind, (count, first)) in &counts.unexplained {
        writeln!(out, "\n{} × {kind}\n  episode {}: {}", grouped(*count), first.episode, first.what)?;
        first.story.iter().try_for_each(|turn| writeln!(out, "    {}", counterexample::line(turn)))?;
    }
    writeln!(
        out,
        "{}",
        if report.found.is_none() && counts.unexplained.is_empty() {
            "no unexplained difference"
        } else {
            "model and QEMU DIFFER"
        }
    )
}

fn as_json(request: &Request<'_>, report: &Report) -> io::Result<()> {
    let counts = &report.counts;
    let cells: Vec<_> =
        counts.matrix.iter().map(|((op, end), count)| json!({"op": op, "end": end, "count": count})).collect();
    let deviation = |rule: &Rule| json!({"rule": rule.name(), "count": counts.deviations.get(rule).unwrap_or(&0)});
    let deviations: Vec<_> = Rule::EVERY.iter().map(deviation).collect();
    let found = report.found.as_ref().map(|found| {
        json!({"episode": found.episode, "what": found.what, "met": found.met.len(),
               "shrunk": found.story.iter().map(counterexample::line).collect::<Vec<_>>()})
    });
    let all = json!({"qemu": report.version, "seed": request.seed, "threads": request.threads,
        "episodes": counts.episodes, "turns": counts.turns, "ops": counts.ops, "seconds": report.time.as_secs_f64(),
        "cells": cells, "deviations": deviations, "difference": found});
    writeln!(io::stdout(), "{all}")
}

fn finding(request: &Request<'_>, found: &Found) -> Result<(), Stop> {
    let mut err = io::stderr().lock();
    writeln!(err, "seed {}, episode {}: model and QEMU differ:\n{}", request.seed, found.episode, found.what)?;
    writeln!(err, "{} turns as met, {} when shrunk:", found.met.len(), found.story.len())?;
    for turn in &found.story {
        writeln!(err, "    {}", counterexample::line(turn))?;
    }
    let name = format!("qemu-{}-{}", request.seed, found.episode);
    write_counterexample(&mut err, request.out, &name, &found.story, &found.what)
}

/// One episode a line.
fn record(folder: &Path, seed: u64, report: &Report) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file =
        io::BufWriter::new(std::fs::File::create(folder.join(format!("qemu-{}-{seed}.jsonl", report.version)))?);
    for episode in &report.kept {
        writeln!(file, "{}", serde_json::to_string(episode)?)?;
    }
    file.flush()
}
