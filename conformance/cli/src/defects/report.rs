//! The report of the museum, as a table and as JSON.

use crate::terminal::grouped;
use blockgraph_model::machines::Hall;
use blockgraph_museum::{DefectSummary, FoundDefect, Report, RoomReport, hall};
use blockgraph_story::counterexample;
use serde_json::{Value, json};
use std::io::{self, Write};

const ROOMS: &str =
    "room  machine        facet                   states  transitions     injected  exceptions     time  met";
const DEFECTS: &str = "defect  QEMU                 machine        steps       states      time         met  shortest in              \
                       all rooms      what goes wrong, and what it breaks";

/// Writes the report for people.
pub(super) fn text(out: &mut impl Write, report: &Report, stories: bool, threads: usize) -> io::Result<()> {
    writeln!(out, "{} rooms, {threads} at a time\n{ROOMS}", report.rooms.len())?;
    report.rooms.iter().try_for_each(|room| writeln!(out, "{}", room_line(room)))?;
    let shown = report.shown();
    writeln!(out, "\n{DEFECTS}")?;
    for shown in &shown {
        writeln!(out, "{}", defect_line(report, shown))?;
        if let (true, Some((_, met))) = (stories, shown.best) {
            for line in counterexample::lines(&met.story) {
                writeln!(out, "          {line}")?;
            }
            writeln!(out, "          {}", met.did)?;
        }
    }
    let exceptions = report.exceptions();
    if !exceptions.is_empty() {
        writeln!(out, "\nthe machine differs, and may")?;
        for (exception, count) in exceptions {
            writeln!(out, "{:>13}  {}", grouped(count), exception.reason())?;
        }
    }
    totals(out, report, &shown)
}

fn totals(out: &mut impl Write, report: &Report, shown: &[DefectSummary<'_>]) -> io::Result<()> {
    let sum = |of: fn(&RoomReport) -> u64| grouped(report.rooms.iter().map(of).sum());
    let met = shown.iter().filter(|shown| shown.best.is_some());
    let unswitched = met.clone().filter(|shown| !is_switch(report, shown)).count();
    writeln!(out)?;
    writeln!(out, "{:<27} {} of {}", "defects met", met.count(), shown.len())?;
    writeln!(out, "{:<27} {unswitched}", "  of these without a switch")?;
    writeln!(out, "{:<27} {}", "unique canonical states", sum(|room| room.unique as u64))?;
    writeln!(out, "{:<27} {}", "transitions", sum(|room| room.transitions))?;
    writeln!(out, "{:<27} {}", "injected failures", sum(|room| room.injections))?;
    writeln!(out, "{:<27} {:.1} s", "time", report.time.as_secs_f64())
}

/// Returns whether the defect was met only in the model's own step with the defect put in.
fn is_switch(report: &Report, shown: &DefectSummary<'_>) -> bool {
    report.met_in(shown.defect).all(|(room, _)| room.room.hall == Hall::Flawed)
}

fn room_line(report: &RoomReport) -> String {
    let exceptions: u64 = report.exceptions.iter().map(|(_, count)| count).sum();
    let met: Vec<&str> = report.met.iter().map(|met| met.name).collect();
    format!(
        "{:>4}  {:<13}  {:<21} {:>8} {:>12} {:>12} {:>11} {:>7.2}s  {}",
        report.room.number,
        hall(report.room.hall),
        report.room.facet.name,
        grouped(report.unique as u64),
        grouped(report.transitions),
        grouped(report.injections),
        grouped(exceptions),
        report.time.as_secs_f64(),
        if met.is_empty() { "nothing".to_owned() } else { met.join(" ") },
    )
}

fn defect_line(report: &Report, shown: &DefectSummary<'_>) -> String {
    let about = shown.defect.about();
    let qemu = format!("{:<10} {}", about.commit, about.release);
    let (id, machine) = (about.id, machine(shown));
    let what = format!("{} ({})", about.title, about.breaks);
    let Some((room, met)) = shown.best else {
        return format!("{id:<6}  {qemu:<19}  {machine:<13}  NOT MET  {what}");
    };
    format!(
        "{id:<6}  {qemu:<19}  {machine:<13} {:>6} {:>12} {:>8.3}s {:>11}  {:<23}  {:<14} {what}",
        met.story.len(),
        grouped(met.states as u64),
        met.time.as_secs_f64(),
        grouped(shown.count),
        format!("{} {}", room.room.number, short(room.room.facet.name, id)),
        numbers(report, shown).iter().map(usize::to_string).collect::<Vec<_>>().join(","),
    )
}

/// Returns the machine with the shortest story, or the one that should have a story if there is none.
fn machine(shown: &DefectSummary<'_>) -> &'static str {
    hall(shown.best.map_or(shown.defect.about().hall, |(room, _)| room.room.hall))
}

/// Returns a facet's name, if it says more than the number of the defect.
fn short<'a>(facet: &'a str, id: &str) -> &'a str {
    if facet == id { "" } else { facet }
}

