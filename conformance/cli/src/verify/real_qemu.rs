//! The third witness of `verify`: the real QEMU where it is installed, what was recorded of it where it is not.

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
        Third::ask_this(find_daemon(), scope, seed, daemons)
    }

    fn ask_this(program: Option<PathBuf>, scope: &str, seed: u64, daemons: usize) -> Third {
        let Some(program) = program else { return Third::Recorded(recorded::check(recorded::FILES)) };
        let options =
            Options { seed, ops: ops(scope), threads: daemons, program, patience: PATIENCE, keep: 0, survey: false };
        match qemu_runs::play(&options) {
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
                       "difference": qemu_runs::difference(report.found.as_ref())}),
                &report.counts,
            ),
            Third::Recorded(checked) => (
                json!({"source": "recorded", "versions": checked.versions, "unexplained": checked.wrong.len(),
                       "wrong": checked.wrong}),
                &checked.counts,
            ),
            Third::Mute(error) => (json!({"source": "mute", "error": error}), &Counts::default()),
        };
        let mut all = qemu_runs::counted(counts);
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
                Some(found) => qemu_runs::finding(*seed, found, out),
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

    use super::Third;
    use blockgraph_qemu::REFERENCE_VERSION;
    use blockgraph_qemu::deviations::Rule;
    use blockgraph_qemu::episodes::counts::Counts;
    use blockgraph_qemu::episodes::recorded::{Checked, FILES, check};
    use blockgraph_qemu::episodes::run::{Found, Report};
    use serde_json::json;
    use std::time::Duration;

    fn board(third: &Third) -> String {
        let mut out = Vec::new();
        third.print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn traces_that_agree() {
        // Where there is no program.
        let third = Third::ask_this(None, "smoke", 1, 2);
        assert!(third.holds());
        let (board, told) = (board(&third), third.as_json());
        let first = format!("third witness               recorded traces of QEMU {REFERENCE_VERSION}, ");
        assert!(board.starts_with(&first) && !board.contains("looked at"), "{board}");
        assert!(board.lines().next().unwrap().ends_with(" operations; no live QEMU on this machine"), "{board}");
        assert!(board.lines().any(|line| line.trim_start() == format!("{:<25} 0", "unexplained")), "{board}");
        assert_eq!(
            (&told["source"], &told["versions"], &told["holds"], &told["unexplained"]),
            (&json!("recorded"), &json!([REFERENCE_VERSION]), &json!(true), &json!(0))
        );
        let number = |key: &str| told[key].as_u64().unwrap();
        assert_eq!(number("alike") + number("explained"), number("turns"));
        let by_rule = told["deviations"].as_array().unwrap().iter().map(|rule| rule["count"].as_u64().unwrap());
        assert_eq!(by_rule.sum::<u64>(), number("explained"));
    }

    /// The same answers, said to be of another version, and one line that is no episode.
    #[test]
    fn traces_that_do_not() {
        let text = FILES[0].1.replace(&format!("\"qemu\":\"{REFERENCE_VERSION}\""), "\"qemu\":\"7.2.1\"") + "{}\n";
        let third = Third::Recorded(check(&[("other.jsonl", &text)]));
        assert!(!third.holds());
        let (board, told) = (board(&third), third.as_json());
        assert!(board.contains("recorded traces of QEMU 7.2.1, "), "{board}");
        assert!(
            board.contains(&format!("looked at on QEMU {REFERENCE_VERSION} only: on 7.2.1 they may not hold")),
            "{board}"
        );
        assert_eq!((&told["holds"], &told["unexplained"]), (&json!(false), &json!(1)));
        let wrong = told["wrong"][0].as_str().unwrap();
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
        let third = Third::Live { seed: 7, daemons: 2, report };
        assert!(!third.holds());
        assert_eq!(
            board(&third),
            "third witness               live QEMU 9.2.0, 2 episodes, 2,000 operations\n  \
             how                       seed 7, 2 daemons at once, 1.5 s\n  \
             alike                     1,000 of 1,005 turns\n  \
             explained by a rule       4\n    \
             D1×4\n  \
             unexplained               1\n  \
             the rules were looked at on QEMU 10.0.2 only: on 9.2.0 they may not hold\n  \
             not in this version, so many turns not played: blockdev-set-active (12)\n"
        );
        let told = third.as_json();
        assert_eq!((&told["seed"], &told["difference"]["what"]), (&json!(7), &json!("this")));
        assert_eq!(told["lacking"], json!({"blockdev-set-active": 12}));
        let Third::Live { report: live, .. } = third else { return };
        report = Report { found: None, ..live };
        assert!(Third::Live { seed: 7, daemons: 2, report }.holds());
    }

    /// Not to have been asked is not to agree.
    #[test]
    fn one_that_cannot_be_asked() {
        let nothing = Third::ask_this(Some("no such program".into()), "smoke", 1, 2);
        assert!(matches!(nothing, Third::Mute(_)) && !nothing.holds(), "{nothing:?}");
        let third = Third::Mute("no room".to_owned());
        assert!(!third.holds());
        assert_eq!(board(&third), "third witness               there is a QEMU on this machine, but: no room\n");
        let told = third.as_json();
        assert_eq!((&told["source"], &told["error"], &told["ops"]), (&json!("mute"), &json!("no room"), &json!(0)));
    }

    #[test]
    fn nothing_recorded_is_nothing_wrong() {
        assert_eq!(check(&[]), Checked::default());
    }
}
