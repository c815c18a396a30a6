//! Runs against a real QEMU, which `fuzz --against qemu` and `verify` share.

use crate::ending::Stop;
use crate::files::write_counterexample;
use crate::terminal::{grouped, spinner};
use blockgraph_qemu::deviations::Rule;
use blockgraph_qemu::episodes::counts::Counts;
use blockgraph_qemu::episodes::run::{self, Found, Options, Report};
use blockgraph_qemu::{REFERENCE_VERSION, find_daemon};
use blockgraph_story::counterexample;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long an answer may take. A daemon that is silent for longer counts as hung.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Returns the path of `qemu-storage-daemon`.
///
/// # Errors
/// If it is not installed.
pub(super) fn program() -> Result<PathBuf, Stop> {
    let missing = "qemu-storage-daemon or qemu-img is not installed (in Debian: apt-get install qemu-utils)";
    find_daemon().ok_or_else(|| Stop::Input(missing.to_owned()))
}

/// Plays episodes and shows progress.
pub(super) fn play(options: &Options) -> io::Result<Report> {
    let (bar, start) = (spinner(), Instant::now());
    let report = run::run(options, &|done| {
        let rate = done as f64 / start.elapsed().as_secs_f64().max(1e-9);
        bar.set_message(format!("QEMU: {} operations, {rate:.0} a second", grouped(done)));
    });
    bar.finish_and_clear();
    report
}

/// Returns the rules that were met, with how often each was met.
pub(super) fn rules(counts: &Counts) -> impl Iterator<Item = (Rule, u64)> {
    Rule::EVERY.iter().map(|&rule| (rule, counts.deviations.get(&rule).copied().unwrap_or(0)))
}

/// Returns remarks about the versions of QEMU, one line each.
pub(super) fn remarks<'a>(versions: impl IntoIterator<Item = &'a str>, counts: &Counts) -> Vec<String> {
    let mut lines: Vec<String> = versions
        .into_iter()
        .filter(|version| *version != REFERENCE_VERSION)
        .map(|version| {
            format!("the rules were looked at on QEMU {REFERENCE_VERSION} only: on {version} they may not hold")
        })
        .collect();
    if !counts.lacking.is_empty() {
        let one = |(what, count): (&String, &u64)| format!("{what} ({})", grouped(*count));
        let all: Vec<String> = counts.lacking.iter().map(one).collect();
        lines.push(format!("not in this version, so many turns not played: {}", all.join(", ")));
    }
    lines
}

/// Returns the counts of a run as JSON.
pub(super) fn counted(counts: &Counts) -> Value {
    let deviations: Vec<_> = rules(counts).map(|(rule, count)| json!({"rule": rule.name(), "count": count})).collect();
    json!({"looked-at": REFERENCE_VERSION, "episodes": counts.episodes, "turns": counts.turns, "ops": counts.ops,
           "alike": counts.alike, "explained": counts.explained(), "deviations": deviations, "lacking": counts.lacking})
}

/// Returns a difference as JSON.
pub(super) fn difference(found: Option<&Found>) -> Value {
    found.map_or(Value::Null, |found| {
        json!({"episode": found.episode, "what": found.what, "met": found.met.len(),
               "shrunk": found.story.iter().map(counterexample::line).collect::<Vec<_>>()})
    })
}

/// Prints a difference on standard error, and writes it to a file that can be replayed.
pub(super) fn finding(seed: u64, found: &Found, out: &Path) -> Result<(), Stop> {
    let mut err = io::stderr().lock();
    writeln!(err, "seed {seed}, episode {}: model and QEMU differ:\n{}", found.episode, found.what)?;
    writeln!(err, "{} turns as met, {} when shrunk:", found.met.len(), found.story.len())?;
    for turn in &found.story {
        writeln!(err, "    {}", counterexample::line(turn))?;
    }
    let name = format!("qemu-{seed}-{}", found.episode);
    write_counterexample(&mut err, out, &name, &found.story, &found.what)
}
