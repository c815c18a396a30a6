//! The third witness of `verify`: the real QEMU where it is installed, what was recorded of it where it is not.

use super::qemu::{self, PATIENCE};
use super::verify::wrapped;
use super::{Stop, grouped};
use crate::qemu::counts::Counts;
use crate::qemu::find;
use crate::qemu::recorded::{self, Checked};
use crate::qemu::run::{Options, Report};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// What the third witness says.
#[derive(Debug)]
pub(super) enum Third {
    /// A real QEMU.
    Live {
        /// What random numbers followed from.
        seed: u64,
        /// So many daemons at once.
        daemons: usize,
        /// What came of it.
        report: Report,
    },
    /// There is none, so it is what was recorded.
    Recorded(Checked),
    /// There is one, and it could not be asked.
    Mute(String),
}

/// So many operations are compared in a scope. With two daemons that is about 15 seconds, half a minute, two minutes.
fn ops(scope: &str) -> u64 {
    match scope {
        "smoke" => 8_000,
        "small" => 20_000,
        _ => 80_000,
    }
}

impl Third {
    /// Asks the real QEMU if it is there.
    pub(super) fn ask(scope: &str, seed: u64, daemons: usize) -> Third {
        let Some(program) = find() else { return Third::Recorded(recorded::check(recorded::FILES)) };
        let options =
            Options { seed, ops: ops(scope), threads: daemons, program, patience: PATIENCE, keep: 0, survey: false };
        match qemu::play(&options) {
            Ok(report) => Third::Live { seed, daemons, report },
            Err(error) => Third::Mute(error.to_string()),
        }
    }

    /// Is there nothing that no rule explains?
    pub(super) fn holds(&self) -> bool {
        match self {
            Third::Live { report, .. } => report.found.is_none(),
            Third::Recorded(checked) => checked.wrong.is_empty(),
            Third::Mute(_) => false,
        }
    }

    /// Its lines of the scoreboard.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{:<28}", "third witness")?;
        match self {
            Third::Live { seed, daemons, report } => {
                let Counts { episodes, ops, .. } = report.counts;
                let (episodes, ops) = (grouped(episodes), grouped(ops));
                writeln!(out, "live QEMU {}, {episodes} episodes, {ops} operations", report.version)?;
                let time = report.time.as_secs_f64();
                writeln!(out, "  {:<25} seed {seed}, {daemons} daemons at once, {time:.1} s", "how")?;
                let unexplained = u64::from(report.found.is_some());
                print_counts(out, &report.counts, unexplained, [&*report.version])
            }
            Third::Recorded(checked) => {
                let Counts { episodes, ops, .. } = checked.counts;
                let versions: Vec<&str> = checked.versions.iter().map(String::as_str).collect();
                let (of, episodes, ops) = (versions.join(", "), grouped(episodes), grouped(ops));
                writeln!(
                    out,
                    "recorded traces of QEMU {of}, {episodes} episodes, {ops} operations; no live QEMU on this machine"
                )?;
                print_counts(out, &checked.counts, checked.wrong.len() as u64, versions)
            }
            Third::Mute(error) => writeln!(out, "there is a QEMU on this machine, but: {error}"),
        }
    }

    /// The same for machines.
    pub(super) fn as_json(&self) -> Value {
        let (facts, counts) = match self {
            Third::Live { seed, daemons, report } => (
                json!({"source": "live", "versions": [report.version], "seed": seed, "daemons": daemons,
                       "seconds": report.time.as_secs_f64(), "unexplained": u64::from(report.found.is_some()),
                       "difference": qemu::difference(report.found.as_ref())}),
                &report.counts,
            ),
            Third::Recorded(checked) => (
                json!({"source": "recorded", "versions": checked.versions, "unexplained": checked.wrong.len(),
                       "wrong": checked.wrong}),
                &checked.counts,
            ),
            Third::Mute(error) => (json!({"source": "mute", "error": error}), &Counts::default()),
        };
        let mut all = qemu::counted(counts);
        if let (Value::Object(all), Value::Object(facts)) = (&mut all, facts) {
            all.extend(facts);
            all.insert("holds".to_owned(), self.holds().into());
        }
        all
    }

    /// What does not hold, on standard error, with a file to replay.
    pub(super) fn finding(&self, out: &Path) -> Result<(), Stop> {
        match self {
            Third::Live { seed, report, .. } => match &report.found {
                Some(found) => qemu::finding(*seed, found, out),
                None => Ok(()),
            },
            Third::Recorded(checked) => {
                let mut err = io::stderr().lock();
                checked.wrong.iter().try_for_each(|what| writeln!(err, "{what}")).map_err(Stop::from)
            }
            Third::Mute(error) => Ok(writeln!(io::stderr(), "the real QEMU: {error}")?),
        }
    }
}

fn print_counts<'a>(
    out: &mut impl Write,
    counts: &Counts,
    unexplained: u64,
    versions: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    writeln!(out, "  {:<25} {} of {} turns", "alike", grouped(counts.alike), grouped(counts.turns))?;
    writeln!(out, "  {:<25} {}", "explained by a rule", grouped(counts.explained()))?;
    let met = qemu::rules(counts).filter(|(_, count)| *count > 0);
    let met: Vec<String> = met.map(|(rule, count)| format!("{}×{}", rule.name(), grouped(count))).collect();
    for line in wrapped(&met.iter().map(String::as_str).collect::<Vec<_>>()) {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "  {:<25} {}", "unexplained", grouped(unexplained))?;
    qemu::remarks(versions, counts).iter().try_for_each(|remark| writeln!(out, "  {remark}"))
}
