//! The command line: what can be asked for, and how every command ends.
//!
//! A command is a variant of `Command`, a room beside this one, and one line in `run_command`.

mod audit;
mod defects;
mod explore;
mod fuzz;
mod fuzz_qemu;
mod fuzz_sensitivity;
mod qemu;
mod replay;
mod replay_qemu;
mod replay_script;
mod run;
mod verify;
mod verify_qemu;

use crate::counterexample;
use crate::impl_subject::ImplSubject;
use crate::model_subject::ModelSubject;
use crate::story::Turn;
use crate::subject::Subject;
use crate::text::play::Stage;
use crate::text::scenario::{MOST_EDGES, MOST_NODES};
use blockgraph_model::scopes::{self, Scope};
use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Storage graphs with permissions: the crate `blockgraph` held against its formal model.
#[derive(Debug, Parser)]
#[command(name = "blockgraph", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explore the models, replay every transition on the crate, print a scoreboard.
    Verify(verify::Arguments),
    /// Play random stories on model and crate side by side, as many and as large as there is time for.
    Fuzz(fuzz::Arguments),
    /// Explore QEMU's algorithms and what they did wrong, and print the shortest counterexample of each defect.
    Defects(defects::Arguments),
    /// Walk through a model in the browser, operation by operation, with the graph drawn.
    Explore(explore::Arguments),
    /// Play a scenario file step by step, draw the graph after each, and check what the file expects.
    Replay(replay::Arguments),
    /// Read the block graph of a running QEMU, say what is wrong with it, who blocks what, and what an operation would do.
    Audit(audit::Arguments),
    /// Read operations as JSON, one a line, from standard input; write outcome and graph as JSON, one line each.
    Run(run::Arguments),
}

/// What executes operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum On {
    /// The formal model.
    Model,
    /// The crate.
    Impl,
}

/// Makes a fresh subject. The only place that knows which there are.
pub fn subject(on: On) -> Box<dyn Subject> {
    match on {
        On::Model => Box::new(ModelSubject::<MOST_NODES, MOST_EDGES>::default()),
        On::Impl => Box::new(ImplSubject::new()),
    }
}

/// Makes a stage for scenarios: `None` for model and crate side by side.
pub fn stage(on: Option<On>) -> Stage {
    let model = subject(On::Model);
    match on {
        Some(On::Model) => Stage::alone(model),
        Some(On::Impl) => Stage::beside(model, subject(On::Impl), false),
        None => Stage::beside(model, subject(On::Impl), true),
    }
}

/// Why a command ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The input is bad: one line that says where and why. Exit code 2.
    Input(String),
    /// The output failed; nobody reads it any more, or the disk is full.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

/// `Ok(true)`: all is well, `Ok(false)`: something was found.
pub(crate) type Ending = Result<bool, Stop>;

/// Runs the command of the process's arguments.
///
/// The exit code is 0 if all is well, 1 if something was found (an expectation that does not hold, a difference), 2 if
/// the input is bad.
pub fn main() -> ExitCode {
    match run_command(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Stop::Input(line)) => fail(&line),
        // Whoever closed the pipe has seen enough.
        Err(Stop::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Stop::Output(error)) => fail(&format!("cannot write: {error}")),
    }
}

fn run_command(command: Command) -> Ending {
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Defects(arguments) => defects::run(&arguments),
        Command::Explore(arguments) => explore::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    }
}

fn fail(line: &str) -> ExitCode {
    // If standard error is closed too there is nobody left to tell.
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("blockgraph: {line}\n"));
    ExitCode::from(2)
}

/// One worker thread for each.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Shows that something goes on: on a terminal only, a pipe sees nothing of it.
pub(crate) fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Writes a story to a new file, and says how to play it.
pub(crate) fn write_counterexample(
    err: &mut impl io::Write,
    folder: &Path,
    name: &str,
    story: &[Turn],
    what: &str,
) -> Result<(), Stop> {
    let path = counterexample::write(folder, name, story, what)
        .map_err(|error| Stop::Input(format!("cannot write a counterexample to {}: {error}", folder.display())))?;
    writeln!(err, "  replay it: blockgraph replay {}", path.display())?;
    Ok(())
}

/// The scope of that name, with only one of its facets if one is named. It has at least one.
pub(crate) fn scope(name: &str, facet: Option<&str>) -> Result<Scope, Stop> {
    let Some(mut scope) = scopes::scope(name) else {
        return Err(Stop::Input(format!("no scope {name:?}: there are {}", scopes::SCOPES.join(", "))));
    };
    if let Some(only) = facet {
        let names: Vec<&str> = scope.facets.iter().map(|(facet, _)| facet.name).collect();
        let there = names.join(", ");
        scope.facets.retain(|(facet, _)| facet.name == only);
        if scope.facets.is_empty() {
            return Err(Stop::Input(format!("no facet {only:?} in scope {name}: there are {there}")));
        }
    }
    Ok(scope)
}

/// Reads a whole file, `-` for standard input.
pub(crate) fn read_text(path: &str) -> Result<String, Stop> {
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|error| Stop::Input(format!("{}: {error}", shown(path))))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Stop::Input(format!("{}:{line}:{column}: the file is not UTF-8", shown(path)))
    })
}

/// A path as messages show it.
pub(crate) fn shown(path: &str) -> String {
    if path == "-" { "<stdin>".to_owned() } else { path.escape_debug().to_string() }
}
