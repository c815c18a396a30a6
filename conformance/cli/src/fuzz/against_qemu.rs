//! `blockgraph fuzz --against qemu`: random turns on the model and a real QEMU.

use crate::ending::{Ending, Stop};
use crate::qemu_runs::{self, PATIENCE, program};
use crate::terminal::grouped;
use blockgraph_qemu::episodes::run::{Options, Report};
use blockgraph_story::counterexample;
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The arguments of the command.
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
    let report = qemu_runs::play(&options).map_err(|error| Stop::Input(format!("the real QEMU: {error}")))?;
    if let Some(folder) = request.record {
        record(folder, request.seed, &report)?;
    }
    if request.json {
        as_json(request, &report)?
    } else {
        print(request, &report)?
    }
    if let Some(found) = &report.found {
        qemu_runs::finding(request.seed, found, request.out)?;
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
    for (rule, count) in qemu_runs::rules(counts) {
        writeln!(out, "deviation {:<14} {:>10}  {}", rule.name(), grouped(count), rule.what())?;
    }
    for remark in qemu_runs::remarks([&*report.version], counts) {
        writeln!(out, "{remark}")?;
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
    let mut all = qemu_runs::counted(counts);
    for (key, value) in [
        ("qemu", json!(report.version)),
        ("seed", json!(request.seed)),
        ("threads", json!(request.threads)),
        ("seconds", json!(report.time.as_secs_f64())),
        ("cells", json!(cells)),
        ("difference", qemu_runs::difference(report.found.as_ref())),
    ] {
        all[key] = value;
    }
    writeln!(io::stdout(), "{all}")
}

/// Writes the episodes of a run, one a line.
fn record(folder: &Path, seed: u64, report: &Report) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file =
        io::BufWriter::new(std::fs::File::create(folder.join(format!("qemu-{}-{seed}.jsonl", report.version)))?);
    for episode in &report.kept {
        writeln!(file, "{}", serde_json::to_string(episode)?)?;
    }
    file.flush()
}
