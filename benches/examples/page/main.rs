//! Makes the tables of `specs/performance.md` from the measurements that `cargo bench` left in the target folder. Prints
//! the tables, or writes them between the two marks of the file in the first argument.

mod bench_list;
mod measured;

use bench_list::{CASES, Case, MEMORY, Of};
use measured::Measured;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

fn main() -> Result<(), Box<dyn Error>> {
    // target/release/examples/page
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("not in a target folder")?;
    let folder = std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from);
    let figures = tables(&folder)?;
    let Some(page) = std::env::args_os().nth(1) else {
        println!("{figures}");
        return Ok(());
    };
    let text = std::fs::read_to_string(&page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the page has no first mark")?;
    let (_, after) = rest.split_once(END).ok_or("the page has no second mark")?;
    std::fs::write(&page, format!("{before}{BEGIN}\n\n{figures}\n{END}{after}"))?;
    Ok(())
}

fn tables(folder: &Path) -> Result<String, Box<dyn Error>> {
    let measured = measured::all(folder)?;
    let mut text = String::from("### Against QEMU and the targets\n\n");
    text +=
        "| case | QEMU | target | ours: fastest | median | QEMU ÷ ours | verdict |\n|---|---|---|---|---|---|---|\n";
    for case in &CASES {
        row(&mut text, case, measured.get(case.id))?;
    }
    text += "\n### Memory\n\n| | QEMU | target | ours | verdict |\n|---|---|---|---|---|\n";
    for (name, value, unit) in measured::memory(folder)? {
        let known = MEMORY.iter().find(|(known, ..)| *known == name);
        let qemu = known.and_then(|known| known.1).map_or_else(|| "–".into(), |bytes| format!("{bytes} bytes"));
        let (target, verdict) = known.map_or(("–".into(), "–".into()), |(_, _, most)| {
            let ratio = value as f64 / *most as f64;
            (format!("{most} {unit}"), verdict(ratio))
        });
        writeln!(text, "| {name} | {qemu} | {target} | {value} {unit} | {verdict} |")?;
    }
    growth(&mut text, &measured)?;
    text += "\n### Other benches\n\n| bench | fastest | median |\n|---|---|---|\n";
    let rest = |(id, one): &(&String, &Measured)| one.size.is_none() && CASES.iter().all(|case| case.id != *id);
    for (id, one) in measured.iter().filter(rest) {
        let rate = one.elements.map_or_else(String::new, |count| format!(", {}", a_second(count / one.fastest * 1e9)));
        writeln!(text, "| {id} | {}{rate} | {} |", time(one.fastest), time(one.median))?;
    }
    Ok(text)
}

fn row(text: &mut String, case: &Case, measured: Option<&Measured>) -> std::fmt::Result {
    let show = |figure: f64| if matches!(case.of, Of::Rate) { a_second(figure) } else { time(figure) };
    let shown = |figure: Option<f64>| figure.map_or_else(|| "–".into(), show);
    let open = if case.qemu.is_some() { "what changes" } else { "–" };
    let (name, qemu, target) = (case.name, shown(case.qemu), case.target.map_or_else(|| open.into(), show));
    let Some(one) = measured else {
        return writeln!(text, "| {name} | {qemu} | {target} | not measured | – | – | – |");
    };
    let elements = one.elements.unwrap_or(1.0);
    let figure = |nanoseconds: f64| match case.of {
        Of::All => nanoseconds,
        Of::Half => nanoseconds / 2.0,
        Of::Each => nanoseconds / elements,
        Of::Rate => elements / nanoseconds * 1e9,
    };
    let (fastest, median) = (figure(one.fastest), figure(one.median));
    let ratio = case.qemu.map_or_else(|| "–".into(), |qemu| times(qemu / fastest));
    let missed =
        case.target.map(|target| if matches!(case.of, Of::Rate) { target / fastest } else { fastest / target });
    let verdict = missed.map_or_else(|| if case.qemu.is_some() { "see growth" } else { "–" }.into(), verdict);
    writeln!(text, "| {name} | {qemu} | {target} | {} | {} | {ratio} | {verdict} |", show(fastest), show(median))
}

/// Returns the verdict for a ratio of figure to target.
fn verdict(used: f64) -> String {
    if used <= 1.0 { "met".into() } else { format!("missed by a factor of {used:.2}") }
}

/// Appends the tables of the benches with several sizes: those with flat cost, and those with cost proportional to the
/// size.
fn growth(text: &mut String, measured: &BTreeMap<String, Measured>) -> std::fmt::Result {
    let mut series: BTreeMap<(&str, &str), Vec<&Measured>> = BTreeMap::new();
    for one in measured.values().filter(|one| one.size.is_some()) {
        series.entry((&one.group, &one.function)).or_default().push(one);
    }
    for (heading, whole) in [("one place changes: flat", false), ("everything changes: the same for each", true)] {
        writeln!(text, "\n### Growth: {heading}\n\n| bench | size: fastest | largest ÷ smallest |\n|---|---|---|")?;
        for ((group, function), sizes) in &mut series {
            if sizes.len() < 2 || sizes.iter().any(|one| one.elements.is_some() != whole) {
                continue;
            }
            sizes.sort_by_key(|one| one.size);
            let each = |one: &Measured| one.fastest / one.elements.unwrap_or(1.0);
            let cells: Vec<String> =
                sizes.iter().map(|one| format!("{}: {}", one.size.unwrap_or(0), time(each(one)))).collect();
            let ends = sizes.first().zip(sizes.last());
            let ratio = ends.map_or(0.0, |(first, last)| each(last) / each(first));
            let slash = if function.is_empty() { "" } else { " / " };
            writeln!(text, "| {group}{slash}{function} | {} | {ratio:.2} |", cells.join(" · "))?;
        }
    }
    Ok(())
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n if n < 1e9 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

fn times(ratio: f64) -> String {
    if ratio < 100.0 { format!("{ratio:.1}") } else { format!("{ratio:.0}") }
}

fn a_second(rate: f64) -> String {
    if rate < 1e6 { format!("{:.0} k/s", rate / 1e3) } else { format!("{:.2} M/s", rate / 1e6) }
}
