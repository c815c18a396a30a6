//! `blockgraph replay`: a scenario step by step.

mod on_qemu;
mod qmp_script;
mod step_writer;

use crate::defects::defect;
use crate::ending::{Ending, Stop};
use crate::files::{display_path, read_text};
use blockgraph_check::stages::{Side, stage};
use blockgraph_museum::defect_observer::DefectObserver;
use blockgraph_story::text::{Scenario, json, parse};
use clap::ValueEnum;
use std::io::{self, Write};
use step_writer::{StepPlaces, StepWriter};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scenario file, as text or as JSON; `-` for standard input.
    file: String,
    /// What to play it on.
    #[arg(long, value_enum, default_value = "both")]
    on: Where,
    /// With `--on qemu`: print the QMP commands that show the scenario, instead of playing it. This needs no QEMU.
    #[arg(long, conflicts_with_all = ["json", "quiet", "with"])]
    print_qmp: bool,
    /// Also execute each step, in all its variants, on the machines with this defect. A step in which the defect shows
    /// fails.
    #[arg(long, value_name = "DEFECT")]
    with: Option<String>,
    /// Write one JSON line for each step.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Write only expectations that do not hold.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Where {
    /// The formal model.
    Model,
    /// The crate. The model only decides which refusals are genuine.
    Impl,
    /// Model and crate, which must not differ.
    Both,
    /// A real qemu-storage-daemon beside the model: what QEMU answers to each step, and whether the model agrees. The
    /// exit code is 0 if every answer agrees or differs by a known rule, 1 if not, and 2 if no qemu-storage-daemon is
    /// installed.
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
        (true, true, _) => return qmp_script::run(&scenario, &StepPlaces { file: &file, lines: &lines }),
        _ => {}
    }
    let on = match arguments.on {
        Where::Model | Where::Qemu => Some(Side::Model),
        Where::Impl => Some(Side::Impl),
        Where::Both => None,
    };
    let mut stage = stage(on);
    if let Some(id) = &arguments.with {
        stage = stage.with(observer(id)?);
    }
    let places = StepPlaces { file: &file, lines: &lines };
    let mut show = StepWriter {
        out: io::stdout().lock(),
        scenario: &scenario,
        places,
        json: arguments.json,
        quiet: arguments.quiet,
    };
    let held = if qemu { on_qemu::play(&mut show, &mut stage)? } else { show.play(&mut stage)? };
    show.out.flush()?;
    Ok(held)
}

/// Returns an observer with the machines that have this defect.
fn observer(id: &str) -> Result<DefectObserver, Stop> {
    let defect = defect(id)?;
    DefectObserver::with(defect).ok_or_else(|| Stop::Input(format!("no machine of the museum has {}", defect.id())))
}

/// Reads a scenario in either form. A JSON scenario has no line numbers.
fn read(path: &str) -> Result<(Scenario, Vec<usize>), Stop> {
    let text = read_text(path)?;
    let read =
        if text.trim_start().starts_with('{') { json::parse(&text).map(|s| (s, Vec::new())) } else { parse(&text) };
    read.map_err(|problem| {
        let colon = if problem.place.line > 0 { ":" } else { ": " };
        Stop::Input(format!("{}{colon}{problem}", display_path(path)))
    })
}
