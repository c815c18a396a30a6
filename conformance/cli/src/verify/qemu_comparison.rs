//! The comparison with QEMU in `verify`: with the real QEMU where it is installed, otherwise with the recorded traces.

use crate::ending::Stop;
use crate::qemu_runs::{self, PATIENCE};
use crate::terminal::{grouped, wrapped};
use blockgraph_qemu::episodes::counts::Counts;
use blockgraph_qemu::episodes::recorded::{self, Checked};
use blockgraph_qemu::episodes::run::{Options, Report};
use blockgraph_qemu::find_daemon;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The result of the comparison with QEMU.
#[derive(Debug)]
pub(super) enum QemuComparison {
    /// A real QEMU was compared.
    Live {
        /// The seed of the random numbers.
        seed: u64,
        /// The number of daemons.
        daemons: usize,
        /// The result.
        report: Report,
    },
    /// No QEMU is installed, so the recorded traces were compared.
    Recorded(Checked),
    /// A QEMU is installed but could not be used.
    Unavailable(String),
}

/// Returns how many operations are compared in a scope. With two daemons they take about 15 seconds, half a minute, two
/// minutes.
fn ops(scope: &str) -> u64 {
    match scope {
        "smoke" => 8_000,
        "small" => 20_000,
        _ => 80_000,
    }
}

impl QemuComparison {
    /// Compares with the real QEMU if it is installed.
    pub(super) fn ask(scope: &str, seed: u64, daemons: usize) -> QemuComparison {
        QemuComparison::ask_this(find_daemon(), scope, seed, daemons)
    }

    fn ask_this(program: Option<PathBuf>, scope: &str, seed: u64, daemons: usize) -> QemuComparison {
        let Some(program) = program else { return QemuComparison::Recorded(recorded::check(recorded::FILES)) };
        let options =
            Options { seed, ops: ops(scope), threads: daemons, program, patience: PATIENCE, keep: 0, survey: false };
        match qemu_runs::play(&options) {
            Ok(report) => QemuComparison::Live { seed, daemons, report },
            Err(error) => QemuComparison::Unavailable(error.to_string()),
        }
    }

    /// Returns whether a rule explains every difference.
    pub(super) fn holds(&self) -> bool {
        match self {
            QemuComparison::Live { report, .. } => report.found.is_none(),
            QemuComparison::Recorded(checked) => checked.wrong.is_empty(),
            QemuComparison::Unavailable(_) => false,
        }
    }

