//! `blockgraph replay`: a scenario step by step.

mod on_qemu;
mod qmp_script;
mod show;

use crate::defects::defect;
use crate::ending::{Ending, Stop};
use crate::files::{display_path, read_text};
use blockgraph_check::stages::{Side, stage};
use blockgraph_museum::defect_observer::Beside;
use blockgraph_story::text::{Scenario, json, parse};
use clap::ValueEnum;
use show::{Places, Show};
use std::io::{self, Write};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scenario, as text or as JSON; `-` for standard input.
    file: String,
    /// What to play it on.
    #[arg(long, value_enum, default_value = "both")]
    on: Where,
    /// With `--on qemu`: print the QMP commands that show the scenario, instead of playing it. No QEMU is needed or started.
    #[arg(long, conflicts_with_all = ["json", "quiet", "with"])]
    print_qmp: bool,
    /// Let the machines with this defect take each step as well, in all its variants; a step in which it shows fails.
    #[arg(long, value_name = "DEFECT")]
    with: Option<String>,
    /// Write one line of JSON for each step.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Write only what does not hold.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Where {
    /// The formal model.
    Model,
    /// The crate; the model only says which refusals are genuine.
    Impl,
    /// Both, and they must not differ.
    Both,
    /// A real qemu-storage-daemon beside the model: what QEMU answers to each step, and whether that is what the model says.
    /// Ends with 0 if it is or differs by a known rule, with 1 if not, with 2 if no qemu-storage-daemon is installed.
    Qemu,
}

/// Plays the file.
pub(super) fn run(arguments: &Arguments) -> Ending {
    let file = display_path(&arguments.file);
    let (scenario, lines) = read(&arguments.file)?;
    let qemu = matches!(arguments.on, Where::Qemu);
    match (qemu, arguments.print_qmp, &arguments.with) {
        (true, _, Some(_)) => {
            return Err(Stop::Input(
                "--with lets machines of the museum play beside model and crate, not beside QEMU".into(),
            ));
        }
        (false, true, _) => return Err(Stop::Input("--print-qmp goes with --on qemu".into())),
        (true, true, _) => return qmp_script::run(&scenario, &Places { file: &file, lines: &lines }),
        _ => {}
    }
    let on = match arguments.on {
        Where::Model | Where::Qemu => Some(Side::Model),
        Where::Impl => Some(Side::Impl),
        Where::Both => None,
    };
    let mut stage = stage(on);
    if let Some(id) = &arguments.with {
        stage = stage.with(beside(id)?);
    }
    let places = Places { file: &file, lines: &lines };
    let mut show =
        Show { out: io::stdout().lock(), scenario: &scenario, places, json: arguments.json, quiet: arguments.quiet };
    let held = if qemu { on_qemu::play(&mut show, &mut stage)? } else { show.play(&mut stage)? };
    show.out.flush()?;
    Ok(held)
}

/// The machines with a defect.
fn beside(id: &str) -> Result<Beside, Stop> {
    let defect = defect(id)?;
    Beside::with(defect).ok_or_else(|| Stop::Input(format!("no machine of the museum has {}", defect.id())))
}

/// A scenario in either spelling; a JSON one has no lines.
fn read(path: &str) -> Result<(Scenario, Vec<usize>), Stop> {
    let text = read_text(path)?;
    let read =
        if text.trim_start().starts_with('{') { json::parse(&text).map(|s| (s, Vec::new())) } else { parse(&text) };
    read.map_err(|problem| {
        let colon = if problem.place.line > 0 { ":" } else { ": " };
        Stop::Input(format!("{}{colon}{problem}", display_path(path)))
    })
}
