//! `blockgraph fuzz --against qemu --sensitivity`: after how many operations each defect is noticed.

use crate::ending::{Ending, Stop};
use crate::qemu_runs::{PATIENCE, program};
use crate::terminal::{grouped, spinner};
use blockgraph_model::machines::Defect;
use blockgraph_qemu::episodes::run::{Options, Report};
use blockgraph_qemu::sensitivity::measure::{Row, Sensitivity, observable};
use blockgraph_qemu::session::DaemonSetup;
use serde_json::json;
use std::io::{self, Write};

pub(super) fn run(seed: u64, ops: u64, threads: usize, json: bool) -> Ending {
    let program = program()?;
    let real = |error: io::Error| Stop::Input(format!("the real QEMU: {error}"));
    let setup = DaemonSetup::make(&program, PATIENCE).map_err(real)?;
    let options = Options { seed, ops, threads, program, patience: PATIENCE, survey: true, keep: 0 };
    let (bar, all) = (spinner(), Sensitivity::default());
    let progress = |done| bar.set_message(format!("{} operations", grouped(done)));
    let report = all.run(&options, &setup, &progress);
    bar.finish_and_clear();
    let report = report.map_err(real)?;
    let (problems, (turns, room)) = (all.problems(), all.turns());
    if json {
        as_json(seed, &report, &all.rows(), &problems)?;
    } else {
        print(seed, &report, &all.rows(), &problems)?;
        writeln!(io::stdout(), "the machines have room for {} of {} turns", grouped(room), grouped(turns))?;
    }
    Ok(problems.is_empty() && report.counts.unexplained.is_empty())
}

fn print(seed: u64, report: &Report, rows: &[(Defect, Row)], problems: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let ops = grouped(report.counts.ops);
    writeln!(
        out,
        "QEMU {}, seed {seed}: {ops} operations compared, {:.0} s",
        report.version,
        report.time.as_secs_f64()
    )?;
    for (defect, row) in rows {
        let about = defect.about();
        match &row.caught {
            Some(caught) => {
                writeln!(out, "{:<5} after {:>7}  {}", about.id, grouped(caught.ops), about.title)?;
                writeln!(out, "      by {}\n      {}", caught.turn, caught.what)?;
            }
            None => writeln!(out, "{:<5} not caught     {}: {}", about.id, about.title, observable(*defect).why())?,
        }
        if row.shown > 0 {
            writeln!(out, "      {} turns show it, {} of them visibly", grouped(row.shown), grouped(row.visible))?;
        }
        for (rule, hidden) in &row.hidden {
            let (count, agreed) = (grouped(hidden.count), grouped(hidden.agreed));
            let (at, turn, did) = &hidden.first;
            writeln!(
                out,
                "      {} explains {count} (at {agreed} model and QEMU agree), first after {}: {turn}: the machine {did}",
                rule.name(),
                grouped(*at)
            )?;
        }
    }
    for (kind, (count, first)) in &report.counts.unexplained {
        writeln!(out, "unexplained without any defect: {count} × {kind}: {}", first.what)?;
    }
    problems.iter().try_for_each(|problem| writeln!(out, "{problem}"))?;
    writeln!(
        out,
        "{}",
        if problems.is_empty() { "all that can be observed is caught" } else { "the table does NOT hold" }
    )
}

fn as_json(seed: u64, report: &Report, rows: &[(Defect, Row)], problems: &[String]) -> io::Result<()> {
    let row = |(defect, row): &(Defect, Row)| {
        let hidden: Vec<_> = row
            .hidden
            .iter()
            .map(|(rule, h)| json!({"rule": rule.name(), "count": h.count, "agreed": h.agreed, "turn": h.first.1}))
            .collect();
        let caught = row.caught.as_ref().map(|c| json!({"ops": c.ops, "turn": c.turn, "what": c.what}));
        json!({"defect": defect.id(), "title": defect.about().title, "observable": observable(*defect).why(),
            "shown": row.shown, "visible": row.visible, "caught": caught, "hidden": hidden})
    };
    let all = json!({"qemu": report.version, "seed": seed, "ops": report.counts.ops,
        "seconds": report.time.as_secs_f64(), "defects": rows.iter().map(row).collect::<Vec<_>>(),
        "unexplained": report.counts.unexplained.len(), "problems": problems});
    writeln!(io::stdout(), "{all}")
}