fn numbers(report: &Report, shown: &DefectSummary<'_>) -> Vec<usize> {
    report.met_in(shown.defect).map(|(room, _)| room.room.number).collect()
}

/// Writes the report as JSON lines.
pub(super) fn json(out: &mut impl Write, report: &Report, problems: &[String]) -> io::Result<()> {
    for room in &report.rooms {
        writeln!(out, "{}", room_json(room))?;
    }
    let shown = report.shown();
    for shown in &shown {
        writeln!(out, "{}", defect_json(report, shown))?;
    }
    for (exception, count) in report.exceptions() {
        writeln!(
            out,
            "{}",
            json!({"exception": format!("{exception:?}"), "reason": exception.reason(), "count": count})
        )?;
    }
    let sum = |of: fn(&RoomReport) -> u64| report.rooms.iter().map(of).sum::<u64>();
    let met = shown.iter().filter(|shown| shown.best.is_some());
    let total = json!({
        "holds": problems.is_empty(), "problems": problems, "rooms": report.rooms.len(), "defects": shown.len(),
        "met": met.clone().count(), "without_switch": met.filter(|shown| !is_switch(report, shown)).count(),
        "states": sum(|room| room.unique as u64), "transitions": sum(|room| room.transitions),
        "injections": sum(|room| room.injections), "seconds": report.time.as_secs_f64(),
    });
    writeln!(out, "{total}")
}

fn room_json(report: &RoomReport) -> Value {
    let ids = |met: &mut dyn Iterator<Item = &FoundDefect>| met.map(|met| met.name).collect::<Vec<_>>();
    let exceptions: serde_json::Map<String, Value> =
        report.exceptions.iter().map(|(exception, count)| (format!("{exception:?}"), json!(count))).collect();
    json!({
        "room": report.room.number, "machine": hall(report.room.hall), "facet": report.room.facet.name,
        "about": report.room.facet.about, "states": report.unique, "transitions": report.transitions,
        "injections": report.injections, "seconds": report.time.as_secs_f64(), "exceptions": exceptions,
        "met": ids(&mut report.met.iter()), "unexpected": ids(&mut report.unexpected()),
        "missing": report.missing().map(|defect| defect.id()).collect::<Vec<_>>(),
    })
}

fn defect_json(report: &Report, shown: &DefectSummary<'_>) -> Value {
    let about = shown.defect.about();
    let best = shown.best.map(|(room, met)| {
        json!({"room": room.room.number, "facet": room.room.facet.name, "steps": met.story.len(), "states": met.states,
               "seconds": met.time.as_secs_f64(), "did": met.did, "story": counterexample::lines(&met.story)})
    });
    json!({
        "defect": about.id, "title": about.title, "commit": about.commit, "release": about.release,
        "machine": machine(shown), "breaks": about.breaks, "count": shown.count, "rooms": numbers(report, shown),
        "shortest": best,
    })
}
