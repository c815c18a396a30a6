//! `blockgraph defects`: explores the museum of defects.

mod pages;
mod report;

use crate::ending::{Ending, Stop};
use crate::terminal::{cores, grouped, spinner};
use blockgraph_model::machines::museum::{Room, rooms};
use blockgraph_model::machines::{About, Defect, Hall};
use blockgraph_museum::{self, DefectSummary, Report, page};
use blockgraph_story::counterexample;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Explore the rooms of the museum, and print the shortest counterexample of each defect.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these defects, in the rooms that have them: H01, H02, …
    #[arg(long, value_name = "ID", num_args = 1.., conflicts_with = "room")]
    defect: Vec<String>,
    /// Only these rooms, by number.
    #[arg(long, value_name = "N", num_args = 1..)]
    room: Vec<usize>,
    /// The number of rooms explored at a time, each by one thread [default: the number of cores].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Print each shortest counterexample, step by step.
    #[arg(long)]
    stories: bool,
    /// Write JSON instead of the report: one object a line for each room, defect and exception, and one for the whole
    /// run.
    #[arg(long)]
    json: bool,
    /// Write each shortest counterexample to a new scenario file in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Rewrite the generated part of the pages in this folder (`NN-name.md`).
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Write nothing. A page that differs from what would be written is an error.
    #[arg(long, requires = "pages")]
    check: bool,
}

/// Runs the command. Returns `Ok(false)` if a room does not show its defects, or shows something else.
pub fn run(arguments: &Arguments) -> Ending {
    let (chosen, defects) = chosen(arguments)?;
    let pages = arguments.pages.as_deref().map(pages::read).transpose()?.unwrap_or_default();
    let threads = arguments.threads.map_or_else(cores, usize::from);
    let report = explore(chosen, defects, threads);
    let mut problems = report.problems();
    let mut out = std::io::stdout().lock();
    if let Some(folder) = &arguments.pages {
        let whole = arguments.defect.is_empty() && arguments.room.is_empty();
        problems.extend(pages::renew(folder, &pages, &report, whole, arguments.check)?);
    }
    if arguments.json {
        report::json(&mut out, &report, &problems)?;
    } else {
        report::text(&mut out, &report, arguments.stories, threads)?;
    }
    if let Some(folder) = &arguments.out {
        write_stories(folder, &report, &mut std::io::stderr().lock())?;
    }
    drop(out);
    let mut err = std::io::stderr().lock();
    for problem in &problems {
        writeln!(err, "{problem}")?;
    }
    if !arguments.json {
        let found = problems.len();
        let verdict = if found == 0 { "OK".to_owned() } else { format!("NOT OK: {found} not as expected") };
        writeln!(std::io::stdout(), "{verdict}")?;
    }
    Ok(problems.is_empty())
}

/// Returns the rooms to explore and the defects to report.
fn chosen(arguments: &Arguments) -> Result<(Vec<Room>, Vec<Defect>), Stop> {
    let mut rooms = rooms();
    if !arguments.room.is_empty() {
        if let Some(bad) = arguments.room.iter().find(|number| !rooms.iter().any(|room| room.number == **number)) {
            return Err(Stop::Input(format!("no room {bad}: there are 1 to {}", rooms.len())));
        }
        rooms.retain(|room| arguments.room.contains(&room.number));
        let here = |defect: &Defect| rooms.iter().any(|room| room.defects.contains(defect));
        let defects = Defect::ALL.iter().copied().filter(here).collect();
        return Ok((rooms, defects));
    }
    if arguments.defect.is_empty() {
        return Ok((rooms, Defect::ALL.to_vec()));
    }
    let defects = arguments.defect.iter().map(|id| defect(id)).collect::<Result<Vec<_>, Stop>>()?;
    rooms.retain(|room| room.defects.iter().any(|defect| defects.contains(defect)));
    let asked = |defect: &Defect| defects.contains(defect);
    Ok((rooms, Defect::ALL.iter().copied().filter(asked).collect()))
}

/// Returns the defect with this number.
///
/// # Errors
/// If there is no such defect.
pub(super) fn defect(id: &str) -> Result<Defect, Stop> {
    let known = || Defect::ALL.iter().map(|defect| defect.id()).collect::<Vec<_>>().join(", ");
    Defect::of(id).ok_or_else(|| Stop::Input(format!("no defect {id:?}: there are {}", known())))
}

fn explore(rooms: Vec<Room>, defects: Vec<Defect>, threads: usize) -> Report {
    let bar = spinner();
    let running: Mutex<Vec<(usize, usize)>> = Mutex::default();
    let progress = |room: usize, states: usize| {
        let mut running = running.lock().unwrap_or_else(|e| e.into_inner());
        running.retain(|(known, _)| *known != room);
        running.push((room, states));
        // The rooms whose last progress is the oldest are done.
        let now = running.len().saturating_sub(threads);
        let shown =
            running[now..].iter().map(|(room, states)| format!("room {room}: {} states", grouped(*states as u64)));
        bar.set_message(format!("{} rooms begun; {}", running.len(), shown.collect::<Vec<_>>().join(", ")));
    };
    let report = blockgraph_museum::explore(rooms, defects, threads, &progress);
    bar.finish_and_clear();
    report
}

/// Writes the story of each defect to a file of its own.
fn write_stories(folder: &Path, report: &Report, err: &mut impl Write) -> Result<(), Stop> {
    for DefectSummary { defect, best, .. } in report.shown() {
        let Some((room, met)) = best else { continue };
        let about = defect.about();
        let path = counterexample::write_with_note(folder, &about.id.to_lowercase(), &met.story, |path| {
            head(&about, room.room.hall, path)
        });
        let path = path.map_err(|error| Stop::Input(format!("cannot write to {}: {error}", folder.display())))?;
        writeln!(err, "{}: {}", about.id, replays(&about, &path))?;
    }
    Ok(())
}

/// Returns the comment at the head of a story.
fn head(about: &About, hall: Hall, path: &Path) -> String {
    let origin = page::origin(about, hall).replace('*', "");
    format!(
        "{}: {}\n{origin}\nThe machine goes wrong in the last step: {}",
        about.id,
        about.title,
        replays(about, path)
    )
}

fn replays(about: &About, path: &Path) -> String {
    format!("blockgraph replay {} --with {}", path.display(), about.id)
}
