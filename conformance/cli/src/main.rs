//! The command `blockgraph`: subcommands and exit codes.
//!
//! A subcommand is a variant of `Command`, a module, and one line in `run_command`.
#![forbid(unsafe_code)]

mod audit;
mod defects;
mod ending;
mod explore;
mod files;
mod fuzz;
mod qemu_runs;
mod replay;
mod run;
mod scope;
mod terminal;
mod verify;

use clap::{Parser, Subcommand};
use ending::{Ending, Stop};
use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// Storage graphs with permissions: the crate `blockgraph`, its formal model, and the checks between them.
#[derive(Debug, Parser)]
#[command(name = "blockgraph", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explore the models, replay every transition on the crate, and print a scoreboard.
    Verify(verify::Arguments),
    /// Play random stories on model and crate side by side.
    Fuzz(fuzz::Arguments),
    /// Explore QEMU's historical algorithms, and print the shortest counterexample of each defect.
    Defects(defects::Arguments),
    /// Walk through a model in the browser, operation by operation, with the graph drawn.
    Explore(explore::Arguments),
    /// Play a scenario file step by step, draw the graph after each step, and check the expectations of the file.
    Replay(replay::Arguments),
    /// Read the block graph of a running QEMU: what is wrong with it, what blocks what, and what an operation would do.
    Audit(audit::Arguments),
    /// Read operations as JSON lines from standard input, and write each outcome and graph as a JSON line.
    Run(run::Arguments),
}

/// Runs the subcommand that the process's arguments name.
///
/// The exit code is 0 if everything holds, 1 if something was found (an expectation that does not hold, a difference), 2 if
/// the input is bad.
fn main() -> ExitCode {
    match run_command(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Stop::Input(line)) => fail(&line),
        // The reader of the pipe has closed it and wants no more output.
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
    // If standard error is closed too, there is no place left for the message.
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("blockgraph: {line}\n"));
    ExitCode::from(2)
}