    /// Prints the lines of the scoreboard.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{:<28}", "real QEMU")?;
        match self {
            QemuComparison::Live { seed, daemons, report } => {
                let Counts { episodes, ops, .. } = report.counts;
                let (episodes, ops) = (grouped(episodes), grouped(ops));
                writeln!(out, "live QEMU {}, {episodes} episodes, {ops} operations", report.version)?;
                let time = report.time.as_secs_f64();
                writeln!(out, "  {:<25} seed {seed}, {daemons} daemons at once, {time:.1} s", "how")?;
                let unexplained = u64::from(report.found.is_some());
                print_counts(out, &report.counts, unexplained, [&*report.version])
            }
            QemuComparison::Recorded(checked) => {
                let Counts { episodes, ops, .. } = checked.counts;
                let versions: Vec<&str> = checked.versions.iter().map(String::as_str).collect();
                let (of, episodes, ops) = (versions.join(", "), grouped(episodes), grouped(ops));
                writeln!(
                    out,
                    "recorded traces of QEMU {of}, {episodes} episodes, {ops} operations; no live QEMU on this machine"
                )?;
                print_counts(out, &checked.counts, checked.wrong.len() as u64, versions)
            }
            QemuComparison::Unavailable(error) => writeln!(out, "there is a QEMU on this machine, but: {error}"),
        }
    }

    /// Returns the result as JSON.
    pub(super) fn as_json(&self) -> Value {
        let (facts, counts) = match self {
            QemuComparison::Live { seed, daemons, report } => (
                json!({"source": "live", "versions": [report.version], "seed": seed, "daemons": daemons,
                       "seconds": report.time.as_secs_f64(), "unexplained": u64::from(report.found.is_some()),
                       "difference": qemu_runs::difference(report.found.as_ref())}),
                &report.counts,
            ),
            QemuComparison::Recorded(checked) => (
                json!({"source": "recorded", "versions": checked.versions, "unexplained": checked.wrong.len(),
                       "wrong": checked.wrong}),
                &checked.counts,
            ),
            QemuComparison::Unavailable(error) => (json!({"source": "mute", "error": error}), &Counts::default()),
        };
        let mut all = qemu_runs::counted(counts);
        if let (Value::Object(all), Value::Object(facts)) = (&mut all, facts) {
            all.extend(facts);
            all.insert("holds".to_owned(), self.holds().into());
        }
        all
    }

    /// Prints what does not hold on standard error, and writes it to a file that can be replayed.
    pub(super) fn finding(&self, out: &Path) -> Result<(), Stop> {
        match self {
            QemuComparison::Live { seed, report, .. } => match &report.found {
                Some(found) => qemu_runs::finding(*seed, found, out),
                None => Ok(()),
            },
            QemuComparison::Recorded(checked) => {
                let mut err = io::stderr().lock();
                checked.wrong.iter().try_for_each(|what| writeln!(err, "{what}")).map_err(Stop::from)
            }
            QemuComparison::Unavailable(error) => Ok(writeln!(io::stderr(), "the real QEMU: {error}")?),
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
    let met = qemu_runs::rules(counts).filter(|(_, count)| *count > 0);
    let met: Vec<String> = met.map(|(rule, count)| format!("{}×{}", rule.name(), grouped(count))).collect();
    for line in wrapped(&met.iter().map(String::as_str).collect::<Vec<_>>()) {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "  {:<25} {}", "unexplained", grouped(unexplained))?;
    qemu_runs::remarks(versions, counts).iter().try_for_each(|remark| writeln!(out, "  {remark}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::QemuComparison;
    use blockgraph_qemu::REFERENCE_VERSION;
    use blockgraph_qemu::deviations::Rule;
    use blockgraph_qemu::episodes::counts::Counts;
    use blockgraph_qemu::episodes::recorded::{Checked, FILES, check};
    use blockgraph_qemu::episodes::run::{Found, Report};
    use serde_json::json;
    use std::time::Duration;

    fn board(qemu: &QemuComparison) -> String {
        let mut out = Vec::new();
        qemu.print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn traces_that_agree() {
        // No QEMU is installed.
        let qemu = QemuComparison::ask_this(None, "smoke", 1, 2);
        assert!(qemu.holds());
        let (board, json_text) = (board(&qemu), qemu.as_json());
        let first = format!("real QEMU                   recorded traces of QEMU {REFERENCE_VERSION}, ");
        assert!(board.starts_with(&first) && !board.contains("looked at"), "{board}");
        assert!(board.lines().next().unwrap().ends_with(" operations; no live QEMU on this machine"), "{board}");
        assert!(board.lines().any(|line| line.trim_start() == format!("{:<25} 0", "unexplained")), "{board}");
        assert_eq!(
            (&json_text["source"], &json_text["versions"], &json_text["holds"], &json_text["unexplained"]),
            (&json!("recorded"), &json!([REFERENCE_VERSION]), &json!(true), &json!(0))
        );
        let number = |key: &str| json_text[key].as_u64().unwrap();
        assert_eq!(number("alike") + number("explained"), number("turns"));
        let by_rule = json_text["deviations"].as_array().unwrap().iter().map(|rule| rule["count"].as_u64().unwrap());
        assert_eq!(by_rule.sum::<u64>(), number("explained"));
    }

    /// The same answers under another version, and a line that is not an episode.
    #[test]
    fn traces_that_do_not() {
        let text = FILES[0].1.replace(&format!("\"qemu\":\"{REFERENCE_VERSION}\""), "\"qemu\":\"7.2.1\"") + "{}\n";
        let qemu = QemuComparison::Recorded(check(&[("other.jsonl", &text)]));
        assert!(!qemu.holds());
        let (board, json_text) = (board(&qemu), qemu.as_json());
        assert!(board.contains("recorded traces of QEMU 7.2.1, "), "{board}");
        assert!(
            board.contains(&format!("looked at on QEMU {REFERENCE_VERSION} only: on 7.2.1 they may not hold")),
            "{board}"
        );
        assert_eq!((&json_text["holds"], &json_text["unexplained"]), (&json!(false), &json!(1)));
        let wrong = json_text["wrong"][0].as_str().unwrap();
        assert!(wrong.starts_with(&format!("other.jsonl:{}: missing field", text.lines().count())), "{wrong}");
    }

    #[test]
    fn a_live_run() {
        let mut counts = Counts { episodes: 2, turns: 1_005, ops: 2_000, alike: 1_000, ..Counts::default() };
        counts.deviations.insert(Rule::Order, 4);
        counts.lacking.insert("blockdev-set-active".to_owned(), 12);
        let found = Some(Found { episode: 1, met: Vec::new(), story: Vec::new(), what: "this".to_owned() });
        let time = Duration::from_millis(1_500);
        let mut report = Report { version: "9.2.0".to_owned(), counts, time, found, kept: Vec::new() };
        let qemu = QemuComparison::Live { seed: 7, daemons: 2, report };
        assert!(!qemu.holds());
        assert_eq!(
            board(&qemu),
            "real QEMU                   live QEMU 9.2.0, 2 episodes, 2,000 operations\n  \
             how                       seed 7, 2 daemons at once, 1.5 s\n  \
             alike                     1,000 of 1,005 turns\n  \
             explained by a rule       4\n    \
             D1×4\n  \
             unexplained               1\n  \
             the rules were looked at on QEMU 10.0.2 only: on 9.2.0 they may not hold\n  \
             not in this version, so many turns not played: blockdev-set-active (12)\n"
        );
        let json_text = qemu.as_json();
        assert_eq!((&json_text["seed"], &json_text["difference"]["what"]), (&json!(7), &json!("this")));
        assert_eq!(json_text["lacking"], json!({"blockdev-set-active": 12}));
        let QemuComparison::Live { report: live, .. } = qemu else { return };
        report = Report { found: None, ..live };
        assert!(QemuComparison::Live { seed: 7, daemons: 2, report }.holds());
    }

    /// A QEMU that could not be used does not count as agreement.
    #[test]
    fn one_that_cannot_be_asked() {
        let nothing = QemuComparison::ask_this(Some("no such program".into()), "smoke", 1, 2);
        assert!(matches!(nothing, QemuComparison::Unavailable(_)) && !nothing.holds(), "{nothing:?}");
        let qemu = QemuComparison::Unavailable("no room".to_owned());
        assert!(!qemu.holds());
        assert_eq!(board(&qemu), "real QEMU                   there is a QEMU on this machine, but: no room\n");
        let json_text = qemu.as_json();
        assert_eq!(
            (&json_text["source"], &json_text["error"], &json_text["ops"]),
            (&json!("mute"), &json!("no room"), &json!(0))
        );
    }

    #[test]
    fn nothing_recorded_is_nothing_wrong() {
        assert_eq!(check(&[]), Checked::default());
    }
}
